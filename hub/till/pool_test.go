package till

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/store"
	"pgregory.net/rapid"
)

type fakeQueue struct {
	list  []store.Candidate
	reads int
}

func (q *fakeQueue) Candidates(_ context.Context, _ string, n int) ([]store.Candidate, error) {
	q.reads++
	return append([]store.Candidate(nil), q.list[:min(n, len(q.list))]...), nil
}

func sit(p *pool, id string, test bool, tax fiscal.TaxSystem) *seat {
	return p.sit(store.Lane{ID: id, Test: test, TaxSystems: tax})
}

func takeOne(t testing.TB, p *pool, s *seat, now int64) string {
	t.Helper()
	c, ok, _, err := p.pick(context.Background(), s, time.UnixMilli(now), true, true)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return ""
	}
	return c.ID
}

func TestBuyerFirstThenOldest(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{
		{ID: "old", SoldAt: 1, YoungTill: 10}, {ID: "older backlog", SoldAt: 0, YoungTill: 5},
		{ID: "young late", SoldAt: 90, YoungTill: 200}, {ID: "young", SoldAt: 80, YoungTill: 190}, {ID: "not yet", SoldAt: 0, YoungTill: 300, NextAt: 1000},
	}}
	p := newPool("s", q)
	s := sit(p, "a", false, 1)
	for _, want := range []string{"young", "young late", "older backlog", "old", ""} {
		if got := takeOne(t, p, s, 100); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
	if _, _, at, _ := p.pick(context.Background(), s, time.UnixMilli(100), true, true); at.UnixMilli() != 1000 {
		t.Errorf("next at %d", at.UnixMilli())
	}
	if q.reads != 1 {
		t.Errorf("the queue was read %d times", q.reads)
	}
}

func TestBeforeIsAnOrder(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) store.Candidate {
		return store.Candidate{ID: rapid.StringN(1, 2, 2).Draw(t, "id"), SoldAt: rapid.Int64Range(0, 4).Draw(t, "sold"), YoungTill: rapid.Int64Range(0, 8).Draw(t, "young")}
	})
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Int64Range(0, 8).Draw(t, "now")
		a, b, c := one.Draw(t, "a"), one.Draw(t, "b"), one.Draw(t, "c")
		if before(now, a, a) || before(now, a, b) && before(now, b, a) {
			t.Fatal("not strict")
		}
		if before(now, a, b) && before(now, b, c) && !before(now, a, c) {
			t.Fatal("not transitive")
		}
		if a.YoungTill > now && b.YoungTill <= now && !before(now, a, b) {
			t.Fatal("a waiting buyer does not go first")
		}
	})
}

// TestEachJobIsClaimedOnce whatever lanes pick in whatever order.
func TestEachJobIsClaimedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := &fakeQueue{}
		n := rapid.IntRange(0, 120).Draw(t, "jobs")
		for i := range n {
			q.list = append(q.list, store.Candidate{ID: fmt.Sprint(i), Machine: fmt.Sprint(i % 5), SoldAt: int64(i)})
		}
		p := newPool("s", q)
		var seats []*seat
		for i := range rapid.IntRange(1, 4).Draw(t, "lanes") {
			seats = append(seats, sit(p, fmt.Sprint("lane", i), false, 1))
		}
		got := map[string]bool{}
		for idle := 0; idle < len(seats); {
			s := rapid.SampledFrom(seats).Draw(t, "seat")
			c, ok, _, err := p.pick(context.Background(), s, time.UnixMilli(10), true, true)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				idle = 0
				for _, s := range seats {
					if s.idle {
						idle++
					}
				}
				continue
			}
			if got[c.ID] {
				t.Fatalf("job %s was claimed twice", c.ID)
			}
			got[c.ID] = true
			for i := range q.list { // its intent is committed
				if q.list[i].ID == c.ID {
					q.list = append(q.list[:i], q.list[i+1:]...)
					break
				}
			}
			p.drop(c.ID, false)
			idle = 0
		}
		if len(got) != n {
			t.Fatalf("%d of %d jobs were taken", len(got), n)
		}
	})
}

func TestMachineStaysWithItsLaneAndSpillsOver(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{{ID: "1", Machine: "m"}}}
	p := newPool("s", q)
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	if takeOne(t, p, a, 1) != "1" {
		t.Fatal("not taken")
	}
	q.list = nil
	takeOne(t, p, a, 1)
	takeOne(t, p, b, 1) // both rest
	q.list = []store.Candidate{{ID: "2", Machine: "m"}}
	p.came("m")
	select {
	case <-a.wake:
	default:
		t.Error("the machine's own lane was not woken")
	}
	a.idle = true // not there yet
	if got := takeOne(t, p, b, 1); got != "" {
		t.Errorf("another lane took %q from an idle one", got)
	}
	a.idle = false // busy
	if got := takeOne(t, p, b, 1); got != "2" {
		t.Errorf("took %q, want 2", got)
	}
}

func TestWhatALaneTakes(t *testing.T) {
	for _, c := range []struct {
		laneTest, jobTest, hasReal, want bool
		tax                              fiscal.TaxSystem
	}{
		{false, false, true, true, 1}, {false, true, true, false, 1}, {true, false, true, false, 1}, {true, true, true, true, 1},
		{true, false, false, true, 1}, {true, true, false, true, 1}, {false, false, true, false, 2}, {false, false, true, true, 0},
	} {
		l := store.Lane{Test: c.laneTest, TaxSystems: 1}
		if got := takes(l, store.Candidate{Test: c.jobTest, TaxSystem: c.tax}, c.hasReal); got != c.want {
			t.Errorf("%+v gives %v", c, got)
		}
	}
}

func TestLanesWaitForTheirSiblings(t *testing.T) {
	p := newPool("s", &fakeQueue{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	if p.mayWork(a) {
		t.Error("works before its sibling was looked at")
	}
	p.tells(b, true)
	if !p.mayWork(a) {
		t.Error("waits for a sibling that can't be reached")
	}
	p.foundLost()
	if p.mayWork(a) {
		t.Error("works although the database had lost documents and a sibling was not looked at")
	}
	if !p.mayWork(b) || !p.mayWork(a) {
		t.Error("both were looked at")
	}
}
