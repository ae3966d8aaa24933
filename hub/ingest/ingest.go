// Package ingest takes in what agents say: it stores records and answers with
// acks computed from the database, keeps what it can't understand, watches for
// what is missing, and tells agents what they are owed.
//
// The promise: a record is acknowledged only after the commit that stores it.
// Whatever fails before leaves it with the agent, which sends it again; a
// record sent again is recognised by its number and content.
package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/hub/store"
)

// Store is what ingest needs of the database.
type Store interface {
	TakeIn(ctx context.Context, operator, agent string, batch []store.Arrival) (store.Taken, error)
	Settle(ctx context.Context, done func(store.Taken)) (more bool, err error)
	Greet(ctx context.Context, operator, agent string, h wire.Hello) (store.Greeted, error)
	NoteState(ctx context.Context, operator, agent string, st wire.State) (taken bool, err error)
	NoteGone(ctx context.Context, operator, agent string) error
	NoteAllGone(ctx context.Context) error
	Watch(ctx context.Context, p store.Patience) (store.Watched, error)
	Snapshot(ctx context.Context, operator, agent string) (wire.Config, bool, error)
	AgentsOf(ctx context.Context, machine string) ([][2]string, error)
	AgentsOnline(ctx context.Context) ([][2]string, error)
	ReceiptOfJob(ctx context.Context, job string) (store.Told, error)
	QuarantineByID(ctx context.Context, id int64) (store.Quarantine, error)
	Retake(ctx context.Context, id int64, a store.Arrival, actor string) (store.Taken, error)
	PutAside(ctx context.Context, operator string, item int64, why, actor string) error
	Redecide(ctx context.Context, operator string, record int64, vouched bool, actor string) (store.Taken, error)
	Drop(ctx context.Context, operator string, record int64, why, actor string) (store.Taken, error)
	KeepMessage(ctx context.Context, operator, agent string, a store.Arrival) error
	Pools(ctx context.Context) ([]store.Pool, error)
	TellSilence(ctx context.Context, seller, reason string, since int64) error
	FlightsAsked(ctx context.Context, operator, agent string) ([]wire.Command, error)
	NoteResults(ctx context.Context, operator, agent string, results []wire.Result) error
	TakeFlight(ctx context.Context, operator, agent string, t wire.Trace, text int64) error
	Changed() (ch <-chan struct{}, cancel func())
	Neighbours() (shared bool, err error)
	LastHistory(ctx context.Context) (int64, error)
	Moved(ctx context.Context, after int64) (jobs []string, last int64, err error)
	Barred(ctx context.Context) ([][2]string, error)
	AskedHere(ctx context.Context, known func(id string) bool) ([][2]string, error)
	Now() int64
}

// Downlink sends messages to agents; it never blocks.
type Downlink interface {
	Publish(operator, agent, name string, payload []byte) error
	Drop(operator, agent string, why error)
	Online(operator, agent string) bool
}

// Options of ingest. Zero values give the defaults named.
type Options struct {
	MaxAmount   int64         // kopecks of one sale that are believed, 100 000 ₽
	Queue       int           // messages of one agent waiting to be stored, 1024
	Batch       int           // records stored in one go, 256
	Wait        time.Duration // for room in the queue before the connection is dropped, 5 s
	GapAfter    time.Duration // a hole older than this is an incident, 30 s
	SilentAfter time.Duration // an agent not heard for this long is an incident, 3 min
	LaneGrace   time.Duration // a register may be away that long before its machines are told, 20 s
	Every       time.Duration // between looks at holes, silence and dated changes of the catalogue, 5 s
	Log         *slog.Logger  // slog.Default
}

