package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// ActKind names what is done about a sale after it.
type ActKind string

// Acts.
const (
	ActRefund   ActKind = "refund"   // a person gives the money of its receipt back
	ActRepair   ActKind = "repair"   // its goods had the wrong name: the plan is put right, then the receipt
	ActCorrect  ActKind = "correct"  // a person wants a correction of it while it has no receipt
	ActDrop     ActKind = "drop"     // a person decides that no document of it is made
	ActReversal ActKind = "reversal" // the machine itself takes it back (VEND FAILURE after VEND SUCCESS)
)

var actKinds = []struct {
	kind   ActKind
	weight int
}{{ActRefund, 6}, {ActRepair, 5}, {ActCorrect, 4}, {ActDrop, 2}, {ActReversal, 4}}

// Act is something done about a sale, until it is answered.
type Act struct {
	At     int64   `json:"at"`
	Kind   ActKind `json:"kind"`
	Of     int64   `json:"of"`              // when the sale's buyer comes
	Again  int64   `json:"again,omitempty"` // ms after the answer: the same once more
	Chance uint64  `json:"chance,omitempty"`
}

// drawActs adds acts to a plan. They have a stream of their own: seeds keep
// their buyers and faults.
func drawActs(p *Plan) {
	r := stream(p.Seed, "acts")
	if r.IntN(4) == 0 {
		p.CorrectAfter = 1
	}
	for range r.IntN(4) {
		p.Acts = append(p.Acts, drawAct(r, p))
	}
}

func drawAct(r *rand.Rand, p *Plan) Act {
	of := p.Sales[r.IntN(len(p.Sales))].At
	a := Act{At: of + 1500 + r.Int64N(30_000), Of: of, Chance: r.Uint64()}
	if at := p.nearFault(r); at > of && r.IntN(2) == 0 {
		a.At = at
	}
	if r.IntN(3) == 0 {
		a.Again = 200 + r.Int64N(20_000)
	}
	sum := 0
	for _, k := range actKinds {
		sum += k.weight
	}
	n := r.IntN(sum)
	for _, k := range actKinds {
		if n -= k.weight; n < 0 {
			a.Kind = k.kind
			break
		}
	}
	return a
}

// nearFault is a moment about a fault; 0 there is none.
func (p *Plan) nearFault(r *rand.Rand) int64 {
	if len(p.Faults) == 0 {
		return 0
	}
	return p.Faults[r.IntN(len(p.Faults))].At - 1000 + r.Int64N(4000)
}

// order is an act under way.
type order struct {
	Act
	tries  int
	unsure bool // it may have been stored: whoever asked got no answer
}

const (
	orderEvery = 3000 // ms between tries
	ordersMost = 60   // tries
)

// act lets the acts of the plan come.
func (w *world) act(a Act) {
	w.orders++
	w.carryOut(&order{Act: a})
}

// carryOut tries until it is answered.
func (w *world) carryOut(o *order) {
	v := w.vendOf(o.Of)
	answered := false
	if v != nil && !v.written && o.tries%8 == 7 { // its agent may have died before it told
		for _, s := range w.agents[v.machine].inJournal() {
			if s.record.Kind == wire.KindSale {
				w.written(w.agents[v.machine], s.record)
			}
		}
	}
	switch {
	case v == nil || !v.written: // the buyer has not come yet, or his goods stuck
	case o.Kind == ActReversal:
		answered = w.reverse(v)
	default:
		answered = w.ask(o, v)
	}
	o.tries++
	switch {
	case !answered && o.tries < ordersMost:
		w.after(orderEvery, func() { w.carryOut(o) })
	case answered && o.Again > 0:
		again := o.Again
		o.Again, o.tries, o.unsure = 0, 0, false
		w.after(again, func() { w.carryOut(o) })
	default:
		w.orders--
		if answered && o.Kind == ActDrop && v.dropped && o.Chance%2 == 0 { // he thinks better of it
			w.after(orderEvery, func() { w.act(Act{Kind: ActCorrect, Of: o.Of, Chance: o.Chance}) })
		}
	}
}

// vendOf is the sale of the buyer who came then.
func (w *world) vendOf(at int64) *vend {
	for _, m := range w.machines {
		for _, v := range m.sold {
			if v.of == at {
				return v
			}
		}
	}
	return nil
}

// written notes how an agent has journaled a sale.
func (w *world) written(a *agent, r wire.Record) {
	if v := w.vendAt(a, r.Sale.BusUS); v != nil {
		v.written, v.record = true, r
	}
}

// vendAt is the sale of a machine by the bus's time of it.
func (w *world) vendAt(a *agent, bus int64) *vend {
	const word = 500_000 // µs the recovery may take another word for the deciding one
	for _, v := range w.machines[a.n].sold {
		if d := v.bus - bus; -word < d && d < word {
			return v
		}
	}
	return nil
}

// reverse has the agent journal that the sale was taken back.
func (w *world) reverse(v *vend) bool {
	a := w.agents[v.machine]
	var err error
	now := a.Now()
	sale := *v.record.Sale
	sale.Evidence = "vend_failure"
	alive := a.act(func() {
		_, err = a.journal.Append([]journal.Entry{{OfBus: &sale.BusUS, Record: wire.Record{Kind: wire.KindReversal, Wall: now.Wall.Truncate(time.Millisecond),
			Synced: now.Synced, Boot: now.Boot, MonoMS: now.MonoMS, Sale: &sale}}}, nil)
		a.uplink.Nudge()
	})
	if !alive || err != nil {
		return false
	}
	w.tell("machine %d takes back its sale of %d kopecks", v.machine+1, v.price)
	w.acted[ActReversal]++
	a.wake(1)
	return true
}

