package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
)

// gained makes an audit that names the one before it; pairs are kind, vends,
// kopecks gained; -1 is unknown.
func gained(journal string, seq, head int64, sinceJournal string, since int64, kinds ...any) wire.Record {
	r := record(journal, seq, wire.KindAudit, nil)
	r.Audit = &wire.Audit{Protocol: "dex", Head: head, Currency: "643", Seal: "ok", Totals: []wire.AuditTotal{}, Bytes: 3, Report: "abc"}
	if since == 0 {
		return r
	}
	r.Audit.Since = &wire.AuditChange{Journal: sinceJournal, Seq: since, Outcome: wire.AuditCounted}
	number := func(n int) *int64 {
		if n < 0 {
			return nil
		}
		v := int64(n)
		return &v
	}
	for i := 0; i < len(kinds); i += 3 {
		r.Audit.Since.Totals = append(r.Audit.Since.Totals, wire.AuditTotal{Kind: kinds[i].(string), Vends: number(kinds[i+1].(int)), Minor: number(kinds[i+2].(int))})
	}
	return r
}

// rows lists "audit kind bus counted outcome reason" of all periods.
func (sc *scene) reconciled() string {
	sc.tb.Helper()
	type row struct {
		seq                            int64
		kind, outcome, reason          string
		busVends, bus, counts, counted *int64
	}
	all, err := listOf(context.Background(), sc.r, func(r *sql.Rows, v *row) error {
		return r.Scan(&v.seq, &v.kind, &v.busVends, &v.bus, &v.counts, &v.counted, &v.outcome, &v.reason)
	}, `SELECT a.seq, c.kind, bus_vends, bus_minor, counted_vends, counted_minor, outcome, reason FROM reconciliation c JOIN audit a ON a.record_id=c.audit_id ORDER BY a.seq, c.id`)
	if err != nil {
		sc.tb.Fatal(err)
	}
	n := func(v *int64) string {
		if v == nil {
			return "?"
		}
		return fmt.Sprint(*v)
	}
	var b []string
	for _, v := range all {
		b = append(b, strings.TrimSpace(fmt.Sprintf("%d %s %s/%s %s/%s %s %s", v.seq, v.kind, n(v.busVends), n(v.bus), n(v.counts), n(v.counted), v.outcome, v.reason)))
	}
	return strings.Join(b, "\n")
}

const mismatched = "machine:m audit_mismatch"

func TestPeriodsAgreeOrTellWhatIsMissing(t *testing.T) {
	sc := newScene(t)
	s := vend()
	sc.came(gained("j", 1, 0, "", 0))
	sc.came(record("j", 2, wire.KindSale, &s))
	sc.came(record("j", 3, wire.KindSale, &s))
	sc.came(gained("j", 4, 3, "j", 1, "all", 2, 10000, "cash", 0, 0, "cashless1", 2, 10000))
	if got, want := sc.reconciled(), "4 all 2/10000 2/10000 agree\n4 cash 0/0 0/0 agree\n4 cashless1 2/10000 2/10000 agree"; got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	// One sale was not heard.
	sc.advance(time.Hour)
	sc.came(record("j", 5, wire.KindSale, &s))
	sc.came(gained("j", 6, 5, "j", 4, "all", 2, 10000, "cash", 1, 5000, "cashless1", 1, 5000))
	want := "2026-03-10 12:00 UTC to 2026-03-10 13:00 UTC: all: the machine counted 2 vends 100.00 ₽, the bus told of 1 vends 50.00 ₽;" +
		" cash: the machine counted 1 vends 50.00 ₽, the bus told of 0 vends 0.00 ₽"
	if got := sc.incidents()[mismatched]; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	// An unknown period neither raises nor clears, one that agrees clears.
	sc.came(gained("j", 7, 6, "j", 6, "all", -1, -1))
	if sc.incidents()[mismatched] == "" {
		t.Error("an unknown period cleared the incident")
	}
	sc.came(gained("j", 8, 7, "j", 7, "all", 0, 0, "cash", 0, 0))
	if got := sc.incidents()[mismatched]; got != "" {
		t.Errorf("a period that agrees left the incident: %s", got)
	}
}

