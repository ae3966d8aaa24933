package sales

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
)

// traffic draws a stream of vends, cash sales, returns and idle polls, and says
// what class A sales may come of it.
func traffic(t *rapid.T) (*bus, map[string]bool) {
	b := newBus().setup(rapid.SampledFrom([]uint8{0, 8}).Draw(t, "options"))
	allowed := map[string]bool{}
	n := rapid.IntRange(1, 6).Draw(t, "n")
	for i := range n {
		d := rapid.SampledFrom([]mdb.Device{c1, c2}).Draw(t, "reader")
		price := uint32(rapid.SampledFrom([]int{1, 100, 256, 1024, 2560, 4500, 5000, 5119, 12288}).Draw(t, "price"))
		item := uint16(rapid.SampledFrom([]int{0, 1, 12, 256, 5000}).Draw(t, "item"))
		sale := func(source string, dev mdb.Device) {
			r := New(Config{})
			r.reader(dev).money.set(1, 2, 0x1643)
			e := Event{Kind: KindSale, Class: ClassA, Source: source, Reader: uint8(dev), Item: item, ItemKnown: true, Amount: r.reader(dev).money.amount(int64(price))}
			allowed[brief([]Event{e})] = true
		}
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1:
			sale("vend_success", d)
			b.vend(d, price, item)
		case 2:
			b.request(d, price, item).poll(d, mdb.VendDenied{})
		case 3:
			sale("vend_success", d)
			b.request(d, price, item).approve(d, price).success(d, item).request(d, price+1, item+1).approve(d, price+1).ask(d, mdb.VendFailure{})
		case 4:
			item &= 0xFFF
			sale("cash_sale", d)
			b.ask(d, mdb.CashSale{Price: price, Item: item})
		case 5:
			b.coin(3).disable().enable()
		case 6:
			b.bill(1).disable().ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).poll(mdb.Changer).enable()
		case 7:
			sale("vend_success", d)
			b.request(d, price, item).poll(d, mdb.VendApproved{Amount: price}, mdb.SessionCancelRequest{}).success(d, item)
		case 8:
			b.hoppers().bill(1).disable().ask(mdb.Hopper2, mdb.DispenseValue{Value: 15}).poll(mdb.Hopper2, out(2, 1, true), out(1, 1, true)).enable()
		case 9:
			b.coin(3).coin(2).lever().disable().dispense(3, 1).enable()
		}
		b.wait(int64(rapid.SampledFrom([]int{10, 1500, 12_000, 70_000}).Draw(t, "pause")))
		if i%2 == 0 {
			b.poll(c1).poll(mdb.Changer)
		}
	}
	return b, allowed
}

func jsonOf(es []Event) string {
	var out []byte
	for _, e := range es {
		out = AppendJSON(out, e)
	}
	return string(out)
}

// copyOf keeps events past the next call.
func copyOf(es []Event) []Event { return slices.Clone(es) }

// A restart at any word from a checkpoint, and calls of Advance wherever time
// passed, change nothing.
func TestRestartAndAdvanceChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := traffic(t)
		want := jsonOf(b.run(Config{}))
		r := New(Config{})
		var got []Event
		every := rapid.IntRange(1, 40).Draw(t, "restart every")
		for i, w := range b.ws {
			got = append(got, copyOf(r.Word(w))...)
			if i%every == 0 {
				cp := r.Checkpoint()
				again := New(Config{})
				if err := again.Restore(cp); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again.Checkpoint(), cp) {
					t.Fatal("a checkpoint does not come back the same")
				}
				r = again
			}
			if i+1 < len(b.ws) && rapid.IntRange(0, 3).Draw(t, "advance") == 0 {
				if d := b.ws[i+1].T - w.T; d > 1 {
					got = append(got, copyOf(r.Advance(w.T+rapid.Int64Range(0, d-1).Draw(t, "by")))...)
				}
			}
		}
		got = append(got, copyOf(r.Advance(b.t+300_000_000))...)
		if jsonOf(got) != want {
			t.Fatalf("got\n%swant\n%s", jsonOf(got), want)
		}
	})
}

