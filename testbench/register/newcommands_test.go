package register

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/chekomat/chekomat/testbench/fn"
)

func date(v int64) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

// correction105 is FF4Ah of 100.00 by card.
func correction105(kind, operation byte, sum int64, system byte) []byte {
	a := []byte{kind, operation}
	a = append(a, five(sum)...)
	a = append(a, five(0)...)
	a = append(a, five(sum)...)
	a = append(a, make([]byte, 15)...)
	a = append(a, make([]byte, 15)...)
	a = append(a, five(sum)...) // without VAT
	a = append(a, make([]byte, 10)...)
	return cmd(0xFF4A, append(a, system)...)
}

func (w *world) refused(code byte, data []byte) {
	w.t.Helper()
	out := w.dev.Execute(data)
	at := 1
	if out[0] == 0xFF {
		at = 2
	}
	if out[at] != code {
		w.t.Fatalf("% X answered %02X (%s), want %02X", data, out[at], errorText(out[at]), code)
	}
}

func (w *world) last() fn.Document {
	docs := w.Archive()
	return docs[len(docs)-1]
}

func TestCorrectionBySum(t *testing.T) {
	w := newWorld(t, noon, Config{FFD: 2, Address: "адрес", Place: "место"})
	w.refused(errShiftClosed, cmd(0xFF35))
	w.exec(cmd(0xE0))
	w.refused(byte(fn.WrongState), correction105(0, 1, 10000, 1)) // FF35h first
	w.exec(cmd(0xFF35))
	if m := w.dev.mode(); m != 2 {
		t.Fatalf("mode %d after FF35h", m)
	}
	w.refused(byte(fn.WrongState), cmd(0x8D, 0))
	w.refused(errMode, cmd(0x88))
	w.refused(byte(fn.NoRequisite), correction105(0, 1, 10000, 1)) // no ground
	w.exec(tag(1178, date(noon.Unix()/86400*86400)))
	w.exec(tag(1179, cp1251("17")))
	w.exec(tag(1036, []byte("VM-1")))
	w.refused(errBadParameter, tag(1036, []byte("VM-1")))
	w.refused(errBadParameter, correction105(2, 1, 10000, 1))
	w.refused(byte(fn.BadValue), correction105(0, 2, 10000, 1)) // 1.05 corrects приход and расход
	out := w.exec(correction105(1, 1, 10000, 1))
	d := w.last()
	if len(out) != 10 || binary.LittleEndian.Uint16(out) != 1 || binary.LittleEndian.Uint32(out[2:]) != d.FD || binary.LittleEndian.Uint32(out[6:]) != d.FP {
		t.Fatalf("% X, ФД %d", out, d.FD)
	}
	if d.Type != fn.TypeCorrection || d.Sum != 10000 || d.Paid["1081"] != 10000 || d.VAT["1105"] != 10000 || d.Machine != "VM-1" ||
		d.Correction == nil || d.Correction.Type != 1 || d.Correction.Number != "17" || len(d.Items) != 0 || d.Address != "адрес" {
		t.Fatalf("%+v", d)
	}
	short := w.exec(cmd(0xFF0A, number4(d.FD)...))
	if short[0] != 31 || littleEndian(short[16:]) != 10000 {
		t.Fatalf("% X", short)
	}
	w.exec(cmd(0xFF35))
	w.exec(cmd(0xFF08))
	w.exec(cmd(0xFF35))
	w.exec(tag(1174, fn.AppendTLV(nil, 1178, date(0))))
	w.exec(cmd(0xFF36, append(five(500), 3)...))
	if d := w.last(); d.Operation != 3 || d.Paid["1031"] != 500 || d.Correction.Type != 0 {
		t.Fatalf("%+v", d)
	}
}

