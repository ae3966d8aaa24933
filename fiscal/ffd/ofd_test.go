package ffd

import (
	"bufio"
	"bytes"
	"encoding/json"
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

// fromOFD makes a document of a receipt an OFD stores as JSON.
func fromOFD(t *testing.T, line []byte) Document {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	number := func(v any) uint64 {
		n, err := strconv.ParseUint(string(v.(json.Number)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	day, err := time.Parse(time.DateOnly, v["dateTime"].(string)[:10])
	if err != nil {
		t.Fatal(err)
	}
	doc := Document{Code: Tag(number(v["receiptCode"])), Body: []Element{Clock(1012, day)}}
	for key, tag := range ofdKeys {
		if n, ok := v[key].(json.Number); ok {
			doc.Body = append(doc.Body, Num(tag, number(n)))
		}
	}
	for _, item := range v["items"].([]any) {
		var in []Element
		for key, n := range item.(map[string]any) {
			if tag, ok := ofdItemKeys[key]; ok {
				in = append(in, Num(tag, number(n)))
			} else if rate := ofdRateKeys[key]; rate != 0 {
				in = append(in, Num(1199, uint64(rate)), Num(1200, number(n)))
			} else if key == "quantity" {
				whole, frac, _ := strings.Cut(string(n.(json.Number)), ".")
				in = append(in, Amount(1023, Quantity{number(json.Number(strings.TrimLeft(whole+frac, "0") + "")), uint8(len(frac))}))
			}
		}
		doc.Body = append(doc.Body, Struct(1059, in...))
	}
	return doc
}

// Real receipts of many registers pass the checks of sums and VAT, totals by
// either method.
func TestOFDReceipts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t, "receipts/json"), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Skip("no receipts of an OFD")
	}
	receipts, stale := 0, 0
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			doc := fromOFD(t, lines.Bytes())
			receipts++
			for _, p := range Validate(doc) {
				if old18(doc, p) {
					stale++
				} else {
					t.Errorf("%s:%d: %v", filepath.Base(path), n, p)
				}
			}
		}
	}
	t.Logf("%d receipts, %d sums of VAT at 18 %%", receipts, stale)
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
