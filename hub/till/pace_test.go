package till

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store"
	"pgregory.net/rapid"
)

// TestBucketHoldsTheRate: however documents come, none goes too early, and any
// stretch of time holds no more than its share and the burst.
func TestBucketHoldsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := bucket{every: time.Duration(rapid.IntRange(1, 5000).Draw(t, "every")) * time.Millisecond, burst: rapid.IntRange(0, 5).Draw(t, "burst")}
		now := noon
		var went []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "documents") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "pause")) * time.Millisecond)
			if at := b.at(now); !at.IsZero() {
				if !at.After(now) || at.Sub(now) > b.every {
					t.Fatalf("waits %s, one document takes %s", at.Sub(now), b.every)
				}
				now = at
				if at := b.at(now); !at.IsZero() {
					t.Fatalf("at %s it may still not go", now)
				}
			}
			b.take(now)
			went = append(went, now)
		}
		for i := range went {
			for k := i; k < len(went); k++ {
				span := went[k].Sub(went[i])
				if most := max(b.burst, 1) + int(span/b.every); k-i+1 > most {
					t.Fatalf("%d documents within %s, at most %d", k-i+1, span, most)
				}
			}
		}
	})
}

func TestNoRateIsNoLimit(t *testing.T) {
	b := bucket{}
	for range 100 {
		b.take(noon)
	}
	if at := b.at(noon); !at.IsZero() {
		t.Error(at)
	}
}

func TestBreaker(t *testing.T) {
	b := breaker{after: 3, first: 2 * time.Second}
	for range 2 {
		if !b.failed(noon).IsZero() || b.probing() {
			t.Fatal("opens too soon")
		}
	}
	if until := b.failed(noon); !until.Equal(noon.Add(2*time.Second)) || !b.probing() {
		t.Errorf("open until %s", until)
	}
	for i, want := range []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second, longestBreak, longestBreak} {
		if until := b.failed(noon); until.Sub(noon) != want {
			t.Errorf("probe %d failed: rest %s, want %s", i, until.Sub(noon), want)
		}
	}
	b.works()
	if b.probing() || !b.failed(noon).IsZero() {
		t.Error("a document was made, and it is still open")
	}
	for range 1000 {
		b.failed(noon)
	}
	if until := b.failed(noon); until.Sub(noon) != longestBreak {
		t.Errorf("after very many failures: %s", until.Sub(noon))
	}
	if never := (&breaker{}); !never.failed(noon).IsZero() {
		t.Error("a breaker without a limit opens")
	}
}

// TestLaneKeepsItsPace: between two documents lies what the lane's rate asks for.
func TestLaneKeepsItsPace(t *testing.T) {
	w := single(t)
	exec(t, w.s, `UPDATE lane SET settings = '{"per_minute":6,"burst":2}'`)
	w.reboot(t)
	for n := range 4 {
		addJob(t, w.s, "s", "", n, w.clock.t, 500)
	}
	begin := w.clock.t
	w.rest(t, 2*time.Minute)
	var at []time.Duration
	for _, d := range w.regs["l"].docs {
		if d.Key != "" {
			at = append(at, d.Receipt.At.Sub(begin.UTC().Truncate(time.Second)).Round(time.Second))
		}
	}
	if len(at) != 4 || at[1]-at[0] > time.Second || at[2]-at[1] != 10*time.Second || at[3]-at[2] != 10*time.Second {
		t.Errorf("documents at %v", at)
	}
}

func TestSettingsOfALane(t *testing.T) {
	set := Settings{CloseAt: "03:00"}
	set.defaults()
	r := rulesOf(&set, store.LaneSettings{}, time.UTC)
	if r.CloseAt != "03:00" || r.Every != 0 || r.BreakAfter != defaultBreakAfter || r.BreakFor != defaultBreakFor || !r.SetClock || r.InFlight != defaultInFlight {
		t.Errorf("%+v", r)
	}
	r = rulesOf(&set, store.LaneSettings{CloseAt: "04:30", PerMinute: 30, Burst: 4, BreakAfter: 7, BreakMS: 500, LeaveClock: true, InFlight: 3, SpillMS: 10}, time.UTC)
	if r.CloseAt != "04:30" || r.Every != 2*time.Second || r.Burst != 4 || r.BreakAfter != 7 || r.BreakFor != 500*time.Millisecond || r.SetClock || r.InFlight != 3 {
		t.Errorf("%+v", r)
	}
	if r = rulesOf(&set, store.LaneSettings{CloseAt: never}, time.UTC); r.CloseAt != "" {
		t.Errorf("%+v", r)
	}
}