func (o *Options) defaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if o.MaxAmount == 0 {
		o.MaxAmount = 100_000_00
	}
	if o.Queue == 0 {
		o.Queue = 1024
	}
	if o.Batch == 0 {
		o.Batch = 256
	}
	def(&o.Wait, 5*time.Second)
	def(&o.GapAfter, 30*time.Second)
	def(&o.SilentAfter, 3*time.Minute)
	def(&o.LaneGrace, 20*time.Second)
	def(&o.Every, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// Ingest takes messages from the broker (it is its Handler) and answers
// through the downlink.
type Ingest struct {
	store    Store
	down     Downlink
	attached chan struct{} // closed when down is there
	o        Options

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	boxes map[string]*box

	landed chan struct{} // a token: records wait to be settled

	sentMu sync.Mutex
	sent   map[string]bool // commands, by id, sent to agents here: only while hubs share the database

	fault  atomic.Pointer[error] // of the last write; nil it worked
	counts Counts
}

// Counts since the start.
type Counts struct {
	Stored, Again, Kept, Jobs, Acks, Failed, Dropped atomic.Int64
}

// ErrStopped says that the hub is closing.
var ErrStopped = errors.New("ingest is stopping")

// ErrOverflow says that an agent sends faster than its records can be stored.
var ErrOverflow = errors.New("the queue of the agent is full")

// New makes an ingest; what comes before a downlink is attached waits for it.
func New(s Store, o Options) *Ingest {
	o.defaults()
	i := &Ingest{store: s, o: o, boxes: map[string]*box{}, attached: make(chan struct{}), landed: make(chan struct{}, 1)}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	return i
}

// Attach gives the way down to the agents, once: broker and ingest need each
// other.
func (i *Ingest) Attach(d Downlink) {
	i.down = d
	close(i.attached)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() == nil {
		i.work.Go(i.settle)
	}
}

// settle makes the jobs of records that have landed: first of those an earlier
// run of the hub has left.
func (i *Ingest) settle() {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-i.ctx.Done():
			return
		case <-i.landed:
			i.lull()
		case <-again.C:
		}
		for more := true; more && i.ctx.Err() == nil; {
			var err error
			more, err = i.settleSome(i.ctx)
			if i.ctx.Err() == nil && err != nil {
				i.note(err)
				again.Reset(time.Second)
			}
		}
	}
}

// A backlog that still pours in is taken down before its jobs are made, so that
// many agents that come back at once are all acknowledged soon; registers have
// work for minutes by then.
const (
	lullAfter = 20 * time.Millisecond // nothing landed for so long
	lullMost  = time.Second           // of waiting for that
)

func (i *Ingest) lull() {
	quiet, most := time.NewTimer(lullAfter), time.NewTimer(lullMost)
	defer quiet.Stop()
	defer most.Stop()
	for {
		select {
		case <-i.landed:
			quiet.Reset(lullAfter)
		case <-quiet.C:
			return
		case <-most.C:
			return
		case <-i.ctx.Done():
			return
		}
	}
}

func (i *Ingest) settleSome(ctx context.Context) (more bool, err error) {
	return i.store.Settle(ctx, func(t store.Taken) {
		i.count(t)
		i.answer(t.Operator, t.Agent, t)
	})
}

// Counts gives the counters, for metrics.
func (i *Ingest) Counts() *Counts { return &i.counts }

// Err is the error of the newest write, nil when it worked: the hub's health.
func (i *Ingest) Err() error {
	if p := i.fault.Load(); p != nil {
		return *p
	}
	return nil
}

// Run watches until ctx ends, then stops the work in hand. First it marks every
// agent offline: let the broker start after that.
func (i *Ingest) Run(ctx context.Context) error {
	defer i.Stop()
	if err := i.store.NoteAllGone(ctx); err != nil {
		return err
	}
	var lanes sync.WaitGroup
	lanes.Go(func() { i.watchLanes(ctx) })
	lanes.Go(func() { i.follow(ctx) })
	defer lanes.Wait()
	tick := time.NewTicker(i.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := i.Look(ctx); err != nil && ctx.Err() == nil {
				i.o.Log.Error("ingest: look after journals", "err", err)
			}
		}
	}
}

// Stop ends the work; messages not stored yet stay with their agents.
func (i *Ingest) Stop() {
	i.mu.Lock()
	i.cancel()
	i.mu.Unlock()
	i.work.Wait()
}

