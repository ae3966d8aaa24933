package audit

import (
	"fmt"
	"time"
)

// Schedule says when the machine's counters are read.
type Schedule struct {
	Every time.Duration // from one good reading to the next; 0 when Daily is set
	Daily bool          // once a day at Hour:Minute of Zone
	Hour  int
	Min   int
	Zone  *time.Location // nil is UTC
}

// ParseSchedule reads the two settings of the file, of which one is given:
// every ("24h", at least 15 minutes) or at ("04:10"). Neither is every 24 h.
func ParseSchedule(every time.Duration, at string) (Schedule, error) {
	switch {
	case every != 0 && at != "":
		return Schedule{}, fmt.Errorf("every and at: give one")
	case at != "":
		t, err := time.Parse("15:04", at)
		if err != nil {
			return Schedule{}, fmt.Errorf("at %q: want hours and minutes, as 04:10", at)
		}
		return Schedule{Daily: true, Hour: t.Hour(), Min: t.Minute()}, nil
	case every == 0:
		return Schedule{Every: 24 * time.Hour}, nil
	case every < minEvery || every > maxEvery:
		return Schedule{}, fmt.Errorf("every %s: want %s to %s", every, minEvery, maxEvery)
	}
	return Schedule{Every: every}, nil
}

const (
	minEvery = 15 * time.Minute // a machine does not sell while it is read
	maxEvery = 31 * 24 * time.Hour

	firstRetry = 5 * time.Minute
	lastRetry  = time.Hour
)

// History is what is known of earlier readings, on the wall clock.
type History struct {
	Good     time.Time // last good reading; zero: none
	Tried    time.Time // last try; zero: none
	Failures int       // since the last good one
}

// Next is when to read next; not after now: at once. A first reading is due at
// once, so that the second has something to be compared with; a failed one is
// repeated after 5 minutes, then twice that, up to an hour. A history from the
// future says that the clock was put back: it binds nobody.
func (s Schedule) Next(h History, now time.Time) time.Time {
	if h.Tried.IsZero() || h.Tried.After(now.Add(lastRetry)) {
		return now
	}
	if h.Failures > 0 {
		pause := firstRetry
		for n := 1; n < h.Failures && pause < lastRetry; n++ {
			pause *= 2
		}
		return h.Tried.Add(min(pause, lastRetry))
	}
	if !s.Daily {
		return h.Good.Add(s.Every)
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	good := h.Good.In(zone)
	y, m, d := good.Date()
	next := time.Date(y, m, d, s.Hour, s.Min, 0, 0, zone)
	if !next.After(good) {
		next = time.Date(y, m, d+1, s.Hour, s.Min, 0, 0, zone)
	}
	return next
}
