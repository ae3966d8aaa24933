// Package line runs the read-out sessions of dex and ddcmp: the seam they
// share, a shell that drives one over a port, and a wire without time for
// tests. A session is a pure machine; only Run knows a clock.
package line

import (
	"errors"
	"time"
)

// How a read-out fails. Both protocols use the same names; the session's own
// error says at which step.
var (
	ErrNoAnswer = errors.New("no answer")                                // nothing that could be understood came in time
	ErrRefused  = errors.New("the machine refused")                      // it said so itself
	ErrDamaged  = errors.New("damaged beyond repair by repetition")      // bytes were lost or changed and retries did not help
	ErrTooLong  = errors.New("longer than an audit report can be")       // more than Settings allow
	ErrBroken   = errors.New("the machine broke the exchange off")       // it ended before its data did
	ErrProtocol = errors.New("the machine said what the protocol lacks") // well-formed, out of place
	ErrTime     = errors.New("the read-out took too long")               // the overall guard
)

// Action is what a session wants done. Send goes first, then the speed
// changes. Without input, Step is wanted again at Wake.
type Action struct {
	Send  []byte        // nil for nothing; valid until the next Step
	Speed int           // baud to change to once Send has left; 0 keeps it
	Wake  time.Duration // on the session's clock; Never for no timer
	Done  bool          // the session is over, Result tells how
}

// Never is a Wake that does not come.
const Never = time.Duration(1<<63 - 1)

// Session is either side of a protocol. Step takes the bytes that came until
// now (none at a timer) and says what to do. The clock is any that only goes
// forward. How bytes are split over calls at one moment changes nothing.
type Session interface {
	Step(now time.Duration, input []byte) Action
}

// Reader is a session that ends with a report: the bytes as the machine sent
// them, or an error that is one of this package's.
type Reader interface {
	Session
	Result() ([]byte, error)
}

// Timer is the earliest of moments; its zero value is none.
type Timer struct {
	at  time.Duration
	set bool
}

// Set arms the timer, Stop disarms it.
func (t *Timer) Set(at time.Duration) { t.at, t.set = at, true }

// Stop disarms the timer.
func (t *Timer) Stop() { t.set = false }

// Due reports whether an armed timer has come.
func (t *Timer) Due(now time.Duration) bool { return t.set && now >= t.at }

// Armed reports whether it is set.
func (t *Timer) Armed() bool { return t.set }

// Wake is the earliest of the armed timers.
func Wake(ts ...*Timer) time.Duration {
	w := Never
	for _, t := range ts {
		if t.set {
			w = min(w, t.at)
		}
	}
	return w
}
