package machine

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/mdb/role"
	"github.com/chekomat/chekomat/mdb/sales"
)

// house is a virtual machine whose second reader and gateway are played by a
// module, and an agent on the module's other end.
type house struct {
	t      *testing.T
	dev    *link.Device
	addr   string
	cast   *role.Cast
	rec    *sales.Recovery
	at     module.Cursor
	events []sales.Event
	seen   uint64 // words the agent has taken
	ended  bool   // no agent takes any
	took   *sync.Cond
	words  []mdb.Word
	wg     sync.WaitGroup

	last  int64 // bus time of the last inStep
	stop  func()
	mu    sync.Mutex // dev is replaced by restart
	reset bool       // the module was restarted: a loss is expected
}

func newHouse(t *testing.T, roles ...role.Role) *house {
	t.Helper()
	dev, err := link.NewDevice(link.DeviceConfig{Boot: 9, Capabilities: link.CanListenMDB | link.CanSpeakMDB, Limit: 1 << 19})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dev: dev, addr: "chekomat+tcp://" + ln.Addr().String(), stop: func() {}}
	h.took = sync.NewCond(&h.mu)
	if h.cast, err = role.NewCast(roles...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			d := h.dev
			h.mu.Unlock()
			h.wg.Go(func() { _ = d.Serve(ctx, c) })
		}
	})
	t.Cleanup(func() { h.stop(); cancel(); ln.Close(); h.wg.Wait() })
	return h
}

// agent reads until stopped, as the agent does.
func (h *house) agent() (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	src, err := module.Open(ctx, h.addr, h.at, module.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	playing, err := h.cast.Play(src)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.rec == nil {
		h.rec = sales.New(sales.ForSource(playing.Fidelity()))
	}
	done := make(chan struct{})
	h.mu.Lock()
	h.ended = false
	h.mu.Unlock()
	go func() {
		defer close(done)
		defer func() {
			h.mu.Lock()
			h.ended = true
			h.took.Broadcast()
			h.mu.Unlock()
		}()
		for {
			c, err := playing.Read(ctx)
			if err != nil {
				if ctx.Err() == nil {
					h.t.Error(err)
				}
				return
			}
			for _, why := range c.Trouble {
				h.t.Error(why)
			}
			if c.Lost && c.Note != "" && h.at != (module.Cursor{}) && !h.reset {
				h.t.Error(c.Note)
			}
			for _, w := range c.Words {
				h.words = append(h.words, w)
				h.events = append(h.events, h.rec.Word(w)...)
			}
			h.events = append(h.events, h.rec.Advance(c.Now)...)
			h.at = c.Next
			h.mu.Lock()
			h.seen = c.Next.Seq
			h.took.Broadcast()
			h.mu.Unlock()
		}
	}()
	h.stop = sync.OnceFunc(func() { cancel(); playing.Close(); <-done })
	return h.stop
}

// restart is a module that lost its power for a moment: it forgets words, roles
// and what it was to say.
func (h *house) restart() {
	h.t.Helper()
	dev, err := link.NewDevice(link.DeviceConfig{Boot: 10, Capabilities: link.CanListenMDB | link.CanSpeakMDB, Limit: 1 << 19})
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.dev, h.reset, h.seen = dev, true, 0
	h.mu.Unlock()
}

// inStep lets the bus wait for the agent wherever the VMC waits for data, so that
// what comes in time does not depend on how busy this computer is.
func (h *house) inStep(t int64) {
	waits := t-h.last == dataPause
	h.last = t
	if waits {
		h.drain()
	}
}

// drain waits until the agent has taken every word.
func (h *house) drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.seen < h.dev.State().Next && !h.ended {
		h.took.Wait()
	}
}

// ready waits until the module plays.
func (h *house) ready() {
	for h.dev.Ask(0, []byte{0x1A, 0x1A}) == nil {
		runtime.Gosched()
	}
}

func newReader(t *testing.T, s role.ReaderSettings) *role.Reader {
	t.Helper()
	r, err := role.NewReader(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func orders(seed uint64, n int) []Order {
	shop := NewShopper(DefaultPlan(), seed)
	var all []Order
	for range n {
		all = append(all, shop.Next())
	}
	return all
}

func (h *house) check(vends []Vend, wantSource func(Vend) string) {
	h.t.Helper()
	want, got := sold(vends, h.events)
	if fmt.Sprint(want) != fmt.Sprint(got) {
		h.t.Fatalf("\nsold  %v\nheard %v", want, got)
	}
	i, nth := 0, 0
	for _, v := range vends {
		if v.Outcome != Sold {
			continue
		}
		for h.events[i].Kind != sales.KindSale {
			i++
		}
		// The first REPORT confirms what other sources told before it.
		nth++
		if e := h.events[i]; nth > 1 && e.Source != wantSource(v) || e.Class != sales.ClassA {
			h.t.Errorf("sale of column %d by %s: source %s, class %s", v.Column, v.Pay, e.Source, e.Class)
		}
		i++
	}
	for _, e := range h.events {
		if e.Kind == sales.KindIncident {
			h.t.Errorf("incident %s: %s", e.Code, e.Detail)
		}
	}
}

// inTime holds that each of our answers began within 5 ms of the command's end.
func (h *house) inTime() {
	h.t.Helper()
	var last mdb.Word
	own := 0
	for _, w := range h.words {
		if w.Flags&mdb.Own != 0 && last.Line == mdb.Master {
			own++
			if gap := w.T - last.T - wordTime; gap > 5000 {
				h.t.Fatalf("answered after %d µs", gap)
			}
		}
		last = w
	}
	if own == 0 {
		h.t.Fatal("nothing of our own was heard")
	}
}

// A machine that announces cash sales to nobody announces them to our reader.
func TestOurReaderIsToldOfCashSales(t *testing.T) {
	for name, set := range map[string]role.ReaderSettings{
		"answers at once": {}, "answers by POLL": {ByPoll: true}, "level 3": {Level: 3, EndAtOnce: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, newReader(t, set), role.NewGateway(role.GatewaySettings{Quiet: true}))
			stop := h.agent()
			h.ready()
			vends := h.sell(Config{Columns: DefaultPlan(), Seed: 3, VendTime: time.Second, Silent: true, Pace: h.inStep}, orders(3, 12))
			stop()
			h.check(vends, func(v Vend) string {
				if v.Pay == Cash {
					return "cash_sale"
				}
				return "vend_success"
			})
			h.inTime()
		})
	}
}

