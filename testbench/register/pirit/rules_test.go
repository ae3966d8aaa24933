package pirit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// freshDevice is a registered, started device on a clock of its own.
func freshDevice(t testing.TB, cfg Config) *device {
	t.Helper()
	now := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	cfg.Clock, cfg.Zone = func() time.Time { return now }, time.UTC
	if cfg.Machine == "" {
		cfg.Machine = "REG-1"
	}
	if err := cfg.defaults(); err != nil {
		t.Fatal(err)
	}
	d, err := newDevice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	startWork(t, d)
	return d
}

func startWork(t testing.TB, d *device) {
	t.Helper()
	now := d.now()
	do(t, d, 0x10, now.Format("020106"), now.Format("150405"))
}

// run executes a command given in UTF-8.
func run(d *device, code byte, fields ...string) (err byte, out []string) {
	for i := range fields {
		fields[i] = string(fn.CP866(fields[i]))
	}
	err, out, _ = d.execute(frame{id: 0x20, code: code, fields: fields})
	return err, out
}

// do is a command that must succeed.
func do(t testing.TB, d *device, code byte, fields ...string) []string {
	t.Helper()
	err, out := run(d, code, fields...)
	if err != 0 {
		t.Fatalf("%s %q: error %02Xh, reason %d", hex2(code), fields, err, d.reason)
	}
	return out
}

// receipt makes a whole receipt of 85.00 and returns the answer of 31h.
func receipt(t testing.TB, d *device, mode, system, address string, closing ...string) []string {
	t.Helper()
	do(t, d, 0x30, mode, "1", "", "", system, address)
	do(t, d, 0x42, "Кофе", "", "1", "85.00", "3", "", "", "", "", "", "4", "1")
	do(t, d, 0x44)
	do(t, d, 0x47, "1", "85.00", "")
	return do(t, d, 0x31, closing...)
}

