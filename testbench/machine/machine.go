// Package machine is a virtual vending machine: a VMC with coin changer, bill
// validator and cashless reader on an MDB bus in virtual time. It sells as
// real ones do and counts its vends by itself, so that what the rest of
// Chekomat says can be held against what happened. The blocks are put together
// here byte by byte from the protocol, not with the codec under test.
package machine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// Column of the machine's plan.
type Column struct {
	Column int    `json:"column"`
	Name   string `json:"name"`
	Price  int64  `json:"price"` // kopecks, whole roubles when cash is to buy it
}

// Config of a machine.
type Config struct {
	Columns  []Column
	Seed     uint64
	VendTime time.Duration // from paid to dispensed
	Silent   bool          // the built-in reader does not want CASH SALE: only the ledger, or a guest, can tell
	Emit     func(mdb.Word)
	Pace     func(t int64) // called as bus time (µs) moves on; nil runs as fast as possible
	Guest    Guest         // plays a second reader (60H) and a gateway (18H); nil: nobody does
	Bare     bool          // no reader is built in: the guest's is the first one (10H), and no card can pay
	Rough    bool          // the VMC now and then misses an answer of the guest or has it repeated
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
	Failed    Result = "failed"    // paid, not dispensed, money given back
)

// Order is what a buyer does.
type Order struct {
	Pay     Pay     `json:"pay"`
	Column  int     `json:"column"`
	Outcome Result  `json:"outcome"`
	Tender  []int64 `json:"tender,omitempty"` // coins and bills in kopecks; empty: something that covers the price
}

// Vend is the machine's own record of an order.
type Vend struct {
	Order
	Price  int64 `json:"price"`  // kopecks
	Change int64 `json:"change"` // kopecks paid out
	T      int64 `json:"t_us"`   // bus time of the deciding word
}

// Scales of the devices. The changer counts roubles, the validator tens of
// roubles, the reader kopecks; all say RUB (1643) with two decimals.
const (
	coinScale = 100
	billScale = 1000
)

var (
	coins = []int64{100, 200, 500, 1000}       // types 0..3
	bills = []int64{5000, 10000, 20000, 50000} // types 0..3
)

// bills0 is the smallest bill: less is coins.
const bills0 = 5000

// Addresses on the bus.
const (
	changer   = 0x08
	validator = 0x30
	reader    = 0x10
)

// Machine is a virtual vending machine. It is not safe for concurrent use.
type Machine struct {
	cfg   Config
	w     wire
	tubes [4]byte // coins in the tubes, by type

	second, gate visitor // the guest's devices
}

// New makes a machine that is still without power.
func New(cfg Config) *Machine {
	if cfg.Emit == nil {
		cfg.Emit = func(mdb.Word) {}
	}
	m := &Machine{
		cfg:   cfg,
		w:     wire{rng: rand.New(rand.NewPCG(cfg.Seed, 1)), emit: cfg.Emit, pace: cfg.Pace},
		tubes: [4]byte{60, 60, 60, 60},
	}
	m.alone()
	return m
}

// alone forgets what is known of the guest's devices.
func (m *Machine) alone() {
	m.second, m.gate = visitor{addr: reader2}, visitor{addr: gateway}
	if m.cfg.Bare {
		m.second.addr = reader
	}
}

// Now is the bus time, µs since power came.
func (m *Machine) Now() int64 { return m.w.t }

// PowerUp resets the bus and sets every device up, as mdb 5.4, 6.4 and 7.4.1
// ask a VMC to.
func (m *Machine) PowerUp() {
	m.w.reset()
	m.ask(nil, changer)
	m.ask([]byte{0x0B}, changer+3)
	m.ask([]byte{0x03, 0x16, 0x43, coinScale, 2, 0x00, 0x0F, 1, 2, 5, 10}, changer+1)
	m.tubeStatus()

	m.ask(nil, validator)
	m.ask([]byte{0x06}, validator+3)
	m.ask([]byte{0x01, 0x16, 0x43, billScale >> 8, billScale & 0xFF, 2, 0x01, 0xF4, 0xFF, 0xFF, 0xFF, 5, 10, 20, 50}, validator+1)

	if !m.cfg.Bare {
		m.setUpReader()
	}
	m.alone()
	m.receive()
	m.accept(true)
}

