package till

import "github.com/chekomat/chekomat/hub/store"

// alarms keeps a lane's incidents equal to its troubles.
type alarms struct {
	watched []store.LaneAlarm          // of the last look at the register
	stays   map[string]store.LaneAlarm // until the lane starts anew
	raised  map[string]store.LaneAlarm // as stored
}

// adopt takes over what a former worker left open.
func (a *alarms) adopt(codes []string) {
	a.raised = map[string]store.LaneAlarm{}
	for _, c := range codes {
		a.raised[c] = store.LaneAlarm{Code: c}
	}
}

func (a *alarms) stay(t store.LaneAlarm) {
	if a.stays == nil {
		a.stays = map[string]store.LaneAlarm{}
	}
	a.stays[t.Code] = t
}

// patience is how many tries in a row may fail before an incident is opened
// for a trouble that may pass by itself: about two seconds.
const patience = 4

// diff says what to raise and what to clear so that the incidents agree with
// the lane's state and the last look.
func (a *alarms) diff(s Status, failures int, stopped bool) (raise []store.LaneAlarm, clear []string) {
	want := map[string]store.LaneAlarm{}
	for _, t := range a.watched {
		want[t.Code] = t
	}
	for c, t := range a.stays {
		want[c] = t
	}
	if s.Fault != "" && s.State != Starting && (stopped || failures >= patience) {
		code := string(s.Fault)
		if s.State == Ambiguous {
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
