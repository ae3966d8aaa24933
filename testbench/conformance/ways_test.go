package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/register"
)

// A register that takes 1036 from its table only, and corrections whose ground
// comes inside 1174: the other settings of a Shtrih-M lane pass the suite, too.
func TestOtherSettings(t *testing.T) {
	t.Parallel()
	table := Subject{Name: "shtrih-table", PaperError: 0x6B, Start: func(s Start) (Register, error) {
		r, err := register.Start(register.Config{
			INN: "7700999990", FFD: byte(s.FFD), Seed: s.Seed, OFD: true, Zone: time.UTC, ByteTimeout: 30 * time.Millisecond, MachineFrom: "table",
		})
		if err != nil {
			return nil, err
		}
		return shtrihRegister{r, "shtrih+tcp://" + r.Addr() + quick + "&tag1036=table&correction=struct&verify=always"}, nil
	}}
	rs, err := Run(t.Context(), Options{Subjects: []Subject{table}, Schedules: count(t, 40, 300), Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if r := rs[0]; r.Bad() || len(r.Refused) > 0 {
		t.Errorf("%+v", r)
	}
}

// lane is a driver on an emulator of its own.
func lane(t *testing.T, cfg register.Config, query string) (*hub, *register.Register) {
	t.Helper()
	cfg.INN, cfg.OFD, cfg.Zone = "7700999990", true, time.UTC
	r, err := register.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	h := &hub{reg: shtrihRegister{r, "shtrih+tcp://" + r.Addr() + "?poll=5ms" + query}, line: &line{}}
	if err := h.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	var reg kkt.Registration
	if err := h.warm(t.Context(), &reg); err != nil {
		t.Fatal(err)
	}
	return h, r
}

func (h *hub) done(t *testing.T, ctx context.Context, doc fiscal.Document, key string) fiscal.Receipt {
	t.Helper()
	out, err := h.make(ctx, doc, kkt.NewKey(key))
	if err != nil || out.Kind != kkt.Done || out.Fault != nil {
		t.Fatalf("%s: %s %v %v", key, out.Kind, out.Fault, err)
	}
	return *out.Receipt
}

// A register inside one machine has the machine's address and place in its
// registration; with the other setting it refuses them by name.
func TestAddressOfTheRegistration(t *testing.T) {
	m := machine(7)
	cfg := register.Config{Address: m.Address, Place: m.Place}
	h, r := lane(t, cfg, "&place=registration&verify=always")
	doc := sell(7, 5000, fiscal.VAT22, pay(fiscal.Ecash, 5000))
	h.done(t, t.Context(), doc, "here")
	docs := r.Archive()
	if last := docs[len(docs)-1]; last.Address != m.Address || last.Place != m.Place || last.Machine != m.Serial {
		t.Errorf("%+v", last)
	}
	if out, err := h.make(t.Context(), sell(8, 5000, fiscal.VAT22, pay(fiscal.Ecash, 5000)), kkt.NewKey("elsewhere")); err != nil || out.Kind != kkt.Config || out.Fault.Code != fault.PlaceMismatch {
		t.Error(out, err)
	}
	h, _ = lane(t, cfg, "")
	if out, err := h.make(t.Context(), doc, kkt.NewKey("by TLV")); err != nil || out.Kind != kkt.Config || out.Fault.Code != fault.TagRefused {
		t.Error(out, err)
	}
}

// What the register counted equals what was made: from the closing report where
// the ФН counts, from the archive otherwise.
func TestShiftCounters(t *testing.T) {
	for _, c := range []struct {
		version kkt.FFD
		closed  kkt.CounterSource
	}{{kkt.FFD105, kkt.FromArchive}, {kkt.FFD12, kkt.FromReport}} {
		h, _ := lane(t, register.Config{FFD: byte(c.version)}, "")
		ctx := t.Context()
		read := h.driver.(kkt.CounterReader)
		if _, err := read.ShiftCounters(ctx); kkt.Classify(err).Fault.Code != fault.ShiftClosed {
			t.Errorf("before the first shift: %v", err)
		}
		for i, d := range []fiscal.Document{
			sell(1, 5000, fiscal.VAT10, pay(fiscal.Cash, 5000)),
			sell(2, 7000, fiscal.VAT10, pay(fiscal.Cash, 3000), pay(fiscal.Ecash, 4000)),
			with(sell(3, 5000, fiscal.VAT10, pay(fiscal.Ecash, 5000)), func(d *fiscal.Document) { d.Operation = fiscal.SellReturn }),
			with(correction(4, true), func(d *fiscal.Document) {
				d.Items[0].VAT = fiscal.VATNone
				d.Correction.Date = "2025-12-30"
			}),
		} {
			h.done(t, ctx, d, string(rune('a'+i)))
		}
		fix := price(4)
		want := kkt.Counters{
			Open: true, Source: kkt.FromArchive, Shift: 1,
			Receipts:    []kkt.Counter{{Operation: fiscal.Sell, Count: 2, Sum: 12000}, {Operation: fiscal.SellReturn, Count: 1, Sum: 5000}},
			Corrections: []kkt.Counter{{Operation: fiscal.Sell, Count: 1, Sum: fix}},
		}
		check := func() {
			t.Helper()
			got, err := read.ShiftCounters(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got.FN == "" || got.LastFD == 0 {
				t.Errorf("%+v", got)
			}
			got.FN, got.LastFD = "", 0
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("FFD %s: %s", c.version, d)
			}
		}
		check()
		h.done(t, ctx, fiscal.Document{Kind: fiscal.KindShiftClose, Test: true}, "close")
		want.Open, want.Source = false, c.closed
		if c.closed == kkt.FromReport {
			paid := func(cash, ecash int64) []fiscal.Payment {
				return []fiscal.Payment{pay(fiscal.Cash, cash), pay(fiscal.Ecash, ecash), pay(fiscal.Prepaid, 0), pay(fiscal.Credit, 0), pay(fiscal.Provision, 0)}
			}
			want.Receipts[0].Payments, want.Receipts[1].Payments, want.Corrections[0].Payments = paid(8000, 4000), paid(0, 5000), paid(0, fix)
		}
		check()
	}
}

// What a watch over registers needs is told.
func TestUnitsForAWatch(t *testing.T) {
	h, _ := lane(t, register.Config{}, "")
	h.done(t, t.Context(), sell(1, 5000, fiscal.VAT22, pay(fiscal.Cash, 5000)), "a")
	us, err := h.driver.Units(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := us[0]
	if days, ok := u.FN.DaysLeft(u.Clock); !ok || days < 100 {
		t.Errorf("%d days, %v", days, ok)
	}
	if u.FN.Told&(kkt.ToldUnsent|kkt.ToldDocuments|kkt.ToldMemory) != kkt.ToldUnsent|kkt.ToldDocuments|kkt.ToldMemory || u.FN.DocumentsLeft == 0 {
		t.Errorf("%+v", u.FN)
	}
	if u.FN.OpenedAt.IsZero() || u.FN.ShiftAge(u.Clock.Add(time.Hour)) < time.Hour {
		t.Errorf("opened %s, clock %s", u.FN.OpenedAt, u.Clock)
	}
}