// Look raises and clears the incidents of holes and silence, and sends the
// catalogue to agents for whom it has changed with time.
func (i *Ingest) Look(ctx context.Context) error {
	if _, err := i.store.Watch(ctx, store.Patience{Gap: i.o.GapAfter, Silence: i.o.SilentAfter}); err != nil {
		return err
	}
	if err := i.lookAtHubs(ctx); err != nil {
		return err
	}
	agents, err := i.store.AgentsOnline(ctx)
	if err != nil {
		return err
	}
	return i.refresh(ctx, agents)
}

// ConfigChanged sends the catalogue of a machine to its agents, if it differs
// from what they were sent.
func (i *Ingest) ConfigChanged(machine string) {
	i.push(func() ([][2]string, error) { return i.store.AgentsOf(i.ctx, machine) })
}

// FleetChanged sends the catalogue to all agents of an operator ("" of all)
// for whom it differs from what they were sent.
func (i *Ingest) FleetChanged(operator string) {
	i.push(func() ([][2]string, error) {
		all, err := i.store.AgentsOnline(i.ctx)
		return slices.DeleteFunc(all, func(a [2]string) bool { return operator != "" && a[0] != operator }), err
	})
}

// AgentChanged ends an agent's connection: its secret was renewed or revoked.
func (i *Ingest) AgentChanged(operator, agent string) {
	select {
	case <-i.attached:
		i.down.Drop(operator, agent, errBarred)
	default:
	}
}

func (i *Ingest) push(agents func() ([][2]string, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() != nil {
		return
	}
	i.work.Go(func() {
		all, err := agents()
		if err == nil {
			err = i.refresh(i.ctx, all)
		}
		if err != nil && i.ctx.Err() == nil {
			i.o.Log.Error("ingest: send the catalogue", "err", err)
		}
	})
}

func (i *Ingest) refresh(ctx context.Context, agents [][2]string) error {
	for _, a := range agents {
		cfg, changed, err := i.store.Snapshot(ctx, a[0], a[1])
		if err != nil {
			return err
		}
		if changed {
			i.send(a[0], a[1], wire.DownConfig, cfg)
		}
	}
	return nil
}

// Tell sends what became of a job to its machine, when it is there to hear it.
func (i *Ingest) Tell(job string) {
	fault.Point("ingest.beforeTell")
	told, err := i.store.ReceiptOfJob(i.ctx, job)
	switch {
	case errors.Is(err, store.ErrNotFound) || i.ctx.Err() != nil:
	case err != nil:
		i.o.Log.Error("ingest: tell a receipt", "job", job, "err", err)
	default:
		i.tell(told.Operator, told.Agent, told.Receipt)
	}
}

func (i *Ingest) tell(operator, agent string, r wire.Receipt) {
	r.Sent = time.UnixMilli(i.store.Now()).UTC()
	i.send(operator, agent, wire.DownReceipt, r)
}

// send publishes one message; an agent that is not there will ask.
func (i *Ingest) send(operator, agent, name string, v any) {
	select {
	case <-i.attached:
	case <-i.ctx.Done():
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		i.o.Log.Error("ingest: encode "+name, "err", err)
		return
	}
	if err := i.down.Publish(operator, agent, name, b); err != nil {
		i.o.Log.Debug("ingest: not sent", "agent", wire.Username(operator, agent), "name", name, "err", err)
	}
}

func (i *Ingest) count(t store.Taken) {
	i.counts.Stored.Add(int64(t.Stored))
	i.counts.Again.Add(int64(t.Again))
	i.counts.Kept.Add(int64(t.Kept))
	i.counts.Jobs.Add(int64(t.Jobs))
}

// note keeps the outcome of a write for health; a full disk is told once.
func (i *Ingest) note(err error) {
	if err == nil {
		if i.fault.Swap(nil) != nil {
			i.o.Log.Info("ingest: the database takes records again")
		}
		return
	}
	i.counts.Failed.Add(1)
	err = fmt.Errorf("records can't be stored, nothing is acknowledged: %w", err)
	if i.fault.Swap(&err) == nil {
		i.o.Log.Error("ingest: " + err.Error())
	}
}
