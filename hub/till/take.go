package till

import (
	"context"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

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
