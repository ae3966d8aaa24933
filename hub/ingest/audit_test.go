package ingest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/agent/wire"
)

func TestWhatIsBelievedOfAnAudit(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	for name, c := range map[string]struct {
		change func(*wire.Audit)
		ok     bool
	}{
		"as agents send it":         {func(*wire.Audit) {}, true},
		"a first one":               {func(a *wire.Audit) { a.Since = nil }, true},
		"unknown counters":          {func(a *wire.Audit) { a.Totals[0].Vends = nil }, true},
		"no protocol":               {func(a *wire.Audit) { a.Protocol = "" }, false},
		"head below zero":           {func(a *wire.Audit) { a.Head = -1 }, false},
		"a counter below zero":      {func(a *wire.Audit) { a.Totals[0].Vends = n(-1) }, false},
		"a counter beyond JSON":     {func(a *wire.Audit) { a.Since.Totals[0].Minor = n(1 << 60) }, false},
		"a kind twice":              {func(a *wire.Audit) { a.Totals = append(a.Totals, a.Totals[0]) }, false},
		"a kind of any text":        {func(a *wire.Audit) { a.Totals[0].Kind = "<b>" }, false},
		"since nothing":             {func(a *wire.Audit) { a.Since.Seq = 0 }, false},
		"an outcome nobody knows":   {func(a *wire.Audit) { a.Since.Outcome = "sure" }, false},
		"a report that is too long": {func(a *wire.Audit) { a.Report = strings.Repeat("x", wire.MaxAuditPlain+1) }, false},
		"a name without end":        {func(a *wire.Audit) { a.Machine.Serial = strings.Repeat("x", 300) }, false},
		"flags without end":         {func(a *wire.Audit) { a.Flags = make([]string, 100) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &wire.Audit{Protocol: "dex", Head: 4, Seal: "ok", Totals: []wire.AuditTotal{{Kind: "cash", Vends: n(1), Minor: n(100)}},
				Since: &wire.AuditChange{Journal: "j", Seq: 1, Outcome: wire.AuditCounted, Totals: []wire.AuditTotal{{Kind: "cash", Vends: n(1), Minor: n(100)}}}}
			c.change(a)
			body, err := json.Marshal(wire.Record{V: 1, Journal: "j", Seq: 5, Kind: wire.KindAudit, Audit: a})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(wire.RecordMessage{V: 1, Record: body})
			if err != nil {
				t.Fatal(err)
			}
			got := Parse(raw, 1, Limits{Amount: 1})
			if (got.Code == "") != c.ok || !c.ok && got.Code != wire.RefusedFormat {
				t.Errorf("%s %s", got.Code, got.Detail)
			}
		})
	}
	raw := `{"v":1,"record":{"v":1,"journal":"j","seq":5,"kind":"audit"}}`
	if got := Parse([]byte(raw), 1, Limits{Amount: 1}); got.Code != wire.RefusedFormat {
		t.Errorf("an audit without counters: %q", got.Code)
	}
}
