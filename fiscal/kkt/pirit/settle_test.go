package pirit

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// settle runs an attempt whose answer to 31h is lost, after happened.
func settle(t *testing.T, f *fake, query string, happened func()) kkt.Outcome {
	t.Helper()
	ctx := context.Background()
	d := driver(t, f, query)
	defer d.Close()
	base, err := d.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.Encode(sale(), kkt.NewKey("k").Attempt(1), kkt.Registration{})
	if err != nil {
		t.Fatal(err)
	}
	happened()
	return d.Settle(ctx, w, kkt.NewKey("k").Attempt(1), base, "")
}

// ours is a receipt of the attempt as the ФН would hold it.
func ourReceipt(key kkt.Key) []ffd.Element {
	name, _ := ffd.Str(1085, kkt.KeyName)
	value, _ := ffd.Str(1086, string(key))
	return []ffd.Element{ffd.Num(1054, 1), ffd.Num(1020, 8500), ffd.Struct(1084, name, value)}
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
		{"the register was restarted", func(f *fake) { f.started = false }, kkt.Failed, fault.NotMade},
		{"receipt left open is annulled", func(f *fake) { f.document = docSale | 3<<4 }, kkt.Failed, fault.NotMade},
		{"paid and not closed", func(f *fake) { f.document = docSale | 4<<4 }, kkt.Failed, fault.NotMade},
		{"a foreign receipt of the same sum", func(f *fake) { f.add(3, ourReceipt(foreign)...) }, kkt.Failed, fault.NotMade},
		{"same sum, no key at all", func(f *fake) { f.add(3, ffd.Num(1020, 8500)) }, kkt.Failed, fault.NotMade},
		{"another attempt of the same job", func(f *fake) { f.add(3, ourReceipt(kkt.NewKey("k").Attempt(11))...) }, kkt.Failed, fault.NotMade},
		{"our key in a correction", func(f *fake) { f.add(31, ourReceipt(mine)...) }, kkt.Failed, fault.NotMade},
		{"automatic shift change only", func(f *fake) { f.add(5); f.add(2) }, kkt.Failed, fault.NotMade},
		{"key twice", func(f *fake) { f.add(3, ourReceipt(mine)...); f.add(3, ourReceipt(mine)...) }, kkt.Ambiguous, fault.KeyTwice},
		{"ФН replaced", func(f *fake) { f.fn = "9999078902009999" }, kkt.Ambiguous, fault.FNReplaced},
		{"numbers went back", func(f *fake) { f.docs = f.docs[:1] }, kkt.Ambiguous, fault.FNRolledBack},
		{"too many documents", func(f *fake) {
			for range maxScan + 1 {
				f.add(3)
			}
		}, kkt.Ambiguous, fault.OutcomeUnknown},
		{"truncated TLV", func(f *fake) { f.add(3, ourReceipt(foreign)...); f.cut = 40 }, kkt.Ambiguous, fault.DocumentUnread},
		{"the archive refuses", func(f *fake) {
			f.add(3, ourReceipt(foreign)...)
			f.refuse["78/15"] = []int{errNoData}
		}, kkt.Ambiguous, fault.DocumentUnread},
		{"a block is refused", func(f *fake) {
			f.add(3, ourReceipt(foreign)...)
			f.refuse["78/16"] = []int{0x43}
		}, kkt.Ambiguous, fault.DocumentUnread},
		{"the ФН does not answer", func(f *fake) { f.refuse["78/3"] = []int{0x61} }, kkt.Ambiguous, fault.FNFailed},
		{"closed in the ФН, no paper, not found", func(f *fake) {
			f.document, f.paper = docSale|stateInFN<<4, printerNoPaper
		}, kkt.Ambiguous, fault.PaperOut},
		{"the ФН holds a document the register forgot", func(f *fake) { f.fnOpen = 4 }, kkt.Ambiguous, fault.FNState},
		{"annulment is refused", func(f *fake) {
			f.document = docSale | 1<<4
			f.refuse["32"] = []int{256 + reasonInFN}
		}, kkt.Ambiguous, fault.DocumentOpen},
		{"work cannot be started", func(f *fake) { f.started = false; f.refuse["10"] = []int{errClockEarly} }, kkt.Ambiguous, fault.ClockWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				out := settle(t, f, "verify=never", func() { c.setup(f) })
				if out.Kind != c.kind || out.Fault == nil || out.Fault.Code != c.fault {
					t.Errorf("%s %v, want %s %s", out.Kind, out.Fault, c.kind, c.fault)
				}
				if out.Kind == kkt.Ambiguous && out.After == 0 {
					t.Error("says not when to ask again")
				}
				if slices.Contains(f.calls, "30") {
					t.Error("Settle began a document")
				}
			})
		})
	}
}

