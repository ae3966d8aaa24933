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
		{"product code in 1.2", "mark=tlv", marked, kkt.FFD12, "8Dh FF46h FF4Dh FF4Dh FF0Ch FF0Ch FF0Ch FF0Ch FF45h"},
		{"the place of the registration", "place=registration", sale(), kkt.FFD12, "8Dh FF46h FF0Ch FF0Ch FF45h"},
		{"correction with items", "", correction(fiscal.VAT22), kkt.FFD12, "FF35h FF0Ch FF0Ch FF0Ch FF0Ch FF0Ch FF0Ch FF46h FF45h"},
		{"correction with items, 1174", "correction=struct", correction(fiscal.VAT22), kkt.FFD11, "FF35h FF0Ch FF0Ch FF0Ch FF0Ch FF0Ch FF0Ch FF46h FF45h"},
		{"correction in 1.05", "", correction(fiscal.VAT20), kkt.FFD105, "FF35h FF0Ch FF0Ch FF0Ch FF0Ch FF0Ch FF4Ah"},
	} {
		reg := kkt.Registration{FFD: c.ffd}
		if strings.HasPrefix(c.query, "place") {
			reg.Address, reg.Place = c.doc.Machine.Address, c.doc.Machine.Place
		}
		p, _, err := encode(t, c.query, c.doc, reg)
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

// correction is the sale of sale entered on the next day.
func correction(rate fiscal.VAT) fiscal.Document {
	d := sale()
	d.Kind, d.Items[0].VAT = fiscal.KindCorrection, rate
	day := "2025-12-31"
	if rate == fiscal.VAT22 {
		day = "2026-01-31"
	}
	d.Correction = &fiscal.Correction{Date: day}
	return d
}

// The correction of FFD 1.05 against the layout of kkt-shtrih 6.3 and its
// capture, which has a sum without cash and VAT of 20/120.
func TestCorrectionInSums(t *testing.T) {
	doc := correction(fiscal.VAT20120)
	doc.Total, doc.Items[0].Price, doc.Items[0].Sum, doc.Payments[0].Amount = 2615000, 2615000, 2615000, 2615000
	doc.Correction.ByOrder, doc.Correction.Number, doc.Correction.WrongFP = true, "7-1", 42
	p, _, err := encode(t, "", doc, kkt.Registration{FFD: kkt.FFD105})
	if err != nil {
		t.Fatal(err)
	}
	want := "01 01 d8e6270000 0000000000 d8e6270000" + strings.Repeat("00", 15+20) + "79a6060000 0000000000 01"
	if got := hex.EncodeToString(p.Steps[len(p.Steps)-1].Params); got != strings.ReplaceAll(want, " ", "") {
		t.Error(got)
	}
	if len(p.Document.Items) != 0 || !p.sumOnly() || p.Document.Correction.Taxes[0].Sum != 435833 {
		t.Errorf("%+v", p.Document)
	}
	if len(doc.Items) != 1 || doc.Correction.Taxes != nil {
		t.Error("the caller's document was changed")
	}
	var tags []string
	for _, st := range p.Steps[1 : len(p.Steps)-1] {
		tags = append(tags, hex.EncodeToString(st.Params[:2]))
	}
	// 1084 1036 1009 1187 1192 1178 1179, each by itself
	if got := strings.Join(tags, " "); got != "3c04 0c04 f103 a304 a804 9a04 9b04" {
		t.Error(got)
	}
	if got := hex.EncodeToString(p.Steps[6].Params); got != "9a04040080675469" {
		t.Error(got)
	}
}

func TestBuyer(t *testing.T) {
	doc := sale()
	doc.Buyer = &fiscal.Buyer{Name: "ООО «Ромашка»", INN: "7700999990"}
	for version, want := range map[kkt.FFD]int{kkt.FFD11: 2, kkt.FFD12: 1} {
		p, w, err := encode(t, "", doc, kkt.Registration{FFD: version})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) != 7+want || p.Document.Buyer != nil || strings.Contains(w.Summary, "Ромашка") {
			t.Errorf("FFD %s: %d commands, %s", version, len(p.Steps), w.Summary)
		}
		e, _, _ := ffd.ParseElement(p.Steps[6].Params)
		if version == kkt.FFD12 && (e.Tag != 1256 || len(e.Nested) != 2) || version == kkt.FFD11 && e.Tag != 1227 {
			t.Errorf("FFD %s: %+v", version, e)
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
		{"correction of a purchase's return in 1.05", "", change(func(d *fiscal.Document) {
			*d = correction(fiscal.VAT20)
			d.Operation = fiscal.BuyReturn
		}), kkt.Registration{FFD: kkt.FFD105}, kkt.Rejected, fault.CorrectionStyle},
		{"correction without items in 1.1", "", change(func(d *fiscal.Document) {
			*d = correction(fiscal.VATNone)
			d.Items, d.Correction.Taxes = nil, []fiscal.VATSum{{VAT: fiscal.VATNone, Sum: d.Total}}
		}), kkt.Registration{FFD: kkt.FFD11}, kkt.Rejected, fault.CorrectionStyle},
		{"22 % in a correction without items", "", correction(fiscal.VAT22), kkt.Registration{FFD: kkt.FFD105}, kkt.Config, fault.VATNotMapped},
		{"another place than the registration's", "place=registration", sale(), kkt.Registration{Address: "г. Москва"}, kkt.Config, fault.PlaceMismatch},
		{"a requisite longer than a command", "", change(func(d *fiscal.Document) {
			d.Buyer = &fiscal.Buyer{Name: strings.Repeat("Я", 250), INN: "7700999990"}
		}), kkt.Registration{FFD: kkt.FFD11}, kkt.Rejected, fault.DocumentTooLong},
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