func last(t testing.TB, d *device) fn.Document {
	t.Helper()
	doc, err := d.fn.Document(uint32(d.fn.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestReceipt(t *testing.T) {
	d := freshDevice(t, Config{})
	do(t, d, 0x23)
	out := receipt(t, d, "2", "0", "Москва, Автоматная, 7", "1", "buyer@example.org", "", "Холл", "", "VM-0001234", "chekomat", "KEY", "ООО Ромашка", "7700999990")
	doc := last(t, d)
	if doc.Machine != "VM-0001234" || doc.Address != "Москва, Автоматная, 7" || doc.Place != "Холл" || doc.Key != "KEY" || doc.KeyName != "chekomat" ||
		doc.Buyer != "buyer@example.org" || doc.Sum != 8500 || doc.Tax != 1 || doc.Operation != 1 || doc.Paid["1081"] != 8500 || doc.Items[0].Rate != 6 {
		t.Errorf("%+v", doc)
	}
	if len(out) != 9 || out[3] != fmt.Sprint(doc.FD) || out[4] != fmt.Sprint(doc.FP) || out[5] != "1" || out[6] != "1" || out[7] != "060326" {
		t.Errorf("%q", out)
	}
	if got := do(t, d, 0x03, "2"); got[1] != "2" || got[5] != "85.00" || got[8] != fmt.Sprint(doc.FP) || got[9] != fmt.Sprint(doc.FD) {
		t.Errorf("03/2 %q", got)
	}
	if got := do(t, d, 0x01, "7"); got[1] != "1" || got[2] != "0" {
		t.Errorf("01/7 %q", got)
	}
	if got := do(t, d, 0x01, "3"); got[2] != "85.00" || len(got) != 17 {
		t.Errorf("01/3 %q", got)
	}
	receipt(t, d, "3", "0", "", "1")
	if doc := last(t, d); doc.Operation != 2 || doc.Machine != "REG-1" || doc.Address != d.cfg.Address || doc.Place != d.cfg.Place {
		t.Errorf("of the registration: %+v", doc)
	}
}

// What each model takes of the machine.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		model                   string
		ffd                     byte
		address, place, machine bool
	}{
		{Pirit2F, 4, true, true, true}, {Pirit2F, 2, false, true, true}, {Pirit2SF, 2, true, true, true},
		{FM16, 4, true, true, true}, {FM16, 2, false, false, false}, {FM16, 3, false, false, false},
	} {
		d := freshDevice(t, Config{Model: c.model, FFD: c.ffd})
		do(t, d, 0x23)
		receipt(t, d, "2", "0", "A", "1", "", "", "P", "", "M")
		if doc := last(t, d); (doc.Address == "A") != c.address || (doc.Place == "P") != c.place || (doc.Machine == "M") != c.machine || doc.FFD != c.ffd {
			t.Errorf("%s FFD %d: %+v", c.model, c.ffd, doc)
		}
	}
}

// Each command in the wrong state or with a wrong field is refused with its
// code and reason.
func TestRefusals(t *testing.T) {
	open := func(t *testing.T, d *device) { do(t, d, 0x23); do(t, d, 0x30, "2", "1", "", "", "0") }
	item := func(t *testing.T, d *device) { open(t, d); do(t, d, 0x42, "x", "", "1", "10.00", "3") }
	paid := func(t *testing.T, d *device) { item(t, d); do(t, d, 0x47, "0", "10.00") }
	for _, c := range []struct {
		name   string
		before func(*testing.T, *device)
		code   byte
		fields string
		err    byte
		reason int
	}{
		{"not started", func(_ *testing.T, d *device) { d.started = false }, 0x23, "", errState, whyNotStarted},
		{"unknown command", nil, 0x99, "", errUnknown, 0},
		{"shift closed", nil, 0x30, "2|1", errState, whyShiftClosed},
		{"shift open", open, 0x23, "", errState, whyOpen},
		{"document open", open, 0x30, "2|1", errState, whyOpen},
		{"type", func(t *testing.T, d *device) { do(t, d, 0x23) }, 0x30, "8|1", errFormat, whyBadType},
		{"department", func(t *testing.T, d *device) { do(t, d, 0x23) }, 0x30, "2|100", errFormat, whyBadDept},
		{"tax system", func(t *testing.T, d *device) { do(t, d, 0x23) }, 0x30, "2|1|||3", errFormat, whyBadSystem},
		{"item without a document", nil, 0x42, "x||1|1.00|3", errState, whyNoDocument},
		{"item after payment", paid, 0x42, "x||1|1.00|3", errState, whyNotItems},
		{"quantity", open, 0x42, "x||0|1.00|3", errFormat, whyBadQuantity},
		{"quantity of letters", open, 0x42, "x||one|1.00|3", errFormat, whyBadQuantity},
		{"price", open, 0x42, "x||1|1.001|3", errFormat, whyBadPrice},
		{"tax number of 22 %", open, 0x42, "x||1|1.00|6", errFormat, whyBadTax},
		{"1214", open, 0x42, "x||1|1.00|3||||||8|1", errFormat, whyBadMethod},
		{"1212", open, 0x42, "x||1|1.00|3||||||4|34", errFormat, whyBadSubject},
		{"third subtotal", func(t *testing.T, d *device) { item(t, d); do(t, d, 0x44); do(t, d, 0x44) }, 0x44, "", errState, whyNotSubtotal},
		{"nothing to pay", open, 0x47, "0|1.00", errState, whyZero},
		{"form of payment", item, 0x47, "16|1.00", errFormat, whyBadPayment},
		{"card over the total", item, 0x47, "1|10.01", errFormat, whyBadSum},
		{"not paid", item, 0x31, "1", errState, whyNotPaid},
		{"close nothing", nil, 0x31, "1", errState, whyNoDocument},
		{"annul nothing", nil, 0x32, "", errState, whyNoDocument},
		{"1192 twice", func(t *testing.T, d *device) { item(t, d); do(t, d, 0x57, "1192", "", "ID", "1") }, 0x57, "1192||ID|2", errFormat, whyBadExtra},
		{"1192 without a name", item, 0x57, "1192|||A", errFormat, whyBadExtraName},
		{"1192 too long", item, 0x57, "1192||ID|" + strings.Repeat("A", 17), errFormat, whyBadExtra},
		{"1085 without 1086", paid, 0x31, "1||||||name", errFormat, whyBadValue},
		{"buyer's ИНН", paid, 0x31, "1||||||||x|123", errFormat, whyBadBuyerINN},
		{"compare", item, 0x52, "9.99", errFormat, whyBadSum},
		{"clock with an open shift", open, 0x14, "060326|120500", errCloseShift, 0},
		{"no such document", nil, 0x78, "15|99", errNoData, 0},
		{"block too long", nil, 0x78, "16|0|5000", errFormat, 0},
		{"question", nil, 0x78, "99", errFormat, whyBadQuestion},
		{"report with a document open", open, 0x21, "", errState, whyOpen},
		{"close a closed shift", nil, 0x21, "", errState, whyShiftClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := freshDevice(t, Config{})
			if c.before != nil {
				c.before(t, d)
			}
			d.reason = -1
			err, _ := run(d, c.code, strings.Split(c.fields, "|")...)
			if err != c.err || (err == errState || err == errFormat) && d.reason != c.reason {
				t.Errorf("error %02Xh, reason %d; want %02Xh, %d", err, d.reason, c.err, c.reason)
			}
			if err == errState || err == errFormat {
				if got := do(t, d, 0x06, "1"); got[1] != fmt.Sprint(c.reason) {
					t.Errorf("06/1 %q", got)
				}
			}
		})
	}
}

