package vends

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
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
	r.take(r.l.Lost())
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

// say tells of an outcome.
func (r *Recovery) say(o *Outcome) {
	e := sales.Event{T: o.T, Source: evidence, Blocks: o.bytes(), Detail: o.text()}
	e.Item, e.ItemKnown = r.column(o.Line, o.LineKnown)
	e.Amount = r.amount(o)
	switch o.Kind {
	case Fail:
		return
	case Unknown:
		e.Kind, e.Class, e.Code = sales.KindIncident, sales.ClassD, CodeUnknown
		e.Parts = r.parts(o, e.Amount)
		r.emit(e)
		return
	case Sale, Free:
		if o.Kind == Free && o.Doubts&(LineDoubt|StateDoubt) != 0 {
			// It may have been a paid vend of another line, or the machine may vend
			// free no longer: what costs nothing would be forgotten silently.
			e.Kind, e.Class, e.Code, e.Amount = sales.KindIncident, sales.ClassD, CodeUnknown, r.kopecks(o.Listed)
			r.emit(e)
			return
		}
		e.Kind, e.Class = sales.KindSale, r.class(o)
		if o.Kind == Sale {
			e.Parts = r.parts(o, e.Amount)
		}
		r.emit(e)
	}
	r.alarms(o)
}

// alarms are what a person should know of a sale.
func (r *Recovery) alarms(o *Outcome) {
	if o.Flags&LineNotInTable != 0 {
		r.notice(o.T, CodeNoPrice, fmt.Sprintf("no price for line %d", o.Line))
	}
	if o.Flags&PriceMismatch != 0 {
		r.notice(o.T, CodeBusPrice, fmt.Sprintf("line %d costs %s by the table; shown before it %s, after the selection %s",
			o.Line, kopecks(o.Price), kopecks(o.Before), kopecks(o.Mid)))
	}
	if o.Flags&OddVendReply != 0 && !r.cfg.AnyVendReplyOK && r.cfg.Odd == OddAsked && !r.oddTold {
		r.oddTold = true
		r.notice(o.T, CodeOddReply, fmt.Sprintf("the machine answered VEND with %02X; choose what that means", o.Answer))
	}
	if o.Kind == Sale && (r.cfg.Payment == PaymentCash && o.Hint == HintCashless || r.cfg.Payment == PaymentCashless && o.Hint == HintCash) {
		r.notice(o.T, CodePayment, fmt.Sprintf("set to %s, the credit shown suggests %s", r.cfg.Payment, o.Hint))
	}
}

// class of a sale. A needs a fresh selection, a whole answer and nothing that
// may have been missed; C is what somebody should look at first.
func (r *Recovery) class(o *Outcome) sales.Class {
	c := r.cfg.Cap
	standard := r.cfg.Mode == Standard
	if o.Flags&(StaleSelection|PriceMismatch|OddVendReply) != 0 || o.Doubts&(StateUnheard|ParityUnheard) != 0 ||
		standard && o.Doubts&ScaleAssumed != 0 || r.cfg.AnyVendReplyOK {
		c = max(c, sales.ClassB)
	}
	if o.Flags&(NoSelection|LineNotInTable|Parity) != 0 || o.Doubts&(LineDoubt|StateDoubt) != 0 ||
		standard && o.Doubts&BlockDoubt != 0 || o.Price == None ||
		o.Flags&OddVendReply != 0 && !r.cfg.AnyVendReplyOK && r.cfg.Odd == OddAsked {
		c = max(c, sales.ClassC)
	}
	return c
}

// parts name the payment source by the setting; nothing is guessed.
func (r *Recovery) parts(o *Outcome, a sales.Amount) []sales.Part {
	kind := r.cfg.Payment
	if kind == PaymentByHint {
		kind = PaymentUnset
		if o.Doubts&BlockDoubt == 0 {
			switch hint(o.Before, o.Price) {
			case HintCash:
				kind = PaymentCash
			case HintCashless:
				kind = PaymentCashless
			case HintUnknown:
			}
		}
	}
	switch kind {
	case PaymentCash:
		return []sales.Part{{Source: "cash", Kind: "cash", Amount: a}}
	case PaymentCashless:
		return []sales.Part{{Source: r.cfg.CashlessSource, Kind: "cashless", Amount: a}}
	case PaymentUnset, PaymentByHint:
	}
	return nil
}

// column of a line. Prices are no columns unless the operator says so.
func (r *Recovery) column(line uint8, known bool) (uint16, bool) {
	if !known || r.cfg.Mode == Standard && !r.cfg.PriceAsColumn {
		return 0, false
	}
	if c, ok := r.cfg.Columns[line]; ok {
		return c, true
	}
	return uint16(line), true
}

func (r *Recovery) amount(o *Outcome) sales.Amount {
	if o.Source == FromBus && o.Price > 0 {
		return sales.Amount{Raw: int64(o.Units), Scale: uint32(o.Scale), Decimals: o.Decimals, Currency: r.cfg.Currency, Known: true}
	}
	return r.kopecks(o.Price)
}

func (r *Recovery) kopecks(v int64) sales.Amount {
	if v == None {
		return sales.Amount{Currency: r.cfg.Currency}
	}
	return sales.Amount{Raw: v, Scale: 1, Decimals: 2, Currency: r.cfg.Currency, Known: true}
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

// bytes of the deciding pairs, for audit: CREDIT and its answer, VEND and its answer.
func (o *Outcome) bytes() []byte {
	b := make([]byte, 0, 4)
	if o.LineKnown {
		b = append(b, exe.Credit.Byte(), o.Line)
	}
	b = append(b, exe.Vend.Byte())
	if o.Answered {
		b = append(b, o.Answer)
	}
	return b
}

// text names flags, evidence and price source, for people.
func (o *Outcome) text() string {
	s := o.Flags.Names()
	if o.Evidence != "" {
		s = append(s, "evidence "+string(o.Evidence))
	}
	if o.Source == Inferred {
		s = append(s, "price inferred")
	}
	return strings.Join(s, ", ")
}

func kopecks(v int64) string {
	if v == None {
		return "unknown"
	}
	return sales.Amount{Raw: v, Scale: 1, Decimals: 2, Known: true}.Decimal()
}
