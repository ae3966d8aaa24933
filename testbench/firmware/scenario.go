// Package firmware runs the bench's own machines against the interface module's
// firmware as it is flashed: their bus is drawn on the pins of the emulated
// board (package board), what its agent gets is held against what was on the
// wire, what is recovered from it against what the machine counted.
package firmware

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/role"
	"github.com/chekomat/chekomat/testbench/exemachine"
	"github.com/chekomat/chekomat/testbench/firmware/board"
	"github.com/chekomat/chekomat/testbench/machine"
)

// Scenario is something that happens at a machine.
type Scenario struct {
	Name string
	Says string // what is shown by it

	roles  func() ([]role.Role, error) // what the module plays
	by     []string                    // evidence its sales may have, "" any
	dirt   board.Dirt
	orders []machine.Order
	set    machine.Config
	exe    []exemachine.Order
	prices bool // EXE: the machine holds them
}

func card(column int, r machine.Result) machine.Order {
	return machine.Order{Pay: machine.Card, Column: column, Outcome: r}
}

func cash(column int, r machine.Result, tender ...int64) machine.Order {
	return machine.Order{Pay: machine.Cash, Column: column, Outcome: r, Tender: tender}
}

// soiled are lines as they are in a machine; spoilt ones have been better.
var (
	soiled = board.Dirt{Jitter: 2, Noise: 10, Overlap: 5}
	spoilt = board.Dirt{Jitter: 4, Noise: 150, Overlap: 60}
)

func reader(s role.ReaderSettings) func() ([]role.Role, error) {
	return func() ([]role.Role, error) {
		r, err := role.NewReader(s)
		return []role.Role{r}, err
	}
}

func gatewayRole() ([]role.Role, error) {
	return []role.Role{role.NewGateway(role.GatewaySettings{})}, nil
}

func readerAndGateway() ([]role.Role, error) {
	r, err := role.NewReader(role.ReaderSettings{ByPoll: true})
	return []role.Role{r, role.NewGateway(role.GatewaySettings{ByPoll: true})}, err
}

var someCash = []machine.Order{
	cash(1, machine.Sold, 10000), cash(3, machine.Sold, 5000, 1000), cash(2, machine.Cancelled, 10000), cash(6, machine.Failed, 5000), cash(5, machine.Sold, 5000, 5000),
}

// Scenarios are all there are.
var Scenarios = []Scenario{
	{
		Name: "cashless-sale", Says: "both lines tapped: card sales, one refused, one not dispensed", dirt: soiled, by: []string{"vend_success"},
		orders: []machine.Order{card(2, machine.Sold), card(3, machine.Cancelled), card(4, machine.Failed), card(5, machine.Sold)},
	},
	{Name: "cash-sale", Says: "both lines tapped: coins and bills with change, announced to the built-in reader", dirt: soiled, by: []string{"cash_sale"}, orders: someCash},
	{
		Name: "cash-ledger", Says: "both lines tapped, nothing announced: the cash ledger alone", dirt: soiled, by: []string{"ledger"},
		set: machine.Config{Silent: true}, orders: someCash,
	},
	{
		Name: "cash-sale-reader2", Says: "the module plays cashless #2 (60H) and is told of cash sales", dirt: soiled, by: []string{"cash_sale"},
		roles: reader(role.ReaderSettings{}), set: machine.Config{Silent: true}, orders: someCash,
	},
	{
		Name: "cash-sale-reader1", Says: "the module plays cashless #1 (10H) in a machine without a reader", dirt: soiled, by: []string{"cash_sale"},
		roles: reader(role.ReaderSettings{Device: mdb.Cashless1}), set: machine.Config{Bare: true}, orders: someCash,
	},
	{
		Name: "gateway-report", Says: "the module plays the gateway (18H) and gets REPORTs", dirt: soiled, by: []string{"report"},
		roles: gatewayRole, orders: append([]machine.Order{card(2, machine.Sold)}, someCash...),
	},
	{
		Name: "reader-and-gateway", Says: "reader and gateway at once, answers by POLL, a VMC that loses some of them", dirt: soiled, by: []string{"report"},
		roles: readerAndGateway, set: machine.Config{Silent: true, Rough: true}, orders: append([]machine.Order{card(2, machine.Sold)}, someCash...),
	},
	{
		Name: "dirty-lines", Says: "noise before every seventh word, answers that begin in the command", dirt: spoilt,
		orders: []machine.Order{card(2, machine.Sold), cash(1, machine.Sold, 10000), card(4, machine.Failed), cash(3, machine.Cancelled, 10000), card(7, machine.Sold)},
	},
	{
		Name: "exe-sale", Says: "Executive, prices in the payment device: cash, card, a vend that failed, one repeated", dirt: soiled, by: []string{"exe_vend"},
		exe: []exemachine.Order{
			{Pay: exemachine.Cash, Line: 1, Outcome: exemachine.Sold}, {Pay: exemachine.Card, Line: 12, Outcome: exemachine.Sold},
			{Pay: exemachine.Card, Line: 3, Outcome: exemachine.Failed}, {Pay: exemachine.Card, Line: 2, Outcome: exemachine.Cancelled}, {Pay: exemachine.Cash, Line: 100, Outcome: exemachine.Repeated},
		},
	},
	{
		Name: "exe-machine-prices", Says: "Executive, prices in the machine", dirt: soiled, by: []string{"exe_vend"}, prices: true,
		exe: []exemachine.Order{{Pay: exemachine.Cash, Line: 1, Outcome: exemachine.Sold}, {Pay: exemachine.Card, Line: 12, Outcome: exemachine.Sold}, {Pay: exemachine.Cash, Line: 3, Outcome: exemachine.Failed}},
	},
}

