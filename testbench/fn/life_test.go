package fn

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (b *bench) registerAs(ffd, mode byte) {
	b.t.Helper()
	b.ok(b.Begin(CurrentRegistration, b.clock))
	data := AppendByte(AppendByte(nil, 1209, ffd), 1062, 3)
	if mode&modeAutonomous != 0 {
		data = AppendByte(data, 1002, 1)
	}
	b.ok(b.Data(data))
	_, err := b.Register(Registration{INN: "7700999990", RNM: "0000000001036533", TaxSystems: 3, Mode: mode, FFD: ffd})
	b.ok(err)
}

func (b *bench) confirmAll() {
	b.t.Helper()
	_, err := b.Confirm(1 << 20)
	b.ok(err)
}

func basis(number string) []byte {
	in := AppendUnix(nil, 1178, epoch.Truncate(day))
	if number != "" {
		in = AppendString(in, 1179, number)
	}
	return AppendTLV(AppendByte(nil, 1173, 0), 1174, in)
}

func item(name string, sum int64, more ...byte) []byte {
	in := AppendString(nil, 1030, name)
	in = AppendVLN(in, 1079, uint64(sum))
	in = AppendFVLN(in, 1023, 0, 1)
	return AppendTLV(nil, 1059, append(AppendVLN(in, 1043, uint64(sum)), more...))
}

// The whole life of a ФН: registration, work, change of parameters, closing,
// archive. Each phase refuses what is not its own.
func TestPhases(t *testing.T) {
	for _, ffd := range []byte{2, 3, 4} {
		b := newBench(t, Config{})
		b.registerAs(ffd, 4)
		b.want(WrongState, b.Begin(CurrentRegistration, b.clock))
		b.want(WrongState, b.Begin(CurrentReplacement, b.clock))
		b.want(WrongState, b.Begin(CurrentChange, b.clock)) // the registration waits for the ОФД
		b.confirmAll()
		b.ok(b.Begin(CurrentChange, b.clock))
		b.ok(b.Data(AppendU32(AppendByte(nil, 1209, ffd), 1205, 0x80)))
		if _, err := b.Register(Registration{INN: "7700999991", RNM: "0000000001036533", FFD: ffd}); CodeOf(err) != BadValue {
			t.Fatalf("another ИНН: %v", err)
		}
		d, err := b.Register(Registration{INN: "7700999990", RNM: "0000000001036533", TaxSystems: 1, Mode: 4, FFD: ffd, Reasons: 0x80})
		b.ok(err)
		if d.Type != TypeReregistration || d.FD != 2 || d.Reasons != 0x80 {
			t.Fatalf("%+v", d)
		}
		if reg, fd := b.Registered(); reg.TaxSystems != 1 || fd != 2 {
			t.Fatalf("%+v at %d", reg, fd)
		}
		b.shiftOpen()
		b.want(WrongState, b.Begin(CurrentClosing, b.clock))
		b.receipt(100, "k")
		b.shiftClose()
		b.want(WrongState, b.Begin(CurrentClosing, b.clock)) // unsent
		b.confirmAll()
		b.ok(b.Begin(CurrentClosing, b.clock))
		if _, err := b.FinishClose("1"); CodeOf(err) != BadValue {
			t.Fatalf("another РНМ: %v", err)
		}
		closed, err := b.FinishClose("0000000001036533")
		b.ok(err)
		if closed.Type != TypeClose || b.Status().Phase != PhaseClosed {
			t.Fatalf("%+v, phase %d", closed, b.Status().Phase)
		}
		for _, kind := range []Current{CurrentRegistration, CurrentShiftOpen, CurrentReceipt, CurrentShiftClose, CurrentClosing, CurrentReplacement, CurrentChange, CurrentCorrection, CurrentState} {
			b.want(WrongState, b.Begin(kind, b.clock))
		}
		b.confirmAll()
		if b.Status().Phase != PhaseArchive || b.Len() != 6 {
			t.Fatalf("phase %d, %d documents", b.Status().Phase, b.Len())
		}
		if _, err := b.Document(4); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAutonomousModeNeedsNoOFD(t *testing.T) {
	b := newBench(t, Config{})
	b.registerAs(4, modeAutonomous)
	b.clock = b.clock.Add(40 * day)
	if b.Status().Warn != 0 || b.Queue().Unsent != 0 {
		t.Fatalf("%+v %+v", b.Status(), b.Queue())
	}
	b.shiftOpen()
	b.shiftClose()
	b.ok(b.Begin(CurrentClosing, b.clock))
	_, err := b.FinishClose("0000000001036533")
	b.ok(err)
	if b.Status().Phase != PhaseArchive {
		t.Fatalf("phase %d", b.Status().Phase)
	}
}

func TestReplacementIsDocumentEleven(t *testing.T) {
	b := newBench(t, Config{})
	b.ok(b.Begin(CurrentReplacement, b.clock))
	d, err := b.Register(Registration{INN: "7700999990", RNM: "1", FFD: 3, Reasons: 1})
	b.ok(err)
	if d.Type != TypeReregistration || d.FD != 1 || b.Status().Phase != PhaseWork {
		t.Fatalf("%+v", d)
	}
}

func TestCorrections(t *testing.T) {
	for _, c := range []struct {
		name      string
		ffd       byte
		data      []byte
		operation byte
		want      Code
	}{
		{"1.05 by sum", 2, basis(""), 1, Done},
		{"1.05 payout", 2, basis("17"), 3, Done},
		{"1.05 knows no return", 2, basis(""), 2, BadValue},
		{"no basis", 2, nil, 1, NoRequisite},
		{"1.1 itemised", 3, append(basis(""), item("x", 100)...), 2, Done},
		{"1.1 by sum", 3, basis(""), 1, NoRequisite},
		{"1.2 itemised", 4, append(basis("9"), item("x", 100)...), 4, Done},
		{"1.2 by sum", 4, basis(""), 1, NoRequisite},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Config{})
			b.registerAs(c.ffd, 4)
			b.want(WrongState, b.Begin(CurrentCorrection, b.clock)) // shift closed
			b.shiftOpen()
			b.receipt(100, "k")
			b.ok(b.Begin(CurrentCorrection, b.clock))
			if b.Status().Current != CurrentCorrection {
				t.Fatal(b.Status().Current)
			}
			b.ok(b.Data(c.data))
			d, err := b.FinishReceipt(b.clock, c.operation, 100)
			if CodeOf(err) != c.want {
				t.Fatalf("got %v, want %02X", err, byte(c.want))
			}
			if err != nil {
				b.ok(b.Cancel())
				return
			}
			if d.Type != TypeCorrection || d.Receipt != 2 || d.Correction == nil || !d.Correction.Date.Equal(epoch.Truncate(day)) || d.QR == "" {
				t.Fatalf("%+v", d)
			}
			shift, life, unsent := b.Totals()
			if shift != life || shift.Corrections[c.operation].Count != 1 || shift.Receipts != 2 || unsent != life {
				t.Fatalf("%+v", shift)
			}
		})
	}
}

