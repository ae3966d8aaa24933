package till

import (
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

func (l *lane) onPolled(now time.Time, e polled) action {
	if e.Err != nil {
		return l.trouble(now, kkt.Classify(e.Err), poll{})
	}
	l.polledAt = now
	if e.Stop != nil {
		return l.stop(now, *e.Stop)
	}
	u := e.Unit
	if u == nil {
		l.serial, l.base, l.based, l.stopped = false, kkt.Baseline{}, true, nil
		l.recovered(kkt.Unit{})
		return l.next(now)
	}
	l.serial = true
	if l.stopped != nil {
		if l.stillStands(u.FN) {
			return l.stop(now, *l.stopped)
		}
		l.stopped = nil
	}
	if l.fn != u.FN.Serial || l.base.FD != u.FN.LastFD || l.base.Shift != u.FN.Shift || l.base.ShiftOpen != u.FN.ShiftOpen {
		l.based = false
	}
	if l.fn != u.FN.Serial {
		l.allowed = false
	}
	l.fn, l.known = u.FN.Serial, e.Known
	l.shiftIs(now, *u)
	off, _ := clockOff(l.rules.Zone, now, *u)
	l.clockDue = l.rules.SetClock && clockDue(l.rules.Zone, now, *u) && now.Sub(l.clockTried) >= clockRetry
	l.clockFar = l.clockDue && off.Abs() >= clockAlarm
	l.recovered(*u)
	if l.looked != l.fn {
		l.looked = l.fn
		return loadOpen{FN: l.fn}
	}
	return l.next(now)
}

// stillStands says that what a lane stopped on for its ФН is as it was: full or
// over, only another ФН helps; unsent, also a queue to the OFD that moves.
func (l *lane) stillStands(fn kkt.FNState) bool {
	if fn.Serial != l.stopFN {
		return false
	}
	switch l.stopped.Code {
	case fault.FNFull, fault.FNUnsent: // 14h of an ФН is either: registers do not always say which (fn.md §6)
		if l.unsent == nil {
			l.unsent = &fn
		}
		return fn.Unsent >= l.unsent.Unsent && !fn.UnsentAt.After(l.unsent.UnsentAt)
	case fault.FNExpired:
		return true
	}
	return false
}

// shiftIs keeps when the open shift was opened.
func (l *lane) shiftIs(now time.Time, u kkt.Unit) {
	if !u.FN.ShiftOpen {
		l.openedAt = time.Time{}
		return
	}
	seen := l.openedAt
	if l.shift != u.FN.Shift {
		seen = time.Time{}
	}
	l.openedAt, l.shift = openedSince(now, u, seen), u.FN.Shift
}

// recovered ends the trouble of failed attempts when the register was looked at
// and shows nothing that hinders it, and there was no job to try it with.
func (l *lane) recovered(u kkt.Unit) {
	if l.breaker.failures == 0 || l.open != nil || l.now.Sub(l.troubled) < lookAfter {
		return
	}
	for _, f := range u.Faults {
		if hinders(f.Code) {
			return
		}
	}
	l.breaker.works()
	l.failures = 0
}

// lookAfter is how soon a lane that failed and has no job looks whether its
// register is well again.
const lookAfter = 5 * time.Second

func (l *lane) onReadied(now time.Time, e readied) action {
	if e.Err != nil {
		return l.trouble(now, kkt.Classify(e.Err), ready{})
	}
	if l.serial && e.Base.FN != l.fn || !l.serial && e.Base.FN != "" {
		l.looked = "" // another ФН than at the last look
		l.failures++
		return l.waitFor(now.Add(l.delay(0)), poll{})
	}
	if l.breaker.failures == 0 {
		l.failures = 0
	}
	l.base, l.based = e.Base, true
	if l.base.ShiftOpen && (l.openedAt.IsZero() || l.shift != l.base.Shift) {
		l.openedAt, l.shift = now, l.base.Shift
	}
	return l.next(now)
}
