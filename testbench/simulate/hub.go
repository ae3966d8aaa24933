package simulate

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/till"
	"github.com/chekomat/chekomat/testbench/powercut"
)

// stock is the disk the hubs stand on.
type stock struct {
	disk *powercut.Disk
}

const database = "hub.db"

// kept is a backup of it.
type kept struct {
	disk *powercut.Disk
	made bool
}

// hub is one hub process: the real store, ingest and till. Of two, which share
// a database, one is on duty: agents connect to it.
type hub struct {
	w    *world
	n    int
	step int64 // of its clock, ms

	up     bool
	run    int
	life   int64
	store  *store.Store
	ingest *ingest.Ingest
	till   *till.Till
	lanes  []*lane
	sleeps int64    // it stands still until then
	missed []func() // what is to be done when it wakes
	points int      // kill points passed in this run
	killAt int      // dies at this one
	heard  int64    // newest change of a job the till was told of
	writes int64    // of the disk, when that was looked for
}

func (h *hub) name() string {
	if h.n == 0 {
		return "the hub"
	}
	return "the second hub"
}

// clock is the hub's.
func (h *hub) clock() time.Time {
	return h.w.time().Add(time.Duration(h.step) * time.Millisecond)
}

// onDuty is the hub that agents reach.
func (w *world) onDuty() *hub {
	for i := len(w.hubs) - 1; i >= 0; i-- { // a second one runs only when the first can't be reached
		if h := w.hubs[i]; h.up && !h.suspended() {
			return h
		}
	}
	return nil
}

func (h *hub) suspended() bool { return h.w.now < h.sleeps }

// when does something now, or when the process wakes.
func (h *hub) when(do func()) {
	if !h.up {
		return
	}
	if h.suspended() {
		h.missed = append(h.missed, do)
		return
	}
	do()
}

// point is a kill point.
func (h *hub) point(name string) {
	if h.store != nil && !h.lives() {
		panic(died{"in the middle of a write, before " + name})
	}
	if h.w.calm {
		return
	}
	h.points++
	if h.killAt > 0 && h.points >= h.killAt {
		h.killAt = 0
		h.w.seen[HubPoint]++
		panic(died{"at " + name})
	}
}

func (h *hub) lives() bool { return h.w.stock.disk.Counts().Generation == h.life }

// guard runs a step of the process and lets it die in it.
func (h *hub) guard(do func()) { h.w.guard(h, do) }

func (w *world) guard(h *hub, do func()) {
	if !h.up {
		return
	}
	where, dead := dies(do)
	switch {
	case dead:
		h.die(where)
	case h.up && !h.lives():
		h.die("in the middle of a write")
	}
}

// start runs the program, and again later when it can't.
func (h *hub) start() {
	if h.up {
		return
	}
	h.run++
	h.life = h.w.stock.disk.Counts().Generation
	h.points = 0
	var err error
	where, dead := dies(func() { err = h.assemble() })
	if dead || err != nil || !h.lives() {
		h.w.tell("%s can't start: %s%v", h.name(), where, err)
		h.close()
		h.again()
		return
	}
	h.up = true
	h.w.tell("%s runs", h.name())
	h.guard(func() {
		for _, l := range h.lanes {
			l.turn()
		}
	})
	h.tick(h.run, 0)
}

func (h *hub) again() {
	h.w.after(2000, func() {
		if h.n == 0 || h.w.hubs[0].suspended() {
			h.start()
		}
	})
}

func (h *hub) assemble() (err error) {
	ctx := context.Background()
	if h.store, err = store.Open(ctx, filepath.Join(h.w.stock.disk.Folder(), database), h.clock); err != nil {
		h.store = nil
		return err
	}
	h.ingest = ingest.NewStepped(h.store, h, ingest.Options{Log: quiet})
	h.till = till.New(h.store, till.Settings{Holder: fmt.Sprintf("hub%d", h.n+1), LeaseTTL: 10 * time.Second, Longest: 20 * time.Second,
		Now: h.clock, Log: quiet, Teller: h.ingest, Point: h.point, Open: h.open,
		MarkFile: filepath.Join(h.w.stock.disk.Folder(), "hub.mark")})
	if err := h.store.NoteAllGone(ctx); err != nil {
		return err
	}
	h.heard, h.writes = 0, 0
	h.settle()
	ids, err := h.till.Begin(ctx)
	if err != nil {
		return err
	}
	h.lanes = nil
	for _, id := range ids {
		h.lanes = append(h.lanes, &lane{h: h, id: id})
	}
	return nil
}

