package till

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// A register's clock goes into each document (tag 1012), and the ФН compares it
// with its own past: it refuses what is older than its last document, and, as
// registers tell, what differs too much. Registers let their clock be set only
// while the shift is closed.
const (
	clockSetFrom = 30 * time.Second // a difference from which the clock is set
	clockRetry   = time.Hour        // between two tries of a register that refuses
	clockMargin  = time.Minute      // the clock is never set to less than this after the last document
)

// clockOff is by how much the register's clock is ahead of the lane's zone;
// known is false when the register does not tell its time.
func clockOff(zone *time.Location, now time.Time, u kkt.Unit) (off time.Duration, known bool) {
	if u.Clock.IsZero() {
		return 0, false
	}
	return u.Clock.Sub(fiscal.Wall(now.In(zone))), true
}

// clockDue says whether the register's clock is to be set as soon as its shift
// is closed.
func clockDue(zone *time.Location, now time.Time, u kkt.Unit) bool {
	off, known := clockOff(zone, now, u)
	if !known || off.Abs() < clockSetFrom {
		return false
	}
	return u.FN.LastAt.IsZero() || !fiscal.Wall(now.In(zone)).Before(u.FN.LastAt.Add(clockMargin))
}

// openedSince turns the opening of a shift from the register's clock into the
// hub's. The register's own view of the shift's age counts, since its ФН counts
// the 24 hours by it; what the hub saw itself counts where it is older, or where
// the register's clock was put back and its view is none.
func openedSince(now time.Time, u kkt.Unit, seen time.Time) time.Time {
	if u.FN.OpenedAt.IsZero() || u.Clock.IsZero() || u.Clock.Before(u.FN.OpenedAt) {
		return seen
	}
	opened := now.Add(u.FN.OpenedAt.Sub(u.Clock))
	if !seen.IsZero() && seen.Before(opened) {
		return seen
	}
	return opened
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
