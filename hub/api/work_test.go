package api

import (
	"encoding/base64"
	"fmt"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/chekomat/chekomat/hub/api/contract"
)

func TestSaleCarriesJobReceiptAndDisplay(t *testing.T) {
	w := newWorld(t)
	var l contract.List[contract.Sale]
	w.do(w.a.token, "GET", "/api/v1/sales?order=asc", nil, 200, &l)
	if len(l.Items) != 3 || l.Next != "" {
		t.Fatalf("%d sales, next %q", len(l.Items), l.Next)
	}
	done, held := l.Items[0], l.Items[1]
	if done.Fate != "job" || done.Job == nil || done.Job.State != "done" || done.Receipt == nil || done.Receipt.FP != 4294967295 ||
		done.Shown == nil || done.Shown.AfterMS != 900 || done.Item != "Вода alpha" || done.Serial != "VM-alpha" || *done.Column != 5 || done.Amount != 6000 {
		t.Errorf("done: %+v", done)
	}
	if held.Fate != "held" || held.Reason != "no_plan_name" || held.Job != nil || held.Serial != "VM-alpha" {
		t.Errorf("held: %+v", held)
	}
	var d contract.SaleDetail
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/sales/%d", done.ID), nil, 200, &d)
	if len(d.Jobs) != 1 || !strings.Contains(string(d.Body), `"evidence":"vend_success"`) {
		t.Errorf("detail: %+v", d)
	}
	var j contract.JobDetail
	w.do(w.a.token, "GET", "/api/v1/jobs/"+w.a.doneJob, nil, 200, &j)
	if len(j.History) == 0 || len(j.Attempts) != 1 || j.Attempts[0].Summary != "receipt" || j.Job.Receipt == nil {
		t.Errorf("job: %+v", j)
	}
}

