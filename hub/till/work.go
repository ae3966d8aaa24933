package till

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// poll looks at the registers and stores what they say.
func (w *worker) poll(ctx, device context.Context) event {
	units, err := w.driver.Units(device)
	if err != nil {
		return polled{Err: err}
	}
	var known uint32
	for _, u := range units {
		if known, err = w.store.SaveUnit(ctx, w.hold, u); err != nil {
			return w.failed(err)
		}
	}
	w.kept = w.set.Now()
	w.alarms.watched = w.alarms.watched[:0]
	for _, u := range units {
		readings, err := w.store.Readings(ctx, u.FN.Serial)
		if err != nil {
			return w.failed(err)
		}
		w.alarms.watched = append(w.alarms.watched, watch(w.core.rules.Zone, w.set.Now(), u, readings)...)
	}
	if ev := w.mendFailing(ctx); ev != nil {
		return ev
	}
	if ev := w.show(ctx); ev != nil {
		return ev
	}
	if len(units) != 1 {
		return polled{}
	}
	w.unit = units[0]
	w.pool.avoids(w.seat, avoided(w.core.rules.Zone, w.set.Now(), w.unit))
	w.count(ctx, device)
	return polled{Unit: &w.unit, Known: known, Stop: check(w.row, w.unit)}
}

// prepare claims the next job and makes its intent. A job that can't be
// encoded is held when strict, and left where it is otherwise.
func (w *worker) prepare(ctx context.Context, base kkt.Baseline, a ask) (in *store.Intent, nextAt time.Time, err error) {
	a.claim = true
	for {
		c, ok, at, err := w.pool.pick(ctx, w.seat, w.set.Now(), a)
		if err != nil || !ok {
			return nil, at, err
		}
		j, err := w.store.Job(ctx, c.ID)
		if err != nil {
			w.pool.drop(c.ID, true)
			return nil, at, err
		}
		if j.State != store.JobQueued {
			w.pool.drop(c.ID, false)
			continue
		}
		in := &store.Intent{Job: j, Number: j.Attempts + 1, Baseline: base}
		if j.Again == w.row.ID {
			in.Number = j.Attempts
		}
		in.Key = j.Key.Attempt(in.Number)
		doc := j.Document
		doc.Test = w.row.Test
		in.Wire, err = w.driver.Encode(doc, in.Key, w.unit.Registration)
		if err == nil {
			return in, at, nil
		}
		f := faultOf(kkt.Classify(err))
		if ofRegister(f.Code) && w.pool.refuse(w.seat, c, f.Code) {
			continue // another lane may be able to
		}
		err = w.store.HoldJob(ctx, w.hold, j, string(f.Code), f.Error())
		w.pool.drop(j.ID, err != nil)
		if err != nil && !errors.Is(err, store.ErrMoved) {
			return nil, at, err
		}
		w.till.tell(j.ID)
	}
}

// ofRegister says that a document can't be made on this register, and may be
// on another.
func ofRegister(code fault.Code) bool {
	switch code {
	case fault.TaxSystemNotRegistered, fault.MarkingUnsupported, fault.CorrectionUnsupported, fault.VATNotMapped,
		fault.SellerMismatch, fault.TestMismatch:
		return true
	}
	return false
}

func (w *worker) pick(ctx context.Context, a pick) event {
	if ev := w.show(ctx); ev != nil {
		return ev
	}
	if a.Peek {
		_, ok, nextAt, err := w.pool.pick(ctx, w.seat, w.set.Now(), ask{rest: true, probe: a.Probe})
		switch {
		case err != nil:
			return w.failed(err)
		case !ok:
			return none{NextAt: nextAt}
		}
		return work{}
	}
	for {
		in, nextAt, err := w.prepare(ctx, a.Base, ask{rest: true, probe: a.Probe})
		if err != nil {
			return w.failed(err)
		}
		if in == nil {
			return none{NextAt: nextAt}
		}
		w.set.Point("till.beforeIntent")
		at, err := w.store.Begin(ctx, w.hold, *in)
		bound, isBound := errors.AsType[*store.BoundError](err)
		w.pool.drop(in.Job.ID, err != nil && !isBound)
		switch {
		case isBound:
			w.till.tell(append(bound.Released, bound.Job)...)
		case errors.Is(err, store.ErrMoved):
		case err != nil:
			return w.failed(err)
		default:
			return w.intended(at)
		}
	}
}

// intended says that an intent is durable: from here on the document may exist.
func (w *worker) intended(a store.Attempt) event {
	w.set.Point("till.afterIntent")
	w.open, w.kept = a, w.set.Now()
	return began{Open: toOpen(a)}
}

