package shtrih

import (
	"bytes"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

func encode(t testing.TB, query string, doc fiscal.Document, reg kkt.Registration) (program, kkt.Wire, error) {
	t.Helper()
	d := New(settings(t, query), kkt.Options{})
	w, err := d.Encode(doc, "VM-00031337-000000042", reg)
	if err != nil {
		return program{}, w, err
	}
	p, err := parseProgram(w)
	if err != nil {
		t.Fatal(err)
	}
	return p, w, nil
}

func TestEncodeReceipt(t *testing.T) {
	doc := sale()
	doc.BuyerContact, doc.SellerEmail = "+79000000000", "kassa@example.ru"
	p, w, err := encode(t, "", doc, kkt.Registration{TaxSystems: fiscal.OSN, FFD: kkt.FFD12})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		code   Code
		params string
	}{
		{cmdOpenReceipt, "00"},
		{cmdOperation, "01 40420f000000 3421000000 3421000000 ffffffffff cb 01 04 01 caeef4e5 20 22 eae0eff3f7e8edee 22"},
		{cmdTLV, "3c04 2500 3d04 0800 6368656b6f6d6174 3e04 1500 564d2d30303033313333372d303030303030303432"},
		{cmdTLV, "0c04 0900 564d2d303030303432"},
		{cmdTLV, "f103 2600 3130313030302c20a32e208caee1aaa2a02c20e3ab2e208fe0a8aca5e0ada0ef2c20a42e2031"},
		{cmdTLV, "a303 0c00"},
		{cmdTLV, "f003 0c00 2b3739303030303030303030"},
		{cmdTLV, "5d04 1000 6b61737361406578616d706c652e7275"},
		{cmdCloseReceipt, strings.Repeat("00", 5) + "3421000000" + strings.Repeat("00", 14*5+1+30) + "01"},
	}
	if len(p.Steps) != len(want) {
		t.Fatalf("%d commands", len(p.Steps))
	}
	for i, s := range p.Steps {
		if i == 5 {
			place, _ := ffd.Str(1187, "холл 1 этажа")
			want[i].params = hex.EncodeToString(ffd.AppendElement(nil, place))
		}
		if got, params := hex.EncodeToString(s.Params), strings.ReplaceAll(want[i].params, " ", ""); s.Code != want[i].code || got != params {
			t.Errorf("command %d: %s %s\nwant %s %s", i, s.Code, got, want[i].code, params)
		}
	}
	again, err := New(settings(t, ""), kkt.Options{}).Encode(doc, "VM-00031337-000000042", kkt.Registration{TaxSystems: fiscal.OSN, FFD: kkt.FFD12})
	if err != nil || !bytes.Equal(again.Bytes, w.Bytes) {
		t.Error("equal arguments gave other bytes", err)
	}
	if p.Document.BuyerContact != "" || strings.Contains(w.Summary, "7900") {
		t.Error("the buyer's contact stands in clear")
	}
	if w.Summary != "receipt op 1, 85.00 RUB, machine VM-000042" {
		t.Error(w.Summary)
	}
}

