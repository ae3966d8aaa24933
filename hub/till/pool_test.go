package till

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/hub/store"
	"pgregory.net/rapid"
)

type fakeQueue struct {
	list  []store.Candidate
	reads int
}

func (q *fakeQueue) Candidates(_ context.Context, _, _ string, from int64, n int) (store.Waiting, error) {
	q.reads++
	var w store.Waiting
	for _, c := range q.list {
		switch {
		case c.SoldAt <= from && from > 0:
		case len(w.Jobs) == n:
			w.More = true
		default:
			w.Jobs = append(w.Jobs, c)
		}
	}
	return w, nil
}

func sit(p *pool, id string, test bool, tax fiscal.TaxSystem) *seat {
	return p.sit(store.Lane{ID: id, Test: test, TaxSystems: tax})
}

func takeOne(t testing.TB, p *pool, s *seat, now int64) string {
	t.Helper()
	c, ok, _, err := p.pick(context.Background(), s, time.UnixMilli(now), ask{claim: true, rest: true})
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
	p := newPool("s", q, time.Time{})
	s := sit(p, "a", false, 1)
	for _, want := range []string{"young", "young late", "older backlog", "old", ""} {
		if got := takeOne(t, p, s, 100); got != want {
			t.Errorf("took %q, want %q", got, want)
		}
	}
	if _, _, at, _ := p.pick(context.Background(), s, time.UnixMilli(100), ask{claim: true, rest: true}); at.UnixMilli() != 1000 {
		t.Errorf("next at %d", at.UnixMilli())
	}
	if q.reads != 1 {
		t.Errorf("the queue was read %d times", q.reads)
	}
}

func TestBeforeIsAnOrder(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) store.Candidate {
		return store.Candidate{ID: rapid.StringN(1, 2, 2).Draw(t, "id"), Machine: rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(t, "machine"), SoldAt: rapid.Int64Range(0, 4).Draw(t, "sold"), YoungTill: rapid.Int64Range(0, 8).Draw(t, "young")}
	})
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Int64Range(0, 8).Draw(t, "now")
		turns := &turns{now: 2, of: map[string]int64{"x": 3, "y": 4, "z": 1}}
		before := turns.before
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
		p := newPool("s", q, time.Time{})
		var seats []*seat
		for i := range rapid.IntRange(1, 4).Draw(t, "lanes") {
			seats = append(seats, sit(p, fmt.Sprint("lane", i), false, 1))
		}
		got := map[string]bool{}
		now := time.UnixMilli(10)
		for idle := 0; idle < len(seats); { // until all have looked in a row and found nothing, now or later
			s := seats[rapid.IntRange(0, len(seats)-1).Draw(t, "seat")]
			c, ok, nextAt, err := p.pick(context.Background(), s, now, ask{claim: true, rest: true})
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
				if !nextAt.IsZero() && idle == len(seats) {
					now, idle = nextAt, 0
					for _, s := range seats {
						s.idle = false
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

// came puts a job into the pool as the store tells it.
func came(p *pool, c store.Candidate) { p.came(store.Queued{Seller: p.seller, Job: c, Young: true}) }

func TestMachineStaysWithItsLaneAndSpillsOver(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{{ID: "1", Machine: "m"}}}
	p := newPool("s", q, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	spill := defaultSpill.Milliseconds()
	if takeOne(t, p, a, 1) != "1" {
		t.Fatal("not taken")
	}
	q.list = nil
	takeOne(t, p, a, 1)
	takeOne(t, p, b, 1) // both rest
	came(p, store.Candidate{ID: "2", Machine: "m", QueuedAt: 1000})
	select {
	case <-a.wake:
	default:
		t.Error("the machine's own lane was not woken")
	}
	if got := takeOne(t, p, b, 1000+spill-1); got != "" {
		t.Errorf("another lane took %q before the spill", got)
	}
	if _, _, at, _ := p.pick(context.Background(), b, time.UnixMilli(1001), ask{}); at.UnixMilli() != 1000+spill {
		t.Errorf("the other lane comes again at %d", at.UnixMilli())
	}
	if got := takeOne(t, p, b, 1000+spill); got != "2" {
		t.Errorf("after the spill another lane took %q", got)
	}
	takeOne(t, p, b, 1300) // and has done it
	came(p, store.Candidate{ID: "3", Machine: "m", QueuedAt: 1300})
	if got := takeOne(t, p, a, 1301); got != "" {
		t.Errorf("the machine stays with its last lane, but the first took %q", got)
	}
	p.tells(b, true)
	if got := takeOne(t, p, a, 1301); got != "3" {
		t.Errorf("its lane is down: took %q", got)
	}
	p.tells(b, false)
	p.working(a, "other", 1301)
	came(p, store.Candidate{ID: "4", Machine: "m", QueuedAt: 1302, YoungTill: 9000})
	if got := takeOne(t, p, b, 1302); got != "4" {
		t.Errorf("a buyer waits, his machine's lane is busy, and the free one took %q", got)
	}
}

// TestAMachinesReceiptsKeepTheirOrder: its next job waits for the former under
// way on another lane, unless that one is stuck.
func TestAMachinesReceiptsKeepTheirOrder(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{{ID: "1", Machine: "m", SoldAt: 1}, {ID: "2", Machine: "m", SoldAt: 2}, {ID: "3", Machine: "n", SoldAt: 3}}}
	p := newPool("s", q, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	if got := takeOne(t, p, a, 10_000); got != "1" {
		t.Fatal(got)
	}
	if got := takeOne(t, p, b, 10_000); got != "3" {
		t.Errorf("took %q", got)
	}
	if got := takeOne(t, p, b, 10_001); got != "" {
		t.Errorf("took %q while the former is under way", got)
	}
	p.tells(a, true)
	if got := takeOne(t, p, b, 10_002); got != "" {
		t.Errorf("took %q: a lane that fails may still make it", got)
	}
	if got := takeOne(t, p, b, 10_000+keepsOrder.Milliseconds()); got != "2" {
		t.Errorf("took %q although the former is stuck", got)
	}
}

// TestABacklogStarvesNobody: however long one machine's backlog is, another's
// sale waits for at most one document of each machine.
func TestABacklogStarvesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := &fakeQueue{}
		p := newPool("s", q, time.Time{})
		s := sit(p, "lane", false, 1)
		machines := rapid.IntRange(2, 5).Draw(t, "machines")
		n := 0
		waiting := map[string][]int64{} // sales of a machine, oldest first
		served := map[string]int{}      // since the machine has had work without a break
		add := func(m string, count int) {
			for range count {
				n++
				c := store.Candidate{ID: fmt.Sprintf("%04d", n), Machine: m, SoldAt: int64(n)}
				p.list = append(p.list, c)
				waiting[m] = append(waiting[m], c.SoldAt)
			}
		}
		add("m0", 20)
		p.stale = false
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "sale") {
				m := fmt.Sprintf("m%d", rapid.IntRange(0, machines-1).Draw(t, "machine"))
				if len(waiting[m]) == 0 {
					served = map[string]int{}
				}
				add(m, rapid.IntRange(1, 3).Draw(t, "sales"))
				continue
			}
			c, ok, _, err := p.pick(context.Background(), s, time.UnixMilli(1_000_000), ask{claim: true})
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			p.drop(c.ID, false)
			if c.SoldAt != waiting[c.Machine][0] {
				t.Fatalf("machine %s: sale %d before %d", c.Machine, c.SoldAt, waiting[c.Machine][0])
			}
			waiting[c.Machine] = waiting[c.Machine][1:]
			served[c.Machine]++
			for m, w := range waiting {
				if len(w) > 0 && served[c.Machine] > served[m]+2 {
					t.Fatalf("%s was served %d times, %s waits and was served %d times", c.Machine, served[c.Machine], m, served[m])
				}
			}
			if len(waiting[c.Machine]) == 0 {
				served = map[string]int{}
			}
		}
	})
}

