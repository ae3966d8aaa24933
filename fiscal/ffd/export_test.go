package ffd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decodeJSON(t *testing.T, b []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The FNS form printed in the FFD reference, section 15.1; the keys of 1115 and
// below are not known.
func TestExportWorked(t *testing.T) {
	doc, _, err := ParseDocument(worked(t, "receipt-1.2"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(Export(doc))
	if err != nil {
		t.Fatal(err)
	}
	got := decodeJSON(t, b)
	if vat, ok := got["amountsReceiptNds"].(map[string]any); !ok || len(vat) != 1 {
		t.Errorf("1115: %v", got["amountsReceiptNds"])
	}
	delete(got, "amountsReceiptNds")
	want := decodeJSON(t, []byte(`{"code":3,"fiscalDriveNumber":"9999078902001234","kktRegId":"0000000001036533    ","userInn":"7700999990  ",
"fiscalDocumentNumber":57,"dateTime":"2026-01-15T14:32:00","fiscalSign":1234567890,"shiftNumber":12,"requestNumber":34,"operationType":1,
"totalSum":8500,"fiscalDocumentFormatVer":4,"user":"ООО \"ПРИМЕР\"","appliedTaxationType":1,"machineNumber":"VM-000042",
"retailPlaceAddress":"101000, г. Москва, ул. Примерная, д. 1","retailPlace":"Торговый автомат, холл 1 этажа",
"items":[{"paymentType":4,"productType":1,"name":"Кофе капучино","itemsQuantityMeasure":0,"price":8500,"quantity":1,"nds":11,"ndsSum":1533,"sum":8500}],
"cashTotalSum":0,"ecashTotalSum":8500,"prepaidSum":0,"creditSum":0,"provisionSum":0,"fnsUrl":"www.nalog.gov.ru"}`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Receipts the tax service served as JSON, and the TLV of the same receipts: a
// file named …-pairs-tlvNN pairs with tlv/NN-…; …-altered files were changed by
// their author in the fields of MANIFEST.md. Every field of the JSON must be in
// the export and equal.
func TestExportPairs(t *testing.T) {
	dir := traces(t, "receipts")
	files, err := filepath.Glob(filepath.Join(dir, "json", "*-pairs-tlv*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no pairs", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := decodeJSON(t, text)
			if d, ok := want["document"].(map[string]any); ok {
				want = d["receipt"].(map[string]any)
			}
			if strings.Contains(path, "-altered") {
				for _, key := range []string{"fiscalSign", "fiscalDocumentNumber", "fiscalDriveNumber"} {
					delete(want, key)
				}
			}
			_, number, _ := strings.Cut(filepath.Base(path), "-pairs-tlv")
			tlv, err := filepath.Glob(filepath.Join(dir, "tlv", number[:2]+"-*.hex"))
			if err != nil || len(tlv) != 1 {
				t.Fatalf("tlv/%s: %v %v", number[:2], tlv, err)
			}
			_, _, c := readTrace(t, tlv[0])
			doc, err := c.Document()
			if err != nil {
				t.Fatal(err)
			}
			got := decodeJSON(t, marshal(t, Export(doc)))
			comparePair(t, "", got, want)
		})
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// formerKeys are keys of 2018-2020 by what they are now.
var formerKeys = map[string]string{
	"receiptCode": "code", "taxationType": "appliedTaxationType", "retailAddress": "retailPlaceAddress",
	"senderAddress": "sellerAddress", "buyerAddress": "buyerPhoneOrAddress",
}

func comparePair(t *testing.T, where string, got, want map[string]any) {
	t.Helper()
	for key, w := range want {
		now := key
		if k := formerKeys[key]; k != "" {
			now = k
		}
		g, ok := got[now]
		if !ok && where != "" && (key == "nds10" || key == "nds18") { // VAT of an item stood under its rate
			g, ok = got["ndsSum"]
			if rate := map[string]json.Number{"nds18": "1", "nds10": "2"}[key]; got["nds"] != rate {
				t.Errorf("%s%s: the rate is %v", where, key, got["nds"])
			}
		}
		if w == "" && !ok {
			continue // a service's empty field
		}
		switch w := w.(type) {
		case []any:
			list, ok := g.([]any)
			if key == "properties" { // an array of key and value then
				list = []any{map[string]any{"key": get(g, "propertyName"), "value": get(g, "propertyValue")}}
			} else if !ok || len(list) != len(w) {
				t.Errorf("%s%s: %v, want %v", where, key, g, w)
				continue
			}
			for i := range w {
				comparePair(t, where+key+".", list[i].(map[string]any), w[i].(map[string]any))
			}
		case string:
			s, _ := g.(string)
			masked := key == "operator" && strings.Contains(w, "(masked)")
			if strings.TrimRight(s, " ") != strings.TrimRight(w, " ") && !masked {
				t.Errorf("%s%s: %q, want %q", where, key, g, w)
			}
		default:
			if g != w {
				t.Errorf("%s%s: %v, want %v", where, key, g, w)
			}
		}
	}
}

func get(v any, key string) any {
	m, _ := v.(map[string]any)
	return m[key]
}
