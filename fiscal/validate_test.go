package fiscal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal/fault"
)

func good() Document {
	return Document{
		Kind: KindReceipt, Operation: Sell, TaxSystem: USNIncome, Total: 8500,
		Items:    []Item{{Name: "Кофе «капучино»", Price: 8500, Quantity: One, Sum: 8500, VAT: VATNone, Subject: SubjectGoods, Method: FullSettlement}},
		Payments: []Payment{{Kind: Cash, Amount: 5000}, {Kind: Ecash, Amount: 3500}},
		Machine:  Machine{Serial: "VM-000042", Address: "Москва — Тверская", Place: "холл"},
		SoldAt:   time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC),
	}
}

// sumOnly makes a correction without items.
func sumOnly(taxes ...VATSum) func(*Document) {
	return func(d *Document) {
		d.Kind, d.Items, d.SoldAt = KindCorrection, nil, time.Time{}
		d.Correction = &Correction{Date: "2026-01-31", Taxes: taxes}
	}
}

func TestValidate(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Document)
		want   fault.Code
	}{
		{"kind", func(d *Document) { d.Kind = "" }, fault.KindUnknown},
		{"operation", func(d *Document) { d.Operation = 0 }, fault.OperationUnknown},
		{"two tax systems", func(d *Document) { d.TaxSystem = OSN | PSN }, fault.TaxSystemBad},
		{"no tax system", func(d *Document) { d.TaxSystem = 0 }, fault.TaxSystemBad},
		{"ENVD", func(d *Document) { d.TaxSystem = ENVD }, fault.TaxSystemBad},
		{"no serial", func(d *Document) { d.Machine.Serial = "" }, fault.MachineSerialBad},
		{"long serial", func(d *Document) { d.Machine.Serial = strings.Repeat("1", 21) }, fault.MachineSerialBad},
		{"serial with space", func(d *Document) { d.Machine.Serial = "1 " }, fault.MachineSerialBad},
		{"serial is never transliterated", func(d *Document) { d.Machine.Serial = "A—1" }, fault.MachineSerialBad},
		{"serial with a line feed", func(d *Document) { d.Machine.Serial = "A\n1" }, fault.MachineSerialBad},
		{"no address", func(d *Document) { d.Machine.Address = " " }, fault.MachineAddressBad},
		{"long address", func(d *Document) { d.Machine.Address = strings.Repeat("а", 244) }, fault.MachineAddressBad},
		{"no place", func(d *Document) { d.Machine.Place = "" }, fault.MachinePlaceBad},
		{"Chinese place", func(d *Document) { d.Machine.Place = "北京" }, fault.MachinePlaceBad},
		{"no items", func(d *Document) { d.Items, d.Payments, d.Total = nil, nil, 0 }, fault.ItemsMissing},
		{"101 items", func(d *Document) { d.Items = slices.Repeat(d.Items, 101) }, fault.ItemsTooMany},
		{"no name", func(d *Document) { d.Items[0].Name = "\n" }, fault.ItemNameBad},
		{"long name", func(d *Document) { d.Items[0].Name = strings.Repeat("я", 129) }, fault.ItemNameBad},
		{"name CP1251 lacks", func(d *Document) { d.Items[0].Name = "█" }, fault.ItemNameBad},
		{"negative price", func(d *Document) { d.Items[0].Price = -1 }, fault.ItemPriceBad},
		{"absurd price", func(d *Document) { d.Items[0].Price = 1 << 60 }, fault.ItemPriceBad},
		{"no quantity", func(d *Document) { d.Items[0].Quantity = 0 }, fault.ItemQuantityBad},
		{"sum two kopecks off", func(d *Document) { d.Items[0].Sum -= 2 }, fault.ItemSumMismatch},
		{"rate 13", func(d *Document) { d.Items[0].VAT = 13 }, fault.VATUnknown},
		{"20 % in 2026", func(d *Document) { d.Items[0].VAT = VAT20 }, fault.VATNotInForce},
		{"subject 0", func(d *Document) { d.Items[0].Subject = 0 }, fault.ItemSubjectBad},
		{"method 8", func(d *Document) { d.Items[0].Method = 8 }, fault.ItemMethodBad},
		{"GTIN", func(d *Document) { d.Items[0].GTIN = "04601234567890" }, fault.GTINBad},
		{"payment kind", func(d *Document) { d.Payments[0].Kind = "bitcoin" }, fault.PaymentBad},
		{"payment twice", func(d *Document) { d.Payments[1].Kind = Cash }, fault.PaymentBad},
		{"negative payment", func(d *Document) { d.Payments[0].Amount, d.Payments[1].Amount = -1, 8501 }, fault.PaymentBad},
		{"payments short", func(d *Document) { d.Payments[0].Amount-- }, fault.PaymentsMismatch},
		{"kopecks dropped", func(d *Document) { d.Total, d.Items[0].Sum, d.Items[0].Price = 8500, 8599, 8599 }, fault.TotalMismatch},
		{"overflow", func(d *Document) { d.Payments[0].Amount, d.Payments[1].Amount = 1<<63-1, 1<<63-1 }, fault.PaymentsMismatch},
		{"contact", func(d *Document) { d.BuyerContact = "call me" }, fault.ContactBad},
		{"short phone", func(d *Document) { d.BuyerContact = "+7900" }, fault.ContactBad},
		{"cashier INN", func(d *Document) { d.CashierINN = "123" }, fault.ContactBad},
		{"correction without data", func(d *Document) { d.Kind = KindCorrection }, fault.CorrectionIncomplete},
		{"correction without date", func(d *Document) { d.Kind, d.Correction = KindCorrection, &Correction{} }, fault.CorrectionIncomplete},
		{"order without number", func(d *Document) {
			d.Kind, d.Correction = KindCorrection, &Correction{ByOrder: true, Date: "2026-01-31"}
		}, fault.CorrectionIncomplete},
		{"correction with taxes beside items", func(d *Document) {
			d.Kind, d.Correction = KindCorrection, &Correction{Date: "2026-01-31", Taxes: []VATSum{{VATNone, 8500}}}
		}, fault.CorrectionTaxesBad},
		{"sum-only without taxes", sumOnly(), fault.CorrectionTaxesBad},
		{"sum-only, rate twice", sumOnly(VATSum{VATNone, 4000}, VATSum{VATNone, 4500}), fault.CorrectionTaxesBad},
		{"sum-only, unknown rate", sumOnly(VATSum{13, 100}), fault.VATUnknown},
		{"sum-only, rate of another year", sumOnly(VATSum{VAT20, 1417}), fault.VATNotInForce},
		{"sum-only, turnover short", sumOnly(VATSum{VATNone, 8499}), fault.CorrectionTaxesBad},
		{"sum-only, negative", sumOnly(VATSum{VAT22, -1}), fault.CorrectionTaxesBad},
		{"sum-only, VAT of twice the sum", sumOnly(VATSum{VAT22, 3066}), fault.CorrectionTaxesBad},
		{"correction with a stray fiscal sign", func(d *Document) {
			d.Kind, d.Correction, d.WrongFP = KindCorrection, &Correction{Date: "2026-01-31"}, 5
		}, fault.RepairBad},
		{"rate of the corrected day", func(d *Document) {
			d.Kind, d.Correction, d.SoldAt, d.Items[0].VAT = KindCorrection, &Correction{Date: "2025-12-31"}, time.Time{}, VAT22
		}, fault.VATNotInForce},
		{"advance paid with an advance", func(d *Document) {
			d.Items[0].Method, d.Items[0].Subject, d.Payments = Advance, SubjectPayment, []Payment{{Prepaid, 8500}}
		}, fault.AdvancePayment},
		{"credit payment beside another item", func(d *Document) {
			d.Items = append(d.Items, d.Items[0])
			d.Items[1].Method, d.Total, d.Payments[0].Amount = CreditPayment, 17000, 13500
		}, fault.ItemMethodBad},
		{"short marking code", func(d *Document) { d.Items[0].Mark = "0104601234567893" }, fault.MarkBad},
		{"marking code with a bad GTIN", func(d *Document) { d.Items[0].Mark = "010460123456789021abc" }, fault.MarkBad},
		{"marking code of another article", func(d *Document) {
			d.Items[0].Mark, d.Items[0].GTIN = "010460123456789321abc", "04600439931256"
		}, fault.MarkBad},
		{"marking code in Cyrillic", func(d *Document) { d.Items[0].Mark = "010460123456789321я" }, fault.MarkBad},
		{"two of one marking code", func(d *Document) {
			it := &d.Items[0]
			it.Mark, it.Quantity, it.Price = "010460123456789321abc", 2*One, 4250
		}, fault.ItemQuantityBad},
		{"marked goods without a code", func(d *Document) { d.Items[0].Subject = SubjectMarked }, fault.ItemSubjectBad},
		{"industry requisite without a number", func(d *Document) {
			n := VendingIndustry
			n.Number, d.Items[0].Industry = "", &n
		}, fault.IndustryBad},
		{"buyer's INN", func(d *Document) { d.Buyer = &Buyer{Name: "ООО", INN: "7700999991"} }, fault.BuyerBad},
		{"receipt with correction", func(d *Document) { d.Correction = &Correction{Date: "2026-01-31"} }, fault.KindUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := good()
			c.change(&d)
			err := d.Validate()
			var list fault.List
			if !errors.As(err, &list) || !slices.ContainsFunc(list, func(f fault.Fault) bool { return f.Code == c.want }) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if f, ok := fault.Of(err); !ok || f.Code == "" {
				t.Errorf("no first fault in %v", err)
			}
		})
	}
	for _, d := range []Document{
		{Kind: KindShiftOpen}, {Kind: KindShiftClose, Cashier: "Иванова"},
		func() Document { d := good(); d.BuyerContact = "a@b.ru"; return d }(),
		func() Document { d := good(); d.BuyerContact = "+79000000000"; return d }(),
		func() Document { d := good(); d.SoldAt = time.Time{}; d.Items[0].VAT = VAT20; return d }(),
		func() Document { d := good(); d.Items[0].GTIN = "04601234567893"; return d }(),
		func() Document {
			d := good()
			d.Kind, d.Correction = KindCorrection, &Correction{Date: "2026-01-31"}
			return d
		}(),
		changed(sumOnly(VATSum{VAT22, 1533})),
		changed(sumOnly(VATSum{VAT10, 400}, VATSum{VATNone, 4100})),
		changed(func(d *Document) { d.Operation, d.WrongFP = SellReturn, 1234567890 }),
		changed(func(d *Document) { // a balance topped up
			d.Items[0].Method, d.Items[0].Subject, d.Items[0].VAT = Advance, SubjectPayment, VAT22.ForAdvance()
		}),
		changed(func(d *Document) { d.Payments = []Payment{{Prepaid, 5000}, {Ecash, 3500}} }), // and spent
		changed(func(d *Document) {
			d.Items[0].Mark, d.Items[0].Subject = "010460123456789321JgXJ5.\x1d93abcd", SubjectMarked
		}),
		changed(func(d *Document) { d.Buyer = &Buyer{Name: "ООО «Пример»", INN: "7700999990"} }),
	} {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

func changed(change func(*Document)) Document {
	d := good()
	change(&d)
	return d
}

func TestParseMark(t *testing.T) {
	for code, want := range map[string]MarkingCode{
		"010460043993125621JgXJ5.\x1d91abcd\x1d92sign": {"04600439931256", "JgXJ5."},
		"\x1d010460043993125621JgXJ5.":                 {"04600439931256", "JgXJ5."},
	} {
		if got, ok := ParseMark(code); !ok || got != want {
			t.Errorf("%q: %v %v", code, got, ok)
		}
	}
	for _, code := range []string{"", "01", "4600439931256", "010460043993125721x", "010460043993125622x", "010460043993125621", "010460043993125621" + strings.Repeat("x", 21)} {
		if got, ok := ParseMark(code); ok {
			t.Errorf("%q: %v", code, got)
		}
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add("010460043993125621JgXJ5.\x1d91abcd")
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := ParseMark(s); ok && (!validGTIN(m.GTIN) || m.Serial == "") {
			t.Fatal(m)
		}
	})
}

