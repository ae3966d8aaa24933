package simulate

import (
	"context"
	"iter"
	"time"
)

// lane is a worker of the till in its coroutine.
type lane struct {
	h     *hub
	id    string
	next  func() (nap, bool)
	stop  func()
	yield func(nap) bool
	awake bool
	nap   nap
	naps  int
}

// nap is until when a worker sleeps, and what may wake it before.
type nap struct {
	until int64
	wake  <-chan struct{}
}

// begin makes the coroutine.
func (l *lane) begin() {
	h := l.h
	l.next, l.stop = iter.Pull(iter.Seq[nap](func(yield func(nap) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(abandoned{}) {
				panic(r)
			}
		}()
		l.yield = yield
		_ = h.till.Work(context.Background(), l.id, l.wait) // its lane could not be read: it is tried again
	}))
}

// wait implements till.Sleep.
func (l *lane) wait(_ context.Context, until time.Time, wake <-chan struct{}) bool {
	l.pause(nap{l.h.w.now + max(until.Sub(l.h.clock()).Milliseconds(), 0), wake})
	if wake != nil {
		select {
		case <-wake:
		default:
		}
	}
	return true
}

// sleep is the driver's.
func (l *lane) sleep(ms int64) { l.pause(nap{until: l.h.w.now + ms}) }

func (l *lane) pause(n nap) {
	if !l.h.lives() {
		panic(died{"in the middle of a write"})
	}
	if !l.yield(n) {
		panic(abandoned{})
	}
	if !l.h.lives() {
		panic(died{"in the middle of a write"})
	}
}

// turn lets the worker work until it sleeps. The caller guards.
func (l *lane) turn() {
	if l.next == nil {
		l.begin()
	}
	l.awake = true
	defer func() { l.awake = false }()
	n, ok := l.next()
	if !ok {
		l.next, n = nil, nap{until: l.h.w.now + 1000}
	}
	l.nap = n
	l.naps++
	naps, run := l.naps, l.h.run
	l.h.w.after(n.until-l.h.w.now, func() {
		l.h.when(func() {
			if l.naps == naps && l.h.run == run {
				l.h.guard(l.turn)
			}
		})
	})
}

// stir wakes the worker when somebody called it.
func (l *lane) stir() {
	if len(l.nap.wake) > 0 && !l.awake {
		l.h.guard(l.turn)
	}
}

// drop ends the coroutine.
func (l *lane) drop() {
	l.naps++
	if l.next != nil && !l.awake {
		l.stop()
	}
	l.next = nil
}
