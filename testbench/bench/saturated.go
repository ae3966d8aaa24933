package bench

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/testbench/machine"
)

// Times of a bus that never rests, µs: words follow each other at 9600 baud,
// peripherals answer at once, and the next poll comes as soon as it may.
const (
	wordTime   = 1146 // 11 bits (mdb 1)
	answerTime = 200
	pauseTime  = 200
	quietLeast = 3*wordTime + answerTime + pauseTime // quiet worth filling
)

// saturated plays a vending machine and fills all its quiet with polls back to
// back: both lines carry what a legal bus can, while the machine sells.
type saturated struct {
	m    *machine.Machine
	emit func(mdb.Word)
	pace func(t int64) // nil: as fast as possible
	last int64         // the bus is filled up to here, µs
	next int           // whose turn it is
}

// newSaturated sets a machine up; emit takes the words in order of time.
func newSaturated(plan []machine.Column, emit func(mdb.Word), pace func(t int64)) *saturated {
	s := &saturated{emit: emit, pace: pace}
	s.m = machine.New(machine.Config{Columns: plan, Seed: 1, VendTime: 500 * time.Millisecond, Emit: emit, Pace: s.advance})
	return s
}

// polled are the devices polled in the quiet. The changer is not among them:
// while it pays out, an ACK would say that it is done.
var polled = [...]uint16{0x33, 0x12}

// advance fills the quiet up to t and follows the bus's time.
func (s *saturated) advance(t int64) {
	if t-s.last >= 2*quietLeast {
		for at := s.last + pauseTime; at+quietLeast <= t; {
			addr := polled[s.next%len(polled)]
			s.next++
			s.emit(mdb.Word{T: at, V: addr | mdb.Mode, Line: mdb.Master})
			s.emit(mdb.Word{T: at + wordTime, V: addr, Line: mdb.Master})
			at += 2*wordTime + answerTime
			s.emit(mdb.Word{T: at, V: mdb.Mode, Line: mdb.Slave})
			at += wordTime + pauseTime
			s.follow(at)
		}
	}
	s.last = t
	s.follow(t)
}

func (s *saturated) follow(t int64) {
	if s.pace != nil {
		s.pace(t)
	}
}

// tap is an interface module in real time with a saturated machine behind
// it, on a TCP port of loopback.
type tap struct {
	dev   *link.Device
	ln    net.Listener
	words atomic.Int64
	sales atomic.Int64
	batch []mdb.Word
}

// As the firmware gathers words: this many, or this long since the newest or
// the oldest, µs.
const (
	batchWords = 16
	sinceLast  = 2500
	sinceFirst = 15000
)

func newTap() (*tap, error) {
	dev, err := link.NewDevice(link.DeviceConfig{Boot: uint64(time.Now().UnixNano()) | 1, ID: [8]byte{'b', 'e', 'n', 'c', 'h'}})
	if err != nil {
		return nil, fmt.Errorf("bench: make a module: %w", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: listen for an agent: %w", err)
	}
	return &tap{dev: dev, ln: ln}, nil
}

// run serves agents and plays the machine, a sale each every, until ctx ends.
func (d *tap) run(ctx context.Context, plan []machine.Column, every time.Duration) error {
	context.AfterFunc(ctx, func() { d.ln.Close() })
	go func() {
		for {
			c, err := d.ln.Accept()
			if err != nil {
				return
			}
			go d.dev.Serve(ctx, c) //nolint:errcheck // an agent that goes away comes back
		}
	}()
	start := time.Now()
	emit := func(w mdb.Word) {
		d.words.Add(1)
		d.batch = append(d.batch, w)
	}
	s := newSaturated(plan, emit, func(t int64) {
		if n := len(d.batch); n >= batchWords || n > 0 && (t-d.batch[n-1].T >= sinceLast || t-d.batch[0].T >= sinceFirst) {
			d.dev.Feed(d.batch...)
			d.batch = d.batch[:0]
		}
		if len(d.batch) == 0 {
			d.dev.Advance(t)
		}
		if ahead := time.Duration(t)*time.Microsecond - time.Since(start); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
	})
	s.m.PowerUp()
	pays := [...]machine.Pay{machine.Cash, machine.Card}
	for n := 0; ctx.Err() == nil; n++ {
		for end := s.m.Now() + every.Microseconds(); s.m.Now() < end && ctx.Err() == nil; {
			s.m.Idle(100 * time.Millisecond)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the measurement is over
		}
		if _, err := s.m.Order(machine.Order{Pay: pays[n%2], Column: plan[n%len(plan)].Column, Outcome: machine.Sold}); err != nil {
			return fmt.Errorf("bench: sell on the saturated bus: %w", err)
		}
		d.sales.Add(1)
	}
	return nil
}
