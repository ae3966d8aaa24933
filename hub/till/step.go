package till

import (
	"context"
	"time"
)

// A Till may be driven from outside instead of by Run: Begin, then each lane by
// Work in a coroutine of its own, of which one runs at a time, Hear when something
// was committed and Tick now and then. That is how the simulation has it on virtual time: what a
// worker does is the same, only its sleep is another's.

// Sleep waits until a time of the hub's clock, or less when wake is not nil and
// gives a token, which it must then take. false ends the worker.
type Sleep func(ctx context.Context, until time.Time, wake <-chan struct{}) bool

// Begin reads the lanes that are to work and gives each its seat.
func (t *Till) Begin(ctx context.Context) (lanes []string, err error) {
	all, err := t.begin(ctx)
	for _, l := range all {
		if l.Enabled {
			lanes = append(lanes, l.ID)
		}
	}
	return lanes, err
}

// Work runs one lane in the caller's goroutine until sleep ends it.
func (t *Till) Work(ctx context.Context, lane string, sleep Sleep) error {
	l, err := t.store.Lane(ctx, lane)
	if err != nil {
		return err
	}
	w, err := newWorker(t, l)
	if err != nil {
		return err
	}
	w.sleep = sleep
	w.run(ctx)
	return nil
}

// Tick does what Run does every five seconds: what a missed signal would leave
// lying is found, and the mark is left by which a restored database is told.
func (t *Till) Tick() {
	t.tick()
	t.leaveMark()
}

// Hear does what Run does when something was committed: it tells the pools of
// the jobs that came.
func (t *Till) Hear() {
	if err := t.hear(context.Background()); err != nil {
		t.set.Log.Error("till: look for new jobs", "err", err)
	}
}

// Rouse makes all lanes look whether there is work.
func (t *Till) Rouse() {
	t.Hear()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pools {
		p.mu.Lock()
		p.stale = true
		p.wakeAll()
		p.mu.Unlock()
	}
}
