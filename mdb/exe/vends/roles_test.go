package vends

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/sales"
)

// Both roles talk on a line with flipped bits, and recovery listens: what it
// would have a receipt made of was delivered, at the price of what was chosen,
// and each delivery is a sale, an incident, or counted as suspect.
func TestRecoveryBesideRolesOnABadLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := exe.NewMaster(exe.Timing{})
		var s exe.Slave
		r := New(holding)
		dice := rapid.IntRange(1, rapid.IntRange(20, 400).Draw(t, "one damaged in"))
		hurt := func(w mdb.Word) mdb.Word {
			if dice.Draw(t, "damage") == 1 {
				w.V ^= 1 << rapid.IntRange(0, 8).Draw(t, "bit")
			}
			return w
		}
		var es []sales.Event
		var delivered, told int
		var chosen byte
		var busy int64
		var answers []mdb.Word
		lines := rapid.SampledFrom([]byte{1, 7, 8})
		ok := rapid.Bool()
		for at := int64(1_000_000); at < 40_000_000; at += 1000 {
			if at%5_000_000 == 0 && !s.Vending() {
				s.Request(lines.Draw(t, "line"))
			}
			say := func(b byte) {
				w := hurt(mdb.Word{T: at + 2000, V: exe.Word(b), Line: mdb.EXESlave})
				answers = append(answers, w)
			}
			if s.Vending() && at >= busy {
				good := ok.Draw(t, "delivered")
				if good {
					delivered++
				}
				say(s.Vended(good))
			}
			for len(answers) > 0 && answers[0].T <= at {
				es = append(es, r.Word(answers[0])...)
				switch n := m.Word(answers[0]); n.Told {
				case exe.ToldRequest:
					chosen = n.Line
					units := uint16(table[chosen] / 100)
					m.Show(exe.Display{Units: units, Scale: 100, Decimals: 2})
				case exe.ToldShown:
					m.Vend()
				default:
				}
				answers = answers[1:]
			}
			b, send, _ := m.Step(at)
			if !send {
				continue
			}
			w := hurt(mdb.Word{T: at, V: exe.Word(b), Line: mdb.EXEMaster})
			es = append(es, r.Word(w)...)
			a, reply, asked := s.Word(w)
			if asked == exe.AskedToVend {
				busy = at + 1_500_000
			}
			if reply {
				say(a)
			}
		}
		es = append(es, r.Advance(400_000_000)...)
		for _, e := range es {
			switch {
			case e.Kind == sales.KindSale:
				told++
				if e.Class == sales.ClassA {
					if minor, ok := e.Amount.Minor(); !ok || minor != table[uint8(e.Item)] {
						t.Fatalf("class A: %s", brief([]sales.Event{e}))
					}
				}
			case e.Code == CodeUnknown:
				told++
			}
		}
		if sold := r.Stats().Sales; int(sold) > delivered {
			t.Fatalf("%d sales of %d deliveries", sold, delivered)
		}
		if told < delivered {
			t.Fatalf("%d deliveries, %d sales and unknown outcomes:\n%s", delivered, told, brief(es))
		}
	})
}