func TestRegistrationLimits(t *testing.T) {
	for _, cfg := range []Config{
		{Machine: "1234567890123"}, {Place: strings.Repeat("м", 113)}, {Address: strings.Repeat("а", 89)}, {Model: "pirit3"}, {FFD: 5},
		{Taxes: map[int]byte{5: 11}}, {Taxes: map[int]byte{6: 13}}, {Password: "LONGER"}, {INN: "1"},
	} {
		if err := cfg.defaults(); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	// In attended mode the machine's number is ignored and a cashier is needed.
	d := freshDevice(t, Config{Attended: true, Machine: "IGNORED"})
	if err, _ := run(d, 0x23); err != errState || d.reason != whyNoCashier {
		t.Errorf("%02X %d", err, d.reason)
	}
	do(t, d, 0x23, "112233445566&Васильева О.Е.")
	if d.cfg.Machine != "" {
		t.Error(d.cfg.Machine)
	}
}

// Paper: a receipt the ФН has closed waits in state 8; annulment is impossible,
// 31h again gives the numbers. Bit 7 of the mode and setting 1 need no paper.
func TestPaper(t *testing.T) {
	d := freshDevice(t, Config{})
	do(t, d, 0x23)
	do(t, d, 0x30, "2", "1", "", "", "0")
	do(t, d, 0x42, "Кофе", "", "1", "85.00", "3")
	do(t, d, 0x47, "0", "100.00", "")
	d.nv.PaperOut = true
	if err, _ := run(d, 0x31, "1"); err != errNoPaper {
		t.Fatalf("%02X", err)
	}
	doc := last(t, d)
	if doc.Type != fn.TypeReceipt || doc.Paid["1031"] != 8500 || d.documentStatus() != kindSale|8<<4 {
		t.Fatalf("%+v, status %02X", doc, d.documentStatus())
	}
	if err, _ := run(d, 0x32); err != errState || d.reason != whyInFN {
		t.Errorf("32: %02X %d", err, d.reason)
	}
	d.powerUp() // it outlives the power
	startWork(t, d)
	if err, _ := run(d, 0x31, "1"); err != errNoPaper {
		t.Errorf("31 without paper: %02X", err)
	}
	if err, _ := run(d, 0x30, "2", "1"); err != errState || d.reason != whyOpen {
		t.Errorf("30: %02X %d", err, d.reason)
	}
	d.nv.PaperOut = false
	if out := do(t, d, 0x31, "1"); out[3] != fmt.Sprint(doc.FD) || out[4] != fmt.Sprint(doc.FP) || d.documentStatus() != 0 {
		t.Errorf("%q", out)
	}
	d.nv.PaperOut = true
	if err, _ := run(d, 0x30, "2", "1", "", "", "0"); err != errNoPaper {
		t.Errorf("30 without paper: %02X", err)
	}
	receipt(t, d, "130", "0", "", "1")
	do(t, d, 0x12, "1", "0", "128")
	receipt(t, d, "2", "0", "", "1")
	do(t, d, 0x12, "1", "0", "0")
	// The report is in the ФН, its paper is owed: flag 8 until 21h is repeated.
	if err, _ := run(d, 0x21); err != errNoPaper || d.fn.ShiftState().Open {
		t.Errorf("21: %02X", err)
	}
	n := d.fn.Len()
	if st := do(t, d, 0x00); st[1] != "256" {
		t.Errorf("flags %q", st)
	}
	d.nv.PaperOut = false
	do(t, d, 0x21)
	if st := do(t, d, 0x00); st[1] != "0" || d.fn.Len() != n {
		t.Errorf("flags %q, %d documents, %d before", st, d.fn.Len(), n)
	}
}

// In batch mode the items are not answered; one that fails is, and spoils what
// follows until the document is annulled.
func TestBatch(t *testing.T) {
	d := freshDevice(t, Config{})
	do(t, d, 0x23)
	answers := func(code byte, fields ...string) (byte, bool) {
		err, _, ok := d.execute(frame{id: 0x20, code: code, fields: fields})
		return err, ok
	}
	if err, ok := answers(0x30, "18", "1", "", "", "0"); err != 0 || !ok {
		t.Fatal(err, ok)
	}
	if err, ok := answers(0x42, "x", "", "1", "1.00", "3"); err != 0 || ok {
		t.Error(err, ok)
	}
	if err, ok := answers(0x42, "x", "", "1", "1.00", "77"); err != errFormat || !ok {
		t.Error(err, ok)
	}
	if err, ok := answers(0x47, "0", "1.00"); err != errState || !ok {
		t.Error(err, ok)
	}
	if err, ok := answers(0x31, "1"); err != errState || !ok || d.fn.Len() != 2 {
		t.Error(err, ok, d.fn.Len())
	}
	do(t, d, 0x32)
	receipt(t, d, "2", "0", "", "1")
}

func TestClock(t *testing.T) {
	d := freshDevice(t, Config{})
	if st := do(t, d, 0x00); st[1] != "0" {
		t.Errorf("%q", st)
	}
	d.powerUp()
	if st := do(t, d, 0x00); st[1] != "1" {
		t.Errorf("not started: %q", st)
	}
	if err, _ := run(d, 0x10, "050326", "120000"); err != errClockEarly || d.started {
		t.Errorf("%02X", err)
	}
	if err, _ := run(d, 0x10, "060326", "120900"); err != errClockOff || !d.started {
		t.Errorf("%02X", err)
	}
	do(t, d, 0x10, "060326", "120700")
	if got := do(t, d, 0x13); got[1] != "120700" {
		t.Errorf("the clock was not set: %q", got)
	}
	if err, _ := run(d, 0x14, "080326", "120000"); err != errExpired {
		t.Errorf("%02X", err)
	}
	do(t, d, 0x14, "080326", "120000")
	if got := do(t, d, 0x13); got[0] != "080326" {
		t.Errorf("%q", got)
	}
}

// Shift over 24 hours: flag 3, 0Ah to 30h; setting 2 bit 5 changes it by the
// way.
func TestExpiredShift(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		d := freshDevice(t, Config{Reopen: reopen})
		do(t, d, 0x23)
		if err := d.strike(faults.Fault{Kind: faults.ShiftExpired}); err != nil {
			t.Fatal(err)
		}
		if st := do(t, d, 0x00); st[1] != "12" {
			t.Errorf("%q", st)
		}
		err, _ := run(d, 0x30, "2", "1", "", "", "0")
		if reopen && (err != 0 || d.fn.Len() != 4) || !reopen && (err != errExpired || d.fn.Len() != 2) {
			t.Errorf("reopen %v: %02X, %d documents", reopen, err, d.fn.Len())
		}
	}
}

