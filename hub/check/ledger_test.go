package check

import (
	"context"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/ledger"
	"github.com/chekomat/chekomat/hub/store"
)

func (sc *scene) alarmed() bool {
	sc.tb.Helper()
	var n int
	sc.ok(sc.Read().QueryRow(`SELECT count(*) FROM incident WHERE subject = 'lane:l' AND code = 'ledger_differs' AND closed_at IS NULL`).Scan(&n))
	return n == 1
}

// TestAShiftIsHeldAgainstItsReport: the counters of the closing report, read
// back by the driver, agree with receipts and foreign documents.
func TestAShiftIsHeldAgainstItsReport(t *testing.T) {
	sc := newScene(t)
	sc.day()
	l, err := sc.LedgerShifts(context.Background(), store.LedgerFilter{Operator: "op"}, store.Page{Limit: 10})
	sc.ok(err)
	if len(l.Items) != 1 || l.Items[0].Outcome != "agree" || l.Items[0].Source != "report" || l.Items[0].Open || sc.alarmed() {
		t.Fatalf("%+v", l.Items)
	}
	n, err := sc.BalanceShifts(context.Background())
	if sc.ok(err); n != 0 {
		t.Errorf("%d shifts are compared again", n)
	}
}

func TestADifferenceCallsAPersonAndIsFoundWhenItEnds(t *testing.T) {
	sc := newScene(t)
	ctx := context.Background()
	sc.sold(1)
	sc.report(false)
	sc.makeAll()
	c := kkt.Counters{FN: testFN, Shift: 1, Open: true, Source: kkt.FromState, LastFD: sc.fd, Receipts: []kkt.Counter{{Operation: fiscal.Sell, Count: 2, Sum: 9000}}}
	res, err := sc.KeepCounters(ctx, "l", c)
	if sc.ok(err); res.Outcome != ledger.Differ || !sc.alarmed() {
		t.Fatalf("%+v", res)
	}
	open, err := sc.OpenAlarms(ctx, "l")
	if sc.ok(err); len(open) != 0 {
		t.Errorf("the till would end it: %+v", open)
	}
	c.Receipts[0] = kkt.Counter{Operation: fiscal.Sell, Count: 1, Sum: 5000}
	res, err = sc.KeepCounters(ctx, "l", c)
	if sc.ok(err); res.Outcome != ledger.Agree || sc.alarmed() {
		t.Errorf("%+v", res)
	}
	// A closed shift that differed is looked at again: what was missing may have come.
	c.Open, c.LastFD, c.Receipts[0].Count, c.Receipts[0].Sum = false, sc.fd+2, 2, 5700
	res, err = sc.KeepCounters(ctx, "l", c)
	if sc.ok(err); res.Outcome != ledger.Differ || !sc.alarmed() {
		t.Fatalf("%+v", res)
	}
	sc.foreign()
	sc.report(true)
	_, err = sc.BalanceShifts(ctx)
	if sc.ok(err); sc.alarmed() {
		t.Error("it goes on though the document was found")
	}
}

func TestTheLedgerOfADay(t *testing.T) {
	sc := newScene(t)
	sc.day()
	sc.clock.Add((24 * time.Hour).Milliseconds())
	sc.sold(12)
	ctx := context.Background()
	first, err := sc.LedgerDays(ctx, store.LedgerFilter{Operator: "op"}, store.Page{Limit: 1})
	sc.ok(err)
	if len(first.Items) != 1 || first.Next == "" || first.Items[0].Day != "2026-03-11" || first.Items[0].Parties[0].Way.Count != 1 {
		t.Fatalf("%+v", first)
	}
	next, err := sc.LedgerDays(ctx, store.LedgerFilter{Machine: "m"}, store.Page{Limit: 1, Cursor: first.Next})
	sc.ok(err)
	if len(next.Items) != 1 || next.Next != "" || next.Items[0].Day != "2026-03-10" || next.Items[0].Outcome != "agree" {
		t.Fatalf("%+v", next)
	}
	got := map[string]int64{}
	for _, p := range next.Items[0].Parties {
		got[p.Party] = p.Sales.Count
		if p.Party == "us" && (p.Receipts.Count != 4 || p.Receipts.Sum != 20000 || p.Way.Count != 1 || p.OldestAt.IsZero() || len(p.Void) != 1 || p.Void[0].Reason != "reversed" || p.Refunds.Count != 1) {
			t.Errorf("%+v", p)
		}
	}
	if got["us"] != 6 || got["terminal"] != 1 || got["nobody_said"] != 1 {
		t.Errorf("%v", got)
	}
	if _, err := sc.LedgerDays(ctx, store.LedgerFilter{}, store.Page{Limit: 1, Cursor: "x"}); err == nil {
		t.Error("any cursor is taken")
	}
}

func TestReadingsAreThinned(t *testing.T) {
	sc := newScene(t) // one reading, of the closed shift 0
	ctx := context.Background()
	look := func(after time.Duration, fd uint32) {
		sc.clock.Add(after.Milliseconds())
		sc.fd = fd
		_, err := sc.SaveUnit(ctx, sc.hold, sc.unit())
		sc.ok(err)
	}
	for range 59 { // an hour less a minute
		look(time.Minute, 10)
	}
	sc.shift, sc.open = 1, true
	look(time.Second, 11) // at the opening of a shift
	look(time.Minute, 12)
	look(time.Hour, 20)
	all, err := sc.Readings(ctx, testFN)
	sc.ok(err)
	if len(all) != 3 || all[0].FD != 1 || all[1].FD != 11 || all[2].FD != 20 {
		t.Errorf("%+v", all)
	}
	for range 24 * 70 {
		look(time.Hour, sc.fd+10)
	}
	var n int
	sc.ok(sc.Read().QueryRow(`SELECT count(*) FROM fn_reading`).Scan(&n))
	if n > 24*61+11 {
		t.Errorf("%d readings of 70 days are kept", n)
	}
	o, err := sc.Outlooks(ctx, "l")
	if sc.ok(err); len(o) != 1 || o[0].Pace != 240 {
		t.Errorf("%+v", o)
	}
}
