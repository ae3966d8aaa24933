package ddcmp

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
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
