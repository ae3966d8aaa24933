package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	_ "github.com/chekomat/chekomat/fiscal/kkt/shtrih" // the registers' driver
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/till"
	"github.com/chekomat/chekomat/testbench/register"
)

const (
	budgetBusy  = 0.98 // of a bare client
	serviceTime = 350 * time.Millisecond
	registerINN = "7700999990"
)

// busy holds a till that has a backlog against a bare client that sends the
// same commands back to back: each to a register of its own, one after the
// other.
func (b *bench) busy(ctx context.Context) ([]Row, error) {
	n := 24
	if b.quick {
		n = 6
	}
	bare, err := barePace(ctx, n)
	if err != nil {
		return nil, err
	}
	ours, err := tillPace(ctx, n)
	if err != nil {
		return nil, err
	}
	service := b.length(serviceTime)
	first := b.row("busy", "receipts/s", ours.rate, service)
	first.Budget, first.Peer = atLeastRatio(budgetBusy), b.peer("bare", bare.rate)
	first.Note = fmt.Sprintf(b.words.notes["row"], n, number(ours.commands, b.words.comma), number(bare.commands, b.words.comma))
	second := b.row("busy_bare", "receipts/s", bare.rate)
	second.Peer = b.peer("limit", 1/serviceTime.Seconds())
	return []Row{first, second}, nil
}

// length of time as a row's name has it.
func (b *bench) length(d time.Duration) string {
	return fmt.Sprintf("%d %s", d.Milliseconds(), b.words.units["ms"])
}

// coffee is a receipt like most.
func coffee(n int) fiscal.Document {
	const sum = 8500
	return fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: 1, Test: true, Total: sum, SellerINN: registerINN,
		Items:    []fiscal.Item{{Name: "Кофе «Капучино»", Price: sum, Quantity: fiscal.One, Sum: sum, VAT: fiscal.VAT22, Subject: 1, Method: 4}},
		Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: sum}},
		Machine:  fiscal.Machine{Serial: fmt.Sprintf("VM-%04d", n%50), Address: "г. Москва, ул. Образцовая, д. 1", Place: "Бизнес-центр, 1 этаж"},
	}
}

func emulated() (*register.Register, string, error) {
	r, err := register.Start(register.Config{FNCapacity: 1 << 30, OFD: true, Service: serviceTime, INN: registerINN})
	if err != nil {
		return nil, "", fmt.Errorf("bench: start a register: %w", err)
	}
	return r, "shtrih+tcp://" + r.Addr(), nil
}

// pace of a register's work.
type pace struct {
	rate     float64 // receipts a second
	commands float64 // the register was asked for a receipt
}

// stopwatch measures a register's pace from now on.
func stopwatch(r *register.Register) (stop func(receipts int) pace) {
	count := func() (n int) {
		for _, c := range r.Status().Commands {
			n += c
		}
		return n
	}
	before, start := count(), time.Now()
	return func(receipts int) pace {
		took := time.Since(start).Seconds()
		return pace{float64(receipts) / took, float64(count()-before) / float64(receipts)}
	}
}

// barePace is that of the driver alone.
func barePace(ctx context.Context, n int) (made pace, err error) {
	r, url, err := emulated()
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	d, err := kkt.Open(url, kkt.Options{})
	if err != nil {
		return made, fmt.Errorf("bench: open the driver: %w", err)
	}
	var at kkt.Baseline
	submit := func(doc fiscal.Document, key kkt.Key) error {
		wire, err := d.Encode(doc, key, kkt.Registration{})
		if err != nil {
			return fmt.Errorf("bench: encode a receipt: %w", err)
		}
		out := d.Submit(ctx, wire, at)
		if out.Kind != kkt.Done || out.Receipt == nil {
			return fmt.Errorf("bench: a receipt ended as %s: %+v", out.Kind, out)
		}
		// What a done document leaves is known without asking; the till does the same.
		at.FD, at.Shift, at.ShiftOpen = out.Receipt.FD, out.Receipt.Shift, true
		if doc.Kind == fiscal.KindReceipt {
			at.Receipts = out.Receipt.Number
		}
		return nil
	}
	if at, err = d.Ready(ctx); err != nil {
		return made, fmt.Errorf("bench: register is not ready: %w", err)
	}
	if err := submit(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, ""); err != nil {
		return made, err
	}
	if err := submit(coffee(0), kkt.NewKey("bench", "first").Attempt(1)); err != nil {
		return made, err
	}
	stop := stopwatch(r)
	for i := range n {
		if err := submit(coffee(i), kkt.NewKey("bench", fmt.Sprint(i)).Attempt(1)); err != nil {
			return made, err
		}
	}
	return stop(n), nil
}

// told passes on the jobs that are done.
type told chan string

func (c told) Tell(job string) {
	select {
	case c <- job:
	default: // more than was asked for
	}
}

// tillPace is that of the hub's till on a database file, with all jobs there
// from the beginning.
func tillPace(ctx context.Context, n int) (made pace, err error) {
	dir, err := os.MkdirTemp("", "chekomat-bench-")
	if err != nil {
		return made, fmt.Errorf("bench: folder of the till: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r, url, err := emulated()
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s, err := store.Open(ctx, filepath.Join(dir, "hub.db"), time.Now)
	if err != nil {
		return made, fmt.Errorf("bench: open the store: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := furnish(ctx, s, url); err != nil {
		return made, err
	}
	done := make(told, n+2)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- till.New(s, till.Settings{Teller: done}).Run(ctx) }()
	defer func() { cancel(); err = errors.Join(err, <-ended) }()

	await := func(n int) error {
		for range n {
			select {
			case <-done:
			case err := <-ended:
				ended <- nil
				return fmt.Errorf("bench: the till ended: %w", err)
			case <-ctx.Done():
				return fmt.Errorf("bench: the till made no receipt: %w", ctx.Err())
			}
		}
		return nil
	}
	if err := addJobs(ctx, s, 0, 1); err != nil { // opens the shift
		return made, err
	}
	if err := await(1); err != nil {
		return made, err
	}
	if err := addJobs(ctx, s, 1, n+1); err != nil {
		return made, err
	}
	if err := await(1); err != nil { // from here on there is work without a pause
		return made, err
	}
	stop := stopwatch(r)
	if err := await(n); err != nil {
		return made, err
	}
	return stop(n), nil
}

// furnish makes an operator, a seller and a lane.
func furnish(ctx context.Context, s *store.Store, url string) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO operator(id,name,created_at) VALUES ('op','op',1);
			INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','op','s',?,1);
			INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES ('l','op','s','l',?,'1.2',1,'Europe/Moscow',1,1)`, registerINN, url)
		return err
	})
	if err != nil {
		return fmt.Errorf("bench: make a lane: %w", err)
	}
	return nil
}

// addJobs adds n jobs at once, as ingest would.
func addJobs(ctx context.Context, s *store.Store, from, n int) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		ms := time.Now().UnixMilli()
		for i := from; i < from+n; i++ {
			doc, err := json.Marshal(coffee(i))
			if err != nil {
				return err
			}
			origin := fmt.Sprintf("bench/j/%d", i)
			id := fmt.Sprintf("job-%d", i)
			if _, err := tx.Exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
				VALUES (?,'op','record',?,'receipt','s','queued',?,?,?,8500,?,?,?)`, id, origin, ms, ms+120_000, kkt.NewKey("record", origin, "receipt", "0"), doc, ms, ms); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO job_history(job_id,at,state,actor) VALUES (?,?,'queued','ingest')`, id, ms); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bench: add jobs: %w", err)
	}
	return nil
}