func TestCorrectionWithPositions(t *testing.T) {
	for _, ffd := range []byte{3, 4} {
		w := newWorld(t, noon, Config{FFD: ffd})
		w.exec(cmd(0xE0))
		w.exec(cmd(0xFF35))
		w.exec(tag(1178, date(0)))
		w.refused(byte(fn.NoRequisite), correction105(0, 2, 5000, 1)) // by sum in 1.05 only
		w.exec(cmd(0xFF08))
		w.exec(cmd(0xFF35))
		w.exec(tag(1173, []byte{0}))
		w.exec(tag(1178, date(0)))
		w.exec(tag(1084, keyTag("fix-1")))
		w.refused(errBadParameter, correction105(0, 2, 5000, 1)) // 1173 stands already
		w.exec(sale(2, 5000, 0x08, "Вода"))
		if m := w.dev.mode(); m != 0x28 {
			t.Fatalf("mode %02X inside a correction of a sale's return", m)
		}
		w.refused(errOtherType, sale(1, 5000, 0x08, "Вода"))
		w.refused(errOtherType, correction105(0, 2, 5000, 1))
		if err := w.dev.powerLoss(); err != nil {
			t.Fatal(err)
		}
		if w.dev.mode() != 0x28 || w.dev.fn.Status().Current != fn.CurrentCorrection {
			t.Fatal("the correction did not outlive a loss of power")
		}
		w.exec(closeBy(0, 5000, 1))
		d := w.last()
		if d.Type != fn.TypeCorrection || d.Operation != 2 || d.Key != "fix-1" || len(d.Items) != 1 || d.Correction == nil {
			t.Fatalf("%+v", d)
		}
	}
}

// The captured exchange goes through here where that device refused FF35h with
// C9h, its print head being too hot; the ground is added, and the return of a
// sale, which 1.05 does not correct by sum, becomes a sale.
func TestCapturedCorrectionRequest(t *testing.T) {
	w := newWorld(t, noon, Config{FFD: 2})
	w.exec(cmd(0xE0))
	for _, l := range captured(t, "v1_correction_refused") {
		if l.from != '>' || len(l.bytes) < 5 {
			continue
		}
		data := payload(l.bytes)
		if data[1] == 0x4A {
			w.exec(tag(1178, date(0)))
			w.refused(byte(fn.BadValue), data) // a return of sale, which 1.05 does not correct
			data[7] = 1
		}
		w.exec(data)
	}
	if d := w.last(); d.Type != fn.TypeCorrection || d.Sum != 2615000 || d.VAT["1106"] != 435833 {
		t.Fatalf("%+v", d)
	}
}

func TestMoneyAndOperationRegisters(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.exec(cmd(0xE0))
	w.exec(cmd(0x50, five(100000)...))
	receipt := func(kind, op byte, cash, card int64) {
		w.exec(cmd(0x8D, kind))
		w.exec(sale(op, cash+card, 0x08, "x"))
		w.exec(closeBy(cash, card, 1))
	}
	receipt(0, 1, 700, 300)
	receipt(0, 1, 0, 500)
	receipt(2, 2, 200, 0)
	w.exec(cmd(0x51, five(50000)...))
	w.refused(errNotEnoughCash, cmd(0x51, five(1<<38)...))
	for n, want := range map[byte]int64{193: 700, 195: 200, 197: 800, 199: 0, 241: 100000 + 700 - 200 - 50000, 242: 100000, 243: 50000, 244: 1500, 246: 200, 9: 0} {
		out := w.exec(cmd(0x1A, n))
		if len(out) != 7 || littleEndian(out[1:]) != want {
			t.Errorf("money register %d: % X, want %d", n, out, want)
		}
	}
	for n, want := range map[byte]uint16{144: 2, 146: 1, 148: 2, 150: 1, 152: 6, 3: 0} {
		if out := w.exec(cmd(0x1B, n)); len(out) != 3 || binary.LittleEndian.Uint16(out[1:]) != want {
			t.Errorf("operation register %d: % X, want %d", n, out, want)
		}
	}
	w.exec(cmd(0x41))
	w.exec(cmd(0xE0))
	for n, want := range map[byte]int64{193: 0, 242: 0, 243: 0, 244: 1500, 241: 50500} {
		if out := w.exec(cmd(0x1A, n)); littleEndian(out[1:]) != want {
			t.Errorf("next shift: money register %d: % X, want %d", n, out, want)
		}
	}
	if shift := w.exec(cmd(0xFF40)); !bytes.Equal(shift, []byte{1, 2, 0, 0, 0}) {
		t.Errorf("shift % X", shift)
	}
}

