package ddcmp

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Messages begin with one of these (evadts 5.1).
const (
	command byte = 0x77
	answer  byte = 0x88
	block   byte = 0x99

	whoAreYou byte = 0xE0
	read      byte = 0xE2
	finish    byte = 0xFF
)

type phase uint8

const (
	starting phase = iota
	who
	asking
	reading
	finishing
)

// Reader reads one report: the master's side (evadts 5). It asks for list 2,
// and if the machine answers with another list it takes the data but never
// sends FINISH, so that nothing is cleared.
type Reader struct {
	set     Settings
	link    link
	scan    scanner
	char    line.Timer
	guard   line.Timer
	pause   line.Timer
	answerT line.Timer // for STACK, and for the answer to a command
	phase   phase
	fastest int // speed still wanted
	starts  int
	attempt int
	list    byte // the machine says it reads
	length  int  // announced; -1 is unknown
	blocks  byte // number of the next one
	text    []byte
	speed   int // to change to with the next action
	begun   bool
	done    bool
	err     error
}

var _ line.Reader = (*Reader)(nil)

// NewReader makes a reader; ErrSettings when the settings cannot be sent.
func NewReader(s Settings) (*Reader, error) {
	s, err := s.filled()
	if err != nil {
		return nil, err
	}
	return &Reader{set: s, scan: scanner{limit: s.MaxMessage},
		link: link{timing: s.Timing, turn: s.Timing.Turn, station: s.Station, baud: s.Baud, tries: s.Tries}}, nil
}

