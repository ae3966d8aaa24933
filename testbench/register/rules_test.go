package register

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

var noon = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

// Steps that set a state up before the command a rule is about.
func opened(w *world)  { w.exec(cmd(0xE0)) }
func expired(w *world) { opened(w); w.now = w.now.Add(24*time.Hour + time.Minute) }
func receiptOpen(w *world) {
	opened(w)
	w.exec(cmd(0x8D, 0))
}
func sold(w *world) {
	receiptOpen(w)
	w.exec(sale(1, 5000, 0x08, "Вода"))
}
func readingOut(w *world) {
	opened(w)
	w.exec(cmd(0xFF3A, number4(1)...))
}
func printingNow(w *world) { opened(w); w.dev.busy = w.now.Add(time.Minute) }
func noPaper(w *world) {
	opened(w)
	_ = w.Inject(Fault{Kind: faults.PaperOut})
}
func nothing(*world) {}

func quantitySale(quantity int64, price, sum int64) []byte {
	a := append([]byte{1}, binary.LittleEndian.AppendUint64(nil, uint64(quantity))[:6]...)
	a = append(append(a, five(price)...), five(sum)...)
	a = append(append(a, five(computed)...), 0x08, 0, 4, 1, 'x')
	return cmd(0xFF46, a...)
}

func withPassword(password byte, command []byte) []byte {
	b := bytes.Clone(command)
	if b[0] == 0xFF {
		b[2] = password
	} else {
		b[1] = password
	}
	return b
}

