package ffd

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
)

// wallTime is any time since the codes of 20 % mean 20 %.
var wallTime = rapid.Custom(func(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(1_546_300_800, 2_000_000_000).Draw(t, "unix"), 0).UTC()
})

func drawVersion(t *rapid.T) Version {
	return rapid.SampledFrom([]Version{V105, V11, V12}).Draw(t, "version")
}

func drawItem(t *rapid.T, v Version, alone bool) fiscal.Item {
	it := fiscal.Item{
		Name:     drawText(t, "name"),
		Price:    rapid.Int64Range(0, 1_000_000).Draw(t, "price"),
		Quantity: rapid.Int64Range(1, 20_000_000).Draw(t, "quantity"),
		VAT:      fiscal.VAT(rapid.IntRange(1, 12).Draw(t, "vat")),
		Subject:  fiscal.Subject(rapid.IntRange(1, 27).Draw(t, "subject")),
		Method:   fiscal.Method(rapid.IntRange(1, 6).Draw(t, "method")),
		Measure:  rapid.SampledFrom(measures[:]).Draw(t, "measure").code,
	}
	if alone && rapid.Bool().Draw(t, "credit") {
		it.Method = fiscal.CreditPayment
	}
	if rapid.Bool().Draw(t, "thousandths") {
		it.Quantity = (it.Quantity/1000 + 1) * 1000
	}
	switch rapid.IntRange(0, 5).Draw(t, "marking") {
	case 0:
		it.GTIN, it.Subject = drawGTIN(t), fiscal.SubjectMarked
	case 1:
		it.Mark = "01" + drawGTIN(t) + "21" + rapid.StringMatching(`[!-~]{1,20}`).Draw(t, "serial")
		it.Quantity, it.Subject = fiscal.One, fiscal.SubjectExciseMarked
	}
	it.Subject = SubjectIn(it, v) // what is read back
	if v == V12 && rapid.IntRange(0, 4).Draw(t, "industry") == 0 {
		it.Industry = &fiscal.Industry{Agency: "010", Date: "2024-02-29", Number: drawText(t, "act"), Value: drawText(t, "value")}
	}
	it.Sum = fiscal.Product(it.Price, it.Quantity)
	return it
}

func drawText(t *rapid.T, label string) string {
	return charset.Clean(rapid.StringMatching(`[А-Яа-яA-Za-z0-9,.№%"][А-Яа-я 0-9]{0,28}[а-я]`).Draw(t, label))
}

func drawGTIN(t *rapid.T) string {
	s := rapid.StringMatching(`[0-9]{13}`).Draw(t, "gtin")
	sum := 0
	for i := range 13 {
		sum += int(s[i]-'0') * (3 - 2*(i%2))
	}
	return s + string(rune('0'+(10-sum%10)%10))
}

// drawPayments splits the total over the forms of payment; an advance is paid
// with money.
func drawPayments(t *rapid.T, d *fiscal.Document) {
	left := d.Total
	kinds := payments[:]
	for _, it := range d.Items {
		if it.Method == fiscal.Advance {
			kinds = payments[:2]
		}
	}
	for i, p := range kinds {
		sum := left
		if i < len(kinds)-1 {
			sum = rapid.Int64Range(0, left).Draw(t, string(p.kind))
		}
		if left -= sum; sum > 0 {
			d.Payments = append(d.Payments, fiscal.Payment{Kind: p.kind, Amount: sum})
		}
	}
}

