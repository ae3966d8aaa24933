package till

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/ledger"
	"github.com/chekomat/chekomat/hub/outlook"
	"github.com/chekomat/chekomat/hub/store"
)

// Store is what the till keeps and reads; store.Store implements it.
type Store interface {
	queue
	Lanes(ctx context.Context) ([]store.Lane, error)
	Lane(ctx context.Context, id string) (store.Lane, error)
	TakeLane(ctx context.Context, lane, holder string, ttl, rest time.Duration) (store.Hold, error)
	KeepLane(ctx context.Context, h store.Hold) error
	ReleaseLane(ctx context.Context, h store.Hold) error
	SetLaneState(ctx context.Context, h store.Hold, state, fault, detail string) error
	NameLaneState(ctx context.Context, lane, state, fault, detail string) error
	LetLaneGo(ctx context.Context, lane, state, who string) error
	SaveUnit(ctx context.Context, h store.Hold, u kkt.Unit) (known uint32, err error)
	Readings(ctx context.Context, fn string) ([]outlook.Reading, error)
	KeepCounters(ctx context.Context, lane string, c kkt.Counters) (ledger.Result, error)
	AccountedFor(ctx context.Context, h store.Hold, fn string, fd uint32, back bool) error
	SkipDocument(ctx context.Context, h store.Hold, fn string, fd uint32, next bool, who string) error
	Alarms(ctx context.Context, h store.Hold, operator string, raise []store.LaneAlarm, clear []string) error
	OpenAlarms(ctx context.Context, lane string) ([]store.LaneAlarm, error)
	WaitingSellers(ctx context.Context, before int64) ([]store.WaitingSeller, error)
	NoteUnmet(ctx context.Context, seller store.WaitingSeller, codes map[string]string) error

	Job(ctx context.Context, id string) (store.Job, error)
	JobOf(ctx context.Context, originKind, originID, purpose string) (store.Job, error)
	QueuedSince(ctx context.Context, after int64) ([]store.Queued, int64, error)
	LastHistory(ctx context.Context) (int64, error)
	HoldJob(ctx context.Context, h store.Hold, job store.Job, reason, detail string) error

	OpenAttempt(ctx context.Context, lane, fn string) (store.Attempt, error)
	AsideAttempts(ctx context.Context, lane string) ([]store.Attempt, error)
	Begin(ctx context.Context, h store.Hold, in store.Intent) (store.Attempt, error)
	Finish(ctx context.Context, h store.Hold, a store.Attempt, out kkt.Outcome, next *store.Intent) (store.Finished, error)
	Resolving(ctx context.Context, h store.Hold, a store.Attempt, out kkt.Outcome, reason string, aside bool) error
	NotMade(ctx context.Context, h store.Hold, a store.Attempt, out kkt.Outcome, hold bool, reason string, nextAt int64) error
	Park(ctx context.Context, h store.Hold, a store.Attempt, out kkt.Outcome, reason string) error
	TakeDocument(ctx context.Context, h store.Hold, d kkt.Stored, next bool) (store.FoundDocument, error)

	RetryJob(ctx context.Context, job, actor, why string) error
	DropJob(ctx context.Context, job, actor, why string) (alsoVoid []string, err error)
	BindJob(ctx context.Context, job, fn string, fd uint32, actor, why string) (released []string, err error)
	DeclareNotMade(ctx context.Context, job, actor, why string) error
	DeclareMade(ctx context.Context, job string, r fiscal.Receipt, actor, why string) (released []string, err error)

	Changed() (ch <-chan struct{}, cancel func())
	Neighbours() (shared bool, err error)
}

// Teller is told of jobs whose state a machine or a person may wait for: done,
// held, resolving, queued again, void. It is called after the commit and must
// not block.
type Teller interface{ Tell(jobID string) }

// Observer counts what happens; it must not block.
type Observer interface {
	// Attempted tells how an attempt ended and how long the register took.
	Attempted(lane string, kind kkt.Kind, took time.Duration)
	// Done tells how long a job waited from its creation to its receipt.
	Done(lane string, waited time.Duration)
}