// The rules of kkt-shtrih.md §14, each with its code.
func TestRulesAndTheirCodes(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(*world)
		cfg   Config
		send  []byte
		want  byte
	}{
		{"wrong password", nothing, Config{}, withPassword(77, cmd(0x10)), errPassword},
		{"operator asks the ФН", nothing, Config{}, withPassword(1, cmd(0xFF01)), errPassword},
		{"operator asks the status", nothing, Config{}, withPassword(1, cmd(0x10)), errNone},
		{"unknown command", nothing, Config{}, cmd(0x9A), errUnsupported},
		{"unknown ФН command", nothing, Config{}, cmd(0xFF99), errUnsupported},
		{"code FF alone", nothing, Config{}, []byte{0xFF}, errUnsupported},
		{"no password", nothing, Config{}, []byte{0x10}, errBadParameter},
		{"too long", nothing, Config{}, cmd(0x10, 1), errBadParameter},
		{"too short", nothing, Config{}, cmd(0xFF0A, 1), errBadParameter},

		{"receipt, shift closed", nothing, Config{}, cmd(0x8D, 0), errShiftClosed},
		{"receipt, shift closed, automatic opening", func(w *world) { w.exec(cmd(0x1E, 24, 1, 0, 13, 2)) }, Config{}, cmd(0x8D, 0), errNone},
		{"sale, shift closed", nothing, Config{}, sale(1, 100, 8, "x"), errShiftClosed},
		{"receipt, shift over 24 h", expired, Config{}, cmd(0x8D, 0), errShiftTooLong},
		{"closing, shift over 24 h", expired, Config{}, cmd(0x41), errNone},
		{"opening an open shift", opened, Config{}, cmd(0xE0), errShiftOpen},
		{"closing a closed shift", nothing, Config{}, cmd(0x41), errShiftClosed},
		{"closing a shift inside a receipt", sold, Config{}, cmd(0x41), errReceiptOpen},
		{"opening a shift inside a receipt", sold, Config{}, cmd(0xE0), errReceiptOpen},
		{"second receipt", receiptOpen, Config{}, cmd(0x8D, 0), errReceiptOpen},
		{"bad type of receipt", opened, Config{}, cmd(0x8D, 4), errBadParameter},
		{"sale opens the receipt itself", opened, Config{}, sale(2, 100, 8, "x"), errNone},

		{"return in a sale", receiptOpen, Config{}, sale(2, 100, 8, "x"), errOtherType},
		{"operation 5", receiptOpen, Config{}, sale(5, 100, 8, "x"), errBadParameter},
		{"tax byte 3 of index firmware", receiptOpen, Config{}, sale(1, 100, 3, "x"), errBadParameter},
		{"tax byte of 22 %", receiptOpen, Config{}, sale(1, 100, 0xCB, "x"), errNone},
		{"line feed in a name", receiptOpen, Config{}, sale(1, 100, 8, "a\nb"), errBadParameter},
		{"sum off by one kopeck", receiptOpen, Config{}, quantitySale(1_000_000, 100, 101), errNone},
		{"sum off by two kopecks", receiptOpen, Config{}, quantitySale(1_000_000, 100, 102), errBadParameter},
		{"no quantity", receiptOpen, Config{}, quantitySale(0, 100, 0), errBadParameter},
		{"product too large", receiptOpen, Config{}, quantitySale(1<<48-1, 9_999_999_999, computed), errMultiply},

		{"closing outside a receipt", opened, Config{}, closeBy(0, 100, 1), errReceiptClosed},
		{"subtotal outside a receipt", opened, Config{}, cmd(0x89), errMode},
		{"cancel outside a receipt", opened, Config{}, cmd(0x88), errMode},
		{"item tag outside a receipt", opened, Config{}, cmd(0xFF4D, fn.AppendByte(nil, 2108, 0)...), errMode},
		{"paid less", sold, Config{}, closeBy(0, 4999, 1), errPaidLess},
		{"cashless over the total", sold, Config{}, closeBy(0, 5001, 1), errCashlessMore},
		{"cash over the total", sold, Config{}, closeBy(6000, 0, 1), errNone},
		{"no positions", receiptOpen, Config{}, closeBy(0, 0, 1), errZeroTotal},
		{"no tax system", sold, Config{}, closeBy(0, 5000, 0), errBadParameter},
		{"two tax systems", sold, Config{}, closeBy(0, 5000, 3), errBadParameter},
		{"tax system not registered", sold, Config{TaxSystems: 2}, closeBy(0, 5000, 1), errTaxSystem},

		{"tag twice", func(w *world) { sold(w); w.exec(tag(1036, []byte("A"))) }, Config{}, tag(1036, []byte("B")), errBadParameter},
		{"tag the register writes itself", sold, Config{}, tag(1020, []byte{1}), errBadParameter},
		{"tag of an item in the receipt", sold, Config{}, tag(2108, []byte{0}), errBadParameter},
		{"line feed in a tag", sold, Config{}, tag(1187, []byte("a\nb")), errBadParameter},
		{"1036 of 21 characters", sold, Config{}, tag(1036, make([]byte, 21)), errBadParameter},
		{"1203 unpadded", sold, Config{}, tag(1203, []byte("7700999990")), errBadParameter},
		{"element longer than it says", sold, Config{}, cmd(0xFF0C, 0x0C, 4, 2, 0, 'A'), errBadParameter},
		{"address with the device's own", sold, Config{Address: "Москва"}, tag(1009, []byte("x")), errBadParameter},
		{"place with the device's own", sold, Config{Place: "Холл"}, tag(1187, []byte("x")), errBadParameter},
		{"1036 where only the table counts", sold, Config{MachineFrom: "table"}, tag(1036, []byte("x")), errBadParameter},
		{"1227 in ФФД 1.2", sold, Config{}, tag(1227, []byte("x")), errBadParameter},
		{"1227 in ФФД 1.05", sold, Config{FFD: 2}, tag(1227, []byte("x")), errNone},
		{"tag without a document", opened, Config{}, tag(1036, []byte("x")), byte(fn.WrongState)},
		{"cashier into a shift report", func(w *world) { w.exec(cmd(0xFF41)) }, Config{}, tag(1021, []byte("x")), errNone},

		{"anything printing while it prints", printingNow, Config{}, cmd(0x8D, 0), errPrinting},
		{"status while it prints", printingNow, Config{}, cmd(0x11), errNone},
		{"reading a document while it prints", printingNow, Config{}, cmd(0xFF3A, number4(1)...), errMode},
		{"receipt without paper", noPaper, Config{}, cmd(0x8D, 0), errNoPaper},
		{"receipt without paper, not printed", func(w *world) { w.exec(cmd(0x1E, 17, 1, 0, 7, 2)); noPaper(w) }, Config{}, cmd(0x8D, 0), errNone},
		{"continue printing with nothing to print", opened, Config{}, cmd(0xB0), errSubmode},
		{"continue printing awaited", func(w *world) {
			opened(w)
			_ = w.Inject(Fault{Kind: faults.PaperOut, When: faults.After})
			_ = w.Inject(Fault{Kind: faults.PaperIn})
		}, Config{}, cmd(0x8D, 0), errWaitsContinue},

		{"a receipt while reading out", readingOut, Config{}, cmd(0x8D, 0), errMode},
		{"a shift while reading out", readingOut, Config{}, cmd(0x41), errMode},
		{"ФН status while reading out", readingOut, Config{}, cmd(0xFF01), errNone},
		{"reading with nothing asked", opened, Config{}, cmd(0xFF3B), byte(fn.NoData)},
		{"a document that is not there", opened, Config{}, cmd(0xFF0A, number4(99)...), byte(fn.NoData)},
		{"document 0", opened, Config{}, cmd(0xFF3A, number4(0)...), byte(fn.NoData)},
		{"document 0 with the replica setting", func(w *world) { w.exec(cmd(0x1E, 17, 1, 0, 31, 1)) }, Config{}, cmd(0xFF3A, number4(0)...), errNone},
		{"ticket before it came", opened, Config{}, cmd(0xFF3C, number4(1)...), byte(fn.NoData)},
		{"document older than 30 days in full", func(w *world) { w.dev.confirmAll(); w.now = w.now.Add(31 * 24 * time.Hour) }, Config{}, cmd(0xFF3A, number4(1)...), byte(fn.NoData)},
		{"document older than 30 days in short", func(w *world) { w.dev.confirmAll(); w.now = w.now.Add(31 * 24 * time.Hour) }, Config{}, cmd(0xFF0A, number4(1)...), errNone},
		{"cancel of no document in the ФН", opened, Config{}, cmd(0xFF08), byte(fn.WrongState)},
		{"closing after FF08h", func(w *world) { sold(w); w.exec(cmd(0xFF08)) }, Config{}, closeBy(0, 5000, 1), errReceiptClosed},

		{"table inside a receipt", receiptOpen, Config{}, cmd(0x1E, 17, 1, 0, 7, 2), errMode},
		{"table that is not there", nothing, Config{}, cmd(0x1F, 99, 1, 0, 1), errNoTable},
		{"row that is not there", nothing, Config{}, cmd(0x1F, 17, 2, 0, 1), errBadParameter},
		{"read-only field", nothing, Config{}, cmd(0x1E, 18, 1, 0, 2, 'x'), errReadOnly},
		{"value out of range", nothing, Config{}, cmd(0x1E, 17, 1, 0, 7, 4), errBadParameter},
		{"text too long", nothing, Config{}, cmd(0x1E, append([]byte{24, 1, 0, 1}, make([]byte, 21)...)...), errBadParameter},
		{"time inside a shift", opened, Config{}, cmd(0x21, 12, 0, 0), errMode},
		{"time that is none", nothing, Config{}, cmd(0x21, 25, 0, 0), errBadParameter},
		{"date confirmed differently", func(w *world) { w.exec(cmd(0x22, 6, 3, 26)) }, Config{}, cmd(0x23, 7, 3, 26), errDate},
		{"shift before the date is confirmed", func(w *world) { w.exec(cmd(0x22, 6, 3, 26)) }, Config{}, cmd(0xE0), errMode},

		{"ФН full", func(w *world) { opened(w); _ = w.Inject(Fault{Kind: faults.FNFull}) }, Config{}, cmd(0x8D, 0), byte(fn.StorageOver)},
		{"ФН repaired", func(w *world) {
			opened(w)
			_ = w.Inject(Fault{Kind: faults.FNFull})
			_ = w.Inject(Fault{Kind: faults.Repair})
		}, Config{}, cmd(0x8D, 0), errNone},
		{"life of the ФН over", func(w *world) { opened(w); _ = w.Inject(Fault{Kind: faults.FNLifeOver}) }, Config{}, cmd(0x8D, 0), byte(fn.ResourceOver)},
		{"ОФД silent for 30 days", func(w *world) { w.now = w.now.Add(31 * 24 * time.Hour) }, Config{}, cmd(0xE0), byte(fn.StorageOver)},
		{"clock set back", func(w *world) { opened(w); _ = w.Jump(-time.Hour, true) }, Config{}, cmd(0x8D, 0), byte(fn.BadTime)},
		{"clock set ahead of the ФН's timer", func(w *world) { opened(w); _ = w.Jump(time.Hour, true) }, Config{}, cmd(0x8D, 0), byte(fn.TimeSkew)},
		{"shift expired by order", func(w *world) { opened(w); _ = w.Inject(Fault{Kind: faults.ShiftExpired}) }, Config{}, cmd(0x8D, 0), errShiftTooLong},
		{"receipt whose shift expired inside", func(w *world) { sold(w); _ = w.Inject(Fault{Kind: faults.ShiftExpired}) }, Config{}, closeBy(0, 5000, 1), byte(fn.ShiftTooLong)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, noon, c.cfg)
			c.setup(w)
			before := len(w.Archive())
			out := w.dev.Execute(c.send)
			at := 1
			if out[0] == 0xFF && len(c.send) > 1 {
				at = 2
			}
			if out[at] != c.want {
				t.Fatalf("answered %02X (%s), want %02X (%s)", out[at], errorText(out[at]), c.want, errorText(c.want))
			}
			if c.want != errNone && (len(out) != at+1 || len(w.Archive()) != before) {
				t.Fatalf("an error of %d bytes left %d documents after %d", len(out), len(w.Archive()), before)
			}
		})
	}
}

