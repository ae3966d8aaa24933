package ingest

import (
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// Bounds of what is believed of an audit.
const (
	maxTotals  = 16
	maxFlags   = 64
	maxName    = 256
	maxCounter = 1 << 53 // beyond it JSON numbers are not exact
)

// auditFault tells what is wrong with an audit; "" nothing.
func auditFault(a *wire.Audit) string {
	for _, s := range []string{a.Machine.Serial, a.Machine.Model, a.Machine.Asset, a.Machine.Controller, a.Protocol, a.Seal, a.Currency} {
		if len(s) > maxName {
			return fmt.Sprintf("a name of %d bytes", len(s))
		}
	}
	switch {
	case !validCode(a.Protocol):
		return fmt.Sprintf("protocol %.80q", a.Protocol)
	case a.Head < 0 || a.Head > maxSeq || a.TookMS < 0:
		return fmt.Sprintf("head %d, %d ms", a.Head, a.TookMS)
	case len(a.Report) > wire.MaxAuditPlain || len(a.Packed) > wire.MaxAuditPacked || a.Bytes < 0 || a.Bytes > wire.MaxAuditReport:
		return fmt.Sprintf("a report of %d bytes", a.Bytes)
	}
	if why := countersFault(a.Totals, a.Flags); why != "" || a.Since == nil {
		return why
	}
	if !validJournal(a.Since.Journal) || a.Since.Seq <= 0 || a.Since.Seq > maxSeq {
		return fmt.Sprintf("since record %d of journal %.80q", a.Since.Seq, a.Since.Journal)
	}
	switch a.Since.Outcome {
	case wire.AuditCounted, wire.AuditNewChain, wire.AuditForViewing, wire.AuditNone:
		return countersFault(a.Since.Totals, a.Since.Flags)
	}
	return fmt.Sprintf("outcome %.80q", a.Since.Outcome)
}

func countersFault(totals []wire.AuditTotal, flags []string) string {
	if len(totals) > maxTotals || len(flags) > maxFlags {
		return fmt.Sprintf("%d totals, %d flags", len(totals), len(flags))
	}
	for _, f := range flags {
		if f == "" || len(f) > maxName {
			return fmt.Sprintf("flag %.80q", f)
		}
	}
	seen := map[string]bool{}
	for _, t := range totals {
		if !validCode(t.Kind) || seen[t.Kind] {
			return fmt.Sprintf("kind of payment %.80q", t.Kind)
		}
		seen[t.Kind] = true
		for _, n := range []*int64{t.Vends, t.Minor} {
			if n != nil && (*n < 0 || *n > maxCounter) {
				return fmt.Sprintf("a counter of %d", *n)
			}
		}
	}
	return ""
}
