package till

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// next decides what a lane does that has nothing under way.
func (l *lane) next(now time.Time) action {
	switch {
	case !l.based:
		return ready{}
	case l.serial && l.base.FD < l.known && l.accepted == fault.FNRolledBack:
		l.walk = &walk{top: l.base.FD, fd: l.base.FD, back: true}
		return l.walkOn()
	case l.serial && l.known == 0:
		l.walk = &walk{top: l.base.FD, fd: l.base.FD}
		return l.walkOn()
	case l.serial && l.base.FD > l.known:
		return take{FN: l.fn, FD: l.known + 1, Next: true}
	case l.serial && l.base.FD < l.known:
		return l.stop(now, fault.New(fault.FNRolledBack, fmt.Sprintf("last document %d, %d is known", l.base.FD, l.known)))
	case !l.allowed:
		return siblings{}
	}
	l.accepted = ""
	if l.breaker.failures == 0 {
		l.is(OK, kkt.Fault{})
	}
	if i := l.asideDue(now); i >= 0 {
		return l.ask(i)
	}
	switch {
	case now.Sub(l.polledAt) >= 10*l.rules.PollEvery: // it had work all the time
		return poll{}
	case l.serial && l.base.ShiftOpen && l.closeDue(now):
		return shift{Base: l.base, Kind: fiscal.KindShiftClose}
	case l.serial && !l.base.ShiftOpen && l.clockDue:
		return setClock{}
	}
	if at := l.mayGo(now); !at.IsZero() {
		if at = l.soonest(now, at); at.After(now) {
			l.then, l.until, l.idle = nil, at, false
			return wait{Until: at}
		}
		return poll{}
	}
	return l.pick()
}

func (l *lane) walkOn() action {
	if l.walk.fd == 0 { // an ФН without a document
		return account{FN: l.fn, FD: l.walk.top, Back: l.walk.back}
	}
	return take{FN: l.fn, FD: l.walk.fd}
}

func (l *lane) pick() action {
	return pick{Base: l.base, Peek: l.serial && !l.base.ShiftOpen, Probe: l.breaker.probing()}
}

// mayGo is when a next document may be sent by the lane's pace and, of a cloud,
// by the number of attempts that wait for their outcome; zero: now.
func (l *lane) mayGo(now time.Time) time.Time {
	at := l.bucket.at(now)
	if len(l.aside) > 0 && len(l.aside) >= l.rules.InFlight {
		if due := l.asideAt(); due.After(at) {
			at = due
		}
	}
	return at
}

// soonest is at, or earlier what the lane has to do by then without a job.
func (l *lane) soonest(now, at time.Time) time.Time {
	if look := l.polledAt.Add(l.rules.PollEvery); look.Before(at) {
		at = look
	}
	if due := l.asideAt(); !due.IsZero() && due.Before(at) {
		at = due
	}
	if _, latest := l.closeWindow(); !latest.IsZero() && latest.After(now) && latest.Before(at) {
		at = latest
	}
	return at
}

// rest waits for a job, the next look at the register, or the end of the shift.
func (l *lane) rest(now, nextAt time.Time) action {
	from, _ := l.closeWindow()
	switch {
	case !from.IsZero() && (!now.Before(from) || l.clockFar):
		return shift{Base: l.base, Kind: fiscal.KindShiftClose, Idle: true}
	case !l.polledAt.Add(l.rules.PollEvery).After(now):
		return poll{}
	}
	until := l.soonest(now, l.polledAt.Add(l.rules.PollEvery))
	if !nextAt.IsZero() && nextAt.Before(until) {
		until = nextAt
	}
	if !from.IsZero() && from.Before(until) {
		until = from
	}
	// A resting lane looks for work first when it is woken.
	l.then, l.until, l.idle = l.pick(), until, true
	if len(l.aside) > 0 {
		l.then = nil
	}
	if l.breaker.failures > 0 { // or whether its register is well again
		l.then = poll{}
		if at := now.Add(lookAfter); at.Before(until) {
			l.until = at
		}
	}
	return wait{Until: l.until, Idle: true}
}

// closeWindow is when the open shift is to be closed: from then on when there
// is no work, at latest in any case. Zero while no shift is known to be open.
func (l *lane) closeWindow() (from, latest time.Time) {
	if !l.serial || !l.base.ShiftOpen || l.openedAt.IsZero() {
		return time.Time{}, time.Time{}
	}
	return l.rules.closing(l.openedAt)
}

// closeDue says that the open shift can't wait any longer.
func (l *lane) closeDue(now time.Time) bool {
	_, latest := l.closeWindow()
	return l.base.Expired || !latest.IsZero() && !now.Before(latest)
}

func (l *lane) onTook(now time.Time, e took) action {
	fd := l.known + 1
	if l.walk != nil {
		fd = l.walk.fd
	}
	if e.Err != nil {
		o := kkt.Classify(e.Err)
		if f := faultOf(o); f.Code == fault.DocumentUnread && l.accepted == fault.DocumentUnread {
			return skip{FN: l.fn, FD: fd, Next: l.walk == nil}
		}
		return l.trouble(now, unread(o), take{FN: l.fn, FD: fd, Next: l.walk == nil})
	}
	switch {
	case e.Fault != nil:
		return l.stop(now, *e.Fault)
	case l.walk == nil:
		l.known = fd
		return l.next(now)
	}
	w := l.walk
	w.strange++
	if e.Ours {
		w.strange = 0
	}
	w.fd--
	if w.strange >= walkBack || w.fd == 0 {
		return account{FN: l.fn, FD: w.top, Back: w.back}
	}
	return take{FN: l.fn, FD: w.fd}
}

// unread keeps asking for a document that the register has and does not give:
// a print may hold it back. Classify takes a bare fault for bad data, which
// reading can't have.
func unread(o kkt.Outcome) kkt.Outcome {
	if o.Kind == kkt.Rejected {
		o.Kind = kkt.Retry
	}
	return o
}
