package fn

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/google/go-cmp/cmp"
)

// bench is a ФН with a clock a test moves: wall clock and timer together.
type bench struct {
	*FN
	t     testing.TB
	clock time.Time
}

var epoch = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

func newBench(t testing.TB, cfg Config) *bench {
	t.Helper()
	b := &bench{t: t, clock: epoch}
	b.open(cfg)
	return b
}

func (b *bench) open(cfg Config) {
	b.t.Helper()
	cfg.Timer = func() time.Time { return b.clock }
	f, err := New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = f.Close() })
	b.FN = f
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) want(code Code, err error) {
	b.t.Helper()
	if !errors.Is(err, code) {
		b.t.Fatalf("got %v, want %v", err, code)
	}
}

func (b *bench) register() {
	b.t.Helper()
	b.ok(b.Begin(CurrentRegistration, b.clock))
	data := AppendByte(nil, 1209, 4)
	data = AppendByte(data, 1001, 1)
	data = AppendByte(data, 1062, 3)
	b.ok(b.Data(data))
	_, err := b.Register(Registration{INN: "7700999990", RNM: "0000000001036533", TaxSystems: 3, Mode: 4, FFD: 4})
	b.ok(err)
}

func (b *bench) shiftOpen() {
	b.t.Helper()
	b.ok(b.Begin(CurrentShiftOpen, b.clock))
	_, err := b.FinishShift()
	b.ok(err)
}

func (b *bench) shiftClose() Document {
	b.t.Helper()
	b.ok(b.Begin(CurrentShiftClose, b.clock))
	d, err := b.FinishShift()
	b.ok(err)
	return d
}

func (b *bench) receipt(sum int64, key string) Document {
	b.t.Helper()
	b.ok(b.Begin(CurrentReceipt, b.clock))
	b.ok(b.Data(receiptData(sum, key)))
	d, err := b.FinishReceipt(b.clock, 1, sum)
	b.ok(err)
	return d
}

func receiptData(sum int64, key string) []byte {
	data := AppendTLV(nil, 1084, AppendString(AppendString(nil, 1085, "chekomat"), 1086, key))
	data = AppendString(data, 1036, "VM-1")
	data = AppendVLN(data, 1031, 0)
	data = AppendVLN(data, 1081, uint64(sum))
	return AppendVLN(data, 1105, uint64(sum))
}

// Vectors of ffd.md §2.
func TestTLVVectors(t *testing.T) {
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{AppendVLN(nil, 1020, 0), "fc03010000"},
		{AppendVLN(nil, 1020, 8500), "fc0302003421"},
		{AppendVLN(nil, 1020, 100000), "fc030300a08601"},
		{AppendVLN(nil, 1020, 1<<48-1), "fc030600ffffffffffff"},
		{AppendFVLN(nil, 1023, 0, 1), "ff0302000001"},
		{AppendFVLN(nil, 1023, 3, 876), "ff030300036c03"},
		{AppendUnix(nil, 1012, time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC)), "f403040060fa6869"},
		{AppendString(nil, 1030, "Кофе капучино"), "06040d008aaee4a520aaa0afe3e7a8adae"},
		{AppendFixed(nil, 1018, "7700999990", 12), "fa030c003737303039393939393020 20"},
	} {
		want, err := hex.DecodeString(string(removeSpaces(c.want)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, c.got); d != "" {
			t.Error(d)
		}
	}
}

func removeSpaces(s string) (out []byte) {
	for i := range len(s) {
		if s[i] != ' ' {
			out = append(out, s[i])
		}
	}
	return out
}

func TestLifeOfAReceipt(t *testing.T) {
	b := newBench(t, Config{})
	b.want(WrongState, b.Begin(CurrentShiftOpen, b.clock)) // not registered
	b.register()
	b.want(WrongState, b.Begin(CurrentReceipt, b.clock)) // shift closed
	b.shiftOpen()
	b.want(WrongState, b.Begin(CurrentShiftOpen, b.clock))
	b.want(WrongState, b.Data(nil))
	b.want(WrongState, b.Cancel())

	b.ok(b.Begin(CurrentReceipt, b.clock))
	if s := b.Status(); s.Current != CurrentReceipt || s.HasData {
		t.Fatalf("status %+v", s)
	}
	b.want(WrongState, b.Begin(CurrentReceipt, b.clock))
	b.ok(b.Data(receiptData(100, "x")))
	if !b.Status().HasData {
		t.Fatal("no data flag")
	}
	b.ok(b.Cancel())
	if b.Len() != 2 {
		t.Fatalf("a cancelled receipt took a number: %d documents", b.Len())
	}

	d := b.receipt(8500, "k1")
	if d.FD != 3 || d.Shift != 1 || d.Receipt != 1 || d.Key != "k1" || d.KeyName != "chekomat" || d.Machine != "VM-1" {
		t.Fatalf("%+v", d)
	}
	if want := "t=20260115T0900&s=85.00&fn=9999078902001234&i=3&fp="; d.QR[:len(want)] != want {
		t.Fatalf("QR %s", d.QR)
	}
	if got := b.FindKey("k1"); len(got) != 1 || got[0].FD != 3 {
		t.Fatalf("found %+v", got)
	}
	b.clock = b.clock.Add(time.Hour)
	closed := b.shiftClose()
	var sum, first ffd.Element
	doc, _, err := ffd.ParseDocument(closed.TLV)
	b.ok(err)
	sell := ffd.Find(ffd.Find(doc.Body, 1194).Nested, 1129)
	sum, first = *ffd.Find(sell.Nested, 1201), *ffd.Find(doc.Body, 1097)
	if number(sum.Value) != 8500 || number(ffd.Find(doc.Body, 1118).Value) != 1 || number(first.Value) != 3 {
		t.Fatalf("closing report: sum % x, unsent % x", sum.Value, first.Value)
	}
}

