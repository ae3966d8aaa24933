package till

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// worker carries out what a lane's core decides: the thin shell around it.
type worker struct {
	till   *Till
	store  Store
	set    *Settings
	row    store.Lane
	pool   *pool
	seat   *seat
	halted *atomic.Bool // told while it stands until a person lets it go on
	held   *atomic.Bool // told while the lane is leased here
	driver kkt.Driver
	core   lane

	hold   store.Hold
	kept   time.Time // when the lease was last renewed
	open   store.Attempt
	aside  map[int64]store.Attempt // of a cloud: those whose outcome is waited for
	unit   kkt.Unit
	read   counted // which counters were read last
	alarms alarms
	shown  Status // as stored

	// sleep waits until then, or for a signal when wake is not nil; false: the worker is to end.
	sleep func(ctx context.Context, until time.Time, wake <-chan struct{}) bool
}

func newWorker(t *Till, l store.Lane) (*worker, error) {
	place, err := zone(l.Zone)
	if err != nil {
		return nil, fmt.Errorf("till: zone of lane %s: %w", l.ID, err)
	}
	w := &worker{halted: new(atomic.Bool), held: new(atomic.Bool), till: t, store: t.store, set: &t.set, row: l, pool: t.pool(l.Seller), aside: map[int64]store.Attempt{}}
	w.driver, err = t.set.Open(l.URL)
	rules := rulesOf(&t.set, l.Settings, place)
	if _, can := w.driver.(kkt.ClockSetter); !can {
		rules.SetClock = false
	}
	w.core = newLane(rules)
	w.core.now, w.core.accepted = t.set.Now(), fault.Code(l.Accepted)
	w.core.is(Starting, kkt.Fault{})
	if err != nil {
		w.driver = nil
		w.core.is(Config, fault.New(FaultURL, err.Error()))
	}
	if l.State == string(Manual) {
		w.core.is(Manual, kkt.Fault{Code: fault.Code(l.Fault), Text: l.Detail})
	}
	w.seat = w.pool.sit(l)
	w.sleep = w.sleepReal
	return w, nil
}

// run works until ctx ends.
func (w *worker) run(ctx context.Context) {
	defer w.pool.leave(w.seat)
	defer w.letGo()
	// An answer under way outlives ctx by the grace; writes are never cut short.
	device, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(w.set.StopGrace, cut) })()

	act := w.first()
	for {
		if ctx.Err() != nil && !mustFinish(act) {
			break
		}
		ev := w.do(ctx, device, act)
		if ev == nil {
			break
		}
		act = w.core.Step(w.set.Now(), ev)
	}
	// Another hub waits out the lease of a lane whose last command may still run.
	if w.hold.Fence != 0 && w.core.open == nil {
		w.note(w.store.ReleaseLane(context.WithoutCancel(ctx), w.hold))
	}
}

// first is what a worker begins with: a lane that stands goes on standing.
func (w *worker) first() action {
	if w.core.status.State != Starting {
		return halt{}
	}
	return w.core.Step(w.set.Now(), started{})
}

// mustFinish says that an attempt stands between its intent and its outcome.
func mustFinish(a action) bool {
	switch a.(type) {
	case submit, finish, resolving, giveBack, park:
		return true
	}
	return false
}

// do carries out one action. nil: the worker is to end.
func (w *worker) do(ctx, device context.Context, a action) event {
	bg := context.WithoutCancel(ctx)
	switch a := a.(type) {
	case takeLane:
		w.set.Point("till.beforeLease")
		return w.takeLane(bg)
	case loadOpen:
		return w.loadOpen(bg, a.FN)
	case poll:
		return w.poll(bg, device)
	case ready:
		device, end := w.withinLease(device)
		defer end()
		base, err := w.driver.Ready(device)
		return readied{Base: base, Err: err}
	case siblings:
		return allowed{Yes: w.pool.mayWork(w.seat)}
	case take:
		w.set.Point("till.betweenDocuments")
		return w.take(bg, device, a)
	case skip:
		return w.skip(bg, a)
	case account:
		if err := w.store.AccountedFor(bg, w.hold, a.FN, a.FD, a.Back); err != nil {
			return w.failed(err)
		}
		return accounted{}
	case setClock:
		return w.setClock(device)
	case pick:
		if ev := w.byHand(a.Base.ShiftOpen); ev != nil && w.core.serial {
			return ev
		}
		return w.pick(bg, a)
	case shift:
		return w.beginShift(bg, a)
	case submit:
		return w.submit(device)
	case settle:
		w.set.Point("till.beforeSettle")
		if a.ID != 0 {
			w.open = w.aside[a.ID]
		}
		return answered{Outcome: w.driver.Settle(device, w.open.Wire, w.open.Key, w.open.Baseline, w.open.Ref)}
	case finish:
		if _, wish := w.till.wished(w.row.ID); wish || ctx.Err() != nil {
			a.Next = nil
		}
		return w.finish(bg, a)
	case resolving:
		return w.resolving(bg, a)
	case giveBack:
		return w.giveBack(bg, a)
	case park:
		return w.park(bg, a)
	case wait:
		return w.wait(ctx, a)
	case halt:
		return w.halt(ctx)
	}
	panic(fmt.Sprintf("till: action %T", a)) // the set of actions is closed
}

