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

	now      time.Time     // of the step under way
	back     time.Duration // the hub's clock is behind what it was
	newest   time.Time     // latest the hub's clock has shown
	troubled time.Time     // since when the lane is not well; zero: it is

	open     *open       // attempt under way
	settling bool        // its outcome is not known
	outcome  kkt.Outcome // being stored
	asked    int         // how often, of an attempt set aside
	aside    []aside     // of a cloud: attempts waiting for their outcome

	serial   bool         // one register stands behind the lane: ФД are counted
	fn       string       // its ФН
	known    uint32       // newest document accounted for
	base     kkt.Baseline // newest baseline
	based    bool         // nothing was sent since base was read
	openedAt time.Time    // of the open shift, hub's clock
	shift    uint32       // the shift openedAt is of
	polledAt time.Time
	looked   string // ФН for which parked attempts were looked up
	allowed  bool   // siblings have been looked at
	walk     *walk
	accepted fault.Code // a person answers for it: the lane need not stop on it again

	clockDue   bool // the register's clock is to be set
	clockFar   bool // so far off that its ФН will soon refuse
	clockTried time.Time

	failures int // in a row, of whatever kind
	breaker  breaker
	bucket   bucket
	stopped  *kkt.Fault // the lane stands on it
	stopFN   string
	unsent   *kkt.FNState // at the first look after it stopped

	then  action // after the wait; nil: what next says
	until time.Time
	idle  bool
}

// walk is the first look at a ФН: back from its last document until so many in
// a row hold no key of ours.
type walk struct {
	top, fd uint32
	strange int
	back    bool // what was known beyond top is forgotten
}

// aside is an attempt of a cloud whose outcome is waited for.
type aside struct {
	open
	at    time.Time // to be asked again
	asked int       // times
}

// walkBack is how many documents without a key of ours end the first look at
// an ФН. Where this hub worked before its database was lost, its keys stand in
// nearly every document.
const walkBack = 50

// recheck is how often a stopped lane looks whether its cause is gone.
const recheck = time.Minute

func newLane(r Rules) lane {
	return lane{rules: r, breaker: breaker{after: r.BreakAfter, first: r.BreakFor}, bucket: bucket{every: r.Every, burst: r.Burst}}
}

