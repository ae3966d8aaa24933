// Package reconcile compares what was heard of a machine's bus with what the
// machine itself counted between two audits, kind of payment by kind. It is
// pure. What is not known stays unknown: a difference is only said where both
// figures are proven.
package reconcile

import (
	"slices"

	"github.com/chekomat/chekomat/agent/wire"
)

// Outcome of one kind of payment.
type Outcome string

// Outcomes.
const (
	Agree   Outcome = "agree"
	Differ  Outcome = "differ"
	Unknown Outcome = "unknown"
)

// Why an outcome is unknown.
const (
	JournalRestarted = "journal_restarted"   // the two audits stand in different journals, so what was sold between them is not countable
	EarlierMissing   = "earlier_missing"     // the earlier audit's record is not here
	RecordsMissing   = "records_missing"     // records between the audits are missing, or in quarantine
	NotComparable    = "reports_unfit"       // the two reports cannot be compared
	CountersAnew     = "counters_restarted"  // the machine's counters began anew
	NotWhole         = "report_unproven"     // a report is not proven whole
	CounterUnknown   = "counter_unknown"     // the machine did not give the figure, or it fell
	NotCounted       = "kind_not_counted"    // the machine does not count this kind
	NotHeard         = "kind_not_heard"      // the bus does not tell of this kind: tokens
	AmountUnknown    = "amount_unknown"      // a sale's sum was not understood
	SourceUnknown    = "source_unknown"      // how a sale was paid was not understood
	OtherCurrency    = "currency_differs"    // a sale in another currency than the counters
	Mixed            = "mixed_payment"       // sales paid in two ways, which machines count in their own ways
	DuringReading    = "sold_during_reading" // so much was sold during a reading that its side is not known
)

// Figure is vends and their kopecks; nil is unknown.
type Figure struct{ Vends, Minor *int64 }

// Row is one kind of payment of a period.
type Row struct {
	Kind         string // wire.AuditAll…
	Bus, Counted Figure
	Outcome      Outcome
	Reason       string // of Unknown
}

// Mark is where an audit stands in its journal, and when it was made, ms.
type Mark struct{ Seq, Head, At int64 }

// Sale is a sale of the journal that was not taken back.
type Sale struct {
	Seq  int64
	At   int64 // when it happened, ms
	Sale wire.Sale
}

// Period is what lies between two audits.
type Period struct {
	From, To Mark
	Hidden   string // why the sales can't be counted, a reason; "" they can
	Currency string // of the counters; "" not named
	Change   wire.AuditChange
	Sales    []Sale // From.Head < seq < To.Seq + Lag, by seq, without those taken back
}

// Lag is how many records behind an audit a sale that happened before it may
// stand: words the module had kept, or cash whose sale was proven late.
const Lag = 64

// most sales during one reading are tried on both sides of it.
const most = 32

var order = []string{wire.AuditAll, wire.AuditCash, wire.AuditCashless1, wire.AuditCashless2, wire.AuditTokens}

var kindOf = map[string]string{
	wire.SourceCash: wire.AuditCash, wire.SourceReader1: wire.AuditCashless1, wire.SourceReader2: wire.AuditCashless2,
}

// Compare gives a row for each kind that the machine counts or the bus told of.
func Compare(p Period) []Row {
	p.From.Head, p.To.Head = p.From.head(), p.To.head()
	h := p.heard()
	counted := map[string]wire.AuditTotal{}
	for _, t := range p.Change.Totals {
		counted[t.Kind] = t
	}
	var rows []Row
	for _, kind := range order {
		c, counts := counted[kind]
		sold := h.bySeq[kind].vends > 0
		if !counts && !sold && kind != wire.AuditAll || kind == wire.AuditTokens && zero(c) {
			continue
		}
		r := Row{Kind: kind, Counted: Figure{c.Vends, c.Minor}}
		if p.Hidden == "" && kind != wire.AuditTokens {
			r.Bus = h.figure(kind)
		}
		r.Reason = p.doubt(kind, counts, counted, h)
		r.Outcome = Unknown
		if r.Reason == "" {
			r.judge(h, kind)
		}
		rows = append(rows, r)
	}
	excuseMixed(rows, h.mixed)
	return rows
}

func (m Mark) head() int64 {
	if m.Head < 0 || m.Head >= m.Seq {
		return 0 // told by another journal: any record before may have come during the reading
	}
	return m.Head
}

func zero(t wire.AuditTotal) bool {
	return (t.Vends == nil || *t.Vends == 0) && (t.Minor == nil || *t.Minor == 0)
}

// doubt is what forbids to compare a kind; "" nothing.
func (p Period) doubt(kind string, counts bool, counted map[string]wire.AuditTotal, h heard) string {
	switch p.Change.Outcome {
	case wire.AuditCounted:
	case wire.AuditNewChain:
		return CountersAnew
	case wire.AuditForViewing:
		return NotWhole
	default:
		return NotComparable
	}
	switch {
	case p.Hidden != "":
		return p.Hidden
	case !counts:
		return NotCounted
	case kind == wire.AuditTokens, kind == wire.AuditAll && !zero(counted[wire.AuditTokens]):
		return NotHeard
	case h.currency:
		return OtherCurrency
	case h.nowhere && kind != wire.AuditAll:
		return SourceUnknown
	case len(h.before) > most || len(h.after) > most:
		return DuringReading
	}
	return ""
}

