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

// Receipts the FNS served as JSON agree with the TLV of the same receipts in
// every key both have (the FNS form of 2019 had other names for some).
func TestExportPairs(t *testing.T) {
	dir := traces(t, "receipts")
	for jsonName, tlv := range map[string]string{"01": "07", "04": "05", "05": "01"} {
		t.Run(jsonName, func(t *testing.T) {
			files, _ := filepath.Glob(filepath.Join(dir, "json", jsonName+"-*.json"))
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			want := decodeJSON(t, text)
			if d, ok := want["document"].(map[string]any); ok {
				want = d["receipt"].(map[string]any)
			}
			files, _ = filepath.Glob(filepath.Join(dir, "tlv", tlv+"-*.hex"))
			_, raw := readTrace(t, files[0])
			doc, _, err := ParseDocument(raw)
			if err != nil {
				t.Fatal(err)
			}
			if n := agree(t, Export(doc), want); n < 15 {
				t.Errorf("only %d keys in common", n)
			}
		})
	}
}

func agree(t *testing.T, got, want map[string]any) (n int) {
	t.Helper()
	for key, g := range got {
		w, ok := want[key]
		if !ok {
			continue
		}
		n++
		switch g := g.(type) {
		case string:
			if s, _ := w.(string); strings.TrimSpace(g) != strings.TrimSpace(s) && key != "operator" {
				t.Errorf("%s: %q, want %q", key, g, w)
			}
		case []any:
			list := w.([]any)
			if len(g) != len(list) {
				t.Errorf("%s: %d, want %d", key, len(g), len(list))
				continue
			}
			for i := range g {
				n += agree(t, g[i].(map[string]any), list[i].(map[string]any))
			}
		case json.Number:
			if g != w.(json.Number) {
				t.Errorf("%s: %v, want %v", key, g, w)
			}
		}
	}
	return n
}