func TestReregistrationStateAndClosing(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.refused(byte(fn.WrongState), cmd(0xFF34, 4)) // the registration is not confirmed
	w.dev.confirmAll()
	w.refused(errBadParameter, cmd(0xFF34, 9))
	w.exec(cmd(0x1E, 17, 1, 0, 17, 2)) // FFD 1.05 from now on
	out := w.exec(cmd(0xFF34, 4))
	if d := w.last(); d.Type != fn.TypeReregistration || d.FFD != 2 || d.FD != 2 || binary.LittleEndian.Uint32(out) != 2 || w.dev.cfg.FFD != 2 {
		t.Fatalf("%+v", d)
	}
	first := w.exec(cmd(0xFF4C, 1))
	second := w.exec(cmd(0xFF4C, 2))
	if len(first) != 47 || len(second) != 48 || second[39] != 4 || !bytes.Equal(first[5:37], second[5:37]) {
		t.Fatalf("% X\n% X", first, second)
	}
	w.refused(byte(fn.NoData), cmd(0xFF4C, 3))
	if out := w.exec(cmd(0xFF0E, 2, 0xB9, 0x04)); !bytes.Equal(out, []byte{0xB9, 0x04, 1, 0, 2}) { // 1209
		t.Fatalf("% X", out)
	}
	w.exec(cmd(0xFF60, 2, 0xFF, 0xFF))
	var whole []byte
	for {
		out := w.dev.Execute(cmd(0xFF3B))
		if out[2] != 0 {
			break
		}
		whole = append(whole, out[3:]...)
	}
	if !bytes.Equal(whole, w.last().TLV[4:]) {
		t.Fatal("the registration report read back differs")
	}

	w.exec(cmd(0xFF37))
	state := w.exec(cmd(0xFF38))
	if d := w.last(); d.Type != fn.TypeState || len(state) != 15 || binary.LittleEndian.Uint32(state[8:]) != 1 || !bytes.Equal(state[12:], dateTime5(noon)[:3]) {
		t.Fatalf("% X", state)
	}

	w.exec(cmd(0xE0))
	w.refused(errShiftOpen, cmd(0xFF3D))
	w.refused(errShiftOpen, cmd(0xFF34, 4))
	w.exec(cmd(0x41))
	w.refused(byte(fn.WrongState), cmd(0xFF3D)) // the queue
	w.dev.confirmAll()
	w.refused(byte(fn.WrongState), cmd(0xFF3E))
	w.exec(cmd(0xFF3D))
	w.exec(cmd(0xFF3E))
	if status := w.exec(cmd(0xFF01)); status[0] != 7 {
		t.Fatalf("phase %d", status[0])
	}
	w.dev.confirmAll()
	if status := w.exec(cmd(0xFF01)); status[0] != 15 {
		t.Fatalf("phase %d", status[0])
	}
	w.refused(byte(fn.WrongState), cmd(0xE0))
	w.exec(cmd(0xFF3A, number4(2)...)) // the archive is still read
}

func TestRegistrationByCommands(t *testing.T) {
	w := newWorld(t, noon, Config{FFD: 3})
	w.dev.confirmAll()
	w.refused(errBadParameter, cmd(0xFF05, 3))
	w.exec(cmd(0xFF05, 2))
	w.exec(tag(1009, cp1251("x")))
	w.refused(errBadParameter, tag(1040, []byte{1, 0, 0, 0}))
	reg, _ := w.dev.fn.Registered()
	a := append(padded(reg.INN, 12), padded(reg.RNM, 20)...)
	w.exec(cmd(0xFF06, append(a, 1, 4, 4)...))
	if d := w.last(); d.Type != fn.TypeReregistration || d.Address != "x" || w.dev.cfg.Address != "x" {
		t.Fatalf("%+v", d)
	}
	w.refused(byte(fn.WrongState), cmd(0xFF06, append(a, 1, 4)...))
	w.exec(cmd(0xE0))
	w.exec(cmd(0x8D, 0))
	w.refused(errBadParameter, tag(1009, cp1251("y"))) // fixed from now on
	w.exec(sale(1, 100, 8, "x"))
	w.refused(errTaxSystem, closeBy(100, 0, 2)) // only ОСН is registered now
}

