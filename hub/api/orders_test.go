package api

import (
	"fmt"
	"testing"

	"github.com/chekomat/chekomat/hub/api/contract"
)

func TestOrdersOfAPerson(t *testing.T) {
	w := newWorld(t)
	var l contract.List[contract.Sale]
	w.do(w.a.token, "GET", "/api/v1/sales?order=asc", nil, 200, &l)
	done, held := l.Items[0], l.Items[1]
	receipt := fmt.Sprintf("/api/v1/receipts/%s/%d", done.Receipt.FN, done.Receipt.FD)
	order := func(path string, body any, status int) (o contract.Ordered) {
		t.Helper()
		if status == 200 {
			w.do(w.a.token, "POST", path, body, status, &o)
		} else {
			w.do(w.a.token, "POST", path, body, status, nil)
		}
		return o
	}
	order(receipt+"/repair", contract.CorrectOrder{Why: "ставка"}, 409) // nothing is wrong
	order(receipt+"/refund", contract.RefundOrder{}, 422)
	order(receipt+"/refund", contract.RefundOrder{Why: "x", Form: "credit"}, 422)
	o := order(receipt+"/refund", contract.RefundOrder{Why: "вернул товар", Form: "cash"}, 200)
	if len(o.Jobs) != 1 || o.Jobs[0].Purpose != "refund" || o.Jobs[0].Amount != 6000 || o.Act == "" {
		t.Errorf("%+v", o)
	}
	order(receipt+"/refund", contract.RefundOrder{Why: "ещё раз"}, 409)
	order("/api/v1/receipts/9999/0/refund", contract.RefundOrder{Why: "x"}, 404)

	sale := fmt.Sprintf("/api/v1/sales/%d/correct", held.ID)
	order(sale, contract.CorrectOrder{Why: "x", ByOrder: true}, 422) // its number is missing
	order(sale, contract.CorrectOrder{Why: "x"}, 409)                // not in the plan
	w.do(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/columns",
		contract.ColumnsChange{ValidFrom: held.At.AddDate(0, 0, -1), Columns: []contract.Column{{Column: *held.Column, Name: "Сок", Price: held.Amount}}}, 200, nil)
	o = order(sale, contract.CorrectOrder{Why: "продано до настройки", ByOrder: true, Number: "12/3"}, 200)
	if len(o.Jobs) != 1 || o.Jobs[0].Purpose != "correction" || o.Jobs[0].Record != held.ID {
		t.Errorf("%+v", o)
	}
	order(sale, contract.CorrectOrder{Why: "x"}, 200) // nothing was made of the first yet: it is void now
	order(fmt.Sprintf("/api/v1/sales/%d/correct", done.ID), contract.CorrectOrder{Why: "x"}, 409)
	order("/api/v1/jobs/"+w.a.doneJob+"/settle", contract.Why{Why: "x"}, 409)
}

func TestLimitOfOrdinaryReceipts(t *testing.T) {
	w := newWorld(t)
	var o contract.Operator
	w.do(w.a.token, "GET", "/api/v1/operators/"+w.a.id, nil, 200, &o)
	if o.CorrectAfter != 1440 {
		t.Errorf("default %d", o.CorrectAfter)
	}
	w.do(w.a.token, "PATCH", "/api/v1/operators/"+w.a.id, contract.OperatorChange{CorrectAfter: ptr(int64(0))}, 200, &o)
	if o.CorrectAfter != 0 {
		t.Error(o)
	}
	w.do(w.a.token, "PATCH", "/api/v1/operators/"+w.a.id, contract.OperatorChange{CorrectAfter: ptr(int64(-1))}, 422, nil)
	w.do(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/fiscalizers",
		contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "cash", Who: "us", Advance: true}}}, 422, nil)
	var m contract.MachineDetail
	w.do(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/fiscalizers",
		contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "reader2", Who: "us", Advance: true}}}, 200, &m)
	found := false
	for _, f := range m.Fiscalizers {
		found = found || f.Source == "reader2" && f.Advance
	}
	if !found {
		t.Errorf("%+v", m.Fiscalizers)
	}
}

func TestFindDocument(t *testing.T) {
	w := newWorld(t)
	var d contract.FoundDocument
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/lanes/%s/documents/7?fn=9999", w.a.lane), nil, 200, &d)
	if d.FN != "9999" || d.FD != 7 || d.Key != "abc" || d.Job != "" || d.Text == "" || d.Amount != 6000 {
		t.Errorf("%+v", d)
	}
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/lanes/%s/documents/7?fn=gone", w.a.lane), nil, 409, nil)
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/lanes/%s/documents/0", w.a.lane), nil, 404, nil)
	w.do(w.a.token, "GET", "/api/v1/lanes/"+w.b.lane+"/documents/7", nil, 404, nil)
}

func TestMadeByTheOFDsData(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/jobs/" + w.a.heldJob + "/made"
	w.do(w.a.token, "POST", path, contract.MadeJob{FN: "1", FD: 1, FP: 1, At: "2026-01-15T12:00", Why: "x"}, 422, nil)
	w.do(w.a.token, "POST", path, contract.MadeJob{FN: "9999078900005678", FD: 1, FP: 1, At: "вчера", Why: "x"}, 422, nil)
	w.do(w.b.token, "POST", path, contract.MadeJob{FN: "9999078900005678", FD: 1, FP: 1, At: "2026-01-15T12:00", Why: "x"}, 404, nil)
}