func TestExtendedErrorsHaveFourBytesMore(t *testing.T) {
	w := newWorld(t, noon, Config{ExtendedErrors: true})
	sold(w)
	w.exec(tag(1036, []byte("A")))
	if out := w.dev.Execute(tag(1036, []byte("B"))); !bytes.Equal(out, []byte{0xFF, 0x0C, 0x33, 0x33, 0, 0x33, 0}) {
		t.Fatalf("% X", out)
	}
}

func TestModesFollowTheShiftAndTheReceipt(t *testing.T) {
	w := newWorld(t, noon, Config{})
	mode := func(want byte) {
		t.Helper()
		if got := w.exec(cmd(0x10))[3]; got != want {
			t.Fatalf("mode %02X, want %02X", got, want)
		}
	}
	mode(4)
	w.exec(cmd(0xE0))
	mode(2)
	for kind, want := range map[byte]byte{0: 0x08, 1: 0x18, 2: 0x28, 3: 0x38} {
		w.exec(cmd(0x8D, kind))
		mode(want)
		w.exec(cmd(0x88))
		mode(2)
	}
	w.now = w.now.Add(25 * time.Hour)
	mode(3)
	w.exec(cmd(0x41))
	mode(4)
	w.exec(cmd(0x22, 8, 3, 26))
	mode(6)
	w.exec(cmd(0x23, 8, 3, 26))
	mode(4)
	if got := w.dev.now(); got.Day() != 8 {
		t.Fatalf("clock %v", got)
	}
}