func TestStateReport(t *testing.T) {
	for _, ffd := range []byte{2, 3, 4} {
		b := newBench(t, Config{})
		b.registerAs(ffd, 4)
		b.shiftOpen()
		b.receipt(8500, "k")
		b.ok(b.Begin(CurrentState, b.clock))
		d, err := b.FinishState()
		b.ok(err)
		if d.Type != TypeState || d.FD != 4 {
			t.Fatalf("%+v", d)
		}
		has := map[uint16]bool{}
		Elements(d.TLV[4:], func(tag uint16, v []byte) bool { has[tag] = true; return true })
		for tag, want := range map[uint16]bool{1097: true, 1098: true, 1116: true, 1157: ffd >= 3, 1158: ffd >= 3, 1213: ffd == 4, 2104: ffd == 4} {
			if has[tag] != want {
				t.Errorf("FFD %d: tag %d there: %v", ffd, tag, has[tag])
			}
		}
	}
}

func TestWhatTheRegisterMayNotSend(t *testing.T) {
	b := newBench(t, Config{})
	b.registerAs(3, 4)
	b.shiftOpen()
	b.ok(b.Begin(CurrentReceipt, b.clock))
	b.want(Forbidden, b.Data(AppendU32(nil, 1040, 7)))
	b.want(Forbidden, b.Data(AppendByte(nil, 1209, 4)))
	b.ok(b.Data(AppendString(nil, 1036, "a")))
	b.want(Duplicate, b.Data(AppendString(nil, 1036, "b")))
	b.want(Duplicate, b.Data(AppendString(AppendString(nil, 1009, "b"), 1009, "c")))
	b.ok(b.Data(AppendString(nil, 1009, "c"))) // a refused part leaves nothing behind
	b.want(NotAllowed, b.Data(item("x", 1, AppendString(nil, 2000, "04601234567890")...)))
	b.ok(b.Data(AppendByte(nil, 1055, 4)))
	_, err := b.FinishReceipt(b.clock, 1, 1)
	b.want(Disagrees, err)
	b.ok(b.Cancel())
	if b.Len() != 2 {
		t.Fatal("a refused receipt exists")
	}
}

