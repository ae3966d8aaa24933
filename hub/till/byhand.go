package till

import (
	"context"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
)

// ErrNotYet says that a lane has not come to a person's wish in the time given.
var ErrNotYet = errors.New("till: the lane has not come to it: its register is busy or stands")

// wish is a shift a person wants open or closed; done is closed when it is so.
type wish struct {
	open bool
	done chan struct{}
}

// Shift has a running lane open or close its shift as soon as nothing is under
// way on its register, and waits for it as long as ctx lasts: ErrNotYet. A
// shift that is as wished already costs nothing. ErrNotRunning.
func (t *Till) Shift(ctx context.Context, lane string, open bool, actor, why string) error {
	if _, _, err := t.driverOf(lane); err != nil {
		return err
	}
	t.set.Log.Info("till: a person wants the shift changed", "lane", lane, "open", open, "actor", actor, "why", why)
	w := &wish{open: open, done: make(chan struct{})}
	t.mu.Lock()
	t.wishes[lane] = w
	t.mu.Unlock()
	t.Rouse()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.wishes[lane] == w {
			delete(t.wishes, lane)
		}
		return fmt.Errorf("%w (%w)", ErrNotYet, ctx.Err())
	}
}

// wished gives what a person wants of a lane's shift; ok is false when nothing.
func (t *Till) wished(lane string) (open, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.wishes[lane]
	return w != nil && w.open, w != nil
}

// byHand is the report a person wants before the next job; a wish that holds
// already is granted.
func (w *worker) byHand(shiftOpen bool) event {
	open, ok := w.till.wished(w.row.ID)
	switch {
	case !ok:
		return nil
	case open == shiftOpen:
		w.till.mu.Lock()
		defer w.till.mu.Unlock()
		close(w.till.wishes[w.row.ID].done)
		delete(w.till.wishes, w.row.ID)
		return nil
	case open:
		return wanted{Kind: fiscal.KindShiftOpen}
	}
	return wanted{Kind: fiscal.KindShiftClose}
}
