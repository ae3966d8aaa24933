package till

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/hub/store"
)

// queue is where a pool reads what waits.
type queue interface {
	Candidates(ctx context.Context, seller, after string, from int64, n int) (store.Waiting, error)
}

// seat is a lane's place in its seller's pool.
type seat struct {
	lane    store.Lane
	wake    chan struct{}
	idle    bool
	called  bool             // woken, and not yet come
	looked  bool             // its register's documents are accounted for
	failed  bool             // it can't work now
	away    bool             // another hub holds it
	leased  int64            // ms, when its lease ended as it was seen first; 0: nobody else has it
	closing bool             // its shift is being closed while it has time
	avoid   bool             // others of the pool go first: see outlook.Avoid
	machine string           // whose job is under way here
	since   int64            // ms, when that began
	aside   map[string]int64 // of a cloud: machines whose jobs wait for their outcome, since when
}

// Pool rules beside those of the lanes.
const (
	// defaultSpill is how long a job waits for the lane its machine stays with
	// before another takes it: that lane was woken and does not come, or is busy
	// and the buyer has gone. A waiting buyer's job waits for no busy lane.
	defaultSpill = 250 * time.Millisecond
	// keepsOrder is how long a job waits for the former one of its machine that
	// is under way on another lane. A document takes a register up to three
	// seconds; what takes longer is stuck.
	keepsOrder = 5 * time.Second
	// rereadAfter bounds how old a list may grow that is known to be stale.
	rereadAfter = time.Second
	// listMost bounds the young jobs that a pool takes in beside what it reads.
	listMost = 4096
)

// pool shares a seller's queue among its lanes. A machine stays with the lane
// that served it last. Another takes its job when that lane is down or busy (of
// a backlog: for longer than the spill), and never while the machine's former
// job is under way: so its receipts keep the order of its sales, unless one got
// stuck.
type pool struct {
	seller string
	queue  queue
	begun  int64 // ms: a sale after it can't have been made before this run

	mu       sync.Mutex
	seats    map[string]*seat
	last     map[string]string // machine -> lane
	turns    turns
	list     []store.Candidate
	cursor   string // machine after which the next reading of the queue begins
	readAt   int64
	stale    bool                             // the queue has changed since list was read
	more     bool                             // the queue was longer than list
	claimed  map[string]*seat                 // jobs between the list and their stored intent
	refused  map[string]map[string]fault.Code // job -> lanes whose registers can't make it
	restored bool                             // the database may lack documents that registers have
}

func newPool(seller string, q queue, begun time.Time) *pool {
	return &pool{seller: seller, queue: q, begun: begun.UnixMilli(), seats: map[string]*seat{}, last: map[string]string{},
		claimed: map[string]*seat{}, refused: map[string]map[string]fault.Code{}, stale: true}
}

