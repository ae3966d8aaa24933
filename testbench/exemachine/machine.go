// Package exemachine is a virtual vending machine on an Executive bus: the VMC
// and its payment device, a changer with or without a card reader, in virtual
// time. It sells as real ones do and counts its vends by itself, so that what
// the rest of Chekomat says can be held against what happened. The bytes are
// put together here from the protocol's description, not with the codec under
// test.
package exemachine

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// Line of the machine: what it has behind a selection.
type Line struct {
	Line  uint8  `json:"line"`
	Name  string `json:"name"`
	Price int64  `json:"price"` // kopecks, a multiple of the base unit; 0 is free
}

// Config of a machine.
type Config struct {
	Lines    []Line
	Standard bool  // the machine holds the prices: CREDIT is answered by the price
	Scale    uint8 // of a base unit; 0 is 1
	Decimals uint8 // of the display, 0..3
	Early    bool  // VEND is answered at once, the machine is busy afterwards (exe 6.3)
	Rest     bool  // the block before VEND shows what remains, not the price (exe 6.3)
	Keeps    bool  // credit stays after a vend, for another one (exe 6.5)
	Seed     uint64
	VendTime time.Duration
	Bank     time.Duration // the longest a card's approval takes, 2 s at least; 0 is 40 s
	Emit     func(mdb.Word)
	Pace     func(t int64) // called as bus time (µs) moves on; nil runs as fast as possible
}

// Pay is how the buyer pays.
type Pay string

// Ways to pay.
const (
	Cash Pay = "cash"
	Card Pay = "card"
)

// Result of an order, and what the buyer or the machine makes go wrong.
type Result string

// Results.
const (
	Sold      Result = "sold"
	Cancelled Result = "cancelled" // the buyer changed his mind, or the card was refused
	Failed    Result = "failed"    // not dispensed
	Silent    Result = "silent"    // dispensed, but VEND is never answered
	Repeated  Result = "repeated"  // dispensed; the machine did not understand VEND at first
	Poor      Result = "poor"      // a dearer line was asked for first than the credit allows
)

// Order is what a buyer does.
type Order struct {
	Pay     Pay    `json:"pay"`
	Line    uint8  `json:"line"`
	Outcome Result `json:"outcome"`
	Tender  int64  `json:"tender,omitempty"` // kopecks put in; 0: the price rounded up to a bill
}

// Vend is the machine's own record of an order.
type Vend struct {
	Order
	Price int64 `json:"price"` // kopecks
	T     int64 `json:"t_us"`  // bus time of the deciding word
}

// Machine is a virtual machine. It is not safe for concurrent use.
type Machine struct {
	cfg    Config
	w      loops
	unit   int64 // kopecks of a base unit
	credit int64
	exact  bool
	turn   bool
}

// New makes a machine that is still without power.
func New(cfg Config) (*Machine, error) {
	if cfg.Emit == nil {
		cfg.Emit = func(mdb.Word) {}
	}
	if cfg.Scale == 0 {
		cfg.Scale = 1
	}
	if cfg.Bank == 0 {
		cfg.Bank = 40 * time.Second
	}
	if cfg.Bank < 2*time.Second {
		return nil, fmt.Errorf("exemachine: no bank answers within %s: 2 s at least", cfg.Bank)
	}
	if cfg.Decimals > 3 {
		return nil, fmt.Errorf("exemachine: %d decimals; the bus knows 0 to 3", cfg.Decimals)
	}
	tenths := int64(cfg.Scale) * 1000
	for range cfg.Decimals {
		tenths /= 10
	}
	unit := tenths / 10
	if unit == 0 || tenths%10 != 0 {
		return nil, fmt.Errorf("exemachine: a base unit of %d/10^%d is no whole kopeck", cfg.Scale, cfg.Decimals)
	}
	for _, l := range cfg.Lines {
		if l.Price%unit != 0 || l.Price/unit > 0xFFFF || cfg.Standard && l.Price/unit > 250 || l.Line > 250 {
			return nil, fmt.Errorf("exemachine: line %d of %d kopecks can't be said in units of %d", l.Line, l.Price, unit)
		}
	}
	return &Machine{cfg: cfg, unit: unit, w: loops{rng: rand.New(rand.NewPCG(cfg.Seed, 3)), emit: cfg.Emit, pace: cfg.Pace}}, nil
}

// Now is the bus time, µs since power came.
func (m *Machine) Now() int64 { return m.w.t }

// PowerUp lets the machine start: not ready for a while, then ready with no
// credit shown.
func (m *Machine) PowerUp() {
	for range 5 {
		m.w.poll(0x31, 0x40)
	}
	m.w.poll(0x31, 0x00)
	m.show(0)
}

// Idle polls the machine for about d: STATUS, CREDIT, STATUS…
func (m *Machine) Idle(d time.Duration) {
	for end := m.w.t + d.Microseconds(); m.w.t < end; {
		if m.turn = !m.turn; m.turn {
			m.w.poll(0x31, 0x00)
		} else {
			m.w.poll(0x32, 0xFE)
		}
	}
}

