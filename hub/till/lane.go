package till

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// lane is the pure core of a worker: it holds no clock, socket or database.
// Step takes what became of the last action and gives the next one.
type lane struct {
	rules  Rules
	status Status

	open     *open       // attempt under way
	settling bool        // its outcome is not known
	outcome  kkt.Outcome // being stored

	serial   bool         // one register stands behind the lane: ФД are counted
	fn       string       // its ФН
	known    uint32       // newest document accounted for
	base     kkt.Baseline // newest baseline
	based    bool         // nothing was sent since base was read
	openedAt time.Time    // of the open shift, hub's clock
	polledAt time.Time
	looked   string // ФН for which parked attempts were looked up
	allowed  bool   // siblings have been looked at
	walk     *walk

	failures int        // in a row
	stopped  *kkt.Fault // the lane stands on it
	stopFN   string
	unsent   uint32 // at the last look

	then  action // after the wait
	until time.Time
	idle  bool
}

// walk is the first look at a ФН: back from its last document until so many in
// a row hold no key of ours.
type walk struct {
	top, fd uint32
	strange int
}

// walkBack is how many documents without a key of ours end the first look at
// an ФН. Where this hub worked before its database was lost, its keys stand in
// nearly every document.
const walkBack = 50

// recheck is how often a stopped lane looks whether its cause is gone.
const recheck = time.Minute

// Step is the state machine of a lane.
func (l *lane) Step(now time.Time, ev event) action {
	switch e := ev.(type) {
	case started:
		return l.start()
	case leased:
		if !e.Until.IsZero() {
			l.is(Starting, kkt.Fault{Code: FaultLeased})
			return l.waitFor(e.Until, takeLane{})
		}
		return loadOpen{}
	case loaded:
		return l.onLoaded(e)
	case polled:
		return l.onPolled(now, e)
	case readied:
		return l.onReadied(now, e)
	case took:
		return l.onTook(now, e)
	case accounted:
		l.known, l.walk = l.walk.top, nil
		return l.next(now)
	case allowed:
		if l.allowed = e.Yes; !e.Yes {
			l.is(Starting, kkt.Fault{Code: FaultSiblings})
			return l.waitFor(now.Add(50*time.Millisecond), siblings{})
		}
		return l.next(now)
	case began:
		l.open, l.settling = &e.Open, false
		return submit{}
	case work:
		return shift{Base: l.base, Kind: fiscal.KindShiftOpen}
	case none:
		return l.rest(now, e.NextAt)
	case stopped:
		return l.stop(now, e.Fault)
	case answered:
		return l.onAnswered(now, e.Outcome)
	case finished:
		return l.onFinished(now, e)
	case marked:
		if l.outcome.Kind == kkt.Ambiguous {
			return settle{} // a buyer may be waiting
		}
		return l.waitFor(now.Add(max(l.outcome.After, 200*time.Millisecond)), settle{})
	case gaveBack:
		return l.onGaveBack(now)
	case parked:
		l.open, l.settling, l.based = nil, false, false
		return poll{}
	case woken:
		if !l.idle && now.Before(l.until) {
			return wait{Until: l.until}
		}
		return l.then
	case lost:
		l.is(Starting, kkt.Fault{Code: FaultLeased})
		return l.waitFor(now.Add(time.Second), l.start())
	case storeFailed:
		l.is(Busy, kkt.Fault{Code: FaultStore, Text: e.Err.Error()})
		l.failures++
		return l.waitFor(now.Add(l.delay(0)), l.start())
	}
	panic(fmt.Sprintf("till: event %T", ev)) // the set of events is closed: a new one without a case is a bug
}

func (l *lane) start() action {
	l.open, l.settling, l.based, l.walk, l.looked, l.stopped = nil, false, false, nil, "", nil
	return takeLane{}
}

func (l *lane) is(s State, f kkt.Fault) {
	text := f.Text
	if f.Device != "" {
		text = "[" + f.Device + "] " + text
	}
	l.status = Status{State: s, Fault: f.Code, Detail: text}
}

func (l *lane) waitFor(until time.Time, then action) action {
	l.then, l.until, l.idle = then, until, false
	return wait{Until: until}
}

// delay before the next try after so many failures in a row; least is what the
// register asked for.
func (l *lane) delay(least time.Duration) time.Duration {
	steps := [...]time.Duration{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
		2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second}
	return max(least, steps[min(max(l.failures-1, 0), len(steps)-1)])
}

