package pirit

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const testKey = "VM-00031337-000000042"

func encode(t testing.TB, query string, doc fiscal.Document, reg kkt.Registration) (program, kkt.Wire, error) {
	t.Helper()
	d := New(settings(t, query), kkt.Options{})
	w, err := d.Encode(doc, testKey, reg)
	if err != nil {
		return program{}, w, err
	}
	p, err := parseProgram(w)
	if err != nil {
		t.Fatal(err)
	}
	return p, w, nil
}

// commands are the steps as text.
func commands(p program) (out []string) {
	for _, st := range p.Steps {
		out = append(out, strings.TrimSpace(st.Code.String()+" "+strings.Join(st.Fields, "|")))
	}
	return out
}

func TestEncodeReceipt(t *testing.T) {
	doc := sale()
	doc.BuyerContact, doc.SellerEmail = "+79000000000", "kassa@example.ru"
	doc.Buyer = &fiscal.Buyer{Name: "ООО «Ёж»", INN: "7700999990"}
	reg := kkt.Registration{TaxSystems: fiscal.OSN, FFD: kkt.FFD12}
	p, w, err := encode(t, "", doc, reg)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"30 2|1|||0|101000, г. Москва, ул. Примерная, д. 1",
		`42 Кофе "капучино"||1|85.00|6||||||4|1`,
		"44",
		"47 1|85.00|",
		`31 1|+79000000000||холл 1 этажа|kassa@example.ru|VM-000042|chekomat|` + testKey + `|ООО "Ёж"|7700999990`,
	}
	if got := commands(p); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	again, err := New(settings(t, ""), kkt.Options{}).Encode(doc, testKey, reg)
	if err != nil || !bytes.Equal(again.Bytes, w.Bytes) {
		t.Error("equal arguments gave other bytes", err)
	}
	if p.Document.BuyerContact != "" || p.Document.Buyer != nil || strings.Contains(w.Summary, "7900") {
		t.Error("the buyer stands in clear")
	}
	if w.Summary != "receipt op 1, 85.00 RUB, machine VM-000042" {
		t.Error(w.Summary)
	}
}