func TestPagesMeetEachSaleOnce(t *testing.T) {
	w := newWorld(t)
	for seq := int64(10); seq < 35; seq++ {
		w.sell(w.a, seq, 6, 8500)
	}
	for _, order := range []string{"asc", "desc"} {
		seen := map[int64]bool{}
		last := int64(0)
		for cursor := ""; ; {
			var l contract.List[contract.Sale]
			w.do(w.a.token, "GET", "/api/v1/sales?limit=7&order="+order+"&cursor="+url.QueryEscape(cursor), nil, 200, &l)
			for _, s := range l.Items {
				if seen[s.ID] || last != 0 && (s.ID > last) != (order == "asc") {
					t.Errorf("%s: %d after %d", order, s.ID, last)
				}
				seen[s.ID], last = true, s.ID
			}
			if cursor = l.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 28 {
			t.Errorf("%s: %d sales", order, len(seen))
		}
	}
	for state, want := range map[string]int{"queued": 25, "done": 1, "held": 1, "void": 0} {
		n := 0
		for cursor := ""; ; {
			var l contract.List[contract.Job]
			w.do(w.a.token, "GET", "/api/v1/jobs?limit=7&state="+state+"&cursor="+url.QueryEscape(cursor), nil, 200, &l)
			n += len(l.Items)
			if cursor = l.Next; cursor == "" {
				break
			}
		}
		if n != want {
			t.Errorf("%d jobs %s, want %d", n, state, want)
		}
	}
}

func TestHeldIsDecidedByMendingVouchingOrDropping(t *testing.T) {
	w := newWorld(t)
	path := fmt.Sprintf("/api/v1/held/%d", w.a.held)
	var l contract.List[contract.Sale]
	w.do(w.a.token, "GET", "/api/v1/held?reason=no_plan_name", nil, 200, &l)
	if len(l.Items) != 1 || l.Items[0].ID != w.a.held {
		t.Fatalf("held: %+v", l)
	}
	var d contract.SaleDetail
	w.do(w.a.token, "POST", path+"/retry", nil, 200, &d)
	if d.Sale.Fate != "held" {
		t.Errorf("nothing was mended, fate %s", d.Sale.Fate)
	}
	// The plan is put right as of a time before the sale; another sale is dropped.
	columns := []contract.Column{{Column: 9, Name: "Чай", Price: 7000}, {Column: 6, Name: "Кофе", Price: 8500}}
	w.do(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/columns", contract.ColumnsChange{ValidFrom: time.Now().Add(-time.Hour), Columns: columns}, 200, nil)
	w.sell(w.a, 20, 77, 100)
	dropped := w.recordOf(w.a, 20)
	w.do(w.a.token, "POST", fmt.Sprintf("/api/v1/held/%d/drop", dropped), contract.Why{Why: "проверка автомата"}, 200, &d)
	if d.Sale.Fate != "none" || d.Sale.Reason != "dropped" {
		t.Errorf("dropped: %+v", d.Sale)
	}
	w.sell(w.a, 21, 78, 100)
	var r contract.RetryHeldResult
	w.do(w.a.token, "POST", "/api/v1/held/retry", contract.RetryHeld{}, 200, &r)
	if r.Tried != 2 || r.Jobs != 1 || r.Held != 1 {
		t.Errorf("retry of all: %+v", r)
	}
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/sales/%d", w.a.held), nil, 200, &d)
	if d.Sale.Fate != "job" || d.Sale.Item != "Чай" {
		t.Errorf("mended: %+v", d.Sale)
	}
	w.do(w.a.token, "POST", path+"/promote", contract.Why{Why: "x"}, 409, nil)
}

func TestJobIsDecidedByAPerson(t *testing.T) {
	w := newWorld(t)
	var d contract.JobDetail
	w.do(w.a.token, "POST", "/api/v1/jobs/"+w.a.heldJob+"/retry", contract.Why{Why: "бумага заправлена"}, 200, &d)
	if d.Job.State != "queued" {
		t.Errorf("retried: %+v", d.Job)
	}
	last := d.History[len(d.History)-1]
	if last.Actor != "token of alpha" || !strings.Contains(last.Detail, "бумага") {
		t.Errorf("history says %+v", last)
	}
	w.do(w.a.token, "POST", "/api/v1/jobs/"+w.a.heldJob+"/drop", contract.Why{Why: "x"}, 200, &d)
	if d.Job.State != "void" {
		t.Errorf("dropped: %+v", d.Job)
	}
	w.do(w.a.token, "POST", "/api/v1/jobs/"+w.a.heldJob+"/not-made", contract.Why{Why: "x"}, 409, nil)
}

func TestReceiptIsFound(t *testing.T) {
	w := newWorld(t)
	var one contract.Receipt
	w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/receipts/%s/17", w.a.fn), nil, 200, &one)
	if one.Amount != 6000 || one.Job != w.a.doneJob || one.Record != w.a.record || one.Serial != "VM-alpha" || one.Item != "Вода alpha" {
		t.Errorf("%+v", one)
	}
	day := one.At[:10]
	for query, want := range map[string]int{
		"": 1, "fn=" + w.a.fn + "&fd=17": 1, "fn=" + w.a.fn + "&fd=18": 0, "fn=" + w.a.fn: 1, "day=" + day: 1, "day=2020-01-01": 0,
		"machine=" + w.a.machine + "&day=" + day: 1, "machine=" + w.b.machine + "&day=" + day: 0,
		"sum=6000&day=" + day: 1, "sum=6001&day=" + day: 0, "sum=6000&day=" + day + "&machine=" + w.a.machine: 1,
	} {
		var l contract.List[contract.Receipt]
		w.do(w.a.token, "GET", "/api/v1/receipts?"+query, nil, 200, &l)
		if len(l.Items) != want {
			t.Errorf("%s: %d receipts, want %d", query, len(l.Items), want)
		}
	}
	var l contract.List[contract.Receipt]
	w.do(w.root, "GET", "/api/v1/receipts?sum=6000&day="+day, nil, 200, &l)
	if len(l.Items) != 2 {
		t.Errorf("the installation finds %d", len(l.Items))
	}
	r := w.do(w.a.token, "GET", fmt.Sprintf("/api/v1/receipts/%s/17/qr.png", w.a.fn), nil, 200, nil)
	img, err := png.Decode(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	text, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil || text.GetText() != one.QR {
		t.Errorf("the picture reads %v, %v", text, err)
	}
}

func TestQuarantineShowsBytesAndIsPutAside(t *testing.T) {
	w := newWorld(t)
	path := fmt.Sprintf("/api/v1/quarantine/%d", w.a.quarantine)
	var d contract.QuarantineDetail
	w.do(w.a.token, "GET", path, nil, 200, &d)
	if d.Item.Reason != "unknown_version" || !strings.Contains(d.Text, `"v":99`) || string(d.Raw) != d.Text {
		t.Errorf("%+v %s", d.Item, base64.StdEncoding.EncodeToString(d.Raw))
	}
	w.do(w.a.token, "POST", path+"/retake", nil, 409, nil) // this hub still does not know version 99
	w.do(w.a.token, "POST", path+"/aside", contract.Why{Why: "опыт"}, 200, &d)
	if d.Item.ResolvedAt.IsZero() || d.Item.Resolution == "" {
		t.Errorf("put aside: %+v", d.Item)
	}
	for query, want := range map[string]int{"": 0, "?open=false": 1} {
		var l contract.List[contract.Quarantine]
		w.do(w.a.token, "GET", "/api/v1/quarantine"+query, nil, 200, &l)
		if len(l.Items) != want {
			t.Errorf("%q: %d", query, len(l.Items))
		}
	}
}

func TestIncidentIsExplainedAndClosed(t *testing.T) {
	w := newWorld(t)
	var l contract.List[contract.Incident]
	w.do(w.a.token, "GET", "/api/v1/incidents", nil, 200, &l)
	if len(l.Items) == 0 {
		t.Fatal("no incidents")
	}
	n := len(l.Items)
	for _, v := range l.Items {
		if v.Title == v.Code || v.Next == "" || v.Operator != "alpha" {
			t.Errorf("%+v", v)
		}
	}
	var v contract.Incident
	w.do(w.a.token, "POST", fmt.Sprintf("/api/v1/incidents/%d/close", l.Items[0].ID), nil, 200, &v)
	if v.ClosedAt.IsZero() {
		t.Errorf("%+v", v)
	}
	w.do(w.a.token, "GET", "/api/v1/incidents?subject="+url.QueryEscape(v.Subject)+"&open=false", nil, 200, &l)
	if len(l.Items) == 0 {
		t.Error("a closed incident is not found by its subject")
	}
	w.do(w.a.token, "GET", "/api/v1/incidents", nil, 200, &l)
	if len(l.Items) != n-1 {
		t.Errorf("%d open, want %d", len(l.Items), n-1)
	}
}

func TestSummaryCounts(t *testing.T) {
	w := newWorld(t)
	var s contract.Summary
	w.do(w.a.token, "GET", "/api/v1/summary", nil, 200, &s)
	if len(s.Operators) != 1 || len(s.Lanes) != 1 {
		t.Fatalf("%+v", s)
	}
	o := s.Operators[0]
	if o.Sales != 3 || o.Records != 3 || o.Receipts != 1 || o.HeldRecords != 1 || o.Queue.Done != 1 || o.Queue.Held != 1 || o.Queue.Queued != 0 ||
		o.Machines != 1 || o.Agents != 1 || o.AgentsOnline != 1 || o.Quarantine != 1 || o.Incidents == 0 {
		t.Errorf("%+v", o)
	}
	if o.Today.Amount != 21500 || o.Today.Cash != 21500 || o.Today.Receipted != 6000 {
		t.Logf("the test ran over midnight in Moscow? %+v", o.Today)
		if time.Now().UTC().Format("15:04") < "20:58" || time.Now().UTC().Format("15:04") > "21:02" {
			t.Errorf("today: %+v", o.Today)
		}
	}
	if s.Lanes[0].State != "unreachable" || s.Lanes[0].Fault != "register_no_answer" {
		t.Errorf("lane: %+v", s.Lanes[0])
	}
	w.do(w.root, "GET", "/api/v1/summary", nil, 200, &s)
	if len(s.Operators) != 2 {
		t.Errorf("the installation sees %d operators", len(s.Operators))
	}
	w.do(w.root, "GET", "/api/v1/summary?operator=beta", nil, 200, &s)
	if len(s.Operators) != 1 || s.Operators[0].ID != "beta" {
		t.Errorf("narrowed: %+v", s.Operators)
	}
}

func TestTakingsOfADayAddUp(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/takings?", "/api/v1/machines/" + w.a.machine + "/takings?"} {
		for _, step := range []string{"day", "hour"} {
			var l contract.TakingsSeries
			w.do(w.a.token, "GET", path+"step="+step, nil, 200, &l)
			var sum contract.Takings
			for _, b := range l.Items {
				sum = sum.Add(b.Takings)
			}
			want := 7
			if step == "hour" {
				want = 7 * 24
			}
			if len(l.Items) != want || sum.Sales != 3 || sum.Amount != 21500 || sum.Receipts != 1 || l.Zone != "Europe/Moscow" {
				t.Errorf("%s%s: %d buckets, %+v", path, step, len(l.Items), sum)
			}
		}
	}
	w.do(w.root, "GET", "/api/v1/takings", nil, 422, nil) // whose?
}
