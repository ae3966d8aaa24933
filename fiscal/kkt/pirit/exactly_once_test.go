package pirit

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

func sale() fiscal.Document {
	return fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: 8500, Test: true,
		Items: []fiscal.Item{{
			Name: "Кофе «капучино»", Price: 8500, Quantity: fiscal.One, Sum: 8500, VAT: fiscal.VAT22,
			Subject: fiscal.SubjectGoods, Method: fiscal.FullSettlement,
		}},
		Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: 8500}},
		Machine:  fiscal.Machine{Serial: "VM-000042", Address: "101000, г. Москва, ул. Примерная, д. 1", Place: "холл 1 этажа"},
	}
}

func settings(t testing.TB, query string) Settings {
	t.Helper()
	if !strings.Contains(query, "vat=") {
		query = "vat=11:6&" + query
	}
	u, err := url.Parse("pirit+tcp://register:4000?" + query)
	if err != nil {
		t.Fatal(err)
	}
	set, err := ParseSettings(u)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func driver(t testing.TB, f *fake, query string) *Driver {
	return New(settings(t, query), kkt.Options{Now: time.Now, Dial: f.dial})
}

// till makes one document as the hub's till would: it remembers bytes and
// baseline before sending, settles what is ambiguous and changes the key only
// after a proven "not made". crash throws the driver and the answer of the
// first attempt away.
func till(t testing.TB, f *fake, query string, doc fiscal.Document, key kkt.Key, crash bool) (kkt.Outcome, error) {
	ctx := context.Background()
	d := driver(t, f, query)
	defer func() { d.Close(); f.group.Wait() }()
	attempt := 1
	for range 12 {
		base, err := d.Ready(ctx)
		if err != nil {
			if kkt.Classify(err).Kind != kkt.Retry {
				return kkt.Outcome{}, err
			}
			time.Sleep(time.Second)
			continue
		}
		k := key.Attempt(attempt)
		w, err := d.Encode(doc, k, kkt.Registration{})
		if err != nil {
			return kkt.Outcome{}, err
		}
		out := d.Submit(ctx, w, base)
		if crash {
			crash = false
			d.Close()
			d = driver(t, f, query)
			out.Kind = kkt.Ambiguous
		}
		for range 20 {
			if out.Kind != kkt.Ambiguous {
				break
			}
			time.Sleep(out.After)
			out = d.Settle(ctx, w, k, base, out.Ref)
		}
		switch out.Kind {
		case kkt.Done:
			return out, nil
		case kkt.Failed:
			attempt++
		case kkt.Retry:
		default:
			return out, fmt.Errorf("%s: %w", out.Kind, out.Fault)
		}
		time.Sleep(out.After)
	}
	return kkt.Outcome{}, fmt.Errorf("no end in sight")
}

// The link is cut once at every byte either side sends or receives, with and
// without a crash of the hub, with and without paper: the ФН holds exactly one
// receipt with the key, and the outcome is it.
func TestCutAtEveryByte(t *testing.T) {
	for _, mode := range []struct {
		name  string
		query string
		step  int
		crash bool
		paper bool // ends while the receipt is printed, is loaded later
	}{
		{name: "read back", query: "verify=always&block=64", step: 3},
		{name: "not read back", query: "verify=never", step: 1},
		{name: "hub crashes", query: "verify=never", step: 7, crash: true},
		{name: "paper ends", query: "verify=never&print=no", step: 7, paper: true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			bytes := 1
			for cut := 1; cut <= bytes; cut += mode.step {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.cutAt = cut
					if mode.paper {
						f.after = func(call string) {
							switch call {
							case "47":
								f.paper = printerNoPaper
							case "31":
								f.paper = 0
							}
						}
					}
					key := kkt.NewKey(t.Name())
					out, err := till(t, f, mode.query, sale(), key, mode.crash)
					if err != nil {
						t.Fatalf("cut at byte %d: %v", cut, err)
					}
					if n := f.keys(key); n != 1 || f.last() != 4 {
						t.Fatalf("cut at byte %d: %d receipts with the key, %d documents", cut, n, f.last())
					}
					if d := f.docs[3]; out.Receipt.FD != 4 || out.Receipt.FP != d.fp || !out.Receipt.At.Equal(d.at) ||
						out.Receipt.Shift != 7 || out.Receipt.Number != 2 || out.Fault != nil {
						t.Fatalf("cut at byte %d: %+v %v", cut, *out.Receipt, out.Fault)
					}
					if cut == 1 { // how many there are
						f.cutAt, f.bytes = 0, 0
						if _, err := till(t, f, mode.query, sale(), kkt.NewKey("whole"), mode.crash); err != nil {
							t.Fatal(err)
						}
						bytes = f.bytes + 200
					}
				})
				if t.Failed() {
					return
				}
			}
			t.Logf("%d places", bytes)
		})
	}
}

func TestShiftCutAtEveryByte(t *testing.T) {
	for _, kind := range []fiscal.DocumentKind{fiscal.KindShiftOpen, fiscal.KindShiftClose} {
		for cut := 0; cut < 1000; cut += 5 {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if kind == fiscal.KindShiftOpen {
					f.open = false
				}
				f.cutAt = cut
				out, err := till(t, f, "", fiscal.Document{Kind: kind, Test: true}, "", cut%3 == 0)
				if err != nil || f.last() != 4 || out.Receipt.FD != 4 || out.Receipt.Kind != kind {
					t.Fatalf("%s cut at byte %d: %+v %v, %d documents", kind, cut, out, err, f.last())
				}
				if want := map[fiscal.DocumentKind]uint32{fiscal.KindShiftOpen: 8, fiscal.KindShiftClose: 7}[kind]; out.Receipt.Shift != want {
					t.Fatalf("shift %d, want %d", out.Receipt.Shift, want)
				}
			})
			if t.Failed() {
				return
			}
		}
	}
}
