package till

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

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