// sit gives a lane its place.
func (p *pool) sit(l store.Lane) *seat {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &seat{lane: l, wake: make(chan struct{}, 1), aside: map[string]int64{}}
	p.seats[l.ID] = s
	for job, lanes := range p.refused { // it may have learnt
		delete(lanes, l.ID)
		if len(lanes) == 0 {
			delete(p.refused, job)
		}
	}
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

// ask is what a lane wants of the pool.
type ask struct {
	claim bool // take the job; else only say whether there is one
	rest  bool // without one the lane rests and is woken when one comes
	probe bool // the lane tries whether it works again: no buyer should wait for that
}

// pick gives the next job for the seat, or the time at which there may be one.
func (p *pool) pick(ctx context.Context, s *seat, now time.Time, a ask) (c store.Candidate, ok bool, nextAt time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.idle, s.called, s.closing, s.machine = false, false, false, ""
	ms := now.UnixMilli()
	if p.stale && (ms-p.readAt >= rereadAfter.Milliseconds() || ms < p.readAt) {
		if err := p.read(ctx, ms); err != nil {
			return c, false, time.Time{}, err
		}
	}
	mine := p.mine(s, ms, a.probe)
	for range 2 {
		best, at := p.turns.choose(ms, p.list, mine)
		if best >= 0 {
			c = p.list[best]
			if a.claim {
				p.claim(s, ms, best)
			}
			return c, true, time.Time{}, nil
		}
		if !p.stale && !(p.more && len(p.list) < len(p.seats)) {
			s.idle = a.rest
			if at != 0 {
				nextAt = time.UnixMilli(at)
			}
			return c, false, nextAt, nil
		}
		if err := p.read(ctx, ms); err != nil {
			return c, false, time.Time{}, err
		}
	}
	s.idle = a.rest
	return c, false, now.Add(time.Second), nil
}

func (p *pool) claim(s *seat, now int64, i int) {
	c := p.list[i]
	p.list[i] = p.list[len(p.list)-1]
	p.list = p.list[:len(p.list)-1]
	p.claimed[c.ID] = s
	p.turns.took(c.Machine)
	if c.Machine != "" {
		p.last[c.Machine] = s.lane.ID
		s.machine, s.since = c.Machine, now
	}
}

// mine says which jobs the seat may take now, and of others from when on.
func (p *pool) mine(s *seat, now int64, probe bool) func(store.Candidate) (bool, int64) {
	real, unlooked := p.hasReal(), p.restored && len(p.unlooked(s)) > 0
	underWay := map[string]int64{} // machine -> until when its next job is held back here
	holds := func(machine string, since int64) {
		if until := since + keepsOrder.Milliseconds(); machine != "" && now < until && since <= now {
			underWay[machine] = max(underWay[machine], until)
		}
	}
	for _, o := range p.seats {
		if o != s {
			holds(o.machine, o.since)
		}
		for m, since := range o.aside {
			holds(m, since)
		}
	}
	spill := spillOf(s.lane.Settings).Milliseconds()
	return func(c store.Candidate) (bool, int64) {
		if unable(s.lane, c, real) != "" || p.refused[c.ID][s.lane.ID] != "" {
			return false, 0
		}
		if s.avoid && p.spared(s, c, real) {
			return false, 0 // woken when none other works any more
		}
		if unlooked && c.SoldAt <= p.begun {
			return false, 0 // it may have been made already, on a register that can't be asked
		}
		if probe && c.YoungTill > now && p.healthy(s, c, real) {
			return false, 0
		}
		if c.Machine == "" {
			return true, 0
		}
		if until := underWay[c.Machine]; until > 0 {
			return false, until
		}
		home := p.seats[p.last[c.Machine]]
		if home == nil || home == s || home.failed || home.avoid || unable(home.lane, c, real) != "" || p.refused[c.ID][home.lane.ID] != "" {
			return true, 0
		}
		if c.YoungTill > now && !home.idle && !home.called {
			return true, 0 // its lane is busy, this one is free, a buyer waits
		}
		at := c.QueuedAt + spill
		return now >= at || c.QueuedAt > now, at
	}
}

// spared says whether a lane works that can make the job and need not be avoided.
func (p *pool) spared(s *seat, c store.Candidate, real bool) bool {
	for _, o := range p.seats {
		if o != s && !o.failed && !o.avoid && o.looked && unable(o.lane, c, real) == "" && p.refused[c.ID][o.lane.ID] == "" {
			return true
		}
	}
	return false
}

// avoids says whether sales should go to the seat's siblings while they can.
func (p *pool) avoids(s *seat, avoid bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.avoid != avoid {
		s.avoid = avoid
		p.wakeAll()
	}
}

// healthy says whether another lane works that can make the job.
func (p *pool) healthy(s *seat, c store.Candidate, real bool) bool {
	for _, o := range p.seats {
		if o != s && !o.failed && o.looked && unable(o.lane, c, real) == "" {
			return true
		}
	}
	return false
}

func (p *pool) read(ctx context.Context, now int64) error {
	n := 2*len(p.seats) + 30
	from := int64(0)
	if p.restored && len(p.unlooked(nil)) > 0 {
		from = p.begun // the older would hide those that may be made
	}
	w, err := p.queue.Candidates(ctx, p.seller, p.cursor, from, n)
	if err != nil {
		return err
	}
	p.more, p.stale, p.readAt, p.cursor, p.list = w.More, false, now, w.Next, p.list[:0]
	for _, c := range w.Jobs {
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
	} else {
		delete(p.refused, job)
	}
}

// refuse notes that the lane's register can't make the job as it is. passed
// says that another lane may: the job stays in the queue.
func (p *pool) refuse(s *seat, c store.Candidate, code fault.Code) (passed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lanes := p.refused[c.ID]
	if lanes == nil {
		lanes = map[string]fault.Code{}
		p.refused[c.ID] = lanes
	}
	lanes[s.lane.ID] = code
	real := p.hasReal()
	for _, o := range p.seats {
		if lanes[o.lane.ID] == "" && unable(o.lane, c, real) == "" {
			passed = true
		}
	}
	if passed {
		delete(p.claimed, c.ID)
		s.machine = ""
		p.stale = true
		p.wakeAll()
	}
	return passed
}

// working says that a job of the machine is under way on the seat since then.
func (p *pool) working(s *seat, machine string, since int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.machine, s.since = machine, since
}

// setAside says that a job of the machine waits for its outcome on the seat
// since then; 0: it no longer does.
func (p *pool) setAside(s *seat, machine string, since int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if since == 0 {
		delete(s.aside, machine)
	} else {
		s.aside[machine] = since
	}
}

// came takes in jobs that came into the queue. Those with a waiting buyer are
// known at once; a backlog is read when it is its turn.
func (p *pool) came(jobs ...store.Queued) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range jobs {
		if !q.Young || len(p.list) >= listMost {
			p.stale = true
		} else if p.claimed[q.Job.ID] == nil {
			i := slices.IndexFunc(p.list, func(c store.Candidate) bool { return c.ID == q.Job.ID })
			if i < 0 {
				p.list = append(p.list, q.Job)
			} else {
				p.list[i] = q.Job
			}
		}
		if s := p.seats[p.last[q.Job.Machine]]; s != nil && s.idle {
			s.rouse()
		} else {
			p.wakeOne()
		}
	}
}

// tick makes the pool look at the queue: a signal may have been missed.
func (p *pool) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = true
	p.wakeOne()
}

// wakeOne rouses one idle seat, or all when they differ in what they can make.
func (p *pool) wakeOne() {
	var first *seat
	for _, s := range p.seats {
		if first == nil {
			first = s
		}
		if s.lane.TaxSystems != first.lane.TaxSystems || s.lane.Test != first.lane.Test || s.lane.Settings.OwnZone || len(p.refused) > 0 {
			p.wakeAll()
			return
		}
	}
	var next *seat // the first by name: a simulation's story must not depend on chance
	for _, s := range p.seats {
		if s.idle && (next == nil || s.lane.ID < next.lane.ID) {
			next = s
		}
	}
	if next != nil {
		next.rouse()
	}
}

func (p *pool) wakeAll() {
	for _, s := range p.seats {
		s.rouse()
	}
}

func (s *seat) rouse() {
	s.called = s.called || s.idle
	s.idle = false
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
