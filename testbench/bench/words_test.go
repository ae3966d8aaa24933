package bench

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/exemachine"
	"github.com/chekomat/chekomat/testbench/machine"
)

// busWords is what a saturated bus says, from power up on: orders of the kinds
// given, or idle polling. The set-up ends at ws[setUp].
func busWords(tb testing.TB, idle time.Duration, pays ...machine.Pay) (ws []mdb.Word, setUp int) {
	tb.Helper()
	plan := machine.DefaultPlan()
	s := newSaturated(plan, func(w mdb.Word) { ws = append(ws, w) }, nil)
	s.m.PowerUp()
	setUp = len(ws)
	s.m.Idle(idle)
	for i, p := range pays {
		if _, err := s.m.Order(machine.Order{Pay: p, Column: plan[i%len(plan)].Column, Outcome: machine.Sold}); err != nil {
			tb.Fatal(err)
		}
		s.m.Idle(idle)
	}
	return ws, setUp
}

func listening() *sales.Recovery {
	return sales.New(sales.ForSource(module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}))
}

func TestSaturatedBusIsLegalAndFull(t *testing.T) {
	ws, _ := busWords(t, 2*time.Second, machine.Cash, machine.Card, machine.Cash, machine.Card)
	r := listening()
	var sold, other int
	for i, w := range ws {
		if i > 0 && w.T < ws[i-1].T {
			t.Fatalf("word %d goes back in time: %d after %d", i, w.T, ws[i-1].T)
		}
		for _, e := range r.Word(w) {
			switch e.Kind {
			case sales.KindSale:
				sold++
			case sales.KindActivity:
			default:
				other++
				t.Logf("%+v", e)
			}
		}
	}
	if sold != 4 || other != 0 {
		t.Errorf("%d sales and %d other events, want 4 and none", sold, other)
	}
	if st := r.Stats(); st.Checksums != 0 {
		t.Errorf("%d bad checksums", st.Checksums)
	}
	if rate := float64(len(ws)) / (float64(ws[len(ws)-1].T-ws[0].T) / 1e6); rate < 650 {
		t.Errorf("%.0f words/s: the bus is not saturated", rate)
	}
}

// exeWords is what a machine on an Executive bus says: idle polling, or sales.
func exeWords(tb testing.TB, idle time.Duration, pays ...exemachine.Pay) (ws []mdb.Word, setUp int) {
	tb.Helper()
	lines := exemachine.DefaultLines()
	m, err := exemachine.New(exemachine.Config{Lines: lines, Seed: 1, VendTime: 500 * time.Millisecond, Emit: func(w mdb.Word) { ws = append(ws, w) }})
	if err != nil {
		tb.Fatal(err)
	}
	m.PowerUp()
	setUp = len(ws)
	m.Idle(idle)
	for i, p := range pays {
		if _, err := m.Order(exemachine.Order{Pay: p, Line: lines[i%4].Line, Outcome: exemachine.Sold}); err != nil {
			tb.Fatal(err)
		}
		m.Idle(idle)
	}
	return ws, setUp
}

func hearing() *vends.Recovery {
	return vends.New(vends.Config{Prices: exemachine.Prices(exemachine.DefaultLines()), Payment: vends.PaymentByHint})
}

func TestEXEWordsAreSales(t *testing.T) {
	ws, _ := exeWords(t, time.Second, exemachine.Cash, exemachine.Card, exemachine.Cash, exemachine.Card)
	r := hearing()
	for _, w := range ws {
		r.Word(w)
	}
	if s := r.Stats(); s.Sales != 4 || s.Incidents != 0 || s.Parity != 0 {
		t.Errorf("%+v, want 4 sales and nothing else", s)
	}
}

// benchmarkRecovery feeds words over and over, as one bus that never ends.
func benchmarkRecovery(b *testing.B, r interface{ Word(mdb.Word) []sales.Event }, ws []mdb.Word, least int) {
	span := ws[len(ws)-1].T + 50_000
	var off int64
	i, events := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		w := ws[i]
		w.T += off
		events += len(r.Word(w))
		if i++; i == len(ws) {
			i, off = 0, off+span
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "words/s")
	b.ReportMetric(float64(events), "events")
	if b.N > len(ws) && events < least {
		b.Fatalf("%d events", events)
	}
}

// BenchmarkRecoverPolls: decoding and recovery of what a bus says almost all
// the time. No allocation per word is the budget.
func BenchmarkRecoverPolls(b *testing.B) {
	ws, setUp := busWords(b, 10*time.Second)
	benchmarkRecovery(b, listening(), ws[setUp:], 0) // a bus is set up once a day
}

// BenchmarkRecoverSales: a machine that sells without pause.
func BenchmarkRecoverSales(b *testing.B) {
	ws, _ := busWords(b, 200*time.Millisecond, machine.Cash, machine.Card, machine.Cash, machine.Card)
	benchmarkRecovery(b, listening(), ws, 4)
}

// BenchmarkRecoverEXEPolls: the same of an Executive bus.
func BenchmarkRecoverEXEPolls(b *testing.B) {
	ws, setUp := exeWords(b, 10*time.Second)
	benchmarkRecovery(b, hearing(), ws[setUp:], 0)
}

// BenchmarkRecoverEXESales: a machine on an Executive bus that sells without pause.
func BenchmarkRecoverEXESales(b *testing.B) {
	ws, _ := exeWords(b, 200*time.Millisecond, exemachine.Cash, exemachine.Card, exemachine.Cash, exemachine.Card)
	benchmarkRecovery(b, hearing(), ws, 4)
}
