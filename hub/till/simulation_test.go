package till

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
	"pgregory.net/rapid"
)

// world is the whole till in one thread on virtual time: one action of one
// worker at a time, crashes between any two.
type world struct {
	s       *store.Store
	clock   *clock
	seller  string
	regs    map[string]*register // by lane
	lanes   []string
	till    *Till
	workers map[string]*virtual
	points  int   // kill points passed
	crashAt []int // numbers of points to die at
	crashes int
	mark    string // file of the mark; "" none
	holder  string // name in leases; "" the default
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// virtual is a worker that is stepped by the test.
type virtual struct {
	w     *worker
	act   action
	until time.Time // asleep
	wake  bool      // may be woken earlier
	ended bool
}

type crash struct{ point string }

func (w *world) point(name string) {
	w.points++
	if len(w.crashAt) > 0 && w.points == w.crashAt[0] {
		w.crashAt = w.crashAt[1:]
		panic(crash{name})
	}
}

// boot starts the till anew from what the database holds.
func (w *world) boot() error {
	w.till = New(w.s, Settings{Holder: w.holder, Now: w.clock.now, Point: w.point, PollEvery: 30 * time.Second, MarkFile: w.mark,
		Open: func(url string) (kkt.Driver, error) { return driver{w.regs[url[len("fake:"):]]}, nil }})
	if _, err := w.till.Begin(context.Background()); err != nil {
		return err
	}
	w.workers = map[string]*virtual{}
	for _, id := range w.lanes {
		l, err := w.s.Lane(context.Background(), id)
		if err != nil {
			return err
		}
		wk, err := newWorker(w.till, l)
		if err != nil {
			return err
		}
		v := &virtual{w: wk, act: wk.first()}
		wk.sleep = func(_ context.Context, until time.Time, wake <-chan struct{}) bool {
			v.until, v.wake = until, wake != nil
			return false
		}
		w.workers[id] = v
	}
	return nil
}

// step runs one action of a lane; crashed says that the program died.
func (w *world) step(lane string) (crashed bool) {
	v := w.workers[lane]
	if v.ended {
		return false
	}
	defer func() {
		if r := recover(); r != nil {
			c, ok := r.(crash)
			if !ok {
				panic(r)
			}
			_ = c
			crashed = true
			w.crashes++
		}
	}()
	if !v.until.IsZero() {
		if w.clock.now().Before(v.until) {
			return false
		}
		v.until = time.Time{}
		w.till.tick()
		v.act = v.w.core.Step(w.clock.now(), woken{})
		return false
	}
	ctx := context.Background()
	ev := v.w.do(ctx, ctx, v.act)
	if ev == nil {
		if _, halted := v.act.(halt); halted {
			v.ended = true
		}
		return false
	}
	v.act = v.w.core.Step(w.clock.now(), ev)
	return false
}

// settled says that nothing is left to do: all lanes rest, or stand.
func (w *world) earliest() (t time.Time, asleep bool) {
	for _, v := range w.workers {
		if v.ended {
			continue
		}
		if v.until.IsZero() {
			return t, false
		}
		if t.IsZero() || v.until.Before(t) {
			t = v.until
		}
	}
	return t, true
}

func (w *world) openJobs() (n int) {
	err := w.s.Read().QueryRow(`SELECT COUNT(*) FROM job WHERE seller_id = ? AND state NOT IN ('done','void')`, w.seller).Scan(&n)
	if err != nil {
		panic(err)
	}
	return n
}

func (w *world) lanesAre() string {
	text := ""
	for id, v := range w.workers {
		text += fmt.Sprintf("%s: %+v, act %T, until %s, now %s; ", id, v.w.core.status, v.act, v.until, w.clock.t)
	}
	return text
}

// check says what is wrong with the world after everything has healed: the
// invariants I3 to I5 of reliability.md C.3.4, by the registers' own archives.
func (w *world) check() error {
	made := map[kkt.Key]kkt.Stored{}
	byNumber := map[string]kkt.Stored{}
	documents := 0
	for _, r := range w.regs {
		documents += len(r.docs)
		for _, d := range r.docs {
			byNumber[fmt.Sprintf("%s/%d", r.fn, d.Receipt.FD)] = d
			if d.Key == "" {
				continue
			}
			if old, twice := made[d.Key.Base()]; twice {
				return fmt.Errorf("job %s is printed twice: %d and %d", d.Key.Base(), old.Receipt.FD, d.Receipt.FD)
			}
			made[d.Key.Base()] = d
		}
	}
	rows, err := w.s.Read().Query(`SELECT j.id, j.key, j.purpose, j.state, j.amount, COALESCE(r.fn,''), COALESCE(r.fd,0), COALESCE(r.amount,0)
		FROM job j LEFT JOIN receipt r ON r.job_id = j.id WHERE j.seller_id = ?`, w.seller)
	if err != nil {
		return err
	}
	defer rows.Close()
	accounted, first := map[string]bool{}, map[string]uint32{}
	for rows.Next() {
		var id, purpose, state, fn string
		var key kkt.Key
		var amount, printed, fd int64
		if err := rows.Scan(&id, &key, &purpose, &state, &amount, &fn, &fd, &printed); err != nil {
			return err
		}
		if state == store.JobVoid && purpose != store.PurposeReceipt {
			continue // a shift report that was not needed after all
		}
		if state != store.JobDone {
			return fmt.Errorf("job %s is %s; %s", id, state, w.lanesAre())
		}
		number := fmt.Sprintf("%s/%d", fn, fd)
		d, ok := byNumber[number]
		if !ok {
			return fmt.Errorf("job %s has receipt %s, which no register made", id, number)
		}
		accounted[number] = true
		if first[fn] == 0 || d.Receipt.FD < first[fn] {
			first[fn] = d.Receipt.FD
		}
		if purpose != store.PurposeReceipt {
			continue
		}
		if d.Key.Base() != key {
			return fmt.Errorf("job %s has the receipt %s of another", id, number)
		}
		if amount != printed || d.Receipt.Total != amount {
			return fmt.Errorf("job %s: %d kopecks, receipt %d, document %d", id, amount, printed, d.Receipt.Total)
		}
		delete(made, key)
	}
	for key, d := range made {
		return fmt.Errorf("document %d has key %s and no job", d.Receipt.FD, key)
	}
	for number, d := range byNumber { // every document is a receipt, foreign, or older than we are
		if accounted[number] || d.Key == "" && (first[d.Receipt.FN] == 0 || d.Receipt.FD < first[d.Receipt.FN]) {
			continue
		}
		var n int
		if err := w.s.Read().QueryRow(`SELECT COUNT(*) FROM foreign_document WHERE fn = ? AND fd = ?`, d.Receipt.FN, d.Receipt.FD).Scan(&n); err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("document %s is neither a receipt of ours nor foreign", number)
		}
	}
	return rows.Err()
}

