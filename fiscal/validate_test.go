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
	} {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
	}
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
