package till

import (
	"context"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

// queue is where a pool reads what waits.
type queue interface {
	Candidates(ctx context.Context, seller string, n int) ([]store.Candidate, error)
}

// before says whether a goes first: a waiting buyer before the backlog, then
// the older sale.
func before(now int64, a, b store.Candidate) bool {
	if ay, by := a.YoungTill > now, b.YoungTill > now; ay != by {
		return ay
	}
	if a.SoldAt != b.SoldAt {
		return a.SoldAt < b.SoldAt
	}
	return a.ID < b.ID
}

// takes says whether the lane can make the job's document at all. A test lane
// takes everything of a seller who has nothing else, otherwise tests only; a
// real lane never makes a test.
func takes(l store.Lane, c store.Candidate, hasReal bool) bool {
	if c.TaxSystem != 0 && l.TaxSystems&c.TaxSystem == 0 {
		return false
	}
	if l.Test {
		return c.Test || !hasReal
	}
	return !c.Test
}

// choose gives the index of the job to make next among those that mine allows,
// or -1 and the time (ms) at which one may be tried; 0 none.
func choose(now int64, list []store.Candidate, mine func(store.Candidate) bool) (best int, nextAt int64) {
	best = -1
	for i, c := range list {
		switch {
		case !mine(c):
		case c.NextAt > now:
			if nextAt == 0 || c.NextAt < nextAt {
				nextAt = c.NextAt
			}
		case best < 0 || before(now, c, list[best]):
			best = i
		}
	}
	return best, nextAt
}

// seat is a lane's place in its seller's pool.
type seat struct {
	lane   store.Lane
	wake   chan struct{}
	idle   bool
	looked bool // its register's documents are accounted for
	failed bool // it can't work now
}

// pool shares a seller's queue among its lanes: a machine stays with the lane
// that served it last, and goes to another when that one is not idle.
type pool struct {
	seller string
	queue  queue

	mu       sync.Mutex
	seats    map[string]*seat
	last     map[string]string // machine -> lane
	list     []store.Candidate
	stale    bool             // the queue has changed since list was read
	more     bool             // the queue was longer than list
	claimed  map[string]*seat // jobs between the list and their stored intent
	restored bool             // documents were found that the database had lost
}

func newPool(seller string, q queue) *pool {
	return &pool{seller: seller, queue: q, seats: map[string]*seat{}, last: map[string]string{}, claimed: map[string]*seat{}, stale: true}
}

// sit gives a lane its place.
func (p *pool) sit(l store.Lane) *seat {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &seat{lane: l, wake: make(chan struct{}, 1)}
	p.seats[l.ID] = s
	return s
}

// leave frees a lane's place.
func (p *pool) leave(s *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seats[s.lane.ID] == s {
		delete(p.seats, s.lane.ID)
	}
	for job, owner := range p.claimed { // of a worker that failed on the way
		if owner == s {
			delete(p.claimed, job)
			p.stale = true
		}
	}
	p.wakeAll()
}

func (p *pool) hasReal() bool {
	for _, s := range p.seats {
		if !s.lane.Test {
			return true
		}
	}
	return false
}

// pick claims the next job for the seat. Without one the seat counts as idle,
// if rest is set, and is woken when one comes.
func (p *pool) pick(ctx context.Context, s *seat, now time.Time, claim, rest bool) (c store.Candidate, ok bool, nextAt time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.idle = false
	ms := now.UnixMilli()
	real := p.hasReal()
	mine := func(c store.Candidate) bool {
		if !takes(s.lane, c, real) {
			return false
		}
		home := p.seats[p.last[c.Machine]]
		return home == nil || home == s || !home.idle || !takes(home.lane, c, real)
	}
	for range 2 {
		best, at := choose(ms, p.list, mine)
		if best >= 0 {
			c = p.list[best]
			if claim {
				p.list[best] = p.list[len(p.list)-1]
				p.list = p.list[:len(p.list)-1]
				p.claimed[c.ID] = s
				if c.Machine != "" {
					p.last[c.Machine] = s.lane.ID
				}
			}
			return c, true, time.Time{}, nil
		}
		if !p.stale && !(p.more && len(p.list) < len(p.seats)) {
			s.idle = rest
			if at != 0 {
				nextAt = time.UnixMilli(at)
			}
			return c, false, nextAt, nil
		}
		if err := p.read(ctx); err != nil {
			return c, false, time.Time{}, err
		}
	}
	s.idle = rest
	return c, false, now.Add(time.Second), nil
}

func (p *pool) read(ctx context.Context) error {
	n := 2*len(p.seats) + 30
	list, err := p.queue.Candidates(ctx, p.seller, n)
	if err != nil {
		return err
	}
	p.more, p.stale, p.list = len(list) >= n, false, p.list[:0]
	for _, c := range list {
		if p.claimed[c.ID] == nil {
			p.list = append(p.list, c)
		}
	}
	return nil
}

// drop ends a claim: what became of the job is committed. back says that it is
// in the queue again.
func (p *pool) drop(job string, back bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.claimed, job)
	if back {
		p.stale = true
	}
}

// came says that jobs of these machines came into the queue.
func (p *pool) came(machines ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = true
	for _, m := range machines {
		if s := p.seats[p.last[m]]; s != nil && s.idle {
			s.rouse()
		} else {
			p.wakeOne()
		}
	}
}

// wakeOne rouses one idle seat, or all when they differ in what they can make.
func (p *pool) wakeOne() {
	var first *seat
	for _, s := range p.seats {
		if first == nil {
			first = s
		}
		if s.lane.TaxSystems != first.lane.TaxSystems || s.lane.Test != first.lane.Test {
			p.wakeAll()
			return
		}
	}
	for _, s := range p.seats {
		if s.idle {
			s.rouse()
			return
		}
	}
}

func (p *pool) wakeAll() {
	for _, s := range p.seats {
		s.rouse()
	}
}

func (s *seat) rouse() {
	s.idle = false
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// tells notes how a lane does; when it stops being able to work, the others
// look at the queue.
func (p *pool) tells(s *seat, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed && !s.failed {
		s.idle = false
		defer p.wakeAll()
	}
	s.failed = failed
}

// mayWork says whether the seat's lane may send. All registers of the seller
// are looked at first, since what a lost database forgot may stand on any of
// them; one that can't be reached is waited for only when documents were found
// that the database had lost.
func (p *pool) mayWork(s *seat) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.looked = true
	for _, o := range p.seats {
		if !o.looked && (!o.failed || p.restored) {
			return false
		}
	}
	return true
}

func (p *pool) foundLost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restored = true
}
