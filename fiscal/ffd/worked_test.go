package ffd

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
)

// worked are the synthetic documents of the FFD reference, section 15.
func worked(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".hex")
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func coffee() (fiscal.Document, Imprint) {
	d := fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: 8500, Test: true,
		SellerINN: "7700999990",
		Items: []fiscal.Item{{
			Name: "Кофе капучино", Price: 8500, Quantity: fiscal.One, Sum: 8500, VAT: fiscal.VAT22,
			Subject: fiscal.SubjectGoods, Method: fiscal.FullSettlement,
		}},
		Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: 8500}},
		Machine:  fiscal.Machine{Serial: "VM-000042", Address: "101000, г. Москва, ул. Примерная, д. 1", Place: "Торговый автомат, холл 1 этажа"},
	}
	im := Imprint{
		Receipt: fiscal.Receipt{
			Kind: fiscal.KindReceipt, FN: "9999078902001234", FD: 57, FP: 1234567890,
			At: time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC), Shift: 12, Number: 34, RegNumber: "0000000001036533",
			Total: 8500, Operation: fiscal.Sell, Test: true, Machine: d.Machine,
		},
		Version: V12, INN: "7700999990", User: `ООО "ПРИМЕР"`, FNSSite: "www.nalog.gov.ru",
	}
	return d, im
}

func TestWorkedReceipts(t *testing.T) {
	d12, im12 := coffee()
	d105, im105 := coffee()
	d105.TaxSystem, d105.Total = fiscal.USNIncome, 5000
	d105.Items[0] = fiscal.Item{Name: "Вода 0,5 л", Price: 5000, Quantity: fiscal.One, Sum: 5000, VAT: fiscal.VATNone, Subject: 1, Method: 4}
	d105.Payments = []fiscal.Payment{{Kind: fiscal.Cash, Amount: 5000}}
	im105.User = "" // left to the registration
	im105.Version, im105.FD, im105.FP, im105.Number, im105.Total = V105, 58, 305419896, 35, 5000
	im105.At = im105.At.Add(time.Minute)
	corr, imCorr := coffee()
	corr.Kind, imCorr.Kind = fiscal.KindCorrection, fiscal.KindCorrection
	corr.Correction = &fiscal.Correction{Date: "2026-01-15"}
	imCorr.FD, imCorr.FP, imCorr.Shift, imCorr.Number = 59, 2596069104, 13, 1
	imCorr.FNSSite, imCorr.User = "", ""
	imCorr.At = time.Date(2026, 1, 16, 9, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		d    fiscal.Document
		im   Imprint
		qr   string
	}{
		{"receipt-1.2", d12, im12, "t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1"},
		{"receipt-1.05", d105, im105, "t=20260115T1433&s=50.00&fn=9999078902001234&i=58&fp=305419896&n=1"},
		{"correction-1.2", corr, imCorr, "t=20260116T0905&s=85.00&fn=9999078902001234&i=59&fp=2596069104&n=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := worked(t, c.name)
			doc, n, err := ParseDocument(want)
			if err != nil || n != len(want) {
				t.Fatal(n, err)
			}
			if problems := Validate(doc); len(problems) != 0 {
				t.Error(problems)
			}
			made, err := ComposeReceipt(c.d, c.im)
			if err != nil {
				t.Fatal(err)
			}
			if got := AppendDocument(nil, made); !bytes.Equal(got, want) {
				t.Errorf("composed\n%x\nwant\n%x", got, want)
			}
			d, im, err := DecomposeReceipt(doc)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.d, d); diff != "" {
				t.Error("document -want +got", diff)
			}
			if diff := cmp.Diff(c.im, im); diff != "" {
				t.Error("imprint -want +got", diff)
			}
			if im.QR() != c.qr {
				t.Errorf("QR %s, want %s", im.QR(), c.qr)
			}
		})
	}
}

// The vectors of the FFD reference, section 2.
func TestValues(t *testing.T) {
	text := func(tag Tag, s string) Element {
		e, err := Str(tag, s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"VLN 0", AppendVLN(nil, 0), "00"},
		{"VLN 1", AppendVLN(nil, 1), "01"},
		{"VLN 255", AppendVLN(nil, 255), "ff"},
		{"VLN 256", AppendVLN(nil, 256), "0001"},
		{"VLN 8500", AppendVLN(nil, 8500), "3421"},
		{"VLN 100000", AppendVLN(nil, 100000), "a08601"},
		{"largest sum", AppendVLN(nil, 281474976710655), "ffffffffffff"},
		{"FVLN 1", AppendFVLN(nil, Quantity{1, 0}), "0001"},
		{"FVLN 0.876", AppendFVLN(nil, Quantity{876, 3}), "036c03"},
		{"FVLN 2.5", AppendFVLN(nil, Micro(2_500_000)), "0119"},
		{"time", Clock(1012, time.Date(2026, 1, 15, 14, 32, 0, 0, time.FixedZone("MSK", 3*3600))).Value, "60fa6869"},
		{"date", Clock(1178, time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)).Value, "002e6869"},
		{"text", text(1030, "Кофе капучино").Value, "8aaee4a520aaa0afe3e7a8adae"},
		{"1018", AppendElement(nil, text(1018, "7700999990")), "fa030c00373730303939393939302020"},
		{"1020", AppendElement(nil, Num(1020, 8500)), "fc0302003421"},
		{"1077", Sign(0x3104, 1234567890).Value, "3104499602d2"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// What real registers write, beside the minimal forms.
func TestLenientValues(t *testing.T) {
	for _, s := range []string{"", "00", "0000000000"} {
		b, _ := hex.DecodeString(s)
		if v, err := ParseVLN(b); v != 0 || err != nil {
			t.Errorf("VLN %q: %d %v", s, v, err)
		}
	}
	for _, s := range []string{"0001", "03e803", "0640420f"} {
		b, _ := hex.DecodeString(s)
		q, err := ParseFVLN(b)
		if micro, ok := q.Micro(); micro != 1_000_000 || !ok || err != nil {
			t.Errorf("FVLN %s: %v %v", s, q, err)
		}
	}
	for _, s := range []string{"", "0801", "00010203040506070809"} {
		b, _ := hex.DecodeString(s)
		if q, err := ParseFVLN(b); err == nil {
			t.Errorf("FVLN %q: %v", s, q)
		}
	}
	// 1115 was the address of a site before 2025.
	old := AppendElement(nil, Element{Tag: 1115, Value: []byte("www.nalog.ru")})
	if e, _, err := ParseElement(old); err != nil || e.Nested != nil || !bytes.Equal(AppendElement(nil, e), old) {
		t.Errorf("old 1115: %v %v", e, err)
	}
}
