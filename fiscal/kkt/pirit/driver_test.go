package pirit

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// attempt is one Ready, Encode and Submit.
func attempt(d *Driver, doc fiscal.Document, key string) kkt.Outcome {
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
		d := driver(t, f, "print=no")
		defer d.Close()
		out := attempt(d, sale(), "k")
		if out.Kind != kkt.Done || out.Fault != nil || !out.Verified {
			t.Fatalf("%+v %v", out, out.Fault)
		}
		want := fiscal.Receipt{
			Kind: fiscal.KindReceipt, FN: f.fn, FD: 4, FP: f.docs[3].fp, At: f.now, Shift: 7, Number: 2,
			RegNumber: "0000000001036533", Total: 8500, Operation: fiscal.Sell, Test: true, Machine: sale().Machine,
		}
		if *out.Receipt != want {
			t.Errorf("%+v\nwant %+v", *out.Receipt, want)
		}
		if doc, n, err := ffd.ParseDocument(out.Document); err != nil || n != len(out.Document) || doc.Code != ffd.CodeReceipt {
			t.Error(doc, n, err)
		}
		// The order of kkt-others 2.6, and nothing more than needed.
		f.calls = nil
		if out := attempt(d, sale(), "k2"); out.Kind != kkt.Done || out.Verified {
			t.Errorf("%+v", out)
		}
		if got := strings.Join(f.calls, " "); got != "00 78/1 78/2 78/3 78/6 30 42 44 47 31" {
			t.Errorf("commands %s", got)
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
	for _, c := range []struct {
		name    string
		distort func([]ffd.Element) []ffd.Element
		want    fault.Code
	}{
		{"1036 of the registration", replace(1036, text(1036, "123456789012")), fault.WrongMachine},
		{"no 1036", replace(1036, nil), fault.WrongMachine},
		{"1009 of the registration", replace(1009, text(1009, "Склад")), fault.WrongAddress},
		{"no 1187", replace(1187, nil), fault.WrongPlace},
		{"20 % for 22 %", replace(1059, item(ffd.Num(1199, 1), ffd.Num(1043, 8500))), fault.WrongVAT},
		{"item's sum", replace(1059, item(ffd.Num(1199, 11), ffd.Num(1043, 8400))), fault.WrongSum},
		{"tax system", replace(1055, &ffd.Element{Tag: 1055, Value: []byte{2}}), fault.WrongTaxSystem},
		{"cash for card", replace(1081, &ffd.Element{Tag: 1031, Value: []byte{0x34, 0x21}}), fault.WrongPayment},
		{"no key", replace(1084, nil), fault.WrongKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.distort = c.distort
				d := driver(t, f, "")
				defer d.Close()
				out := attempt(d, sale(), "k")
				if out.Kind != kkt.Done || out.Fault == nil || out.Fault.Code != c.want || !out.StopsLane() {
					t.Fatalf("%s %v, want %s", out.Kind, out.Fault, c.want)
				}
				if out.Receipt.FD != 4 {
					t.Error("the receipt is lost")
				}
			})
		})
	}
}