// One deleted or damaged word never makes a class A sale of another amount, item
// or reader.
func TestOneBadWordMakesNoOtherSale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, allowed := traffic(t)
		for _, e := range b.run(Config{}) {
			// Mixed and odd ones of the undamaged stream are allowed too.
			if e.Kind == KindSale && e.Class == ClassA {
				allowed[brief([]Event{e})] = true
			}
		}
		i := rapid.IntRange(0, len(b.ws)-1).Draw(t, "word")
		ws := slices.Clone(b.ws)
		if zero := zeros(ws); len(zero) > 0 && rapid.Bool().Draw(t, "a zero byte") {
			// Checksums do not notice that a zero byte is missing.
			i = rapid.SampledFrom(zero).Draw(t, "zero")
			ws = slices.Delete(ws, i, i+1)
		} else if rapid.Bool().Draw(t, "delete") {
			ws = slices.Delete(ws, i, i+1)
		} else {
			ws[i].V ^= uint16(rapid.IntRange(1, 0x1FF).Draw(t, "bits"))
		}
		b.ws = ws
		for _, e := range b.run(Config{}) {
			if e.Kind == KindSale && e.Class == ClassA && !allowed[brief([]Event{e})] {
				t.Fatalf("word %d: %s", i, jsonOf([]Event{e}))
			}
		}
	})
}

// zeros gives the zero bytes inside blocks after the set-up.
func zeros(ws []mdb.Word) (at []int) {
	from := len(newBus().setup(0).ws)
	for i := from; i+1 < len(ws); i++ {
		if ws[i].V == 0 && ws[i].T-ws[i-1].T < 1200 && ws[i+1].T-ws[i].T < 1200 {
			at = append(at, i)
		}
	}
	return at
}

// A stretch of lost words, told by Lost, makes no class A sale of what was
// pending and no sale of other amounts.
func TestLostWordsMakeNoOtherSale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, allowed := traffic(t)
		for _, e := range b.run(Config{}) {
			if e.Kind == KindSale {
				e.Class = ClassA
				allowed[brief([]Event{e})] = true
			}
		}
		from := rapid.IntRange(0, len(b.ws)-1).Draw(t, "from")
		to := rapid.IntRange(from, len(b.ws)).Draw(t, "to")
		r := New(Config{})
		var es []Event
		for i, w := range b.ws {
			if i == from {
				es = append(es, copyOf(r.Lost("test"))...)
			}
			if i < from || i >= to {
				es = append(es, copyOf(r.Word(w))...)
			}
		}
		es = append(es, copyOf(r.Advance(b.t+300_000_000))...)
		for _, e := range es {
			if e.Kind != KindSale || e.Class == ClassC || len(e.Parts) > 1 || !e.Amount.Known {
				continue
			}
			e.Class = ClassA
			if !allowed[brief([]Event{e})] && e.Source != "cash_sale" {
				t.Fatalf("lost %d..%d: %s", from, to, jsonOf([]Event{e}))
			}
		}
	})
}

func FuzzWords(f *testing.F) {
	pack := func(b *bus) []byte {
		var p []byte
		for _, w := range b.ws {
			p = append(p, byte(w.V), byte(w.V>>8)|byte(w.Line)<<1|byte(w.Flags)<<3, 3)
		}
		return p
	}
	f.Add(pack(newBus().setup(8).vend(c1, 4500, 12).coin(3).disable().enable()))
	f.Add(pack(newBus().setup(0).bill(1).ask(c1, mdb.CashSale{Price: 100, Item: 2}).brk()))
	f.Fuzz(func(t *testing.T, p []byte) {
		r := New(Config{})
		now := int64(0)
		for i := 0; i+2 < len(p); i += 3 {
			now += int64(p[i+2]) * 400 * (1 + int64(p[i+2])/250*1000)
			w := mdb.Word{T: now, V: uint16(p[i]) | uint16(p[i+1]&1)<<8, Line: mdb.Line(p[i+1] >> 1 & 3), Flags: mdb.Flags(p[i+1] >> 3)}
			check(t, r.Word(w))
			switch {
			case i%33 == 0:
				again := New(Config{})
				if err := again.Restore(r.Checkpoint()); err != nil {
					t.Fatal(err)
				}
				r = again
			case i%201 == 0:
				check(t, r.Lost("fuzz"))
			}
		}
		check(t, r.Advance(now+1_000_000_000))
		check(t, r.Undecided())
	})
}

