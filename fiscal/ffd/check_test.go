package ffd

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
)

func TestCheckByVersion(t *testing.T) {
	correction := func(change func(*fiscal.Document)) fiscal.Document {
		d, _ := coffee()
		d.Kind, d.Correction = fiscal.KindCorrection, &fiscal.Correction{Date: "2026-01-15"}
		change(&d)
		return d
	}
	sumOnly := correction(func(d *fiscal.Document) {
		d.Items, d.Correction.Taxes = nil, []fiscal.VATSum{{VAT: fiscal.VAT22, Sum: 1533}}
	})
	refund := correction(func(d *fiscal.Document) { d.Operation = fiscal.SellReturn })
	repair := correction(func(d *fiscal.Document) { d.Operation, d.Correction.WrongFP = fiscal.SellReturn, 1234567890 })
	old, _ := coffee()
	old.Operation, old.WrongFP = fiscal.SellReturn, 1234567890
	plain, _ := coffee()
	all := []Version{V105, V11, V12}
	for _, c := range []struct {
		name string
		d    fiscal.Document
		ok   []Version
		code fault.Code
	}{
		{"sale", plain, all, ""},
		{"missed sale", correction(func(*fiscal.Document) {}), all, ""},
		{"sum-only", sumOnly, []Version{V105}, fault.CorrectionStyle},
		{"correction of a return", refund, []Version{V11, V12}, fault.CorrectionStyle},
		{"repair by corrections", repair, []Version{V11, V12}, fault.RepairBad},
		{"repair by receipts", old, []Version{V105}, fault.RepairBad},
	} {
		for _, v := range append(all, 0, 5) {
			err := Check(c.d, v)
			want := c.code
			if !slices.Contains(all, v) {
				want = fault.VersionUnknown
			}
			if slices.Contains(c.ok, v) {
				if err != nil {
					t.Errorf("%s in %s: %v", c.name, v, err)
				}
				continue
			}
			var list fault.List
			if !errors.As(err, &list) || !slices.ContainsFunc(list, func(f fault.Fault) bool { return f.Code == want }) {
				t.Errorf("%s in %d: %v, want %s", c.name, v, err, want)
			}
		}
	}
	for _, v := range all {
		if err := Check(fiscal.Document{Kind: fiscal.KindShiftOpen}, v); err != nil {
			t.Error(err)
		}
	}
}

// What 1173, 1174 and 1192 hold in each version (FFD reference, 10).
func TestCorrectionElements(t *testing.T) {
	own := fiscal.Correction{Date: "2026-01-15", Number: "5", Reason: "акт"}
	order := own
	order.ByOrder = true
	for _, c := range []struct {
		c    fiscal.Correction
		v    Version
		want string
	}{
		{own, V105, "9504 0100 00 9604 1400 9904 0300 a0aae2 9a04 0400 002e6869 9b04 0100 35"},
		{own, V11, "9504 0100 00 9604 0f00 9904 0300 a0aae2 9a04 0400 002e6869"},
		{own, V12, "9504 0100 00 9604 0800 9a04 0400 002e6869"},
		{order, V105, "9504 0100 01 9604 1400 9904 0300 a0aae2 9a04 0400 002e6869 9b04 0100 35"},
		{order, V12, "9504 0100 01 9604 0d00 9a04 0400 002e6869 9b04 0100 35"},
	} {
		if got := hex.EncodeToString(AppendChain(nil, CorrectionElements(c.c, c.v))); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%+v in %s:\n%s\nwant\n%s", c.c, c.v, got, c.want)
		}
	}
	e, ok := RepairElement(fiscal.Document{WrongFP: 305419896})
	if !ok || e.Tag != 1192 || e.Text() != "0305419896" {
		t.Error(e, ok)
	}
	if _, ok := RepairElement(fiscal.Document{}); ok {
		t.Error("1192 without a wrong receipt")
	}
}

// The vectors of the FFD reference, 11.1.
func TestMarkElements(t *testing.T) {
	gtin := fiscal.Item{GTIN: "04601234567890"}
	full := fiscal.Item{Mark: "010460043993125621JgXJ5.\x1d93abcd"}
	for _, c := range []struct {
		it   fiscal.Item
		want string
	}{{gtin, "490e042f4ef3b2d2"}, {full, "444d042f1f9681784a67584a352e"}} {
		got, err := ProductCode(c.it)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%x %v, want %s", got, err, c.want)
		}
		for _, v := range []Version{V105, V11} {
			es, err := MarkElements(c.it, v)
			if err != nil || len(es) != 2 || es[0].Tag != 1162 || es[1].Text() != "crpt=mrk&mode=vend" {
				t.Error(es, err)
			}
		}
	}
	es, err := MarkElements(gtin, V12)
	if err != nil {
		t.Fatal(err)
	}
	industry := Find(es, 1260)
	for tag, want := range map[Tag]string{1262: "030", 1263: "16.06.2022", 1264: "174", 1265: "mode=vend"} {
		if got := Find(industry.Nested, tag); got == nil || got.Text() != want {
			t.Errorf("%d: %v, want %s", tag, got, want)
		}
	}
	if MarkingCode(full) != full.Mark || MarkingCode(gtin) != gtin.GTIN || MarkingCode(fiscal.Item{}) != "" {
		t.Error("2000")
	}
	for _, c := range []struct {
		v           Version
		from, wants fiscal.Subject
		mark        bool
	}{
		{V12, fiscal.SubjectGoods, fiscal.SubjectMarked, true}, {V12, fiscal.SubjectExcise, fiscal.SubjectExciseMarked, true},
		{V12, fiscal.SubjectGoods, fiscal.SubjectGoods, false}, {V105, fiscal.SubjectMarked, fiscal.SubjectGoods, true},
		{V11, fiscal.SubjectExciseMarked, fiscal.SubjectExcise, true}, {V11, fiscal.SubjectService, fiscal.SubjectService, false},
		{V12, fiscal.SubjectMarkedNoCode, fiscal.SubjectMarkedNoCode, false}, {V105, fiscal.SubjectMarkedNoCode, fiscal.SubjectGoods, false},
	} {
		it := fiscal.Item{Subject: c.from}
		if c.mark {
			it.GTIN = gtin.GTIN
		}
		if got := SubjectIn(it, c.v); got != c.wants {
			t.Errorf("%d in %s: %d, want %d", c.from, c.v, got, c.wants)
		}
	}
}

