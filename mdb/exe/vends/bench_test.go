package vends

import (
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
)

// busRate is what one line of the bus can carry: 9600 baud, 11 bits a byte.
const busRate = 9600.0 / 11

func benchWords(b *testing.B, ws []mdb.Word, wantSales bool) {
	r := New(holding)
	span := ws[len(ws)-1].T - ws[0].T + 20_000
	n := 0
	b.ReportAllocs()
	i, off := 0, int64(0)
	for b.Loop() {
		w := ws[i]
		w.T += off
		for _, e := range r.Word(w) {
			if e.Kind == sales.KindSale {
				n++
			}
		}
		if i++; i == len(ws) {
			i, off = 0, off+span
		}
	}
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "words/s")
	b.ReportMetric(rate/busRate, "lines")
	if wantSales != (n > 0) && b.N > len(ws) {
		b.Fatalf("%d sales", n)
	}
}

// Polls are what a machine says all day: STATUS, CREDIT and a block now and then.
func BenchmarkRecoveryPolls(b *testing.B) {
	benchWords(b, script("31/00 32/FE 31/00 32/FE [50] 31/00 32/FE 31/00 32/FE").ws, false)
}

// Sales follow each other without a pause: the worst a bus can say.
func BenchmarkRecoverySales(b *testing.B) {
	benchWords(b, script("31/00 32/FE [50] 32/08 [40] 33/00 [40] 31/00 32/FE").ws, true)
}