// No-print 1 holds for one document and resets; 2 stays.
func TestNoPrintSetting(t *testing.T) {
	w := newWorld(t, noon, Config{Print: time.Minute})
	submode := func() byte { return w.exec(cmd(0x10))[4] }
	w.exec(cmd(0xE0))
	if submode() != 5 {
		t.Fatal("opening a shift does not print")
	}
	w.now = w.now.Add(2 * time.Minute)
	w.exec(cmd(0x1E, 17, 1, 0, 7, 1))
	w.documents(3)
	if submode() != 0 {
		t.Fatal("printed in spite of 1")
	}
	w.documents(4)
	if submode() != 5 {
		t.Fatal("1 held for a second document")
	}
	w.now = w.now.Add(2 * time.Minute)
	w.exec(cmd(0x1E, 17, 1, 0, 7, 2))
	w.documents(6)
	if submode() != 0 {
		t.Fatal("printed in spite of 2")
	}
}

func TestPaperBreakAfterClosing(t *testing.T) {
	w := newWorld(t, noon, Config{Print: time.Minute})
	w.exec(cmd(0x1E, 17, 1, 0, 7, 1)) // the opening prints nothing
	w.documents(3)
	submode := func(want byte) {
		t.Helper()
		if got := w.exec(cmd(0x10))[4]; got != want {
			t.Fatalf("submode %d, want %d", got, want)
		}
	}
	submode(5)
	_ = w.Inject(Fault{Kind: faults.PaperOut})
	submode(2)
	_ = w.Inject(Fault{Kind: faults.PaperIn})
	submode(3)
	w.exec(cmd(0xB0))
	submode(5)
	w.now = w.now.Add(time.Minute)
	submode(0)
	if n := len(w.Archive()); n != 3 {
		t.Fatalf("printing again made a document: %d", n)
	}
}