func TestBoundaries(t *testing.T) {
	reader, cash := vend(), vend()
	cash.Parts = []wire.Part{{Source: wire.SourceCash, Kind: "cash", Minor: 5000}}
	unpriced := vend()
	unpriced.Amount.Known, unpriced.Amount.Minor, unpriced.Parts = false, 0, []wire.Part{{Source: wire.SourceReader1, Kind: "cashless"}}
	nowhere := vend()
	nowhere.Parts = nil
	mixed := vend()
	mixed.Parts = []wire.Part{{Source: wire.SourceCash, Kind: "cash", Minor: 2000}, {Source: wire.SourceReader1, Kind: "cashless", Minor: 3000}}
	back := record("j", 3, wire.KindReversal, &reader)
	back.Of = 2
	failed := record("j", 2, wire.KindIncident, nil)
	failed.Incident = &wire.Incident{Code: AuditFailed}
	outcome := func(r wire.Record, outcome string) wire.Record {
		if r.Audit.Since.Outcome = outcome; outcome == wire.AuditNone {
			r.Audit.Since.Totals = nil
		}
		return r
	}
	sale := func(seq int64, s *wire.Sale) wire.Record { return record("j", seq, wire.KindSale, s) }
	first := gained("j", 1, 0, "", 0)
	for name, c := range map[string]struct {
		records []wire.Record
		want    string
	}{
		"a first reading ends no period": {[]wire.Record{first}, ""},
		"the journal was begun anew between": {[]wire.Record{first, sale(2, &reader), gained("k", 1, 0, "j", 1, "all", 1, 5000)},
			"1 all ?/? 1/5000 unknown journal_restarted"},
		"the earlier audit is missing": {[]wire.Record{gained("j", 2, 1, "j", 1, "all", 1, 5000)}, "2 all ?/? 1/5000 unknown earlier_missing"},
		"a record is missing":          {[]wire.Record{first, sale(2, &reader), gained("j", 4, 3, "j", 1, "all", 1, 5000)}, "4 all ?/? 1/5000 unknown records_missing"},
		"taken back": {[]wire.Record{first, sale(2, &reader), back, gained("j", 4, 3, "j", 1, "all", 0, 0, "cashless1", 0, 0)},
			"4 all 0/0 0/0 agree\n4 cashless1 0/0 0/0 agree"},
		"sold during the reading, counted": {[]wire.Record{first, sale(2, &cash), sale(3, &cash), gained("j", 4, 2, "j", 1, "all", 2, 10000, "cash", 2, 10000)},
			"4 all 2/10000 2/10000 agree\n4 cash 2/10000 2/10000 agree"},
		"sold during the reading, not counted": {[]wire.Record{first, sale(2, &cash), sale(3, &cash), gained("j", 4, 2, "j", 1, "all", 1, 5000, "cash", 1, 5000),
			gained("j", 5, 4, "j", 4, "all", 1, 5000, "cash", 1, 5000)},
			"4 all 2/10000 1/5000 agree\n4 cash 2/10000 1/5000 agree\n5 all 0/0 1/5000 agree\n5 cash 0/0 1/5000 agree"},
		"counters fell":             {[]wire.Record{first, sale(2, &cash), gained("j", 3, 2, "j", 1, "all", 1, 5000, "cash", -1, -1)}, "3 all 1/5000 1/5000 agree\n3 cash 1/5000 ?/? unknown counter_unknown"},
		"vends known, sum not":      {[]wire.Record{first, sale(2, &cash), gained("j", 3, 2, "j", 1, "all", 1, -1)}, "3 all 1/5000 1/? unknown counter_unknown\n3 cash 1/5000 ?/? unknown kind_not_counted"},
		"vends alone differ":        {[]wire.Record{first, gained("j", 2, 1, "j", 1, "all", 1, -1)}, "2 all 0/0 1/? differ"},
		"counters began anew":       {[]wire.Record{first, sale(2, &cash), outcome(gained("j", 3, 2, "j", 1, "all", 0, 0), wire.AuditNewChain)}, "3 all 1/5000 0/0 unknown counters_restarted\n3 cash 1/5000 ?/? unknown counters_restarted"},
		"not proven whole":          {[]wire.Record{first, outcome(gained("j", 2, 1, "j", 1, "all", 9, 9), wire.AuditForViewing)}, "2 all 0/0 9/9 unknown report_unproven"},
		"not comparable":            {[]wire.Record{first, outcome(gained("j", 2, 1, "j", 1), wire.AuditNone)}, "2 all 0/0 ?/? unknown reports_unfit"},
		"a sale of unknown sum":     {[]wire.Record{first, sale(2, &unpriced), gained("j", 3, 2, "j", 1, "all", 1, 5000, "cashless1", 1, 5000)}, "3 all 1/? 1/5000 unknown amount_unknown\n3 cashless1 1/? 1/5000 unknown amount_unknown"},
		"a sale of unknown source":  {[]wire.Record{first, sale(2, &nowhere), gained("j", 3, 2, "j", 1, "all", 1, 5000, "cash", 1, 5000)}, "3 all 1/5000 1/5000 agree\n3 cash ?/? 1/5000 unknown source_unknown"},
		"mixed, divided as we do":   {[]wire.Record{first, sale(2, &mixed), gained("j", 3, 2, "j", 1, "all", 1, 5000, "cash", 1, 2000, "cashless1", 1, 3000)}, "3 all 1/5000 1/5000 agree\n3 cash 1/2000 1/2000 agree\n3 cashless1 1/3000 1/3000 agree"},
		"mixed, divided otherwise":  {[]wire.Record{first, sale(2, &mixed), gained("j", 3, 2, "j", 1, "all", 1, 5000, "cash", 0, 0, "cashless1", 1, 5000)}, "3 all 1/5000 1/5000 agree\n3 cash 1/2000 0/0 unknown mixed_payment\n3 cashless1 1/3000 1/5000 unknown mixed_payment"},
		"tokens are not heard":      {[]wire.Record{first, gained("j", 2, 1, "j", 1, "all", 1, 5000, "tokens", 1, 5000)}, "2 all 0/0 1/5000 unknown kind_not_heard\n2 tokens ?/? 1/5000 unknown kind_not_heard"},
		"a failure ends by reading": {[]wire.Record{first, failed, gained("j", 3, 2, "j", 1, "all", 0, 0)}, "3 all 0/0 0/0 agree"},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			for _, r := range c.records {
				sc.came(r)
			}
			if got := sc.reconciled(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if sc.incidents()["machine:m "+AuditFailed] != "" {
				t.Error("a good reading did not end the failure")
			}
		})
	}
}