// Step is the state machine of a lane.
func (l *lane) Step(now time.Time, ev event) action {
	l.tell(now)
	switch e := ev.(type) {
	case started:
		return l.start()
	case leased:
		if !e.Until.IsZero() {
			l.allowed = false // its seat says anew that it was looked at, for its siblings wait for that
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
	case clockSet:
		l.clockDue, l.clockTried, l.based = false, now, false
		return poll{}
	case allowed:
		if l.allowed = e.Yes; !e.Yes {
			l.is(Starting, kkt.Fault{Code: FaultSiblings})
			return l.waitFor(now.Add(50*time.Millisecond), siblings{})
		}
		return l.next(now)
	case began:
		return l.begin(now, &e.Open)
	case work:
		return shift{Base: l.base, Kind: fiscal.KindShiftOpen}
	case wanted:
		return shift{Base: l.base, Kind: e.Kind}
	case none:
		return l.rest(now, e.NextAt)
	case notNow:
		l.then, l.until, l.idle = nil, now.Add(10*time.Second), true
		return wait{Until: l.until, Idle: true}
	case stopped:
		return l.stop(now, e.Fault)
	case answered:
		return l.onAnswered(now, e.Outcome)
	case finished:
		return l.onFinished(now, e)
	case marked:
		return l.onMarked(now)
	case gaveBack:
		return l.onGaveBack(now)
	case parked:
		l.open, l.settling, l.based = nil, false, false
		return poll{}
	case woken:
		switch {
		case !l.idle && now.Before(l.until):
			return wait{Until: l.until}
		case l.then == nil:
			return l.next(now)
		}
		return l.then
	case lost:
		l.is(Starting, kkt.Fault{Code: FaultLeased})
		return l.waitFor(now.Add(max(time.Second, l.rules.Lease)), l.start())
	case storeFailed:
		l.is(Busy, kkt.Fault{Code: FaultStore, Text: e.Err.Error()})
		l.failures++
		return l.waitFor(now.Add(l.delay(0)), l.start())
	}
	panic(fmt.Sprintf("till: event %T", ev)) // the set of events is closed: a new one without a case is a bug
}

// clockSlack is by how much the hub's clock may be put back without a word.
const clockSlack = 5 * time.Second

// tell notes the time. When the hub's clock was put back, what was planned by
// it is put back as well: a lane must not sleep through the difference. (Times
// of the running system count on in spite of it and need nothing.)
func (l *lane) tell(now time.Time) {
	if by := l.now.Sub(now); by > clockSlack && !l.now.IsZero() {
		for _, t := range []*time.Time{&l.until, &l.polledAt, &l.openedAt, &l.troubled, &l.breaker.until, &l.bucket.empty, &l.clockTried} {
			if !t.IsZero() {
				*t = t.Add(-by)
			}
		}
		for i := range l.aside {
			l.aside[i].at = l.aside[i].at.Add(-by)
		}
	}
	l.now = now
	if shown := now.Round(0); shown.After(l.newest) {
		l.newest, l.back = shown, 0
	} else if by := l.newest.Sub(shown); by > clockSlack {
		l.back = by
	}
}

func (l *lane) start() action {
	l.open, l.settling, l.aside, l.based, l.walk, l.looked, l.stopped = nil, false, nil, false, nil, "", nil
	return takeLane{}
}

func (l *lane) is(s State, f kkt.Fault) {
	text := f.Text
	if f.Device != "" {
		text = "[" + f.Device + "] " + text
	}
	l.status = Status{State: s, Fault: f.Code, Detail: text}
	switch {
	case f.Code == "":
		l.troubled = time.Time{}
	case l.troubled.IsZero():
		l.troubled = l.now
	}
}

func (l *lane) waitFor(until time.Time, then action) action {
	l.then, l.until, l.idle = then, until, false
	return wait{Until: until}
}

// delay before the next try after so many failures in a row; least is what the
// register asked for.
func (l *lane) delay(least time.Duration) time.Duration { return backoff(l.failures, least) }

func backoff(failures int, least time.Duration) time.Duration {
	steps := [...]time.Duration{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
		2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second}
	return max(least, steps[min(max(failures-1, 0), len(steps)-1)])
}

func (l *lane) onLoaded(e loaded) action {
	for _, o := range e.Aside {
		l.aside = append(l.aside, aside{open: o, at: l.now})
	}
	switch {
	case e.Open != nil:
		l.open, l.settling = e.Open, true
		return settle{}
	case l.looked == "":
		return poll{}
	}
	return ready{}
}

// begin sends an attempt whose intent is stored.
func (l *lane) begin(now time.Time, o *open) action {
	l.open, l.settling = o, false
	if !report(o.Kind) {
		l.bucket.take(now)
	}
	return submit{}
}

func report(k fiscal.DocumentKind) bool {
	return k == fiscal.KindShiftOpen || k == fiscal.KindShiftClose
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
	again := recheck
	if l.stopped == nil {
		l.stopFN, l.unsent = l.fn, nil
		if s == FNFull {
			again = time.Second // what its queue to the OFD is now tells later whether it moves
		}
	}
	l.stopped, l.based = &f, false
	l.is(s, f)
	switch f.Code {
	case fault.FNFull, fault.FNUnsent, fault.FNExpired, fault.FNFailed, fault.FNClosed,
		fault.SellerMismatch, fault.TestMismatch, FaultFFD:
		if l.open == nil {
			return l.waitFor(now.Add(again), poll{})
		}
	default:
	}
	return halt{}
}
