package simulate

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/screen"
	"github.com/chekomat/chekomat/agent/uplink"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/powercut"
)

// operator of the one tenant there is.
const operator = "op"

// agent is the edge daemon of one machine: the real parts of it, wired as
// agent/run.go wires them, driven by the queue of events instead of goroutines.
type agent struct {
	w    *world
	n    int
	disk *powercut.Disk

	boot, bootedAt int64
	step           int64 // of the wall clock, ms
	armed          string
	slowTill       int64
	panelDead      int64
	fullTill       int64

	// of the run, gone with it
	up      bool
	run     int // counts starts: what was planned by an earlier one is void
	life    int64
	journal *journal.Journal
	uplink  *uplink.Uplink
	screen  *screen.Machine
	listen  *listen.Listener
	resume  func() (int64, bool) // of listening
	stop    func()
	yield   func(int64) bool
	notTill int64 // listening waits for its slow disk
	catalog wire.Config
	mail    []uplink.Letter
	conn    *conn
	tries   int
	frame   int64
	due     int64 // when the next turn is planned
}

func (a *agent) id() string { return fmt.Sprintf("agent%d", a.n+1) }

func (a *agent) name() string { return fmt.Sprintf("agent %d", a.n+1) }

// Now implements clock.Clock.
func (a *agent) Now() clock.Reading {
	return clock.Reading{Wall: a.w.time().Add(time.Duration(a.step) * time.Millisecond), Synced: a.w.calm || a.step == 0, Boot: fmt.Sprintf("boot%d-%d", a.n, a.boot), MonoMS: a.w.now - a.bootedAt + 1000}
}

func (a *agent) mono() int64 { return a.w.now - a.bootedAt + 1000 }

var quiet = slog.New(slog.DiscardHandler)

// start runs the program, and again later when it can't.
func (a *agent) start() {
	if a.up {
		return
	}
	a.run++
	a.life = a.disk.Counts().Generation
	if a.fullTill <= a.w.now {
		a.disk.Limit(0)
	}
	var err error
	where, dead := dies(func() { err = a.assemble() })
	if dead {
		if a.lives() {
			a.disk.Kill()
		}
		a.w.tell("%s dies at %s", a.name(), where)
	}
	if a.disk.Counts().Generation != a.life {
		if a.journal != nil {
			_ = a.journal.Close()
			a.journal = nil
		}
		a.w.tell("%s dies while it starts", a.name())
		a.again()
		return
	}
	if err != nil {
		a.w.tell("%s can't start: %v", a.name(), err)
		a.again()
		return
	}
	a.up = true
	a.tries = 0
	a.w.tell("%s runs", a.name())
	a.turn()
	a.reconnect(50)
}

// again starts it after a while, as systemd does.
func (a *agent) again() { a.w.after(2000, a.start) }

func (a *agent) assemble() (err error) {
	made := 0
	ids := func() string {
		made++
		r := a.w.rng("journal", a.n, a.run, made)
		return fmt.Sprintf("%016x", r.Uint64())
	}
	if a.journal, err = journal.OpenWith(a.disk.Folder(), a, ids); err != nil {
		a.journal = nil
		return err
	}
	defer func() {
		if err != nil {
			_ = a.journal.Close()
			a.journal = nil
		}
	}()
	if why := a.journal.Fresh(); why != "" && why != journal.WhyNew {
		a.w.violated("the journal of %s is damaged: %s", a.name(), why)
	}
	if err := a.journal.LearnBoot(a.Now()); err != nil {
		return err
	}
	a.screen, a.frame, a.catalog, a.mail, a.conn, a.notTill = screen.New(a.mono()), 0, wire.Config{}, nil, nil, 0
	sessions := 0
	if a.uplink, err = uplink.New(uplink.Config{Operator: operator, Agent: a.id(), Software: "simulated", Journal: a.journal, Clock: a, Machine: a,
		Logger: quiet, Chance: func() string {
			sessions++
			return fmt.Sprintf("session%d-%d-%d", a.n, a.run, sessions)
		}}); err != nil {
		return err
	}
	if a.listen, err = listen.New(listen.Config{
		URL: "sim://module", Log: disk{a}, Clock: a, Audience: a, Logger: quiet, SaveEvery: 30 * time.Second,
		Open: func(_ context.Context, from module.Cursor) (module.Source, error) {
			return a.w.machines[a.n].open(from, func() { a.sleep(0) }), nil
		},
		New:   func(f module.Fidelity) listen.Recovery { return sales.New(sales.ForSource(f)) },
		Terms: func() listen.Terms { return listen.Terms{Assume: a.catalog.Assume} },
		Wait:  func(context.Context, time.Duration) { a.sleep(1000) },
	}); err != nil {
		return err
	}
	if err := a.recall(); err != nil {
		return err
	}
	l := a.listen
	a.resume, a.stop = iter.Pull(iter.Seq[int64](func(yield func(int64) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(abandoned{}) {
				panic(r)
			}
		}()
		a.yield = yield
		if err := l.Run(context.Background()); err != nil {
			panic(fmt.Sprintf("simulate: %s: listening ends: %v", a.name(), err))
		}
	}))
	return nil
}

