package till

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// pairOf is two hubs on one database: each a world of its own over the same
// registers and clock.
func pairOf(t *testing.T, c *clock) (a, b *store.Store) {
	t.Helper()
	storetest.OwnServer(t)
	address := storetest.Address(t)
	open := func(name string) *store.Store {
		s, err := store.Open(context.Background(), address, c.now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.Serve(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		return s
	}
	return open("a"), open("b")
}

// What a schedule of two hubs does at a step, beside stepping one of them.
const (
	hubDies    = 20 + iota // and starts again at once
	hubSleeps              // suspended: longer than a lease and the longest command, while the other works
	jobsCome               // while both are at work
	stepsUntil             // the first number beyond
)

// playTwo runs one schedule of two hubs that share lanes: exchanges with the
// registers fail, a hub dies or is suspended between any two steps, lanes go
// from one to the other.
func playTwo(t *rapid.T, stores [2]*store.Store, c *clock, lanes int) error {
	worlds++
	seller := fmt.Sprintf("s%d", worlds)
	addSeller(t, stores[0], seller)
	regs := map[string]*register{}
	var ids []string
	for i := range lanes {
		id := fmt.Sprintf("%s-l%d", seller, i)
		addLane(t, stores[0], seller, id)
		ids = append(ids, id)
		r := newRegister(c.now, fmt.Sprintf("9999%06d%06d", worlds, i), "7701237658")
		r.settle = barrierAndKey
		r.fates = fates(rapid.SliceOfN(rapid.IntRange(0, 3*int(fateCount)), 0, 10).Draw(t, "fates"))
		regs[id] = r
	}
	n := 0
	add := func(jobs int) {
		for range jobs {
			n++
			addJob(t, stores[n%2], seller, "", n, c.now(), 5000)
		}
	}
	add(rapid.IntRange(1, 4).Draw(t, "jobs"))
	var hubs [2]*world
	for i, s := range stores {
		hubs[i] = &world{s: s, clock: c, seller: seller, regs: regs, lanes: ids, holder: string(rune('a' + i))}
		if err := hubs[i].boot(); err != nil {
			return err
		}
	}
	flush := func() {
		for _, r := range regs {
			r.flush()
		}
	}
	// sleep moves the clock to the first moment at which one of the hubs does something.
	sleep := func(latest time.Time, hubs ...*world) bool {
		var first time.Time
		for _, h := range hubs {
			at, asleep := h.earliest()
			if !asleep {
				return true
			}
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		if first.IsZero() || first.After(latest) {
			return false
		}
		if first.After(c.t) {
			c.t = first
		}
		return true
	}
	for _, o := range rapid.SliceOfN(rapid.IntRange(0, stepsUntil-1), 10, 120).Draw(t, "order") {
		h := o % 2
		switch {
		case o == hubDies:
			h = rapid.IntRange(0, 1).Draw(t, "dies")
			if err := hubs[h].boot(); err != nil {
				return err
			}
		case o == hubSleeps:
			h = rapid.IntRange(0, 1).Draw(t, "sleeps")
			for i, w := range hubs { // the worst moment: the intent is stored, nothing is sent
				for _, v := range w.workers {
					if _, about := v.act.(submit); about {
						h = i
					}
				}
			}
			// A register ends what it runs within the longest command.
			c.t = c.t.Add(time.Minute)
			flush()
			c.t = c.t.Add(3 * time.Minute)
			for range rapid.IntRange(0, 40).Draw(t, "the other does") {
				if sleep(c.t.Add(time.Minute), hubs[1-h]) {
					for _, l := range ids {
						hubs[1-h].step(l)
					}
				}
			}
		case o == jobsCome:
			add(1)
		default:
			sleep(c.t.Add(time.Hour), hubs[:]...)
			hubs[h].step(ids[o/2%len(ids)])
		}
	}
	flush()
	for _, r := range regs {
		r.fates = nil
	}
	for end := c.t.Add(10 * time.Minute); sleep(end, hubs[:]...); { // all faults are over, both hubs are well
		for _, h := range hubs {
			for _, l := range ids {
				h.step(l)
			}
		}
	}
	return hubs[0].check()
}

// TestTwoHubsMakeEachDocumentOnce: whatever happens to hubs and registers, each
// job has one document and one receipt, whichever hub made it.
func TestTwoHubsMakeEachDocumentOnce(t *testing.T) {
	for _, lanes := range []int{1, 3} {
		t.Run(fmt.Sprint("lanes=", lanes), func(t *testing.T) {
			c := start()
			a, b := pairOf(t, c)
			rapid.Check(t, func(t *rapid.T) {
				if err := playTwo(t, [2]*store.Store{a, b}, c, lanes); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestALaneGoesToTheHubThatLives: one hub dies with lanes leased; the other
// takes them when lease and longest command have passed, and not before.
func TestALaneGoesToTheHubThatLives(t *testing.T) {
	c := start()
	a, b := pairOf(t, c)
	addSeller(t, a, "s")
	addLane(t, a, "s", "l")
	r := newRegister(c.now, "9999078900000001", "7701237658")
	r.settle = barrierAndKey
	boot := func(s *store.Store, holder string) *world {
		w := &world{s: s, clock: c, seller: "s", regs: map[string]*register{"l": r}, lanes: []string{"l"}, holder: holder}
		if err := w.boot(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	rest := func(w *world) { // until it has nothing to do at this moment
		for {
			at, asleep := w.earliest()
			if asleep && (at.IsZero() || at.After(c.t)) {
				return
			}
			w.step("l")
		}
	}
	first, second := boot(a, "a"), boot(b, "b")
	rest(first)
	rest(second)
	addJob(t, a, "s", "", 1, c.now(), 5000)
	c.t = c.t.Add(30 * time.Second)
	rest(first)
	if n := len(r.docs); n == 0 {
		t.Fatal("the first hub makes nothing")
	}
	made := len(r.docs)
	kept := c.t // its last sign of life
	addJob(t, b, "s", "", 2, c.now(), 5000)
	for c.t.Before(kept.Add(time.Minute + 2*time.Minute - time.Second)) {
		c.t = c.t.Add(time.Second)
		rest(second)
	}
	if len(r.docs) != made {
		t.Fatal("the second hub did not wait for lease and longest command")
	}
	for len(r.docs) == made {
		if c.t = c.t.Add(time.Second); c.t.After(kept.Add(10 * time.Minute)) {
			t.Fatal("the second hub never takes over")
		}
		rest(second)
	}
	rest(first) // it was only asleep: it must notice before it sends
	if err := second.check(); err != nil {
		t.Error(err)
	}
}

// TestALaneTakenBackSaysHowItDoes: what another hub stored of a lane while it
// had it does not outlive its time. The simulation found lanes at work that the
// dashboard went on calling busy.
func TestALaneTakenBackSaysHowItDoes(t *testing.T) {
	first := single(t)
	second := &world{s: first.s, clock: first.clock, seller: "s", regs: first.regs, lanes: first.lanes, holder: "second"}
	lane := func(want State) {
		t.Helper()
		l, err := first.s.Lane(t.Context(), "l")
		if err != nil || l.State != string(want) {
			t.Fatalf("the lane is called %s, %v; want %s", l.State, err, want)
		}
	}
	first.rest(t, time.Minute)
	lane(OK)
	first.clock.t = first.clock.t.Add(10 * time.Minute) // it is suspended, its lease is over
	second.reboot(t)
	second.upToSubmit(addJob(t, first.s, "s", "", 1, first.clock.t, 500))
	first.reg().fates = []fate{lostAnswer}
	second.step("l")
	first.reg().down = true
	second.rest(t, 10*time.Minute)
	lane(Ambiguous)
	first.reg().down = false
	first.clock.t = first.clock.t.Add(10 * time.Minute) // the second has died, the first wakes
	first.rest(t, 10*time.Minute)
	lane(OK)
}
