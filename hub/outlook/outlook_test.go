package outlook

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func find(t *testing.T, o Outlook, w What) Finding {
	t.Helper()
	for _, f := range o.Findings {
		if f.What == w {
			return f
		}
	}
	t.Fatalf("no finding %s in %+v", w, o)
	return Finding{}
}

func unit(fn kkt.FNState) kkt.Unit {
	fn.Serial = "9999078900001234"
	return kkt.Unit{Clock: noon, FN: fn}
}

// TestArchiveByPace: the table of fn.md §10, receipts a day against days of a
// whole archive.
func TestArchiveByPace(t *testing.T) {
	for perDay, days := range map[uint32]int{202: 1237, 502: 498, 1002: 249, 2002: 124, 3252: 76, 6002: 41, 10002: 24} {
		week := []Reading{{noon.AddDate(0, 0, -5), 0}, {noon.AddDate(0, 0, -2), 3 * perDay}, {noon, 5 * perDay}}
		u := unit(kkt.FNState{LastFD: 5 * perDay, Told: kkt.ToldDocuments, DocumentsLeft: Archive})
		f := find(t, Of(noon, u, week), Documents)
		if got := int(f.Stops.Sub(noon) / (24 * time.Hour)); got < days-1 || got > days || !f.Paced {
			t.Errorf("%d a day: %d days, want %d", perDay, got, days)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		name  string
		fn    kkt.FNState
		what  What
		left  int64
		level Level
		stops time.Time
	}{
		{"keys for a year", kkt.FNState{ValidUntil: noon.AddDate(1, 0, 0)}, Keys, 365, Fine, noon.AddDate(1, 0, 0)},
		{"keys for 30 days", kkt.FNState{KeyDays: 30}, Keys, 30, Warn, noon.AddDate(0, 0, 30)},
		{"keys for 3 days", kkt.FNState{ValidUntil: noon.AddDate(0, 0, 3)}, Keys, 3, Alarm, noon.AddDate(0, 0, 3)},
		{"keys are over", kkt.FNState{ValidUntil: noon.AddDate(0, 0, -1)}, Keys, 0, Alarm, noon},
		{"flag without a date", kkt.FNState{Warnings: kkt.ReplaceSoon}, Keys, -1, Warn, time.Time{}},
		{"urgent flag beside a date", kkt.FNState{KeyDays: 20, Warnings: kkt.ReplaceNow}, Keys, 20, Alarm, noon.AddDate(0, 0, 20)},
		{"archive by count", kkt.FNState{LastFD: 230_000}, Documents, 20_000, Warn, time.Time{}},
		{"archive is full", kkt.FNState{Told: kkt.ToldDocuments}, Documents, 0, Alarm, noon},
		{"archive flag", kkt.FNState{LastFD: 100, Warnings: kkt.ArchiveFull}, Documents, 249_900, Warn, time.Time{}},
		{"sent at once", kkt.FNState{Unsent: 1, UnsentAt: noon.Add(-time.Minute)}, Unsent, 1, Fine, noon.Add(30*24*time.Hour - time.Minute)},
		{"a quarter of an hour", kkt.FNState{Unsent: 1, UnsentAt: noon.Add(-15 * time.Minute)}, Unsent, 15, Warn, noon.Add(30*24*time.Hour - 15*time.Minute)},
		{"a day", kkt.FNState{Unsent: 9, UnsentAt: noon.Add(-24 * time.Hour)}, Unsent, 1440, Alarm, noon.Add(29 * 24 * time.Hour)},
		{"of unknown age", kkt.FNState{Unsent: 9}, Unsent, -1, Warn, time.Time{}},
		{"OFD flag", kkt.FNState{Warnings: kkt.OFDSilent}, OFD, -1, Alarm, time.Time{}},
		{"OFD an hour ago", kkt.FNState{Unsent: 1, UnsentAt: noon.Add(-50 * time.Minute), ConfirmedAt: noon.Add(-time.Hour)}, OFD, 50, Warn, time.Time{}},
		{"OFD after a quiet night", kkt.FNState{Unsent: 1, UnsentAt: noon.Add(-time.Minute), ConfirmedAt: noon.Add(-10 * time.Hour)}, OFD, 1, Fine, time.Time{}},
		{"OFD, nobody knows since when", kkt.FNState{Unsent: 1, ConfirmedAt: noon.Add(-10 * time.Hour)}, OFD, 600, Fine, time.Time{}},
		{"OFD yesterday", kkt.FNState{Unsent: 1, ConfirmedAt: noon.Add(-25 * time.Hour)}, OFD, 1500, Warn, time.Time{}},
		{"young shift", kkt.FNState{ShiftOpen: true, OpenedAt: noon.Add(-time.Hour)}, Shift, 60, Fine, noon.Add(23 * time.Hour)},
		{"a shift the keeper should have closed", kkt.FNState{ShiftOpen: true, OpenedAt: noon.Add(-23*time.Hour - 55*time.Minute)}, Shift, 1435, Alarm, noon.Add(5 * time.Minute)},
		{"memory", kkt.FNState{Told: kkt.ToldMemory, MemoryLeft: 1000}, Memory, 1000, Alarm, time.Time{}},
		{"marking keys", kkt.FNState{MarkingKeys: noon.AddDate(0, 0, -16)}, MarkingKeys, 16, Warn, time.Time{}},
	} {
		f := find(t, Of(noon, unit(c.fn), nil), c.what)
		if f.Left != c.left || f.Level != c.level || !f.Stops.Equal(c.stops) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestWhatStopsItFirst(t *testing.T) {
	u := unit(kkt.FNState{LastFD: 240_000, KeyDays: 100, ShiftOpen: true, OpenedAt: noon.Add(-time.Hour)})
	o := Of(noon, u, []Reading{{noon.AddDate(0, 0, -2), 238_000}, {noon, 240_000}})
	if o.By != Documents || o.Pace != 1000 || !o.Stops.Equal(noon.AddDate(0, 0, 10)) || o.Findings[0].What != Documents || o.Findings[0].Level != Warn {
		t.Errorf("%+v", o)
	}
}

func TestPaceNeedsAnHour(t *testing.T) {
	for _, rs := range [][]Reading{nil, {{noon, 5}}, {{noon.Add(-time.Minute), 1}, {noon, 100}}, {{noon.Add(-2 * time.Hour), 10}, {noon, 5}},
		{{noon.AddDate(0, -1, 0), 0}, {noon, 5000}}} {
		if p := pace(noon, rs); p != 0 {
			t.Errorf("%v: %v", rs, p)
		}
	}
}

// TestWhateverIsRead: no reading makes a forecast in the past of a register
// that still has room, and the order holds.
func TestWhateverIsRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		day := func(name string) time.Time {
			if rapid.Bool().Draw(rt, name+"?") {
				return time.Time{}
			}
			return noon.Add(time.Duration(rapid.Int64Range(-1e6, 1e6).Draw(rt, name)) * time.Second)
		}
		u := kkt.Unit{Clock: day("clock"), FN: kkt.FNState{Serial: "1", LastFD: rapid.Uint32().Draw(rt, "fd"), Unsent: rapid.Uint32Range(0, 3).Draw(rt, "unsent"),
			UnsentAt: day("unsent"), ValidUntil: day("valid"), KeyDays: rapid.IntRange(-5, 2000).Draw(rt, "days"), ShiftOpen: rapid.Bool().Draw(rt, "open"),
			OpenedAt: day("opened"), ConfirmedAt: day("confirmed"), MarkingKeys: day("marking"), Warnings: kkt.Warnings(rapid.Uint8().Draw(rt, "flags")),
			Told: kkt.Told(rapid.Uint8().Draw(rt, "told")), DocumentsLeft: rapid.Uint32().Draw(rt, "left"), MemoryLeft: rapid.Uint64().Draw(rt, "memory")}}
		var rs []Reading
		for range rapid.IntRange(0, 6).Draw(rt, "readings") {
			rs = append(rs, Reading{noon.Add(-time.Duration(rapid.Int64Range(-1000, 1e6).Draw(rt, "at")) * time.Second), rapid.Uint32().Draw(rt, "r")})
		}
		o := Of(noon, u, rs)
		for i, f := range o.Findings {
			if i > 0 && f.Level > o.Findings[i-1].Level {
				rt.Fatalf("order: %+v", o.Findings)
			}
			if f.What == Documents && f.Left > 0 && !f.Stops.IsZero() && f.Stops.Before(noon) {
				rt.Fatalf("full in the past with room: %+v", f)
			}
		}
	})
}
