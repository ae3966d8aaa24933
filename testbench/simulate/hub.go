package simulate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	full int64 // until when
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
	unsaid []func() // of the wrong strategy: stored later
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
		MarkFile: filepath.Join(h.w.stock.disk.Folder(), fmt.Sprintf("till%d.mark", h.n+1))})
	if err := h.store.NoteAllGone(ctx); err != nil {
		return err
	}
	h.heard = 0
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
	h.up, h.sleeps, h.missed, h.killAt, h.unsaid = false, 0, nil, 0, nil
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
					_ = h.ingest.Look(context.Background()) // it is tried again
					h.settle()
				}
				last, err := h.store.LastHistory(context.Background())
				if n%20 == 19 || err == nil && last != h.heard {
					h.heard = last
					h.till.Rouse()
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

// lane is a worker of the till in its coroutine.
type lane struct {
	h     *hub
	id    string
	next  func() (nap, bool)
	stop  func()
	yield func(nap) bool
	awake bool
	nap   nap
	naps  int
}

// nap is until when a worker sleeps, and what may wake it before.
type nap struct {
	until int64
	wake  <-chan struct{}
}

// begin makes the coroutine.
func (l *lane) begin() {
	h := l.h
	l.next, l.stop = iter.Pull(iter.Seq[nap](func(yield func(nap) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(abandoned{}) {
				panic(r)
			}
		}()
		l.yield = yield
		_ = h.till.Work(context.Background(), l.id, l.wait) // its lane could not be read: it is tried again
	}))
}

// wait implements till.Sleep.
func (l *lane) wait(_ context.Context, until time.Time, wake <-chan struct{}) bool {
	l.pause(nap{l.h.w.now + max(until.Sub(l.h.clock()).Milliseconds(), 0), wake})
	if wake != nil {
		select {
		case <-wake:
		default:
		}
	}
	return true
}

// sleep is the driver's.
func (l *lane) sleep(ms int64) { l.pause(nap{until: l.h.w.now + ms}) }

func (l *lane) pause(n nap) {
	if !l.h.lives() {
		panic(died{"in the middle of a write"})
	}
	if !l.yield(n) {
		panic(abandoned{})
	}
	if !l.h.lives() {
		panic(died{"in the middle of a write"})
	}
}

// turn lets the worker work until it sleeps. The caller guards.
func (l *lane) turn() {
	if l.next == nil {
		l.begin()
	}
	l.awake = true
	defer func() { l.awake = false }()
	n, ok := l.next()
	if !ok {
		l.next, n = nil, nap{until: l.h.w.now + 1000}
	}
	l.nap = n
	l.naps++
	naps, run := l.naps, l.h.run
	l.h.w.after(n.until-l.h.w.now, func() {
		l.h.when(func() {
			if l.naps == naps && l.h.run == run {
				l.h.guard(l.turn)
			}
		})
	})
}

// stir wakes the worker when somebody called it.
func (l *lane) stir() {
	if l.nap.wake != nil && len(l.nap.wake) > 0 && !l.awake {
		l.h.guard(l.turn)
	}
}

// drop ends the coroutine.
func (l *lane) drop() {
	l.naps++
	if l.next != nil && !l.awake {
		l.stop()
	}
	l.next = nil
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

// templates are hubs' databases with the scene in them, by how many lanes there
// are, made once a program.
var templates = [most + 1]func() (*powercut.Disk, error){
	1: sync.OnceValues(func() (*powercut.Disk, error) { return template(1) }),
	2: sync.OnceValues(func() (*powercut.Disk, error) { return template(2) }),
}

func template(lanes int) (*powercut.Disk, error) {
	dir, err := os.MkdirTemp(scratch(), "chekomat-simulate-template-")
	if err != nil {
		return nil, err
	}
	disk, err := powercut.Mount(dir)
	if err != nil {
		return nil, err
	}
	disk.Volatile(false)
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(disk.Folder(), database), func() time.Time { return start })
	if err != nil {
		return nil, err
	}
	if err := s.Write(ctx, func(tx *sql.Tx) error { return scene(tx, lanes) }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return disk, s.Close()
}

// most is how many machines and lanes a schedule may have.
const most = 2

// scene is an operator with a seller, machines and lanes.
func scene(tx *sql.Tx, lanes int) (err error) {
	do := func(query string, args ...any) {
		if err == nil {
			if _, err = tx.Exec(query, args...); err != nil {
				err = fmt.Errorf("%s: %w", query, err)
			}
		}
	}
	do(`INSERT INTO operator(id,name,c_policy,created_at) VALUES (?,'Оператор','job',1)`, operator)
	do(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s',?,'ООО «Кофе»',?,1)`, operator, sellerINN)
	do(`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s',1,1,'standard')`)
	for n := range most {
		m, a := fmt.Sprintf("m%d", n+1), fmt.Sprintf("agent%d", n+1)
		do(`INSERT INTO machine(id,operator_id,created_at) VALUES (?,?,1)`, m, operator)
		do(`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES (?,1,'s',?,?,?,'Europe/Moscow')`,
			m, fmt.Sprintf("VM-%04d", n+1), addressOf(n), placeOf(n))
		for _, source := range []string{"cash", "reader1", "reader2"} {
			do(`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES (?,?,1,'us')`, m, source)
		}
		for c, price := range prices {
			do(`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES (?,?,1,?,?)`, m, c+1, names[c], price)
		}
		do(`INSERT INTO machine_rule(machine_id,currency) VALUES (?,'643')`, m)
		do(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES (?,?,?,1)`, a, operator, store.HashSecret("x"))
		do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES (?,?,?,1)`, operator, a, m)
		if n >= lanes {
			continue
		}
		do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES (?,?,'s',?,?,'1.2',1,'Europe/Moscow',1,1)`,
			fmt.Sprintf("l%d", n+1), operator, fmt.Sprintf("Касса %d", n+1), fmt.Sprintf("sim:%d", n))
	}
	return err
}

func addressOf(n int) string { return fmt.Sprintf("Москва, Ленина %d", n+1) }
func placeOf(n int) string   { return fmt.Sprintf("холл %d", n+1) }

// scratch is where data folders are made: in memory where there is such a place.
func scratch() string {
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}
