// Package conformance puts the hub's parts together with the stand-ins of what
// they serve and counts what comes out.
package conformance

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	_ "github.com/chekomat/chekomat/fiscal/kkt/shtrih"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/till"
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register"
)

const inn = "7700999990"

// shop is a database with one seller and its lanes.
type shop struct {
	t testing.TB
	s *store.Store
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "hub.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sh := &shop{t, s}
	sh.exec(`INSERT INTO operator(id,name,created_at) VALUES ('op','op',1)`)
	sh.exec(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('seller','op','ООО','` + inn + `',1)`)
	sh.exec(`INSERT INTO machine(id,operator_id,created_at) VALUES ('machine','op',1)`)
	return sh
}

func (sh *shop) exec(query string, args ...any) {
	sh.t.Helper()
	err := sh.s.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		sh.t.Fatalf("%s: %v", query, err)
	}
}

func (sh *shop) lane(id, url, ffd string) {
	sh.exec(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at,settings) VALUES (?,'op','seller',?,?,?,55,'Europe/Moscow',1,1,?)`,
		id, id, url, ffd, `{"break_ms":20}`) // these registers fail all the time
}

func (sh *shop) key(n int) kkt.Key {
	return kkt.NewKey("record", fmt.Sprintf("a/j/%d", n), "receipt", "0")
}

func (sh *shop) sale(n int) {
	amount := int64(1000 + n%3) // few sums: a document is known by its key alone
	doc, err := json.Marshal(fiscal.Document{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: amount,
		Items:    []fiscal.Item{{Name: "Кофе", Price: amount, Quantity: fiscal.One, Sum: amount, VAT: fiscal.VAT22, Subject: fiscal.SubjectGoods, Method: fiscal.FullSettlement}},
		Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: amount}},
		Machine:  fiscal.Machine{Serial: fmt.Sprintf("VM-%d", n%7), Address: "г. Москва, ул. Примерная, д. 1", Place: "Автомат в холле"}})
	if err != nil {
		sh.t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	err = sh.s.Write(context.Background(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,machine_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
			VALUES (?,'op','record',?,'receipt','seller','machine','queued',?,?,?,?,?,?,?)`,
			fmt.Sprintf("job-%06d", n), fmt.Sprintf("a/j/%d", n), now, now+60_000, sh.key(n), amount, doc, now, now); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO job_history(job_id,at,state,actor) VALUES (?,?,'queued','ingest')`, fmt.Sprintf("job-%06d", n), now)
		return err
	})
	if err != nil {
		sh.t.Fatal(err)
	}
}

func (sh *shop) waiting() (n int) {
	if err := sh.s.Read().QueryRow(`SELECT COUNT(*) FROM job WHERE state NOT IN ('done','void')`).Scan(&n); err != nil {
		sh.t.Fatal(err)
	}
	return n
}

// story tells how the lanes stand, for a person who reads a failure.
func (sh *shop) story() (text string) {
	for _, query := range []string{
		`SELECT lane_id || ' ' || state || ' ' || fault || ' ' || detail FROM lane_state`,
		`SELECT subject || ' ' || code || ' ' || detail FROM incident WHERE closed_at IS NULL`,
		`SELECT job_id || ' ' || number || ' ' || state || ' ' || outcome || ' ' || baseline FROM attempt WHERE state NOT IN ('done','not_printed')`,
	} {
		rows, err := sh.s.Read().Query(query)
		if err != nil {
			return text + err.Error()
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return text + err.Error()
			}
			text += "\n\t" + line
		}
		rows.Close()
	}
	return text
}