// An error before 31h is certain; the document is annulled. An error of 31h is
// certain only when it says so and the ФН has not moved.
func TestErrorsOfCommands(t *testing.T) {
	for _, c := range []struct {
		name  string
		call  string
		code  int
		after bool // the register executes the command all the same
		kind  kkt.Kind
		fault fault.Code
	}{
		{"no paper at 30", "30", errNoPaper, false, kkt.Retry, fault.PaperOut},
		{"shift over 24 h", "30", errClockJump, false, kkt.Retry, fault.ShiftExpired},
		{"shift closed", "30", 256 + reasonShiftClosed, false, kkt.Retry, fault.ShiftClosed},
		{"tax number", "42", 0, false, kkt.Done, ""},
		{"ФН full", "42", 0x46, false, kkt.Failed, fault.FNFull},
		{"unsent for 30 days", "30", 0x55, false, kkt.Failed, fault.FNUnsent},
		{"attribute refused", "31", 0x58, false, kkt.Config, fault.TagRefused},
		{"place not set", "31", 256 + 27, false, kkt.Config, fault.RegisterSettings},
		{"zero total", "47", 256 + 26, false, kkt.Rejected, fault.TotalMismatch},
		{"unknown command", "44", 2, false, kkt.Config, fault.CommandUnsupported},
		{"no paper at 31", "31", errNoPaper, false, kkt.Ambiguous, fault.PaperOut},
		{"printer at 31", "31", errPrinter, false, kkt.Ambiguous, fault.PrinterFault},
		{"ФН exchange at 31", "31", 0x62, false, kkt.Ambiguous, fault.FNFailed},
		{"closed in the ФН", "31", 256 + reasonInFN, false, kkt.Ambiguous, fault.DocumentOpen},
		{"restarted at 31", "31", 256 + reasonNotStarted, false, kkt.Ambiguous, fault.BatteryOrSupply},
		{"unknown error at 31", "31", 0x99, false, kkt.Ambiguous, fault.RegisterRefused},
		{"checksum at 31", "31", 7, false, kkt.Retry, fault.ProtocolBroken},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				d := driver(t, f, "verify=never")
				defer d.Close()
				if c.code != 0 {
					f.refuse[c.call] = []int{c.code}
				}
				out := attempt(d, sale(), "k")
				if out.Kind != c.kind || c.fault != "" && (out.Fault == nil || out.Fault.Code != c.fault) {
					t.Fatalf("%s %v, want %s %s", out.Kind, out.Fault, c.kind, c.fault)
				}
				if c.kind.NotMade() && (f.document != 0 || f.last() != 3) {
					t.Errorf("document %d open, %d documents", f.document, f.last())
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
		check func(b kkt.Baseline) bool
		kind  kkt.Kind
		fault fault.Code
	}{
		{name: "idle", check: func(b kkt.Baseline) bool {
			return b == kkt.Baseline{FN: "9999078902001234", FD: 3, Shift: 7, ShiftOpen: true, Receipts: 1}
		}},
		{name: "shift closed", setup: func(f *fake) { f.open = false }, check: func(b kkt.Baseline) bool { return !b.ShiftOpen && b.Receipts == 0 }},
		{name: "shift expired", setup: func(f *fake) { f.expired = true }, check: func(b kkt.Baseline) bool { return b.Expired }},
		{name: "restarted", setup: func(f *fake) { f.started = false }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "restarted, a zone is set", query: "zone=Europe/Moscow", setup: func(f *fake) { f.started = false; f.refuse["13"] = []int{2} }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "clock far off", setup: func(f *fake) {
			f.started = false
			f.refuse["10"] = []int{errClockOff}
			f.after = func(s string) { f.started = f.started || s == "10" }
		}, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "clock before the last document", setup: func(f *fake) { f.started = false; f.refuse["10"] = []int{errClockEarly} }, kind: kkt.Failed, fault: fault.ClockWrong},
		{name: "a receipt was left open", setup: func(f *fake) { f.document = docSale | 2<<4 }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "closed in the ФН, not printed", setup: func(f *fake) { f.document = docSale | stateInFN<<4 }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "closed in the ФН, no paper", query: "print=no", setup: func(f *fake) { f.document, f.paper = docSale|stateInFN<<4, printerNoPaper }, kind: kkt.Retry, fault: fault.PaperOut},
		{name: "shift closing unfinished", setup: func(f *fake) { f.unclosed, f.open = true, false }, check: func(b kkt.Baseline) bool { return !b.ShiftOpen && b.FD == 3 }},
		{name: "shift closing not in the ФН", setup: func(f *fake) { f.unclosed = true }, check: func(b kkt.Baseline) bool { return b.ShiftOpen && b.Expired }},
		{name: "no paper", setup: func(f *fake) { f.paper = printerNoPaper }, kind: kkt.Retry, fault: fault.PaperOut},
		{name: "no paper, nothing is printed", query: "print=no", setup: func(f *fake) { f.paper = printerNoPaper }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
		{name: "cover", setup: func(f *fake) { f.paper = printerCover }, kind: kkt.Retry, fault: fault.CoverOpen},
		{name: "cutter", setup: func(f *fake) { f.paper = printerCutter }, kind: kkt.Retry, fault: fault.PrinterFault},
		{name: "no ФН", setup: func(f *fake) { f.fatal = fatalNoFN }, kind: kkt.Failed, fault: fault.FNFailed},
		{name: "checksum of settings", setup: func(f *fake) { f.fatal = 2 }, kind: kkt.Failed, fault: fault.RegisterBroken},
		{name: "not registered", setup: func(f *fake) { f.flags = flagNoReg }, kind: kkt.Config, fault: fault.FNClosed},
		{name: "archive closed", setup: func(f *fake) { f.phase = 7 }, kind: kkt.Config, fault: fault.FNClosed},
		{name: "the ФН has a document open", setup: func(f *fake) { f.fnOpen = 4 }, kind: kkt.Retry, fault: fault.FNState},
		{name: "password", setup: func(f *fake) { f.refuse["00"] = []int{6} }, kind: kkt.Config, fault: fault.WrongPassword},
		{name: "registration cannot be read", setup: func(f *fake) { f.refuse["78/5"] = []int{2} }, check: func(b kkt.Baseline) bool { return b.FD == 3 }},
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

// What the baseline or the registration tells is refused before anything is
// sent.
func TestPermitted(t *testing.T) {
	base := kkt.Baseline{FN: "9999078902001234", FD: 3, Shift: 7, ShiftOpen: true}
	change := func(f func(*kkt.Baseline)) kkt.Baseline { b := base; f(&b); return b }
	real := sale()
	real.Test = false
	open, shut := fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true}, fiscal.Document{Kind: fiscal.KindShiftClose, Test: true}
	for _, c := range []struct {
		name  string
		query string
		doc   fiscal.Document
		base  kkt.Baseline
		setup func(f *fake)
		kind  kkt.Kind
		fault fault.Code
	}{
		{name: "no baseline", doc: sale(), kind: kkt.Retry, fault: fault.BaselineMoved},
		{name: "a real receipt on a debug ФН", doc: real, base: base, kind: kkt.Config, fault: fault.TestMismatch},
		{name: "a test receipt on a real ФН", doc: sale(), base: change(func(b *kkt.Baseline) { b.FN = "7380440801199300" }), kind: kkt.Config, fault: fault.TestMismatch},
		{name: "shift closed", doc: sale(), base: change(func(b *kkt.Baseline) { b.ShiftOpen = false }), kind: kkt.Retry, fault: fault.ShiftClosed},
		{name: "shift expired", doc: sale(), base: change(func(b *kkt.Baseline) { b.Expired = true }), kind: kkt.Retry, fault: fault.ShiftExpired},
		{name: "open an open shift", doc: open, base: base, kind: kkt.Rejected, fault: fault.ShiftOpen},
		{name: "close a closed shift", doc: shut, base: change(func(b *kkt.Baseline) { b.ShiftOpen = false }), kind: kkt.Rejected, fault: fault.ShiftClosed},
		{name: "documents came between", doc: sale(), base: change(func(b *kkt.Baseline) { b.FD = 2 }), kind: kkt.Retry, fault: fault.BaselineMoved},
		{name: "another ФН", doc: sale(), base: change(func(b *kkt.Baseline) { b.FN = "9999000000000000" }), kind: kkt.Retry, fault: fault.BaselineMoved},
		{name: "a document is open", doc: sale(), base: base, setup: func(f *fake) { f.document = docSale | 1<<4 }, kind: kkt.Retry, fault: fault.BaselineMoved},
		{name: "the model lacks 1036", query: "model=fm16", doc: sale(), base: base, setup: func(f *fake) { f.register(kkt.FFD105) }, kind: kkt.Config, fault: fault.MachineUnsupported},
		{name: "the model lacks 1009", doc: sale(), base: base, setup: func(f *fake) { f.register(kkt.FFD105) }, kind: kkt.Config, fault: fault.MachineUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				if c.setup != nil {
					c.setup(f)
				}
				d := driver(t, f, c.query)
				defer d.Close()
				w, err := d.Encode(c.doc, kkt.NewKey("k").Attempt(1), kkt.Registration{})
				if err != nil {
					t.Fatal(err)
				}
				out := d.Submit(context.Background(), w, c.base)
				if out.Kind != c.kind || out.Fault.Code != c.fault {
					t.Errorf("%s %v", out.Kind, out.Fault)
				}
				if slices.Contains(f.calls, "30") {
					t.Error("something was sent")
				}
			})
		})
	}
}

