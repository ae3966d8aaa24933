package sales

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
)

// A sale is held while another announcement of the same product may follow:
// the cash part of a mixed payment, the ledger's decision, the gateway's REPORT.
type heldSale struct {
	ev     Event
	until  int64
	ledger bool // decided with the ledger at the latest
	cash   bool // a CASH SALE while a vend of the same item is in progress
}

// announced is a sale that was emitted lately, for two sources telling of one.
type announced struct {
	t      int64
	item   uint16
	known  bool
	amount Amount
	source string
	spent  bool
}

// vended takes a sale by VEND SUCCESS or an inferred one.
func (r *Recovery) vended(d *reader, e Event) {
	for i := range r.held {
		h := &r.held[i]
		if h.cash && h.ev.Item == e.Item && h.ev.ItemKnown && e.ItemKnown {
			if m, ok := merge(e, h.ev.Parts[0], h.ev); ok {
				r.drop(i)
				r.cash.vended = true
				r.settleSale(m)
				return
			}
		}
	}
	switch {
	case r.gate.reported && r.alreadyReported(e):
	case r.gate.reported:
		r.hold(heldSale{ev: e, until: e.T + r.cfg.ReportWindow.Microseconds()})
	case !r.cfg.Deaf && (r.cash.credit() > 0 || r.cash.escrowed):
		r.hold(heldSale{ev: e, until: e.T + r.cfg.LedgerWait.Microseconds(), ledger: true})
	case r.wantsCash() && !r.cfg.Deaf && r.cash.unheardOf(e.T):
		// A reader asked for CASH SALE and nobody knows whether there is cash.
		r.hold(heldSale{ev: e, until: e.T + r.cfg.MixedWindow.Microseconds()})
	default:
		r.settleSale(e)
	}
}

// wantsCash reports whether a reader declared that it wants CASH SALE.
func (r *Recovery) wantsCash() bool {
	return (r.readers[0].options|r.readers[1].options)&mdb.ReaderCashSale != 0
}

// cashAnnounced takes a sale by CASH SALE.
func (r *Recovery) cashAnnounced(e Event) {
	r.cash.announces = true
	if r.gate.reported && r.alreadyReported(e) {
		return // its REPORT has explained the money
	}
	// Last: closing the ledger releases vends that wait for a cash part.
	defer r.explain(e.Amount, true)
	if r.lateTwin(e) {
		return
	}
	for i := range r.held {
		h := &r.held[i]
		if !h.cash && h.ev.Source != "report" && h.ev.ItemKnown && e.ItemKnown && h.ev.Item == e.Item &&
			e.T-h.ev.T <= r.cfg.MixedWindow.Microseconds() {
			v := h.ev
			if m, ok := merge(v, e.Parts[0], e); ok {
				m.T = e.T
				r.drop(i)
				r.settleSale(m)
				return
			}
		}
	}
	if r.gate.reported {
		r.hold(heldSale{ev: e, until: e.T + r.cfg.ReportWindow.Microseconds()})
		return
	}
	for i := range r.readers {
		d := &r.readers[i]
		if d.state != vendIdle && e.ItemKnown && d.item == e.Item {
			r.hold(heldSale{ev: e, until: e.T + r.cfg.MixedWindow.Microseconds(), cash: true})
			return
		}
	}
	r.settleSale(e)
}

// alreadyReported reports whether a REPORT just before told of the same sale.
func (r *Recovery) alreadyReported(e Event) bool {
	for i := range r.recent {
		a := &r.recent[i]
		if a.source == "report" && !a.spent && e.T-a.t < r.cfg.ReportWindow.Microseconds() &&
			(a.known && e.ItemKnown && a.item == e.Item || equal(a.amount, e.Amount)) {
			a.spent = true
			return true
		}
	}
	return false
}

// lateTwin reports whether e announces what the ledger already sold.
func (r *Recovery) lateTwin(e Event) bool {
	for i := range r.recent {
		a := &r.recent[i]
		if a.source == "ledger" && !a.spent && a.t != 0 && e.T-a.t < r.cfg.PairWindow.Microseconds() && equal(a.amount, e.Amount) {
			a.spent = true
			r.incident(e.T, "late_cash_sale", "CASH SALE for what the cash ledger already reported as sold", r.reader(mdb.Device(e.Reader)), e.Amount)
			return true
		}
	}
	return false
}