func TestEncodeKinds(t *testing.T) {
	change := func(f func(*fiscal.Document)) fiscal.Document { d := sale(); f(&d); return d }
	for _, c := range []struct {
		name  string
		query string
		doc   fiscal.Document
		ffd   kkt.FFD
		want  []string // commands that must be there
	}{
		{"refund", "", change(func(d *fiscal.Document) { d.Operation = fiscal.SellReturn }), kkt.FFD12, []string{"30 3|1|||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"purchase", "", change(func(d *fiscal.Document) { d.Operation = fiscal.Buy }), kkt.FFD12, []string{"30 6|1|||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"return of purchase", "", change(func(d *fiscal.Document) { d.Operation = fiscal.BuyReturn }), kkt.FFD12, []string{"30 7|1|||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"not printed", "print=no&department=7", sale(), kkt.FFD12, []string{"30 130|7|||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"patent", "", change(func(d *fiscal.Document) { d.TaxSystem = fiscal.PSN }), kkt.FFD12, []string{"30 2|1|||5|101000, г. Москва, ул. Примерная, д. 1"}},
		{"cashier", "", change(func(d *fiscal.Document) { d.Cashier, d.CashierINN = "Иванова", "770000000000" }), kkt.FFD12, []string{"30 2|1|770000000000&Иванова||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"mixed payment, cash last", "", change(func(d *fiscal.Document) {
			d.Payments = []fiscal.Payment{{Kind: fiscal.Cash, Amount: 1500}, {Kind: fiscal.Prepaid, Amount: 2000}, {Kind: fiscal.Ecash, Amount: 5000}}
		}), kkt.FFD12, []string{"47 1|50.00|", "47 13|20.00|", "47 0|15.00|"}},
		{"advance", "vat=12:7", change(func(d *fiscal.Document) {
			d.Items[0].Method, d.Items[0].Subject, d.Items[0].VAT = fiscal.Advance, fiscal.SubjectPayment, fiscal.VAT22122
		}), kkt.FFD12, []string{`42 Кофе "капучино"||1|85.00|7||||||3|10`}},
		{"weight in grams", "", change(func(d *fiscal.Document) {
			d.Items[0].Quantity, d.Items[0].Sum, d.Items[0].Measure, d.Total = 333_333, 2833, 10, 2833
			d.Payments[0].Amount = 2833
		}), kkt.FFD12, []string{`42 Кофе "капучино"||0.333333|85.00|6||||10||4|1`}},
		{"repair of a wrong receipt", "", change(func(d *fiscal.Document) { d.WrongFP = 12345 }), kkt.FFD12, []string{"57 1192||ФП|0000012345"}},
		{"letters the protocol lacks", "", change(func(d *fiscal.Document) { d.Machine.Address = "ул. Весёлая, д. №1" }), kkt.FFD12, []string{"30 2|1|||0|ул. Веселая, д. N1"}},
		{"Пирит 2СФ takes 1009 in FFD 1.05", "model=pirit2sf", sale(), kkt.FFD105, []string{"30 2|1|||0|101000, г. Москва, ул. Примерная, д. 1"}},
		{"open a shift", "", fiscal.Document{Kind: fiscal.KindShiftOpen}, kkt.FFD12, []string{"23"}},
		{"close a shift", "", fiscal.Document{Kind: fiscal.KindShiftClose, Cashier: "Иванова"}, kkt.FFD12, []string{"21 Иванова"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _, err := encode(t, c.query, c.doc, kkt.Registration{FFD: c.ffd})
			if err != nil {
				t.Fatal(err)
			}
			got, at := commands(p), 0
			for _, w := range c.want {
				i := slices.Index(got[at:], w)
				if i < 0 {
					t.Fatalf("%q is not after %d in\n%s", w, at, strings.Join(got, "\n"))
				}
				at += i + 1
			}
		})
	}
}

// What the register cannot carry is refused with a name, before anything is
// sent.
func TestEncodeRefuses(t *testing.T) {
	change := func(f func(*fiscal.Document)) fiscal.Document { d := sale(); f(&d); return d }
	reg := kkt.Registration{FFD: kkt.FFD12}
	for _, c := range []struct {
		name  string
		query string
		doc   fiscal.Document
		reg   kkt.Registration
		kind  kkt.Kind
		fault fault.Code
	}{
		{"FM16 in FFD 1.05 has no 1036", "model=fm16", sale(), kkt.Registration{FFD: kkt.FFD105}, kkt.Config, fault.MachineUnsupported},
		{"FM16 in FFD 1.1 neither", "model=fm16", sale(), kkt.Registration{FFD: kkt.FFD11}, kkt.Config, fault.MachineUnsupported},
		{"Пирит 2Ф in FFD 1.05 has no 1009", "", sale(), kkt.Registration{FFD: kkt.FFD105, Address: "Склад"}, kkt.Config, fault.MachineUnsupported},
		{"no number for 5 %", "", change(func(d *fiscal.Document) { d.Items[0].VAT = fiscal.VAT5 }), reg, kkt.Config, fault.VATNotMapped},
		{"no number for 22/122", "", change(func(d *fiscal.Document) { d.Items[0].VAT = fiscal.VAT22122 }), reg, kkt.Config, fault.VATNotMapped},
		{"tax system", "", sale(), kkt.Registration{FFD: kkt.FFD12, TaxSystems: fiscal.PSN}, kkt.Config, fault.TaxSystemNotRegistered},
		{"another seller", "", change(func(d *fiscal.Document) { d.SellerINN = "7707083893" }), kkt.Registration{FFD: kkt.FFD12, INN: "7700999990"}, kkt.Config, fault.SellerMismatch},
		{"internet", "", change(func(d *fiscal.Document) { d.Internet = true }), reg, kkt.Config, fault.TagRefused},
		{"marked goods", "", change(func(d *fiscal.Document) { d.Items[0].GTIN = "04601234567893" }), reg, kkt.Config, fault.MarkingUnsupported},
		{"correction", "", change(func(d *fiscal.Document) {
			d.Kind, d.Correction = fiscal.KindCorrection, &fiscal.Correction{Date: "2026-03-05"}
		}), reg, kkt.Config, fault.CorrectionUnsupported},
		{"a sum the register does not compute", "", change(func(d *fiscal.Document) {
			d.Items[0].Sum, d.Total, d.Payments[0].Amount = 8501, 8501, 8501
		}), reg, kkt.Rejected, fault.ItemSumMismatch},
		{"1036 with a letter above F0h", "", change(func(d *fiscal.Document) { d.Machine.Serial = "№42" }), reg, kkt.Rejected, fault.MachineSerialBad},
		{"no machine", "", change(func(d *fiscal.Document) { d.Machine = fiscal.Machine{} }), reg, kkt.Rejected, fault.MachineSerialBad},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := encode(t, c.query, c.doc, c.reg)
			if out := kkt.Classify(err); err == nil || out.Kind != c.kind || out.Fault.Code != c.fault {
				t.Errorf("%v, want %s %s", err, c.kind, c.fault)
			}
		})
	}
	if _, err := New(settings(t, ""), kkt.Options{}).Encode(sale(), "", reg); kkt.Classify(err).Fault.Code != fault.KeyBad {
		t.Error(err)
	}
}