// A slow register that answers ENQ is waited for; one that does not is dead.
func TestSlowAndDead(t *testing.T) {
	for _, c := range []struct {
		name string
		call string
		nap  time.Duration
		kind kkt.Kind
	}{
		{"slow within the limit", "31", 20 * time.Second, kkt.Done},
		{"slower than the limit", "31", 40 * time.Second, kkt.Ambiguous},
		{"slow before 31", "42", 15 * time.Second, kkt.Retry},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.alive = true
				d := driver(t, f, "verify=never")
				f.before = func(call string) {
					if call == c.call {
						time.Sleep(c.nap)
					}
				}
				start := time.Now()
				out := attempt(d, sale(), "k")
				if out.Kind != c.kind {
					t.Errorf("%s %v", out.Kind, out.Fault)
				}
				if took := time.Since(start); took > 40*time.Second {
					t.Errorf("%v", took)
				}
				d.Close()
				time.Sleep(time.Minute)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "verify=never")
		f.before = func(call string) {
			if call == "31" {
				time.Sleep(time.Minute)
			}
		}
		start := time.Now()
		if out := attempt(d, sale(), "k"); out.Kind != kkt.Ambiguous || out.Fault.Code != fault.NoAnswer {
			t.Errorf("%+v", out)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("a register that answers no ENQ was waited for %v", took)
		}
		d.Close()
		time.Sleep(2 * time.Minute)
	})
}

