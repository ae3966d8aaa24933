package board

import (
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// Config of a board.
type Config struct {
	Folder    string // firmware, made (Ready)
	Image     string // "" is the firmware's own
	Link      string // UART ("") or USB
	Seed      uint32
	ID        string
	Interlock bool
	Dirt      Dirt
	Brief     bool // Sent and After are not kept: for a board that runs for days

	// ToHost and ToModule change what goes over the link, for faults; nil: nothing.
	ToHost   func([]byte) []byte
	ToModule func([]byte) []byte
}

// Board is an emulated module on a bus. Emit, Pace, Ask and Hear are for the one
// goroutine that plays the bus; it is a machine's guest.
type Board struct {
	cfg  Config
	chip *Harness
	pen  *pen
	now  float64 // bus time
	fail error

	sent   []Sent
	after  []float64 // of each own answer: from the VMC's stop bit to its start bit, µs
	stray  []Said    // own words nobody had asked for
	resets int
	boots  bool // into USB boot

	ln     net.Listener
	mu     sync.Mutex
	conn   net.Conn
	opened bool   // a connection came or went, DTR is to follow
	inbox  []byte // from the host
	closed bool
}

// Times of a board, µs.
const (
	slice      = 20_000  // between two looks at the host's bytes
	bootTime   = 200_000 // from power to greeting, USB enumerated
	answerTime = 5_000   // mdb 3.2
)

// New switches a board on and lets its firmware start. Its agents connect to
// URL.
func New(cfg Config, listen string) (*Board, error) {
	if cfg.Link == "" {
		cfg.Link = UART
	}
	if cfg.Image == "" {
		cfg.Image = Image(cfg.Folder)
	}
	chip, err := Start(cfg.Folder, Boot{Image: cfg.Image, USB: cfg.Link == USB, Seed: cfg.Seed, ID: cfg.ID, Interlock: cfg.Interlock})
	if err != nil {
		return nil, err
	}
	b := &Board{cfg: cfg, chip: chip}
	if b.ln, err = net.Listen("tcp", listen); err != nil {
		chip.Close()
		return nil, fmt.Errorf("emulated module: listen for agents: %w", err)
	}
	b.pen = newPen(cfg.Dirt, bootTime)
	b.run(bootTime)
	b.opened = true // DTR, raised when USB connected, falls: nobody has the port open yet
	go b.accept()
	if b.fail != nil {
		b.Close()
		return nil, b.fail
	}
	return b, nil
}

// Address of the link, host:port; URL as a module's.
func (b *Board) Address() string { return b.ln.Addr().String() }
func (b *Board) URL() string     { return "chekomat+tcp://" + b.Address() }

// Chip is the harness behind the board, for faults.
func (b *Board) Chip() *Harness { return b.chip }

// Modelled lists what is the harness's own work rather than the emulator's.
func (b *Board) Modelled() []string { return b.chip.Modelled }

// Seed of the lines.
func (b *Board) Seed() uint64 { return b.cfg.Dirt.Seed }

// Sent are the words on the wire so far, own answers among them.
func (b *Board) Sent() []Sent { return b.sent }

// After are the times from the VMC's stop bit to each own answer, µs.
func (b *Board) After() []float64 { return b.after }

// Stray are own words nobody had asked for.
func (b *Board) Stray() []Said { return b.stray }

// Resets counts how often the watchdog struck, reboots included.
func (b *Board) Resets() int { return b.resets }

// InUSBBoot says that the chip waits for a file instead of running.
func (b *Board) InUSBBoot() bool { return b.boots }

// BusTime is where the bus stands, µs since power.
func (b *Board) BusTime() float64 { return b.now }

// Err is what the emulator failed with.
func (b *Board) Err() error { return b.fail }

// Close switches off.
func (b *Board) Close() {
	b.mu.Lock()
	b.closed = true
	if b.conn != nil {
		b.conn.Close()
	}
	b.mu.Unlock()
	b.ln.Close()
	b.chip.Close()
}

// Begin makes bus time the beginning of the owner's.
func (b *Board) Begin() { b.pen.late = b.now }

// Emit draws a word. It may lie in the future.
func (b *Board) Emit(w mdb.Word) { b.keep(b.pen.draw(w, b.now)) }

func (b *Board) keep(s Sent) {
	if !b.cfg.Brief {
		b.sent = append(b.sent, s)
	}
}

// Pace lets bus time follow the owner's.
func (b *Board) Pace(t int64) {
	if at := b.pen.at(t); at-b.now >= slice {
		b.run(at)
	}
}

// Now is the owner's time after an answer: nothing of his may lie before it.
func (b *Board) Now() int64 { return int64(math.Ceil(b.now - b.pen.late)) }

// Rest lets µs pass in silence, after everything that was drawn.
func (b *Board) Rest(us float64) {
	b.run(max(b.now, b.pen.settled()) + us)
}

// Ask implements a machine's guest: the block's words were emitted, and the module
// is let answer.
func (b *Board) Ask(int64, []byte) []byte { return b.answer(b.pen.free[mdb.Master]) }

// Hear implements a machine's guest.
func (b *Board) Hear(_ int64, _ byte, k mdb.Kind) []byte {
	if k != mdb.RET {
		return nil
	}
	return b.answer(b.pen.free[mdb.Master])
}

// answer waits for what the module says after end, the VMC's stop bit.
func (b *Board) answer(end float64) []byte {
	b.run(end)
	var said []Said
	// What begins within the limit is over 1.2 ms later, word by word.
	until := end + answerTime + 1500
	for {
		r := b.step(until, "answer")
		said = append(said, r.Said...)
		if b.fail != nil || len(said) == 0 && b.now >= until {
			return nil
		}
		if len(said) > 0 && (r.Woken == "answer" || len(r.Said) == 0) {
			break
		}
		if len(said) > 0 {
			until = b.now + 1500
		}
	}
	if !b.cfg.Brief {
		b.after = append(b.after, said[0].T-end)
	}
	data := make([]byte, len(said))
	for i, s := range said {
		data[i] = byte(s.V)
		b.own(s)
	}
	return data
}

// own notes a word of the module as one that was on the wire.
func (b *Board) own(s Said) {
	w := mdb.Word{T: int64(s.T - b.pen.late), V: s.V, Line: mdb.Slave, Flags: mdb.Own}
	if s.Stop == 0 {
		w.Flags |= mdb.FramingError
	}
	end := s.T + wordBits*bitTime
	b.keep(Sent{w, s.T, end})
	b.pen.free[mdb.Slave] = max(b.pen.free[mdb.Slave], end)
}

// run lets time pass until t.
func (b *Board) run(t float64) {
	for b.now < t && b.fail == nil {
		r := b.step(t)
		for _, s := range r.Said {
			if !b.cfg.Brief {
				b.stray = append(b.stray, s)
			}
			b.own(s)
		}
	}
}

// step draws what waits, gives the module what its host sent and lets time pass
// until t, a slice at most.
func (b *Board) step(t float64, wake ...string) (r Ran) {
	if b.fail != nil {
		return r
	}
	for line, edges := range b.pen.take() {
		if len(edges) > 0 && b.fail == nil {
			b.fail = b.chip.Wave(line, edges)
		}
	}
	if err := b.fromHost(); b.fail == nil {
		b.fail = err
	}
	until := min(t, b.now+slice)
	if b.fail == nil {
		r, b.fail = b.chip.Run(until, wake...)
	}
	if b.fail != nil {
		return r
	}
	b.now, b.resets, b.boots = max(b.now, r.T), r.Resets, r.USBBoot
	if r.Woken == "" {
		b.now = max(b.now, until) // T is rounded
	}
	for _, h := range r.Host {
		if h.Link == b.cfg.Link {
			b.toHost(h.Bytes())
		}
	}
	return r
}

func (b *Board) accept() {
	for {
		c, err := b.ln.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		if b.closed {
			c.Close()
		}
		if b.conn != nil {
			b.conn.Close()
		}
		b.conn, b.opened, b.inbox = c, true, nil
		b.mu.Unlock()
		go b.read(c)
	}
}

func (b *Board) read(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		b.mu.Lock()
		if b.conn == c {
			b.inbox = append(b.inbox, buf[:n]...)
			if err != nil {
				b.conn, b.opened = nil, true
				c.Close()
			}
		}
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// fromHost brings the host's bytes to the chip.
func (b *Board) fromHost() error {
	b.mu.Lock()
	bytes, opened, on := b.inbox, b.opened, b.conn != nil
	b.inbox, b.opened = nil, false
	b.mu.Unlock()
	if b.cfg.ToModule != nil && len(bytes) > 0 {
		bytes = b.cfg.ToModule(bytes)
	}
	if opened && b.cfg.Link == USB {
		if err := b.chip.DTR(on); err != nil {
			return err
		}
	}
	if len(bytes) == 0 {
		return nil
	}
	return b.chip.Send(b.cfg.Link, bytes)
}

func (b *Board) toHost(bytes []byte) {
	if b.cfg.ToHost != nil {
		bytes = b.cfg.ToHost(bytes)
	}
	b.mu.Lock()
	c := b.conn
	b.mu.Unlock()
	if c == nil {
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
	_, _ = c.Write(bytes) // a host that is gone is seen by read
}

// Hangup cuts the host's connection off.
func (b *Board) Hangup() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		b.conn.Close()
		b.conn, b.opened = nil, true
	}
}

// Cut gives the host its last bytes and cuts the connection off.
func (b *Board) Cut(bytes []byte) {
	b.mu.Lock()
	c := b.conn
	b.mu.Unlock()
	if c != nil {
		_, _ = c.Write(bytes)
	}
	b.Hangup()
}

// Connected says whether a host is there.
func (b *Board) Connected() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conn != nil
}

// Storm scribbles over a line for µs: edges at random times from the seed, after
// everything drawn. What the module makes of it is in no book.
func (b *Board) Storm(line mdb.Line, us float64) {
	p := b.pen
	t, level := max(p.free[line], b.now)+1, 0
	for end := t + us; t < end; t += 20 + p.rng.ExpFloat64()*300 {
		p.edges[line] = append(p.edges[line], Edge{t, level})
		level = 1 - level
	}
	p.edges[line] = append(p.edges[line], Edge{t, 1})
	p.free[line] = t + 3000 // whatever the receiver took for a start bit is over
}
