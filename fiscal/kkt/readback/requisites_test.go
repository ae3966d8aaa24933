package readback

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

func str(t *testing.T, tag ffd.Tag, s string) ffd.Element {
	t.Helper()
	e, err := ffd.Str(tag, s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fixed is a correction as it was asked for and as a register wrote it.
func fixed(t *testing.T) (Sent, Document) {
	doc := fiscal.Document{
		Kind: fiscal.KindCorrection, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: 5000,
		Items: []fiscal.Item{{
			Name: "Вода", Price: 5000, Quantity: fiscal.One, Sum: 5000, VAT: fiscal.VATNone, Subject: fiscal.SubjectMarked,
			Method: fiscal.FullSettlement, GTIN: "04601234567893",
		}},
		Payments:   []fiscal.Payment{{Kind: fiscal.Cash, Amount: 5000}},
		Machine:    fiscal.Machine{Serial: "VM-1", Address: "Москва", Place: "холл"},
		Correction: &fiscal.Correction{ByOrder: true, Date: "2026-02-27", Number: "12/7", WrongFP: 42},
	}
	key := kkt.Key("k-a1")
	contact := str(t, 1008, "+79000000000")
	body := []ffd.Element{
		ffd.Num(1054, 1), ffd.Num(1020, 5000), ffd.Num(1055, 1), ffd.Num(1031, 5000),
		str(t, 1036, "VM-1"), str(t, 1009, "Москва"), str(t, 1187, "холл"), str(t, 1192, "0000000042"), contact,
		ffd.Struct(1084, str(t, 1085, kkt.KeyName), str(t, 1086, string(key))),
		ffd.Num(1173, 1), ffd.Struct(1174, ffd.Clock(1178, time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC)), str(t, 1179, "12/7")),
		ffd.Struct(1059, ffd.Num(1214, 4), ffd.Num(1212, 33), ffd.Amount(1023, ffd.Micro(fiscal.One)), ffd.Num(1043, 5000), ffd.Num(1199, 6),
			ffd.Struct(1163, str(t, 1303, "04601234567893"))),
	}
	return Sent{Document: doc, Key: key, Elements: []ffd.Element{contact}}, Document{Code: uint16(ffd.CodeCorrection), Body: body, Complete: true}
}

func TestDifferenceOfRequisites(t *testing.T) {
	sent, doc := fixed(t)
	if f := doc.Difference(sent); f != nil {
		t.Fatal(f)
	}
	for name, c := range map[string]struct {
		change func(*Document)
		code   fault.Code
	}{
		"a receipt":             {func(d *Document) { d.Code = uint16(ffd.CodeReceipt) }, fault.WrongOperation},
		"own initiative":        {func(d *Document) { set(d.Body, 1173, ffd.Num(1173, 0)) }, fault.WrongCorrection},
		"no ground":             {func(d *Document) { set(d.Body, 1174, ffd.Num(1125, 1)) }, fault.WrongCorrection},
		"another day":           {func(d *Document) { set(ground(d), 1178, ffd.Clock(1178, time.Unix(0, 0).UTC())) }, fault.WrongCorrection},
		"another order":         {func(d *Document) { set(ground(d), 1179, str(t, 1179, "12/8")) }, fault.WrongCorrection},
		"another wrong receipt": {func(d *Document) { set(d.Body, 1192, str(t, 1192, "0000000043")) }, fault.WrongRequisite},
		"contact left out":      {func(d *Document) { set(d.Body, 1008, ffd.Num(1125, 1)) }, fault.WrongRequisite},
		"another contact":       {func(d *Document) { set(d.Body, 1008, str(t, 1008, "+79000000001")) }, fault.WrongRequisite},
		"another way of paying": {func(d *Document) { set(item1(d), 1214, ffd.Num(1214, 3)) }, fault.WrongItem},
		"another subject":       {func(d *Document) { set(item1(d), 1212, ffd.Num(1212, 1)) }, fault.WrongItem},
		"two of them":           {func(d *Document) { set(item1(d), 1023, ffd.Amount(1023, ffd.Micro(2*fiscal.One))) }, fault.WrongItem},
		"mark left out":         {func(d *Document) { set(item1(d), 1163, ffd.Num(1125, 1)) }, fault.WrongItem},
	} {
		sent, doc := fixed(t)
		c.change(&doc)
		if f := doc.Difference(sent); f == nil || f.Code != c.code {
			t.Errorf("%s: %v, want %s", name, f, c.code)
		}
	}
}

func set(es []ffd.Element, tag ffd.Tag, to ffd.Element) { *ffd.Find(es, tag) = to }

func ground(d *Document) []ffd.Element { return ffd.Find(d.Body, 1174).Nested }

func item1(d *Document) []ffd.Element { return ffd.Find(d.Body, 1059).Nested }

func TestCounters(t *testing.T) {
	one := func(tag ffd.Tag, count, sum, cash uint64) ffd.Element {
		return ffd.Struct(tag, ffd.Num(1135, count), ffd.Num(1201, sum), ffd.Num(1136, cash), ffd.Num(1138, sum-cash))
	}
	d := Document{Code: uint16(ffd.CodeShiftClose), Body: []ffd.Element{
		ffd.Struct(1194, ffd.Num(1134, 4), one(1129, 2, 12000, 8000), one(1130, 1, 5000, 0), one(1131, 0, 0, 0),
			ffd.Struct(1133, ffd.Num(1144, 1), one(1232, 1, 700, 700))),
	}}
	receipts, fixes, ok := d.Counters()
	if !ok || len(receipts) != 2 || receipts[0].Count != 2 || receipts[1].Operation != fiscal.SellReturn || receipts[1].Payments[1].Amount != 5000 {
		t.Errorf("%+v", receipts)
	}
	if len(fixes) != 1 || fixes[0].Operation != fiscal.SellReturn || fixes[0].Payments[0].Amount != 700 {
		t.Errorf("%+v", fixes)
	}
	if kkt.CounterOf(receipts, fiscal.SellReturn).Sum != 5000 || kkt.CounterOf(receipts, fiscal.Buy).Count != 0 {
		t.Error("counters by operation")
	}
	if _, _, ok := (Document{}).Counters(); ok {
		t.Error("counters of nothing")
	}
}