// An answer that is lost costs a question, not the patience for a slow
// register.
func TestLostAnswerIsToldFromASlowOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		lost := true
		f.reply = func(call string, frame []byte) []byte {
			if call == "31" && lost {
				lost = false
				return nil
			}
			return frame
		}
		d := driver(t, f, "verify=never")
		start := time.Now()
		base, err := d.Ready(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w, _ := d.Encode(sale(), kkt.NewKey("k").Attempt(1), kkt.Registration{})
		out := d.Submit(context.Background(), w, base)
		if out.Kind != kkt.Ambiguous {
			t.Fatalf("%+v", out)
		}
		out = d.Settle(context.Background(), w, kkt.NewKey("k").Attempt(1), base, "")
		if took := time.Since(start); out.Kind != kkt.Done || out.Fault != nil || took > 1500*time.Millisecond {
			t.Errorf("%+v %v after %v", out, out.Fault, took)
		}
		d.Close()
		f.group.Wait()
	})
}

// A deadline in the middle leaves either a certain "not made" or Ambiguous.
func TestDeadline(t *testing.T) {
	for _, at := range []string{"30", "42", "44", "47", "31"} {
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
			f.before = func(call string) {
				if call == at {
					time.Sleep(time.Second)
				}
			}
			start := time.Now()
			out := d.Submit(ctx, w, base)
			if took := time.Since(start); took > 600*time.Millisecond {
				t.Errorf("%s: %v", at, took)
			}
			if (at == "31") != (out.Kind == kkt.Ambiguous) || at != "31" && out.Kind != kkt.Retry {
				t.Errorf("%s: %s %v", at, out.Kind, out.Fault)
			}
			time.Sleep(2 * time.Second) // the register's end of the pipe finishes
		})
	}
}

func TestReadDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "print=no")
		defer d.Close()
		made := attempt(d, sale(), "k")
		s, err := d.ReadDocument(context.Background(), f.fn, 4)
		if err != nil {
			t.Fatal(err)
		}
		if s.Key != kkt.NewKey("k").Attempt(1) || s.Type != 3 || !bytes.Equal(s.Document, made.Document) || s.Receipt.Machine != sale().Machine || !s.Confirmed {
			t.Errorf("%+v", s)
		}
		if s.Receipt.QR() != made.Receipt.QR() {
			t.Error(s.Receipt.QR(), made.Receipt.QR())
		}
		if _, err := d.ReadDocument(context.Background(), "9999000000000000", 4); kkt.Classify(err).Fault.Code != fault.FNReplaced {
			t.Error(err)
		}
		if _, err := d.ReadDocument(context.Background(), f.fn, 99); kkt.Classify(err).Fault.Code != fault.DocumentUnread {
			t.Error(err)
		}
		// reading between Ready and Submit does not cost the baseline
		base, _ := d.Ready(context.Background())
		d.ReadDocument(context.Background(), f.fn, 4)
		f.calls = nil
		w, _ := d.Encode(sale(), kkt.NewKey("k2").Attempt(1), kkt.Registration{})
		if out := d.Submit(context.Background(), w, base); out.Kind != kkt.Done || f.calls[0] != "30" {
			t.Errorf("%+v %v", out, f.calls)
		}
	})
}

func TestUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.paper, f.expired = printerNoPaper|printerCover, true
		d := driver(t, f, "")
		defer d.Close()
		units, err := d.Units(context.Background())
		if err != nil || len(units) != 1 {
			t.Fatal(units, err)
		}
		u := units[0]
		if u.Serial != "0490000123" || u.Firmware != "565.1.13" || !u.Clock.Equal(f.now) {
			t.Errorf("%+v", u)
		}
		want := kkt.FNState{
			Serial: f.fn, Phase: 3, FFD: kkt.FFD12, LastFD: 3, LastAt: f.now, Shift: 7, ShiftOpen: true, OpenedAt: f.now, Receipts: 1,
			Unsent: 1, UnsentFD: 3, UnsentAt: f.now, ValidUntil: time.Date(2028, 3, 31, 0, 0, 0, 0, time.UTC), Test: true, Told: kkt.ToldUnsent,
		}
		if u.FN != want {
			t.Errorf("%+v\nwant %+v", u.FN, want)
		}
		if r := u.Registration; r.INN != "7700999990" || r.RNM != "0000000001036533" || r.TaxSystems != 0x37 || !r.AutoMode || r.Autonomous || r.Address != "г. Москва" {
			t.Errorf("%+v", r)
		}
		var codes []fault.Code
		for _, f := range u.Faults {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(codes, []fault.Code{fault.PaperOut, fault.CoverOpen, fault.ShiftExpired}) {
			t.Errorf("%v", codes)
		}
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "")
		if err := d.Probe(context.Background()); err != nil {
			t.Error(err)
		}
		f.refuse["00"] = []int{6}
		if out := kkt.Classify(d.Probe(context.Background())); out.Kind != kkt.Config || out.Fault.Code != fault.WrongPassword {
			t.Errorf("%+v", out)
		}
		d.Close()
		if f.last() != 3 {
			t.Error("Probe made something")
		}
	})
}

func TestSetClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.open = false
		d := driver(t, f, "")
		defer d.Close()
		f.refuse["14"] = []int{errClockJump}
		if err := d.SetClock(context.Background(), time.Date(2026, 3, 6, 13, 50, 7, 0, time.FixedZone("MSK", 3*3600))); err != nil {
			t.Error(err)
		}
		if got := strings.Join(f.calls, " "); got != "00 14 14" {
			t.Error(got)
		}
		f.open = true
		if out := kkt.Classify(d.SetClock(context.Background(), time.Now())); out.Kind != kkt.Retry || out.Fault.Code != fault.ShiftOpen {
			t.Errorf("%+v", out)
		}
	})
}

// One operation at a time; who cannot wait is told so.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.alive = true
		f.before = func(call string) {
			if call == "31" {
				time.Sleep(5 * time.Second)
			}
		}
		d := driver(t, f, "verify=never")
		done := make(chan kkt.Outcome)
		go func() { done <- attempt(d, sale(), "k") }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if out := kkt.Classify(d.Probe(ctx)); out.Kind != kkt.Retry || out.Fault.Code != fault.Busy {
			t.Errorf("%+v", out)
		}
		if out := <-done; out.Kind != kkt.Done || out.Receipt.Kind != fiscal.KindReceipt {
			t.Errorf("%+v", out)
		}
		d.Close()
	})
}
