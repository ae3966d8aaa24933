package dex

import (
	"bytes"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// verdict is what a role says after a symbol or a timer.
type verdict uint8

const (
	goOn     verdict = iota
	finished         // the exchange is over
	collided         // the other side bids too (evadts 4.2, machines that are master of exchange 1)
	nextBid          // the EOT was lost and the next exchange begins
	failed           // err says how
)

// wire is what both roles of one side share.
type wire struct {
	timing Timing
	tries  int
	out    line.Outbox
	timer  line.Timer // answer of a sender, silence of a receiver
	err    error
}

func (w *wire) put(now, after time.Duration, b ...byte) time.Duration {
	at := now + after
	w.out.Put(at, b...)
	return at
}

func (w *wire) fail(step string, err error) verdict {
	w.err = fmt.Errorf("%s: %w", step, err)
	return failed
}

// byteTime is a byte on the wire: ten bits at 9600 baud.
const byteTime = 10 * time.Second / 9600

// sender is the master of an exchange: ENQ, frames, EOT.
type sender struct {
	*wire
	step   string
	frames [][]byte
	at     int // frames sent; 0 while bidding
	again  int
}

func (s *sender) start(now, after time.Duration) {
	s.timer.Set(s.put(now, after, enq) + s.timing.Answer)
}

func (s *sender) send(now time.Duration) {
	frame := s.frames[s.at-1]
	s.timer.Set(s.put(now, s.timing.Turn, frame...) + time.Duration(len(frame))*byteTime + s.timing.Answer)
}

func (s *sender) ask(now time.Duration) {
	s.timer.Set(s.put(now, s.timing.Turn, enq) + s.timing.Answer)
}

func (s *sender) repeat(now time.Duration, how func(time.Duration)) verdict {
	if s.again++; s.again > s.tries {
		return s.fail(s.step, line.ErrNoAnswer)
	}
	how(now)
	return goOn
}

func (s *sender) symbol(now time.Duration, y symbol) verdict {
	switch y {
	case symACK0, symACK1:
		return s.ack(now, int(y-symACK0))
	case symNAK:
		if s.at == 0 {
			return s.repeat(now, s.ask)
		}
		return s.repeat(now, s.send)
	case symWACK:
		// The receiver is not ready: wait, then ENQ asks again (evadts 4.3).
		return s.repeat(now, func(now time.Duration) { s.timer.Set(now + s.timing.WACK) })
	case symENQ:
		if s.at == 0 {
			return collided
		}
	case symEOT:
		if s.at > 0 {
			return s.fail(s.step, line.ErrBroken)
		}
	case nothing, symFrame, symBroken, symNoise:
	}
	return goOn
}

func (s *sender) ack(now time.Duration, number int) verdict {
	if s.at == 0 {
		if number == 0 {
			s.at, s.again = 1, 0
			s.send(now)
		}
		return goOn
	}
	if number != s.at&1 {
		return s.repeat(now, s.send) // the last frame did not arrive
	}
	if s.at == len(s.frames) {
		s.timer.Stop()
		s.put(now, s.timing.Turn, eot)
		return finished
	}
	s.at, s.again = s.at+1, 0
	s.send(now)
	return goOn
}

// timeout asks with ENQ for the last ACK, or bids again.
func (s *sender) timeout(now time.Duration) verdict { return s.repeat(now, s.ask) }

// receiver is the slave of an exchange.
type receiver struct {
	*wire
	step     string
	kind     byte // soh or stx
	withhold bool // leave the last block without an ACK
	limit    int  // bytes of all blocks

	opened   bool // ENQ was heard
	complete bool // the block with ETX is here
	ackOdd   bool // number of the last ACK
	bids     int  // ENQs since it was complete
	bad      int
	blocks   [][]byte
	suspects []int // blocks that repeat the one before byte for byte
	trouble  bool  // something was lost, changed or repeated
	size     int
}

// start waits for the other side's ENQ.
func (r *receiver) start(now, bid time.Duration) { r.timer.Set(now + bid) }

func (r *receiver) ack(now time.Duration) {
	n := byte('0')
	if r.ackOdd {
		n = '1'
	}
	r.timer.Set(r.put(now, r.timing.Turn, dle, n) + r.timing.Idle)
}

func (r *receiver) symbol(now time.Duration, y symbol, sc *scanner) verdict {
	switch y {
	case symENQ:
		return r.enq(now)
	case symFrame:
		if r.opened {
			return r.frame(now, sc)
		}
	case symBroken:
		if r.opened {
			r.trouble = true
			if r.bad++; r.bad > r.tries {
				return r.fail(r.step, line.ErrDamaged)
			}
			r.timer.Set(r.put(now, r.timing.Turn, nak) + r.timing.Idle)
		}
	case symEOT:
		if r.complete {
			return finished
		}
		if r.opened {
			return r.fail(r.step, line.ErrBroken)
		}
	case symNoise:
		r.trouble = r.trouble || r.opened && r.kind == stx
	case nothing, symNAK, symACK0, symACK1, symWACK:
	}
	return goOn
}

// enq is a bid, or asks for the last ACK once more.
func (r *receiver) enq(now time.Duration) verdict {
	if r.opened {
		r.trouble = true
	}
	if r.complete {
		if r.bids++; r.bids > 1 && r.kind == soh {
			return nextBid
		}
	}
	r.opened = true
	r.ack(now)
	return goOn
}

func (r *receiver) frame(now time.Duration, sc *scanner) verdict {
	if sc.start != r.kind {
		return r.fail(r.step, line.ErrProtocol)
	}
	last := len(r.blocks) - 1
	same := last >= 0 && bytes.Equal(r.blocks[last], sc.payload)
	switch {
	case same && (r.complete || r.kind == soh):
		r.trouble = true // our ACK was lost: give it again
		r.ack(now)
		return goOn
	case r.complete:
		return r.fail(r.step, line.ErrProtocol)
	case same:
		// Blocks carry no number. Either our ACK was lost, or the report
		// repeats itself: the seal decides in the end. Turning the ACK
		// each time is right every second time at the latest.
		r.suspects = append(r.suspects, last+1)
		r.trouble = true
	}
	if r.size += len(sc.payload); r.size > r.limit {
		return r.fail(r.step, line.ErrTooLong)
	}
	r.blocks = append(r.blocks, append([]byte(nil), sc.payload...))
	r.ackOdd = !r.ackOdd
	r.complete = sc.end == etx
	if r.complete && r.withhold {
		r.timer.Stop()
		return finished
	}
	r.ack(now)
	return goOn
}

// timeout is silence: fine once everything is here, for the EOT may be lost.
func (r *receiver) timeout() verdict {
	switch {
	case r.complete:
		return finished
	case r.trouble:
		return r.fail(r.step, line.ErrDamaged)
	}
	return r.fail(r.step, line.ErrNoAnswer)
}