// setUpReader is the start of the built-in reader.
func (m *Machine) setUpReader() {
	m.ask(nil, reader)
	m.ask([]byte{0x00}, reader+2)
	options := byte(0x08) // wants CASH SALE
	if m.cfg.Silent {
		options = 0
	}
	m.ask([]byte{0x01, 0x02, 0x16, 0x43, 1, 2, 5, options}, reader+1, 0x00, 2, 16, 2, 1)
	most, least := m.prices()
	m.ask(nil, reader+1, 0x01, byte(most>>8), byte(most), byte(least>>8), byte(least))
	m.ask(nil, reader+4, 0x01)
}

// Idle polls the devices for about d.
func (m *Machine) Idle(d time.Duration) {
	for end := m.w.t + d.Microseconds(); m.w.t < end; {
		m.round()
	}
}

// Order serves one buyer and says what came of it. The error tells of an
// order the machine cannot take.
func (m *Machine) Order(o Order) (Vend, error) {
	c, ok := m.column(o.Column)
	if !ok {
		return Vend{}, fmt.Errorf("machine: no column %d", o.Column)
	}
	v := Vend{Order: o, Price: c.Price}
	switch o.Pay {
	case Card:
		if m.cfg.Bare {
			return Vend{}, errors.New("machine: no reader is built in, a card can't pay")
		}
		m.card(&v)
	case Cash:
		if err := m.cash(&v); err != nil {
			return Vend{}, err
		}
	default:
		return Vend{}, fmt.Errorf("machine: no way to pay %q", o.Pay)
	}
	return v, nil
}

// card is the sequence of mdb 7.7: session, request, approval, success.
func (m *Machine) card(v *Vend) {
	price, item := uint16(v.Price), uint16(v.Column)
	m.ask([]byte{0x03, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00}, reader+2) // BEGIN SESSION, funds unknown
	m.round()
	m.ask(nil, reader+3, 0x00, byte(price>>8), byte(price), byte(item>>8), byte(item)) // VEND REQUEST
	for range m.w.between(1, 4) {
		m.ask(nil, reader+2)
		m.w.pass(m.w.between(30000, 60000))
	}
	if v.Outcome == Cancelled {
		m.ask([]byte{0x06}, reader+2) // VEND DENIED
		m.endSession()
		return
	}
	m.ask([]byte{0x05, byte(price >> 8), byte(price)}, reader+2) // VEND APPROVED
	m.Idle(m.cfg.VendTime)
	if v.Outcome == Failed {
		m.ask(nil, reader+3, 0x03) // VEND FAILURE
		m.ask(nil, reader+2)
		m.endSession()
		return
	}
	m.ask(nil, reader+3, 0x02, byte(item>>8), byte(item)) // VEND SUCCESS
	v.T = m.w.t
	m.report(reportPaid, v)
	m.endSession()
}

func (m *Machine) endSession() {
	m.ask([]byte{0x07}, reader+3, 0x04)
	m.round()
}

// cash takes money, vends, announces the sale and pays the change.
func (m *Machine) cash(v *Vend) error {
	tender := v.Tender
	if len(tender) == 0 {
		tender = m.tender(v.Price)
		v.Tender = tender
	}
	var in int64
	for _, money := range tender {
		if err := m.insert(money); err != nil {
			return err
		}
		in += money
		m.Idle(200 * time.Millisecond)
	}
	if in < v.Price {
		return fmt.Errorf("machine: %d kopecks do not buy column %d of %d", in, v.Column, v.Price)
	}
	if v.Outcome == Cancelled {
		m.ask([]byte{0x01}, changer+3) // ESCROW REQUEST: the return lever
		v.Change = m.pay(in)
		m.report(reportVendless, v)
		return nil
	}
	m.accept(false)
	m.Idle(m.cfg.VendTime)
	if v.Outcome == Failed {
		v.Change = m.pay(in)
		m.report(reportVendless, v)
		m.accept(true)
		return nil
	}
	m.announceTo2(v.Price, v.Column)
	if !m.cfg.Silent && !m.cfg.Bare {
		price, item := uint16(v.Price), uint16(v.Column)
		m.ask(nil, reader+3, 0x05, byte(price>>8), byte(price), byte(item>>8), byte(item)) // CASH SALE
	}
	v.T = m.w.t
	v.Change = m.pay(in - v.Price)
	m.report(reportPaid, v)
	m.accept(true)
	if m.cfg.Silent || m.cfg.Bare {
		m.Idle(11 * time.Second) // a ledger closes after ten quiet seconds
	}
	return nil
}