// refused are the answers that end an order: nothing was or will be stored.
var refused = []error{store.ErrRefunded, store.ErrNothingWrong, store.ErrHasReceipt, store.ErrNoReceipt, store.ErrNoSale, store.ErrMoved, store.ErrMayExist}

var errNotYet = errors.New("what it is about has not come yet")

// ask orders an act at the hub on duty; false: it is to be tried again.
func (w *world) ask(o *order, v *vend) bool {
	h := w.onDuty()
	if h == nil {
		return false
	}
	err := errNotYet
	h.guard(func() { err = w.give(h, o, v) })
	if !h.up {
		o.unsure = o.unsure || !errors.Is(err, errNotYet)
		return false
	}
	if err == nil {
		w.tell("a person orders: %s of a sale of %d kopecks of machine %d", o.Kind, v.price, v.machine+1)
		w.acted[o.Kind]++
		v.did(o)
		return true
	}
	for _, no := range refused {
		if errors.Is(err, no) {
			w.tell("a person is refused: %s of a sale of %d kopecks of machine %d: %v", o.Kind, v.price, v.machine+1, no)
			if o.unsure {
				v.may(o)
			}
			return true
		}
	}
	if _, no := errors.AsType[store.CannotMakeError](err); no {
		w.violated("acts: %s of a sale of machine %d: %v", o.Kind, v.machine+1, err)
		return true
	}
	o.unsure = o.unsure || !errors.Is(err, errNotYet)
	return false
}

// did notes an act that was accepted, may one that may have been.
func (v *vend) did(o *order) {
	switch o.Kind {
	case ActRefund:
		v.refunded = true
	case ActRepair:
		v.repaired++
	case ActDrop:
		v.dropped = true
	}
}

func (v *vend) may(o *order) {
	switch o.Kind {
	case ActRefund:
		v.mayBeRefunded = true
	case ActRepair:
		v.mayBeRepaired++
	case ActDrop:
		v.dropped = true
	}
}

// give gives the order to a hub.
func (w *world) give(h *hub, o *order, v *vend) error {
	ctx := context.Background()
	by := store.Order{Operator: operator, Actor: who, Why: "as the buyer asked"}
	switch o.Kind {
	case ActRefund, ActRepair:
		if o.Kind == ActRepair {
			if err := w.rename(h, v); err != nil {
				return err
			}
		}
		made := h.list(`SELECT c.fn, c.fd FROM record r JOIN job j ON j.record_id=r.id JOIN receipt c ON c.job_id=j.id
			WHERE r.agent_id=? AND r.journal_id=? AND r.seq=? AND c.operation=1 ORDER BY c.made_at, c.fn, c.fd`, 2, w.agents[v.machine].id(), v.record.Journal, v.record.Seq)
		if len(made) == 0 {
			return errNotYet
		}
		one := made[o.Chance%uint64(len(made))]
		var fd uint32
		if _, err := fmt.Sscan(one[1], &fd); err != nil {
			return err
		}
		var err error
		if o.Kind == ActRefund {
			_, err = h.store.OrderRefund(ctx, one[0], fd, by)
		} else {
			_, err = h.store.OrderRepair(ctx, one[0], fd, by)
		}
		return err
	case ActCorrect:
		record := h.list(`SELECT id FROM record WHERE agent_id=? AND journal_id=? AND seq=?`, 1, w.agents[v.machine].id(), v.record.Journal, v.record.Seq)
		if len(record) == 0 {
			return errNotYet
		}
		var id int64
		if _, err := fmt.Sscan(record[0][0], &id); err != nil {
			return err
		}
		_, err := h.store.OrderCorrection(ctx, id, by)
		return err
	case ActDrop:
		jobs := h.list(`SELECT j.id FROM record r JOIN job j ON j.record_id=r.id WHERE r.agent_id=? AND r.journal_id=? AND r.seq=?
			AND j.origin_kind='record' AND j.purpose<>'refund' ORDER BY j.created_at DESC, j.id DESC`, 1, w.agents[v.machine].id(), v.record.Journal, v.record.Seq)
		if len(jobs) == 0 {
			return errNotYet
		}
		if len(h.list(`SELECT id FROM attempt WHERE job_id=? AND state<>'done' AND state<>'not_printed'`, 1, jobs[0][0])) > 0 {
			return store.ErrMayExist // of an ФН that has left he could drop it, and would answer for it: he asks the OFD first
		}
		return h.till.Drop(ctx, jobs[0][0], who, "nothing was sold")
	}
	panic("simulate: nobody knows how to " + string(o.Kind))
}

// renamed is what a column's goods should have been called.
func renamed(col int) string { return names[col-1] + " большой" }

// rename puts the plan right as of before all sales.
func (w *world) rename(h *hub, v *vend) error {
	m := w.machines[v.machine]
	m.renamed[v.column-1] = true
	var plan []contract.Column
	for i, price := range prices {
		c := contract.Column{Column: i + 1, Name: names[i], Price: price, Subject: 1}
		if m.renamed[i] {
			c.Name = renamed(i + 1)
		}
		plan = append(plan, c)
	}
	return h.store.SetColumns(context.Background(), operator, fmt.Sprintf("m%d", v.machine+1),
		contract.ColumnsChange{ValidFrom: start.Add(-time.Hour), Columns: plan})
}
