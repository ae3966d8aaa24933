package ffd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
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
// their author in the fields of MANIFEST.md. Every field of the JSON that is the
// document's must be in the export and equal.
func TestExportPairs(t *testing.T) {
	dir := traces(t, "receipts")
	files, err := filepath.Glob(filepath.Join(dir, "json", "*-pairs-tlv*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no pairs in the folder")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(filepath.Base(path), "-pairs-tlv")
			number := rest[:strings.IndexFunc(rest+".", func(r rune) bool { return r < '0' || r > '9' })]
			tlv, err := filepath.Glob(filepath.Join(dir, "tlv", number+"-*.hex"))
			if err != nil || len(tlv) != 1 {
				t.Skipf("its TLV %q is not in the folder: %v %v", number, tlv, err)
			}
			of, _, c := readTrace(t, tlv[0])
			doc, err := c.Document()
			if err != nil {
				t.Fatal(err)
			}
			served := receiptsIn(decodeAny(t, text))
			if len(served) == 0 {
				t.Fatal("no receipt in the JSON")
			}
			p := pair{differ: t.Errorf, note: t.Logf, masked: map[string]bool{}}
			for _, tag := range of.Masked {
				if info, ok := Lookup(tag); ok {
					p.masked[info.JSON] = true
				}
			}
			if strings.Contains(path, "-altered") {
				for _, key := range []string{"fiscalSign", "fiscalDocumentNumber", "fiscalDriveNumber"} {
					p.masked[key] = true
				}
			}
			for _, want := range served {
				p.object("", decodeJSON(t, marshal(t, Export(doc))), want)
			}
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

// formerKeys are keys of other years and services by what they are now.
var formerKeys = map[string]string{
	"receiptCode": "code", "taxationType": "appliedTaxationType", "retailAddress": "retailPlaceAddress",
	"senderAddress": "sellerAddress", "buyerAddress": "buyerPhoneOrAddress", "protocolVersion": "fiscalDocumentFormatVer",
	"prepaymentSum": "prepaidSum", "postpaymentSum": "creditSum", "counterSubmissionSum": "provisionSum",
	"ndsCalculated18": "nds18118", "ndsCalculated10": "nds10110",
	"ndsRate": "nds", "calculationTypeSign": "paymentType", "calculationSubjectSign": "productType", "measure": "unit",
}

// exportKeys are the keys a document may have in the export.
var exportKeys = func() map[string]bool {
	keys := map[string]bool{"code": true, "addressToCheckFiscalSign": true}
	for _, info := range Tags {
		keys[info.JSON] = true
	}
	return keys
}()

// pair compares a document as it was served with the export.
type pair struct {
	differ func(string, ...any)
	note   func(string, ...any)
	masked map[string]bool // keys whose values were changed for the collection
}

func (p pair) object(where string, got, want map[string]any) {
	for key, w := range want {
		now := key
		if k := formerKeys[key]; k != "" {
			now = k
		}
		g, ok := got[now]
		if rate := ofdRateKeys[key]; !ok && where != "" && rate != 0 { // VAT of an item stood under its rate
			g, ok = got["ndsSum"]
			if v := numberOf(got["nds"]); v != float64(rate) && got["nds"] != nil {
				p.differ("%s%s: the rate is %v", where, key, got["nds"])
			}
			if !ok {
				continue
			}
		}
		switch {
		case p.masked[now]:
		case !ok && void(w):
		case !ok && !exportKeys[now]:
			p.note("%s%s = %v is the service's own", where, key, w)
		default:
			p.value(where+key, g, w)
		}
	}
}

func (p pair) value(where string, g, w any) {
	switch w := w.(type) {
	case map[string]any:
		in, _ := g.(map[string]any)
		if k, ok := w["key"]; ok && strings.HasSuffix(where, "properties") { // 1084 was a key and a value then
			w = map[string]any{"propertyName": k, "propertyValue": w["value"]}
		}
		p.object(where+".", in, w)
	case []any:
		list, ok := g.([]any)
		if !ok {
			list = []any{g}
		}
		if len(list) != len(w) {
			p.differ("%s: %v, want %v", where, g, w)
			return
		}
		for i := range w {
			p.value(where, list[i], w[i])
		}
	case string:
		s := strings.TrimRight(fmt.Sprint(g), " ")
		want := strings.TrimRight(w, " ")
		if strings.HasSuffix(where, "dateTime") && len(want) >= len("2006-01-02") {
			s = s[:min(len(s), len(want))] // some serve no seconds, or the day alone
		}
		if s != want && !strings.Contains(w, "masked") {
			p.differ("%s: %q, want %q", where, g, w)
		}
	default:
		if at, ok := g.(string); ok && strings.HasSuffix(where, "dateTime") { // or a number of seconds
			if wall, err := time.Parse(fiscal.WallLayout, at); err == nil {
				g = json.Number(strconv.FormatInt(wall.Unix(), 10))
			}
		}
		if g != w && !(numberOf(w) == numberOf(g) && g != nil) {
			p.differ("%s: %v, want %v", where, g, w)
		}
	}
}

// void says that a service served a field the document does not have.
func void(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case json.Number:
		return numberOf(v) == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, in := range v {
			if !void(in) {
				return false
			}
		}
		return true
	}
	return false
}

// numberOf reads a JSON number: 1, 1.0 and 1.000 are one.
func numberOf(v any) float64 {
	n, ok := v.(json.Number)
	if !ok {
		return math.NaN()
	}
	f, err := n.Float64()
	if err != nil {
		return math.NaN()
	}
	return f
}

func decodeAny(t *testing.T, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// receiptsIn finds the receipts in what a service answered, however it is
// wrapped.
func receiptsIn(v any) (out []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if _, sum := v["totalSum"]; sum {
			return []map[string]any{v}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, receiptsIn(v[key])...)
		}
	case []any:
		for _, in := range v {
			out = append(out, receiptsIn(in)...)
		}
	}
	return out
}

