package vends

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
)

// Evidence is the Source of a sale event of this bus.
const evidence = "exe_vend"

// Codes of incidents. Those without an amount are notices beside a sale that
// was already told of; they cannot be promoted to one.
const (
	CodeUnknown      = "vend_outcome_unknown" // nobody heard whether the VEND was delivered (exe 8.3)
	CodeMissed       = "vend_maybe_missed"    // a damaged byte may have been a VEND (exe 8.11)
	CodeNoPrice      = "line_without_price"   // a line that is not in the table was sold (exe 8.4)
	CodeInferred     = "price_inferred"       // what such a sale seems to have cost; no receipt of it
	CodeBusPrice     = "bus_price_differs"    // the block before VEND fits no table price (exe 8.5)
	CodePayment      = "payment_contradicts"  // the credit shown contradicts the payment setting (exe 8.2)
	CodeOddReply     = "odd_vend_reply"       // the first odd answer to VEND: a choice is due (exe 8.8)
	CodeMode         = "mode_implausible"     // the blocks fit the other mode than the one set (exe 2)
	CodeCrossed      = "exe_lines_crossed"    // nothing can be recovered: the lines are the wrong way round
	CodeLateEvidence = "vend_evidence_late"   // what became of an unknown outcome, after it was told
)

// Recovery turns words into the events agent and bench know. It is used by one
// goroutine; a slice of events is valid until the next call.
type Recovery struct {
	cfg Config
	l   *Listener
	out []sales.Event

	held    bool // an outcome waits for what later blocks say
	outcome Outcome
	until   int64
	late    bool // the outcome was told; what comes now is late
	oddTold bool

	sales, incidents uint64
}

// New makes a recovery that knows nothing of the bus yet.
func New(cfg Config) *Recovery {
	cfg = cfg.Defaults()
	return &Recovery{cfg: cfg, l: NewListener(cfg), until: never}
}

// SetPrices replaces the table line → kopecks and the map line → column, as the
// hub's catalogue says.
func (r *Recovery) SetPrices(prices map[uint8]int64, columns map[uint8]uint16) {
	r.cfg.Prices, r.cfg.Columns = prices, columns
	r.l.cfg.Prices = prices
	r.l.SetPrices(prices)
}

// Resume sets what was saved before a restart, see Listener.Resume; an open VEND
// is one whose answer nobody heard.
func (r *Recovery) Resume(s State, line uint8, credit int64) {
	r.l.Resume(s, line, credit)
	if r.l.State() == Busy {
		r.take(r.l.Lost())
	}
}

// Stats gives the counts so far.
func (r *Recovery) Stats() Stats {
	s := r.l.Stats()
	s.Sales, s.Incidents = r.sales, r.incidents
	return s
}

// State of the dialogue.
func (r *Recovery) State() State { return r.l.State() }

// Word takes the next word in the order heard.
func (r *Recovery) Word(w mdb.Word) []sales.Event {
	r.out = r.out[:0]
	if w.T > r.until {
		r.settleAt(r.until)
	}
	if notes := r.l.Word(w); len(notes) > 0 {
		r.take(notes)
	}
	if r.held && r.until == never && !r.l.fresh {
		r.until = w.T + r.cfg.Wait.Microseconds()
	}
	return r.out
}

// Advance says that nothing else was heard up to t, µs on the source's clock.
func (r *Recovery) Advance(t int64) []sales.Event {
	r.out = r.out[:0]
	if t > r.until {
		r.settleAt(r.until)
	}
	r.take(r.l.Advance(t))
	if t > r.until { // an outcome of this very silence
		r.settleAt(r.until)
	}
	return r.out
}

// Lost says that words were lost before the next one: an open VEND cannot be
// decided any more.
func (r *Recovery) Lost(string) []sales.Event {
	r.out = r.out[:0]
	r.settle()
	r.take(r.l.Lost())
	if r.held {
		r.until = never // of a clock that may not come back; set at the next word
	}
	return r.out
}

// Undecided tells what is still open when a source ends for good.
func (r *Recovery) Undecided() []sales.Event {
	r.out = r.out[:0]
	lost := r.l.stats.Lost
	r.take(r.l.Lost())
	r.l.stats.Lost = lost // the end of a source loses nothing
	r.settle()
	return r.out
}

// settleAt tells the held outcome when its time is over; what the listener
// finds up to then comes first.
func (r *Recovery) settleAt(t int64) {
	r.take(r.l.Advance(t))
	if r.held && r.until <= t {
		r.settle()
	}
}

func (r *Recovery) settle() {
	if r.held {
		r.held, r.until, r.late = false, never, true
		r.say(&r.outcome)
	}
}

func (r *Recovery) take(notes []Note) {
	for i := range notes {
		n := &notes[i]
		switch n.Kind {
		case Vending:
			r.activity(n, sales.ActivityVendStarted)
		case Decided:
			r.decided(n)
		case Amended:
			r.amended(n)
		case Closed:
			r.settle()
			r.late = false
		case Missed:
			r.missed(n)
		case Crossed:
			r.notice(n.T, CodeCrossed, "the payment device's polls are heard on the machine's line")
		case Shown, Anomaly, Selected:
		}
	}
}

func (r *Recovery) decided(n *Note) {
	r.settle()
	o := &n.Outcome
	r.outcome = *o
	if o.Kind == Unknown || r.cfg.AllowInferred && r.l.watch == forPrice {
		r.held, r.late, r.until = true, false, o.T+r.cfg.Wait.Microseconds()
	} else {
		r.late = r.l.watch == forPrice
		r.say(o)
	}
	r.activity(n, sales.ActivityVendEnded)
}

// amended takes evidence or an inferred price.
func (r *Recovery) amended(n *Note) {
	if r.held {
		r.outcome = n.Outcome
		r.settle()
		r.late = false
		return
	}
	if !r.late {
		return
	}
	r.late = false
	o := &n.Outcome
	if o.Kind == Unknown {
		r.notice(n.T, CodeLateEvidence, fmt.Sprintf("%s, of the vend of %d µs whose outcome is unknown", o.Evidence, o.T))
		return
	}
	r.notice(n.T, CodeInferred, fmt.Sprintf("line %d sold at %d µs seems to have cost %s", o.Line, o.T, kopecks(o.Price)))
}

func (r *Recovery) missed(n *Note) {
	e := sales.Event{Kind: sales.KindIncident, T: n.T, Class: sales.ClassD, Code: CodeMissed,
		Detail: fmt.Sprintf("line %d: a damaged byte may have been its VEND", n.Line)}
	e.Item, e.ItemKnown = r.column(n.Line, true)
	e.Amount = r.kopecks(n.Value)
	r.emit(e)
}

func (r *Recovery) activity(n *Note, code string) {
	e := sales.Event{Kind: sales.KindActivity, T: n.T, Code: code}
	line, known := n.Line, n.LineKnown
	if n.Kind == Decided {
		line, known = n.Outcome.Line, n.Outcome.LineKnown
	}
	e.Item, e.ItemKnown = r.column(line, known)
	r.emit(e)
}

func (r *Recovery) notice(t int64, code, detail string) {
	r.emit(sales.Event{Kind: sales.KindIncident, T: t, Class: sales.ClassD, Code: code, Detail: detail})
}

func (r *Recovery) emit(e sales.Event) {
	switch e.Kind {
	case sales.KindSale:
		r.sales++
	case sales.KindIncident:
		r.incidents++
	}
	r.out = append(r.out, e)
}
