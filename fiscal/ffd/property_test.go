package ffd

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
)

var wallTime = rapid.Custom(func(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(1_483_228_800, 2_000_000_000).Draw(t, "unix"), 0).UTC()
})

func drawVersion(t *rapid.T) Version {
	return rapid.SampledFrom([]Version{V105, V11, V12}).Draw(t, "version")
}

func drawItem(t *rapid.T, v Version) fiscal.Item {
	it := fiscal.Item{
		Name:     charset.Clean(rapid.StringMatching(`[А-Яа-яA-Za-z0-9,.№%"][А-Яа-я 0-9]{0,40}[а-я]`).Draw(t, "name")),
		Price:    rapid.Int64Range(0, 1_000_000).Draw(t, "price"),
		Quantity: rapid.Int64Range(1, 20_000_000).Draw(t, "quantity"),
		VAT:      fiscal.VAT(rapid.IntRange(1, 12).Draw(t, "vat")),
		Subject:  fiscal.Subject(rapid.IntRange(1, 27).Draw(t, "subject")),
		Method:   fiscal.Method(rapid.IntRange(1, 7).Draw(t, "method")),
	}
	if rapid.Bool().Draw(t, "thousandths") {
		it.Quantity = (it.Quantity/1000 + 1) * 1000
	}
	if v == V12 {
		it.Measure = rapid.SampledFrom([]uint8{0, 11, 41}).Draw(t, "measure")
	}
	it.Sum = fiscal.Product(it.Price, it.Quantity)
	return it
}

// A receipt composed and read again is the same, and obeys the tables.
func TestReceiptRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, im := coffee()
		im.Version = drawVersion(t)
		d.Operation = fiscal.Operation(rapid.IntRange(1, 4).Draw(t, "operation"))
		d.Items, d.Total = nil, 0
		for range rapid.IntRange(1, 5).Draw(t, "items") {
			it := drawItem(t, im.Version)
			d.Items = append(d.Items, it)
			d.Total += it.Sum
		}
		d.Payments = nil
		cash := rapid.Int64Range(0, d.Total).Draw(t, "cash")
		for _, p := range []fiscal.Payment{{Kind: fiscal.Cash, Amount: cash}, {Kind: fiscal.Ecash, Amount: d.Total - cash}} {
			if p.Amount > 0 {
				d.Payments = append(d.Payments, p)
			}
		}
		im.Operation, im.Total, im.At = d.Operation, d.Total, wallTime.Draw(t, "at")
		im.FP = rapid.Uint32().Draw(t, "fp")
		if rapid.Bool().Draw(t, "key") {
			im.Name, im.Property = "chekomat", "abcdefgh23456789-a1"
		}
		doc, err := ComposeReceipt(d, im)
		if err != nil {
			t.Fatal(err)
		}
		if problems := Validate(doc); len(problems) > 0 {
			t.Fatal(problems)
		}
		raw := AppendDocument(nil, doc)
		parsed, n, err := ParseDocument(raw)
		if err != nil || n != len(raw) {
			t.Fatal(n, err)
		}
		d2, im2, err := DecomposeReceipt(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, d2) + cmp.Diff(im, im2); diff != "" {
			t.Fatal(diff)
		}
	})
}

func drawCounters(t *rapid.T) *Counters {
	c := &Counters{Count: rapid.Uint32().Draw(t, "count")}
	for _, o := range c.operations() {
		o.c.Count = rapid.Uint32().Draw(t, "n")
		for _, f := range sums {
			*f.at(o.c) = rapid.Int64Range(0, 1<<39).Draw(t, "sum")
		}
	}
	for _, o := range c.Corrections.operations() { // the limit of 1133 leaves them little room
		o.c.Count = rapid.Uint32().Draw(t, "n")
		for _, f := range sums {
			*f.at(o.c) = rapid.Int64Range(0, 1<<16-1).Draw(t, "sum")
		}
	}
	for _, o := range c.operations() {
		for _, f := range taxes {
			*f.at(o.c) = rapid.Int64Range(0, 1<<39).Draw(t, "tax")
		}
	}
	c.Corrections.Count = rapid.Uint32().Draw(t, "corrections")
	return c
}

func TestShiftRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, im := coffee()
		im.Kind, im.Total, im.Operation, im.Machine, im.Number, im.FNSSite, im.User, im.Test = "", 0, 0, fiscal.Machine{}, 0, "", "", false
		im.Version, im.At, im.FP = drawVersion(t), wallTime.Draw(t, "at"), rapid.Uint32().Draw(t, "fp")
		s := ShiftReport{Imprint: im, Close: rapid.Bool().Draw(t, "close"), OFDTimeout: rapid.Bool().Draw(t, "timeout")}
		if s.Close {
			s.Unsent, s.UnsentAt = rapid.Uint32().Draw(t, "unsent"), wallTime.Draw(t, "first")
			s.Documents, s.Receipts = rapid.Uint32().Draw(t, "documents"), rapid.Uint32().Draw(t, "receipts")
			if s.Version != V105 {
				s.KeyDays = rapid.Uint16().Draw(t, "days")
				s.Totals, s.FNTotals = drawCounters(t), drawCounters(t)
			}
		} else {
			s.KKTVersion, s.KKTFormat = "001", s.Version
		}
		doc, err := ComposeShift(s)
		if err != nil {
			t.Fatal(err)
		}
		if problems := Validate(doc); len(problems) > 0 {
			t.Fatal(problems)
		}
		parsed, _, err := ParseDocument(AppendDocument(nil, doc))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecomposeShift(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestQuantityRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micro := rapid.Int64Range(0, 1<<50).Draw(t, "micro")
		q, err := ParseFVLN(AppendFVLN(nil, Micro(micro)))
		if got, ok := q.Micro(); err != nil || !ok || got != micro {
			t.Fatal(q, got, ok, err)
		}
	})
}

func FuzzParseDocument(f *testing.F) {
	for _, name := range []string{"receipt-1.2", "receipt-1.05", "correction-1.2"} {
		f.Add(worked(f, name))
	}
	f.Add([]byte{3, 0, 4, 0, 35, 4, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, n, err := ParseDocument(b)
		if err != nil {
			return
		}
		if got := AppendDocument(nil, doc); !bytes.Equal(got, b[:n]) {
			t.Fatalf("%x encoded again as %x", b[:n], got)
		}
		Validate(doc)
		DecomposeReceipt(doc)
		DecomposeShift(doc)
		for _, e := range doc.Body {
			e.Text()
			e.Uint()
			e.Time()
			e.Quantity()
		}
	})
}

func BenchmarkParseDocument(b *testing.B) {
	raw := worked(b, "receipt-1.2")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseDocument(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDocument(b *testing.B) {
	doc, _, err := ParseDocument(worked(b, "receipt-1.2"))
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendDocument(buf[:0], doc)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkComposeReceipt(b *testing.B) {
	d, im := coffee()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ComposeReceipt(d, im); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse48Items(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(traces(b, "receipts/tlv"), "05-*.hex"))
	_, raw := readTrace(b, files[0])
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseDocument(raw); err != nil {
			b.Fatal(err)
		}
	}
}
