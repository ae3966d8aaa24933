package exe

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
)

// link plays both roles against each other in steps of a millisecond.
type link struct {
	m       *Master
	s       Slave
	t       int64
	news    []News
	said    []byte
	shown   []Display
	asked   int                        // VENDs that reached the machine
	damage  func(line mdb.Line) uint16 // bits to flip of the next word
	lose    func(line mdb.Line) bool
	vending time.Duration
	result  bool

	pending []mdb.Word // answers on their way
	done    int64      // when the running vend ends
}

func newLink() *link {
	return &link{m: NewMaster(Timing{}), result: true, vending: 3 * time.Second,
		damage: func(mdb.Line) uint16 { return 0 }, lose: func(mdb.Line) bool { return false }}
}

func (l *link) tell(n News) {
	if n.Told != ToldNothing {
		l.news = append(l.news, n)
	}
}

func (l *link) reply(b byte) {
	if !l.lose(mdb.EXESlave) {
		l.pending = append(l.pending, mdb.Word{T: l.t + 3000, V: Word(b) ^ l.damage(mdb.EXESlave), Line: mdb.EXESlave})
	}
}

func (l *link) run(d time.Duration) {
	for end := l.t + d.Microseconds(); l.t < end; l.t += 1000 {
		if l.s.Vending() && l.t >= l.done {
			l.reply(l.s.Vended(l.result))
		}
		for len(l.pending) > 0 && l.pending[0].T <= l.t {
			l.tell(l.m.Word(l.pending[0]))
			l.pending = l.pending[1:]
		}
		b, ok, news := l.m.Step(l.t)
		l.tell(news)
		if !ok {
			continue
		}
		l.said = append(l.said, b)
		if l.lose(mdb.EXEMaster) {
			continue
		}
		a, reply, asked := l.s.Word(mdb.Word{T: l.t, V: Word(b) ^ l.damage(mdb.EXEMaster), Line: mdb.EXEMaster})
		switch asked {
		case AskedToVend:
			l.asked++
			l.done = l.t + l.vending.Microseconds()
		case AskedToShow:
			l.shown = append(l.shown, l.s.Shows())
		case AskedNothing, AskedRequest:
		}
		if reply {
			l.reply(a)
		}
	}
}

// until something is told, at most a second.
func (l *link) until(what Told) {
	for range 1000 {
		if l.run(time.Millisecond); len(l.news) > 0 && l.news[len(l.news)-1].Told == what {
			return
		}
	}
}

func told(ns []News) (out []Told) {
	for _, n := range ns {
		out = append(out, n.Told)
	}
	return out
}