// The ФН writes its own ten requisites first (ffd.md §2), and every document
// is readable by the codec the hub uses.
func TestDocumentsParseByTheCodec(t *testing.T) {
	b := newBench(t, Config{})
	b.register()
	b.shiftOpen()
	b.receipt(5000, "k")
	b.shiftClose()
	for _, d := range b.Documents(1, 0) {
		doc, n, err := ffd.ParseDocument(d.TLV)
		if err != nil || n != len(d.TLV) || Type(doc.Code) != d.Type {
			t.Fatalf("document %d: %v, %d of %d bytes", d.FD, err, n, len(d.TLV))
		}
		order := []ffd.Tag{1041, 1037, 1018, 1040, 1012, 1077}
		if d.Type == TypeReceipt {
			order = append(order, 1038, 1042, 1054, 1020)
		}
		for i, tag := range order {
			if doc.Body[i].Tag != tag {
				t.Errorf("document %d: requisite %d is %d, want %d", d.FD, i, doc.Body[i].Tag, tag)
			}
		}
	}
}

func TestTimeRules(t *testing.T) {
	for _, c := range []struct {
		name string
		step time.Duration // real time
		skew time.Duration // of the register's clock against it
		kind Current
		want Code
	}{
		{"a minute later", time.Minute, 0, CurrentReceipt, Done},
		{"at the limit of the shift", 24 * time.Hour, 0, CurrentReceipt, Done},
		{"over 24 h", 24*time.Hour + time.Minute, 0, CurrentReceipt, ShiftTooLong},
		{"an expired shift still closes", 48 * time.Hour, 0, CurrentShiftClose, Done},
		{"clock back", 0, -2 * time.Minute, CurrentReceipt, BadTime},
		{"clock ahead of the timer by 4 min", time.Minute, 4 * time.Minute, CurrentReceipt, Done},
		{"clock ahead of the timer by 7 min", time.Minute, 7 * time.Minute, CurrentReceipt, TimeSkew},
		{"clock behind the timer by 7 min", time.Hour, -7 * time.Minute, CurrentReceipt, TimeSkew},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, Config{})
			b.register()
			b.shiftOpen()
			b.clock = b.clock.Add(c.step)
			err := b.Begin(c.kind, b.clock.Add(c.skew))
			if CodeOf(err) != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

// The shift runs out while a receipt is open: the finish is refused too.
func TestShiftRunsOutInsideAReceipt(t *testing.T) {
	b := newBench(t, Config{})
	b.register()
	b.shiftOpen()
	b.clock = b.clock.Add(24 * time.Hour)
	b.ok(b.Begin(CurrentReceipt, b.clock))
	b.clock = b.clock.Add(2 * time.Minute)
	_, err := b.FinishReceipt(b.clock, 1, 100)
	b.want(ShiftTooLong, err)
	b.ok(b.Cancel())
	b.shiftClose()
}

func TestResourceLimits(t *testing.T) {
	t.Run("archive full", func(t *testing.T) {
		b := newBench(t, Config{Capacity: 4})
		b.register()
		b.shiftOpen()
		b.receipt(1, "a")
		if b.Status().Warn&WarnArchive != 0 {
			t.Fatal("warns at 3 of 4")
		}
		b.receipt(1, "b")
		if b.Status().Warn&WarnArchive == 0 || b.Wire(nil) != 0x80 {
			t.Fatal("no warning on a full archive")
		}
		b.want(StorageOver, b.Begin(CurrentReceipt, b.clock))
		b.shiftClose()
		b.want(StorageOver, b.Begin(CurrentShiftOpen, b.clock))
	})
	t.Run("life over", func(t *testing.T) {
		b := newBench(t, Config{Life: 10 * 24 * time.Hour})
		b.register()
		if b.Status().Warn != WarnReplaceSoon {
			t.Fatalf("warnings %02X", b.Status().Warn)
		}
		b.shiftOpen()
		b.ok(b.SetLife(b.clock))
		b.want(ResourceOver, b.Begin(CurrentReceipt, b.clock))
		b.shiftClose()
	})
	t.Run("queue over 30 days", func(t *testing.T) {
		b := newBench(t, Config{})
		b.register()
		b.clock = b.clock.Add(3 * 24 * time.Hour)
		if b.Status().Warn != WarnOFDSilent {
			t.Fatalf("warnings %02X", b.Status().Warn)
		}
		b.clock = b.clock.Add(28 * 24 * time.Hour)
		b.want(StorageOver, b.Begin(CurrentShiftOpen, b.clock))
		if n, err := b.Confirm(10); n != 1 || err != nil {
			t.Fatalf("confirmed %d, %v", n, err)
		}
		b.shiftOpen()
		if q := b.Queue(); q.Unsent != 1 || q.FirstFD != 2 {
			t.Fatalf("queue %+v", q)
		}
		if _, err := b.Ticket(2); CodeOf(err) != NoData {
			t.Fatal("a ticket before the confirmation")
		}
	})
	t.Run("TLV too big", func(t *testing.T) {
		b := newBench(t, Config{})
		b.register()
		b.shiftOpen()
		b.ok(b.Begin(CurrentReceipt, b.clock))
		b.want(TLVTooBig, b.Data(make([]byte, 1025)))
		b.want(BadCommand, b.Data([]byte{1, 0, 5, 0, 1}))
		block := AppendTLV(nil, 1059, make([]byte, 1020))
		for range 30 {
			b.ok(b.Data(block))
		}
		b.want(TLVTooBig, b.Data(block))
	})
}

func TestPowerLossDropsTheOpenDocument(t *testing.T) {
	b := newBench(t, Config{})
	b.register()
	b.shiftOpen()
	b.ok(b.Begin(CurrentReceipt, b.clock))
	b.ok(b.Data(receiptData(1, "lost")))
	b.PowerLoss()
	if s := b.Status(); s.Current != CurrentNone || s.LastFD != 2 {
		t.Fatalf("%+v", s)
	}
	b.clock = b.clock.Add(time.Hour) // the timer stood still: no skew
	b.receipt(1, "next")
}

func TestArchiveOutlivesARestart(t *testing.T) {
	cfg := Config{Path: filepath.Join(t.TempDir(), "fn.log")}
	b := newBench(t, cfg)
	b.register()
	b.shiftOpen()
	b.receipt(100, "a")
	if _, err := b.Confirm(2); err != nil {
		t.Fatal(err)
	}
	before, status, shift := b.Documents(1, 0), b.Status(), b.ShiftState()
	reg, _ := b.Registered()
	if _, err := New(cfg); err == nil {
		t.Fatal("the archive opened twice")
	}
	b.ok(b.Close())
	b.open(cfg)
	if d := cmp.Diff(before, b.Documents(1, 0)); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(status, b.Status()); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(shift, b.ShiftState()); d != "" {
		t.Fatal(d)
	}
	if again, _ := b.Registered(); again != reg {
		t.Fatalf("registration %+v, was %+v", again, reg)
	}
	b.ok(b.Close())
	cfg.Serial = "9999078902009999"
	if _, err := New(cfg); err == nil {
		t.Fatal("a file of another ФН was taken")
	}
}

// The archive is cut at every byte of its last record: what was whole before
// stays, the torn record is gone, and the next document takes its number.
func TestTornTailAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "fn.log")}
	b := newBench(t, cfg)
	b.register()
	b.shiftOpen()
	whole, err := os.Stat(cfg.Path)
	b.ok(err)
	b.receipt(100, "torn")
	b.ok(b.Close())
	full, err := os.ReadFile(cfg.Path)
	b.ok(err)
	for cut := int(whole.Size()); cut < len(full); cut++ {
		b.ok(os.WriteFile(cfg.Path, full[:cut], 0o644))
		b.open(cfg)
		if b.Len() != 2 {
			t.Fatalf("cut at %d: %d documents", cut, b.Len())
		}
		if d := b.receipt(200, "after"); d.FD != 3 {
			t.Fatalf("cut at %d: next ФД %d", cut, d.FD)
		}
		b.ok(b.Close())
	}
}

func TestDocumentJSONRoundTrip(t *testing.T) {
	b := newBench(t, Config{})
	b.register()
	b.shiftOpen()
	want := b.receipt(100, "a")
	text, err := json.Marshal(want)
	b.ok(err)
	var got Document
	b.ok(json.Unmarshal(text, &got))
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestQuantities(t *testing.T) {
	for hexed, want := range map[string]string{"0001": "1", "03e803": "1", "0640420f": "1", "036c03": "0.876", "0119": "2.5", "0101": "0.1", "08": "", "": ""} {
		v, _ := hex.DecodeString(hexed)
		if got := quantity(v); got != want {
			t.Errorf("%s: %q, want %q", hexed, got, want)
		}
	}
}