// beginShift stores the intent of a shift report: a job of the lane itself,
// unique by ФН and shift number.
func (w *worker) beginShift(ctx context.Context, a shift) event {
	if ev := w.show(ctx); ev != nil {
		return ev
	}
	if a.Idle && !w.pool.mayClose(w.seat) {
		return notNow{}
	}
	number, purpose := a.Base.Shift, store.PurposeShiftClose
	if a.Kind == fiscal.KindShiftOpen {
		number, purpose = number+1, store.PurposeShiftOpen
	}
	origin := store.ShiftOrigin(w.row.ID, a.Base.FN, number)
	j, err := w.store.JobOf(ctx, "lane", origin, purpose)
	in := store.Intent{Baseline: a.Base}
	switch {
	case errors.Is(err, store.ErrNotFound):
		now := w.set.Now().UnixMilli()
		key := kkt.NewKey("lane", origin, purpose, "0")
		j = store.Job{ID: fmt.Sprintf("%011x", now) + string(key[:16]), Operator: w.row.Operator, Seller: w.row.Seller, OriginKind: "lane",
			OriginID: origin, Purpose: purpose, State: store.JobQueued, SoldAt: now, Key: key, Document: fiscal.Document{Kind: a.Kind, Test: w.row.Test}}
		in.New = true
	case err != nil:
		return w.failed(err)
	case j.State == store.JobDone:
		return stopped{Fault: fault.New(FaultShiftLost, fmt.Sprintf("%s of shift %d of ФН %s is done already", purpose, number, a.Base.FN))}
	}
	in.Job, in.Number = j, j.Attempts+1
	if j.Again == w.row.ID {
		in.Number = j.Attempts
	}
	in.Key = j.Key.Attempt(in.Number)
	if in.Wire, err = w.driver.Encode(j.Document, in.Key, w.unit.Registration); err != nil {
		return stopped{Fault: faultOf(kkt.Classify(err))}
	}
	w.set.Point("till.beforeIntent")
	at, err := w.store.Begin(ctx, w.hold, in)
	if err != nil {
		return w.failed(err)
	}
	return w.intended(at)
}

func (w *worker) finish(ctx context.Context, a finish) event {
	var next *store.Intent
	if a.Next != nil {
		var err error
		if next, _, err = w.prepare(ctx, *a.Next, ask{}); err != nil {
			w.note(err) // the receipt in hand is stored all the same
			next = nil
		}
	}
	w.set.Point("till.beforeDone")
	f, err := w.store.Finish(ctx, w.hold, w.open, a.Outcome, next)
	w.set.Point("till.afterDone")
	if next != nil {
		w.pool.drop(next.Job.ID, f.Next == nil)
	}
	if err != nil {
		return w.failed(err)
	}
	done := w.open.Job
	w.settled()
	w.kept = w.set.Now()
	if w.set.Observer != nil {
		w.set.Observer.Done(w.row.ID, time.Duration(w.kept.UnixMilli()-done.CreatedAt)*time.Millisecond)
	}
	ev := finished{}
	if f.Next != nil {
		o := toOpen(*f.Next)
		ev.Next = &o
		w.open = *f.Next
	}
	w.till.tell(append(f.Released, done.ID)...)
	if f.Bound != nil {
		w.till.tell(append(f.Bound.Released, f.Bound.Job)...)
	}
	return ev
}

func (w *worker) resolving(ctx context.Context, a resolving) event {
	f := faultOf(a.Outcome)
	if err := w.store.Resolving(ctx, w.hold, w.open, a.Outcome, string(f.Code), a.Aside); err != nil {
		return w.failed(err)
	}
	if a.Outcome.Ref != "" {
		w.open.Ref = a.Outcome.Ref
	}
	if a.Aside {
		w.aside[w.open.ID] = w.open
		w.pool.setAside(w.seat, w.open.Job.Machine, w.open.Started)
	}
	w.set.Point("till.afterResolving")
	w.till.tell(w.open.Job.ID)
	return marked{}
}

// settled ends the waiting for the outcome of a cloud's attempt.
func (w *worker) settled() {
	if _, waited := w.aside[w.open.ID]; waited {
		delete(w.aside, w.open.ID)
		w.pool.setAside(w.seat, w.open.Job.Machine, 0)
	}
}

// failingAfter is after how many failures in a row a job makes way for others.
const failingAfter = 3

func (w *worker) giveBack(ctx context.Context, a giveBack) event {
	f := faultOf(a.Outcome)
	var nextAt int64
	if n := w.open.Number; a.Outcome.Kind == kkt.Failed && n >= failingAfter {
		nextAt = w.set.Now().Add(min(time.Duration(n*n)*time.Second, 5*time.Minute)).UnixMilli()
		w.alarms.stay(w.set.Now(), store.LaneAlarm{Code: AlarmJobFailing, Severity: store.Warn, Detail: w.open.Job.ID + ": " + f.Error()})
	}
	if err := w.store.NotMade(ctx, w.hold, w.open, a.Outcome, a.Hold, string(f.Code), nextAt); err != nil {
		return w.failed(err)
	}
	w.set.Point("till.afterGiveBack")
	w.settled()
	w.pool.drop(w.open.Job.ID, true)
	w.till.tell(w.open.Job.ID)
	return gaveBack{}
}

func (w *worker) park(ctx context.Context, a park) event {
	f := faultOf(a.Outcome)
	if err := w.store.Park(ctx, w.hold, w.open, a.Outcome, string(f.Code)); err != nil {
		return w.failed(err)
	}
	w.alarms.stay(w.set.Now(), store.LaneAlarm{Code: string(f.Code), Severity: store.Alarm, Detail: "job " + w.open.Job.ID})
	w.till.tell(w.open.Job.ID)
	return parked{}
}