// abandoned unwinds a coroutine whose process is gone.
type abandoned struct{}

// sleep gives the turn back from listening; it goes on no sooner than in ms.
func (a *agent) sleep(ms int64) {
	if !a.yield(a.w.now + ms) {
		panic(abandoned{})
	}
}

// recall puts on the screen what stood there before a restart (agent/run.go).
func (a *agent) recall() error {
	kept, err := uplink.Kept(a.journal)
	if err != nil {
		return err
	}
	a.Configured(kept)
	last, ok, err := a.journal.LastSale()
	if err != nil || !ok || last.Record.Sale.Amount.Known && last.Record.Sale.Amount.Minor == 0 {
		return err
	}
	now := a.Now()
	offset, err := a.journal.BootOffset(last.At.Boot)
	if err != nil {
		return err
	}
	s := a.soldOf(last.Record)
	s.At, s.Settled = now.MonoMS-now.Since(last.At, offset).Milliseconds(), last.Shown
	a.put(s)
	if last.Receipt != nil {
		a.put(screen.Told{Receipt: *last.Receipt})
	}
	return nil
}

// point is a kill point: the program dies here when it is armed for it.
func (a *agent) point(name string) {
	if a.armed == name && !a.w.calm {
		a.armed = ""
		a.w.seen[AgentPoint]++
		panic(died{name})
	}
}

// lives says that the program was not ended by its disk.
func (a *agent) lives() bool { return a.disk.Counts().Generation == a.life }

// turn lets the program do what it can do now.
func (a *agent) turn() {
	if !a.up {
		return
	}
	if !a.act(func() {
		if a.w.now >= a.notTill {
			if at, ok := a.resume(); ok {
				a.notTill = at
			}
		}
		a.talk()
		if at, ok := a.screen.Due(); ok && at <= a.mono() {
			a.put(screen.Tick{})
		}
	}) {
		return
	}
	next := int64(5000)
	if a.conn != nil {
		next = min(next, a.uplink.PauseMS())
	}
	if at, ok := a.screen.Due(); ok {
		next = min(next, at-a.mono())
	}
	if a.notTill > a.w.now {
		next = min(next, a.notTill-a.w.now)
	}
	a.due = 0
	a.wake(max(next, 1))
}

// act runs a step of the program, which may die in it: false.
func (a *agent) act(do func()) bool {
	if !a.up {
		return false
	}
	where, dead := dies(do)
	switch {
	case dead:
		a.die("at "+where, false)
	case !a.lives():
		a.die("in the middle of a write", a.cutBy())
	}
	return a.up
}

// cutBy tells whether the disk's program was ended by a power cut.
func (a *agent) cutBy() bool {
	return a.disk.Counts().Cuts > 0 && a.disk.Counts().LastCut == a.disk.Counts().Generation
}

// wake plans a turn in so many ms, unless one comes sooner.
func (a *agent) wake(ms int64) {
	at := a.w.now + ms
	if !a.up || a.due != 0 && a.due <= at && a.due > a.w.now {
		return
	}
	a.due = at
	run := a.run
	a.w.after(ms, func() {
		if a.run == run && a.due == at {
			a.due = 0
			a.turn()
		}
	})
}

// die ends the program; it is started again after a while. power says that the
// machine below lost its power too.
func (a *agent) die(how string, power bool) {
	if !a.up {
		return
	}
	a.up, a.due = false, 0
	a.run++
	if a.lives() {
		a.disk.Kill()
	}
	a.w.tell("%s dies %s", a.name(), how)
	a.w.broker.drop(a.conn)
	a.conn = nil
	a.stop()
	_ = a.journal.Close()
	a.journal = nil
	if power {
		a.reboot()
	}
	a.again()
}

func (a *agent) reboot() {
	a.boot++
	a.bootedAt = a.w.now
}

// disk is the journal as listening sees it: slow now and then, and with the
// kill points around it.
type disk struct{ a *agent }

// Append implements listen.Log.
func (d disk) Append(e []journal.Entry, m *journal.Mark) ([]journal.Stored, error) {
	a := d.a
	if a.w.now < a.slowTill {
		a.w.seen[AgentSlow]++
		a.sleep(2500)
	}
	a.point("journal.beforeAppend")
	s, err := a.journal.Append(e, m)
	if err == nil {
		a.point("journal.afterAppend")
	}
	return s, err
}

// Mark implements listen.Log.
func (d disk) Mark() (journal.Mark, bool, error) { return d.a.journal.Mark() }

// openDisk makes the agent's data folder.
func (a *agent) openDisk(dir string, volatile bool) (err error) {
	if err = os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if a.disk, err = powercut.Mount(dir); err == nil {
		a.disk.Volatile(volatile)
		a.disk.Deaf(a.w.plan.Break == SyncForgotten)
	}
	return err
}
