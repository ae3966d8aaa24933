package shtrih

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// attempt is one Ready, Encode and Submit.
func attempt(t *testing.T, d *Driver, doc fiscal.Document, key string) kkt.Outcome {
	t.Helper()
	base, err := d.Ready(context.Background())
	if err != nil {
		return kkt.Classify(err)
	}
	w, err := d.Encode(doc, kkt.NewKey(key).Attempt(1), kkt.Registration{})
	if err != nil {
		return kkt.Classify(err)
	}
	return d.Submit(context.Background(), w, base)
}

func TestReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "")
		defer d.Close()
		out := attempt(t, d, sale(), "k")
		if out.Kind != kkt.Done || out.Fault != nil || !out.Verified {
			t.Fatalf("%+v %v", out, out.Fault)
		}
		r := *out.Receipt
		want := fiscal.Receipt{
			Kind: fiscal.KindReceipt, FN: f.fn, FD: 4, FP: f.docs[3].fp, At: f.now, Shift: 7, Number: 4,
			RegNumber: "0000000001036533", Total: 8500, Operation: fiscal.Sell, Test: true, Machine: sale().Machine,
		}
		if r != want {
			t.Errorf("%+v\nwant %+v", r, want)
		}
		if doc, n, err := ffd.ParseDocument(out.Document); err != nil || n != len(out.Document) || doc.Code != ffd.CodeReceipt {
			t.Error(doc, n, err)
		}
		// The order of kkt-shtrih 7, and nothing more than needed.
		want2 := []Code{cmdShortStatus, cmdFNStatus, cmdShift, cmdOpenReceipt, cmdOperation, cmdTLV, cmdTLV, cmdTLV, cmdTLV, cmdCloseReceipt, cmdFindDocument}
		f.calls = nil
		if out := attempt(t, d, sale(), "k2"); out.Kind != kkt.Done || out.Verified {
			t.Errorf("%+v", out)
		}
		if !slices.Equal(f.calls, want2) {
			t.Errorf("commands %v", f.calls)
		}
		if f.dials != 1 {
			t.Errorf("%d connections", f.dials)
		}
	})
}

// What the register writes is compared; a difference is Done with a fault.
func TestReadBackFindsDifferences(t *testing.T) {
	replace := func(tag ffd.Tag, e *ffd.Element) func([]ffd.Element) []ffd.Element {
		return func(body []ffd.Element) []ffd.Element {
			i := slices.IndexFunc(body, func(e ffd.Element) bool { return e.Tag == tag })
			body = slices.Delete(slices.Clone(body), i, i+1)
			if e != nil {
				body = append(body, *e)
			}
			return body
		}
	}
	text := func(tag ffd.Tag, s string) *ffd.Element {
		e, err := ffd.Str(tag, s)
		if err != nil {
			t.Fatal(err)
		}
		return &e
	}
	item := func(es ...ffd.Element) *ffd.Element { e := ffd.Struct(1059, es...); return &e }
	num := func(tag ffd.Tag, v uint64) *ffd.Element { e := ffd.Num(tag, v); return &e }
	for _, c := range []struct {
		name    string
		distort func([]ffd.Element) []ffd.Element
		want    fault.Code
	}{
		{"1036 of the register", replace(1036, text(1036, "123456789012")), fault.WrongMachine},
		{"no 1036", replace(1036, nil), fault.WrongMachine},
		{"1009 of the registration", replace(1009, text(1009, "Склад")), fault.WrongAddress},
		{"no 1187", replace(1187, nil), fault.WrongPlace},
		{"20 % for 22 %", replace(1059, item(ffd.Num(1199, 1), ffd.Num(1043, 8500))), fault.WrongVAT},
		{"18/118 under the right code", replace(1059, item(ffd.Num(1199, 11), ffd.Num(1043, 8500), ffd.Num(1200, 1297))), fault.WrongVAT},
		{"item's sum", replace(1059, item(ffd.Num(1199, 11), ffd.Num(1043, 8400))), fault.WrongSum},
		{"no item", replace(1059, nil), fault.WrongSum},
		{"total", replace(1020, num(1020, 8400)), fault.WrongSum},
		{"operation", replace(1054, num(1054, 2)), fault.WrongOperation},
		{"tax system", replace(1055, num(1055, 2)), fault.WrongTaxSystem},
		{"cash for card", replace(1081, num(1031, 8500)), fault.WrongPayment},
		{"no key", replace(1084, nil), fault.WrongKey},
		{"two items for one", func(b []ffd.Element) []ffd.Element {
			return append(slices.Clone(b), *item(ffd.Num(1199, 11), ffd.Num(1043, 8500)))
		}, fault.WrongSum},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.distort = c.distort
				f.extended = true // no FF0Ah: the difference is seen in the document
				d := driver(t, f, "")
				defer d.Close()
				out := attempt(t, d, sale(), "k")
				if out.Kind != kkt.Done || out.Fault == nil || out.Fault.Code != c.want || !out.StopsLane() {
					t.Fatalf("%s %v, want %s", out.Kind, out.Fault, c.want)
				}
				// and the next one is read back again
				f.distort = nil
				if out := attempt(t, d, sale(), "k2"); !out.Verified || out.Fault != nil {
					t.Errorf("%+v", out)
				}
			})
		})
	}
}

func TestVerifyFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "every=3")
		defer d.Close()
		verified := func(doc fiscal.Document, key string) bool {
			out := attempt(t, d, doc, key)
			if out.Kind != kkt.Done {
				t.Fatalf("%+v", out)
			}
			return out.Verified
		}
		other := sale()
		other.Items[0].VAT = fiscal.VATNone
		var got []bool
		for i, doc := range []fiscal.Document{sale(), sale(), other, other, sale(), sale(), sale()} {
			got = append(got, verified(doc, string(rune('a'+i))))
		}
		if want := []bool{true, false, true, false, false, true, false}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Error answers of each step: what the till is told, and nothing is left open.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  Code
		err   byte
		kind  kkt.Kind
		fault fault.Code
	}{
		{"previous document is printed", cmdOpenReceipt, 0x50, kkt.Retry, fault.Busy},
		{"shift closed", cmdOpenReceipt, 0x3d, kkt.Retry, fault.ShiftClosed},
		{"shift expired", cmdOpenReceipt, 0x4e, kkt.Retry, fault.ShiftExpired},
		{"password", cmdOpenReceipt, 0x4f, kkt.Config, fault.WrongPassword},
		{"no paper", cmdOpenReceipt, 0x6b, kkt.Retry, fault.PaperOut},
		{"address is in the registration", cmdTLV, 0x33, kkt.Config, fault.TagRefused},
		{"unknown command", cmdOperation, 0x37, kkt.Config, fault.CommandUnsupported},
		{"ФН life over", cmdOperation, 0x05, kkt.Failed, fault.FNExpired},
		{"too many items", cmdOperation, 0x94, kkt.Rejected, fault.DocumentTooLong},
		{"unsent documents", cmdCloseReceipt, 0x14, kkt.Failed, fault.FNUnsent},
		{"shift over 24 h at the close", cmdCloseReceipt, 0x16, kkt.Retry, fault.ShiftExpired},
		{"tax system", cmdCloseReceipt, 0x63, kkt.Config, fault.RegisterSettings},
		{"payments short", cmdCloseReceipt, 0x45, kkt.Ambiguous, fault.RegisterRefused},
		{"paper at the close proves nothing", cmdCloseReceipt, 0x6b, kkt.Ambiguous, fault.PaperOut},
		{"ФН silent at the close proves nothing", cmdCloseReceipt, 0x30, kkt.Ambiguous, fault.FNFailed},
		{"printer at the close proves nothing", cmdCloseReceipt, 0xc9, kkt.Ambiguous, fault.PrinterFault},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.refuse[c.code] = []byte{c.err}
				d := driver(t, f, "")
				defer d.Close()
				out := attempt(t, d, sale(), "k")
				if out.Kind != c.kind || out.Fault == nil || out.Fault.Code != c.fault {
					t.Fatalf("%s %v, want %s %s", out.Kind, out.Fault, c.kind, c.fault)
				}
				if out.Fault.Device == "" {
					t.Error("the device's code is lost")
				}
				if out.Kind.NotMade() && (f.mode != modeOpen || f.current != 0) {
					t.Error("a document is left open")
				}
				if f.last() != 3 {
					t.Error("a document was made")
				}
			})
		})
	}
}

