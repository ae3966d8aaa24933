package pirit_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/pirit"
)

// Every kind of document the driver makes stands in the archive as it was
// asked for, and the register's own counters agree.
func TestEveryKindOfDocument(t *testing.T) {
	change := func(f func(*fiscal.Document)) fiscal.Document { d := coffee(8500, "VM-000042"); f(&d); return d }
	docs := []fiscal.Document{
		coffee(8500, "VM-000042"),
		change(func(d *fiscal.Document) { d.Operation = fiscal.SellReturn }),
		change(func(d *fiscal.Document) { d.Operation = fiscal.Buy; d.Payments[0].Kind = fiscal.Cash }),
		change(func(d *fiscal.Document) { d.Operation = fiscal.BuyReturn; d.Payments[0].Kind = fiscal.Cash }),
		change(func(d *fiscal.Document) {
			d.Payments = []fiscal.Payment{{Kind: fiscal.Cash, Amount: 1500}, {Kind: fiscal.Prepaid, Amount: 2000}, {Kind: fiscal.Ecash, Amount: 5000}}
		}),
		change(func(d *fiscal.Document) {
			d.Items[0].Method, d.Items[0].Subject, d.Items[0].VAT = fiscal.Advance, fiscal.SubjectPayment, fiscal.VAT22122
		}),
		change(func(d *fiscal.Document) {
			d.BuyerContact, d.SellerEmail = "buyer@example.org", "kassa@example.ru"
			d.Buyer = &fiscal.Buyer{Name: "ООО «Ромашка»", INN: "7700999990"}
			d.Cashier, d.CashierINN = "Иванова А. А.", "772123456780"
		}),
		change(func(d *fiscal.Document) { d.WrongFP = 1234567890 }),
		change(func(d *fiscal.Document) {
			d.Items = append(d.Items, fiscal.Item{Name: "Шоколад", Price: 10001, Quantity: 333_000, Sum: 3330, VAT: fiscal.VAT10, Subject: 1, Method: 4})
			d.Total, d.Payments[0].Amount = 11830, 11830
		}),
	}
	for _, c := range []struct {
		name, model string
		ffd         byte
	}{{"pirit2f", pirit.Pirit2F, 4}, {"pirit2sf", pirit.Pirit2SF, 3}, {"pirit2sf105", pirit.Pirit2SF, 2}, {"fm16", pirit.FM16, 4}} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, pirit.Config{Model: c.model, FFD: c.ffd})
			l := newTill(t, "pirit+tcp://"+r.Addr(), "&close=20s&answer=20s&control=2s&model="+c.model)
			for i, doc := range docs {
				key := kkt.NewKey(fmt.Sprint(i))
				got := l.make(doc, key)
				all := r.Archive()
				d := all[len(all)-1]
				if got.FD != d.FD || got.FP != d.FP || got.QR() != d.QR || d.Sum != doc.Total || d.Operation != byte(doc.Operation) ||
					d.Machine != doc.Machine.Serial || d.Buyer != doc.BuyerContact || len(d.Items) != len(doc.Items) {
					t.Errorf("document %d: %+v\n%+v", i, got, d)
				}
				paid := map[string]int64{"1031": 0, "1081": 0, "1215": 0, "1216": 0, "1217": 0}
				for _, p := range doc.Payments {
					paid[map[fiscal.PaymentKind]string{fiscal.Cash: "1031", fiscal.Ecash: "1081", fiscal.Prepaid: "1215"}[p.Kind]] = p.Amount
				}
				if diff := cmp.Diff(paid, d.Paid); diff != "" {
					t.Errorf("document %d: %s", i, diff)
				}
				if doc.WrongFP != 0 && d.Extra != "1234567890" {
					t.Errorf("1192 = %q", d.Extra)
				}
			}
			open := counters(t, l)
			want := []kkt.Counter{{Operation: 1, Count: 6}, {Operation: 2, Count: 1}, {Operation: 3, Count: 1}, {Operation: 4, Count: 1}}
			for i, w := range want {
				var sum int64
				for _, d := range docs {
					if d.Operation == w.Operation {
						sum += d.Total
					}
				}
				if g := open.Receipts[i]; g.Operation != w.Operation || g.Count != w.Count || g.Sum != sum {
					t.Errorf("%+v, want %d documents, %d", g, w.Count, sum)
				}
			}
			if !open.Open || open.Source != kkt.FromState || open.Shift != 1 {
				t.Errorf("%+v", open)
			}
			l.make(fiscal.Document{Kind: fiscal.KindShiftClose, Test: true}, "")
			if c.ffd == 2 {
				if _, err := l.d.(kkt.CounterReader).ShiftCounters(l.ctx); kkt.Classify(err).Fault.Code != fault.DocumentUnread {
					t.Error(err)
				}
				return
			}
			closed := counters(t, l)
			if diff := cmp.Diff(open.Receipts, closed.Receipts); diff != "" || closed.Open || closed.Source != kkt.FromReport {
				t.Errorf("%+v %s", closed, diff)
			}
		})
	}
}