func TestProduct(t *testing.T) {
	for _, c := range []struct{ price, micro, want int64 }{
		{8500, One, 8500}, {3990, 500_000, 1995}, {1, 500_000, 1}, {1, 499_999, 0}, {333, 333_333, 111},
		{0, One, 0}, {-5, One, 0}, {MaxAmount, maxMicro, 999999999890000}, {1<<63 - 1, 1<<63 - 1, 1<<63 - 1},
	} {
		if got := Product(c.price, c.micro); got != c.want {
			t.Errorf("%d x %d: %d, want %d", c.price, c.micro, got, c.want)
		}
	}
}

func TestProductIsHalfUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price, micro := rapid.Int64Range(1, 1_000_000).Draw(t, "price"), rapid.Int64Range(1, 1_000_000_000).Draw(t, "micro")
		got := Product(price, micro)
		if diff := 2 * (got*One - price*micro); diff > One || diff <= -One {
			t.Fatalf("%d x %d: %d", price, micro, got)
		}
	})
}

func TestNumbers(t *testing.T) {
	for s, want := range map[string]bool{
		"7700999990": true, "7825706086": true, "7702203276": true, "7700999991": false, "": false, "77009999900": false,
		"500100732259": true, "500100732258": false,
	} {
		if ValidINN(s) != want {
			t.Errorf("ИНН %q", s)
		}
	}
	// the three numbers of the FFD reference, section 14
	for _, c := range [][3]string{
		{"0007795807005569", "7825706086", "00105726645591"},
		{"0000000005008570", "7702203276", "000000000002"},
		{"0000000001036533", "7700999990", "00106900000001"},
	} {
		if !RegNumberValid(c[0], c[1], c[2]) {
			t.Errorf("%v", c)
		}
		if RegNumberValid(c[0], c[1], c[2]+"1") || RegNumberValid(c[0][:15], c[1], c[2]) {
			t.Errorf("%v: accepts a wrong serial", c)
		}
	}
}