// The archive gives every document whole, block by block, head included.
func TestArchive(t *testing.T) {
	d := freshDevice(t, Config{})
	do(t, d, 0x23)
	receipt(t, d, "2", "0", "", "1")
	for fd := 1; fd <= 3; fd++ {
		doc, _ := d.fn.Document(uint32(fd))
		out := do(t, d, 0x78, "15", fmt.Sprint(fd))
		if out[1] != fmt.Sprint(uint16(doc.Type)) || out[2] != fmt.Sprint(len(doc.TLV)-4) {
			t.Errorf("78/15 %q", out)
		}
		var got []byte
		for {
			block := do(t, d, 0x78, "16", fmt.Sprint(len(got)), "100")
			if block[1] == "" {
				break
			}
			got = append(got, bytesOf(t, block[1])...)
		}
		if !slices.Equal(got, doc.TLV) {
			t.Errorf("ФД %d: %d bytes of %d", fd, len(got), len(doc.TLV))
		}
	}
	if out := do(t, d, 0x78, "17"); out[1] != "2" {
		t.Errorf("78/17 %q", out)
	}
	if out := do(t, d, 0x78, "11", "3"); out[1] != "0" {
		t.Errorf("78/11 %q", out)
	}
	d.confirmAll()
	if out := do(t, d, 0x78, "11", "3"); out[1] != "1" {
		t.Errorf("78/11 %q", out)
	}
	if out := do(t, d, 0x78, "7"); out[2] != "0" {
		t.Errorf("78/7 %q", out)
	}
}

// Power lost inside the ФН after its commit: the document waits in state 8, on
// disk too.
func TestPowerLostAtTheCommit(t *testing.T) {
	for step, made := range map[fn.Step]bool{fn.StepFinish: false, fn.StepAnswer: true} {
		cfg := Config{Data: t.TempDir()}
		d := freshDevice(t, cfg)
		do(t, d, 0x23)
		do(t, d, 0x30, "2", "1", "", "", "0")
		do(t, d, 0x42, "Кофе", "", "1", "85.00", "3")
		do(t, d, 0x47, "0", "85.00", "")
		d.fn.FailPowerAt(step, 0)
		if _, _, answered := d.execute(frame{id: 0x20, code: 0x31, fields: []string{"1"}}); answered {
			t.Fatal("answered without power")
		}
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
		d = freshDevice(t, cfg) // another process on the same folder
		want := 0
		if made {
			want = kindSale | 8<<4
		}
		if d.documentStatus() != want || (d.fn.Len() == 3) != made {
			t.Errorf("%s: status %02X, %d documents", step, d.documentStatus(), d.fn.Len())
		}
		if made {
			if out := do(t, d, 0x31, "1"); out[3] != "3" {
				t.Errorf("%q", out)
			}
		}
	}
}
