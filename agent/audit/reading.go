package audit

import (
	"fmt"
	"slices"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/evadts"
)

// kinds of payment by the letters of their segment.
var kinds = []struct {
	device, name string
	of           func(*evadts.Totals) evadts.Total
}{
	{"CA", wire.AuditCash, func(t *evadts.Totals) evadts.Total { return t.Cash }},
	{"DA", wire.AuditCashless1, func(t *evadts.Totals) evadts.Total { return t.Cashless1 }},
	{"DB", wire.AuditCashless2, func(t *evadts.Totals) evadts.Total { return t.Cashless2 }},
	{"TA", wire.AuditTokens, func(t *evadts.Totals) evadts.Total { return t.Tokens }},
}

// parse reads the first report of what came over the port.
func parse(raw []byte) (evadts.Audit, error) {
	reports, err := evadts.Parse(raw)
	if err != nil {
		return evadts.Audit{}, fmt.Errorf("read the audit report: %w", err)
	}
	return evadts.Read(reports[0]), nil
}

// describe makes the record of a report. earlier is the report before it, nil
// when there is none; both came whole over the same port, whose protocol has a
// checksum of its own.
func describe(report, earlier *evadts.Audit) wire.Audit {
	a := wire.Audit{
		Machine: wire.AuditMachine{Serial: report.Machine.Serial, Model: report.Machine.Model, Asset: report.Machine.Asset,
			Controller: report.Machine.Controller.Serial},
		Seal: string(report.Seal.Status), Totals: []wire.AuditTotal{},
	}
	if iso := report.Money.ISO(); iso != 0 {
		a.Currency = fmt.Sprintf("%03d", iso)
	}
	for _, n := range report.Notes {
		if !slices.Contains(a.Flags, string(n.Code)) {
			a.Flags = append(a.Flags, string(n.Code))
		}
	}
	if t := report.Totals.Paid; t.Present {
		a.Totals = append(a.Totals, cumulative(wire.AuditAll, t, report.Money))
	}
	for _, k := range kinds {
		if t := k.of(&report.Totals); t.Present {
			a.Totals = append(a.Totals, cumulative(k.name, t, report.Money))
		}
	}
	if earlier != nil {
		a.Since = change(earlier, report)
	}
	return a
}

func cumulative(kind string, t evadts.Total, m evadts.Money) wire.AuditTotal {
	return total(kind, m, known(t.Cumulative.Count), known(t.Cumulative.Value))
}

func known(c evadts.Counter) evadts.Change { return evadts.Change{N: c.N, Known: c.Known()} }

func total(kind string, m evadts.Money, vends, value evadts.Change) wire.AuditTotal {
	t := wire.AuditTotal{Kind: kind}
	if vends.Known {
		t.Vends = &vends.N
	}
	if value.Known {
		if minor, ok := m.Minor(value.N); ok {
			t.Minor = &minor
		}
	}
	return t
}

func change(earlier, report *evadts.Audit) *wire.AuditChange {
	d := evadts.Diff(*earlier, *report, evadts.Conditions{TransportProved: true, PortIsIdentity: true})
	c := &wire.AuditChange{Outcome: string(d.Outcome)}
	for _, f := range d.Flags {
		c.Flags = append(c.Flags, string(f))
	}
	if d.Outcome == evadts.NoResult {
		return c
	}
	c.Totals = append(c.Totals, total(wire.AuditAll, report.Money, d.Total.Count, d.Total.Value))
	for _, k := range kinds {
		if v, ok := d.ByDevice[k.device]; ok {
			c.Totals = append(c.Totals, total(k.name, report.Money, v.Count, v.Value))
		}
	}
	return c
}