// merge makes one mixed sale of a vend and a cash part.
func merge(v Event, cash Part, by Event) (Event, bool) {
	total, ok := sum(v.Amount, cash.Amount)
	if !ok {
		return Event{}, false
	}
	parts := []Part{cash}
	for _, p := range v.Parts {
		if p.Kind != "cash" {
			parts = append(parts, p)
		}
	}
	v.Parts, v.Amount = parts, total
	v.Class = weaker(v.Class, by.Class)
	v.Blocks = append(clone(v.Blocks), by.Blocks...)
	v.Requested = Amount{}
	v.Detail = "paid in part with cash"
	return v, true
}

func equal(a, b Amount) bool {
	if !a.Known || !b.Known {
		return a.Known == b.Known && a.Raw == b.Raw
	}
	x, ok1 := a.Minor()
	y, ok2 := b.Minor()
	return ok1 && ok2 && x == y
}

// maxHeld bounds what can wait at once; a real bus has one or two.
const maxHeld = 8

func (r *Recovery) hold(h heldSale) {
	if len(r.held) >= maxHeld {
		e := r.held[0].ev
		r.drop(0)
		r.settleSale(e)
	}
	r.held = append(r.held, h)
}

func (r *Recovery) drop(i int) { r.held = append(r.held[:i], r.held[i+1:]...) }

// settleSale emits a sale and remembers it.
func (r *Recovery) settleSale(e Event) {
	r.recent[r.recentN%len(r.recent)] = announced{t: e.T, item: e.Item, known: e.ItemKnown, amount: e.Amount, source: e.Source}
	r.recentN = (r.recentN + 1) % len(r.recent)
	r.emit(e)
}

// releaseCash emits CASH SALEs that waited for a vend which is over.
func (r *Recovery) releaseCash(t int64) {
	for i := 0; i < len(r.held); {
		h := r.held[i]
		busy := false
		for j := range r.readers {
			busy = busy || r.readers[j].state != vendIdle && r.readers[j].item == h.ev.Item
		}
		if !h.cash || busy {
			i++
			continue
		}
		r.drop(i)
		r.settleSale(h.ev)
	}
}

// releaseReader emits what is held of one reader.
func (r *Recovery) releaseReader(d *reader) {
	for i := 0; i < len(r.held); {
		h := r.held[i]
		if h.cash || h.ev.Reader != uint8(d.dev) || h.ev.Source == "cash_sale" {
			i++
			continue
		}
		r.drop(i)
		r.settleSale(h.ev)
	}
}

// ledgerDecided settles the vends that waited for the ledger. rest is the cash
// that stayed with the machine; it reports whether the rest became a part.
func (r *Recovery) ledgerDecided(t, rest int64, currency string) bool {
	first, n := -1, 0
	for i := range r.held {
		if r.held[i].ledger {
			if first < 0 {
				first = i
			}
			n++
		}
	}
	used := false
	if n == 1 && rest > 0 {
		v := r.held[first].ev
		part := Part{Source: "cash", Kind: "cash", Amount: hundredths(rest, currency)}
		if m, ok := merge(v, part, Event{Class: ClassB}); ok {
			m.T, m.Detail = t, "paid in part with cash; the cash part is what the ledger kept"
			r.drop(first)
			r.settleSale(m)
			used = true
		}
	}
	for i := 0; i < len(r.held); {
		if !r.held[i].ledger {
			i++
			continue
		}
		e := r.held[i].ev
		r.drop(i)
		r.settleSale(e)
	}
	return used
}

func (r *Recovery) expireHeld(t int64) {
	for i := 0; i < len(r.held); {
		if r.held[i].until > t {
			i++
			continue
		}
		e := r.held[i].ev
		r.drop(i)
		r.settleSale(e)
	}
}

// settle emits everything held: the source's clock is about to change.
func (r *Recovery) settle() {
	for len(r.held) > 0 {
		e := r.held[0].ev
		r.drop(0)
		r.settleSale(e)
	}
	r.recent, r.recentN = [len(r.recent)]announced{}, 0
}

// Undecided tells what is still open when a source ends for good: vends without
// an outcome, held sales, cash in the ledger. It emits held sales.
func (r *Recovery) Undecided() []Event {
	r.out = r.out[:0]
	for i := range r.readers {
		d := &r.readers[i]
		if d.state == vendApproved {
			r.incident(r.now, "undecided_at_end", "the source ended between VEND APPROVED and its outcome", d, d.money.amount(int64(d.amount)))
		}
	}
	r.settle()
	if c := r.cash.credit(); c != 0 {
		r.incident(r.now, "undecided_at_end", fmt.Sprintf("the source ended with cash in the ledger (%s)", r.cash.phase), nil, hundredths(c, r.cash.code()))
	}
	return r.out
}
