// Package ledger holds what the hub knows against what others counted: a shift's
// receipts and foreign documents against the register's own counters, a day's
// sales of a machine against what became of them, for each fiscalizing party.
// It is pure. Every difference is a line with what and how much; what is not
// known stays unknown.
package ledger

import (
	"slices"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Outcome of a comparison.
type Outcome string

// Outcomes.
const (
	Agree   Outcome = "agree"
	Differ  Outcome = "differ"
	Unknown Outcome = "unknown"
)

// Why a line is unknown.
const (
	NotRead          = "counters_not_read"    // the register's counters were not read
	DocumentsMissing = "documents_missing"    // documents of the shift are not here
	DocumentsUnread  = "documents_unread"     // a document of the shift could not be read
	BeginningUnknown = "shift_begun_unseen"   // the shift was opened before the hub looked at this ФН
	FormsUnknown     = "payment_form_unknown" // of a foreign document the forms of payment are not known
	OtherShift       = "counters_of_another"  // the counters read are of another shift or ФН
)

// What a line is about.
const (
	Documents   = "documents"   // all documents of the shift, reports included
	Receipts    = "receipts"    // receipts
	Corrections = "corrections" // corrections
	Both        = "both"        // receipts and corrections, which the register counts together
)

// Figures of a line, beside the five forms of payment by their names.
const (
	Count = "count"
	Sum   = "sum"
)

// Entry is one document of a shift as the hub knows it.
type Entry struct {
	FD        uint32
	Ours      bool
	Kind      fiscal.DocumentKind // "" another document, or not known
	Operation fiscal.Operation
	Sum       fiscal.Kopecks
	Payments  []fiscal.Payment // nil: not known
	Unread    bool             // the register did not give it: only its number is known
}

// Books are what the hub knows of a shift.
type Books struct {
	FN      string
	Shift   uint32
	Entries []Entry // up to the last document counted, in any order
}

// Line is one figure. Told minus what the hub has is the difference.
type Line struct {
	What       string           `json:"what"`
	Operation  fiscal.Operation `json:"operation,omitempty"` // 1054; 0 of documents
	Figure     string           `json:"figure"`              // count, sum in kopecks, or a form of payment in kopecks
	Ours       int64            `json:"ours"`
	Foreign    int64            `json:"foreign"`
	Told       *int64           `json:"told"`       // nil: unknown
	Difference *int64           `json:"difference"` // nil: unknown
	Outcome    Outcome          `json:"outcome"`
	Reason     string           `json:"reason,omitempty"` // of Unknown
}

// Result of one shift.
type Result struct {
	Outcome Outcome
	Lines   []Line
}

// Difference counts the lines that differ.
func (r Result) Difference() (n int) {
	for _, l := range r.Lines {
		if l.Outcome == Differ {
			n++
		}
	}
	return n
}

var forms = []fiscal.PaymentKind{fiscal.Cash, fiscal.Ecash, fiscal.Prepaid, fiscal.Credit, fiscal.Provision}

// Shift compares a shift's books with what the register counted; nil: nothing
// was read. The whole agrees when counts and sums do; a form of payment that is
// not known takes nothing from that.
func Shift(b Books, told *kkt.Counters) Result {
	s := shift{books: b, told: told}
	switch {
	case told == nil:
		s.doubt = NotRead
	case told.FN != b.FN || told.Shift != b.Shift:
		s.told, s.doubt = nil, OtherShift
	}
	s.documents()
	if s.doubt == "" && slices.ContainsFunc(b.Entries, func(e Entry) bool { return e.Unread }) {
		s.doubt = DocumentsUnread
	}
	if told != nil && told.Together {
		s.kind(Both, told.Receipts, fiscal.KindReceipt, fiscal.KindCorrection)
	} else {
		var receipts, corrections []kkt.Counter
		if s.told != nil {
			receipts, corrections = s.told.Receipts, s.told.Corrections
		}
		s.kind(Receipts, receipts, fiscal.KindReceipt)
		s.kind(Corrections, corrections, fiscal.KindCorrection)
	}
	return s.result()
}

type shift struct {
	books Books
	told  *kkt.Counters
	doubt string // why counts and sums can't be compared
	lines []Line
}

// documents counts the numbers of the ФН from the shift's opening to the last
// document counted: they have no holes.
func (s *shift) documents() {
	l := Line{What: Documents, Figure: Count, Outcome: Unknown}
	var opened uint32
	seen := map[uint32]bool{}
	for _, e := range s.books.Entries {
		if seen[e.FD] {
			continue
		}
		seen[e.FD] = true
		if e.Ours {
			l.Ours++
		} else {
			l.Foreign++
		}
		if e.Kind == fiscal.KindShiftOpen {
			opened = e.FD
		}
	}
	switch {
	case s.doubt != "":
		l.Reason = s.doubt
	case opened == 0:
		l.Reason = BeginningUnknown
	default:
		l.tell(int64(s.told.LastFD) - int64(opened) + 1)
	}
	if s.doubt == "" && (l.Outcome == Differ || opened == 0) {
		// What the missing ones hold is not known: their sums are no proof of a fault.
		s.doubt = l.Reason
		if l.Outcome == Differ {
			s.doubt = DocumentsMissing
		}
	}
	s.lines = append(s.lines, l)
}

func (l *Line) tell(told int64) {
	d := told - l.Ours - l.Foreign
	l.Told, l.Difference, l.Outcome = &told, &d, Agree
	if d != 0 {
		l.Outcome = Differ
	}
}

func (s *shift) kind(what string, counters []kkt.Counter, kinds ...fiscal.DocumentKind) {
	for op := fiscal.Sell; op <= fiscal.BuyReturn; op++ {
		var entries []Entry
		for _, e := range s.books.Entries {
			if e.Operation == op && slices.Contains(kinds, e.Kind) {
				entries = append(entries, e)
			}
		}
		c := kkt.CounterOf(counters, op)
		if len(entries) == 0 && c.Count == 0 && c.Sum == 0 {
			continue
		}
		s.figure(what, op, Count, int64(c.Count), entries, func(Entry) (int64, bool) { return 1, true })
		s.figure(what, op, Sum, c.Sum, entries, func(e Entry) (int64, bool) { return e.Sum, true })
		if c.Payments == nil {
			continue
		}
		for _, form := range forms {
			s.figure(what, op, string(form), paid(c.Payments, form), entries, func(e Entry) (int64, bool) {
				return paid(e.Payments, form), e.Payments != nil
			})
		}
	}
}

func paid(all []fiscal.Payment, form fiscal.PaymentKind) (sum int64) {
	for _, p := range all {
		if p.Kind == form {
			sum += p.Amount
		}
	}
	return sum
}

func (s *shift) figure(what string, op fiscal.Operation, figure string, told int64, entries []Entry, of func(Entry) (int64, bool)) {
	l := Line{What: what, Operation: op, Figure: figure, Outcome: Unknown, Reason: s.doubt}
	known := true
	for _, e := range entries {
		v, ok := of(e)
		known = known && ok
		if e.Ours {
			l.Ours += v
		} else {
			l.Foreign += v
		}
	}
	switch {
	case s.told == nil:
	case l.Reason != "":
		l.Told = &told
	case !known:
		l.Told, l.Reason = &told, FormsUnknown
	default:
		l.tell(told)
	}
	if told == 0 && l.Ours == 0 && l.Foreign == 0 && figure != Count && figure != Sum {
		return // a form of payment nobody used
	}
	s.lines = append(s.lines, l)
}

func (s *shift) result() Result {
	r := Result{Outcome: Agree, Lines: s.lines}
	for _, l := range s.lines {
		switch {
		case l.Outcome == Differ:
			r.Outcome = Differ
			return r
		case l.Outcome == Unknown && l.Reason != FormsUnknown:
			r.Outcome = Unknown
		}
	}
	return r
}