func TestLongTLV(t *testing.T) {
	w := newWorld(t, noon, Config{})
	w.exec(cmd(0xE0))
	w.exec(cmd(0x8D, 0))
	w.exec(sale(1, 100, 8, "x"))
	long := fn.AppendTLV(nil, 1256, fn.AppendString(fn.AppendString(nil, 1227, string(bytes.Repeat([]byte("A"), 256))), 1254, string(bytes.Repeat([]byte("B"), 256))))
	w.refused(byte(fn.NoData), cmd(0xFF64))
	w.refused(errBadParameter, cmd(0xFF32, 0, 0))
	w.exec(cmd(0xFF32, byte(len(long)), byte(len(long)>>8)))
	for at := 0; at < len(long); at += 200 {
		part := long[at:min(at+200, len(long))]
		w.refused(errBadParameter, cmd(0xFF33, append([]byte{byte(at + 1), byte((at + 1) >> 8), byte(len(part))}, part...)...))
		w.exec(cmd(0xFF33, append([]byte{byte(at), byte(at >> 8), byte(len(part))}, part...)...))
	}
	if out := w.exec(cmd(0xFF30)); int(binary.LittleEndian.Uint16(out)) != len(long) {
		t.Fatalf("% X", out)
	}
	if out := w.exec(cmd(0xFF31, 200, 0, 50)); !bytes.Equal(out, long[200:250]) {
		t.Fatalf("% X", out)
	}
	w.exec(cmd(0xFF64))
	w.refused(byte(fn.NoData), cmd(0xFF64))
	w.exec(closeBy(0, 100, 1))
	if !bytes.Contains(w.last().TLV, long) {
		t.Fatal("the long element did not reach the document")
	}
}

func TestMarkingCommands(t *testing.T) {
	w := newWorld(t, noon, Config{})
	var code []byte
	for _, l := range captured(t, "v1_marking_check") {
		if l.from == '>' {
			request := payload(l.bytes)
			code = request[10:]
			if out := w.exec(request); !bytes.Equal(out, []byte{0, 0, 5, 0}) {
				t.Fatalf("% X", out)
			}
		}
	}
	w.exec(cmd(0xE0))
	w.exec(cmd(0x8D, 0))
	w.exec(sale(1, 100, 8, "x"))
	bind := cmd(0xFF67, append([]byte{byte(len(code))}, code...)...)
	w.refused(errMarkUnchecked, bind)
	w.exec(cmd(0xFF69, 1))
	w.refused(errMarkOrder, cmd(0xFF69, 1))
	w.exec(bind)
	w.exec(sale(1, 100, 8, "вода"))
	w.exec(cmd(0xFF4D, fn.AppendTLV(fn.AppendString(nil, 2000, "04601234567890"), 1260, fn.AppendString(nil, 1265, "mode=vend"))...))
	w.exec(closeBy(0, 200, 1))
	d := w.last()
	if len(d.Items) != 2 || d.Items[0].Mark != string(code[:bytes.IndexByte(code, 0x1D)]) || !d.Items[1].Vending || len(w.dev.fn.Notifications()) != 2 {
		t.Fatalf("%+v", d.Items)
	}
	old := newWorld(t, noon, Config{FFD: 2})
	old.refused(errMarkForbidden, cmd(0xFF61, 1, 0, 1, 0, 'x'))
}

func TestResourceAndFonts(t *testing.T) {
	w := newWorld(t, noon, Config{FNCapacity: 100})
	if out := w.exec(cmd(0xFF63)); len(out) != 9 || binary.LittleEndian.Uint32(out) != 99 {
		t.Fatalf("% X", out)
	}
	w.exec(cmd(0xFF62))
	w.exec(cmd(0x28, 0))
	w.exec(cmd(0x26, 1))
	w.refused(errBadParameter, cmd(0x26, 9))
}

func TestOldStyleReceipt(t *testing.T) {
	w := newWorld(t, noon, Config{FFD: 2})
	w.exec(cmd(0xE0))
	position := append(le(2500, 5), five(1000)...)
	position = append(position, 1, 0, 0, 0, 0)
	w.exec(cmd(0x80, append(position, append(cp1251("Вода"), make([]byte, 36)...)...)...))
	w.refused(errOtherType, cmd(0x82, position...))
	w.refused(errBadParameter, cmd(0x80, append(position[:11:11], 13, 0, 0, 0)...))
	end := append(five(0), five(2500)...)
	end = append(end, make([]byte, 10+2+4+40)...)
	out := w.exec(cmd(0x85, end...))
	d := w.last()
	if len(out) != 6 || d.Type != fn.TypeReceipt || d.Sum != 2500 || d.Items[0].Quantity != "2.5" || d.Items[0].Name != "Вода" || d.Paid["1081"] != 2500 || d.VAT["1105"] != 2500 {
		t.Fatalf("% X, %+v", out, d)
	}
	w.exec(cmd(0x8C))
	w.exec(cmd(0x15, 128))
}
