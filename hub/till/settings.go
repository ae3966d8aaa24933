package till

import (
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

// Rules are the settings of a lane's core.
type Rules struct {
	CloseAfter time.Duration // a shift is closed at this age; the law allows 24 h
	CloseAt    string        // "15:04" in the lane's zone: closed daily at that time too; "" not
	PollEvery  time.Duration // the register is looked at this often while idle
	Zone       *time.Location

	Every      time.Duration // one document each, on the average; 0 no limit
	Burst      int           // documents at once before Every counts
	BreakAfter int           // attempts that fail in a row before the lane takes a rest; 0 never
	BreakFor   time.Duration // the first rest
	SetClock   bool          // the register's clock may be set
	InFlight   int           // of a cloud: attempts that wait for their outcome at once
	Lease      time.Duration // a lane that another hub took from this one is left alone so long
}

// Defaults of what a lane's settings leave open.
const (
	defaultBreakAfter = 3
	defaultBreakFor   = 2 * time.Second
	defaultInFlight   = 8
)

// never as CloseAt leaves the closing of a shift to its age.
const never = "never"

// rulesOf puts a lane's settings over the till's.
func rulesOf(t *Settings, l store.LaneSettings, zone *time.Location) Rules {
	r := Rules{CloseAfter: t.CloseAfter, CloseAt: t.CloseAt, PollEvery: t.PollEvery, Zone: zone,
		Burst: max(l.Burst, 1), BreakAfter: defaultBreakAfter, BreakFor: defaultBreakFor, SetClock: !l.LeaveClock, InFlight: defaultInFlight, Lease: t.LeaseTTL}
	switch l.CloseAt {
	case "":
	case never:
		r.CloseAt = ""
	default:
		r.CloseAt = l.CloseAt
	}
	if l.PerMinute > 0 {
		r.Every = time.Minute / time.Duration(l.PerMinute)
	}
	if l.BreakAfter > 0 {
		r.BreakAfter = l.BreakAfter
	}
	if l.BreakMS > 0 {
		r.BreakFor = time.Duration(l.BreakMS) * time.Millisecond
	}
	if l.InFlight > 0 {
		r.InFlight = l.InFlight
	}
	return r
}

func spillOf(l store.LaneSettings) time.Duration {
	if l.SpillMS > 0 {
		return time.Duration(l.SpillMS) * time.Millisecond
	}
	return defaultSpill
}

var zones sync.Map // name -> *time.Location: reading one costs a file

func zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// sameTime says whether clocks of both zones show the same at ms. A zone that is
// not known is taken for the same: what it is named by then is another fault.
func sameTime(a, b string, ms int64) bool {
	if a == b {
		return true
	}
	za, err := zone(a)
	if err != nil {
		return true
	}
	zb, err := zone(b)
	if err != nil {
		return true
	}
	at := time.UnixMilli(ms)
	_, offA := at.In(za).Zone()
	_, offB := at.In(zb).Zone()
	return offA == offB
}
