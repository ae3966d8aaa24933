package dex

import (
	"bytes"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Play is what a Machine does on the bench. Quirks are those of evadts 4.2, 4.3.
type Play struct {
	CommID     string // ten characters
	Level      string
	Report     []byte
	Fresh      func() []byte // asked at each read-out, instead of Report
	BlockSize  int           // 0 is MaxBlock
	Bids       bool          // master of exchange 1: older controllers, changers
	Refuse     string        // code of handshake 2 for reads; "" accepts
	RefuseSend string        // the same for configuration
	CodeBehind bool          // handshake 2 as the example of Spec 4.7 prints it
	TrailCRLF  bool          // CR LF inside handshake 2: CoinCo Global2
	Busy       int           // so many WACKs before an ENQ is taken
	Timing     Timing
}

// Machine is the machine's side of DEX: a virtual audit port for tests. It
// counts what happened to it.
type Machine struct {
	play  Play
	wire  wire
	scan  scanner
	char  line.Timer
	phase phase
	op    byte
	busy  int
	send  *sender
	recv  *receiver
	quit  line.Timer // the next session of a machine that bids
	began bool

	Reads   int  // whole read-outs
	Cleared int  // of them those that cleared the interval counters
	Saved   bool // SD1*****SAVE was taken
	Broken  int  // sessions that failed
}

var _ line.Session = (*Machine)(nil)

// NewMachine makes a machine; ErrSettings when it cannot be played.
func NewMachine(p Play) (*Machine, error) {
	if p.Level == "" {
		p.Level = "R00L06"
	}
	if err := checkNames(p.CommID, p.Level); err != nil {
		return nil, err
	}
	p.Timing = p.Timing.filled()
	return &Machine{play: p, busy: p.Busy, wire: wire{timing: p.Timing, tries: 5}, scan: scanner{limit: 4 * MaxBlock}}, nil
}

// Step implements line.Session. A machine is never done.
func (m *Machine) Step(now time.Duration, input []byte) (a line.Action) {
	if !m.began {
		m.began = true
		m.idle(now)
	}
	for _, b := range input {
		m.char.Set(now + m.play.Timing.Char)
		m.take(now, m.scan.push(b))
	}
	if m.char.Due(now) {
		m.char.Stop()
		m.scan.reset()
	}
	switch {
	case m.quit.Due(now):
		m.quit.Stop()
		m.bid(now)
	case m.wire.timer.Due(now) && m.send != nil:
		m.wire.timer.Stop()
		m.after(now, m.send.timeout(now), nothing)
	case m.wire.timer.Due(now) && m.recv != nil:
		m.wire.timer.Stop()
		m.after(now, m.recv.timeout(), nothing)
	}
	m.wire.out.Flush(now, &a)
	a.Wake = line.Wake(&m.char, &m.wire.timer, &m.quit, m.wire.out.Timer())
	return a
}

// idle waits for the plug: for ENQ, or bids where the machine does so.
func (m *Machine) idle(now time.Duration) {
	m.phase, m.send, m.op = first, nil, 0
	m.wire.timer.Stop()
	m.recv = &receiver{wire: &m.wire, step: "handshake 1", kind: soh, limit: MaxBlock}
	if m.play.Bids {
		m.quit.Set(now + m.play.Timing.Idle)
	}
}

func (m *Machine) bid(now time.Duration) {
	m.phase, m.recv = first, nil
	m.send = &sender{wire: &m.wire, step: "handshake 1", frames: [][]byte{request(m.play.CommID, opSend, m.play.Level)}}
	m.send.start(now, 0)
}

func (m *Machine) take(now time.Duration, y symbol) {
	switch {
	case y == nothing:
	case m.send != nil:
		m.after(now, m.send.symbol(now, y), y)
	case m.recv != nil:
		if y == symENQ && m.busy > 0 {
			m.busy--
			m.wire.put(now, m.play.Timing.Turn, dle, ';')
			return
		}
		if m.play.Bids && m.phase == first {
			return // deaf until it has bid itself
		}
		m.after(now, m.recv.symbol(now, y, &m.scan), y)
	}
}

func (m *Machine) after(now time.Duration, v verdict, y symbol) {
	switch v {
	case finished:
		m.next(now)
	case nextBid:
		m.next(now)
		m.take(now, y)
	case failed:
		m.Broken++
		m.idle(now)
	case collided, goOn:
	}
}

func (m *Machine) next(now time.Duration) {
	switch {
	case m.phase == first && m.play.Bids:
		m.phase, m.send = second, nil
		m.recv = &receiver{wire: &m.wire, step: "handshake 2", kind: soh, limit: MaxBlock}
		m.recv.start(now, m.play.Timing.Bid)
	case m.phase == first:
		_, op, err := parseRequest(m.recv.blocks[0])
		if err != nil || op != opRead && op != opSend {
			m.Broken++
			m.idle(now)
			return
		}
		m.phase, m.op = second, op
		m.transmit(now, "handshake 2", [][]byte{m.answer()})
	case m.phase == second && m.refusal() != "":
		m.idle(now)
	case m.phase == second && m.op == opSend:
		m.phase, m.send = third, nil
		m.recv = &receiver{wire: &m.wire, step: "configuration", kind: stx, limit: 1 << 16}
		m.recv.start(now, m.play.Timing.Bid)
	case m.phase == second:
		m.phase = third
		m.transmit(now, "data", Blocks(m.report(), m.play.BlockSize))
	case m.op == opSend:
		m.configure(joined(m.recv.blocks, nil))
		m.idle(now)
	default:
		m.Reads++
		if !m.Saved {
			m.Cleared++
		}
		m.idle(now)
	}
}

func (m *Machine) transmit(now time.Duration, step string, frames [][]byte) {
	m.recv = nil
	m.send = &sender{wire: &m.wire, step: step, frames: frames}
	m.send.start(now, m.play.Timing.Exchange)
}

func (m *Machine) report() []byte {
	if m.play.Fresh != nil {
		return m.play.Fresh()
	}
	return m.play.Report
}

func (m *Machine) refusal() string {
	switch m.op {
	case opSend:
		return m.play.RefuseSend
	case opRead:
		return m.play.Refuse
	}
	return ""
}

func (m *Machine) answer() []byte {
	code := m.refusal()
	if code == "" {
		code = "00"
	}
	if !m.play.TrailCRLF {
		return response(code, m.play.CommID, m.play.Level, m.play.CodeBehind)
	}
	return AppendFrame(nil, soh, fmt.Appendf(nil, "%s%s%s\r\n", code, m.play.CommID, m.play.Level), true)
}

// configure takes SD105 of a configuration transfer (Spec 2.6.1).
func (m *Machine) configure(text []byte) {
	if !bytes.Contains(text, []byte("SD1*")) {
		return
	}
	if reports, err := evadts.Parse(text); err == nil {
		m.Saved = reports[0].Element("SD1", 5) == "SAVE"
	}
}