// Settings of the till; zero values have defaults.
type Settings struct {
	Holder     string        // this hub's name in leases; the same after a restart. "hub"
	LeaseTTL   time.Duration // how long a lane is held without a sign of life. 1 min
	Longest    time.Duration // the longest command a register may still be running at a takeover. 2 min
	CloseAfter time.Duration // age at which a shift is closed. 23 h 30 min
	CloseAt    string        // "15:04" in the lane's zone: shifts are closed daily at that time too. "": not
	PollEvery  time.Duration // a register is looked at this often while idle. 30 s
	StopGrace  time.Duration // how long a stop waits for an answer under way. 5 s
	MarkFile   string        // beside the database, not in its backups: tells a restored database from its own. "": not told

	Now      func() time.Time                     // the hub's clock. time.Now
	Open     func(url string) (kkt.Driver, error) // adds secrets to a lane's address and opens it. kkt.Open
	Teller   Teller
	Observer Observer
	Log      *slog.Logger
	Point    func(string) // kill points. fault.Point
}

func (s *Settings) defaults() {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&s.LeaseTTL, time.Minute)
	or(&s.Longest, 2*time.Minute)
	or(&s.CloseAfter, 23*time.Hour+30*time.Minute)
	or(&s.PollEvery, 30*time.Second)
	or(&s.StopGrace, 5*time.Second)
	if s.Holder == "" {
		s.Holder = "hub"
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Open == nil {
		now := s.Now
		s.Open = func(url string) (kkt.Driver, error) { return kkt.Open(url, kkt.Options{Now: now}) }
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Point == nil {
		s.Point = fault.Point
	}
}

// Till runs the lanes of the hub.
type Till struct {
	store Store
	set   Settings

	mu      sync.Mutex
	begun   time.Time        // a sale after it can't have been made before this run
	old     bool             // the database may be older than the registers
	history int64            // newest entry of all jobs' histories that was seen
	marked  int64            // as the mark says
	pools   map[string]*pool // by seller
	runs    map[string]*run  // by lane
	wishes  map[string]*wish // by lane: a person wants its shift opened or closed
	running context.Context  // nil before Run and after it
	wg      sync.WaitGroup
}

// New makes a till over the store; Run starts it.
func New(s Store, set Settings) *Till {
	set.defaults()
	return &Till{store: s, set: set, begun: set.Now(), pools: map[string]*pool{}, runs: map[string]*run{}, wishes: map[string]*wish{}}
}

// ErrNotRunning says that the till does not run, or not this lane.
var ErrNotRunning = errors.New("till: the lane does not run")

// run is a lane's worker, or its absence; mu makes changes of it one by one.
type run struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
	driver kkt.Driver
	set    atomic.Pointer[string] // settingsOf the lane it was started with
	halted atomic.Bool            // it stands until a person lets it go on
	held   atomic.Bool            // it is leased here
}

// Run works until ctx ends. Then an answer under way is waited for (StopGrace)
// and the leases are given back.
func (t *Till) Run(ctx context.Context) error {
	changed, stop := t.store.Changed()
	defer stop()
	lanes, err := t.begin(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("till: start: %w", err)
	}
	t.mu.Lock()
	t.running = ctx
	t.mu.Unlock()
	defer t.leaveMark()
	for _, l := range lanes {
		t.LaneChanged(l.ID)
	}
	// Whatever a missed signal would leave lying is found at the tick.
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for ticks := 0; ; {
		select {
		case <-ctx.Done():
			t.mu.Lock()
			t.running = nil
			t.mu.Unlock()
			t.wg.Wait()
			return nil
		case <-changed:
			if err := t.hear(ctx); err != nil && ctx.Err() == nil {
				t.set.Log.Error("till: look for new jobs", "err", err)
			}
		case <-tick.C:
			t.tick()
			t.leaveMark()
			if err := t.followLanes(ctx); err != nil && ctx.Err() == nil {
				t.set.Log.Error("till: look for lanes changed through another hub", "err", err)
			}
			if ticks++; ticks%unmetEvery == 0 {
				if err := t.noteUnmet(ctx); err != nil && ctx.Err() == nil {
					t.set.Log.Error("till: look for jobs that no lane can make", "err", err)
				}
			}
		}
	}
}