// A receipt against the registration it was made under.
func TestValidateAgainst(t *testing.T) {
	d, im := coffee()
	im.User = ""
	doc, err := ComposeReceipt(d, im)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := ComposeRegistration(RegistrationReport{
		Imprint: Imprint{Receipt: fiscal.Receipt{FN: im.FN, FD: 1, At: time.Date(2025, 12, 1, 9, 0, 0, 0, time.UTC), RegNumber: im.RegNumber, Machine: d.Machine}, Version: V12, INN: im.INN, User: "ООО"},
		KKT:     "00106900000001", KKTVersion: "001", KKTFormat: V12, FNFormat: V12, Address: "Москва", Place: "склад", Cashier: "Иванов",
		OFD: "ОФД", OFDINN: "7704358518", TaxSystems: fiscal.OSN | fiscal.PSN, Auto: true, KeyDays: 400, Use: UseVending,
	})
	if err != nil {
		t.Fatal(err)
	}
	if ps := append(ValidateAgainst(doc, reg), Validate(reg)...); len(ps) > 0 {
		t.Fatal(ps)
	}
	with := func(doc Document, es ...Element) Document {
		body := slices.Clone(doc.Body)
		for _, e := range es {
			body = append(without(body, e.Tag), e)
		}
		return Document{doc.Code, body}
	}
	str := func(tag Tag, s string) Element {
		e, err := Str(tag, s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		name     string
		doc, reg Document
		tag      Tag
		code     fault.Code
	}{
		{"another seller", with(doc, str(1018, "7825706086")), reg, 1018, BadValue},
		{"another register", with(doc, str(1037, "0000000005008570")), reg, 1037, BadValue},
		{"tax system not registered", with(doc, Num(1055, 2)), reg, 1055, BadValue},
		{"another version", with(doc, Num(1209, 3)), reg, 1209, BadValue},
		{"agent not registered", with(doc, Num(1057, 64)), reg, 1057, BadValue},
		{"no machine number anywhere", Document{doc.Code, without(doc.Body, 1036)}, Document{reg.Code, without(reg.Body, 1036)}, 1036, Missing},
		{"no place anywhere", Document{doc.Code, without(doc.Body, 1187)}, Document{reg.Code, without(reg.Body, 1187)}, 1187, Missing},
	} {
		ps := ValidateAgainst(c.doc, c.reg)
		if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Tag == c.tag && p.Code == c.code }) {
			t.Errorf("%s: %v", c.name, ps)
		}
	}
	// left to the registration, which has it
	if ps := ValidateAgainst(Document{doc.Code, without(without(doc.Body, 1036), 1187)}, reg); len(ps) > 0 {
		t.Error(ps)
	}
}

// Sums and VAT by both methods, and what neither allows.
func TestTotals(t *testing.T) {
	d, im := coffee()
	// VAT of 3 x 85.00 is 45.99 by items, 45.98 of the turnover
	three := func(price int64) Document {
		it := d.Items[0]
		it.Price, it.Sum = price, price
		d := d
		d.Items, d.Total = []fiscal.Item{it, it, it}, 3*price
		d.Payments = []fiscal.Payment{{Kind: fiscal.Cash, Amount: 3 * price}}
		doc, err := ComposeReceipt(d, im)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	total := func(doc Document, vat uint64) Document {
		return Document{doc.Code, append(without(doc.Body, 1115), Struct(1115, Struct(1119, Num(1199, 11), Num(1120, vat))))}
	}
	doc := three(8500)
	for vat, ok := range map[uint64]bool{4599: true, 4598: true, 4597: false, 4600: false, 0: false} {
		if ps := Validate(total(doc, vat)); (len(ps) == 0) != ok {
			t.Errorf("total of %d: %v", vat, ps)
		}
	}
	for _, c := range []struct {
		name string
		doc  Document
		tag  Tag
		code fault.Code
	}{
		{"total of a rate no item has", Document{doc.Code, append(slices.Clone(doc.Body), Num(1103, 5))}, 1103, VATMismatch},
		{"rate missing in 1115", Document{doc.Code, append(without(doc.Body, 1115), Struct(1115, Struct(1119, Num(1199, 7), Num(1120, 0))))}, 1115, VATMismatch},
		{"payments short", Document{doc.Code, append(without(doc.Body, 1031), Num(1031, 25499))}, 1020, SumMismatch},
		{"a rouble lost", Document{doc.Code, append(without(without(doc.Body, 1031), 1020), Num(1031, 25400), Num(1020, 25400))}, 1020, SumMismatch},
	} {
		ps := Validate(c.doc)
		if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Tag == c.tag && p.Code == c.code }) {
			t.Errorf("%s: %v", c.name, ps)
		}
	}
	// kopecks of a cash total dropped by the register, with the VAT of what was paid
	kopecks := three(8533) // 255.99 -> 255.00
	body := append(without(without(kopecks.Body, 1031), 1020), Num(1031, 25500), Num(1020, 25500))
	if ps := Validate(Document{kopecks.Code, body}); len(ps) > 0 {
		t.Error(ps)
	}
}