// Service is a machine whose door is open: STATUS alone is asked, and test vends
// of the service man are not on the bus.
func (m *Machine) Service(d time.Duration) {
	for end := m.w.t + d.Microseconds(); m.w.t < end; {
		m.w.poll(0x31, 0x40)
	}
	m.w.poll(0x31, 0x00)
	m.show(m.credit)
}

// PowerCut is silence on both lines; the machine forgets its credit.
func (m *Machine) PowerCut(d time.Duration) {
	m.w.pass(d.Microseconds())
	m.credit = 0
	m.PowerUp()
}

// show sends the block; the decimal point is one-hot.
func (m *Machine) show(kopecks int64) {
	m.w.block(uint16(kopecks/m.unit), m.cfg.Scale, 1<<m.cfg.Decimals, m.exact)
}

// reading polls STATUS alone while people read the display.
func (m *Machine) reading() {
	for range 15 {
		m.w.poll(0x31, 0x00)
	}
}

// Order serves one buyer and says what came of it. The error tells of an
// order the machine cannot take.
func (m *Machine) Order(o Order) (Vend, error) {
	l, ok := m.line(o.Line)
	if !ok {
		return Vend{}, fmt.Errorf("exemachine: no line %d", o.Line)
	}
	v := Vend{Order: o, Price: l.Price}
	switch o.Pay {
	case Cash:
		if v.Tender == 0 {
			v.Tender = (max(0, l.Price-m.credit) + 4999) / 5000 * 5000
		}
		if v.Tender%m.unit != 0 || m.credit+v.Tender < l.Price || (m.credit+v.Tender)/m.unit > 0xFFFF {
			return Vend{}, fmt.Errorf("exemachine: %d kopecks do not buy line %d of %d", v.Tender, l.Line, l.Price)
		}
		if v.Tender > 0 {
			m.credit += v.Tender
			m.show(m.credit)
			m.Idle(300 * time.Millisecond)
		}
	case Card:
		m.giveBack()
	default:
		return Vend{}, fmt.Errorf("exemachine: no way to pay %q", o.Pay)
	}
	if o.Outcome == Poor {
		m.poor(l)
	}
	m.choose(&v, l)
	return v, nil
}

// giveBack pays the credit out, as a press of the return lever does.
func (m *Machine) giveBack() {
	if m.credit > 0 {
		m.credit = 0
		m.show(0)
	}
}

// poor asks for a line the credit does not pay for: price and credit are shown,
// no VEND comes (exe 6.2).
func (m *Machine) poor(want Line) {
	for _, l := range m.cfg.Lines {
		if l.Line != want.Line && l.Price > m.credit {
			m.w.poll(0x32, m.said(l))
			m.show(l.Price)
			m.reading()
			m.show(m.credit)
			m.reading()
			m.w.poll(0x32, 0xFE)
			m.Idle(500 * time.Millisecond)
			return
		}
	}
}

// said is the answer to CREDIT for a line.
func (m *Machine) said(l Line) byte {
	if m.cfg.Standard {
		return byte(l.Price / m.unit)
	}
	return l.Line
}

// choose goes from the selection to the end of the vend.
func (m *Machine) choose(v *Vend, l Line) {
	m.w.poll(0x32, m.said(l))
	if v.Pay == Card || !m.cfg.Rest {
		m.show(l.Price)
	} else {
		m.show(m.credit - l.Price)
	}
	if v.Pay == Card && l.Price > 0 {
		m.w.pass(m.w.between(2_000_000, m.cfg.Bank.Microseconds())) // the bus is silent while the bank thinks
	}
	if v.Outcome == Cancelled {
		if v.Pay == Cash {
			m.credit = 0
		}
		m.show(m.credit)
		m.reading()
		m.w.poll(0x32, 0xFE)
		m.show(m.credit)
		return
	}
	m.w.pass(m.w.between(20_000, 90_000))
	v.T = m.vend(v.Outcome)
	if v.Outcome != Failed && v.Pay == Cash {
		m.credit -= l.Price
		if !m.cfg.Keeps {
			m.credit = 0 // change is paid
		}
	}
	if v.Outcome == Silent {
		m.w.poll(0x31, 0x00)
	}
	m.show(m.credit)
	for m.cfg.Early && v.Outcome != Silent && m.w.t < v.T+m.cfg.VendTime.Microseconds() {
		m.w.poll(0x31, 0x40)
	}
	m.w.poll(0x31, 0x00)
}

// vend says VEND and has it answered; it gives the time of the answer.
func (m *Machine) vend(r Result) int64 {
	if r == Repeated {
		m.w.ask(0x33, 0xFF)
		m.w.pass(m.w.between(5_000, 90_000))
	}
	m.w.say(mdb.EXEMaster, 0x33)
	if r == Silent {
		m.w.pass(60_000_000)
		return m.w.t
	}
	m.w.pass(m.w.between(300, 4000))
	if !m.cfg.Early {
		m.w.pass(m.cfg.VendTime.Microseconds())
	}
	t := m.w.t
	if r == Failed {
		m.w.say(mdb.EXESlave, 0x80)
	} else {
		m.w.say(mdb.EXESlave, 0x00)
	}
	return t
}

func (m *Machine) line(n uint8) (Line, bool) {
	for _, l := range m.cfg.Lines {
		if l.Line == n {
			return l, true
		}
	}
	return Line{}, false
}
