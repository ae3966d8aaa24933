package api

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

const (
	liveGap   = 250 * time.Millisecond // at most 4 deltas a second
	liveSum   = time.Second            // and one summary: it is the dearest to read
	livePulse = 15 * time.Second       // comment lines, so that a dead link is noticed
	liveWrite = 20 * time.Second       // a client that takes nothing so long is gone
	liveQueue = 32                     // deltas waiting for one slow client; then it gets a new snapshot
	liveSales = 50
)

// event is one message of the stream; data is a contract value.
type event struct {
	name string
	data any
}

// watcher is one open stream. operator "" watches all.
type watcher struct {
	operator string
	out      chan []event
	lost     bool   // some delta did not fit: a snapshot is due
	summary  string // last one told, without its time
	summed   time.Time
}

// live reads changes after commits and hands them to the streams. One
// goroutine makes snapshots and deltas in turn, so no stream sees an older
// state after a newer one.
type live struct {
	s    *Server
	join chan *watcher
	gone chan *watcher
	done chan struct{}
	end  sync.WaitGroup
	once sync.Once

	mu    sync.Mutex
	dirty map[string]bool // operators whose machines are to be told anew
}

func newLive(s *Server) *live {
	l := &live{s: s, join: make(chan *watcher), gone: make(chan *watcher), done: make(chan struct{}), dirty: map[string]bool{}}
	l.end.Go(l.run)
	return l
}

func (l *live) close() {
	l.once.Do(func() { close(l.done) })
	l.end.Wait()
}

// touch has all machines of the operator told of with the next delta.
func (l *live) touch(operator string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty[operator] = true
}

func (l *live) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a query under way ends with the server
		<-l.done
		cancel()
	}()
	changed, stop := l.s.o.Store.Changed()
	defer stop()
	l.s.rate.begin(ctx, l.s.o.Store)
	watchers := map[*watcher]bool{}
	var reader deltaReader
	gap := time.NewTimer(0)
	<-gap.C
	waiting := false
	for {
		select {
		case <-l.done:
			return
		case <-changed:
			if !waiting {
				waiting = true
				gap.Reset(liveGap)
			}
		case <-gap.C:
			waiting = false
			l.s.rate.read(ctx, l.s.o.Store)
			if len(watchers) > 0 && l.tell(ctx, &reader, watchers) {
				waiting = true
				gap.Reset(liveGap)
			}
		case w := <-l.join:
			if len(watchers) == 0 {
				reader = deltaReader{}
			}
			watchers[w] = true
			l.open(ctx, &reader, w)
		case w := <-l.gone:
			delete(watchers, w)
		}
	}
}

// deltaReader is where the stream of changes stands.
type deltaReader struct {
	cursor *store.Cursor
	lanes  map[string]string // as last told
}

// open gives a watcher its snapshot, read after the cursor.
func (l *live) open(ctx context.Context, r *deltaReader, w *watcher) {
	var err error
	if r.cursor == nil {
		if r.cursor, err = l.s.o.Store.CursorNow(ctx); err != nil {
			l.failed(err)
			w.lost = true
			return
		}
		r.lanes = map[string]string{}
	}
	snap, err := l.snapshot(ctx, w.operator)
	if err != nil {
		l.failed(err)
		w.lost = true
		return
	}
	w.lost = false
	w.offer(event{"snapshot", snap})
}

func (l *live) failed(err error) { l.s.o.Log.Error("live view cannot be read", "error", err) }

func (w *watcher) offer(all ...event) {
	select {
	case w.out <- all:
	default:
		w.lost = true
	}
}