// Power fails at each step of each kind of document; afterwards the document
// exists only when the ФН committed it, nothing is open and the next one goes.
func TestPowerFailsAtEachStep(t *testing.T) {
	kinds := []struct {
		kind Current
		make func(b *bench) error
	}{
		{CurrentRegistration, func(b *bench) error {
			_, err := b.Register(Registration{INN: "7700999990", RNM: "1", FFD: 4})
			return err
		}},
		{CurrentShiftOpen, func(b *bench) error { _, err := b.FinishShift(); return err }},
		{CurrentReceipt, func(b *bench) error { _, err := b.FinishReceipt(b.clock, 1, 100); return err }},
		{CurrentCorrection, func(b *bench) error { _, err := b.FinishReceipt(b.clock, 1, 100); return err }},
		{CurrentState, func(b *bench) error { _, err := b.FinishState(); return err }},
		{CurrentShiftClose, func(b *bench) error { _, err := b.FinishShift(); return err }},
		{CurrentChange, func(b *bench) error {
			_, err := b.Register(Registration{INN: "7700999990", RNM: "1", FFD: 4})
			return err
		}},
		{CurrentClosing, func(b *bench) error { _, err := b.FinishClose("1"); return err }},
	}
	parts := [][]byte{AppendString(nil, 1021, "x"), basis(""), item("y", 100)}
	try := func(b *bench, kind Current, finish func(*bench) error) error {
		if err := b.Begin(kind, b.clock); err != nil {
			return err
		}
		for _, part := range parts {
			if err := b.Data(part); err != nil {
				return err
			}
		}
		return finish(b)
	}
	for _, path := range []string{"", filepath.Join(t.TempDir(), "fn")} {
		b := newBench(t, Config{Path: path})
		for _, k := range kinds {
			if k.kind == CurrentChange || k.kind == CurrentClosing {
				b.confirmAll()
			}
			for _, at := range []struct {
				step   Step
				part   int
				exists bool
			}{{StepBegin, 0, false}, {StepData, 1, false}, {StepData, 3, false}, {StepFinish, 0, false}, {StepAnswer, 0, true}} {
				before := b.Len()
				b.FailPowerAt(at.step, at.part)
				if err := try(b, k.kind, k.make); !errors.Is(err, ErrDark) || !b.Dark() {
					t.Fatalf("kind %02X at %s%d: %v", k.kind, at.step, at.part, err)
				}
				for _, err := range []error{b.Begin(CurrentReceipt, b.clock), b.Data(nil), b.Cancel(), k.make(b)} {
					if !errors.Is(err, ErrDark) {
						t.Fatalf("an answer without power: %v", err)
					}
				}
				b.PowerLoss()
				made := 0
				if at.exists {
					made = 1
				}
				if s := b.Status(); b.Len() != before+made || s.Current != CurrentNone || s.HasData || int(s.LastFD) != b.Len() {
					t.Fatalf("kind %02X at %s%d: %d documents after %d, %+v", k.kind, at.step, at.part, b.Len(), before, s)
				}
			}
		}
		if b.Len() != len(kinds) {
			t.Fatalf("%d documents", b.Len())
		}
	}
}

func TestFailure(t *testing.T) {
	cfg := Config{Path: filepath.Join(t.TempDir(), "fn")}
	b := newBench(t, cfg)
	b.registerAs(4, 4)
	b.shiftOpen()
	b.ok(b.SetFailed(true))
	b.want(Failure, b.Begin(CurrentReceipt, b.clock))
	if b.Status().Warn != WarnCritical || b.Wire(nil) != 0x80 {
		t.Fatalf("warnings %02X", b.Status().Warn)
	}
	b.ok(b.Close())
	b.open(cfg)
	b.want(Failure, b.Begin(CurrentReceipt, b.clock)) // it stays broken
	b.ok(b.SetFailed(false))
	b.receipt(1, "k")
}