var worlds int

// draws are what a schedule is drawn from: fates of exchanges, and an order of
// steps; before each of those that three divides, what a register was late with
// is executed, and at 9 half a day passes.
type draws struct{ fates, order *rapid.Generator[int] }

var (
	anything = draws{rapid.IntRange(0, 3*int(fateCount)), rapid.IntRange(0, 9)} // most exchanges are good
	// What is unknown stays so for long: where wrong strategies go wrong.
	unknown = draws{rapid.SampledFrom([]int{int(late), int(lostAnswer), int(lostRequest), int(strangerIn), int(fine), int(fine)}),
		rapid.SampledFrom([]int{0, 1, 2, 4, 5, 7, 8})}
)

// play runs one schedule of faults to the end and gives what is wrong with it.
func play(t *rapid.T, s *store.Store, c *clock, strat strategy, lanes int, from draws) error {
	worlds++
	w := &world{s: s, clock: c, seller: fmt.Sprintf("s%d", worlds), regs: map[string]*register{}}
	addSeller(t, s, w.seller)
	for i := range lanes {
		id := fmt.Sprintf("%s-l%d", w.seller, i)
		addLane(t, s, w.seller, id)
		w.lanes = append(w.lanes, id)
		r := newRegister(c.now, fmt.Sprintf("9999%06d%06d", worlds, i), "7701237658")
		r.settle = strat
		r.fates = fates(rapid.SliceOfN(from.fates, 0, 14).Draw(t, "fates"))
		w.regs[id] = r
	}
	n := 1
	w.crashAt = ascending(rapid.SliceOfN(rapid.IntRange(1, 12), 0, 5).Draw(t, "crashes"))
	jobs := rapid.IntRange(1, 4).Draw(t, "jobs")
	for ; n <= jobs; n++ {
		addJob(t, s, w.seller, "", n, c.now(), 5000) // equal sums: a document says whose it is by its key alone
	}
	order := rapid.SliceOfN(from.order, 1, 40).Draw(t, "order")
	if err := w.boot(); err != nil {
		return err
	}
	for i := 0; i < 3000; i++ {
		at, asleep := w.earliest()
		if asleep {
			if w.openJobs() == 0 || at.IsZero() {
				break
			}
			if at.After(c.t) {
				c.t = at
			}
		}
		o := order[i%len(order)]
		if o == 9 && i < 200 {
			c.t = c.t.Add(13 * time.Hour) // shifts grow old
		}
		for _, r := range w.regs { // a buffered command runs when it likes
			if r.buffered != nil && o%3 == 0 {
				r.flush()
			}
		}
		if w.step(w.lanes[o%len(w.lanes)]) {
			if err := w.boot(); err != nil {
				return err
			}
			continue
		}
		if len(w.lanes) > 1 && i%3 == 0 { // none is starved
			for _, l := range w.lanes {
				if w.step(l) {
					if err := w.boot(); err != nil {
						return err
					}
					break
				}
			}
		}
	}
	for _, r := range w.regs {
		r.flush()
		r.fates = nil
	}
	w.crashAt = nil
	for end := c.t.Add(2 * time.Minute); ; { // all faults are over: each lane looks at its register once more
		at, asleep := w.earliest()
		if asleep && (at.IsZero() || at.After(end)) {
			break
		}
		if asleep && at.After(c.t) {
			c.t = at
		}
		for _, l := range w.lanes {
			w.step(l)
		}
	}
	return w.check()
}

