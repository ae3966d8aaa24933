package clock

import (
	"testing"
	"time"
)

func TestSystemMovesForward(t *testing.T) {
	c := System()
	a, b := c.Now(), c.Now()
	if b.MonoMS < a.MonoMS || a.Boot == "" || a.Boot != b.Boot || a.MonoMS <= 0 {
		t.Fatalf("readings %+v, %+v", a, b)
	}
}

func TestSince(t *testing.T) {
	day := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	now := Reading{Wall: day, Synced: true, Boot: "b", MonoMS: 500_000}
	cases := []struct {
		name   string
		old    Reading
		offset int64
		want   time.Duration
	}{
		{"same boot, whatever the wall says", Reading{Wall: day.Add(100 * time.Hour), Boot: "b", MonoMS: 400_000}, 0, 100 * time.Second},
		{"other boot, set clocks", Reading{Wall: day.Add(-time.Hour), Synced: true, Boot: "a", MonoMS: 9}, 0, time.Hour},
		{"other boot, clock set later in it", Reading{Wall: time.Unix(0, 0), Boot: "a", MonoMS: 60_000}, day.Add(-2 * time.Hour).UnixMilli(), 2*time.Hour - time.Minute},
		{"other boot, clock was ahead", Reading{Wall: day.Add(time.Hour), Synced: true, Boot: "a"}, 0, 0},
		{"same boot, never negative", Reading{Boot: "b", MonoMS: 600_000}, 0, 0},
	}
	for _, c := range cases {
		if got := now.Since(c.old, c.offset); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if back := now.At(3 * time.Second); now.Since(back, 0) != 3*time.Second || now.At(-time.Hour) != now {
		t.Error("At and Since disagree")
	}
}