// drawDocument makes a valid document of any kind the version knows, and what a
// register would add.
func drawDocument(t *rapid.T, v Version) (fiscal.Document, Imprint) {
	d, im := coffee()
	im.Version = v
	d.Operation = fiscal.Operation(rapid.IntRange(1, 4).Draw(t, "operation"))
	d.TaxSystem = rapid.SampledFrom([]fiscal.TaxSystem{fiscal.OSN, fiscal.USNIncome, fiscal.USNIncomeCost, fiscal.ESHN, fiscal.PSN}).Draw(t, "system")
	d.Items, d.Total, d.Payments = nil, 0, nil
	n := rapid.IntRange(1, 5).Draw(t, "items")
	wrong := rapid.Uint32().Draw(t, "wrong")
	kind := rapid.SampledFrom([]string{"receipt", "receipt", "correction", "sum-only", "repair"}).Draw(t, "kind")
	switch {
	case kind == "sum-only" && v == V105:
		n = 0
		d.Total = rapid.Int64Range(1, fiscal.MaxAmount).Draw(t, "sum")
		fallthrough
	case kind != "receipt" && (kind != "repair" || v != V105):
		d.Kind = fiscal.KindCorrection
		d.Correction = &fiscal.Correction{Date: "2025-06-30", ByOrder: rapid.Bool().Draw(t, "order")}
		if d.Correction.ByOrder || v == V105 {
			d.Correction.Number = drawText(t, "number")
		}
		if v == V105 {
			d.Operation = rapid.SampledFrom([]fiscal.Operation{fiscal.Sell, fiscal.Buy}).Draw(t, "corrected")
		} else if kind == "repair" {
			d.Correction.WrongFP = wrong
		}
		if v != V12 {
			d.Correction.Reason = rapid.SampledFrom([]string{"", "акт"}).Draw(t, "reason")
		}
	case kind == "repair":
		d.WrongFP = wrong
	}
	for range n {
		it := drawItem(t, v, n == 1)
		if d.Kind == fiscal.KindCorrection && (it.VAT == fiscal.VAT22 || it.VAT == fiscal.VAT22122) {
			it.VAT -= 10 // 22 % was not yet in force
		}
		d.Items = append(d.Items, it)
		d.Total += it.Sum
	}
	if n == 0 {
		d.Correction.Taxes = drawTaxes(t, d.Total)
	}
	drawPayments(t, &d)
	if rapid.Bool().Draw(t, "buyer") {
		d.Buyer = &fiscal.Buyer{Name: drawText(t, "buyer's name"), INN: rapid.SampledFrom([]string{"", "7700999990", "500100732259"}).Draw(t, "buyer's INN")}
	}
	if rapid.Bool().Draw(t, "contact") {
		d.BuyerContact, d.SellerEmail = "+79000000000", "kassa@example.ru"
	}
	d.Internet = rapid.Bool().Draw(t, "internet")
	im.Kind, im.Operation, im.Total, im.At = d.Kind, d.Operation, d.Total, wallTime.Draw(t, "at")
	im.FP = rapid.Uint32().Draw(t, "fp")
	if rapid.Bool().Draw(t, "key") {
		im.Name, im.Property = "chekomat", "abcdefgh23456789-a1"
	}
	return d, im
}

// drawTaxes splits a sum over two rates and gives their VAT.
func drawTaxes(t *rapid.T, total int64) (out []fiscal.VATSum) {
	part := rapid.Int64Range(0, total).Draw(t, "part")
	for v, sum := range map[fiscal.VAT]int64{fiscal.VAT10: part, fiscal.VATNone: total - part} {
		if v.Percent() != 0 {
			sum = v.Of(sum)
		}
		out = append(out, fiscal.VATSum{VAT: v, Sum: sum})
	}
	return fiscal.Document{Kind: fiscal.KindCorrection, Correction: &fiscal.Correction{Taxes: out}}.VATSums()
}

// A receipt or a correction composed and read again is the same, and obeys the
// tables, in every version.
func TestReceiptRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		d, im := drawDocument(t, v)
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

// Reports composed and read again are the same, and obey the tables.
func TestReportRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		shift := drawShift(t, v)
		sameAgain(t, shift, ComposeShift, DecomposeShift)
		sameAgain(t, drawRegistration(t, v), ComposeRegistration, DecomposeRegistration)
		sameAgain(t, drawState(t, v), ComposeState, DecomposeState)
		sameAgain(t, drawClosing(t, v), ComposeFNClose, DecomposeFNClose)
		sameAgain(t, drawConfirmation(t, v), ComposeConfirmation, DecomposeConfirmation)
	})
}

func sameAgain[T any](t *rapid.T, want T, compose func(T) (Document, error), read func(Document) (T, error)) {
	t.Helper()
	doc, err := compose(want)
	if err != nil {
		t.Fatal(err)
	}
	if ps := Validate(doc); len(ps) > 0 {
		t.Fatal(ps)
	}
	raw := AppendDocument(nil, doc)
	parsed, n, err := ParseDocument(raw)
	if err != nil || n != len(raw) {
		t.Fatal(n, err)
	}
	got, err := read(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
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
	_, _, c := readTrace(b, files[0])
	raw := c.Raw
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseDocument(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	doc, _, err := ParseDocument(worked(b, "receipt-1.2"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ps := Validate(doc); len(ps) > 0 {
			b.Fatal(ps)
		}
	}
}

func BenchmarkText(b *testing.B) {
	doc, _, err := ParseDocument(worked(b, "receipt-1.2"))
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendText(buf[:0], doc, "ru")
	}
}