// Result gives the report's bytes after Done; every one was proved by a CRC.
// The error is one of package line's, at the step where the last attempt ended.
func (r *Reader) Result() ([]byte, error) {
	if !r.done {
		return nil, fmt.Errorf("DDCMP read-out: not over: %w", line.ErrProtocol)
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.text, nil
}

// List is the list the machine said it gave; FINISH was sent for 2 alone.
func (r *Reader) List() byte { return r.list }

// Attempts is how many read-outs were begun.
func (r *Reader) Attempts() int { return r.attempt }

// Step implements line.Session.
func (r *Reader) Step(now time.Duration, input []byte) (a line.Action) {
	if !r.begun {
		r.begun, r.fastest = true, r.set.Fastest
		r.guard.Set(now + r.set.Guard)
		r.begin(now)
	}
	for _, b := range input {
		if r.done {
			break
		}
		r.char.Set(now + r.set.Timing.Char)
		if f := r.scan.push(b); f.kind != none && !r.pause.Armed() {
			r.take(now, f)
		}
	}
	if !r.done {
		r.timers(now)
	}
	r.link.out.Flush(now, &a)
	if r.speed != 0 {
		a.Speed, r.speed = r.speed, 0
	}
	if a.Done = r.done; a.Done {
		a.Wake = line.Never
		return a
	}
	a.Wake = line.Wake(&r.char, &r.guard, &r.pause, &r.answerT, &r.link.timer, r.link.out.Timer())
	return a
}

func (r *Reader) begin(now time.Duration) {
	r.attempt++
	r.starts, r.phase = 0, starting
	r.list, r.length, r.blocks, r.text = 0, -1, 0, nil
	r.link.restart()
	r.scan.reset()
	r.start(now)
}

func (r *Reader) start(now time.Duration) {
	r.starts++
	r.link.control(now, typeSTART, flag, 0, speedCode(r.fastest))
	r.answerT.Set(now + r.link.turn + r.link.air(headerLength) + r.set.Timing.Start)
}

func (r *Reader) timers(now time.Duration) {
	if r.guard.Due(now) {
		r.end(fmt.Errorf("DDCMP read-out, attempt %d, %s: %w", r.attempt, r.step(), line.ErrTime))
		return
	}
	if r.char.Due(now) {
		r.char.Stop()
		if k := r.scan.silence(); k != none && !r.pause.Armed() {
			r.take(now, frame{kind: k})
		}
	}
	switch {
	case r.pause.Due(now):
		r.pause.Stop()
		r.begin(now)
	case r.pause.Armed():
	case r.link.timer.Due(now):
		r.link.timer.Stop()
		if !r.link.repeat(now) {
			r.unheard(now)
		}
	case r.answerT.Due(now):
		r.answerT.Stop()
		switch {
		case r.phase != starting:
			r.again(now, line.ErrNoAnswer)
		case r.starts >= r.set.Starts:
			r.again(now, line.ErrNoAnswer)
		default:
			r.start(now)
		}
	}
}

// unheard: a message was never acknowledged. FINISH may be: the report is here.
func (r *Reader) unheard(now time.Duration) {
	if r.phase == finishing {
		r.end(nil)
		return
	}
	r.again(now, line.ErrNoAnswer)
}

func (r *Reader) take(now time.Duration, f frame) {
	if r.phase == starting {
		if f.kind == stack {
			r.stacked(now, f)
		}
		return
	}
	switch r.link.take(now, f) {
	case acked:
		if r.phase == finishing {
			r.end(nil)
		}
	case arrived:
		r.message(now, f)
	case gaveUp:
		if r.phase == finishing {
			r.end(nil)
			return
		}
		r.again(now, line.ErrDamaged)
	case goOn:
	}
}

// stacked takes the lower of the two speeds; another one than the present is
// proved by START and STACK at it (evadts 5.1).
func (r *Reader) stacked(now time.Duration, f frame) {
	baud := r.link.baud
	if slave := baudOf(f.a); r.fastest != 0 && slave != 0 {
		baud = min(r.fastest, slave)
	}
	if baud != r.link.baud {
		r.speed, r.link.baud, r.fastest, r.starts = baud, baud, baud, 0
		r.start(now)
		return
	}
	r.phase = who
	r.ask(now, r.whoAreYou(), r.set.Timing.Link)
}

func (r *Reader) ask(now time.Duration, text []byte, wait time.Duration) {
	r.link.say(now, text, false)
	r.answerT.Set(now + wait)
}

func (r *Reader) whoAreYou() []byte {
	b := []byte{command, whoAreYou, 0}
	b = append(append(b, r.set.Security[:]...), r.set.Password[:]...)
	if c := r.set.Clock; c.IsZero() {
		b = append(b, 0, 0, 0, 0, 0, 0)
	} else {
		b = append(b, bcd(c.Day()), bcd(int(c.Month())), bcd(c.Year()%100), bcd(c.Hour()), bcd(c.Minute()), bcd(c.Second()))
	}
	level := byte(0x0C)
	if r.set.Engineer {
		level = 0x0B
	}
	return append(append(b, r.set.User[:]...), level)
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// message is new data from the machine, already acknowledged.
func (r *Reader) message(now time.Duration, f frame) {
	r.link.acknowledged() // an answer proves that the question came
	d := f.data
	switch {
	case r.phase == who && begins(d, answer, whoAreYou):
		if len(d) < 3 || d[2] != 1 {
			r.refused("who are you")
			return
		}
		r.phase = asking
		r.ask(now, []byte{command, read, 0, securityList, 1, 0, 0, 0xFF, 0xFF}, r.set.Timing.Read)
	case r.phase == asking && begins(d, answer, read):
		if len(d) < 3 || d[2] != 1 {
			r.refused("read list 2")
			return
		}
		r.phase, r.list = reading, securityList
		if len(d) >= 4 {
			r.list = d[3]
		}
		if len(d) >= 9 && (d[7] != 0xFF || d[8] != 0xFF) {
			r.length = int(d[7]) | int(d[8])<<8
		}
		r.answerT.Set(now + r.set.Timing.Read)
	case r.phase == reading && begins(d, block, r.blocks):
		r.blocks++
		r.data(now, f)
	default:
		r.again(now, line.ErrProtocol)
	}
}

func begins(d []byte, a, b byte) bool { return len(d) >= 2 && d[0] == a && d[1] == b }

func (r *Reader) data(now time.Duration, f frame) {
	if len(r.text)+len(f.data)-2 > r.set.MaxReport {
		r.again(now, line.ErrTooLong)
		return
	}
	r.text = append(r.text, f.data[2:]...)
	r.answerT.Set(now + r.set.Timing.Read)
	if !f.last && (r.length < 0 || len(r.text) < r.length) {
		return
	}
	r.phase = finishing
	r.answerT.Stop()
	if r.list != securityList {
		// FINISH would clear its interval counters: the link dies of silence.
		r.end(nil)
		return
	}
	r.link.say(now, []byte{command, finish}, false)
}

func (r *Reader) step() string {
	return [...]string{"START", "who are you", "read list 2", "data", "FINISH"}[r.phase]
}

func (r *Reader) refused(what string) {
	r.end(fmt.Errorf("DDCMP read-out, %s: %w", what, line.ErrRefused))
}

func (r *Reader) end(err error) { r.done, r.err = true, err }

// again begins anew while attempts are left, at the first speed.
func (r *Reader) again(now time.Duration, err error) {
	if r.attempt >= r.set.Attempts {
		r.end(fmt.Errorf("DDCMP read-out, attempt %d of %d, %s: %w", r.attempt, r.set.Attempts, r.step(), err))
		return
	}
	if r.link.baud != r.set.Baud {
		r.speed, r.link.baud = r.set.Baud, r.set.Baud
	}
	if r.phase == starting {
		r.fastest = 0
	}
	r.link.restart()
	r.answerT.Stop()
	r.pause.Set(now + r.set.Pause)
}
