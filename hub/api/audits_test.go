package api

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// count sends a reading of the counters; gained are the kopecks and vends of
// cash since the reading before, whose seq is since.
func (w *world) count(n tenant, seq, since, vends, minor int64) {
	w.t.Helper()
	a := &wire.Audit{Protocol: "dex", Head: seq - 1, Currency: "643", Seal: "ok", Machine: wire.AuditMachine{Serial: "VND42"},
		Totals: []wire.AuditTotal{{Kind: wire.AuditCash, Vends: &vends}}, Flags: []string{"seal_absent"}}
	if err := a.Keep([]byte("DXS*VND0000001*VA*V0/6*1\r\nDXE*1*1\r\n")); err != nil {
		w.t.Fatal(err)
	}
	if since > 0 {
		a.Since = &wire.AuditChange{Journal: n.journal, Seq: since, Outcome: wire.AuditCounted, Totals: []wire.AuditTotal{
			{Kind: wire.AuditAll, Vends: &vends, Minor: &minor}, {Kind: wire.AuditCash, Vends: &vends, Minor: &minor}, {Kind: wire.AuditCashless1}}}
	}
	r, err := json.Marshal(wire.Record{V: 1, Journal: n.journal, Seq: seq, Kind: wire.KindAudit, Wall: time.Now(), Boot: "boot", Audit: a})
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := json.Marshal(wire.RecordMessage{V: 1, AgeMS: 10, Record: r})
	if err != nil {
		w.t.Fatal(err)
	}
	w.take(n, string(m))
}

func TestReadingsAndWhatTheySay(t *testing.T) {
	w := newWorld(t)
	n := w.a
	n.journal = "counters"
	w.count(n, 1, 0, 0, 0)
	w.sell(n, 2, 5, 6000)
	w.count(n, 3, 1, 2, 12000) // one of them was not heard
	w.count(n, 4, 3, 0, 0)

	var audits, rest contract.List[contract.Audit]
	w.do(n.token, "GET", "/api/v1/machines/"+n.machine+"/audits?limit=2", nil, 200, &audits)
	if len(audits.Items) != 2 || audits.Next == "" || audits.Items[0].Seq != 4 || audits.Items[1].Since == nil || audits.Items[1].Since.Seq != 1 {
		t.Fatalf("%+v", audits)
	}
	a := audits.Items[1]
	if a.Serial != "VND42" || a.Machine != n.machine || len(a.Totals) != 1 || a.Totals[0].Minor != nil || *a.Totals[0].Vends != 2 || a.At.IsZero() {
		t.Errorf("%+v", a)
	}
	w.do(n.token, "GET", "/api/v1/machines/"+n.machine+"/audits?limit=2&cursor="+audits.Next, nil, 200, &rest)
	if len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].Since != nil {
		t.Errorf("%+v", rest)
	}

	var rows, unknown contract.List[contract.Reconciliation]
	w.do(n.token, "GET", "/api/v1/reconciliations?outcome=differ&machine="+n.machine, nil, 200, &rows)
	if len(rows.Items) != 2 {
		t.Fatalf("%+v", rows)
	}
	r := rows.Items[0] // newest first: kinds of one period from the last to the first
	if r.Kind != wire.AuditCash || *r.Bus.Minor != 6000 || *r.Counted.Minor != 12000 || *r.Difference.Minor != 6000 || *r.Difference.Vends != 1 ||
		r.From.IsZero() || r.To.Before(r.From) || r.Audit != a.Record {
		t.Errorf("%+v", r)
	}
	w.do(n.token, "GET", "/api/v1/reconciliations?outcome=unknown", nil, 200, &unknown)
	if len(unknown.Items) != 2 || unknown.Items[0].Reason == "" || unknown.Items[0].Title == "" || unknown.Items[0].Title == unknown.Items[0].Reason ||
		unknown.Items[0].Counted.Minor != nil || unknown.Items[0].Difference.Minor != nil {
		t.Errorf("%+v", unknown)
	}

	var sale contract.SaleDetail
	w.do(n.token, "GET", fmt.Sprintf("/api/v1/sales/%d", a.Record), nil, 200, &sale)
	var body wire.Record
	if err := json.Unmarshal(sale.Body, &body); err != nil || body.Audit == nil || body.Audit.Report == "" {
		t.Errorf("the report is not in the record's body: %v %s", err, sale.Body)
	}
	w.do(n.token, "GET", "/api/v1/sales?kind=audit", nil, 200, nil)
	w.do(n.token, "GET", "/api/v1/reconciliations?outcome=maybe", nil, 422, nil)
	w.do(w.b.token, "GET", "/api/v1/reconciliations?machine="+n.machine, nil, 404, nil)
	w.do(w.b.token, "GET", "/api/v1/reconciliations?operator=alpha", nil, 404, nil)
	w.do(w.b.token, "GET", "/api/v1/machines/"+n.machine+"/audits", nil, 404, nil)
	var none contract.List[contract.Reconciliation]
	w.do(w.b.token, "GET", "/api/v1/reconciliations", nil, 200, &none)
	if len(none.Items) != 0 {
		t.Errorf("another operator sees %+v", none)
	}
}
