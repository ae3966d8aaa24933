package fiscal

import (
	"testing"
	"time"
)

// Every rate around every day on which a rate began or ended, by the clock of
// the settlement's place.
func TestRateEdges(t *testing.T) {
	zones := []*time.Location{time.FixedZone("Калининград", 2*3600), time.UTC, time.FixedZone("Анадырь", 12*3600)}
	edges := []struct {
		day     string // first day of the new order
		stopped []VAT  // last valid the day before
		began   []VAT  // valid from this day on
	}{
		{"2019-01-01", nil, []VAT{VAT20, VAT20120}},
		{"2025-01-01", nil, []VAT{VAT5, VAT7, VAT5105, VAT7107}},
		{"2026-01-01", []VAT{VAT20, VAT20120}, []VAT{VAT22, VAT22122}},
	}
	in := func(list []VAT, v VAT) bool {
		for _, x := range list {
			if x == v {
				return true
			}
		}
		return false
	}
	for _, e := range edges {
		for _, zone := range zones {
			first, err := time.ParseInLocation(time.DateOnly, e.day, zone)
			if err != nil {
				t.Fatal(err)
			}
			last := first.Add(-time.Second)
			for v := VAT20; v.Known(); v++ {
				before, after := v.ValidOn(last), v.ValidOn(first)
				switch {
				case in(e.began, v):
					if before || !after {
						t.Errorf("%s begins on %s: %v %v", v, e.day, before, after)
					}
				case in(e.stopped, v):
					if !before || after {
						t.Errorf("%s ends before %s: %v %v", v, e.day, before, after)
					}
				case before != after:
					t.Errorf("%s changes on %s", v, e.day)
				}
			}
		}
	}
	for _, v := range []VAT{VAT10, VAT10110, VAT0, VATNone} {
		for year := 2017; year < 2040; year++ {
			if !v.ValidOn(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%s in %d", v, year)
			}
		}
	}
	if (VAT(0)).ValidOn(time.Now()) || VAT(13).ValidOn(time.Now()) {
		t.Error("unknown codes are never valid")
	}
}

// Codes 1 and 3 were 18 % until 2018-12-31.
func TestOfOn(t *testing.T) {
	before, after := time.Date(2018, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		v    VAT
		at   time.Time
		want Kopecks
	}{
		{VAT20, before, 1800}, {VAT20, after, 1967}, {VAT20120, before, 1800}, {VAT20120, after, 1967},
		{VAT20, time.Time{}, 1967}, {VAT10, before, 1073}, {VATNone, before, 0},
	} {
		if got := c.v.OfOn(11800, c.at); got != c.want {
			t.Errorf("%s of 118.00 on %s: %d, want %d", c.v, c.at.Format(time.DateOnly), got, c.want)
		}
	}
	if VAT20.OfOn(-11800, before) != -1800 {
		t.Error("negative sum")
	}
}

func TestForAdvance(t *testing.T) {
	want := map[VAT]VAT{VAT20: VAT20120, VAT10: VAT10110, VAT5: VAT5105, VAT7: VAT7107, VAT22: VAT22122}
	for v := VAT20; v.Known(); v++ {
		w, changes := want[v]
		if !changes {
			w = v
		}
		if got := v.ForAdvance(); got != w || got.Percent() != v.Percent() {
			t.Errorf("%s: %s", v, got)
		}
	}
}

// The sum of rounded items, and for turnover rates the turnover.
func TestItemVAT(t *testing.T) {
	got := ItemVAT([]Item{{Sum: 9999, VAT: VAT22}, {Sum: 9999, VAT: VAT22}, {Sum: 500, VAT: VATNone}, {Sum: 3, VAT: VAT20}, {Sum: 1, VAT: 99}})
	want := []VATSum{{VAT20, 1}, {VATNone, 500}, {VAT22, 3606}}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Error(got, want)
		}
	}
}