// judge compares figures that may be compared. Sales during a reading count on
// whichever side of it makes the figures agree: in order, so that a sale is on
// the later side only with those after it.
func (r *Row) judge(h heard, kind string) {
	c := r.Counted
	unpriced := h.bySeq[kind].unpriced || h.sure[kind].unpriced
	for _, s := range append(slices.Clone(h.before), h.after...) {
		unpriced = unpriced || s[kind].unpriced
	}
	money := c.Minor != nil && !unpriced
	missing := CounterUnknown
	if c.Minor != nil {
		missing = AmountUnknown
	}
	if !money && c.Vends == nil {
		r.Reason = missing
		return
	}
	r.Outcome = Differ
	for i := 0; i <= len(h.before); i++ {
		from := h.sure[kind]
		for _, s := range h.before[i:] {
			from = from.plus(s[kind])
		}
		for j := 0; j <= len(h.after); j++ {
			if (c.Vends == nil || from.vends == *c.Vends) && (!money || from.minor == *c.Minor) {
				r.Outcome = Agree
			}
			if j < len(h.after) {
				from = from.plus(h.after[j][kind])
			}
		}
	}
	if r.Outcome == Agree && !money {
		r.Outcome, r.Reason = Unknown, missing
	}
}

// excuseMixed takes differences back where all sales together agree and some
// were paid in two ways: only the machine's own way of counting them differs.
func excuseMixed(rows []Row, mixed bool) {
	if !mixed || len(rows) == 0 || rows[0].Kind != wire.AuditAll || rows[0].Outcome != Agree {
		return
	}
	for i := range rows {
		if rows[i].Outcome == Differ {
			rows[i].Outcome, rows[i].Reason = Unknown, Mixed
		}
	}
}

// sum of sales of one kind.
type sum struct {
	vends, minor int64
	unpriced     bool // one of them has no known amount
}

func (s sum) plus(o sum) sum {
	return sum{vends: s.vends + o.vends, minor: s.minor + o.minor, unpriced: s.unpriced || o.unpriced}
}

// byKind are sums by kind of payment.
type byKind map[string]sum

func (b byKind) add(o byKind) {
	for k, s := range o {
		b[k] = b[k].plus(s)
	}
}

// heard is what the bus told of the period.
type heard struct {
	bySeq, sure   byKind   // between the audits' records; of it what came during neither reading
	before, after []byKind // sale by sale, what the earlier reading and the later may each have counted or not
	nowhere       bool     // a sale whose source is not known
	mixed         bool     // a sale paid in two ways
	currency      bool     // a sale in another currency
}

func (p Period) heard() heard {
	h := heard{bySeq: byKind{}, sure: byKind{}}
	for _, s := range p.Sales {
		if s.Seq <= p.From.Head || s.Seq >= p.To.Seq && s.At >= p.To.At {
			continue
		}
		k := h.kinds(s.Sale, p.Currency)
		switch {
		case s.Seq > p.To.Seq:
			h.after = append(h.after, k)
			continue
		case s.Seq < p.From.Seq:
			h.before = append(h.before, k)
			continue
		case s.At < p.From.At:
			h.before = append(h.before, k)
		case s.Seq > p.To.Head:
			h.after = append(h.after, k)
		default:
			h.sure.add(k)
		}
		h.bySeq.add(k)
	}
	return h
}

// kinds of one sale: each part under its own kind. EVA-DTS counts a vend paid
// in two ways under both (evadts 6.2).
func (h *heard) kinds(s wire.Sale, currency string) byKind {
	whole := sum{vends: 1, minor: s.Amount.Minor, unpriced: !s.Amount.Known}
	if !s.Amount.Known {
		whole.minor = 0
	}
	if currency != "" && s.Amount.Currency != "" && s.Amount.Currency != currency {
		h.currency = true
	}
	k := byKind{wire.AuditAll: whole}
	for _, part := range s.Parts {
		name, ok := kindOf[part.Source]
		if !ok {
			h.nowhere = true
			continue
		}
		one := k[name]
		one.vends = 1
		one.unpriced = whole.unpriced
		if s.Amount.Known {
			one.minor += part.Minor
		}
		k[name] = one
	}
	h.nowhere = h.nowhere || len(s.Parts) == 0
	h.mixed = h.mixed || len(k) > 2
	return k
}

// figure of the bus by the audits' places in the journal.
func (h heard) figure(kind string) Figure {
	if h.nowhere && kind != wire.AuditAll {
		return Figure{}
	}
	s := h.bySeq[kind]
	f := Figure{Vends: &s.vends}
	if !s.unpriced {
		f.Minor = &s.minor
	}
	return f
}