// begin reads where the hub stands. All lanes take their seats before any
// works: a lane waits for its siblings.
func (t *Till) begin(ctx context.Context) ([]store.Lane, error) {
	cursor, err := t.store.LastHistory(ctx)
	if err != nil {
		return nil, err
	}
	old, err := t.compareMark(cursor)
	if err != nil {
		return nil, err
	}
	lanes, err := t.store.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.begun, t.old, t.history, t.pools = t.set.Now(), old, cursor, map[string]*pool{}
	t.mu.Unlock()
	for _, l := range lanes {
		if l.Enabled {
			t.pool(l.Seller).sit(l)
		}
	}
	return lanes, nil
}

// hear tells the pools of jobs that came into the queue since the last time.
func (t *Till) hear(ctx context.Context) error {
	t.mu.Lock()
	cursor := t.history
	t.mu.Unlock()
	queued, last, err := t.store.QueuedSince(ctx, cursor)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.history = max(t.history, last)
	t.mu.Unlock()
	t.came(queued)
	return nil
}

const (
	tickEvery  = 5 * time.Second
	unmetEvery = 3 // ticks
)

// tick makes all pools look at the queue.
func (t *Till) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pools {
		p.tick()
	}
}

// came tells the pools of jobs that came into the queue.
func (t *Till) came(queued []store.Queued) {
	jobs := map[string][]store.Queued{}
	for _, q := range queued {
		jobs[q.Seller] = append(jobs[q.Seller], q)
	}
	for seller, list := range jobs {
		t.pool(seller).came(list...)
	}
}

func (t *Till) pool(seller string) *pool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pools[seller]
	if p == nil {
		p = newPool(seller, t.store, t.begun)
		p.restored = t.old
		t.pools[seller] = p
	}
	return p
}

// LaneChanged makes the till read a lane anew: made, enabled, disabled, given
// another address. It returns at once.
func (t *Till) LaneChanged(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx := t.running
	if ctx == nil {
		return
	}
	r := t.runs[id]
	if r == nil {
		r = &run{}
		t.runs[id] = r
	}
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		if err := t.restart(ctx, r, id); err != nil && ctx.Err() == nil {
			t.set.Log.Error("till: start a lane", "lane", id, "err", err)
		}
	}()
}

func (t *Till) restart(ctx context.Context, r *run, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.cancel()
		<-r.done
		r.cancel, r.driver = nil, nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l, err := t.store.Lane(ctx, id)
	if err != nil {
		return err
	}
	if !l.Enabled {
		settings := settingsOf(l)
		r.set.Store(&settings)
		return t.store.NameLaneState(ctx, id, string(Disabled), "", "")
	}
	wctx, cancel := context.WithCancel(ctx)
	settings := settingsOf(l)
	r.set.Store(&settings)
	w, err := newWorker(t, l)
	if err != nil {
		cancel()
		return err
	}
	w.halted, w.held = &r.halted, &r.held
	r.cancel, r.done, r.driver = cancel, make(chan struct{}), w.driver
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		defer close(r.done)
		defer t.caught(wctx, id)
		w.run(wctx)
	}()
	return nil
}

// failedPause is how long a lane stands whose worker failed by a bug.
const failedPause = 10 * time.Second

// caught keeps a bug in one lane's worker or driver from taking the hub down:
// the lane starts anew after a pause, from what is stored.
func (t *Till) caught(ctx context.Context, lane string) {
	bug := recover()
	if bug == nil {
		return
	}
	t.set.Log.Error("till: a lane's worker failed", "lane", lane, "panic", bug, "stack", string(debug.Stack()))
	if err := t.store.NameLaneState(context.WithoutCancel(ctx), lane, string(Busy), string(FaultWorker), fmt.Sprint(bug)); err != nil {
		t.set.Log.Error("till: note it", "lane", lane, "err", err)
	}
	time.AfterFunc(failedPause, func() {
		if ctx.Err() == nil {
			t.LaneChanged(lane)
		}
	})
}

// Look asks a running lane's registers for their state now; it makes nothing.
func (t *Till) Look(ctx context.Context, lane string) ([]kkt.Unit, error) {
	d, done, err := t.driverOf(lane)
	if err != nil {
		return nil, err
	}
	defer done()
	return d.Units(ctx)
}

func (t *Till) tell(jobs ...string) {
	if t.set.Teller == nil {
		return
	}
	for _, j := range jobs {
		t.set.Teller.Tell(j)
	}
}
