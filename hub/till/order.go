package till

import "github.com/chekomat/chekomat/hub/store"

// turns shares lanes among machines: each job a machine is served moves its
// next turn one further, and a machine that comes anew starts at the turn of
// the present (start-time fair queuing with equal weights). So a backlog of one
// machine costs the others one document each, not its length.
type turns struct {
	now int64            // turn of the job taken last
	of  map[string]int64 // machine -> its next turn, where that is later than now
}

func (t *turns) next(machine string) int64 { return max(t.now, t.of[machine]) }

// forgetAt bounds the memory of turns: machines whose turn has come are as new.
const forgetAt = 4096

func (t *turns) took(machine string) {
	t.now = t.next(machine)
	if t.of == nil {
		t.of = map[string]int64{}
	}
	if len(t.of) >= forgetAt {
		for m, n := range t.of {
			if n <= t.now {
				delete(t.of, m)
			}
		}
	}
	t.of[machine] = t.now + 1
}

// before says whether a goes first: a waiting buyer before the backlog (a sale
// is backlog from YoungTill on), then the machine whose turn it is, then the
// older sale. One machine's sales so go in their order.
func (t *turns) before(now int64, a, b store.Candidate) bool {
	if ay, by := a.YoungTill > now, b.YoungTill > now; ay != by {
		return ay
	}
	if at, bt := t.next(a.Machine), t.next(b.Machine); at != bt {
		return at < bt
	}
	if a.SoldAt != b.SoldAt {
		return a.SoldAt < b.SoldAt
	}
	return a.ID < b.ID
}

// farAhead bounds a job's next try: one that lies farther ahead was set before
// the hub's clock was put back, and is due.
const farAhead = 600_000 // ms

func later(now, nextAt int64) bool { return nextAt > now && nextAt <= now+farAhead }

// choose gives the index of the job to make next among those that mine allows,
// or -1 and the time (ms) at which one may be made; 0 none. mine gives the time
// at which a job it refuses now would be allowed; 0 never.
func (t *turns) choose(now int64, list []store.Candidate, mine func(store.Candidate) (ok bool, at int64)) (best int, nextAt int64) {
	best = -1
	sooner := func(at int64) {
		if at > now && (nextAt == 0 || at < nextAt) {
			nextAt = at
		}
	}
	for i, c := range list {
		ok, at := mine(c)
		switch {
		case !ok:
			sooner(at)
		case later(now, c.NextAt):
			sooner(c.NextAt)
		case best < 0 || t.before(now, c, list[best]):
			best = i
		}
	}
	return best, nextAt
}

// unable says why a lane can't make the job at all; "" it can. A test lane
// takes everything of a seller who has nothing else, otherwise tests only; a
// real lane never makes a test.
func unable(l store.Lane, c store.Candidate, hasReal bool) Why {
	switch {
	case c.TaxSystem != 0 && l.TaxSystems&c.TaxSystem == 0:
		return WhyTaxSystem
	case l.Test && !c.Test && hasReal, !l.Test && c.Test:
		return WhyTest
	case l.Settings.OwnZone && c.Zone != "" && !sameTime(l.Zone, c.Zone, c.SoldAt):
		return WhyZone
	}
	return ""
}
