package board_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/firmware/board"
	"github.com/chekomat/chekomat/testbench/machine"
)

// received reads a line as the firmware's receiver does (hw/lines.c), from its
// edges: sixteen ticks a bit, the start bit looked at again in its middle, the
// stop bit awaited when it is low.
func received(line mdb.Line, edges []board.Edge) (words []mdb.Word, ends []float64) {
	const tick = board.BitTime / 16
	i := 0 // edges up to here are past
	level := func(t float64) int {
		for i < len(edges) && edges[i].T <= t {
			i++
		}
		if i == 0 {
			return 1
		}
		return edges[i-1].Level
	}
	until := func(t float64, l int) float64 {
		for level(t) != l {
			if i == len(edges) {
				return math.Inf(1)
			}
			t = edges[i].T
		}
		return t
	}
	for t := 0.0; ; {
		start := until(t, 0)
		if math.IsInf(start, 1) {
			return words, ends
		}
		if t = start + 8*tick; level(t) == 1 {
			continue
		}
		w := mdb.Word{T: int64(start), Line: line}
		for b := range 9 {
			w.V |= uint16(level(start+(24+16*float64(b))*tick)) << b
		}
		t = start + 168*tick
		low := level(t) == 0
		if low {
			w.Flags = mdb.FramingError
			if w.V == 0 {
				w.Flags = mdb.BreakStart
			}
		}
		words, ends = append(words, w), append(ends, t)
		if t += 2 * tick; low {
			t = until(t, 1)
			if w.Flags == mdb.BreakStart && !math.IsInf(t, 1) {
				words, ends = append(words, mdb.Word{T: int64(t), Line: line, Flags: mdb.BreakEnd}), append(ends, t)
			}
		}
	}
}

type sold struct {
	pay    string
	amount int64
	weak   bool // amount not known, or evidence of class C: the till holds it, unless the operator will have it otherwise
}

// is says that a recovered sale can be this one. What a ledger makes of cash in and
// out is short of a coin whose word was struck: that is why it is weak.
func (s sold) is(got sold) bool {
	return s.pay == got.pay && (s.amount == got.amount || got.weak)
}

// struckSales has a machine sell on lines that are struck and gives what it sold
// and what is recovered.
func struckSales(t *testing.T, seed uint64, spikes int, silent bool) (counted, got []sold) {
	var wire []mdb.Word
	m := machine.New(machine.Config{Columns: machine.DefaultPlan(), Seed: seed, VendTime: 300 * time.Millisecond, Silent: silent, Emit: func(w mdb.Word) { wire = append(wire, w) }})
	m.PowerUp()
	for _, o := range []machine.Order{
		{Pay: machine.Card, Column: 2, Outcome: machine.Sold}, {Pay: machine.Card, Column: 3, Outcome: machine.Cancelled}, {Pay: machine.Cash, Column: 1, Outcome: machine.Sold, Tender: []int64{10000}},
		{Pay: machine.Card, Column: 4, Outcome: machine.Failed}, {Pay: machine.Cash, Column: 2, Outcome: machine.Cancelled, Tender: []int64{10000}}, {Pay: machine.Card, Column: 5, Outcome: machine.Sold},
		{Pay: machine.Cash, Column: 6, Outcome: machine.Failed, Tender: []int64{5000, 1000}}, {Pay: machine.Cash, Column: 3, Outcome: machine.Sold, Tender: []int64{5000, 1000}},
	} {
		v, err := m.Order(o)
		if err != nil {
			t.Fatal(err)
		}
		if v.Outcome == machine.Sold {
			counted = append(counted, sold{pay: string(v.Pay), amount: v.Price})
		}
		m.Idle(12 * time.Second)
	}
	type at struct {
		mdb.Word
		end float64
	}
	var all []at
	for l, edges := range board.Draw(board.Dirt{Seed: seed, Jitter: 3, Noise: 50, Overlap: 20, Spikes: spikes}, wire) {
		words, ends := received(mdb.Line(l), edges)
		for i, w := range words {
			all = append(all, at{w, ends[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b at) int { return cmp.Compare(a.end, b.end) })
	rec := sales.New(sales.Config{})
	take := func(es []sales.Event) {
		for _, e := range es {
			if e.Kind != sales.KindSale {
				continue
			}
			s := sold{pay: "card"}
			if len(e.Parts) > 0 && e.Parts[0].Source == "cash" {
				s.pay = "cash"
			}
			s.amount, _ = e.Amount.Minor()
			s.weak = e.Class >= sales.ClassC || !e.Amount.Known
			got = append(got, s)
		}
	}
	for _, w := range all {
		take(rec.Word(w.Word))
	}
	take(rec.Advance(int64(all[len(all)-1].end) + 60_000_000))
	return counted, got
}

// Noise that strikes into words: sales may be missed, but none appears that was
// not sold, and none of classes A and B with another amount.
func TestNoiseMakesNoFalseSale(t *testing.T) {
	missed, all := 0, 0
	for _, spikes := range []int{0, 2, 10, 40} {
		for seed := range uint64(noiseSeeds) {
			for _, silent := range []bool{false, true} {
				name := fmt.Sprintf("seed %d, %d spikes of 1000, silent %t", seed, spikes, silent)
				counted, got := struckSales(t, seed, spikes, silent)
				all, missed = all+len(counted), missed+len(counted)-len(got)
				left := slices.Clone(counted)
				for _, g := range got { // a sale whose end was struck is told later
					i := slices.IndexFunc(left, func(s sold) bool { return s.is(g) })
					if i < 0 {
						t.Fatalf("%s: a false sale: sold %v, recovered %v", name, counted, got)
					}
					left = slices.Delete(left, i, i+1)
				}
				if spikes == 0 && len(left) > 0 {
					t.Fatalf("%s: sold %v, recovered %v", name, counted, got)
				}
			}
		}
	}
	if missed == 0 {
		t.Error("no sale was struck: the noise is none")
	}
	t.Logf("of %d sales %d were missed", all, missed)
}

const noiseSeeds = 40