func TestReady(t *testing.T) {
	for _, c := range []struct {
		name  string
		query string
		setup func(f *fake)
		kind  kkt.Kind
		fault fault.Code
		check func(b kkt.Baseline) bool
	}{
		{name: "shift open", check: func(b kkt.Baseline) bool {
			return b == kkt.Baseline{FN: "9999078902001234", FD: 3, Shift: 7, ShiftOpen: true, Receipts: 3}
		}},
		{name: "shift closed", setup: func(f *fake) { f.mode, f.open = modeClosed, false }, check: func(b kkt.Baseline) bool { return !b.ShiftOpen && b.Receipts == 0 }},
		{name: "shift expired", setup: func(f *fake) { f.mode = modeExpired }, check: func(b kkt.Baseline) bool { return b.Expired }},
		{name: "a receipt was left open", setup: func(f *fake) { f.mode, f.current = modeDocument, 4 }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "the ФН was left in a document", setup: func(f *fake) { f.current = 2 }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "paper was loaded", setup: func(f *fake) { f.submode = submodeLoaded }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "no paper", setup: func(f *fake) { f.submode = submodeNoPaper }, kind: kkt.Retry, fault: fault.PaperOut},
		{name: "prints for long", setup: func(f *fake) { f.submode = submodePrints }, kind: kkt.Retry, fault: fault.Busy},
		{name: "date", setup: func(f *fake) { f.mode = modeDate }, kind: kkt.Config, fault: fault.DateNotConfirmed},
		{name: "blocked", setup: func(f *fake) { f.mode = modeBlocked }, kind: kkt.Config, fault: fault.RegisterBlocked},
		{name: "technical reset", setup: func(f *fake) { f.mode = 9 }, kind: kkt.Config, fault: fault.RegisterBlocked},
		{name: "password", setup: func(f *fake) { f.refuse[cmdShortStatus] = []byte{0x4f} }, kind: kkt.Config, fault: fault.WrongPassword},
		{name: "ФН broken", setup: func(f *fake) { f.refuse[cmdFNStatus] = []byte{0x03} }, kind: kkt.Failed, fault: fault.FNFailed},
		{name: "another operator's receipt", setup: func(f *fake) {
			f.mode, f.current = modeDocument, 4
			f.refuse[cmdCancel] = []byte{0x59}
		}, kind: kkt.Retry, fault: fault.DocumentForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if c.setup != nil {
					c.setup(f)
				}
				d := driver(t, f, c.query)
				defer d.Close()
				b, err := d.Ready(context.Background())
				if c.check != nil {
					if err != nil || !c.check(b) {
						t.Errorf("%+v %v", b, err)
					}
					return
				}
				var p *kkt.Problem
				if !errors.As(err, &p) || p.Kind != c.kind || p.Fault.Code != c.fault {
					t.Errorf("%v, want %s %s", err, c.kind, c.fault)
				}
			})
		})
	}
}

// What the baseline tells is refused before anything is sent.
func TestPermitted(t *testing.T) {
	base := kkt.Baseline{FN: "9999078902001234", FD: 3, Shift: 7, ShiftOpen: true}
	change := func(f func(*kkt.Baseline)) kkt.Baseline { b := base; f(&b); return b }
	real := sale()
	real.Test = false
	open, shut := fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, fiscal.Document{Kind: fiscal.KindShiftClose, Test: true}
	for _, c := range []struct {
		name  string
		doc   fiscal.Document
		base  kkt.Baseline
		kind  kkt.Kind
		fault fault.Code
	}{
		{"no baseline", sale(), kkt.Baseline{}, kkt.Retry, fault.BaselineMoved},
		{"a real receipt on a debug ФН", real, base, kkt.Config, fault.TestMismatch},
		{"a test receipt on a real ФН", sale(), change(func(b *kkt.Baseline) { b.FN = "7380440801199300" }), kkt.Config, fault.TestMismatch},
		{"shift closed", sale(), change(func(b *kkt.Baseline) { b.ShiftOpen = false }), kkt.Retry, fault.ShiftClosed},
		{"shift expired", sale(), change(func(b *kkt.Baseline) { b.Expired = true }), kkt.Retry, fault.ShiftExpired},
		{"open an open shift", open, base, kkt.Rejected, fault.ShiftOpen},
		{"close a closed shift", shut, change(func(b *kkt.Baseline) { b.ShiftOpen = false }), kkt.Rejected, fault.ShiftClosed},
		{"documents came between", sale(), change(func(b *kkt.Baseline) { b.FD = 2 }), kkt.Retry, fault.BaselineMoved},
		{"another ФН", sale(), change(func(b *kkt.Baseline) { b.FN = "9999000000000000" }), kkt.Retry, fault.BaselineMoved},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				d := driver(t, f, "")
				defer d.Close()
				w, err := d.Encode(c.doc, kkt.NewKey("k").Attempt(1), kkt.Registration{})
				if err != nil {
					t.Fatal(err)
				}
				out := d.Submit(context.Background(), w, c.base)
				if out.Kind != c.kind || out.Fault.Code != c.fault {
					t.Errorf("%s %v", out.Kind, out.Fault)
				}
				if slices.Contains(f.calls, cmdOpenReceipt) {
					t.Error("something was sent")
				}
			})
		})
	}
}