// A receipt in ФФД 1.05 and 1.2 with every kind of rate and of payment.
func TestReceiptRequisites(t *testing.T) {
	for _, version := range []byte{2, 4} {
		w := newWorld(t, noon, Config{FFD: version, Machine: "TABLE-24"})
		receiptOpen(w)
		w.exec(sale(1, 12000, 0x01, "20 %"))
		w.exec(sale(1, 6100, 0xCB, "22 %"))
		w.exec(cmd(0xFF4D, fn.AppendString(nil, 1191, "примечание")...))
		w.exec(sale(1, 10500, 0x81, "5 %"))
		w.exec(sale(1, 1000, 0x04, "0 %"))
		w.exec(sale(1, 400, 0x08, "//без НДС"))
		if sum := littleEndian(w.exec(cmd(0x89))[1:]); sum != 30000 {
			t.Fatalf("subtotal %d", sum)
		}
		w.exec(tag(1008, []byte("+79000000000")))
		w.exec(closeBy(20000, 15000, 1))
		d := w.Archive()[2]
		if d.Sum != 30000 || d.FFD != version || d.Machine != "TABLE-24" || d.Buyer != "+79000000000" || d.Paid["1031"] != 15000 || d.Paid["1081"] != 15000 {
			t.Fatalf("%+v", d)
		}
		if d.VAT["1102"] != 2000 || d.VAT["1104"] != 1000 || d.VAT["1105"] != 400 || len(d.Rates) != 2 ||
			d.Rates[0] != (fn.Rate{Rate: 7, Sum: 500}) || d.Rates[1] != (fn.Rate{Rate: 11, Sum: 1100}) {
			t.Fatalf("VAT %v %v", d.VAT, d.Rates)
		}
		if len(d.Items) != 5 || d.Items[4].Name != "без НДС" || d.Items[4].Quantity != "1" || d.Items[1].Rate != 11 || d.Items[1].VAT != 1100 {
			t.Fatalf("items %+v", d.Items)
		}
		measure := fn.AppendByte(nil, 2108, 0)
		if bytes.Contains(d.TLV, measure) != (version == 4) {
			t.Fatal("2108 belongs to ФФД 1.2 only")
		}
	}
}
