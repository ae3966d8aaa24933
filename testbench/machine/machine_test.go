package machine

import (
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
)

// hear runs orders on a machine and gives what recovery made of its bus.
func hear(t *testing.T, cfg Config, orders []Order) (vends []Vend, events []sales.Event) {
	t.Helper()
	r := sales.New(sales.Config{})
	cfg.Emit = func(w mdb.Word) { events = append(events, r.Word(w)...) }
	m := New(cfg)
	m.PowerUp()
	m.Idle(time.Second)
	for _, o := range orders {
		v, err := m.Order(o)
		if err != nil {
			t.Fatal(err)
		}
		vends = append(vends, v)
		m.Idle(2 * time.Second)
	}
	m.Idle(15 * time.Second)
	events = append(events, r.Advance(m.Now())...)
	if s := r.Stats(); s.Checksums != 0 {
		t.Errorf("the machine said %d blocks with a wrong checksum", s.Checksums)
	}
	return vends, events
}

// sold lists what was sold, by the machine and by recovery, in one form.
func sold(vends []Vend, events []sales.Event) (machine, heard []string) {
	for _, v := range vends {
		if v.Outcome == Sold {
			machine = append(machine, fmt.Sprintf("%s %d", v.Pay, v.Price))
		}
	}
	for _, e := range events {
		if e.Kind == sales.KindSale {
			pay := Card
			if len(e.Parts) > 0 && e.Parts[0].Source == "cash" {
				pay = Cash
			}
			minor, _ := e.Amount.Minor()
			heard = append(heard, fmt.Sprintf("%s %d", pay, minor))
		}
	}
	return machine, heard
}

func TestRecoveryHearsWhatTheMachineSold(t *testing.T) {
	plan := DefaultPlan()
	for _, silent := range []bool{false, true} {
		for seed := range uint64(20) {
			shop := NewShopper(plan, seed)
			var orders []Order
			for range 25 {
				orders = append(orders, shop.Next())
			}
			vends, events := hear(t, Config{Columns: plan, Seed: seed, VendTime: time.Second, Silent: silent}, orders)
			want, got := sold(vends, events)
			if fmt.Sprint(want) != fmt.Sprint(got) {
				t.Fatalf("seed %d, silent %v:\nsold  %v\nheard %v", seed, silent, want, got)
			}
			for _, e := range events {
				if e.Kind == sales.KindIncident {
					t.Errorf("seed %d, silent %v: incident %s: %s", seed, silent, e.Code, e.Detail)
				}
			}
		}
	}
}

func TestAnnouncedSalesAreClassA(t *testing.T) {
	_, events := hear(t, Config{Columns: DefaultPlan(), VendTime: time.Second}, []Order{
		{Pay: Cash, Column: 1, Outcome: Sold, Tender: []int64{10000}},
		{Pay: Card, Column: 2, Outcome: Sold},
	})
	n := 0
	for _, e := range events {
		if e.Kind == sales.KindSale {
			n++
			if e.Class != sales.ClassA || !e.ItemKnown {
				t.Errorf("%s: class %s, item known %v", e.Source, e.Class, e.ItemKnown)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d sales heard of 2", n)
	}
}

func TestOrdersThatCannotBe(t *testing.T) {
	m := New(Config{Columns: DefaultPlan()})
	m.PowerUp()
	for _, o := range []Order{
		{Pay: Card, Column: 99, Outcome: Sold},
		{Pay: "cheque", Column: 1, Outcome: Sold},
		{Pay: Cash, Column: 1, Outcome: Sold, Tender: []int64{777}},
		{Pay: Cash, Column: 1, Outcome: Sold, Tender: []int64{100}},
	} {
		if _, err := m.Order(o); err == nil {
			t.Errorf("order %+v was served", o)
		}
	}
}
