package till

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// takeLane makes the lane this hub's, or says until when it is another's.
func (w *worker) takeLane(ctx context.Context) event {
	h, err := w.store.TakeLane(ctx, w.row.ID, w.set.Holder, w.set.LeaseTTL, w.set.Longest)
	if err != nil {
		if l, ok := errors.AsType[*store.LeasedError](err); ok {
			w.pool.elsewhere(w.seat, l.Looked, l.Until)
			w.letGo()
			return leased{Until: time.UnixMilli(l.Until)}
		}
		return w.failed(err)
	}
	w.hold, w.kept = h, w.set.Now()
	w.held.Store(true)
	w.shown = Status{} // whoever had the lane may have stored another
	w.pool.ours(w.seat)
	w.set.Point("till.afterLease")
	open, err := w.store.OpenAlarms(ctx, w.row.ID)
	if err != nil {
		return w.failed(err)
	}
	w.alarms.adopt(w.kept, open)
	if h.Back > clockSlack {
		w.core.back, w.core.newest = h.Back, w.kept.Round(0).Add(h.Back)
	}
	return leased{}
}

// keep renews the lease when a third of it is over.
func (w *worker) keep(ctx context.Context) event {
	if w.hold.Fence == 0 || w.set.Now().Sub(w.kept) < w.hold.TTL/3 {
		return nil
	}
	if err := w.store.KeepLane(context.WithoutCancel(ctx), w.hold); err != nil {
		return w.failed(err)
	}
	w.kept = w.set.Now()
	return nil
}

// withinLease ends what is said to the register before another hub may take the lane:
// one that is suspended between two commands says nothing more when it wakes.
func (w *worker) withinLease(device context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(device, w.hold.TTL+w.set.Longest*3/4-w.set.Now().Sub(w.kept))
}

// letGo gives the register free for whoever comes next: many serve one
// connection at a time.
func (w *worker) letGo() {
	w.held.Store(false)
	w.note(hangUp(w.driver))
}

func hangUp(d kkt.Driver) error {
	if c, ok := d.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
