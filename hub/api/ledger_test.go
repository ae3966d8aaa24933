package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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
	if got := shifts.Items[0].Title; got != "Неизвестно, сходится ли" {
		t.Errorf("an unknown outcome is called %q", got)
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

func TestReadingsOfALane(t *testing.T) {
	w := newWorld(t)
	read := func(at string, fn string, fd int, unsent any) {
		t.Helper()
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w.exec(`INSERT INTO fn_reading(fn,at,lane_id,fd,shift,shift_open,unsent) VALUES (?,?,?,?,3,1,?)`, fn, when.UnixMilli(), w.a.lane, fd, unsent)
	}
	// Moscow's midnight is 21:00Z. A reading of another lane's ФН is none of this lane's.
	read("2026-03-09T20:59:59Z", w.a.fn, 1, nil)
	read("2026-03-09T21:00:00Z", w.a.fn, 10, nil)
	read("2026-03-09T22:00:00Z", w.a.fn, 20, 4)
	read("2026-03-09T22:30:00Z", w.a.fn, 25, 0)
	read("2026-03-10T20:59:00Z", w.a.fn, 100, nil)
	read("2026-03-10T21:00:00Z", w.a.fn, 130, nil)
	read("2026-03-11T20:59:59Z", w.a.fn, 200, nil)
	read("2026-03-11T21:00:00Z", w.a.fn, 300, nil)
	read("2026-03-10T12:00:00Z", w.b.fn, 7, nil)
	for query, want := range map[string]string{
		"from=2026-03-10&to=2026-03-11":             "10 100 200",
		"from=2026-03-10&to=2026-03-10&step=day":    "10 100",
		"from=2026-03-10&to=2026-03-10&step=hour":   "10 25 100",
		"from=2026-03-01&to=2026-03-31":             "1 100 200 300",
		"from=2025-03-01&to=2025-03-31":             "",
		"from=2026-03-09&to=2026-03-09&step=hour":   "1",
		"from=2026-03-10&to=2026-03-10&step=decade": "422",
		"from=2026-03-11&to=2026-03-10":             "422",
		"from=2025-01-01&to=2026-03-10":             "422",
		"from=2026-02-01&to=2026-03-10&step=hour":   "422",
	} {
		path := "/api/v1/lanes/" + w.a.lane + "/readings?" + query
		if want == "422" {
			w.do(w.a.token, "GET", path, nil, 422, nil)
			continue
		}
		var l contract.List[contract.FNReading]
		w.do(w.a.token, "GET", path, nil, 200, &l)
		var got []string
		for _, v := range l.Items {
			got = append(got, fmt.Sprint(v.FD))
			if (v.FD == 25) != (v.Unsent != nil) || v.DocumentsLeft != nil {
				t.Errorf("%s: %+v: zero is no unknown", query, v)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
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