func TestMemoryAndMonths(t *testing.T) {
	b := newBench(t, Config{Memory: 2000})
	b.registerAs(4, 4)
	b.shiftOpen()
	for range 50 {
		if err := b.Begin(CurrentReceipt, b.clock); err != nil {
			b.want(StorageOver, err)
			if b.Status().Warn&WarnArchive == 0 || b.Resource().Bytes != 0 {
				t.Fatalf("%+v", b.Resource())
			}
			b.shiftClose()
			for n, days := range map[int]int{13: 410, 15: 470, 36: 1110} {
				if life, err := Months(n); err != nil || life != time.Duration(days)*day {
					t.Errorf("%d months: %v, %v", n, life, err)
				}
			}
			if _, err := Months(12); err == nil {
				t.Error("a ФН of 12 months")
			}
			return
		}
		b.ok(b.Data(receiptData(100, "k")))
		_, err := b.FinishReceipt(b.clock, 1, 100)
		b.ok(err)
	}
	t.Fatal("never full")
}

func TestOverdueCode(t *testing.T) {
	b := newBench(t, Config{Overdue: WaitOver})
	b.registerAs(4, 4)
	b.clock = b.clock.Add(31 * day)
	b.want(WaitOver, b.Begin(CurrentShiftOpen, b.clock))
}

func TestMarking(t *testing.T) {
	cfg := Config{Path: filepath.Join(t.TempDir(), "fn")}
	b := newBench(t, cfg)
	b.registerAs(4, 4)
	b.shiftOpen()
	const full = "010460043993125621JgXJ5.\x1d93Gk30"
	if _, err := b.CheckedMark(full); CodeOf(err) != NoData {
		t.Fatal(err)
	}
	mark, err := b.CheckMark(full)
	b.ok(err)
	if mark.Type != 5 {
		t.Fatalf("%+v", mark)
	}
	if _, err := b.CheckedMark(full); CodeOf(err) != NoData {
		t.Fatal("taken before it was accepted")
	}
	b.ok(b.AcceptMark(true))
	b.want(WrongState, b.AcceptMark(true))
	if _, err := b.CheckedMark(full); err != nil {
		t.Fatal(err)
	}

	vend := AppendTLV(nil, 1260, AppendString(nil, 1265, "mode=vend"))
	b.ok(b.Begin(CurrentReceipt, b.clock))
	b.ok(b.Data(item("вода", 100, append(AppendByte(AppendString(nil, 2000, "04601234567890"), 2100, 0), vend...)...)))
	b.ok(b.Data(item("обувь", 100, AppendString(nil, 2000, full)...)))
	d, err := b.FinishReceipt(b.clock, 1, 200)
	b.ok(err)
	if len(d.Items) != 2 || d.Items[0].Mark != "04601234567890" || !d.Items[0].Vending || !d.Items[0].Marked || d.Items[1].Mark != "010460043993125621JgXJ5." {
		t.Fatalf("%+v", d.Items)
	}
	want := []Notification{{Number: 1, FD: 3, Code: "04601234567890", Operation: 4}, {Number: 2, FD: 3, Code: "010460043993125621JgXJ5.", Operation: 1}}
	if d := cmp.Diff(want, b.Notifications()); d != "" {
		t.Fatal(d)
	}
	if _, err := b.CheckedMark(full); CodeOf(err) != NoData {
		t.Fatal("a sold code can be sold again")
	}
	b.ok(b.Close())
	b.open(cfg)
	if d := cmp.Diff(want, b.Notifications()); d != "" {
		t.Fatal(d)
	}
	b.confirmAll()
	if got := b.Notifications(); !got[0].Confirmed || !got[1].Confirmed {
		t.Fatalf("%+v", got)
	}

	old := newBench(t, Config{})
	old.registerAs(2, 4)
	if _, err := old.CheckMark(full); CodeOf(err) != NotAllowed {
		t.Fatal(err)
	}
}

func TestOperatorOfFiscalData(t *testing.T) {
	b := newBench(t, Config{})
	b.registerAs(3, 4)
	b.shiftOpen()
	o := NewOFD()
	if n, err := o.Serve(b.FN, 1); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	o.Switch(false)
	if n, _ := o.Serve(b.FN, 9); n != 0 || o.On() {
		t.Fatal("an operator that is off confirms")
	}
	o.Switch(true)
	if n, _ := o.Serve(b.FN, 9); n != 1 {
		t.Fatal("the queue was not served")
	}
	taken := o.Taken(b.Serial())
	if d := cmp.Diff(b.Documents(1, 0), taken); d != "" {
		t.Fatal(d)
	}
	if _, err := b.Confirmation(3, "7700000010"); CodeOf(err) != NoData {
		t.Fatal(err)
	}
	c, err := b.Confirmation(2, "7700000010")
	b.ok(err)
	if d, err := Decode(c); err != nil || d.Type != 7 || d.FD != 2 || d.FN != b.Serial() {
		t.Fatalf("%+v, %v", d, err)
	}
}
