package machine

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/testbench/exemachine"
)

// seller is a machine of either bus with its buyers.
type seller interface {
	PowerUp()
	Idle(time.Duration)
	Now() int64
	serve() (Vend, error) // the next buyer
}

// onMDB is a machine on MDB.
type onMDB struct {
	*Machine
	shop *Shopper
}

func (m onMDB) serve() (Vend, error) { return m.Order(m.shop.Next()) }

// onEXE is a machine on an Executive bus; its lines are the plan's columns.
type onEXE struct {
	*exemachine.Machine
	shop *exemachine.Shopper
}

// bankTime is the longest a card's approval takes: buyers of a demo do not wait
// the 40 s that real ones may.
const bankTime = 4 * time.Second

func newOnEXE(o options, plan []Column, emit func(mdb.Word), pace func(int64)) (onEXE, error) {
	lines := make([]exemachine.Line, 0, len(plan))
	for _, c := range plan {
		if c.Column > 250 {
			return onEXE{}, fmt.Errorf("machine: column %d: a line of an Executive bus is 0 to 250", c.Column)
		}
		lines = append(lines, exemachine.Line{Line: uint8(c.Column), Name: c.Name, Price: c.Price})
	}
	m, err := exemachine.New(exemachine.Config{
		Lines: lines, Standard: o.exeMode != "price_holding", Seed: o.seed, VendTime: o.vendTime, Bank: bankTime, Emit: emit, Pace: pace,
	})
	return onEXE{m, exemachine.NewShopper(lines, o.seed)}, err
}

// serve takes the next buyer. A vend whose answer never comes is left to tests:
// no counter can say what became of it.
func (m onEXE) serve() (Vend, error) {
	o := m.shop.Next()
	if o.Outcome == exemachine.Silent {
		o.Outcome = exemachine.Sold
	}
	e, err := m.Order(o)
	if err != nil {
		return Vend{}, err
	}
	v := Vend{Order: Order{Pay: Pay(e.Pay), Column: int(e.Line), Outcome: Sold}, Price: e.Price, T: e.T}
	switch e.Outcome {
	case exemachine.Cancelled:
		v.Outcome = Cancelled
	case exemachine.Failed:
		v.Outcome = Failed
	case exemachine.Sold, exemachine.Repeated, exemachine.Poor, exemachine.Silent:
	}
	if e.Tender > 0 {
		v.Tender = []int64{e.Tender}
		if v.Outcome == Sold {
			v.Change = max(0, e.Tender-e.Price)
		}
	}
	return v, nil
}
