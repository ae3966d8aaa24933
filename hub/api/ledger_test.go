package api

import (
	"context"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
)

func TestLedgerOfShiftsAndDays(t *testing.T) {
	w := newWorld(t)
	n := w.a
	_, err := w.st.KeepCounters(context.Background(), n.lane, kkt.Counters{FN: n.fn, Shift: 3, Source: kkt.FromReport, LastFD: 17,
		Receipts: []kkt.Counter{{Operation: fiscal.Sell, Count: 2, Sum: 12000}}})
	if err != nil {
		t.Fatal(err)
	}
	var shifts contract.List[contract.LedgerShift]
	w.do(n.token, "GET", "/api/v1/ledger/shifts?lane="+n.lane+"&outcome=unknown&lang=ru", nil, 200, &shifts)
	if len(shifts.Items) != 1 || len(shifts.Items[0].Lines) != 3 || shifts.Items[0].Title == "" {
		t.Fatalf("%+v", shifts)
	}
	// The shift was opened before the hub looked: what the sums should be is not known.
	if l := shifts.Items[0].Lines[2]; l.Figure != "sum" || l.Ours != 6000 || *l.Told != 12000 || l.Difference != nil || l.Reason == "" || l.Title == l.Reason || l.Name == "" {
		t.Errorf("%+v", l)
	}
	var days contract.List[contract.LedgerDay]
	w.do(n.token, "GET", "/api/v1/ledger/days?machine="+n.machine, nil, 200, &days)
	if len(days.Items) != 1 || len(days.Items[0].Parties) != 1 {
		t.Fatalf("%+v", days)
	}
	p := days.Items[0].Parties[0]
	if p.Party != "us" || p.Sales != (contract.LedgerFigure{Count: 3, Sum: 21500}) || p.Receipts != (contract.LedgerFigure{Count: 1, Sum: 6000}) ||
		len(p.Held) != 2 || p.Held[0].Title == p.Held[0].Reason || *p.Difference != (contract.LedgerFigure{}) {
		t.Errorf("%+v", p)
	}
	w.do(n.token, "GET", "/api/v1/ledger/days?cursor=x", nil, 422, nil)
	w.do(w.b.token, "GET", "/api/v1/ledger/days?machine="+n.machine, nil, 404, nil)
	w.do(w.b.token, "GET", "/api/v1/ledger/shifts?lane="+n.lane, nil, 404, nil)
	w.do(w.root, "GET", "/api/v1/ledger/days", nil, 200, &days)
	if len(days.Items) != 2 {
		t.Errorf("the installation sees %+v", days)
	}
}

func TestOutlookOfALane(t *testing.T) {
	w := newWorld(t)
	var l contract.Lane
	w.do(w.a.token, "GET", "/api/v1/lanes/"+w.a.lane, nil, 200, &l)
	if len(l.Outlook) != 1 || l.Outlook[0].FN != w.a.fn {
		t.Fatalf("%+v", l.Outlook)
	}
	warned := false
	for _, f := range l.Outlook[0].Findings {
		if f.Name == "" || strings.HasPrefix(f.Name, "watch_") || (f.Level == "fine") != (f.Title == "") {
			t.Errorf("%+v", f)
		}
		warned = warned || f.Code == "fn_ending" && f.Level == "warn" && f.Left == nil && f.Next != ""
	}
	if !warned {
		t.Errorf("the register's own flag is not told: %+v", l.Outlook[0].Findings)
	}
	r := w.ask(w.root, "GET", "/metrics", nil)
	if !strings.Contains(r.Body.String(), `chekomat_fn_documents_left{operator="alpha"`) {
		t.Errorf("metrics: %s", r.Body)
	}
}