// The comparison can fail, and reads what services serve in other years.
func TestPairsAreCompared(t *testing.T) {
	doc, _, err := ParseDocument(worked(t, "receipt-1.05"))
	if err != nil {
		t.Fatal(err)
	}
	got := decodeJSON(t, marshal(t, Export(doc)))
	for text, same := range map[string]bool{
		`{"totalSum":5000,"userInn":"7700999990","dateTime":"2026-01-15T14:33","items":[{"quantity":1.0,"sum":5000,"ndsRate":6,"storno":false}]}`: true,
		`{"totalSum":5000,"properties":null,"senderAddress":"","modifiers":[],"nds10":0,"ofdId":"x","dateTime":1768487580}`:                       true,
		`{"totalSum":5001}`: false, `{"totalSum":5000,"userInn":"7700999991"}`: false, `{"totalSum":5000,"items":[]}`: false,
		`{"totalSum":5000,"items":[{"quantity":2}]}`: false, `{"totalSum":5000,"nds10":1}`: false, `{"totalSum":5000,"dateTime":"2026-01-15T14:34:00"}`: false,
	} {
		differ := false
		for _, want := range receiptsIn(decodeAny(t, []byte(`{"data":[{"json":`+text+`}]}`))) {
			pair{differ: func(string, ...any) { differ = true }, note: t.Logf}.object("", got, want)
		}
		if differ == same {
			t.Errorf("%s: told equal: %v, want %v", text, !differ, same)
		}
	}
}

// Numbers that meant texts before 2025 are told by their content, everywhere.
func TestNumbersOfOtherYears(t *testing.T) {
	doc := Document{Code: CodeReceipt, Body: []Element{
		{Tag: 1115, Value: []byte("www.example.ru")}, {Tag: 1125, Value: []byte("OOO OFD")}, {Tag: 1119, Value: []byte("+79990000000")}, {Tag: 1120, Value: []byte("+79990000001")},
	}}
	again, _, err := ParseDocument(AppendDocument(nil, doc))
	if err != nil {
		t.Fatal(err)
	}
	got := Export(again)
	for key, want := range map[string]string{"addressToCheckFiscalSign": "www.example.ru", "tag1125": "OOO OFD", "tag1119": "+79990000000", "tag1120": "+79990000001"} {
		if s := strings.Trim(fmt.Sprint(got[key]), "[]"); s != want {
			t.Errorf("%s: %v, want %s", key, got[key], want)
		}
		if text := string(AppendText(nil, again, "ru")); !strings.Contains(text, want) {
			t.Errorf("%s is not shown:\n%s", want, text)
		}
	}
	if ps := Validate(again); len(ps) > 0 {
		t.Error(ps)
	}
	now := Document{Code: CodeReceipt, Body: []Element{Num(1125, 1), Struct(1115, Struct(1119, Num(1199, 11), Num(1120, 1533)))}}
	if now, _, err = ParseDocument(AppendDocument(nil, now)); err != nil || now.Body[0].Type() != Flag || now.Body[1].Type() != Structure {
		t.Error(now, err)
	}
}
