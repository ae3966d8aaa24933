package till

import "time"

// The shift keeper. A shift is opened when there is work, and closed before it
// is 24 hours old (54-FZ art. 4.3; the ФН refuses documents from then on) or at
// the operator's hour. Closing and opening take the register some seconds in
// which nobody gets a receipt: so from the hour on it is done as soon as the
// lane has no work, and at the latest when closeGrace has passed.
const (
	// closeGrace is how long a busy lane's shift may stay open past the hour.
	closeGrace = 15 * time.Minute
	// closeEarly is how long before the limit of its age an idle lane's shift is closed.
	closeEarly = time.Hour
)

// closing gives the window in which a shift is to be closed that was opened
// then: at from when the lane has no work, at latest in any case.
func (r Rules) closing(opened time.Time) (from, latest time.Time) {
	latest = opened.Add(r.CloseAfter)
	from = latest.Add(-min(closeEarly, r.CloseAfter/2))
	if daily, ok := r.nextHour(opened); ok && daily.Before(latest) {
		if daily.Before(from) {
			from = daily
		}
		if end := daily.Add(closeGrace); end.Before(latest) {
			latest = end
		}
	}
	return from, latest
}

// nextHour is the first moment after t at which a clock of the lane's zone
// shows CloseAt. On the day a clock skips that time, it is the moment it skips
// it; on the day a clock shows it twice, the first of both.
func (r Rules) nextHour(t time.Time) (at time.Time, ok bool) {
	clock, err := time.Parse("15:04", r.CloseAt)
	if err != nil {
		return time.Time{}, false
	}
	local := t.In(r.Zone)
	for day := -1; day <= 2; day++ { // a zone's day may last 23 to 25 hours, and a zone may skip a day
		if at := wallTime(local.Year(), local.Month(), local.Day()+day, clock.Hour(), clock.Minute(), r.Zone); at.After(t) {
			return at, true
		}
	}
	return time.Time{}, false
}

// wallTime is the first moment at which the zone's clock shows this time or,
// where it skips it, the moment it does.
func wallTime(year int, month time.Month, day, hour, minute int, zone *time.Location) time.Time {
	want := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	offset := func(t time.Time) time.Duration {
		_, s := t.In(zone).Zone()
		return time.Duration(s) * time.Second
	}
	// Offsets lie within a day, and no zone changes its own twice in two days.
	before, after := offset(want.Add(-26*time.Hour)), offset(want.Add(26*time.Hour))
	early, late := want.Add(-max(before, after)), want.Add(-min(before, after))
	for _, t := range []time.Time{early, late} {
		if want.Add(-offset(t)).Equal(t) {
			return t
		}
	}
	for late.Sub(early) > time.Second { // the change lies between
		mid := early.Add(late.Sub(early) / 2).Truncate(time.Second)
		if offset(mid) == before {
			early = mid
		} else {
			late = mid
		}
	}
	return late
}
