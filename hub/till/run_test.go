package till

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// house is a running till over fake registers, on real time.
type house struct {
	s     *store.Store
	till  *Till
	regs  map[string]*register
	told  chan string
	stop  context.CancelFunc
	ended chan struct{}
	once  sync.Once
}

type tellChan chan string

func (c tellChan) Tell(job string) { c <- job }

func (h *house) halt() {
	h.once.Do(func() { h.stop(); <-h.ended })
}

func build(t testing.TB, sellers, lanesEach int, service time.Duration, set Settings) *house {
	h := &house{s: openStore(t, time.Now), regs: map[string]*register{}, told: make(chan string, 1<<16), ended: make(chan struct{})}
	for i := range sellers {
		seller := fmt.Sprintf("s%d", i)
		addSeller(t, h.s, seller)
		addMachine(t, h.s, seller, seller+"-m")
		for k := range lanesEach {
			id := fmt.Sprintf("%s-l%d", seller, k)
			addLane(t, h.s, seller, id)
			h.regs[id] = newRegister(time.Now, fmt.Sprintf("9999%06d%06d", i, k), "7701237658")
			h.regs[id].service = service
		}
	}
	set.Open = func(url string) (kkt.Driver, error) { return driver{h.regs[url[len("fake:"):]]}, nil }
	set.Teller = tellChan(h.told)
	h.till = New(h.s, set)
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go func() {
		defer close(h.ended)
		if err := h.till.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	t.Cleanup(h.halt)
	return h
}

// await receives the done jobs of a house until it has n of them.
func (h *house) await(t testing.TB, n int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for done := 0; done < n; {
		select {
		case id := <-h.told:
			j, err := h.s.Job(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			if j.State == store.JobDone && j.Purpose == store.PurposeReceipt {
				done++
			}
		case <-deadline:
			t.Fatalf("only %d of %d jobs done", done, n)
		}
	}
}

// awaitState waits until the lane's stored state is s.
func (h *house) awaitState(t testing.TB, lane string, s State) {
	t.Helper()
	changed, cancel := h.s.Changed()
	defer cancel()
	deadline := time.After(time.Minute)
	for {
		l, err := h.s.Lane(context.Background(), lane)
		if err != nil {
			t.Fatal(err)
		}
		if l.State == string(s) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("lane %s is %s, want %s", lane, l.State, s)
		}
	}
}

func TestRunMakesReceipts(t *testing.T) {
	h := build(t, 2, 2, 0, Settings{})
	for n := range 40 {
		addJob(t, h.s, fmt.Sprintf("s%d", n%2), fmt.Sprintf("s%d-m", n%2), n, time.Now(), int64(100+n))
	}
	h.await(t, 40)
	for id := range h.regs {
		h.awaitState(t, id, OK)
	}
	h.halt()
	receipts := 0
	for _, r := range h.regs {
		for _, d := range r.docs {
			if d.Key != "" {
				receipts++
			}
		}
	}
	if receipts != 40 {
		t.Errorf("%d receipts on the registers, want 40", receipts)
	}
}

func TestDisabledLaneMakesNothingUntilEnabled(t *testing.T) {
	h := build(t, 1, 1, 0, Settings{})
	addJob(t, h.s, "s0", "s0-m", 1, time.Now(), 100)
	h.await(t, 1)
	exec(t, h.s, `UPDATE lane SET enabled = 0`)
	h.till.LaneChanged("s0-l0")
	h.awaitState(t, "s0-l0", Disabled)
	id := addJob(t, h.s, "s0", "s0-m", 2, time.Now(), 100)
	if j, err := h.s.Job(context.Background(), id); err != nil || j.State != store.JobQueued {
		t.Fatalf("job is %s, %v", j.State, err)
	}
	exec(t, h.s, `UPDATE lane SET enabled = 1`)
	h.till.LaneChanged("s0-l0")
	h.await(t, 1)
}

// TestABugInOneDriverLeavesTheHubAlive: its lane stands and says why, the
// other seller's lane works.
func TestABugInOneDriverLeavesTheHubAlive(t *testing.T) {
	h := build(t, 2, 1, 0, Settings{Point: func(string) {}})
	h.awaitState(t, "s1-l0", OK)
	h.regs["s0-l0"].mu.Lock()
	h.regs["s0-l0"].bug = true
	h.regs["s0-l0"].mu.Unlock()
	addJob(t, h.s, "s0", "s0-m", 1, time.Now(), 100)
	h.awaitState(t, "s0-l0", Busy)
	if l, err := h.s.Lane(context.Background(), "s0-l0"); err != nil || l.Fault != string(FaultWorker) {
		t.Errorf("%+v, %v", l, err)
	}
	addJob(t, h.s, "s1", "s1-m", 1, time.Now(), 100)
	h.await(t, 1)
}