// insert is one coin or bill, reported in POLL answers.
func (m *Machine) insert(money int64) error {
	for typ, value := range coins {
		if value == money {
			m.tubes[typ]++
			m.ask([]byte{0x50 | byte(typ), m.tubes[typ]}, changer+3) // deposited in the tube
			return nil
		}
	}
	for typ, value := range bills {
		if value == money {
			m.ask([]byte{0x90 | byte(typ)}, validator+3) // in escrow
			m.ask(nil, validator+5, 0x01)                // stack
			m.w.pass(300000)
			m.ask([]byte{0x80 | byte(typ)}, validator+3) // stacked
			return nil
		}
	}
	return fmt.Errorf("machine: no coin or bill of %d kopecks", money)
}

// pay gives change in the largest coins and returns what it paid.
func (m *Machine) pay(sum int64) (paid int64) {
	for typ := len(coins) - 1; typ >= 0; typ-- {
		for sum >= coins[typ] && m.tubes[typ] > 0 {
			n := min(sum/coins[typ], 15, int64(m.tubes[typ]))
			m.ask(nil, changer+5, byte(n)<<4|byte(typ)) // DISPENSE
			for range n {
				m.w.pass(100000)
				m.ask([]byte{0x02}, changer+3) // payout busy
			}
			m.ask(nil, changer+3)
			m.tubes[typ] -= byte(n)
			sum -= n * coins[typ]
			paid += n * coins[typ]
		}
	}
	m.tubeStatus()
	if m.refill() {
		m.tubeStatus()
	}
	return paid
}

// refill keeps the tubes from running dry: a service visit between buyers.
func (m *Machine) refill() (filled bool) {
	for i := range m.tubes {
		if m.tubes[i] < 20 || m.tubes[i] > 120 {
			m.tubes[i], filled = 60, true
		}
	}
	return filled
}

// tender is money a buyer may put in for a price: exact coins, or a bill and change.
func (m *Machine) tender(price int64) []int64 {
	if m.w.rng.IntN(2) == 0 {
		for _, b := range bills {
			if b >= price {
				return []int64{b}
			}
		}
	}
	var in []int64
	for left := price; left > 0; {
		next := coins[0]
		for _, money := range append(append([]int64{}, coins...), bills...) {
			if money <= left {
				next = money
			}
		}
		in, left = append(in, next), left-next
	}
	return in
}

func (m *Machine) accept(on bool) {
	var mask byte
	if on {
		mask = 0x0F
	}
	m.ask(nil, changer+4, 0x00, mask, 0x00, mask)
	m.ask(nil, validator+4, 0x00, mask, 0x00, mask)
}

func (m *Machine) tubeStatus() {
	m.ask(append([]byte{0x00, 0x00}, m.tubes[:]...), changer+2)
}

// round polls every device once: 150 ms, as mdb App 3 recommends.
func (m *Machine) round() {
	for _, addr := range []byte{changer + 3, validator + 3, reader + 2} {
		if m.cfg.Bare && addr == reader+2 {
			continue
		}
		m.ask(nil, addr)
		m.w.pass(40000)
	}
	if m.cfg.Guest != nil {
		m.pollGuest()
	}
}

// ask sends a command and lets the device answer.
func (m *Machine) ask(answer []byte, command ...byte) {
	m.w.command(command...)
	m.w.answer(answer)
}

func (m *Machine) column(n int) (Column, bool) {
	for _, c := range m.cfg.Columns {
		if c.Column == n {
			return c, true
		}
	}
	return Column{}, false
}

// prices are the highest and lowest of the plan, for the reader (11 01).
func (m *Machine) prices() (most, least int64) {
	least = 0xFFFF
	for _, c := range m.cfg.Columns {
		most, least = max(most, c.Price), min(least, c.Price)
	}
	return most, least
}