// Find gives a scenario by name.
func Find(name string) (Scenario, error) {
	for _, s := range Scenarios {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("firmware: no scenario %q; testbench firmware --list names them", name)
}

const vendTime = time.Second

// counted is a sale as a machine's own counter has it.
type counted struct {
	pay    string
	column int // -1: the bus does not name it
	amount int64
}

func (c counted) String() string { return fmt.Sprintf("%s %d of column %d", c.pay, c.amount, c.column) }

// playMDB has a machine serve the scenario's buyers and gives what it counted.
func (s Scenario) playMDB(seed uint64, guest machine.Guest, emit func(mdb.Word), pace func(int64)) (sold []counted, err error) {
	cfg := s.set
	cfg.Columns, cfg.Seed, cfg.VendTime, cfg.Emit, cfg.Pace = machine.DefaultPlan(), seed, vendTime, emit, pace
	if s.roles != nil {
		cfg.Guest = guest
	}
	m := machine.New(cfg)
	m.PowerUp()
	m.Idle(time.Second)
	for _, o := range s.orders {
		v, err := m.Order(o)
		if err != nil {
			return nil, fmt.Errorf("firmware: %s: %w", s.Name, err)
		}
		if v.Outcome == machine.Sold {
			sold = append(sold, counted{string(v.Pay), v.Column, v.Price})
		}
		m.Idle(2 * time.Second)
	}
	m.Idle(12 * time.Second) // a ledger closes after ten quiet seconds
	return sold, nil
}

func (s Scenario) playEXE(seed uint64, emit func(mdb.Word), pace func(int64)) (sold []counted, err error) {
	m, err := exemachine.New(exemachine.Config{Lines: exemachine.DefaultLines(), Standard: s.prices, Seed: seed, VendTime: vendTime, Bank: 2500 * time.Millisecond, Emit: emit, Pace: pace})
	if err != nil {
		return nil, fmt.Errorf("firmware: %s: %w", s.Name, err)
	}
	m.PowerUp()
	m.Idle(time.Second)
	for _, o := range s.exe {
		v, err := m.Order(o)
		if err != nil {
			return nil, fmt.Errorf("firmware: %s: %w", s.Name, err)
		}
		if v.Outcome == exemachine.Sold || v.Outcome == exemachine.Repeated {
			c := counted{string(v.Pay), int(v.Line), v.Price}
			if s.prices {
				c.column = -1
			}
			sold = append(sold, c)
		}
		m.Idle(2 * time.Second)
	}
	m.Idle(12 * time.Second)
	return sold, nil
}

// tariff is what the agent is told of the machine on EXE.
func (s Scenario) tariff() vends.Config {
	c := vends.Config{Mode: vends.PriceHolding, Prices: exemachine.Prices(exemachine.DefaultLines()), Payment: vends.PaymentByHint}
	if s.prices {
		c = vends.Config{Mode: vends.Standard, Payment: vends.PaymentByHint}
	}
	return c
}