func counters(t *testing.T, l *till) kkt.Counters {
	t.Helper()
	c, err := l.d.(kkt.CounterReader).ShiftCounters(l.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A model that cannot carry the machine is refused by what its own registration
// tells, and the archive stays as it was.
func TestModelsThatCannotCarryTheMachine(t *testing.T) {
	for _, c := range []struct {
		model string
		ffd   byte
	}{{pirit.FM16, 2}, {pirit.FM16, 3}, {pirit.Pirit2F, 2}} {
		r := start(t, pirit.Config{Model: c.model, FFD: c.ffd})
		l := newTill(t, "pirit+tcp://"+r.Addr(), "&close=20s&answer=20s&control=2s&model="+c.model)
		l.make(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, "")
		base, err := l.d.Ready(l.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w, err := l.d.Encode(coffee(100, "VM-1"), "key", kkt.Registration{})
		if err != nil {
			t.Fatal(err)
		}
		if out := l.d.Submit(l.ctx, w, base); out.Kind != kkt.Config || out.Fault.Code != fault.MachineUnsupported || len(r.Archive()) != 2 {
			t.Errorf("%s FFD %d: %+v %v", c.model, c.ffd, out, out.Fault)
		}
	}
}

// Told of the wrong model, the driver sends what the register ignores: the
// read-back stops the lane.
func TestWrongModelIsFoundByReadingBack(t *testing.T) {
	r := start(t, pirit.Config{Model: pirit.FM16, FFD: 3})
	l := newTill(t, "pirit+tcp://"+r.Addr(), "&close=20s&answer=20s&control=2s&model=pirit2sf")
	l.make(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, "")
	base, err := l.d.Ready(l.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.d.Encode(coffee(100, "VM-1"), "key", kkt.Registration{})
	if err != nil {
		t.Fatal(err)
	}
	out := l.d.Submit(l.ctx, w, base)
	// Without 1036 of either the register itself refuses.
	if out.Kind != kkt.Config || out.Fault.Device != "01h/28" {
		t.Errorf("%+v %v", out, out.Fault)
	}
	r = start(t, pirit.Config{Model: pirit.FM16, FFD: 3, Machine: "REG-1"})
	l = newTill(t, "pirit+tcp://"+r.Addr(), "&close=20s&answer=20s&control=2s&model=pirit2sf")
	l.make(fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, "")
	if base, err = l.d.Ready(l.ctx); err != nil {
		t.Fatal(err)
	}
	if out := l.d.Submit(l.ctx, w, base); out.Kind != kkt.Done || !out.StopsLane() || out.Fault.Code != fault.WrongMachine {
		t.Errorf("%+v %v", out, out.Fault)
	}
	if d := r.Archive()[2]; d.Type != fn.TypeReceipt || d.Machine != "REG-1" {
		t.Errorf("%+v", d)
	}
}