func TestSettleFinds(t *testing.T) {
	key := kkt.NewKey("k").Attempt(1)
	for _, c := range []struct {
		name  string
		query string
		setup func(f *fake)
		fd    uint32
		fault fault.Code // beside Done
	}{
		{"among foreign documents", "", func(f *fake) {
			f.add(3, ourReceipt(kkt.NewKey("a"))...)
			f.add(5)
			f.add(2)
			f.add(3, ourReceipt(key)...)
			f.add(3, ourReceipt(kkt.NewKey("b"))...)
		}, 7, fault.WrongMachine},
		{"key readable in a truncated TLV", "", func(f *fake) { f.add(3, append(ourReceipt(key), ffd.Num(1055, 1))...); f.cut = len(f.tlv(4)) - 3 }, 4, ""},
		{"blocks of 16 bytes, no head", "block=16", func(f *fake) { f.add(3, ourReceipt(key)...); f.headless = true }, 4, fault.WrongMachine},
		{"the register gives short blocks only", "block=4096", func(f *fake) { f.add(3, ourReceipt(key)...); f.longest = 20 }, 4, fault.WrongMachine},
		{"closed in the ФН, printed on demand", "", func(f *fake) {
			f.add(3, ourReceipt(key)...)
			f.document = docSale | stateInFN<<4
		}, 4, fault.WrongMachine},
		{"closed in the ФН, no paper", "", func(f *fake) {
			f.add(3, ourReceipt(key)...)
			f.document, f.paper = docSale|stateInFN<<4, printerNoPaper
		}, 4, fault.WrongMachine},
		{"after a restart", "", func(f *fake) { f.add(3, ourReceipt(key)...); f.started = false }, 4, fault.WrongMachine},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				out := settle(t, f, c.query, func() { c.setup(f) })
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

// A line that breaks at every few bytes lets a long scan end all the same:
// nothing that was read is read again, not even the beginning of a document.
func TestSettleGoesOnAfterBrokenLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx := context.Background()
		d := driver(t, f, "block=16&verify=never")
		defer d.Close()
		base, err := d.Ready(ctx)
		if err != nil {
			t.Fatal(err)
		}
		key := kkt.NewKey("k").Attempt(1)
		w, err := d.Encode(sale(), key, kkt.Registration{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			f.add(3, ourReceipt(kkt.NewKey("foreign", string(rune('a'+i))))...)
		}
		f.add(3, ourReceipt(key)...)
		read := map[string]int{}
		f.before = func(call string) {
			if call == "78/16" {
				read[call]++
			}
		}
		var out kkt.Outcome
		tries := 0
		for out.Kind != kkt.Done && tries < 2000 {
			// Enough for the barrier and a few blocks, far less than one document.
			f.bytes, f.cutAt = 0, 700
			out = d.Settle(ctx, w, key, base, "")
			tries++
		}
		if out.Kind != kkt.Done || out.Receipt.FD != 44 {
			t.Fatalf("after %d tries: %+v %v", tries, out, out.Fault)
		}
		blocks := 0
		for fd := 4; fd <= 44; fd++ {
			blocks += (len(f.tlv(fd)) + 15) / 16
		}
		// A block whose answer was cut is asked for once more, nothing else is.
		if read["78/16"] > blocks+tries {
			t.Errorf("%d blocks read in %d tries, %d are there", read["78/16"], tries, blocks)
		}
		t.Logf("%d tries, %d blocks", tries, blocks)
	})
}

// Answers that are damaged, doubled, foreign or of another form never make the
// driver believe what is not so.
func TestBadAnswersAtEveryCommand(t *testing.T) {
	other := func(frame []byte) []byte {
		a, _, err := ParseAnswer(frame)
		if err != nil {
			return nil
		}
		a.ID = FirstID + (a.ID-FirstID+7)%100
		return AppendAnswer(nil, a)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"damaged":           func(b []byte) []byte { b = slices.Clone(b); b[len(b)/2] ^= 0x11; return b },
		"checksum":          func(b []byte) []byte { b = slices.Clone(b); b[len(b)-1] ^= 0x01; return b },
		"twice":             func(b []byte) []byte { return append(slices.Clone(b), b...) },
		"after another's":   func(b []byte) []byte { return append(other(b), b...) },
		"another's instead": other,
		"lost":              func([]byte) []byte { return nil },
		"noise before":      func(b []byte) []byte { return append([]byte{0, 0xff, ACK, 0x15}, b...) },
		"cut short":         func(b []byte) []byte { return b[:len(b)-4] },
		"no fields":         func(b []byte) []byte { a, _, _ := ParseAnswer(b); a.Fields = nil; return AppendAnswer(nil, a) },
		"fields of no number": func(b []byte) []byte {
			a, _, _ := ParseAnswer(b)
			for i := range a.Fields {
				a.Fields[i] = strings.Repeat("x", 9)
			}
			return AppendAnswer(nil, a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for nth := 1; nth <= 40; nth++ {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					n := 0
					f.reply = func(_ string, frame []byte) []byte {
						if n++; n == nth {
							return spoil(frame)
						}
						return frame
					}
					key := kkt.NewKey(t.Name())
					out, err := till(t, f, "verify=always", sale(), key, false)
					if err != nil {
						t.Fatalf("answer %d: %v", nth, err)
					}
					if f.keys(key) != 1 || f.last() != 4 || out.Receipt.FD != 4 || out.Receipt.FP != f.docs[3].fp || out.Fault != nil {
						t.Fatalf("answer %d: %+v %v, %d documents", nth, out.Receipt, out.Fault, f.last())
					}
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}