// Reader and gateway at once on one module: REPORTs win, nothing is counted twice.
func TestReaderAndGatewayAtOnce(t *testing.T) {
	for seed := range uint64(3) {
		for _, byPoll := range []bool{false, true} {
			g := role.NewGateway(role.GatewaySettings{ByPoll: byPoll})
			h := newHouse(t, newReader(t, role.ReaderSettings{ByPoll: byPoll}), g)
			stop := h.agent()
			h.ready()
			vends := h.sell(Config{Columns: DefaultPlan(), Seed: seed, VendTime: time.Second, Silent: seed%2 == 0, Rough: true, Pace: h.inStep}, orders(seed, 15))
			stop()
			if on, verbose := g.Enabled(); !on || !verbose {
				t.Fatal("the VMC does not use the gateway")
			}
			h.check(vends, func(Vend) string { return "report" })
			h.inTime()
		}
	}
}

// The agent dies and comes back: the module goes on answering meanwhile, and no
// sale is missing.
func TestModuleAnswersWhileTheAgentIsAway(t *testing.T) {
	h := newHouse(t, newReader(t, role.ReaderSettings{}), role.NewGateway(role.GatewaySettings{}))
	stop := h.agent()
	h.ready()
	paced := true
	m := New(Config{Columns: DefaultPlan(), Seed: 5, VendTime: time.Second, Silent: true, Guest: guest{h},
		Emit: func(w mdb.Word) { h.dev.Feed(w) },
		Pace: func(t int64) {
			h.dev.Advance(t)
			if paced {
				h.inStep(t)
			}
		}})
	m.PowerUp()
	var vends []Vend
	for i, o := range orders(5, 16) {
		switch i {
		case 5:
			stop()
			paced = false
		case 11:
			stop = h.agent()
			paced = true
		}
		m.Idle(500 * time.Millisecond)
		v, err := m.Order(o)
		if err != nil {
			t.Fatal(err)
		}
		vends = append(vends, v)
	}
	m.Idle(15 * time.Second)
	h.drain()
	stop()
	h.check(vends, func(Vend) string { return "report" })
	if !m.second.present || !m.gate.present {
		t.Error("the VMC lost a device meanwhile")
	}
}

// guest is the module of the moment.
type guest struct{ h *house }

func (g guest) Ask(t int64, block []byte) []byte { return g.h.dev.Ask(t, block) }

func (g guest) Hear(t int64, addr byte, k mdb.Kind) []byte { return g.h.dev.Hear(t, addr, k) }

// A module that was restarted is told everything anew, begins with JUST RESET, and
// the VMC sets its devices up again.
func TestModuleRestartsBetweenSales(t *testing.T) {
	h := newHouse(t, newReader(t, role.ReaderSettings{ByPoll: true}), role.NewGateway(role.GatewaySettings{Quiet: true}))
	stop := h.agent()
	h.ready()
	m := New(Config{Columns: DefaultPlan(), Seed: 7, VendTime: time.Second, Silent: true, Guest: guest{h},
		Emit: func(w mdb.Word) { h.dev.Feed(w) }, Pace: func(t int64) { h.dev.Advance(t); h.inStep(t) }})
	m.PowerUp()
	var vends []Vend
	for i, o := range orders(7, 12) {
		if i == 6 {
			m.Idle(15 * time.Second)
			h.drain()
			stop()
			h.restart()
			if h.dev.Ask(0, []byte{0x62, 0x62}) != nil {
				t.Fatal("a module that knows its role from before the restart")
			}
			stop = h.agent()
			h.ready()
			m.Idle(15 * time.Second)
		}
		m.Idle(500 * time.Millisecond)
		v, err := m.Order(o)
		if err != nil {
			t.Fatal(err)
		}
		vends = append(vends, v)
	}
	m.Idle(15 * time.Second)
	h.drain()
	stop()
	if !m.second.present || !m.second.announce {
		t.Error("the VMC does not know our reader any more")
	}
	want, got := sold(vends, h.events)
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Fatalf("\nsold  %v\nheard %v", want, got)
	}
}

// sell runs a machine with the module as its guest.
func (h *house) sell(cfg Config, all []Order) (vends []Vend) {
	h.t.Helper()
	cfg.Guest = guest{h}
	cfg.Emit = func(w mdb.Word) { h.dev.Feed(w) }
	pace := cfg.Pace
	cfg.Pace = func(t int64) { h.dev.Advance(t); pace(t) }
	m := New(cfg)
	m.PowerUp()
	if !m.second.present || !m.gate.present {
		h.t.Fatal("the VMC does not know our devices")
	}
	for _, o := range all {
		m.Idle(500 * time.Millisecond)
		v, err := m.Order(o)
		if err != nil {
			h.t.Fatal(err)
		}
		vends = append(vends, v)
	}
	m.Idle(15 * time.Second)
	h.drain()
	return vends
}
