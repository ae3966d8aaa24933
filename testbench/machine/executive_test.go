package machine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/sales"
)

// What a machine on an Executive bus counts is what recovery hears, whoever
// holds the prices.
func TestRecoveryHearsWhatAnExecutiveMachineSold(t *testing.T) {
	plan := DefaultPlan()
	prices := map[uint8]int64{}
	for _, c := range plan {
		prices[uint8(c.Column)] = c.Price
	}
	for _, mode := range []string{"price_holding", "price_display"} {
		for seed := range uint64(20) {
			r := vends.New(vends.Config{Mode: vends.Mode(mode), Prices: prices, Payment: vends.PaymentByHint})
			var heard []sales.Event
			m, err := newOnEXE(options{bus: "exe", exeMode: mode, seed: seed, vendTime: time.Second}, plan,
				func(w mdb.Word) { heard = append(heard, r.Word(w)...) }, nil)
			if err != nil {
				t.Fatal(err)
			}
			m.PowerUp()
			var counted []string
			for range 20 {
				m.Idle(3 * time.Second)
				v, err := m.serve()
				if err != nil {
					t.Fatal(err)
				}
				if v.Outcome == Sold {
					counted = append(counted, fmt.Sprintf("%d %s", v.Price, v.Pay))
				}
			}
			heard = append(heard, r.Advance(m.Now()+20_000_000)...)
			var got []string
			for _, e := range heard {
				switch e.Kind {
				case sales.KindActivity:
				case sales.KindSale:
					minor, _ := e.Amount.Minor()
					pay := Card
					if len(e.Parts) == 1 && e.Parts[0].Source == "cash" {
						pay = Cash
					}
					if e.Class != sales.ClassA || e.ItemKnown != (mode == "price_holding") {
						t.Errorf("%s, seed %d: %+v", mode, seed, e)
					}
					got = append(got, fmt.Sprintf("%d %s", minor, pay))
				default:
					t.Errorf("%s, seed %d: %+v", mode, seed, e)
				}
			}
			if !slices.Equal(got, counted) {
				t.Errorf("%s, seed %d: heard %q, counted %q", mode, seed, got, counted)
			}
		}
	}
}

func TestWrongMachinesAreRefused(t *testing.T) {
	for want, o := range map[string]options{
		"bus":    {bus: "ccv", exeMode: "price_holding"},
		"mode":   {bus: "exe", exeMode: "both"},
		"silent": {bus: "exe", exeMode: "price_holding", silent: true},
	} {
		if o.check() == nil {
			t.Errorf("wrong %s was taken", want)
		}
	}
	if _, err := newOnEXE(options{exeMode: "price_holding"}, []Column{{Column: 300, Price: 100}}, nil, nil); err == nil {
		t.Error("column 300 was taken for a line")
	}
}