// TestSaleProvenLate has a sale that happened before a reading stand behind it
// in the journal: the machine had counted it, and both periods agree.
func TestSaleProvenLate(t *testing.T) {
	sc := newScene(t)
	s := vend()
	sc.came(gained("j", 1, 0, "", 0))
	sc.advance(time.Hour)
	sc.came(gained("j", 2, 1, "j", 1, "all", 1, 5000))
	if sc.incidents()[mismatched] == "" {
		t.Error("the sale is not missed")
	}
	sc.take("a1", sc.arrival(record("j", 3, wire.KindSale, &s), time.Minute))
	if got := sc.incidents()[mismatched]; got != "" {
		t.Error(got)
	}
	sc.advance(time.Hour)
	sc.came(gained("j", 4, 3, "j", 2, "all", 0, 0))
	if got, want := sc.reconciled(), "2 all 0/0 1/5000 agree\n4 all 1/5000 0/0 agree"; !strings.Contains(got, "2 all 0/0 1/5000 agree") || !strings.Contains(got, "4 all 1/5000 0/0 agree") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAnyOrderGivesTheSameFigures sends a journal with audits, sales and
// reversals in every order and batching: once all is here, the rows are those
// of the order of seq.
func TestAnyOrderGivesTheSameFigures(t *testing.T) {
	s := vend()
	back := record("j", 9, wire.KindReversal, &s)
	back.Of = 3
	all := []wire.Record{gained("j", 1, 0, "", 0), record("j", 2, wire.KindSale, &s), record("j", 3, wire.KindSale, &s),
		gained("j", 4, 2, "j", 1, "all", 1, 5000, "cashless1", 1, 5000), record("j", 5, wire.KindSale, &s),
		gained("j", 6, 5, "j", 4, "all", 2, 10000, "cashless1", 2, 10000), record("j", 7, wire.KindSale, &s),
		record("j", 8, wire.KindSale, &s), back, gained("j", 10, 9, "j", 6, "all", 2, 10000, "cashless1", 2, 10000)}
	const want = "4 all 1/5000 1/5000 agree\n4 cashless1 1/5000 1/5000 agree\n" +
		"6 all 1/5000 2/10000 differ\n6 cashless1 1/5000 2/10000 differ\n" +
		"10 all 2/10000 2/10000 agree\n10 cashless1 2/10000 2/10000 agree"
	for n := range 40 {
		sc := newScene(t)
		rest := make([]Arrival, len(all))
		for i, r := range all {
			rest[i] = sc.arrival(r, time.Duration(len(all)-i)*time.Second)
		}
		if n > 0 {
			rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		}
		var order []int64
		for _, a := range rest {
			order = append(order, a.Seq)
		}
		for len(rest) > 0 {
			k := 1 + rand.IntN(len(rest))
			sc.take("a1", rest[:k]...)
			rest = rest[k:]
		}
		for more := true; more; {
			var err error
			if more, err = sc.Settle(t.Context(), func(Taken) {}); err != nil {
				t.Fatal(err)
			}
		}
		if got := sc.reconciled(); got != want {
			t.Fatalf("in order %v: got\n%s\nwant\n%s", order, got, want)
		}
		if got := sc.incidents()[mismatched]; got != "" {
			t.Fatalf("in order %v: the newest period agrees, and yet: %s", order, got)
		}
	}
}
