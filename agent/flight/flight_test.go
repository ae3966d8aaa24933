package flight

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/trace/check"
)

var full = module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}

func TestWordsArePackedWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := mdb.Word{T: rapid.Int64Range(0, timeMask).Draw(t, "t"), V: rapid.Uint16Range(0, 0x1FF).Draw(t, "v"),
			Line: mdb.Line(rapid.IntRange(0, 3).Draw(t, "line")), Flags: mdb.Flags(rapid.IntRange(0, 63).Draw(t, "flags"))}
		if got := unpack(pack(w)); got != w {
			t.Fatalf("%+v became %+v", w, got)
		}
	})
}

// machine plays a written trace to recovery and recorder as the listener does.
type machine struct {
	t     *testing.T
	rec   *sales.Recovery
	r     *Recorder
	start time.Time
	now   int64
	saved int64
	told  []string
}

func newMachine(t *testing.T, c Config) *machine {
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	m := &machine{t: t, rec: sales.New(sales.ForSource(full)), r: New(c), start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	m.r.Begin(full)
	return m
}

func (m *machine) tell(es []sales.Event) {
	for _, e := range es {
		if e.Kind == sales.KindActivity {
			continue
		}
		m.told = append(m.told, fmt.Sprint(e.T, " ", check.Describe(e)))
		m.r.Event(e)
	}
}

func (m *machine) chunk(ws []mdb.Word, now int64) {
	for _, w := range ws {
		m.tell(m.rec.Word(w))
	}
	m.tell(m.rec.Advance(now))
	m.now = now
	m.r.Words(ws, now, clock.Reading{Wall: m.start.Add(time.Duration(now) * time.Microsecond)})
	if now-m.saved >= 10_000_000 {
		m.saved = now
		m.r.State(m.rec.Checkpoint())
	}
}

// play plays lines of a trace from now on.
func (m *machine) play(text string) {
	f, err := trace.Parse(strings.NewReader("trace 1\n" + text))
	if err != nil {
		m.t.Fatal(err)
	}
	timer := trace.Timer{Fidelity: trace.Full}
	shift := m.now
	for i := range f.Items {
		ws := timer.Item(nil, &f.Items[i])
		for k := range ws {
			ws[k].T += shift
		}
		m.chunk(ws, timer.Now()+shift+1)
	}
}

const startUp = `VMC 10
DEV ACK
VMC 12
DEV 00
VMC ACK
VMC 11 00 02 00 00 00
DEV 01 01 16 43 01 02 05 08
VMC ACK
VMC 14 01
DEV ACK
`

const idle = "VMC 12\nDEV ACK\nwait 1s\n"

// A vend that fails, whose money the reader can't give back; then a good one.
const disputed = `VMC 12
DEV 03 FF FF
VMC ACK
VMC 13 00 11 94 00 0C
DEV ACK
VMC 12
DEV 05 11 94
VMC ACK
VMC 13 03
DEV ACK
VMC 12
DEV 0A C0
VMC ACK
wait 2s
VMC 13 00 11 94 00 0D
DEV ACK
VMC 12
DEV 05 11 94
VMC ACK
VMC 13 02 00 0D
DEV ACK
`

func (m *machine) files() (out []string) {
	m.r.Close()
	all, err := m.r.Saved()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, f := range all {
		out = append(out, f.Name)
	}
	return out
}

// What was written can be replayed from the state recovery was in: it says the
// same again, with amounts, though the start-up is long out of the file.
func TestASliceSaysTheSameAgain(t *testing.T) {
	m := newMachine(t, Config{After: 90 * time.Second})
	m.play(startUp + strings.Repeat(idle, 300) + disputed + strings.Repeat(idle, 100))
	names := m.files()
	if len(m.told) == 0 || len(names) != 1 {
		t.Fatalf("events %v, files %v", m.told, names)
	}
	packed, err := m.r.Packed(names[0])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	f, err := trace.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if f.Header.State == nil || f.Header.Clock == "" || f.Header.Bus != "mdb" {
		t.Errorf("header %+v", f.Header)
	}
	if strings.Contains(string(text), "016 043") {
		t.Error("the slice reaches back to the start-up")
	}
	rec, err := check.New(f.Header)
	if err != nil {
		t.Fatal(err)
	}
	var again []string
	timer := trace.Timer{Fidelity: f.Header.Fidelity}
	say := func(es []sales.Event) {
		for _, e := range es {
			if e.Kind != sales.KindActivity {
				again = append(again, fmt.Sprint(e.T, " ", check.Describe(e)))
			}
		}
	}
	for i := range f.Items {
		for _, w := range timer.Item(nil, &f.Items[i]) {
			say(rec.Word(w))
		}
	}
	say(rec.Advance(timer.Now()))
	if d := cmp.Diff(m.told, again); d != "" {
		t.Errorf("%s\n%s", d, text)
	}
	if !strings.Contains(strings.Join(m.told, " "), "item 13 amount 45.00 RUB") {
		t.Errorf("told %v", m.told)
	}
}

func TestLossWritesAtOnceAndForgetsTheOldClock(t *testing.T) {
	m := newMachine(t, Config{After: time.Hour})
	m.play(startUp + "VMC 12\nDEV 03 FF FF\nVMC ACK\nVMC 13 00 11 94 00 0C\nDEV ACK\n")
	m.r.Event(sales.Event{Kind: sales.KindIncident, Code: "test", T: m.now})
	m.r.Lost("module restarted")
	m.now = 5 // a new clock
	m.r.done.Wait()
	m.play(idle)
	names := m.files()
	if len(names) != 1 || !strings.HasSuffix(names[0], "-incident-test.trace") {
		t.Fatalf("files %v", names)
	}
	b, err := os.ReadFile(filepath.Join(m.r.cfg.Dir, names[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "lost module restarted\n") || !strings.Contains(string(b), "113 000 011 094 000 00C 0C4") {
		t.Errorf("%s", b)
	}
	if f, err := m.r.Now(time.Minute, "asked"); err != nil {
		t.Error(err)
	} else if b, _ := os.ReadFile(filepath.Join(m.r.cfg.Dir, f.Name)); strings.Contains(string(b), "VMC 113") {
		t.Error("words of the old clock are in a new slice")
	}
}

// However long the bus talks, memory and disk stay within their bounds.
func TestBounds(t *testing.T) {
	m := newMachine(t, Config{Words: 256, MaxFiles: 3, MaxBytes: 1 << 20})
	for i := range 8 {
		m.play(strings.Repeat(idle, 40))
		m.r.Event(sales.Event{Kind: sales.KindIncident, Code: fmt.Sprintf("n%d", i), T: m.now})
		m.play(strings.Repeat(idle, 11))
		m.r.done.Wait()
	}
	names := m.files()
	if len(names) != 3 || !strings.Contains(names[2], "n7") || !strings.Contains(names[0], "n5") {
		t.Errorf("files %v", names)
	}
	if len(m.r.ring.buf) != 256 || len(m.r.states) > maxStates {
		t.Errorf("%d words, %d states", len(m.r.ring.buf), len(m.r.states))
	}
	if left, _ := filepath.Glob(filepath.Join(m.r.cfg.Dir, ".flight-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatIsWorthASlice(t *testing.T) {
	known := sales.Amount{Raw: 1, Scale: 1, Known: true}
	for _, c := range []struct {
		ev   sales.Event
		want bool
	}{
		{sales.Event{Kind: sales.KindSale, Class: sales.ClassA, Amount: known}, false},
		{sales.Event{Kind: sales.KindSale, Class: sales.ClassB, Amount: known}, false},
		{sales.Event{Kind: sales.KindSale, Class: sales.ClassA}, true},
		{sales.Event{Kind: sales.KindSale, Class: sales.ClassC, Amount: known}, true},
		{sales.Event{Kind: sales.KindReversal, Class: sales.ClassA, Amount: known}, true},
		{sales.Event{Kind: sales.KindIncident, Class: sales.ClassD}, true},
		{sales.Event{Kind: sales.KindActivity}, false},
	} {
		if _, got := Worth(c.ev); got != c.want {
			t.Errorf("%+v: %v", c.ev, got)
		}
	}
}

func TestOnlyOwnNamesAreOpened(t *testing.T) {
	r := New(Config{Dir: t.TempDir(), Words: 16})
	good := nameOf(job{at: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), marks: []mark{{0, "incident ../../x y"}}})
	if !ValidName(good) || At(good).IsZero() {
		t.Errorf("%q is not valid", good)
	}
	for _, n := range []string{"", ".trace", "../20260701T120000.000Z-x.trace", "20260701T120000.000Z-../x.trace", "/etc/passwd", strings.Repeat("a", 200) + ".trace"} {
		if _, err := r.Packed(n); err == nil || ValidName(n) {
			t.Errorf("%q was opened", n)
		}
	}
}

// A folder that can't be made is told and nothing more.
func TestADiskThatTakesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, Config{Dir: filepath.Join(file, "flight")})
	m.play(idle)
	m.r.Event(sales.Event{Kind: sales.KindIncident, Code: "x", T: m.now})
	m.r.Close()
	if _, err := m.r.Now(time.Minute, "asked"); err == nil {
		t.Error("no error")
	}
}

func BenchmarkWords(b *testing.B) {
	r := New(Config{Dir: b.TempDir()})
	ws, _ := mdb.AppendWords(nil, mdb.Master, 0, make([]byte, 36), 0)
	b.SetBytes(int64(len(ws)))
	b.ReportAllocs()
	for i := range b.N {
		r.Words(ws, int64(i), clock.Reading{})
	}
}