// audit compares the registers' archives with the database, both ways.
func (sh *shop) audit(sales int, registers ...*register.Register) {
	t := sh.t
	t.Helper()
	type number struct {
		fn string
		fd uint32
	}
	made := map[kkt.Key][]number{}
	documents := map[number]fn.Document{}
	for _, r := range registers {
		for _, d := range r.Archive() {
			at := number{r.Status().FN, d.FD}
			documents[at] = d
			if d.Type == fn.TypeReceipt && d.KeyName == kkt.KeyName {
				made[kkt.Key(d.Key).Base()] = append(made[kkt.Key(d.Key).Base()], at)
			}
		}
	}
	for n := range sales {
		key := sh.key(n)
		var at number
		var amount int64
		err := sh.s.Read().QueryRow(`SELECT r.fn, r.fd, r.amount FROM job j JOIN receipt r ON r.job_id = j.id WHERE j.key = ? AND j.state = 'done'`, key).
			Scan(&at.fn, &at.fd, &amount)
		if err != nil {
			t.Errorf("sale %d has no receipt: %v; documents %v", n, err, made[key])
			continue
		}
		if docs := made[key]; len(docs) != 1 || docs[0] != at {
			t.Errorf("sale %d: receipt %v, documents %v", n, at, docs)
			continue
		}
		if d := documents[at]; d.Sum != amount || amount != int64(1000+n%3) || d.Machine != fmt.Sprintf("VM-%d", n%7) {
			t.Errorf("sale %d: receipt of %d kopecks, document %+v", n, amount, d)
		}
		delete(made, key)
	}
	for key, docs := range made {
		t.Errorf("documents %v have key %s of no sale", docs, key)
	}
	for at, d := range documents { // each is a receipt of ours or foreign; the registration report is older
		var n int
		err := sh.s.Read().QueryRow(`SELECT (SELECT COUNT(*) FROM receipt WHERE fn = ?1 AND fd = ?2) + (SELECT COUNT(*) FROM foreign_document WHERE fn = ?1 AND fd = ?2)`,
			at.fn, at.fd).Scan(&n)
		if err != nil || n != 1 && d.FD != 1 {
			t.Errorf("document %v (%s) stands %d times in the database, %v", at, d.Type, n, err)
		}
	}
}

// looked says that the till has accounted for each document of the registers.
func (sh *shop) looked(registers []*register.Register) bool {
	for _, r := range registers {
		var last int
		err := sh.s.Read().QueryRow(`SELECT COALESCE(MAX(last_fd),0) FROM fn_period WHERE fn = ?`, r.Status().FN).Scan(&last)
		if err != nil {
			sh.t.Fatal(err)
		}
		if last != len(r.Archive()) {
			return false
		}
	}
	return true
}

// lottery ends a worker's goroutine at a kill point now and then, as a crash
// of the hub would: nothing after the point runs.
type lottery struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	odds  int
	left  int
	died  chan string
	names map[string]int
}

func (l *lottery) point(name string) {
	l.mu.Lock()
	dies := l.left > 0 && l.rnd.IntN(l.odds) == 0
	if dies {
		l.left--
		l.names[name]++
	}
	l.mu.Unlock()
	if dies {
		l.died <- name
		runtime.Goexit()
	}
}

// impatient asks for shorter waits than its driver: these registers fail all the
// time, and nothing is proven by waiting.
type impatient struct {
	kkt.Driver
	kkt.DocumentReader
	kkt.CounterReader
	kkt.ClockSetter
	io.Closer
}

const shortest = 10 * time.Millisecond

func openImpatient(url string) (kkt.Driver, error) {
	d, err := kkt.Open(url, kkt.Options{})
	if err != nil {
		return nil, err
	}
	return impatient{d, d.(kkt.DocumentReader), d.(kkt.CounterReader), d.(kkt.ClockSetter), d.(io.Closer)}, nil
}

func (d impatient) Ready(ctx context.Context) (kkt.Baseline, error) {
	base, err := d.Driver.Ready(ctx)
	if p, ok := errors.AsType[*kkt.Problem](err); ok {
		sooner := *p
		sooner.After = min(p.After, shortest)
		err = &sooner
	}
	return base, err
}

func (d impatient) Submit(ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	out := d.Driver.Submit(ctx, w, base)
	out.After = min(out.After, shortest)
	return out
}

func (d impatient) Settle(ctx context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, ref kkt.Ref) kkt.Outcome {
	out := d.Driver.Settle(ctx, w, key, base, ref)
	out.After = min(out.After, shortest)
	return out
}