func (h *hub) settle() {
	if err := h.ingest.Settle(context.Background()); err != nil && h.lives() {
		h.w.tell("%s can't settle records: %v", h.name(), err)
	}
}

// open gives a lane its driver.
func (h *hub) open(url string) (kkt.Driver, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(url, "sim:"))
	if err != nil || n >= len(h.w.regs) {
		return nil, fmt.Errorf("no register at %s", url)
	}
	wrong := h.w.plan.Break
	return &driver{r: h.w.regs[n], wrong: wrong, point: h.point, sleep: func(ms int64) {
		for _, l := range h.lanes {
			if l.awake {
				l.sleep(ms)
				return
			}
		}
		panic("simulate: a driver is used outside of its lane")
	}}, nil
}

// close lets go of the database of a process that is gone.
func (h *hub) close() {
	for _, l := range h.lanes {
		l.drop()
	}
	h.lanes = nil
	if h.ingest != nil {
		h.ingest.Stop()
	}
	if h.store != nil {
		_ = h.store.Close()
	}
	h.store, h.ingest, h.till = nil, nil, nil
}

// die ends the process. Everything on its machine ends with its disk.
func (h *hub) die(how string) {
	if !h.up {
		return
	}
	h.up, h.sleeps, h.missed, h.killAt = false, 0, nil, 0
	h.run++
	h.w.tell("%s dies %s", h.name(), how)
	disk := h.w.stock.disk
	other := h.w.hubs[1-h.n]
	if h.lives() && !other.up {
		disk.Kill() // with another on the same disk, closing is all that can be done: it has nothing in the middle
	}
	h.w.broker.dropAll(h)
	h.close()
	h.again()
	if other.up && !other.lives() {
		other.die("with its disk")
	}
}

// tick is what the process does beside: it looks for jobs when something
// happened to one, and now and then for what a missed signal would leave lying.
func (h *hub) tick(run, n int) {
	h.w.after(250, func() {
		if !h.up || h.run != run {
			return
		}
		h.when(func() {
			h.guard(func() {
				if n%20 == 19 {
					h.till.Tick()
					h.settle()
				}
				if n%40 == 39 {
					_ = h.ingest.Look(context.Background()) // it is tried again
				}
				if n%120 == 119 {
					h.correctLate()
				}
				if writes := h.w.stock.disk.Counts().Writes; writes != h.writes {
					h.writes = writes
					if last, err := h.store.LastHistory(context.Background()); err == nil && last != h.heard {
						h.heard = last
						h.till.Hear()
					}
				}
			})
			if !h.up || h.run != run {
				return
			}
			for _, l := range h.lanes {
				l.stir()
			}
			h.tick(run, n+1)
		})
	})
}

// correctLate does what the hub's main does every half a minute.
func (h *hub) correctLate() {
	for more := 1; more > 0; {
		var err error
		if more, err = h.store.CorrectLate(context.Background()); err != nil && h.lives() {
			h.w.tell("%s can't correct late sales: %v", h.name(), err)
		}
	}
}

// ackEarly is the wrong strategy AckBeforeDurable: the answer goes first.
func (h *hub) ackEarly(a *agent, body []byte) {
	arrival := ingest.Parse(body, h.store.Now(), ingest.Limits{Amount: 1 << 40})
	arrival.Topic = wire.Topic(operator, a.id(), wire.UpRecord)
	ack := wire.Ack{V: wire.Version, Journal: arrival.Journal, Upto: arrival.Seq}
	_ = h.Publish(operator, a.id(), wire.DownAck, mustJSON(ack))
	run := h.run
	h.w.after(3000, func() {
		if h.up && h.run == run {
			h.guard(func() {
				if _, err := h.store.TakeIn(context.Background(), operator, a.id(), []store.Arrival{arrival}); err == nil {
					h.settle()
				}
			})
		}
	})
}
