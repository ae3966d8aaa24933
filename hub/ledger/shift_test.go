package ledger

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const fn = "9999078900001234"

func entry(fd uint32, kind fiscal.DocumentKind, op fiscal.Operation, sum int64) Entry {
	return Entry{FD: fd, Ours: true, Kind: kind, Operation: op, Sum: sum, Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: sum}}}
}

// books are a shift of two sales, a refund and a correction, one of the sales
// another program's.
func books() Books {
	b := Books{FN: fn, Shift: 3, Entries: []Entry{entry(10, fiscal.KindShiftOpen, 0, 0), entry(11, fiscal.KindReceipt, fiscal.Sell, 5000),
		entry(12, fiscal.KindReceipt, fiscal.Sell, 700), entry(13, fiscal.KindReceipt, fiscal.SellReturn, 5000),
		entry(14, fiscal.KindCorrection, fiscal.Sell, 900), entry(15, fiscal.KindShiftClose, 0, 0)}}
	b.Entries[2].Ours = false
	return b
}

func told() kkt.Counters {
	c := func(op fiscal.Operation, n uint32, sum int64) kkt.Counter {
		return kkt.Counter{Operation: op, Count: n, Sum: sum, Payments: []fiscal.Payment{{Kind: fiscal.Cash}, {Kind: fiscal.Ecash, Amount: sum}}}
	}
	return kkt.Counters{FN: fn, Shift: 3, Source: kkt.FromReport, LastFD: 15, Receipts: []kkt.Counter{c(fiscal.Sell, 2, 5700), c(fiscal.SellReturn, 1, 5000)},
		Corrections: []kkt.Counter{c(fiscal.Sell, 1, 900)}}
}

func (r Result) line(t *testing.T, what, figure string, op fiscal.Operation) Line {
	t.Helper()
	for _, l := range r.Lines {
		if l.What == what && l.Figure == figure && l.Operation == op {
			return l
		}
	}
	t.Fatalf("no line %s %s %d in %+v", what, figure, op, r.Lines)
	return Line{}
}

func TestAShiftThatAgrees(t *testing.T) {
	c := told()
	r := Shift(books(), &c)
	if r.Outcome != Agree || r.Difference() != 0 {
		t.Fatalf("%+v", r)
	}
	if l := r.line(t, Receipts, Sum, fiscal.Sell); l.Ours != 5000 || l.Foreign != 700 || *l.Told != 5700 || *l.Difference != 0 {
		t.Errorf("%+v", l)
	}
	if l := r.line(t, Documents, Count, 0); l.Ours != 5 || l.Foreign != 1 || *l.Told != 6 {
		t.Errorf("%+v", l)
	}
	c.Receipts[0] = kkt.Counter{Operation: fiscal.Sell, Count: 3, Sum: 6600}
	c.Corrections, c.Together = nil, true
	if r := Shift(books(), &c); r.Outcome != Agree || r.line(t, Both, Sum, fiscal.Sell).Ours != 5900 {
		t.Errorf("counted together: %+v", r)
	}
}

func TestWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		change             func(*Books, *kkt.Counters)
		what, figure       string
		op                 fiscal.Operation
		outcome, ofLine    Outcome
		reason             string
		difference, broken int64
	}{
		"a receipt more": {func(_ *Books, c *kkt.Counters) { c.Receipts[0].Count++ }, Receipts, Count, fiscal.Sell, Differ, Differ, "", 1, 1},
		"less money":     {func(_ *Books, c *kkt.Counters) { c.Receipts[0].Sum -= 100 }, Receipts, Sum, fiscal.Sell, Differ, Differ, "", -100, 1},
		"paid otherwise": {func(_ *Books, c *kkt.Counters) {
			c.Receipts[0].Payments[1].Amount -= 700
			c.Receipts[0].Payments[0].Amount += 700
		}, Receipts, "cash", fiscal.Sell, Differ, Differ, "", 700, 2},
		"an operation unheard": {func(_ *Books, c *kkt.Counters) {
			c.Receipts = append(c.Receipts, kkt.Counter{Operation: fiscal.Buy, Count: 1, Sum: 5})
		}, Receipts, Count, fiscal.Buy, Differ, Differ, "", 1, 2},
		"a correction not told":  {func(_ *Books, c *kkt.Counters) { c.Corrections = nil }, Corrections, Sum, fiscal.Sell, Differ, Differ, "", -900, 2},
		"a document missing":     {func(b *Books, _ *kkt.Counters) { b.Entries = append(b.Entries[:1], b.Entries[2:]...) }, Documents, Count, 0, Differ, Differ, "", 1, 1},
		"and its sum is unknown": {func(b *Books, _ *kkt.Counters) { b.Entries = append(b.Entries[:1], b.Entries[2:]...) }, Receipts, Sum, fiscal.Sell, Differ, Unknown, DocumentsMissing, 0, 1},
		"the opening unseen":     {func(b *Books, _ *kkt.Counters) { b.Entries = b.Entries[1:] }, Documents, Count, 0, Unknown, Unknown, BeginningUnknown, 0, 0},
		"a document unread":      {func(b *Books, _ *kkt.Counters) { b.Entries[2] = Entry{FD: 12, Unread: true} }, Receipts, Count, fiscal.Sell, Unknown, Unknown, DocumentsUnread, 0, 0},
		"forms of another":       {func(b *Books, _ *kkt.Counters) { b.Entries[2].Payments = nil }, Receipts, "ecash", fiscal.Sell, Agree, Unknown, FormsUnknown, 0, 0},
		"another shift":          {func(_ *Books, c *kkt.Counters) { c.Shift++ }, Receipts, Count, fiscal.Sell, Unknown, Unknown, OtherShift, 0, 0},
		"another ФН":             {func(_ *Books, c *kkt.Counters) { c.FN = "1" }, Receipts, Count, fiscal.Sell, Unknown, Unknown, OtherShift, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, k := books(), told()
			c.change(&b, &k)
			r := Shift(b, &k)
			l := r.line(t, c.what, c.figure, c.op)
			if r.Outcome != c.outcome || l.Outcome != c.ofLine || l.Reason != c.reason || int64(r.Difference()) != c.broken {
				t.Fatalf("%s, line %+v", r.Outcome, l)
			}
			if l.Outcome == Differ && *l.Difference != c.difference || l.Outcome == Unknown && l.Difference != nil {
				t.Errorf("%+v", l)
			}
		})
	}
	if r := Shift(books(), nil); r.Outcome != Unknown || r.Lines[0].Reason != NotRead || r.Lines[0].Told != nil {
		t.Errorf("nothing read: %+v", r)
	}
}

// TestCountersOfTheBooksAgree: whatever a shift holds, counters that were
// counted from it agree, and changing one of them by anything differs.
func TestCountersOfTheBooksAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := Books{FN: fn, Shift: 1, Entries: []Entry{entry(1, fiscal.KindShiftOpen, 0, 0)}}
		c := kkt.Counters{FN: fn, Shift: 1, Source: kkt.FromArchive}
		n := rapid.Uint32Range(0, 12).Draw(rt, "documents")
		for i := range n {
			e := entry(i+2, rapid.SampledFrom([]fiscal.DocumentKind{fiscal.KindReceipt, fiscal.KindCorrection}).Draw(rt, "kind"),
				fiscal.Operation(rapid.IntRange(1, 4).Draw(rt, "operation")), rapid.Int64Range(1, 1e6).Draw(rt, "sum"))
			e.Ours = rapid.Bool().Draw(rt, "ours")
			b.Entries = append(b.Entries, e)
			to := &c.Receipts
			if e.Kind == fiscal.KindCorrection {
				to = &c.Corrections
			}
			found := false
			for k := range *to {
				if (*to)[k].Operation == e.Operation {
					(*to)[k].Count++
					(*to)[k].Sum += e.Sum
					found = true
				}
			}
			if !found {
				*to = append(*to, kkt.Counter{Operation: e.Operation, Count: 1, Sum: e.Sum})
			}
		}
		c.LastFD = n + 1
		if r := Shift(b, &c); r.Outcome != Agree {
			rt.Fatalf("%+v", r)
		}
		if len(c.Receipts) > 0 {
			c.Receipts[0].Sum += rapid.SampledFrom([]int64{-1, 1, 1000}).Draw(rt, "off")
			if r := Shift(b, &c); r.Outcome != Differ || r.Difference() != 1 {
				rt.Fatalf("not found: %+v", r)
			}
		}
	})
}