func TestEncodeVariants(t *testing.T) {
	codes := func(p program) (s string) {
		for _, st := range p.Steps {
			s += st.Code.String() + " "
		}
		return strings.TrimSpace(s)
	}
	weighed := sale()
	weighed.Items[0].Measure, weighed.Items[0].Quantity, weighed.Items[0].Sum = 11, 500_000, 4250
	weighed.Total, weighed.Payments[0].Amount = 4250, 4250
	marked := sale()
	marked.Items[0].GTIN = "04601234567893"
	for _, c := range []struct {
		name, query string
		doc         fiscal.Document
		ffd         kkt.FFD
		want        string
	}{
		{"table 24", "tag1036=table", sale(), kkt.FFD12, "1Eh 8Dh FF46h FF0Ch FF0Ch FF0Ch FF45h"},
		{"measure after the item", "", weighed, kkt.FFD12, "8Dh FF46h FF4Dh FF0Ch FF0Ch FF0Ch FF0Ch FF45h"},
		{"measure before the item", "family=cashcore", weighed, kkt.FFD12, "8Dh FF4Dh FF46h FF0Ch FF0Ch FF0Ch FF0Ch FF45h"},
		{"no measure in 1.05", "", weighed, kkt.FFD105, "8Dh FF46h FF0Ch FF0Ch FF0Ch FF0Ch FF45h"},
		{"product code in 1.05", "", marked, kkt.FFD105, "8Dh FF46h FF4Dh FF4Dh FF0Ch FF0Ch FF0Ch FF0Ch FF45h"},
	} {
		p, _, err := encode(t, c.query, c.doc, kkt.Registration{FFD: c.ffd})
		if err != nil || codes(p) != c.want {
			t.Errorf("%s: %s %v", c.name, codes(p), err)
		}
	}
	p, _, _ := encode(t, "", marked, kkt.Registration{FFD: kkt.FFD105})
	// the reference's own vector of 1162, with a GTIN that checks
	if got := hex.EncodeToString(p.Steps[2].Params); got != "8a040800490e042f4ef3b2d5" {
		t.Error(got)
	}
	p, _, err := encode(t, "", fiscal.Document{Kind: fiscal.KindShiftOpen, Cashier: "Иванова", CashierINN: "500100732259"}, kkt.Registration{})
	if err != nil || codes(p) != "FF41h FF0Ch FF0Ch E0h" {
		t.Error(codes(p), err)
	}
	for op, want := range map[fiscal.Operation]byte{fiscal.Sell: 0, fiscal.SellReturn: 2, fiscal.Buy: 1, fiscal.BuyReturn: 3} {
		doc := sale()
		doc.Operation = op
		p, _, err := encode(t, "", doc, kkt.Registration{})
		if err != nil || p.Steps[0].Params[0] != want || p.Steps[1].Params[0] != byte(op) {
			t.Error(op, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	change := func(f func(*fiscal.Document)) fiscal.Document { d := sale(); f(&d); return d }
	for _, c := range []struct {
		name, query string
		doc         fiscal.Document
		reg         kkt.Registration
		kind        kkt.Kind
		fault       fault.Code
	}{
		{"no machine", "", change(func(d *fiscal.Document) { d.Machine.Serial = "" }), kkt.Registration{}, kkt.Rejected, fault.MachineSerialBad},
		{"tax system", "", sale(), kkt.Registration{TaxSystems: fiscal.PSN}, kkt.Config, fault.TaxSystemNotRegistered},
		{"seller", "", change(func(d *fiscal.Document) { d.SellerINN = "7700999990" }), kkt.Registration{INN: "7825706086"}, kkt.Config, fault.SellerMismatch},
		{"22 % by index", "vat=index", sale(), kkt.Registration{}, kkt.Config, fault.VATNotMapped},
		{"correction", "", change(func(d *fiscal.Document) {
			d.Kind, d.Correction = fiscal.KindCorrection, &fiscal.Correction{Date: "2026-01-31"}
		}), kkt.Registration{}, kkt.Config, fault.CorrectionUnsupported},
		{"marking in 1.2", "", change(func(d *fiscal.Document) { d.Items[0].GTIN = "04601234567893" }), kkt.Registration{FFD: kkt.FFD12}, kkt.Config, fault.MarkingUnsupported},
	} {
		_, _, err := encode(t, c.query, c.doc, c.reg)
		if out := kkt.Classify(err); err == nil || out.Kind != c.kind || out.Fault.Code != c.fault {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := New(settings(t, ""), kkt.Options{}).Encode(sale(), "ключ", kkt.Registration{}); kkt.Classify(err).Fault.Code != fault.KeyBad {
		t.Error(err)
	}
	for _, w := range []kkt.Wire{
		{}, {Driver: "atol", Bytes: []byte("{}")}, {Driver: Name}, {Driver: Name, Bytes: []byte("{}")},
		{Driver: Name, Bytes: []byte(`{"v":2,"document":{"kind":"shift_open"},"steps":[{"c":"E0"}]}`)},
		{Driver: Name, Bytes: []byte(`{"v":1,"document":{"kind":"receipt"},"steps":[{"c":"E0"}]}`)},
		{Driver: Name, Bytes: []byte(`{"v":1,"document":{"kind":"shift_open"},"steps":[{"c":"FFF"}]}`)},
	} {
		if p, err := parseProgram(w); kkt.Classify(err).Kind != kkt.Config {
			t.Errorf("%s: %+v %v", w.Bytes, p, err)
		}
	}
}

func TestSettings(t *testing.T) {
	s := settings(t, "password=29&family=cashcore&link=v2&tag1036=table&vat=index,11:1&verify=always&every=0&print=no&department=0&ecash=4&answer=15s")
	if s.Addr.Addr != "register:12345" || s.Password != 29 || !s.V2 || !s.Table1036 || s.Tax[fiscal.VAT22] != 1 || s.Tax[fiscal.VATNone] != 4 ||
		s.Verify != VerifyAlways || s.Every != 0 || !s.NoPrint || s.Department != 0 || s.EcashSlot != 4 || s.Answer.Seconds() != 15 {
		t.Errorf("%+v", s)
	}
	if got := settings(t, "").Tax; got[fiscal.VATNone] != 0x08 || got[fiscal.VAT7107] != 0x90 {
		t.Error(got)
	}
	for _, query := range []string{
		"passwrod=30", "password=x", "password=30&password=31", "family=sea", "link=v3", "tag1036=", "vat=none", "vat=mask,13:01", "vat=mask,11:1ff",
		"vat=mask,11", "verify=maybe", "every=-1", "print=later", "department=17", "ecash=1", "ecash=14", "answer=0s", "poll=1", "idle=2h", "%zz",
	} {
		u := &url.URL{Scheme: "shtrih+tcp", Host: "register", RawQuery: query}
		if s, err := ParseSettings(u); err == nil {
			t.Errorf("%s: %+v", query, s)
		}
	}
	if _, err := ParseSettings(&url.URL{Scheme: "shtrih+tcp"}); err == nil {
		t.Error("no host")
	}
	_, err := kkt.Open("shtrih+tcp://register?password=123456x", kkt.Options{})
	if err == nil || strings.Contains(err.Error(), "123456") {
		t.Errorf("%v must not show the password", err)
	}
	d, err := kkt.Open("shtrih+tcp://register:1?password=30", kkt.Options{})
	if err != nil || d.(*Driver).set.Addr.Addr != "register:1" {
		t.Error(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	d := New(settings(b, ""), kkt.Options{})
	doc := sale()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Encode(doc, "VM-00031337-000000042", kkt.Registration{}); err != nil {
			b.Fatal(err)
		}
	}
}
