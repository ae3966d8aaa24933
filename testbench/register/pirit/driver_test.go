package pirit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	_ "github.com/chekomat/chekomat/fiscal/kkt/pirit"
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/chekomat/chekomat/testbench/register/pirit"
)

// till is the least a caller of the driver has to do: one attempt in flight, an
// ambiguous one settled before anything else, a new key only after a proven
// "not made".
type till struct {
	t   *testing.T
	d   kkt.Driver
	ctx context.Context
}

// patience bounds one document; no verdict depends on how fast it goes.
const patience = 60 * time.Second

func newTill(t *testing.T, address, parameters string) *till {
	if !strings.Contains(parameters, "close=") {
		parameters += "&control=60ms&answer=300ms&close=300ms"
	}
	d, err := kkt.Open(address+"?vat=11:6,12:7&connect=2s&shift=2s&verify=always"+parameters, kkt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &till{t, d, t.Context()}
}

func coffee(sum int64, machine string) fiscal.Document {
	return fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: 1, TaxSystem: 1, Test: true, Total: sum,
		Items:    []fiscal.Item{{Name: "Кофе «капучино»", Price: sum, Quantity: fiscal.One, Sum: sum, VAT: fiscal.VAT22, Subject: 1, Method: 4}},
		Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: sum}},
		Machine:  fiscal.Machine{Serial: machine, Address: "101000, г. Москва, ул. Весёлая, д. №1", Place: "Торговый автомат, холл 1 этажа"},
	}
}

// make brings one document through whatever the register does; it returns the
// receipt it was told of.
func (l *till) make(doc fiscal.Document, base kkt.Key) *fiscal.Receipt {
	l.t.Helper()
	var last any
	end := time.Now().Add(patience)
	for attempt := 1; time.Now().Before(end); {
		at, err := l.d.Ready(l.ctx)
		if err != nil {
			last = err
			continue
		}
		if doc.Kind == fiscal.KindReceipt {
			if at.Expired {
				l.make(fiscal.Document{Kind: fiscal.KindShiftClose, Test: true}, "")
				continue
			}
			if !at.ShiftOpen {
				l.make(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, "")
				continue
			}
		} else if at.ShiftOpen == (doc.Kind == fiscal.KindShiftOpen) && !at.Expired {
			return nil // somebody did it already
		}
		key := base
		if key != "" {
			key = base.Attempt(attempt)
		}
		wire, err := l.d.Encode(doc, key, kkt.Registration{})
		if err != nil {
			l.t.Fatal(err)
		}
		out := l.d.Submit(l.ctx, wire, at)
		for out.Kind == kkt.Ambiguous || out.Kind == kkt.Pending || out.Kind == kkt.Accepted || out.Kind == kkt.Duplicate {
			if time.Now().After(end) {
				l.t.Fatalf("%s never settled: %+v", key, out)
			}
			out = l.d.Settle(l.ctx, wire, key, at, out.Ref)
		}
		switch out.Kind {
		case kkt.Done:
			if out.Fault != nil {
				l.t.Fatalf("%s: %v", key, out.Fault)
			}
			return out.Receipt
		case kkt.Failed, kkt.Rejected, kkt.Config:
			attempt++
		}
		last = fmt.Sprintf("%s: %v", out.Kind, out.Fault)
	}
	l.t.Fatalf("%s never made, last %v", base, last)
	return nil
}

func armed(t testing.TB, all ...string) (fs []faults.Fault) {
	t.Helper()
	for _, s := range all {
		f, err := faults.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, f)
	}
	return fs
}

