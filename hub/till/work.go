package till

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// mendFailing ends what was told of a job that failed again and again when it no
// longer can: it was made, here or elsewhere, or a person has it.
func (w *worker) mendFailing(ctx context.Context) event {
	told, ok := w.alarms.stays[AlarmJobFailing]
	if !ok {
		return nil
	}
	id, _, _ := strings.Cut(told.Detail, ":")
	switch j, err := w.store.Job(ctx, id); {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return w.failed(err)
	case err != nil, j.State == store.JobDone, j.State == store.JobVoid, j.State == store.JobHeld:
		delete(w.alarms.stays, AlarmJobFailing)
	}
	return nil
}

// take reads one document from the ФН and accounts for it.
func (w *worker) take(ctx, device context.Context, a take) event {
	reader, ok := w.driver.(kkt.DocumentReader)
	if !ok {
		return took{Err: &kkt.Problem{Kind: kkt.Config, Fault: fault.New(fault.DocumentUnread, "the driver reads no documents")}}
	}
	d, err := reader.ReadDocument(device, a.FN, a.FD)
	if err != nil {
		return took{Err: fmt.Errorf("read document %d: %w", a.FD, err)}
	}
	if d.Receipt.FN != a.FN || d.Receipt.FD != a.FD {
		f := fault.New(fault.DocumentUnread, fmt.Sprintf("asked for %s/%d, got %s/%d", a.FN, a.FD, d.Receipt.FN, d.Receipt.FD))
		return took{Err: &kkt.Problem{Kind: kkt.Retry, Fault: f}}
	}
	if !a.Next && d.Key == "" {
		return took{} // older than our use of this ФН
	}
	found, err := w.store.TakeDocument(ctx, w.hold, d, a.Next)
	if err != nil {
		return w.failed(err)
	}
	w.kept = w.set.Now()
	named := fmt.Sprintf("ФН %s ФД %d", a.FN, a.FD)
	ev := took{Ours: d.Key != ""}
	now := w.kept
	switch found.Verdict {
	case store.DocumentOurs:
	case store.DocumentBound:
		w.alarms.stay(now, store.LaneAlarm{Code: AlarmRestored, Severity: store.Alarm, Detail: named})
		w.pool.foundLost()
		w.till.tell(append(found.Released, found.Job)...)
	case store.DocumentForeign:
		switch {
		case d.Key == "":
			w.alarms.stay(now, store.LaneAlarm{Code: AlarmForeign, Severity: store.Warn, Detail: named})
		case w.core.allowed && w.core.walk == nil:
			// All that a lost database forgot was found before this lane began to
			// send: a key that is not of this hub's jobs is another hub's.
			f := fault.New(FaultSecondHub, named)
			ev.Fault = &f
		default:
			w.alarms.stay(now, store.LaneAlarm{Code: AlarmRestored, Severity: store.Alarm, Detail: named})
			w.pool.foundLost()
		}
	case store.DocumentDoubled:
		f := fault.New(FaultDoubled, fmt.Sprintf("%s is a second document of job %s", named, found.Job))
		ev.Fault = &f
	case store.DocumentMismatch:
		f := fault.New(FaultMismatch, fmt.Sprintf("%s has the key of job %s and another content", named, found.Job))
		ev.Fault = &f
		w.till.tell(found.Job)
	case store.DocumentOther:
		f := fault.New(FaultMismatch, fmt.Sprintf("%s is not the document that job %s has under this number", named, found.Job))
		ev.Fault = &f
	}
	return ev
}

// skip accounts for a document that can't be read: a person answers for it.
func (w *worker) skip(ctx context.Context, a skip) event {
	if err := w.store.SkipDocument(ctx, w.hold, a.FN, a.FD, a.Next, w.row.AcceptedBy); err != nil {
		return w.failed(err)
	}
	w.kept = w.set.Now()
	w.alarms.stay(w.kept, store.LaneAlarm{Code: AlarmSkipped, Severity: store.Alarm,
		Detail: fmt.Sprintf("ФН %s ФД %d: %s", a.FN, a.FD, w.row.AcceptedBy)})
	return took{}
}

// setClock sets the register's clock to the time of the lane's zone.
func (w *worker) setClock(device context.Context) event {
	setter, ok := w.driver.(kkt.ClockSetter)
	if !ok {
		return clockSet{Err: errors.New("the driver sets no clock")}
	}
	err := setter.SetClock(device, fiscal.Wall(w.set.Now().In(w.core.rules.Zone)))
	if err != nil {
		w.note(fmt.Errorf("set the register's clock: %w", err))
	} else {
		w.set.Log.Info("till: the register's clock was set", "lane", w.row.ID)
	}
	return clockSet{Err: err}
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

// show stores how the lane does when that has changed, and its incidents.
func (w *worker) show(ctx context.Context) event {
	if w.hold.Fence == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	s := w.core.status
	if s != w.shown {
		if err := w.store.SetLaneState(ctx, w.hold, string(s.State), string(s.Fault), s.Detail); err != nil {
			return w.failed(err)
		}
		w.shown, w.kept = s, w.set.Now()
		w.pool.tells(w.seat, s.State != OK && s.State != Starting)
	}
	w.alarms.beside = w.troubles()
	now := w.set.Now()
	if raise, clear := w.alarms.diff(now, s, w.core.troubled, w.core.stopped != nil); len(raise)+len(clear) > 0 {
		if err := w.store.Alarms(ctx, w.hold, w.row.Operator, raise, clear); err != nil {
			return w.failed(err)
		}
		w.alarms.stored(raise, clear)
	}
	return nil
}

// troubles are those that are neither the lane's state nor the register's.
func (w *worker) troubles() (list []store.LaneAlarm) {
	if w.core.back > 0 {
		list = append(list, store.LaneAlarm{Code: AlarmHubClock, Severity: store.Warn, Detail: "since " + w.core.newest.UTC().Format(time.RFC3339)})
	}
	if waits := w.pool.waitsFor(w.seat); len(waits) > 0 && w.core.allowed {
		list = append(list, store.LaneAlarm{Code: string(FaultSiblings), Severity: store.Alarm, Detail: strings.Join(waits, ", ")})
	}
	return list
}
