package shtrih

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
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
	u, err := url.Parse("shtrih+tcp://register?" + query)
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
	defer func() { d.Close() }()
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
		w, err := d.Encode(doc, k, registration(f))
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

// registration is what the hub knows of the fake.
func registration(f *fake) kkt.Registration { return kkt.Registration{FFD: kkt.FFD(f.version)} }

// The link is cut once at every byte either side sends or receives, with and
// without a pending answer that survives the cut, with and without a crash of
// the hub: the ФН holds exactly one receipt with the key, and the outcome is it.
func TestCutAtEveryByte(t *testing.T) {
	for _, mode := range []struct {
		name           string
		query          string
		step           int
		forgets, crash bool
		extended       bool
	}{
		{name: "answer kept", query: "verify=always", step: 3},
		{name: "answer forgotten", query: "verify=never", step: 1, forgets: true},
		{name: "hub crashes", query: "verify=never", step: 3, forgets: true, crash: true},
		{name: "time in the answer", query: "verify=never", step: 3, extended: true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			bytes := 1
			for cut := 1; cut <= bytes; cut += mode.step {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.cutAt, f.forgets, f.extended = cut, mode.forgets, mode.extended
					key := kkt.NewKey(t.Name())
					out, err := till(t, f, mode.query, sale(), key, mode.crash)
					if err != nil {
						t.Fatalf("cut at byte %d: %v", cut, err)
					}
					if n := f.keys(key); n != 1 || f.last() != 4 {
						t.Fatalf("cut at byte %d: %d receipts with the key, %d documents", cut, n, f.last())
					}
					if d := f.docs[3]; out.Receipt.FD != 4 || out.Receipt.FP != d.fp || !out.Receipt.At.Equal(d.at) ||
						out.Receipt.Shift != 7 || out.Receipt.Number != 4 || out.Fault != nil {
						t.Fatalf("cut at byte %d: %+v %v", cut, *out.Receipt, out.Fault)
					}
					if cut == 1 { // how many there are
						f.cutAt, f.bytes = 0, 0
						if _, err := till(t, f, mode.query, sale(), kkt.NewKey("whole"), false); err != nil {
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

// Corrections of both styles take the same way.
func TestCorrectionCutAtEveryByte(t *testing.T) {
	for name, style := range map[string]struct {
		version byte // table 17 field 17
		rate    fiscal.VAT
	}{"sums of 1.05": {2, fiscal.VAT20}, "items of 1.2": {4, fiscal.VAT22}} {
		t.Run(name, func(t *testing.T) {
			for cut := 0; cut < 1300; cut += 5 {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.cutAt, f.forgets, f.version, f.extended = cut, cut%2 == 0, style.version, cut%3 == 0
					key := kkt.NewKey(t.Name())
					out, err := till(t, f, "verify=always", correction(style.rate), key, cut%7 == 0)
					if err != nil || f.last() != 4 || f.keys(key) != 1 {
						t.Fatalf("cut at byte %d: %v, %d documents, %d with the key", cut, err, f.last(), f.keys(key))
					}
					if f.docs[3].code != typeCorrection || out.Receipt.FD != 4 || out.Receipt.Kind != fiscal.KindCorrection || out.Fault != nil {
						t.Fatalf("cut at byte %d: %+v %v", cut, out.Receipt, out.Fault)
					}
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}

// On a line that breaks every few hundred bytes, a search among many documents
// comes to its end: it goes on where it was.
func TestSettleGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		f := newFake()
		d := driver(t, f, "verify=never")
		defer func() { d.Close() }()
		base, err := d.Ready(ctx)
		if err != nil {
			t.Fatal(err)
		}
		key := kkt.NewKey("k").Attempt(1)
		w, err := d.Encode(sale(), key, kkt.Registration{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			f.add(ours(kkt.NewKey(fmt.Sprint(i))))
		}
		f.add(ours(key))
		tries := 0
		for ; tries < 100; tries++ {
			f.bytes, f.cutAt, f.forgets = 0, 900, true
			out := d.Settle(ctx, w, key, base, "")
			if out.Kind == kkt.Done && out.Receipt.FD == 64 {
				break
			}
			if out.Kind != kkt.Ambiguous {
				t.Fatal(out.Kind, out.Fault)
			}
			time.Sleep(out.After)
		}
		if tries < 5 || tries == 100 {
			t.Errorf("%d tries", tries)
		}
		if d.scan != nil {
			t.Error("the search is kept after its end")
		}
	})
}

func TestShiftCutAtEveryByte(t *testing.T) {
	for _, kind := range []fiscal.DocumentKind{fiscal.KindShiftOpen, fiscal.KindShiftClose} {
		for cut := 0; cut < 700; cut += 2 {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if kind == fiscal.KindShiftOpen {
					f.open, f.mode = false, modeClosed
				}
				f.cutAt, f.forgets = cut, cut%4 == 0
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

// settle runs an attempt whose answer to FF45h is lost, after happened.
func settle(t *testing.T, f *fake, happened func(base kkt.Baseline)) kkt.Outcome {
	t.Helper()
	ctx := context.Background()
	d := driver(t, f, "verify=never")
	defer d.Close()
	base, err := d.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Encode(sale(), kkt.NewKey("k").Attempt(1), kkt.Registration{})
	if err != nil {
		t.Fatal(err)
	}
	happened(base)
	return d.Settle(ctx, w, kkt.NewKey("k").Attempt(1), base, "")
}

// ours is a receipt of the attempt as the ФН would hold it.
func ours(key kkt.Key) fakeDoc {
	name, _ := ffd.Str(1085, kkt.KeyName)
	value, _ := ffd.Str(1086, string(key))
	return fakeDoc{code: typeReceipt, op: 1, sum: 8500, body: []ffd.Element{ffd.Num(1054, 1), ffd.Num(1020, 8500), ffd.Struct(1084, name, value)}}
}

func TestSettleNeverGuesses(t *testing.T) {
	mine, foreign := kkt.NewKey("k").Attempt(1), kkt.NewKey("other").Attempt(1)
	for _, c := range []struct {
		name  string
		setup func(f *fake)
		kind  kkt.Kind
		fault fault.Code
	}{
		{"nothing new", func(f *fake) {}, kkt.Failed, fault.NotMade},
		{"receipt left open is cancelled", func(f *fake) { f.mode, f.current = modeDocument, 4 }, kkt.Failed, fault.NotMade},
		{"ФН holds a document the register forgot", func(f *fake) { f.current = 4 }, kkt.Failed, fault.NotMade},
		{"a foreign receipt of the same sum", func(f *fake) { f.add(ours(foreign)) }, kkt.Failed, fault.NotMade},
		{"same sum, no key at all", func(f *fake) {
			f.add(fakeDoc{code: typeReceipt, op: 1, sum: 8500, body: []ffd.Element{ffd.Num(1020, 8500)}})
		}, kkt.Failed, fault.NotMade},
		{"another attempt of the same job", func(f *fake) { f.add(ours(kkt.NewKey("k").Attempt(11))) }, kkt.Failed, fault.NotMade},
		{"automatic shift change only", func(f *fake) {
			f.add(fakeDoc{code: typeShiftClose})
			f.add(fakeDoc{code: typeShiftOpen})
		}, kkt.Failed, fault.NotMade},
		{"key twice", func(f *fake) { f.add(ours(mine)); f.add(ours(mine)) }, kkt.Ambiguous, fault.KeyTwice},
		{"ФН replaced", func(f *fake) { f.fn = "9999078902009999" }, kkt.Ambiguous, fault.FNReplaced},
		{"numbers went back", func(f *fake) { f.docs = f.docs[:1] }, kkt.Ambiguous, fault.FNRolledBack},
		{"truncated TLV", func(f *fake) { d := ours(foreign); d.cut = 30; f.add(d) }, kkt.Ambiguous, fault.DocumentUnread},
		{"truncated TLV of another sum: the register may have rounded", func(f *fake) {
			d := ours(foreign)
			d.cut, d.sum = 30, 8499
			f.add(d)
		}, kkt.Ambiguous, fault.DocumentUnread},
		{"archive refuses", func(f *fake) { f.add(ours(foreign)); f.refuse[cmdDocumentTLV] = []byte{0x01, 0x01} }, kkt.Ambiguous, fault.DocumentUnread},
		{"short form refuses", func(f *fake) { f.add(ours(foreign)); f.refuse[cmdFindDocument] = []byte{0x08} }, kkt.Ambiguous, fault.RegisterRefused},
		{"ФН does not answer", func(f *fake) { f.refuse[cmdFNStatus] = []byte{0x30} }, kkt.Ambiguous, fault.FNFailed},
		{"paper break, document open", func(f *fake) { f.mode, f.current, f.submode = modeDocument, 4, submodeBreak }, kkt.Ambiguous, fault.PaperOut},
		{"paper break, document made", func(f *fake) { f.add(ours(mine)); f.submode = submodeBreak }, kkt.Ambiguous, fault.PaperOut},
		{"prints without end", func(f *fake) { f.submode = submodePrints }, kkt.Ambiguous, fault.Busy},
		{"receipt of another operator is open", func(f *fake) {
			f.mode, f.current = modeDocument, 4
			f.refuse[cmdCancel] = []byte{0x59}
		}, kkt.Ambiguous, fault.DocumentForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				out := settle(t, f, func(kkt.Baseline) { c.setup(f) })
				if out.Kind != c.kind || out.Fault == nil || out.Fault.Code != c.fault {
					t.Errorf("%s %v, want %s %s", out.Kind, out.Fault, c.kind, c.fault)
				}
				if out.Kind == kkt.Ambiguous && out.After == 0 {
					t.Error("says not when to ask again")
				}
			})
		})
	}
}

func TestSettleFinds(t *testing.T) {
	key := kkt.NewKey("k").Attempt(1)
	for _, c := range []struct {
		name  string
		setup func(f *fake)
		fd    uint32
		fault fault.Code // beside Done
	}{
		{"among foreign documents", func(f *fake) {
			f.add(ours(kkt.NewKey("a")))
			f.add(fakeDoc{code: typeShiftClose})
			f.add(fakeDoc{code: typeShiftOpen})
			f.add(ours(key))
			f.add(ours(kkt.NewKey("b")))
		}, 7, fault.WrongMachine},
		{"key readable in a truncated TLV", func(f *fake) { d := ours(key); d.body = append(d.body, ffd.Num(1055, 1)); d.cut = 120; f.add(d) }, 4, ""},
		{"paper loaded after a break", func(f *fake) { f.add(ours(key)); f.submode = submodeLoaded }, 4, fault.WrongMachine},
		{"printing ends meanwhile", func(f *fake) {
			f.add(ours(key))
			f.submode = submodePrints
			n := 0
			f.before = func(c Code) {
				if n++; n > 12 {
					f.submode = 0
				}
			}
		}, 4, fault.WrongMachine},
		{"documents of a reader before were not fetched", func(f *fake) {
			f.add(ours(key))
			f.mode, f.reading = modeDataOut, []byte{1, 2, 3}
			f.after = func(Code) {
				if len(f.reading) == 0 {
					f.mode = modeOpen
				}
			}
		}, 4, fault.WrongMachine},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				out := settle(t, f, func(kkt.Baseline) { c.setup(f) })
				if out.Kind != kkt.Done || out.Receipt.FD != c.fd || out.Receipt.FP != f.docs[c.fd-1].fp {
					t.Fatalf("%+v %v", out, out.Fault)
				}
				if (c.fault == "") != (out.Fault == nil) || out.Fault != nil && out.Fault.Code != c.fault {
					t.Errorf("%v, want %q", out.Fault, c.fault)
				}
			})
		})
	}
}
