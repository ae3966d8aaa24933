package ddcmp

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Play is what a Machine does on the bench.
type Play struct {
	Report     []byte
	BlockSize  int           // bytes of text in a block; 146 when 0
	Blocks     [][]byte      // cut by hand, instead of Report
	Fresh      func() []byte // asked at each read-out, instead of both
	Baud       int           // the link starts at; 2400
	Fastest    int           // it can do; Baud when 0
	Who        []byte        // answer to "who are you" behind 88 E0 01
	RefuseWho  bool
	RefuseRead bool
	ListSaid   byte // the list its answer names; 0 is the one asked for
	Announces  bool // tells the length beforehand
	Timing     Timing
}

// list 1 is the audit collection, which clears the interval counters after
// FINISH (evadts 5.1).
const collectionList = 1

// Machine is the machine's side of DDCMP: a virtual audit port for tests. It
// counts what happened to it.
type Machine struct {
	play   Play
	link   link
	scan   scanner
	char   line.Timer
	idle   line.Timer // the link dies of silence
	up     bool
	queue  [][]byte // messages to say, the last one closes the data
	list   byte
	ending bool // the last block is out
	speed  int

	Reads   int // FINISH came after the last block
	Cleared int // of them those of list 1, or of a list it calls 1
}

var _ line.Session = (*Machine)(nil)

// NewMachine makes a machine; ErrSettings when it cannot be played.
func NewMachine(p Play) (*Machine, error) {
	if p.Baud == 0 {
		p.Baud = 2400
	}
	if p.Fastest == 0 {
		p.Fastest = p.Baud
	}
	if speedCode(p.Baud) == 0 || speedCode(p.Fastest) == 0 {
		return nil, fmt.Errorf("%w: %d or %d baud has no code", ErrSettings, p.Baud, p.Fastest)
	}
	if p.BlockSize <= 0 || p.BlockSize > 1022 {
		p.BlockSize = 146
	}
	if p.Blocks == nil {
		p.Blocks = cut(p.Report, p.BlockSize)
	}
	if p.Who == nil {
		p.Who = make([]byte, 18)
	}
	p.Timing = p.Timing.filled()
	return &Machine{play: p, scan: scanner{limit: 1024},
		link: link{timing: p.Timing, turn: p.Timing.Slave, station: StationAny, baud: p.Baud, tries: 5}}, nil
}

func cut(text []byte, size int) (blocks [][]byte) {
	for len(text) > size {
		blocks = append(blocks, text[:size])
		text = text[size:]
	}
	return append(blocks, text)
}

// Step implements line.Session. A machine is never done.
func (m *Machine) Step(now time.Duration, input []byte) (a line.Action) {
	for _, b := range input {
		m.char.Set(now + m.play.Timing.Char)
		if f := m.scan.push(b); f.kind != none {
			m.take(now, f)
		}
	}
	if m.char.Due(now) {
		m.char.Stop()
		if k := m.scan.silence(); k != none {
			m.take(now, frame{kind: k})
		}
	}
	if m.link.timer.Due(now) {
		m.link.timer.Stop()
		if !m.link.repeat(now) {
			m.hangUp()
		}
	}
	if m.idle.Due(now) {
		m.hangUp()
	}
	if m.link.out.Flush(now, &a) && m.speed != 0 {
		a.Speed, m.speed = m.speed, 0
	}
	a.Wake = line.Wake(&m.char, &m.idle, &m.link.timer, m.link.out.Timer())
	return a
}

// hangUp forgets the link and goes back to its first speed.
func (m *Machine) hangUp() {
	m.up, m.queue, m.ending = false, nil, false
	m.idle.Stop()
	m.link.restart()
	if m.link.baud != m.play.Baud {
		m.link.baud, m.speed = m.play.Baud, m.play.Baud
	}
}

func (m *Machine) take(now time.Duration, f frame) {
	if f.kind == start {
		m.started(now, f)
		return
	}
	if !m.up {
		return
	}
	m.idle.Set(now + m.play.Timing.Read)
	switch m.link.take(now, f) {
	case acked:
		m.more(now)
	case arrived:
		m.command(now, f.data)
	case gaveUp:
		m.hangUp()
	case goOn:
	}
}

func (m *Machine) started(now time.Duration, f frame) {
	m.hangUp()
	m.speed = 0
	m.up, m.list = true, 0
	m.idle.Set(now + m.play.Timing.Link)
	m.link.control(now, typeSTACK, flag, speedCode(m.play.Fastest), f.b)
	if wanted := baudOf(f.b); wanted != 0 {
		if baud := min(wanted, m.play.Fastest); baud != m.link.baud {
			m.link.baud, m.speed = baud, baud
		}
	}
}

func (m *Machine) more(now time.Duration) {
	if len(m.queue) == 0 {
		return
	}
	text := m.queue[0]
	m.queue = m.queue[1:]
	m.ending = len(m.queue) == 0 && len(text) > 0 && text[0] == block
	m.link.say(now, text, m.ending)
}

func (m *Machine) command(now time.Duration, d []byte) {
	switch {
	case begins(d, command, whoAreYou) && m.play.RefuseWho:
		m.queue = [][]byte{{answer, whoAreYou, 0, 1}}
	case begins(d, command, whoAreYou):
		m.queue = [][]byte{append([]byte{answer, whoAreYou, 1}, m.play.Who...)}
	case begins(d, command, read) && (m.play.RefuseRead || len(d) < 9):
		m.queue = [][]byte{{answer, read, 0}}
	case begins(d, command, read):
		m.reading(d)
	case begins(d, command, finish):
		if m.ending && m.link.sent == nil {
			m.Reads++
			if m.list == collectionList {
				m.Cleared++
			}
		}
		return
	default:
		return
	}
	m.more(now)
}

func (m *Machine) reading(d []byte) {
	if m.play.Fresh != nil {
		m.play.Blocks = cut(m.play.Fresh(), m.play.BlockSize)
	}
	m.list = d[3]
	if m.play.ListSaid != 0 {
		m.list = m.play.ListSaid
	}
	reply := append([]byte{answer, read, 1, m.list, 1}, d[5:9]...)
	if m.play.Announces {
		n := 0
		for _, b := range m.play.Blocks {
			n += len(b)
		}
		reply[7], reply[8] = byte(n), byte(n>>8)
	}
	m.queue = [][]byte{reply}
	for i, b := range m.play.Blocks {
		m.queue = append(m.queue, append([]byte{block, byte(i)}, b...))
	}
}