func (l *lane) onLoaded(e loaded) action {
	switch {
	case e.Open != nil:
		l.open, l.settling = e.Open, true
		return settle{}
	case l.looked == "":
		return poll{}
	}
	return ready{}
}

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
		return l.next(now)
	}
	l.serial = true
	if l.stopped != nil {
		switch l.stopped.Code {
		case fault.FNFull, fault.FNUnsent, fault.FNExpired: // only another ФН or an emptier queue to the OFD helps
			if u.FN.Serial == l.stopFN && u.FN.Unsent >= l.unsent {
				return l.stop(now, *l.stopped)
			}
		default:
		}
		l.stopped = nil
	}
	if l.fn != u.FN.Serial || l.base.FD != u.FN.LastFD || l.base.Shift != u.FN.Shift || l.base.ShiftOpen != u.FN.ShiftOpen {
		l.based = false
	}
	l.fn, l.known, l.unsent = u.FN.Serial, e.Known, u.FN.Unsent
	l.openedAt = time.Time{}
	if u.FN.ShiftOpen && !u.FN.OpenedAt.IsZero() && !u.Clock.IsZero() {
		l.openedAt = now.Add(u.FN.OpenedAt.Sub(u.Clock)) // both by the register's clock, whatever it shows
	}
	if l.looked != l.fn {
		l.looked = l.fn
		return loadOpen{FN: l.fn}
	}
	return l.next(now)
}

func (l *lane) onReadied(now time.Time, e readied) action {
	if e.Err != nil {
		return l.trouble(now, kkt.Classify(e.Err), ready{})
	}
	if l.serial && e.Base.FN != l.fn || !l.serial && e.Base.FN != "" {
		l.looked = "" // another ФН than at the last look
		l.failures++
		return l.waitFor(now.Add(l.delay(0)), poll{})
	}
	l.base, l.based = e.Base, true
	if l.base.ShiftOpen && l.openedAt.IsZero() {
		l.openedAt = now
	}
	return l.next(now)
}

// next decides what a lane does that has nothing under way.
func (l *lane) next(now time.Time) action {
	switch {
	case !l.based:
		return ready{}
	case l.serial && l.known == 0:
		l.walk = &walk{top: l.base.FD, fd: l.base.FD}
		return take{FN: l.fn, FD: l.walk.fd}
	case l.serial && l.base.FD > l.known:
		return take{FN: l.fn, FD: l.known + 1, Next: true}
	case l.serial && l.base.FD < l.known:
		return l.stop(now, fault.New(fault.FNRolledBack, fmt.Sprintf("last document %d, %d is known", l.base.FD, l.known)))
	case !l.allowed:
		return siblings{}
	}
	l.is(OK, kkt.Fault{})
	switch {
	case now.Sub(l.polledAt) >= 10*l.rules.PollEvery: // it had work all the time
		return poll{}
	case l.serial && l.base.ShiftOpen && l.closeDue(now):
		return shift{Base: l.base, Kind: fiscal.KindShiftClose}
	}
	return pick{Base: l.base, Peek: l.serial && !l.base.ShiftOpen}
}

// rest waits for a job, the next look at the register, or the end of the shift.
func (l *lane) rest(now, nextAt time.Time) action {
	until := l.polledAt.Add(l.rules.PollEvery)
	if !until.After(now) {
		return poll{}
	}
	if !nextAt.IsZero() && nextAt.Before(until) {
		until = nextAt
	}
	if at := l.closeTime(); l.serial && l.base.ShiftOpen && !at.IsZero() && at.Before(until) {
		until = at
	}
	l.then, l.until, l.idle = l.nextAfterRest(), until, true
	return wait{Until: until, Idle: true}
}

// nextAfterRest looks for work first: that is what a resting lane is woken for.
func (l *lane) nextAfterRest() action {
	return pick{Base: l.base, Peek: l.serial && !l.base.ShiftOpen}
}

func (l *lane) onTook(now time.Time, e took) action {
	fd := l.known + 1
	if l.walk != nil {
		fd = l.walk.fd
	}
	switch {
	case e.Err != nil:
		return l.trouble(now, kkt.Classify(e.Err), take{FN: l.fn, FD: fd, Next: l.walk == nil})
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
		return account{FN: l.fn, FD: w.top}
	}
	return take{FN: l.fn, FD: w.fd}
}

// trouble is a driver that can't do what makes nothing; then is tried again.
func (l *lane) trouble(now time.Time, o kkt.Outcome, then action) action {
	f := faultOf(o)
	s, stop := stateOf(f.Code)
	if stop || o.Kind == kkt.Config {
		return l.stop(now, f)
	}
	l.is(s, f)
	l.failures++
	l.based = false
	return l.waitFor(now.Add(l.delay(o.After)), then)
}

// faultOf never lets a bad outcome be without a name.
func faultOf(o kkt.Outcome) kkt.Fault {
	if o.Fault != nil {
		return *o.Fault
	}
	return fault.New(fault.OutcomeUnknown, string(o.Kind))
}

// stop takes the lane out of work. What a person alone can mend halts it; what
// can pass by itself is looked at again.
func (l *lane) stop(now time.Time, f kkt.Fault) action {
	s, stop := stateOf(f.Code)
	if !stop {
		s = Config
	}
	if l.stopped == nil {
		l.stopFN = l.fn
	}
	l.stopped, l.based = &f, false
	l.is(s, f)
	switch f.Code {
	case fault.FNFull, fault.FNUnsent, fault.FNExpired, fault.FNFailed, fault.FNClosed,
		fault.SellerMismatch, fault.TestMismatch, FaultFFD:
		if l.open == nil {
			return l.waitFor(now.Add(recheck), poll{})
		}
	default:
	}
	return halt{}
}
