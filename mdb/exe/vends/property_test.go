package vends

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/sales"
)

// someDialogue draws pairs as they come and as they should not.
func someDialogue(t *rapid.T) *dialogue {
	word := rapid.SampledFrom([]string{
		"31/00", "31/40", "31/80", "32/FE", "32/08", "32/07", "32/21", "32/09", "33/00", "33/80", "33/01", "33/FF", "33/", "33/4000:00",
		"[50]", "[40]", "[10]", "[0]", "[35]", "[7,5,1]", "38/00", "21/00", "39/00", "3D/00", "53/00", "/00", "31/", "31!/00", "32/08!", "33/00!", "33!/00", "?31/00", "32/?08",
		"@1500", "@2950", "@3100", "@12000", "@201000", "34/00",
	})
	return script(strings.Join(rapid.SliceOfN(word, 1, 60).Draw(t, "words"), " "))
}

func someConfig(t *rapid.T) Config {
	return Config{
		Mode: rapid.SampledFrom([]Mode{PriceHolding, Standard}).Draw(t, "mode"), Prices: table, Payment: PaymentByHint,
		AllowInferred: rapid.Bool().Draw(t, "infer"), AnyVendReplyOK: rapid.IntRange(0, 3).Draw(t, "any") == 0,
		Odd: rapid.SampledFrom([]OddReply{OddAsked, OddSold, OddFailed}).Draw(t, "odd"),
	}
}

func jsonOf(es []sales.Event) string {
	var b []byte
	for _, e := range es {
		b = sales.AppendJSON(b, e)
	}
	return string(b)
}

// A restart at any word from a checkpoint, and calls of Advance wherever time
// passed, change nothing: any split of the stream gives the same.
func TestRestartAndAdvanceChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, cfg := someDialogue(t), someConfig(t)
		var want []sales.Event
		r := New(cfg)
		for _, w := range d.ws {
			want = append(want, r.Word(w)...)
		}
		want = append(want, r.Advance(d.t+500_000_000)...)
		wantStats := r.Stats()

		var got []sales.Event
		r = New(cfg)
		every := rapid.IntRange(1, 20).Draw(t, "restart every")
		for i, w := range d.ws {
			got = append(got, r.Word(w)...)
			if i%every == 0 {
				cp := r.Checkpoint()
				again := New(cfg)
				if err := again.Restore(cp); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again.Checkpoint(), cp) {
					t.Fatal("a checkpoint does not come back the same")
				}
				r = again
			}
			if i+1 < len(d.ws) && rapid.IntRange(0, 2).Draw(t, "advance") == 0 {
				if gap := d.ws[i+1].T - w.T; gap > 0 {
					got = append(got, r.Advance(w.T+rapid.Int64Range(0, gap).Draw(t, "by"))...)
				}
			}
		}
		got = append(got, r.Advance(d.t+500_000_000)...)
		if jsonOf(got) != jsonOf(want) {
			t.Fatalf("got\n%swant\n%s", jsonOf(got), jsonOf(want))
		}
		if r.Stats() != wantStats {
			t.Fatalf("counted %+v, want %+v", r.Stats(), wantStats)
		}
	})
}

// One flipped bit never makes a sale of class A or B that was not, nor one of another
// line, amount or time: parity voids the pair, and what may have been missed
// lowers the class.
func TestOneFlippedBitInventsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, cfg := someDialogue(t), someConfig(t)
		cfg.AnyVendReplyOK = false // that setting takes damaged answers on purpose
		sold := func(ws []mdb.Word, worst sales.Class) map[string]bool {
			out := map[string]bool{}
			for _, e := range (&dialogue{t: d.t, ws: ws}).run(cfg) {
				if e.Kind == sales.KindSale && e.Class <= worst {
					out[fmt.Sprint(e.T, e.Item, e.ItemKnown, e.Amount)] = true
				}
			}
			return out
		}
		want := sold(d.ws, sales.ClassC)
		for i := range d.ws {
			bad := slices.Clone(d.ws)
			bit := rapid.IntRange(0, 8).Draw(t, "bit")
			if _, good := exe.Heard(bad[i]); !good {
				continue // two flipped bits would be a whole word
			}
			bad[i].V ^= 1 << bit
			for s := range sold(bad, sales.ClassB) {
				if !want[s] {
					t.Fatalf("bit %d of word %d: a sale %s that was not", bit, i, s)
				}
			}
		}
	})
}