// A deadline in the middle leaves either a certain "not made" or Ambiguous.
func TestDeadline(t *testing.T) {
	for _, at := range []Code{cmdOpenReceipt, cmdOperation, cmdTLV, cmdCloseReceipt, cmdFindDocument} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			d := driver(t, f, "verify=never")
			defer d.Close()
			base, err := d.Ready(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			w, _ := d.Encode(sale(), kkt.NewKey("k").Attempt(1), kkt.Registration{})
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			f.before = func(c Code) {
				if c == at {
					time.Sleep(time.Second)
				}
			}
			start := time.Now()
			out := d.Submit(ctx, w, base)
			if took := time.Since(start); took > 600*time.Millisecond {
				t.Errorf("%s: %v", at, took)
			}
			sent := at == cmdCloseReceipt || at == cmdFindDocument
			if sent != (out.Kind == kkt.Ambiguous) || !sent && out.Kind != kkt.Retry {
				t.Errorf("%s: %s %v", at, out.Kind, out.Fault)
			}
			time.Sleep(2 * time.Second) // the register's end of the pipe finishes
		})
	}
}

func TestReadDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "")
		defer d.Close()
		made := attempt(t, d, sale(), "k")
		s, err := d.ReadDocument(context.Background(), f.fn, 4)
		if err != nil {
			t.Fatal(err)
		}
		if s.Key != kkt.NewKey("k").Attempt(1) || s.Type != 3 || !bytes.Equal(s.Document, made.Document) || s.Receipt.Machine != sale().Machine {
			t.Errorf("%+v", s)
		}
		if s.Receipt.QR() != made.Receipt.QR() {
			t.Error(s.Receipt.QR(), made.Receipt.QR())
		}
		if _, err := d.ReadDocument(context.Background(), "9999000000000000", 4); kkt.Classify(err).Fault.Code != fault.FNReplaced {
			t.Error(err)
		}
		// reading between Ready and Submit does not cost the baseline
		base, _ := d.Ready(context.Background())
		d.ReadDocument(context.Background(), f.fn, 4)
		f.calls = nil
		w, _ := d.Encode(sale(), kkt.NewKey("k2").Attempt(1), kkt.Registration{})
		if out := d.Submit(context.Background(), w, base); out.Kind != kkt.Done || f.calls[0] != cmdOpenReceipt {
			t.Errorf("%+v %v", out, f.calls)
		}
	})
}

// The name of 1084 and its switch are put into the register's tables once; the
// value goes by the register's own tag.
func TestKeyByTheRegistersOwnTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.tables = map[[2]byte][]byte{{17, 13}: make([]byte, 40), {17, 14}: {0}}
		f.distort = func(body []ffd.Element) []ffd.Element {
			for i, e := range body {
				if e.Tag == tagRequisite {
					name, _ := ffd.Str(1085, trimmed(f.tables[[2]byte{17, 13}]))
					body[i] = ffd.Struct(1084, name, ffd.Element{Tag: 1086, Value: e.Value})
				}
			}
			return body
		}
		key := kkt.NewKey("own tag")
		for range 2 {
			out, err := till(t, f, "key=requisite&verify=always", sale(), key, false)
			if err != nil || out.Fault != nil {
				t.Fatal(out.Fault, err)
			}
			key = kkt.NewKey("again")
		}
		if f.tables[[2]byte{17, 14}][0] != 1 || f.written != 2 {
			t.Errorf("%d writes, %v", f.written, f.tables)
		}
	})
}
