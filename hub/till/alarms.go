package till

import (
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/hub/store"
)

// alarms keeps a lane's incidents equal to its troubles.
type alarms struct {
	watched []store.LaneAlarm          // of the last look at the register
	beside  []store.LaneAlarm          // of neither the register nor the lane's state
	stays   map[string]stay            // what happened and is over
	raised  map[string]store.LaneAlarm // as stored
}

// stay is an incident of something that is over when it is seen: it stays for a
// person to find, until nothing of the kind has happened for stayFor.
type stay struct {
	store.LaneAlarm
	until time.Time
}

const stayFor = 24 * time.Hour

// adopt takes over what a former worker left open.
func (a *alarms) adopt(now time.Time, open []store.LaneAlarm) {
	a.raised = map[string]store.LaneAlarm{}
	for _, t := range open {
		a.raised[t.Code] = t
		switch fault.Code(t.Code) {
		case AlarmForeign, AlarmRestored, AlarmSkipped, AlarmJobFailing, fault.FNReplaced:
			a.stay(now, t)
		}
	}
}

func (a *alarms) stay(now time.Time, t store.LaneAlarm) {
	if a.stays == nil {
		a.stays = map[string]stay{}
	}
	a.stays[t.Code] = stay{t, now.Add(stayFor)}
}

// Patience with what may pass by itself.
const (
	patience        = 3 * time.Second // with a register that is away or busy
	patienceUnknown = 5 * time.Second // with an attempt whose outcome is being found out
)

// due is when the lane's trouble becomes an incident; zero: it is none.
func due(s Status, troubled time.Time, stopped bool) time.Time {
	switch {
	case s.Fault == "" || s.State == Starting || s.State == OK:
		return time.Time{}
	case stopped, hinders(s.Fault):
		return troubled
	case s.State == Ambiguous:
		return troubled.Add(patienceUnknown)
	}
	return troubled.Add(patience)
}

// diff says what to raise and what to clear so that the incidents agree with
// the lane's state and the last look.
func (a *alarms) diff(now time.Time, s Status, troubled time.Time, stopped bool) (raise []store.LaneAlarm, clear []string) {
	want := map[string]store.LaneAlarm{}
	for _, t := range a.watched {
		want[t.Code] = t
	}
	for _, t := range a.beside {
		want[t.Code] = t
	}
	for c, t := range a.stays {
		if t.until.Before(now) {
			delete(a.stays, c)
			continue
		}
		want[c] = t.LaneAlarm
	}
	if at := due(s, troubled, stopped); !at.IsZero() && !at.After(now) {
		code := string(s.Fault)
		if s.State == Ambiguous && s.Fault != fault.DocumentUnread {
			code = AlarmUnknown
		}
		want[code] = store.LaneAlarm{Code: code, Severity: s.State.severity(), Detail: s.Detail}
	}
	for c, t := range want {
		if was, ok := a.raised[c]; !ok || was != t {
			raise = append(raise, t)
		}
	}
	for c := range a.raised {
		if _, ok := want[c]; !ok {
			clear = append(clear, c)
		}
	}
	return raise, clear
}

func (a *alarms) stored(raise []store.LaneAlarm, clear []string) {
	for _, t := range raise {
		a.raised[t.Code] = t
	}
	for _, c := range clear {
		delete(a.raised, c)
	}
}