// TestAProbeIsNoBuyers: a lane that tries whether it works again takes a job
// whose buyer waits only when no other lane can.
func TestAProbeIsNoBuyers(t *testing.T) {
	p := newPool("s", &fakeQueue{}, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	a.looked, b.looked, p.stale = true, true, false
	p.list = []store.Candidate{{ID: "young", YoungTill: 100}, {ID: "old"}}
	probe := func() string {
		c, _, _, err := p.pick(context.Background(), a, time.UnixMilli(50), ask{probe: true})
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	if got := probe(); got != "old" {
		t.Errorf("probes with %q", got)
	}
	p.tells(b, true)
	if got := probe(); got != "young" {
		t.Errorf("with nobody else probes with %q", got)
	}
}

// TestARefusedJobGoesToAnotherLane: what one register can't make as it is goes
// to one that may, and comes back to nobody when none is left.
func TestARefusedJobGoesToAnotherLane(t *testing.T) {
	p := newPool("s", &fakeQueue{}, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	p.stale = false
	job := store.Candidate{ID: "marked"}
	p.list = []store.Candidate{job}
	if takeOne(t, p, a, 1) != "marked" || !p.refuse(a, job, fault.MarkingUnsupported) {
		t.Fatal("nobody else may try")
	}
	p.stale, p.list = false, []store.Candidate{job}
	if got := takeOne(t, p, a, 1); got != "" {
		t.Errorf("the same lane took %q again", got)
	}
	if takeOne(t, p, b, 1) != "marked" || p.refuse(b, job, fault.MarkingUnsupported) {
		t.Error("passed on although no lane is left")
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
		if got := unable(l, store.Candidate{Test: c.jobTest, TaxSystem: c.tax}, c.hasReal) == ""; got != c.want {
			t.Errorf("%+v gives %v", c, got)
		}
	}
	own := store.Lane{Zone: "Europe/Moscow", Settings: store.LaneSettings{OwnZone: true}}
	for zone, want := range map[string]Why{"": "", "Europe/Moscow": "", "Europe/Minsk": "", "Asia/Vladivostok": WhyZone, "No/Such": ""} {
		if got := unable(own, store.Candidate{Zone: zone, SoldAt: noon.UnixMilli()}, true); got != want {
			t.Errorf("zone %q: %q, want %q", zone, got, want)
		}
	}
}

func TestLanesWaitForTheirSiblings(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{{ID: "old", SoldAt: 1000}, {ID: "new", SoldAt: 1001}}}
	p := newPool("s", q, time.Time{})
	a, b := sit(p, "a", false, 1), sit(p, "b", false, 1)
	if p.mayWork(a) {
		t.Error("works before its sibling was looked at")
	}
	p.tells(b, true)
	if !p.mayWork(a) {
		t.Error("waits for a sibling that can't be reached")
	}
	// It works, but older sales may stand on the sibling when the database forgot.
	p.foundLost()
	p.begun = 1000
	if got := takeOne(t, p, a, 2000); got != "new" {
		t.Errorf("took %q", got)
	}
	q.list = q.list[:1]
	if got := takeOne(t, p, a, 2000); got != "" {
		t.Errorf("took %q, which may stand on a register that was not looked at", got)
	}
	if waits := p.waitsFor(a); len(waits) != 1 || waits[0] != "b" || p.whole() {
		t.Errorf("waits for %v", waits)
	}
	if !p.mayWork(b) || !p.whole() {
		t.Error("both were looked at")
	}
	if got := takeOne(t, p, a, 2000); got != "old" {
		t.Errorf("took %q", got)
	}
}
