package ledger

import (
	"cmp"
	"slices"
)

// Party that fiscalizes a share of a sale.
type Party string

// Parties.
const (
	Us         Party = "us"
	Terminal   Party = "terminal"    // the payment terminal's own service
	NotSubject Party = "not_subject" // nothing is due by law
	Nobody     Party = "nobody_said" // nobody has decided on the source
)

var parties = []Party{Us, Terminal, NotSubject, Nobody}

// Stage of what is to be made for a sale.
type Stage uint8

// Stages.
const (
	Done  Stage = iota // its receipt exists
	Way                // queued, sent, or being found out
	Held               // a person must decide
	Void               // nothing is to be made
	Other              // left to the party: nothing of it is seen here
)

// Made is a receipt or correction of a sale, made or to be made.
type Made struct {
	Stage  Stage
	Reason string // of Held and Void
	Amount int64  // kopecks
}

// Part of a sale.
type Part struct {
	Party Party
	Minor int64
}

// Sale is one sale of a machine.
type Sale struct {
	At       int64 // ms
	Amount   int64 // kopecks; 0 with Unpriced
	Unpriced bool  // the amount is not known in kopecks
	Parts    []Part
	Made     []Made // jobs of its receipt and its correction; none without a job
	Stage    Stage  // without a job: Held, Void or Other
	Reason   string // of it
	Refunds  []Made // jobs that take it back
}

// Figure counts sales and their kopecks.
type Figure struct {
	Count int64 `json:"count"`
	Sum   int64 `json:"sum"`
}

func (f *Figure) add(sum int64) { f.Count++; f.Sum += sum }

// Reasoned is a figure with its reason.
type Reasoned struct {
	Reason string `json:"reason"`
	Figure
}

// Day is what became of the sales of one party: sales are receipts, those on
// their way, held and void ones; Difference is what is left over.
type Day struct {
	Party      Party
	Sales      Figure
	Unpriced   int64 // sales whose amount is not known: sums are too low by theirs
	Receipts   Figure
	Way        Figure
	Oldest     int64 // ms; of what is on its way, 0 none
	Held, Void []Reasoned
	Refunds    Figure  // made
	Refunding  Figure  // on their way or held
	Difference *Figure // nil: unknown, the party's receipts are not seen here
	Outcome    Outcome
}

type bucket struct {
	Day
	held, void map[string]*Figure
}

// Days divides the sales of one machine and day among the parties. A sale paid
// from two sources of two parties counts once with each, with its share.
func Days(sales []Sale) []Day {
	all := map[Party]*bucket{}
	of := func(p Party) *bucket {
		b := all[p]
		if b == nil {
			b = &bucket{Day: Day{Party: p}, held: map[string]*Figure{}, void: map[string]*Figure{}}
			all[p] = b
		}
		return b
	}
	for _, s := range sales {
		s.count(of)
	}
	var days []Day
	for _, p := range parties {
		if b := all[p]; b != nil {
			days = append(days, b.close())
		}
	}
	return days
}

func (s *Sale) count(of func(Party) *bucket) {
	shares := map[Party]int64{}
	for _, p := range s.Parts {
		shares[p.Party] += p.Minor
	}
	if len(s.Parts) == 0 {
		shares[Nobody] = s.Amount
	}
	for _, p := range parties {
		share, ok := shares[p]
		if !ok {
			continue
		}
		b := of(p)
		b.Sales.add(share)
		if s.Unpriced {
			b.Unpriced++
		}
		if len(s.Made) > 0 {
			continue
		}
		switch {
		case s.Stage == Held:
			b.put(b.held, s.Reason, share)
		case s.Stage == Void:
			b.put(b.void, s.Reason, share)
		}
	}
	if len(s.Made) > 0 {
		s.made(of(Us), shares)
	}
	for _, r := range s.Refunds {
		switch b := of(Us); r.Stage {
		case Done:
			b.Refunds.add(r.Amount)
		case Way, Held:
			b.Refunding.add(r.Amount)
		}
	}
}

// made counts what is made for a sale: of voided tries the last, and only when
// nothing took their place.
func (s *Sale) made(b *bucket, shares map[Party]int64) {
	var void *Made
	live := false
	for i := range s.Made {
		m := &s.Made[i]
		switch m.Stage {
		case Done:
			b.Receipts.add(m.Amount)
		case Way:
			b.Way.add(m.Amount)
			if b.Oldest == 0 || s.At < b.Oldest {
				b.Oldest = s.At
			}
		case Held:
			b.put(b.held, m.Reason, m.Amount)
		default:
			void = m
			continue
		}
		live = true
	}
	if !live && void != nil {
		b.put(b.void, void.Reason, shares[Us])
	}
}

func (b *bucket) put(to map[string]*Figure, reason string, sum int64) {
	f := to[reason]
	if f == nil {
		f = &Figure{}
		to[reason] = f
	}
	f.add(sum)
}

func (b *bucket) close() Day {
	rest := b.Sales
	take := func(f Figure) { rest.Count -= f.Count; rest.Sum -= f.Sum }
	list := func(m map[string]*Figure) (all []Reasoned) {
		for reason, f := range m {
			all = append(all, Reasoned{reason, *f})
			take(*f)
		}
		slices.SortFunc(all, func(a, b Reasoned) int { return cmp.Compare(a.Reason, b.Reason) })
		return all
	}
	b.Held, b.Void = list(b.held), list(b.void)
	take(b.Receipts)
	take(b.Way)
	switch {
	case b.Party == Terminal || b.Party == NotSubject:
		b.Outcome = Unknown
		if b.Receipts == (Figure{}) && b.Way == (Figure{}) {
			return b.Day
		}
		fallthrough
	default:
		b.Difference, b.Outcome = &rest, Agree
		if rest != (Figure{}) {
			b.Outcome = Differ
		}
	}
	return b.Day
}