func (l *live) snapshot(ctx context.Context, operator string) (v contract.Snapshot, err error) {
	st := l.s.o.Store
	if v.Summary, err = l.s.summary(ctx, operator); err != nil {
		return v, err
	}
	machines, err := st.Machines(ctx, store.MachineFilter{Operator: operator}, store.Page{Limit: 2000})
	if err != nil {
		return v, err
	}
	v.Machines = machines.Items
	if v.Lanes, err = st.LaneViews(ctx, operator); err != nil {
		return v, err
	}
	sales, err := st.Sales(ctx, store.SaleFilter{Operator: operator}, store.Page{Limit: liveSales})
	if err != nil {
		return v, err
	}
	v.Sales = sales.Items
	incidents, err := st.Incidents(ctx, store.IncidentFilter{Operator: operator, Open: true}, store.Page{Limit: 200})
	v.Incidents = incidents.Items
	return v, err
}

// tell reads one delta and hands it out; more says that a summary is still due.
func (l *live) tell(ctx context.Context, r *deltaReader, watchers map[*watcher]bool) (more bool) {
	if r.cursor == nil {
		for w := range watchers {
			l.open(ctx, r, w)
		}
		return false
	}
	dirty, err := l.dirtyMachines(ctx)
	if err != nil {
		l.failed(err)
	}
	d, err := l.s.o.Store.Changes(ctx, r.cursor, dirty)
	var lanes []contract.Lane
	if err == nil {
		lanes, err = l.changedLanes(ctx, r)
	}
	if err != nil { // the cursor may have moved: only a snapshot is sure to hold all
		l.failed(err)
		for w := range watchers {
			w.lost = true
		}
		return true
	}
	now := time.Now()
	summaries := map[string]contract.Summary{}
	for w := range watchers {
		if w.lost {
			if len(w.out) == 0 {
				l.open(ctx, r, w)
			}
			more = more || w.lost
			continue
		}
		all := w.events(d, lanes)
		if now.Sub(w.summed) < liveSum {
			more = true
		} else {
			sum, ok := summaries[w.operator]
			if !ok {
				if sum, err = l.s.summary(ctx, w.operator); err != nil {
					l.failed(err)
					w.lost = true
					more = true
					continue
				}
				summaries[w.operator] = sum
			}
			all = append(all, w.sum(sum, now)...)
		}
		if len(all) > 0 {
			w.offer(all...)
		}
	}
	return more
}

// sum is the event of a summary that differs from the last one told.
func (w *watcher) sum(v contract.Summary, now time.Time) []event {
	timeless := v
	timeless.At = time.Time{}
	text := encoded(timeless)
	if text == w.summary {
		return nil
	}
	w.summary, w.summed = text, now
	return []event{{"summary", v}}
}

// events are what of a delta the watcher may see.
func (w *watcher) events(d store.Delta, lanes []contract.Lane) (all []event) {
	sees := func(operator string) bool { return w.operator == "" || w.operator == operator }
	for _, v := range d.Sales {
		if sees(v.Operator) {
			all = append(all, event{"sale", v})
		}
	}
	for _, v := range d.Machines {
		if sees(v.Operator) {
			all = append(all, event{"machine", v})
		}
	}
	for _, v := range lanes {
		if sees(v.Operator) {
			all = append(all, event{"lane", v})
		}
	}
	for _, v := range d.Incidents {
		if sees(v.Operator) {
			all = append(all, event{"incident", v})
		}
	}
	return all
}

func (l *live) dirtyMachines(ctx context.Context) (ids []string, err error) {
	l.mu.Lock()
	dirty := l.dirty
	l.dirty = map[string]bool{}
	l.mu.Unlock()
	for operator := range dirty {
		m, err := l.s.o.Store.Machines(ctx, store.MachineFilter{Operator: operator}, store.Page{Limit: 2000})
		if err != nil {
			return ids, err
		}
		for _, v := range m.Items {
			ids = append(ids, v.ID)
		}
	}
	return ids, nil
}

func (l *live) changedLanes(ctx context.Context, r *deltaReader) ([]contract.Lane, error) {
	all, err := l.s.o.Store.LaneViews(ctx, "")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(v contract.Lane) bool {
		text := encoded(v)
		same := r.lanes[v.ID] == text
		r.lanes[v.ID] = text
		return same
	}), nil
}

func encoded(v any) string {
	b, _ := json.Marshal(v) // contract values always marshal
	return string(b)
}
