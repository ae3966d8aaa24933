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
	l.settling = true
	if !l.open.cloud() {
		l.based = false
	}
	if !settling || l.open.cloud() && !l.open.Aside {
		l.outcome = o
		return resolving{Outcome: o, Aside: l.open.cloud()}
	}
	return l.undecided(now, o)
}

// onMarked goes on with an attempt whose outcome is open: a register's is
// settled before anything else, a cloud's is waited for beside others.
func (l *lane) onMarked(now time.Time) action {
	o := l.outcome
	switch {
	case l.open.cloud():
		l.open.Aside = true
		return l.putAside(now, aside{open: *l.open}, o.After)
	case o.Kind == kkt.Ambiguous:
		return settle{} // a buyer may be waiting
	}
	return l.waitFor(now.Add(max(o.After, 200*time.Millisecond)), settle{})
}

func (l *lane) putAside(now time.Time, a aside, after time.Duration) action {
	a.asked++
	a.at = now.Add(max(after, backoff(a.asked, 200*time.Millisecond)))
	l.aside = append(l.aside, a)
	l.open, l.settling = nil, false
	return l.next(now)
}

// asideAt is when the next attempt set aside is to be asked for; zero: none.
func (l *lane) asideAt() (at time.Time) {
	for _, a := range l.aside {
		if at.IsZero() || a.at.Before(at) {
			at = a.at
		}
	}
	return at
}

func (l *lane) asideDue(now time.Time) int {
	for i, a := range l.aside {
		if !a.at.After(now) {
			return i
		}
	}
	return -1
}

// ask settles an attempt that was set aside.
func (l *lane) ask(i int) action {
	a := l.aside[i]
	l.aside = append(l.aside[:i], l.aside[i+1:]...)
	l.open, l.settling, l.asked = &a.open, true, a.asked
	return settle{ID: a.ID}
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
	if o.Fault == nil && !report(l.open.Kind) && r.Total != l.open.Amount {
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
	openedAt, base := l.openedAt, l.base
	if l.open.Kind == fiscal.KindShiftOpen {
		l.openedAt = now
	}
	l.base = next
	due := l.closeDue(now)
	l.openedAt, l.base = openedAt, base
	if due || now.Sub(l.polledAt) >= 10*l.rules.PollEvery || !l.mayGo(now).IsZero() || l.asideDue(now) >= 0 {
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
	if l.serial || !l.open.Aside {
		l.base, l.based = base, follows && !settled
	}
	switch l.open.Kind {
	case fiscal.KindShiftOpen:
		l.openedAt, l.shift = now, o.Receipt.Shift
	case fiscal.KindShiftClose:
		l.openedAt = time.Time{}
	case fiscal.KindReceipt, fiscal.KindCorrection:
	}
	l.open, l.settling, l.failures = nil, false, 0
	l.breaker.works()
	if o.Fault != nil {
		return l.stop(now, *o.Fault)
	}
	if e.Next != nil {
		return l.begin(now, e.Next)
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
	if l.open.Aside { // it holds its job, not the lane
		return l.putAside(now, aside{open: *l.open, asked: l.asked}, o.After)
	}
	l.is(Ambiguous, f)
	l.failures++
	return l.waitFor(now.Add(l.delay(o.After)), settle{})
}

func (l *lane) onGaveBack(now time.Time) action {
	o, report := l.outcome, report(l.open.Kind)
	f := faultOf(o)
	s, stop := stateOf(f.Code)
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
	if report && s == Busy {
		s = Shift
	}
	l.is(s, f)
	at := now.Add(l.delay(o.After))
	if until := l.breaker.failed(now); until.After(at) {
		at = until
	}
	return l.waitFor(at, ready{})
}