// failed turns a store's error into the event that keeps the lane right.
func (w *worker) failed(err error) event {
	switch {
	case errors.Is(err, store.ErrFenced):
		w.hold = store.Hold{}
		w.letGo()
		return lost{}
	case errors.Is(err, store.ErrTaken):
		return stopped{Fault: fault.New(FaultMismatch, err.Error())}
	case !errors.Is(err, store.ErrNotOpen) && !errors.Is(err, store.ErrMoved):
		w.note(err)
	}
	return storeFailed{Err: err}
}

// note logs what can only be logged.
func (w *worker) note(err error) {
	if err != nil {
		w.set.Log.Error("till", "lane", w.row.ID, "err", err)
	}
}

func (w *worker) loadOpen(ctx context.Context, fn string) event {
	var ev loaded
	if fn == "" {
		all, err := w.store.AsideAttempts(ctx, w.row.ID)
		if err != nil {
			return w.failed(err)
		}
		for _, a := range all {
			w.aside[a.ID] = a
			o := toOpen(a)
			o.Aside = true
			ev.Aside = append(ev.Aside, o)
		}
	}
	a, err := w.store.OpenAttempt(ctx, w.row.ID, fn)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ev
	case err != nil:
		return w.failed(err)
	}
	w.open = a
	w.pool.working(w.seat, a.Job.Machine, a.Started)
	o := toOpen(a)
	ev.Open = &o
	return ev
}

func toOpen(a store.Attempt) open {
	o := open{ID: a.ID, Kind: a.Job.Document.Kind, Amount: a.Job.Amount, Base: a.Baseline, Since: time.UnixMilli(a.Started), Attempts: a.Number}
	if o.Kind == "" {
		o.Kind = fiscal.KindReceipt
	}
	return o
}

func (w *worker) submit(device context.Context) event {
	w.set.Point("till.beforeSend")
	// A hub that was suspended longer than its lease may find the lane taken:
	// it asks before it sends.
	if w.set.Now().Sub(w.kept) >= w.hold.TTL {
		if err := w.store.KeepLane(context.WithoutCancel(device), w.hold); err != nil {
			return w.failed(err)
		}
		w.kept = w.set.Now()
	}
	device, end := w.withinLease(device)
	defer end()
	from := w.set.Now()
	out := w.driver.Submit(device, w.open.Wire, w.open.Baseline)
	w.set.Point("till.afterAnswer")
	if w.set.Observer != nil {
		w.set.Observer.Attempted(w.row.ID, out.Kind, w.set.Now().Sub(from))
	}
	return answered{Outcome: out}
}

// wait until the core wants to go on; the lease is renewed meanwhile.
func (w *worker) wait(ctx context.Context, a wait) event {
	w.show(ctx) // what can't be stored now is stored later: a wait is never cut short by it
	var wake <-chan struct{}
	if a.Idle {
		wake = w.seat.wake
	}
	until := a.Until // the core goes on waiting when it is woken early to say that a trouble lasts
	if at := due(w.core.status, w.core.troubled, w.core.stopped != nil); !a.Idle && at.After(w.set.Now()) && at.Before(until) {
		until = at
	}
	if !w.sleep(ctx, until, wake) {
		return nil
	}
	if ev := w.keep(ctx); ev != nil {
		return ev
	}
	return woken{}
}

// halt until a person lets the lane go on, which starts a new worker.
func (w *worker) halt(ctx context.Context) event {
	if w.hold.Fence == 0 {
		if _, ok := w.takeLane(ctx).(leased); !ok {
			w.note(errors.New("till: a halted lane could not be leased"))
		}
	}
	w.show(ctx)
	w.halted.Store(true)
	defer w.halted.Store(false)
	for {
		w.show(ctx)
		if !w.sleep(ctx, w.set.Now().Add(w.set.LeaseTTL/4), nil) {
			return nil
		}
		w.keep(ctx)
	}
}

func (w *worker) sleepReal(ctx context.Context, until time.Time, wake <-chan struct{}) bool {
	timer := time.NewTimer(until.Sub(w.set.Now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}
