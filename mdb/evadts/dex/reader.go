package dex

import (
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Reader reads one report: the data carrier's side of DEX (evadts 4.2). It
// repeats the read-out until a whole report came, the machine refused or its
// attempts are used up. It resets nothing (see Intervals).
type Reader struct {
	set      Settings
	wire     wire
	scan     scanner
	char     line.Timer
	guard    line.Timer
	pause    line.Timer
	restEnds time.Duration
	phase    phase
	op       byte
	slave    bool // the machine is master of exchange 1
	saved    bool // it took SD1*****SAVE
	saveTold bool // it was asked to
	attempt  int
	send     *sender
	recv     *receiver
	started  bool
	done     bool
	report   []byte
	err      error
}

type phase uint8

const (
	first  phase = iota + 1 // handshake 1
	second                  // handshake 2
	third                   // data
)

var _ line.Reader = (*Reader)(nil)

// NewReader makes a reader; ErrSettings when the settings cannot be sent.
func NewReader(s Settings) (*Reader, error) {
	s, err := s.filled()
	if err != nil {
		return nil, err
	}
	return &Reader{set: s, wire: wire{timing: s.Timing, tries: s.Tries}, scan: scanner{limit: 4 * MaxBlock}}, nil
}

// Result gives the report's bytes after Done. The error is one of package
// line's, at the step where the last attempt ended; a *Refused carries the
// machine's code.
func (r *Reader) Result() ([]byte, error) {
	if !r.done {
		return nil, fmt.Errorf("DEX read-out: not over: %w", line.ErrProtocol)
	}
	return r.report, r.err
}

// Saved reports whether the machine took SD1*****SAVE.
func (r *Reader) Saved() bool { return r.saved }

// Attempts is how many read-outs were begun.
func (r *Reader) Attempts() int { return r.attempt }

// Step implements line.Session.
func (r *Reader) Step(now time.Duration, input []byte) (a line.Action) {
	if !r.started {
		r.started = true
		r.guard.Set(now + r.set.Guard)
		r.begin(now)
	}
	for _, b := range input {
		if r.done {
			break
		}
		r.char.Set(now + r.set.Timing.Char)
		r.take(now, r.scan.push(b))
		if r.recv != nil && r.scan.open() && !r.done && !r.pause.Armed() {
			r.wire.timer.Set(now + r.set.Timing.Idle) // a block with pauses is no silence
		}
	}
	r.timers(now)
	r.wire.out.Flush(now, &a)
	if a.Done = r.done; a.Done {
		a.Wake = line.Never
		return a
	}
	a.Wake = line.Wake(&r.char, &r.guard, &r.pause, &r.wire.timer, r.wire.out.Timer())
	return a
}

// begin starts an attempt: with SAVE first where it is asked for.
func (r *Reader) begin(now time.Duration) {
	r.attempt++
	r.op = opRead
	if r.set.Intervals == Save && !r.saveTold {
		r.op = opSend
	}
	r.slave, r.phase, r.recv = false, first, nil
	r.scan.reset()
	r.wire.out.Clear()
	r.send = &sender{wire: &r.wire, step: "handshake 1", frames: [][]byte{request(r.set.CommID, r.op, r.set.Level)}}
	r.send.start(now, r.set.Timing.Turn)
}

func (r *Reader) receive(now time.Duration, step string, kind byte) {
	withhold := kind == stx && (r.set.Intervals == Withhold || r.set.Intervals == Save && !r.saved)
	r.send = nil
	r.recv = &receiver{wire: &r.wire, step: step, kind: kind, withhold: withhold, limit: r.set.MaxReport}
	r.recv.start(now, r.set.Timing.Bid)
}

func (r *Reader) take(now time.Duration, y symbol) {
	if r.pause.Armed() {
		// The machine still speaks of the last session: let it finish.
		r.pause.Set(min(now+r.set.Pause, r.restEnds))
		return
	}
	if y == nothing {
		return
	}
	if r.send != nil {
		r.after(now, r.send.symbol(now, y), y)
	} else if r.recv != nil {
		r.after(now, r.recv.symbol(now, y, &r.scan), y)
	}
}

func (r *Reader) timers(now time.Duration) {
	if r.done {
		return
	}
	if r.guard.Due(now) {
		r.end(nil, fmt.Errorf("DEX read-out, attempt %d: %w", r.attempt, line.ErrTime))
		return
	}
	if r.char.Due(now) {
		r.char.Stop()
		if r.scan.open() {
			// The rest never came. Silence lets the sender ask with ENQ.
			r.scan.reset()
			if r.recv != nil {
				r.recv.trouble = true
			}
		}
	}
	switch {
	case r.pause.Due(now):
		r.pause.Stop()
		r.begin(now)
	case r.wire.timer.Due(now) && r.send != nil:
		r.wire.timer.Stop()
		r.after(now, r.send.timeout(now), nothing)
	case r.wire.timer.Due(now) && r.recv != nil:
		r.wire.timer.Stop()
		r.after(now, r.recv.timeout(), nothing)
	}
}

// after goes where the role's verdict leads.
func (r *Reader) after(now time.Duration, v verdict, y symbol) {
	switch v {
	case finished:
		r.next(now)
	case nextBid:
		r.next(now)
		r.take(now, y)
	case collided:
		if r.phase != first {
			// It lost our ACK of the exchange before: nothing to save here.
			r.again(now, fmt.Errorf("%s, bids meet: %w", r.send.step, line.ErrProtocol))
			return
		}
		// The machine wants to be master of exchange 1: become its slave.
		r.slave = true
		r.wire.out.Clear()
		r.receive(now, "handshake 1", soh)
		r.take(now, y)
	case failed:
		r.again(now, r.wire.err)
	case goOn:
	}
}

// next begins the exchange after the one that is over.
func (r *Reader) next(now time.Duration) {
	t := r.set.Timing
	switch {
	case r.phase == first && r.slave:
		r.phase, r.recv = second, nil
		r.send = &sender{wire: &r.wire, step: "handshake 2", frames: [][]byte{response("00", r.set.CommID, r.set.Level, false)}}
		r.send.start(now, t.Exchange)
	case r.phase == first:
		r.phase = second
		r.receive(now, "handshake 2", soh)
	case r.phase == second && !r.slave && !r.accepted(now):
	case r.phase == second && r.op == opSend && !r.slave:
		r.phase, r.recv = third, nil
		r.send = &sender{wire: &r.wire, step: "SD1 SAVE", frames: Blocks(r.saveReport(), 0)}
		r.send.start(now, t.Exchange)
	case r.phase == second:
		r.phase = third
		r.receive(now, "data", stx)
	case r.op == opSend && !r.slave:
		r.saved, r.saveTold = true, true
		r.rest(now)
	default:
		r.assemble(now)
	}
}

// accepted reads handshake 2. A machine that refuses SAVE is read without it.
func (r *Reader) accepted(now time.Duration) bool {
	err := parseResponse(r.recv.blocks[0])
	if err == nil {
		return true
	}
	var no *Refused
	switch {
	case errors.As(err, &no) && r.op == opSend:
		r.saveTold = true
		r.rest(now)
	case errors.As(err, &no):
		r.end(nil, fmt.Errorf("DEX read-out: %w", err))
	default:
		r.again(now, fmt.Errorf("handshake 2: %w", err))
	}
	return false
}

func (r *Reader) saveReport() []byte {
	segments := []evadts.Segment{
		{ID: "DXS", Elements: []string{r.set.CommID, "VA", "V0/6", "1"}, End: evadts.CRLF},
		{ID: "ST", Elements: []string{"001", "0001"}, End: evadts.CRLF},
		{ID: "SD1", Elements: []string{"", "", "", "", "SAVE"}, End: evadts.CRLF},
	}
	return evadts.Append(nil, evadts.Report{Segments: segments}.Sealed())
}

// rest waits until the machine has forgotten the session, then begins anew.
func (r *Reader) rest(now time.Duration) {
	r.send, r.recv = nil, nil
	r.wire.timer.Stop()
	r.pause.Set(now + r.set.Pause)
	r.restEnds = now + longRest*r.set.Pause
}

// longRest bounds the wait for silence, in pauses: a machine that bids never is.
const longRest = 5

// again retries after a failure while attempts are left.
func (r *Reader) again(now time.Duration, err error) {
	if r.op == opSend && !r.slave {
		r.saveTold = r.attempt*2 > r.set.Attempts // half of the attempts may go on SAVE
	}
	if r.attempt >= r.set.Attempts {
		r.end(nil, fmt.Errorf("DEX read-out, attempt %d of %d: %w", r.attempt, r.set.Attempts, err))
		return
	}
	r.wire.out.Clear()
	r.rest(now)
}

func (r *Reader) end(report []byte, err error) {
	r.done, r.report, r.err = true, report, err
}