// A sale needs an answer to VEND that says so, one for each.
func TestNoSaleWithoutADelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, cfg := someDialogue(t), someConfig(t)
		cfg.AnyVendReplyOK = false
		delivered := map[int64]bool{}
		var p exe.Pairer
		for _, w := range d.ws {
			if pair, ok := p.Push(w); ok && pair.Fault == exe.Good && pair.Master == exe.Vend.Byte() && pair.Answer < 0x80 {
				delivered[pair.At] = true
			}
		}
		seen := map[int64]bool{}
		for _, e := range d.run(cfg) {
			if e.Kind != sales.KindSale {
				continue
			}
			if !delivered[e.T] || seen[e.T] {
				t.Fatalf("a sale at %d, %s", e.T, brief([]sales.Event{e}))
			}
			seen[e.T] = true
		}
	})
}

// Every VEND that was answered has exactly one end.
func TestEveryVendHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, cfg := someDialogue(t), someConfig(t)
		l := NewListener(cfg)
		open := 0
		take := func(ns []Note) {
			for _, n := range ns {
				switch {
				case n.Kind == Vending:
					open = 1
				case n.Kind == Decided || n.Kind == Anomaly && n.Name == "duplicate_vend":
					if open--; open < 0 {
						t.Fatalf("an outcome without a VEND: %+v", n)
					}
				}
			}
		}
		for _, w := range d.ws {
			take(l.Word(w))
		}
		take(l.Advance(d.t + 500_000_000))
		if open != 0 {
			t.Fatal("a VEND without an outcome")
		}
	})
}

// FuzzRecovery feeds any words, times and restarts: it never panics, and the
// checkpoint always comes back.
func FuzzRecovery(f *testing.F) {
	for _, s := range []string{"31/00 [50] 32/08 [40] 33/00", "33/FF 33/ ?31/00! @9000 32/21 33/01"} {
		var b []byte
		for _, w := range script(s).ws {
			b = append(b, byte(w.Line)|byte(w.V>>8)<<2, byte(w.V), 10)
		}
		f.Add(b, byte(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, mode byte) {
		cfg := Config{Prices: table, AllowInferred: mode&1 != 0, AnyVendReplyOK: mode&2 != 0, IgnoreParity: mode&4 != 0}
		if mode&8 != 0 {
			cfg.Mode = Standard
		}
		r := New(cfg)
		at := int64(0)
		for len(data) >= 3 {
			at += int64(data[2]) * int64(data[2]) * 100
			w := mdb.Word{T: at, V: uint16(data[1]) | uint16(data[0]>>2&1)<<8, Line: mdb.Line(data[0] & 3), Flags: mdb.Flags(data[0] >> 3)}
			check(t, r.Word(w))
			switch data[2] {
			case 250:
				check(t, r.Lost("fuzz"))
				at = 0
			case 251:
				check(t, r.Advance(at+1))
			case 252:
				cp := r.Checkpoint()
				if err := r.Restore(cp); err != nil {
					t.Fatal(err)
				}
			}
			data = data[3:]
		}
		check(t, r.Undecided())
	})
}

func check(t *testing.T, es []sales.Event) {
	for _, e := range es {
		if e.Kind == sales.KindSale && e.Amount.Known && e.Amount.Raw < 0 {
			t.Fatalf("%+v", e)
		}
		_ = sales.AppendJSON(nil, e)
	}
}

// FuzzRestore reads any bytes as a checkpoint and goes on from what it took.
func FuzzRestore(f *testing.F) {
	r := New(holding)
	f.Add(r.Checkpoint())
	for _, w := range script("31/00 [50] 32/21 [15] 33/ 38/00 21/00").ws {
		r.Word(w)
		f.Add(r.Checkpoint())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(holding)
		if r.Restore(b) != nil {
			return
		}
		script("31/00 [50] 32/08 33/00 32/21 33/ 31/00").feed(r)
	})
}