// fates spreads the faults among good exchanges.
func fates(draw []int) []fate {
	list := make([]fate, len(draw))
	for i, d := range draw {
		if d < int(fateCount) {
			list[i] = fate(d)
		}
	}
	return list
}

func ascending(gaps []int) []int {
	sum := 0
	for i, g := range gaps {
		sum += g
		gaps[i] = sum
	}
	return gaps
}

func start() *clock { return &clock{time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)} }

func TestExactlyOneDocumentPerJob(t *testing.T) {
	c := start()
	s := openStore(t, c.now)
	rapid.Check(t, func(t *rapid.T) {
		if err := play(t, s, c, barrierAndKey, 1, anything); err != nil {
			t.Fatal(err)
		}
	})
}

func TestExactlyOneDocumentPerJobInAPool(t *testing.T) {
	c := start()
	s := openStore(t, c.now)
	rapid.Check(t, func(t *rapid.T) {
		if err := play(t, s, c, barrierAndKey, 2, anything); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWrongStrategiesAreFound proves that the check can fail: each strategy
// that reliability.md C.3.1 found wrong is found wrong here too.
func TestWrongStrategiesAreFound(t *testing.T) {
	storetest.SQLite(t) // it tries the check, not the store
	for name, strat := range map[string]strategy{"retry blindly": retryBlindly, "done before sending": doneFirst,
		"counter moved": counterMoved, "no waiting until idle": keyButNoWaiting} {
		t.Run(name, func(t *testing.T) {
			c := start()
			s := openStore(t, c.now)
			found := ""
			gen := rapid.Custom(func(t *rapid.T) string {
				if err := play(t, s, c, strat, 1, unknown); err != nil {
					return err.Error()
				}
				return ""
			})
			for seed := 0; seed < 2000 && found == ""; seed++ {
				found = gen.Example(seed)
			}
			if found == "" {
				t.Fatal("no schedule shows that it is wrong")
			}
			t.Log("found:", found)
		})
	}
}