// The registration's own address may stand for a field the model lacks.
func TestAddressOfTheRegistration(t *testing.T) {
	p, _, err := encode(t, "", sale(), kkt.Registration{FFD: kkt.FFD105, Address: sale().Machine.Address})
	if err != nil || len(p.Steps[0].Fields) != 5 {
		t.Errorf("%v %v", commands(p), err)
	}
}

func TestProgramsOfOthersAreRefused(t *testing.T) {
	for _, w := range []kkt.Wire{
		{Driver: "shtrih", Bytes: []byte(`{}`)},
		{Driver: Name, Bytes: []byte(`{`)},
		{Driver: Name, Bytes: []byte(`{"v":9,"document":{"kind":"receipt"},"steps":[{"c":"31"}]}`)},
		{Driver: Name, Bytes: []byte(`{"v":1,"document":{"kind":"receipt"},"steps":[{"c":"32"}]}`)},
		{Driver: Name, Bytes: []byte(`{"v":1,"document":{"kind":"receipt"},"steps":[{"c":"31","f":["\u0003"]}]}`)},
		{Driver: Name, Bytes: []byte(`{"v":1,"document":{"kind":"receipt"},"steps":[]}`)},
	} {
		if _, err := parseProgram(w); kkt.Classify(err).Fault.Code != fault.WireUnknown {
			t.Errorf("%s: %v", w.Bytes, err)
		}
	}
}

func TestSettings(t *testing.T) {
	good := func(s string) Settings {
		t.Helper()
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		set, err := ParseSettings(u)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		return set
	}
	if s := good("pirit+serial:///dev/ttyUSB0"); s.Addr != (kkt.Address{Network: "serial", Addr: "/dev/ttyUSB0", Baud: 57600}) {
		t.Errorf("%+v", s.Addr)
	}
	if s := good("pirit+serial:///dev/ttyUSB0?baud=115200&model=fm16&zone=Europe/Moscow"); s.Addr.Baud != 115200 || s.Model != FM16 || s.Zone == nil {
		t.Errorf("%+v", s)
	}
	if s := good("pirit+tcp://10.0.0.7:4001?vat=7:6,8:7&password=ABCD"); s.Addr.Addr != "10.0.0.7:4001" || s.Tax[fiscal.VAT7] != 7 || s.Tax[fiscal.VAT10] != 1 || s.Password != "ABCD" {
		t.Errorf("%+v", s)
	}
	for _, s := range []string{
		"pirit+tcp://10.0.0.7", "pirit+tcp://10.0.0.7:4000?what=1", "pirit+tcp://h:1?vat=13:6", "pirit+tcp://h:1?vat=x", "pirit+tcp://h:1?model=pirit3",
		"pirit+tcp://h:1?password=12345", "pirit+tcp://h:1?department=0", "pirit+tcp://h:1?zone=Mars", "pirit+tcp://h:1?close=0s", "pirit+tcp://h:1?print=yes&print=no",
		"pirit+tcp://h:1?baud=9600", "pirit+serial://", "pirit+tcp://h:1?block=1",
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if set, err := ParseSettings(u); err == nil {
			t.Errorf("%s: %+v", s, set)
		}
	}
}
