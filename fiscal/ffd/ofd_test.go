package ffd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
)

// ofdKeys are an OFD's names of 2020 for the sums of a receipt.
var ofdKeys = map[string]Tag{
	"totalSum": 1020, "cashTotalSum": 1031, "ecashTotalSum": 1081, "prepaidSum": 1215, "prepaymentSum": 1215, "creditSum": 1216,
	"postpaymentSum": 1216, "provisionSum": 1217, "counterSubmissionSum": 1217, "nds18": 1102, "nds10": 1103, "nds0": 1104, "ndsNo": 1105,
	"ndsCalculated18": 1106, "ndsCalculated10": 1107, "operationType": 1054,
}

var ofdItemKeys = map[string]Tag{
	"price": 1079, "sum": 1043, "ndsRate": 1199, "nds": 1199, "ndsSum": 1200, "calculationTypeSign": 1214, "paymentType": 1214,
	"calculationSubjectSign": 1212, "productType": 1212,
}

// ofdRateKeys are items that name their VAT by its rate.
var ofdRateKeys = map[string]fiscal.VAT{
	"nds18": fiscal.VAT20, "nds10": fiscal.VAT10, "ndsCalculated18": fiscal.VAT20120, "ndsCalculated10": fiscal.VAT10110,
}

// fromOFD makes a document of a receipt as a service stores it in JSON; what it
// leaves out stays out. ok is false when a number has not the form of its
// requisite.
func fromOFD(v map[string]any) (doc Document, ok bool) {
	ok = true
	number := func(tag Tag, v any) Element {
		n, err := strconv.ParseUint(fmt.Sprint(v), 10, 64)
		ok = ok && err == nil
		return Num(tag, n)
	}
	doc.Code = CodeReceipt
	if at, _ := v["dateTime"].(string); len(at) >= len(time.DateOnly) {
		if day, err := time.Parse(time.DateOnly, at[:len(time.DateOnly)]); err == nil {
			doc.Body = append(doc.Body, Clock(1012, day))
		}
	}
	add := func(to []Element, tag Tag, v any) []Element {
		if _, is := v.(json.Number); tag == 0 || !is {
			return to
		}
		if e := number(tag, v); Find(to, tag) == nil {
			to = append(to, e)
		}
		return to
	}
	for key, tag := range ofdKeys {
		doc.Body = add(doc.Body, tag, v[key])
	}
	items, _ := v["items"].([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		var in []Element
		for key, n := range fields {
			in = add(in, ofdItemKeys[key], n)
			if rate := ofdRateKeys[key]; rate != 0 && numberOf(n) > 0 {
				in = append(in, Num(1199, uint64(rate)), number(1200, n))
			}
		}
		if q, is := fields["quantity"].(json.Number); is {
			whole, frac, _ := strings.Cut(string(q), ".")
			frac = frac[:min(len(frac), 6)]
			e := number(1023, "0"+strings.TrimLeft(whole+frac, "0"))
			v, _ := e.Uint()
			in = append(in, Amount(1023, Quantity{v, uint8(len(frac))}))
		}
		doc.Body = append(doc.Body, Struct(1059, in...))
	}
	return doc, ok
}

// Real receipts of many registers pass the checks of sums and VAT, totals by
// either method. Some registers do miscount, that is what the checks are for:
// were it more than a few, the checks would.
func TestOFDReceipts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t, "receipts/json"), "*.json*"))
	if err != nil {
		t.Fatal(err)
	}
	receipts, stale, deviate, unread := 0, 0, 0, 0
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		values := json.NewDecoder(f) // one value, or one a line
		values.UseNumber()
		for n := 1; ; n++ {
			var v any
			if err := values.Decode(&v); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: value %d: %v", filepath.Base(path), n, err)
			}
			for _, served := range receiptsIn(v) {
				doc, ok := fromOFD(served)
				if !ok {
					unread++
					t.Logf("%s:%d: sums of another form", filepath.Base(path), n)
					continue
				}
				receipts++
				wrong := false
				for _, p := range Validate(doc) {
					switch {
					case old18(doc, p):
						stale++
					case p.Code == SumMismatch || p.Code == VATMismatch:
						t.Logf("%s:%d: %v", filepath.Base(path), n, p)
						wrong = true
					}
				}
				if wrong {
					deviate++
				}
			}
		}
	}
	t.Logf("%d receipts, %d sums of VAT at 18 %%, %d deviate, %d not read", receipts, stale, deviate, unread)
	if deviate > max(1, receipts/20) {
		t.Errorf("%d of %d receipts are told to be wrong", deviate, receipts)
	}
}

// old18 says whether the problem is a register whose firmware still counted 18 %
// under the code of 20 % (FFD reference, 8.4): what the checker is there to find.
func old18(doc Document, p Problem) bool {
	if p.Code != VATMismatch {
		return false
	}
	before := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	item := 0
	var sent, turnover int64
	for _, e := range doc.Body {
		if e.Tag != 1059 {
			continue
		}
		item++
		v, sum := fiscal.VAT(numberIn(e.Nested, 1199)), int64(numberIn(e.Nested, 1043))
		if item == p.Item {
			return int64(numberIn(e.Nested, 1200)) == v.OfOn(sum, before)
		}
		if Tag(v.TotalTag()) == p.Tag {
			sent, turnover = sent+v.OfOn(sum, before), turnover+sum
		}
	}
	got := int64(numberIn(doc.Body, p.Tag))
	return got == sent || got == fiscal.VAT20.OfOn(turnover, before)
}