func TestRolesSell(t *testing.T) {
	l := newLink()
	price := Display{Units: 45, Scale: 100, Decimals: 2}
	l.run(time.Second)
	l.s.Request(8)
	l.until(ToldRequest)
	l.m.Show(price)
	l.run(500 * time.Millisecond)
	l.m.Quiet(true)
	before := len(l.said)
	l.run(30 * time.Second)
	if len(l.said) != before {
		t.Errorf("%d bytes said while a card is asked for", len(l.said)-before)
	}
	l.m.Vend()
	l.run(10 * time.Second)
	l.m.Quiet(false)
	l.run(5 * time.Second)
	want := []Told{ToldState, ToldRequest, ToldShown, ToldVended}
	if got := told(l.news); !slices.Equal(got, want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	if l.news[1].Line != 8 || l.news[3].Result != Delivered || l.asked != 1 || !slices.Equal(l.shown, []Display{price}) {
		t.Errorf("%+v, asked %d, shown %v", l.news, l.asked, l.shown)
	}
}

func TestRolesFailedVend(t *testing.T) {
	l := newLink()
	l.result = false
	l.m.Vend()
	l.run(5 * time.Second)
	if n := l.news[0]; n.Told != ToldVended || n.Result != Failed {
		t.Errorf("%+v", l.news)
	}
}

// An inhibited machine is asked for its state alone (exe 6.1).
func TestRolesInhibited(t *testing.T) {
	l := newLink()
	l.s.State.Inhibited = true
	l.s.Request(3)
	l.run(3 * time.Second)
	if slices.Contains(l.said, Credit.Byte()) {
		t.Error("CREDIT to an inhibited machine")
	}
	l.s.State.Inhibited = false
	l.until(ToldRequest)
	if n := l.news[len(l.news)-1]; n.Told != ToldRequest || n.Line != 3 {
		t.Errorf("%+v", l.news)
	}
}

// People get 1.5 s to read what is shown: STATUS only.
func TestRolesReading(t *testing.T) {
	l := newLink()
	l.run(time.Second)
	l.m.Show(Display{Units: 1, Scale: 1})
	l.run(200 * time.Millisecond)
	from := len(l.said)
	l.run(1200 * time.Millisecond)
	if slices.Contains(l.said[from:], Credit.Byte()) {
		t.Error("CREDIT while the display is read")
	}
	l.run(time.Second)
	if !slices.Contains(l.said[from:], Credit.Byte()) {
		t.Error("no CREDIT afterwards")
	}
}

func TestRolesWithdrawn(t *testing.T) {
	l := newLink()
	l.s.Request(8)
	l.run(time.Second)
	if got := told(l.news); !slices.Equal(got, []Told{ToldState, ToldRequest, ToldWithdrawn}) {
		t.Errorf("told %v: a line is said once, then FEh", got)
	}
}

// VEND waits 180 s, then nobody knows (exe 9).
func TestRolesVendWithoutAnswer(t *testing.T) {
	l := newLink()
	l.vending = time.Hour
	l.m.Vend()
	l.run(179 * time.Second)
	if slices.Contains(told(l.news), ToldUnknown) {
		t.Fatal("given up too early")
	}
	l.run(3 * time.Second)
	if !slices.Contains(told(l.news), ToldUnknown) {
		t.Errorf("%+v", l.news)
	}
}

func TestRolesSilentMachine(t *testing.T) {
	l := newLink()
	l.run(time.Second)
	l.lose = func(mdb.Line) bool { return true }
	l.m.Show(Display{Units: 1, Scale: 1})
	l.run(20 * time.Second)
	got := told(l.news)
	if !slices.Equal(got, []Told{ToldState, ToldDown, ToldUnshown}) && !slices.Equal(got, []Told{ToldState, ToldUnshown, ToldDown}) {
		t.Errorf("told %v", got)
	}
	l.lose = func(mdb.Line) bool { return false }
	l.run(time.Second)
	if l.news[len(l.news)-1].Told != ToldState {
		t.Errorf("told %v after the machine came back", told(l.news))
	}
}

// A byte answered PNAK is said up to five times more (exe 4.5).
func TestRolesRepeatAfterPNAK(t *testing.T) {
	l := newLink()
	left := 0
	l.damage = func(line mdb.Line) uint16 {
		if line == mdb.EXEMaster && left > 0 {
			left--
			return 1
		}
		return 0
	}
	l.run(time.Second)
	left = 5
	l.m.Vend()
	l.run(5 * time.Second)
	if n := l.news[len(l.news)-1]; n.Told != ToldVended || n.Result != Delivered || l.asked != 1 {
		t.Errorf("five damaged: %+v", l.news)
	}
	left = 6
	l.m.Vend()
	l.run(5 * time.Second)
	if n := l.news[len(l.news)-1]; n.Told != ToldVended || n.Result != Refused || l.asked != 1 {
		t.Errorf("six damaged: %+v, asked %d", n, l.asked)
	}
}

// Service commands and their answers go through as they are.
func TestRolesServiceCommands(t *testing.T) {
	l := newLink()
	l.s.Identity = 0x5A
	l.run(300 * time.Millisecond)
	for _, c := range []Command{Identify, Audit, SendAuditAddress, SendAuditData} {
		l.m.Ask(c)
		l.run(300 * time.Millisecond)
		if n := l.news[len(l.news)-1]; n.Told != ToldAnswer || n.Answer != 0x5A {
			t.Errorf("%s: %+v", c, n)
		}
	}
	for range 4 {
		l.m.Ask(Identify)
	}
	if l.m.Ask(Identify) {
		t.Error("a fifth command was queued")
	}
}

func TestMasterShowsWhatCanBeSaid(t *testing.T) {
	m := NewMaster(Timing{})
	for _, d := range []Display{{}, {Scale: 1, Decimals: 4}} {
		if m.Show(d) {
			t.Errorf("%+v was taken", d)
		}
	}
}

func TestSlaveAnswersOnlyItsOwn(t *testing.T) {
	var s Slave
	for _, b := range []byte{0x51, 0x73, 0x11, 0xF3, 0x00} {
		if _, reply, _ := s.Word(mdb.Word{V: Word(b), Line: mdb.EXEMaster}); reply {
			t.Errorf("%02X was answered", b)
		}
	}
	if _, reply, _ := s.Word(mdb.Word{V: Word(0x31), Line: mdb.EXESlave}); reply {
		t.Error("its own line was answered")
	}
	if a, reply, _ := s.Word(mdb.Word{V: Word(0x31) ^ 1, Line: mdb.EXEMaster}); !reply || a != PNAK {
		t.Error("a damaged byte needs PNAK")
	}
	if s.Request(0xFB) {
		t.Error("a line that cannot be said was queued")
	}
}

// On a bad line the machine never vends twice for one VEND of the application,
// a delivery told is one that was, and what was shown is what was meant.
func TestRolesOnABadLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLink()
		one := rapid.IntRange(5, 200).Draw(t, "one damaged in")
		dice := rapid.IntRange(1, one)
		l.damage = func(mdb.Line) uint16 {
			if dice.Draw(t, "damage") == 1 {
				return 1 << rapid.IntRange(0, 8).Draw(t, "bit")
			}
			return 0
		}
		l.result = rapid.Bool().Draw(t, "result")
		l.run(500 * time.Millisecond)
		for i := range rapid.IntRange(1, 3).Draw(t, "vends") {
			d := someDisplay(t)
			l.shown = nil
			l.m.Show(d)
			l.run(12 * time.Second)
			asked, from := l.asked, len(l.news)
			for _, got := range l.shown {
				if got != d {
					t.Fatalf("shown %+v, meant %+v", got, d)
				}
			}
			l.m.Vend()
			l.run(8 * time.Second)
			if l.asked-asked > 1 {
				t.Fatalf("vend %d: the machine vended %d times", i, l.asked-asked)
			}
			for _, n := range l.news[from:] {
				if n.Told == ToldVended && n.Result == Delivered && (l.asked == asked || !l.result) {
					t.Fatalf("vend %d: a delivery was told that was none", i)
				}
				if n.Told == ToldVended && n.Result == Refused && l.asked != asked {
					t.Fatalf("vend %d: refused, yet the machine vended", i)
				}
			}
		}
	})
}
