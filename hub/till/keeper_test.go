package till

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	return z
}

func TestWindowOfClosing(t *testing.T) {
	vladivostok := load(t, "Asia/Vladivostok")
	opened := time.Date(2026, 5, 4, 23, 0, 0, 0, vladivostok)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 5, day, hour, minute, 0, 0, vladivostok) }
	for name, c := range map[string]struct {
		rules        Rules
		opened       time.Time
		from, latest time.Time
	}{
		"by age":                          {Rules{CloseAfter: 23 * time.Hour}, opened, at(5, 21, 0), at(5, 22, 0)},
		"by a short age":                  {Rules{CloseAfter: time.Hour}, opened, at(4, 23, 30), at(5, 0, 0)},
		"by the hour, across midnight":    {Rules{CloseAfter: 23 * time.Hour, CloseAt: "00:10"}, opened, at(5, 0, 10), at(5, 0, 25)},
		"opened at the hour: a day on":    {Rules{CloseAfter: 24 * time.Hour, CloseAt: "00:10"}, at(5, 0, 10), at(5, 23, 10), at(6, 0, 10)},
		"the hour lies after the limit":   {Rules{CloseAfter: 20 * time.Hour, CloseAt: "22:30"}, opened, at(5, 18, 0), at(5, 19, 0)},
		"the grace ends with the limit":   {Rules{CloseAfter: 20 * time.Hour, CloseAt: "18:55"}, opened, at(5, 18, 0), at(5, 19, 0)},
		"an hour that can't be read":      {Rules{CloseAfter: 23 * time.Hour, CloseAt: "25:00"}, opened, at(5, 21, 0), at(5, 22, 0)},
		"opened a minute before the hour": {Rules{CloseAfter: 23 * time.Hour, CloseAt: "23:01"}, opened, at(4, 23, 1), at(4, 23, 16)},
	} {
		c.rules.Zone = vladivostok
		from, latest := c.rules.closing(c.opened)
		if !from.Equal(c.from) || !latest.Equal(c.latest) {
			t.Errorf("%s: from %s to %s, want %s to %s", name, from, latest, c.from, c.latest)
		}
	}
}

// TestHourOnDaysOfTwoClocks: Moscow put its clock from 02:00 to 01:00 on
// 2014-10-26 and from 02:00 to 03:00 on 2011-03-27.
func TestHourOnDaysOfTwoClocks(t *testing.T) {
	moscow := load(t, "Europe/Moscow")
	r := Rules{Zone: moscow, CloseAt: "01:30", CloseAfter: 24 * time.Hour}
	before := time.Date(2014, 10, 25, 20, 0, 0, 0, time.UTC) // 00:00 MSK+4
	at, ok := r.nextHour(before)
	if want := time.Date(2014, 10, 25, 21, 30, 0, 0, time.UTC); !ok || !at.Equal(want) {
		t.Errorf("shown twice: %s, want the first, %s", at.UTC(), want)
	}
	if again, _ := r.nextHour(at); again.Sub(at) != 25*time.Hour {
		t.Errorf("and again after %s", again.Sub(at))
	}
	r.CloseAt = "02:30"
	at, _ = r.nextHour(time.Date(2011, 3, 26, 21, 0, 0, 0, time.UTC))
	if want := time.Date(2011, 3, 26, 23, 0, 0, 0, time.UTC); !at.Equal(want) {
		t.Errorf("skipped: %s, want the moment of the change, %s", at.UTC(), want)
	}
}

// TestEveryShiftIsClosedInTime: whatever zone, hour and day, a shift is to be
// closed within its age, and the hour comes once a day.
func TestEveryShiftIsClosedInTime(t *testing.T) {
	var places []*time.Location
	for _, name := range []string{"UTC", "Europe/Moscow", "Europe/Samara", "Asia/Kamchatka", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"} {
		places = append(places, load(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		r := Rules{Zone: rapid.SampledFrom(places).Draw(t, "zone"), CloseAfter: time.Duration(rapid.IntRange(1, 24*60).Draw(t, "age")) * time.Minute}
		clock := time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "hour")) * time.Minute
		r.CloseAt = time.Time{}.Add(clock).Format("15:04")
		opened := time.Unix(rapid.Int64Range(1_200_000_000, 2_000_000_000).Draw(t, "opened"), 0)
		from, latest := r.closing(opened)
		if !from.After(opened) || from.After(latest) || latest.Sub(opened) > r.CloseAfter {
			t.Fatalf("opened %s: from %s to %s", opened, from, latest)
		}
		at, ok := r.nextHour(opened)
		// Apia skipped a whole day in 2011.
		if !ok || !at.After(opened) || at.Sub(opened) > 25*time.Hour+30*time.Minute && r.Zone.String() != "Pacific/Apia" {
			t.Fatalf("the hour after %s is %s", opened.In(r.Zone), at.In(r.Zone))
		}
		shown := at.In(r.Zone)
		_, early := at.Add(-time.Second).In(r.Zone).Zone()
		_, late := at.In(r.Zone).Zone()
		if early == late && shown.Format("15:04:05") != r.CloseAt+":00" {
			t.Fatalf("the hour %s is at %s", r.CloseAt, shown)
		}
	})
}
