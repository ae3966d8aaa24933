package till

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// onAnswered decides what an outcome means for the attempt under way.
func (l *lane) onAnswered(now time.Time, o kkt.Outcome) action {
	o = l.checked(o)
	settling := l.settling
	switch o.Kind {
	case kkt.Done:
		return l.onDone(now, o)
	case kkt.Rejected:
		l.outcome = o
		return giveBack{Outcome: o, Hold: true}
	case kkt.Failed:
		l.outcome = o
		return giveBack{Outcome: o}
	case kkt.Retry, kkt.AuthExpired, kkt.Config:
		if !settling {
			l.outcome = o
			return giveBack{Outcome: o}
		}
		// The register could not even be asked: nothing is known about the attempt.
	case kkt.Accepted, kkt.Pending, kkt.Duplicate, kkt.Ambiguous:
	}
	l.settling, l.based = true, false
	if !settling {
		l.outcome = o
		return resolving{Outcome: o}
	}
	return l.undecided(now, o)
}

// checked turns a Done that contradicts the attempt into Ambiguous: a receipt
// of another ФН or of a number that was taken before is not this one.
func (l *lane) checked(o kkt.Outcome) kkt.Outcome {
	if o.Kind != kkt.Done {
		return o
	}
	r := o.Receipt
	if r == nil || r.FN == "" || l.open.Base.FN != "" && (r.FN != l.open.Base.FN || r.FD <= l.open.Base.FD) {
		f := fault.New(FaultMismatch, "the answer names no document made after the attempt began")
		return kkt.Outcome{Kind: kkt.Ambiguous, Fault: &f}
	}
	report := l.open.Kind == fiscal.KindShiftOpen || l.open.Kind == fiscal.KindShiftClose
	if o.Fault == nil && !report && r.Total != l.open.Amount {
		f := fault.New(FaultMismatch, fmt.Sprintf("document %d has %d kopecks, the job %d", r.FD, r.Total, l.open.Amount))
		o.Fault = &f
	}
	return o
}

func (l *lane) onDone(now time.Time, o kkt.Outcome) action {
	l.outcome = o
	next, follows := l.after(o)
	if o.Fault != nil || l.settling || !follows || l.open.Kind == fiscal.KindShiftClose {
		return finish{Outcome: o}
	}
	opened := l.openedAt
	if l.open.Kind == fiscal.KindShiftOpen {
		l.openedAt = now
	}
	due := l.serial && l.closeDue(now)
	l.openedAt = opened
	if due || now.Sub(l.polledAt) >= 10*l.rules.PollEvery {
		return finish{Outcome: o}
	}
	return finish{Outcome: o, Next: &next}
}

// after gives the baseline that a done attempt leaves, so that the next one
// needs no question to the register. follows is false when other documents lie
// between.
func (l *lane) after(o kkt.Outcome) (base kkt.Baseline, follows bool) {
	if !l.serial {
		return kkt.Baseline{}, true
	}
	r, was := o.Receipt, l.open.Base
	base = kkt.Baseline{FN: r.FN, FD: r.FD, Shift: r.Shift, ShiftOpen: l.open.Kind != fiscal.KindShiftClose}
	if l.open.Kind == fiscal.KindReceipt || l.open.Kind == fiscal.KindCorrection {
		base.Receipts = was.Receipts + 1
	}
	return base, r.FD == was.FD+1 && r.FD == l.known+1 && (base.Receipts == 0 || r.Shift == was.Shift)
}

func (l *lane) onFinished(now time.Time, e finished) action {
	o, settled := l.outcome, l.settling
	base, follows := l.after(o)
	if l.serial && o.Receipt.FD == l.known+1 {
		l.known++
	}
	l.base, l.based = base, follows && !settled
	switch l.open.Kind {
	case fiscal.KindShiftOpen:
		l.openedAt = now
	case fiscal.KindShiftClose:
		l.openedAt = time.Time{}
	case fiscal.KindReceipt, fiscal.KindCorrection:
	}
	l.open, l.settling, l.failures = nil, false, 0
	if o.Fault != nil {
		return l.stop(now, *o.Fault)
	}
	if e.Next != nil {
		l.open = e.Next
		return submit{}
	}
	return l.next(now)
}

// undecided keeps asking. Nothing else is sent meanwhile.
func (l *lane) undecided(now time.Time, o kkt.Outcome) action {
	f := faultOf(o)
	switch f.Code {
	case fault.FNReplaced:
		l.outcome = o
		return park{Outcome: o}
	case fault.KeyTwice, fault.FNRolledBack, FaultMismatch, fault.WireUnknown:
		return l.stop(now, f)
	default:
	}
	l.is(Ambiguous, f)
	l.failures++
	return l.waitFor(now.Add(l.delay(o.After)), settle{})
}

func (l *lane) onGaveBack(now time.Time) action {
	o, report := l.outcome, l.open.Kind == fiscal.KindShiftOpen || l.open.Kind == fiscal.KindShiftClose
	f := faultOf(o)
	_, stop := stateOf(f.Code)
	l.open, l.settling, l.based = nil, false, false
	switch {
	case o.Kind == kkt.Config, stop && o.Kind != kkt.Rejected && o.Kind != kkt.AuthExpired, report && o.Kind == kkt.Rejected:
		return l.stop(now, f)
	case o.Kind == kkt.Rejected:
		return ready{}
	case f.Code == fault.BaselineMoved && l.failures == 0:
		l.failures++
		return ready{}
	}
	l.failures++
	s, _ := stateOf(f.Code)
	if report && s == Busy {
		s = Shift
	}
	l.is(s, f)
	return l.waitFor(now.Add(l.delay(o.After)), ready{})
}

// closeTime is when the open shift is to be closed; zero when its opening is
// not known.
func (l *lane) closeTime() time.Time {
	if l.openedAt.IsZero() {
		return time.Time{}
	}
	at := l.openedAt.Add(l.rules.CloseAfter)
	clock, err := time.Parse("15:04", l.rules.CloseAt)
	if err != nil {
		return at
	}
	o := l.openedAt.In(l.rules.Zone)
	daily := time.Date(o.Year(), o.Month(), o.Day(), clock.Hour(), clock.Minute(), 0, 0, l.rules.Zone)
	if !daily.After(l.openedAt) {
		daily = time.Date(o.Year(), o.Month(), o.Day()+1, clock.Hour(), clock.Minute(), 0, 0, l.rules.Zone)
	}
	if daily.Before(at) {
		return daily
	}
	return at
}

func (l *lane) closeDue(now time.Time) bool {
	at := l.closeTime()
	return l.base.Expired || !at.IsZero() && !now.Before(at)
}