// run brings all sales through, starting the till anew after each crash.
func (sh *shop) run(sales, crashes int, seed uint64, registers ...*register.Register) {
	l := &lottery{rnd: rand.New(rand.NewPCG(seed, 1)), odds: 25, left: crashes, died: make(chan string, 64), names: map[string]int{}}
	next := 0
	end := time.Now().Add(8 * time.Minute) // beyond what any machine needs: says what waits before the test binary is ended
	unfinished := func() bool { return sh.waiting() > 0 || next < sales || !sh.looked(registers) }
	for unfinished() {
		if time.Now().After(end) {
			sh.t.Fatalf("%d jobs still wait; crashes %v%s", sh.waiting(), l.names, sh.story())
		}
		for len(l.died) > 0 { // several workers of one till died
			<-l.died
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		tl := till.New(sh.s, till.Settings{Open: openImpatient, Point: l.point, StopGrace: 10 * time.Millisecond, PollEvery: time.Second})
		go func() {
			defer close(ended)
			if err := tl.Run(ctx); err != nil {
				sh.t.Errorf("run: %v", err)
			}
		}()
		changed, cancel := sh.s.Changed()
		for alive := true; alive && unfinished(); {
			for ; next < sales && sh.waiting() < 20; next++ {
				sh.sale(next)
			}
			select {
			case <-l.died:
				alive = false
			case <-changed:
			case <-time.After(time.Until(end)):
				alive = false
			}
		}
		cancel()
		stop()
		<-ended
	}
	sh.t.Logf("crashes at %v", l.names)
}

func start(t testing.TB, cfg register.Config, faults ...string) *register.Register {
	t.Helper()
	for _, s := range faults {
		f, err := register.ParseFault(s)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	cfg.INN, cfg.OFD, cfg.Data = inn, true, t.TempDir()
	r, err := register.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

const hasty = "?connect=2s&control=60ms&answer=400ms&close=400ms&shift=400ms&poll=5ms&idle=2s&verify=always"

func address(r *register.Register) string { return "shtrih+tcp://" + r.Addr() + hasty }

// trouble is what a bad register, a bad cable and a second host do. A document
// is read back in some twenty commands, so faults of any command are rarer than
// those of the one that decides.
var trouble = []string{
	"lost_request:0.001", "lost_answer:0.001", "lost_ack:0.001", "damaged_request:0.002", "damaged_answer:0.002", "cut:0.001", "late_execution:0.001,delay=20ms",
	"lost_request:0.05@FF45", "lost_answer:0.08@FF45", "late_execution:0.08@FF45,delay=30ms", "cut:0.05@FF45,byte=3", "cut:0.05@FF45,when=before",
	"power_loss:0.03@FF45,delay=20ms", "power_loss:0.03@FF46,delay=10ms,when=before", "busy:0.05@8D,delay=30ms", "error:0.05@FF45,code=2F,when=after",
	"lost_answer:0.1@E0", "lost_answer:0.1@FF43", "foreign_document:0.05@FF45,when=after", "foreign_document:0.02@8D", "auto_shift:0.03@FF45,when=after", "shift_expired:0.003@10",
}

func TestTillOnABadRegister(t *testing.T) {
	t.Parallel()
	sales, crashes := 100, 30
	if testing.Short() {
		sales, crashes = 40, 10
	}
	for name, cfg := range map[string]register.Config{"keep": {Seed: 11}, "cancel": {Seed: 12, PowerUp: "cancel"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := newShop(t)
			r := start(t, cfg, trouble...)
			sh.lane("lane", address(r), "1.2")
			sh.run(sales, crashes, cfg.Seed, r)
			sh.audit(sales, r)
			t.Logf("%d documents, faults struck: %v", len(r.Archive()), r.Status().Struck)
		})
	}
}

func TestPoolOfBadRegisters(t *testing.T) {
	t.Parallel()
	sales, crashes := 120, 15
	if testing.Short() {
		sales, crashes = 40, 6
	}
	sh := newShop(t)
	var all []*register.Register
	for i := range 3 {
		r := start(t, register.Config{Seed: uint64(20 + i), Serial: fmt.Sprintf("0010690000000%d", i), FN: fmt.Sprintf("999907890200100%d", i)}, trouble...)
		sh.lane(fmt.Sprintf("lane-%d", i), address(r), "1.2")
		all = append(all, r)
	}
	sh.run(sales, crashes, 20, all...)
	sh.audit(sales, all...)
}