// check demands of each event what its consumers rely on.
func check(t *testing.T, es []Event) {
	t.Helper()
	for _, e := range es {
		AppendJSON(nil, e)
		if e.Kind != KindSale {
			continue
		}
		if len(e.Parts) == 0 || e.Class < ClassA || e.Class > ClassD || e.Source == "" {
			t.Fatalf("incomplete sale %+v", e)
		}
		total := e.Parts[0].Amount
		for _, p := range e.Parts[1:] {
			var ok bool
			if total, ok = sum(total, p.Amount); !ok {
				t.Fatalf("parts of %+v do not add up", e)
			}
		}
		if !equal(total, e.Amount) && e.Amount.Known {
			if _, whole := e.Amount.Minor(); whole {
				t.Fatalf("parts make %s, the sale %s", total.Decimal(), e.Amount.Decimal())
			}
		}
	}
}

func FuzzRestore(f *testing.F) {
	r := New(Config{})
	for _, w := range newBus().setup(8).bill(0).request(c1, 2000, 12).approve(c1, 2000).success(c1, 12).ws {
		r.Word(w)
	}
	f.Add(r.Checkpoint())
	f.Add([]byte{checkpointVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(Config{})
		if r.Restore(b) != nil {
			return
		}
		for _, w := range newBus().vend(c1, 4500, 12).coin(3).ws {
			r.Word(w)
		}
		r.Advance(1 << 40)
		r.Undecided()
	})
}

func TestRestoreRefusesDamage(t *testing.T) {
	r := New(Config{})
	for _, w := range newBus().setup(8).vend(c1, 4500, 12).coin(3).ws {
		r.Word(w)
	}
	cp := r.Checkpoint()
	for i := range cp {
		if New(Config{}).Restore(cp[:i]) == nil {
			t.Fatalf("cut at %d of %d accepted", i, len(cp))
		}
	}
	if err := New(Config{}).Restore(append(cp, 0)); err == nil {
		t.Fatal("a byte too many accepted")
	}
	t.Logf("checkpoint of %d bytes", len(cp))
}

func BenchmarkRecovery(b *testing.B) {
	// A saturated bus: polls of four devices, a vend every few seconds.
	s := newBus().setup(8)
	for range 10 {
		for range 50 {
			s.poll(c1).poll(c2).poll(mdb.Changer).poll(mdb.Validator)
		}
		s.vend(c1, 4500, 12).coin(3).disable().enable()
	}
	span := s.t
	r := New(Config{})
	var off int64
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		w := s.ws[i]
		w.T += off
		r.Word(w)
		if i++; i == len(s.ws) {
			i, off = 0, off+span
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "words/s")
}

func BenchmarkPolls(b *testing.B) {
	s := newBus().setup(8)
	from := len(s.ws)
	for range 50 {
		s.poll(c1).poll(c2).poll(mdb.Changer).poll(mdb.Validator)
	}
	r := New(Config{})
	for _, w := range s.ws[:from] {
		r.Word(w)
	}
	ws := s.ws[from:]
	span := s.t - ws[0].T + 50_000
	var off int64
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		w := ws[i]
		w.T += off
		r.Word(w)
		if i++; i == len(ws) {
			i, off = 0, off+span
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "words/s")
}
