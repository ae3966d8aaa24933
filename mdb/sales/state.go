package sales

import (
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/checkpoint"
)

// Version of the checkpoint's form. Restore refuses another one: the owner then
// starts anew as after Lost.
const checkpointVersion = 2

// ErrVersion is what Restore gives for a checkpoint of another version.
var ErrVersion = errors.New("checkpoint of another version")

// Checkpoint gives everything that a restart needs to go on at the next word:
// pending vends, ledger, held sales, set-ups, half-heard blocks. It does not
// hold the configuration.
func (r *Recovery) Checkpoint() []byte {
	w := checkpoint.Writer([]byte{checkpointVersion})
	r.walk(w)
	return w.Bytes()
}

// Restore takes the state of a checkpoint. On an error r is as it was.
func (r *Recovery) Restore(b []byte) error {
	if len(b) == 0 || b[0] != checkpointVersion {
		return fmt.Errorf("restore sales recovery: %w", ErrVersion)
	}
	n := New(r.cfg)
	w := checkpoint.Reader(b[1:])
	n.walk(w)
	if err := w.Done(); err != nil {
		return fmt.Errorf("restore sales recovery: %w", err)
	}
	*r = *n
	r.deadline = r.next()
	return nil
}

func (r *Recovery) walk(w *checkpoint.Walk) {
	r.fr.Walk(w)
	w.Bool(&r.fresh)
	checkpoint.Int(w, &r.lastWord)
	checkpoint.Int(w, &r.now)
	for _, p := range []*uint64{&r.stats.UnknownAddresses, &r.stats.Unreadable, &r.stats.Sales, &r.stats.Incidents} {
		checkpoint.Int(w, p)
	}
	r.pend.walk(w)
	for i := range r.unheard {
		r.unheard[i].walk(w)
		r.applied[i].walk(w)
	}
	for i := range r.readers {
		r.readers[i].walk(w)
	}
	r.cash.walk(w)
	r.gate.walk(w)
	n := w.Len(len(r.held), maxHeld)
	if w.Reading() {
		r.held = make([]heldSale, n)
	}
	for i := range r.held {
		h := &r.held[i]
		walkEvent(w, &h.ev)
		checkpoint.Int(w, &h.until)
		w.Bool(&h.ledger, &h.cash)
		if w.Reading() && len(h.ev.Parts) == 0 {
			h.ev.Parts = []Part{{}}
		}
	}
	checkpoint.Int(w, &r.recentN)
	if w.Reading() && (r.recentN < 0 || r.recentN >= len(r.recent)) {
		r.recentN = 0
	}
	for i := range r.recent {
		a := &r.recent[i]
		w.Bool(&a.known, &a.spent)
		checkpoint.Int(w, &a.t)
		checkpoint.Int(w, &a.item)
		walkAmount(w, &a.amount)
		checkpoint.String(w, &a.source)
	}
}

func (p *waiting) walk(w *checkpoint.Walk) {
	n := w.Len(int(p.n), mdb.MaxBlock)
	p.n = uint8(n)
	if n == 0 {
		return
	}
	checkpoint.Int(w, &p.to)
	checkpoint.Int(w, &p.sub)
	checkpoint.Int(w, &p.t)
	w.Raw(p.data[:n])
}

func (d *reader) walk(w *checkpoint.Walk) {
	d.money.walk(w)
	w.Bool(&d.fresh, &d.session, &d.negative, &d.token, &d.reset, &d.revaluing, &d.refunding, &d.faulty)
	w.Bool(&d.sold, &d.soldOnce, &d.sale.valid, &d.sale.acked)
	for _, p := range []*uint8{&d.level, &d.vmcLevel, &d.options, &d.response, &d.screen, &d.fault, (*uint8)(&d.ec), (*uint8)(&d.enabled), (*uint8)(&d.state), (*uint8)(&d.doubts)} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*uint16{&d.item, &d.soldItem, &d.saleItem} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*uint32{&d.price, &d.amount, &d.revalue} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*int64{&d.until, &d.soldAt, &d.saleT, &d.sale.t} {
		checkpoint.Int(w, p)
	}
	walkAmount(w, &d.saleOf)
	n := w.Len(int(d.sale.n), len(d.sale.data))
	d.sale.n = uint8(n)
	w.Raw(d.sale.data[:n])
	w.Slice(&d.trail)
}

func (l *ledger) walk(w *checkpoint.Walk) {
	l.coin.walk(w)
	l.bill.walk(w)
	l.hoppers[0].walk(w)
	l.hoppers[1].walk(w)
	w.Bool(&l.present[0], &l.present[1], &l.vended, &l.announces, &l.blind, &l.service, &l.known, &l.lost)
	w.Bool(&l.escrowed, &l.returning)
	checkpoint.Int(w, &l.phase)
	if w.Reading() {
		l.phase &= 3
	}
	for _, p := range []*int64{&l.in, &l.out, &l.explained, &l.waitSince, &l.quiet, &l.stale, &l.touched, &l.escrowTo, &l.lever} {
		checkpoint.Int(w, p)
	}
	for i := range l.pay {
		p := &l.pay[i]
		checkpoint.Int(w, &p.kind)
		if p.kind == payNone {
			continue
		}
		w.Bool(&p.acked, &p.polled)
		checkpoint.Int(w, &p.typ)
		if w.Reading() {
			p.typ &= 15
		}
		checkpoint.Int(w, &p.number)
		for _, v := range []*int64{&p.want, &p.paid, &p.until} {
			checkpoint.Int(w, v)
		}
	}
}

func (c *cashDevice) walk(w *checkpoint.Walk) {
	c.money.walk(w)
	w.Raw(c.credits[:])
	w.Raw(c.given[:])
	checkpoint.Int(w, &c.on)
	for i := range c.tubes {
		checkpoint.Int(w, &c.tubes[i])
	}
}

func (g *gateway) walk(w *checkpoint.Walk) {
	g.money.walk(w)
	w.Bool(&g.reported, &g.acked)
	checkpoint.Int(w, &g.at)
	n := w.Len(int(g.n), len(g.last))
	g.n = uint8(n)
	w.Raw(g.last[:n])
}

func walkAmount(w *checkpoint.Walk, a *Amount) {
	w.Bool(&a.Known)
	checkpoint.Int(w, &a.Raw)
	checkpoint.Int(w, &a.Scale)
	checkpoint.Int(w, &a.Decimals)
	checkpoint.String(w, &a.Currency)
	if w.Reading() && a.Decimals > 9 {
		*a = Amount{Raw: a.Raw}
	}
}

func walkEvent(w *checkpoint.Walk, e *Event) {
	checkpoint.String(w, &e.Kind)
	checkpoint.Int(w, &e.T)
	checkpoint.String(w, &e.Class)
	checkpoint.String(w, &e.Source)
	checkpoint.Int(w, &e.Reader)
	checkpoint.Int(w, &e.Item)
	w.Bool(&e.ItemKnown)
	walkAmount(w, &e.Amount)
	walkAmount(w, &e.Requested)
	walkAmount(w, &e.Tendered)
	walkAmount(w, &e.Change)
	n := w.Len(len(e.Parts), 8)
	if w.Reading() {
		e.Parts = make([]Part, n)
	}
	for i := range e.Parts {
		checkpoint.String(w, &e.Parts[i].Source)
		checkpoint.String(w, &e.Parts[i].Kind)
		walkAmount(w, &e.Parts[i].Amount)
	}
	checkpoint.String(w, &e.Code)
	checkpoint.String(w, &e.Detail)
	checkpoint.Int(w, &e.Of)
	w.Slice(&e.Blocks)
}