func start(t testing.TB, cfg pirit.Config) *pirit.Register {
	t.Helper()
	if cfg.Taxes == nil {
		cfg.Taxes = map[int]byte{6: 11, 7: 12}
	}
	r, err := pirit.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// The real driver against the real protocol under every fault at once: each
// sale ends as exactly one document with its key, sum and machine, and the
// receipt the driver reported is that document.
func TestDriverMakesEachSaleExactlyOnce(t *testing.T) {
	all := []string{
		"lost_request:0.002", "damaged_request:0.002", "lost_ack:0.002", "lost_answer:0.002", "lost_answer:0.1@close",
		"late_execution:0.05@close,delay=40ms", "late_execution:0.002,delay=20ms", "cut:0.002", "cut:0.05@close", "cut:0.002,when=before",
		"cut:0.03@close,byte=9", "damaged_answer:0.002", "repeated_answer:0.01", "delayed_answer:0.002,delay=30ms",
		"delayed_answer:0.03@close,delay=350ms", "slow:0.03@close,delay=350ms", "power_loss:0.05@close,delay=10ms",
		"power_loss:0.05@close,delay=10ms,when=before", "power_loss:0.02@close,step=answer,delay=10ms",
		"power_loss:0.02@close,step=data,delay=10ms", "power_loss:0.02@close,step=finish,delay=10ms", "power_loss:0.002,delay=10ms,when=before",
		"power_loss:0.1@shift_open,step=answer,delay=10ms", "power_loss:0.1@shift_close,step=answer,delay=10ms",
		"error:0.002,code=61", "error:0.05@close,code=08,when=after", "error:0.05@close,code=61,when=after",
		"foreign_open:0.05@close,when=after,delay=30ms", "foreign_document:0.1@78,when=after,times=5",
		"foreign_document:0.1@close,when=after", "second_host:0.02@close,when=after", "auto_shift:0.05@close,when=after", "shift_expired:0.05@open",
	}
	for name, one := range map[string]struct {
		cfg        pirit.Config
		parameters string
		pty        bool
	}{
		"pirit2f":  {cfg: pirit.Config{Seed: 1}},
		"pirit2sf": {cfg: pirit.Config{Seed: 2, Model: pirit.Pirit2SF, FFD: 2}, parameters: "&model=pirit2sf&print=no&block=4096"},
		"fm16":     {cfg: pirit.Config{Seed: 3, Model: pirit.FM16, Block: 100, Reopen: true}, parameters: "&model=fm16"},
		"pty":      {cfg: pirit.Config{Seed: 4, Pty: true}, pty: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one.cfg.Faults = armed(t, all...)
			one.cfg.OFD, one.cfg.Data = true, t.TempDir()
			r := start(t, one.cfg)
			address := "pirit+tcp://" + r.Addr()
			if one.pty {
				address = "pirit+serial://" + r.Path()
			}
			l := newTill(t, address, one.parameters)
			const sales = 30
			told := map[kkt.Key]*fiscal.Receipt{}
			for i := range sales {
				key := kkt.NewKey(name, fmt.Sprint(i))
				told[key] = l.make(coffee(int64(1000+i), fmt.Sprintf("VM-%06d", i)), key)
			}
			checkArchive(t, r, sales, func(i int) kkt.Key { return kkt.NewKey(name, fmt.Sprint(i)) }, told)
			t.Logf("%d documents, faults struck: %v", len(r.Archive()), r.Status().Struck)
		})
	}
}

func checkArchive(t *testing.T, r *pirit.Register, sales int, key func(int) kkt.Key, told map[kkt.Key]*fiscal.Receipt) {
	t.Helper()
	made := map[kkt.Key][]fn.Document{}
	for i, d := range r.Archive() {
		if d.FD != uint32(i+1) {
			t.Fatalf("ФД %d at place %d", d.FD, i)
		}
		if d.Type == fn.TypeReceipt && d.KeyName != "foreign" {
			made[kkt.Key(d.Key).Base()] = append(made[kkt.Key(d.Key).Base()], d)
		}
	}
	for i := range sales {
		k := key(i)
		docs := made[k]
		delete(made, k)
		if len(docs) != 1 {
			t.Errorf("sale %d has %d documents", i, len(docs))
			continue
		}
		d, said := docs[0], told[k]
		if d.Sum != int64(1000+i) || d.Machine != fmt.Sprintf("VM-%06d", i) || d.Address != "101000, г. Москва, ул. Веселая, д. N1" ||
			d.Place != "Торговый автомат, холл 1 этажа" || d.KeyName != kkt.KeyName || d.Items[0].Rate != byte(fiscal.VAT22) {
			t.Errorf("sale %d: %+v", i, d)
		}
		if said == nil || said.FD != d.FD || said.FN != d.FN || said.QR() != d.QR {
			t.Errorf("sale %d: the driver told %+v, the archive holds ФД %d, %s", i, said, d.FD, d.QR)
		}
	}
	for k, docs := range made {
		t.Errorf("%d documents of no sale, key %q", len(docs), k)
	}
}

// Without faults, at zero service time: what driver and emulator cost together.
func BenchmarkDriverReceipt(b *testing.B) {
	r := start(b, pirit.Config{FNCapacity: 1 << 30, OFD: true})
	d, err := kkt.Open("pirit+tcp://"+r.Addr()+"?vat=11:6&verify=never", kkt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	submit := func(doc fiscal.Document, key kkt.Key) {
		at, err := d.Ready(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		wire, err := d.Encode(doc, key, kkt.Registration{})
		if err != nil {
			b.Fatal(err)
		}
		if out := d.Submit(b.Context(), wire, at); out.Kind != kkt.Done {
			b.Fatalf("%+v", out)
		}
	}
	submit(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, "")
	b.ResetTimer()
	started := time.Now()
	n := 0
	for b.Loop() {
		submit(coffee(8500, "VM-000042"), kkt.NewKey("bench", fmt.Sprint(n)).Attempt(1))
		n++
	}
	b.ReportMetric(float64(n)/time.Since(started).Seconds(), "receipts/s")
}
