package conformance

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Strike is one fault of the line between driver and register. Bytes and steps
// are counted from the moment the schedule begins, over all connections. A step
// is what one side sends until the other one does.
type Strike struct {
	Kind StrikeKind `json:"kind"`
	At   int        `json:"at"`             // cut: the byte of the answers after which nothing comes; others: the step, from 1
	Byte int        `json:"byte,omitempty"` // request_cut: bytes that still leave; damaged: the byte of the step that is changed
	Dies bool       `json:"dies,omitempty"` // the hub dies at that moment
}

// StrikeKind names what happens on the line.
type StrikeKind string

// Faults of the line.
const (
	AnswerCut      StrikeKind = "answer_cut"      // the connection ends after so many bytes of answers
	AnswerLost     StrikeKind = "answer_lost"     // a step of answers does not come
	AnswerRepeated StrikeKind = "answer_repeated" // it comes once more, before the answer to the next request
	AnswerDelayed  StrikeKind = "answer_delayed"  // it comes after the driver has sent its next request; on a serial port into the next conversation
	AnswerDamaged  StrikeKind = "answer_damaged"  // a bit of it changes
	RequestLost    StrikeKind = "request_lost"    // a request does not arrive
	RequestCut     StrikeKind = "request_cut"     // the connection ends inside a request
)

// line is the way to the register, broken by order.
type line struct {
	mu       sync.Mutex
	serial   bool
	armed    bool
	strikes  []Strike
	struck   map[StrikeKind]int
	died     bool
	answered int    // bytes
	heard    int    // steps of answers
	asked    int    // steps of requests: writes
	speaking bool   // the last to send was the register
	late     []byte // what a serial port still holds for the next conversation
}

// arm begins a schedule: counts start anew.
func (l *line) arm(strikes []Strike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed, l.strikes, l.struck = true, slices.Clone(strikes), map[StrikeKind]int{}
	l.answered, l.heard, l.asked, l.speaking, l.late, l.died = 0, 0, 0, false, nil, false
}

// disarm ends it.
func (l *line) disarm() map[StrikeKind]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed, l.strikes, l.late = false, nil, nil
	return l.struck
}

// diedNow says once that the hub died at a strike.
func (l *line) diedNow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.died
	l.died = false
	return d
}

// places are how many places for strikes a run had.
type places struct{ Bytes, Answers, Requests int }

func (l *line) places() places {
	l.mu.Lock()
	defer l.mu.Unlock()
	return places{l.answered, l.heard, l.asked}
}

// take removes and returns the strike of a kind at a place. mu is held.
func (l *line) take(at int, kinds ...StrikeKind) (Strike, bool) {
	for i, s := range l.strikes {
		for _, k := range kinds {
			if s.Kind == k && s.At == at {
				l.strikes = append(l.strikes[:i], l.strikes[i+1:]...)
				l.struck[k]++
				l.died = l.died || s.Dies
				return s, true
			}
		}
	}
	return Strike{}, false
}

// options make a driver speak over the line.
func (l *line) options() kkt.Options {
	o := kkt.Options{}.Filled()
	dial, open := o.Dial, o.Serial
	o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return l.wrap(c), nil
	}
	o.Serial = func(ctx context.Context, path string, baud int) (net.Conn, error) {
		c, err := open(ctx, path, baud)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.serial = true
		l.mu.Unlock()
		return l.wrap(c), nil
	}
	return o
}

func (l *line) wrap(c net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &struckConn{Conn: c, l: l, in: l.late}
	l.late = nil
	return w
}

// struckConn is one connection of a line.
type struckConn struct {
	net.Conn
	l      *line
	in     []byte // to be read before the connection's own bytes
	held   []byte // waits for the next request
	fate   StrikeKind
	strike Strike
	over   bool
}

// Write sends a request, or what a strike leaves of it.
func (c *struckConn) Write(b []byte) (int, error) {
	c.l.mu.Lock()
	if !c.l.armed {
		c.l.mu.Unlock()
		return c.Conn.Write(b)
	}
	c.l.asked++
	c.l.speaking, c.fate = false, ""
	c.in, c.held = append(c.in, c.held...), nil
	s, hit := c.l.take(c.l.asked, RequestLost, RequestCut)
	c.l.mu.Unlock()
	switch {
	case !hit:
		return c.Conn.Write(b)
	case s.Kind == RequestLost:
		return len(b), nil
	}
	n, err := c.Conn.Write(b[:min(s.Byte, len(b))])
	c.end()
	if err == nil {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Read gives answers, or what a strike leaves of them.
func (c *struckConn) Read(b []byte) (int, error) {
	for {
		c.l.mu.Lock()
		if len(c.in) > 0 {
			n := copy(b, c.in)
			c.in = c.in[n:]
			c.l.mu.Unlock()
			return n, nil
		}
		over := c.over
		c.l.mu.Unlock()
		if over {
			return 0, io.EOF
		}
		n, err := c.Conn.Read(b)
		if n == 0 && err != nil {
			return 0, err
		}
		if n = c.pass(b[:n]); n > 0 {
			return n, nil
		}
	}
}

// pass lets bytes of the register through: how many of them the driver sees.
func (c *struckConn) pass(b []byte) int {
	l := c.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.armed {
		return len(b)
	}
	if !l.speaking {
		l.speaking = true
		l.heard++
		if s, ok := l.take(l.heard, AnswerLost, AnswerRepeated, AnswerDelayed, AnswerDamaged); ok {
			c.fate, c.strike = s.Kind, s
		}
	}
	switch c.fate {
	case AnswerLost:
		return 0
	case AnswerDelayed:
		c.held = append(c.held, b...)
		return 0
	case AnswerRepeated:
		c.held = append(c.held, b...)
	case AnswerDamaged:
		b[c.strike.Byte%len(b)] ^= 1 << (c.strike.Byte % 7)
		c.fate = ""
	}
	for i := range b {
		l.answered++
		if _, ok := l.take(l.answered, AnswerCut); ok {
			c.over = true
			_ = c.Conn.Close()
			return i + 1
		}
	}
	return len(b)
}

func (c *struckConn) end() {
	c.l.mu.Lock()
	c.over = true
	c.l.mu.Unlock()
	_ = c.Conn.Close()
}

// Close ends the conversation. A serial port has no end of conversations: what
// is still under way is heard in the next one.
func (c *struckConn) Close() error {
	c.l.mu.Lock()
	if c.l.serial && c.l.armed {
		c.l.late = append(c.l.late, c.held...)
	}
	c.held = nil
	c.l.mu.Unlock()
	return c.Conn.Close()
}
