package exe

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/checkpoint"
)

func raw(s string) []byte {
	var out []byte
	for f := range strings.FieldsSeq(s) {
		const digits = "0123456789ABCDEF"
		out = append(out, byte(strings.IndexByte(digits, f[0])<<4|strings.IndexByte(digits, f[1])))
	}
	return out
}

// Parity and frames of exe 3.
func TestFrames(t *testing.T) {
	for b, p := range map[byte]uint16{35: 1, 37: 1, 41: 1, 42: 1, 55: 1, 33: 0, 34: 0, 39: 0, 45: 0, 57: 0} {
		if Parity(b) != p {
			t.Errorf("parity of %d is %d", b, Parity(b))
		}
	}
	for b := range 256 {
		bits := string(AppendBits(nil, byte(b)))
		if got, ok := ParseBits(bits); !ok || got != byte(b) {
			t.Errorf("%02X: %s reads as %02X, %v", b, bits, got, ok)
		}
		if got, ok := Heard(mdb.Word{V: Word(byte(b))}); !ok || got != byte(b) {
			t.Errorf("%02X: word reads as %02X, %v", b, got, ok)
		}
		for i := range 9 {
			if _, ok := Heard(mdb.Word{V: Word(byte(b)) ^ 1<<i}); ok {
				t.Errorf("%02X with bit %d flipped is taken", b, i)
			}
		}
		for i := range FrameBits {
			bad := []byte(bits)
			bad[i] ^= 1
			if _, ok := ParseBits(string(bad)); ok {
				t.Errorf("%02X: frame with bit %d flipped is taken", b, i)
			}
		}
	}
	for _, s := range []string{"", "0", "0100011001", "010001100111", "0x000110011"} {
		if _, ok := ParseBits(s); ok {
			t.Errorf("frame %q is taken", s)
		}
	}
	if _, ok := Heard(mdb.Word{V: Word(0x33), Flags: mdb.FramingError}); ok {
		t.Error("a frame without a stop bit is taken")
	}
}

// Every byte of the master has one meaning and comes back from it.
func TestMasterBytes(t *testing.T) {
	for b := range 256 {
		b := byte(b)
		c, command := CommandOf(b)
		again := byte(DeviceOf(b)) | Nibble(b)
		if command {
			again = To(DeviceOf(b), c)
		}
		if again != b {
			t.Errorf("%02X comes back as %02X", b, again)
		}
	}
	for c, want := range map[Command]byte{Status: 0x31, Credit: 0x32, Vend: 0x33, Audit: 0x34, SendAuditAddress: 0x35,
		SendAuditData: 0x36, Identify: 0x37, AcceptData: 0x38, DataSync: 0x39, NegativeAck: 0x3F} {
		if c.Byte() != want || !c.Known() {
			t.Errorf("%s is %02X, want %02X", c, c.Byte(), want)
		}
	}
	for _, c := range []Command{0, 0xA, 0xB, 0xC, 0xD, 0xE} {
		if c.Known() || c.String() != "UNKNOWN" {
			t.Errorf("command %X is named %s", uint8(c), c)
		}
	}
	for d, want := range map[Device]string{VMC: "VMC", AuditUnit: "AUDIT_UNIT", PaymentUnit: "PAYMENT_UNIT", 0x80: "OTHER", 0: "OTHER"} {
		if d.String() != want {
			t.Errorf("%02X is %s", uint8(d), d)
		}
	}
}

// Every answer has one meaning (exe 4.2 to 4.4).
func TestAnswers(t *testing.T) {
	for b := range 256 {
		b := byte(b)
		s := ParseState(b)
		if s.Byte() != b&^0x30 {
			t.Errorf("state %02X comes back as %02X", b, s.Byte())
		}
		want := Wanted
		switch {
		case b == 0xFE:
			want = NothingWanted
		case b == 0xFF:
			want = NotUnderstood
		case b >= 0xFB:
			want = Undefined
		}
		if RequestOf(b) != want {
			t.Errorf("CREDIT %02X is %d", b, RequestOf(b))
		}
		result := Delivered
		switch {
		case b == 0xFF:
			result = Refused
		case b >= 0x80:
			result = Failed
		case b != 0:
			result = Odd
		}
		if ResultOf(b) != result {
			t.Errorf("VEND %02X is %d", b, ResultOf(b))
		}
	}
}

func TestBlockErrors(t *testing.T) {
	for _, c := range []struct {
		bytes  string
		err    error
		offset int
	}{
		{"", ErrByte, 0},
		{"39", ErrByte, 0},
		{"38", ErrLength, 1},
		{"38 39", ErrLength, 1},
		{"38 2A 20 20 20 21 20 24 39", ErrLength, 8},
		{"38 2A 20 20 20 21 20 24 20 20 39", ErrLength, 10},
		{"38 2A 20 20 20 21 20 24 20", ErrLength, 9},
		{"38 2A 20 20 20 21 20 34 20 39", ErrByte, 7},
		{"38 2A 20 40 20 21 20 24 20 39", ErrByte, 3},
		{"38 38 2A 20 20 20 21 20 24 20 39", ErrByte, 1},
		{"38 2A 20 20 20 21 20 20 20 39", ErrDecimal, 7},
		{"38 2A 20 20 20 21 20 23 20 39", ErrDecimal, 7},
		{"38 2A 20 20 20 20 20 24 20 39", ErrScale, 5},
	} {
		_, _, err := ParseBlock(raw(c.bytes))
		var e *BlockError
		if !errors.As(err, &e) || !errors.Is(err, c.err) || e.Offset != c.offset {
			t.Errorf("%s: %v, want %v at %d", c.bytes, err, c.err, c.offset)
		}
	}
	// Other bits of the last nibble are ignored (exe 5).
	if d, n, err := ParseBlock(raw("38 2A 20 20 20 21 20 24 2E 39 31")); err != nil || n != BlockLen || d.ExactChange {
		t.Errorf("%+v, %d bytes, %v", d, n, err)
	}
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		units           int64
		scale, decimals uint8
		minor           int64
		ok              bool
	}{
		{4, 5, 2, 20, true}, {2500, 1, 2, 2500, true}, {10, 1, 0, 1000, true}, {15, 100, 2, 1500, true}, {241, 5, 1, 12050, true},
		{65535, 255, 0, 1671142500, true}, {65535, 255, 3, 1671142, false}, {10, 1, 3, 1, true}, {1, 1, 4, 0, false},
	} {
		if m, ok := Value(c.units, c.scale, c.decimals); ok != c.ok || ok && m != c.minor {
			t.Errorf("%d × %d / 10^%d is %d, %v", c.units, c.scale, c.decimals, m, ok)
		}
	}
}

func someDisplay(t *rapid.T) Display {
	return Display{Units: rapid.Uint16().Draw(t, "units"), Scale: rapid.Uint8Min(1).Draw(t, "scale"),
		Decimals: rapid.Uint8Max(3).Draw(t, "decimals"), ExactChange: rapid.Bool().Draw(t, "exact")}
}

func TestBlocksComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := someDisplay(t)
		b := AppendBlock(nil, d)
		got, n, err := ParseBlock(append(b, 0x31))
		if err != nil || got != d || n != BlockLen {
			t.Fatalf("%+v comes back as %+v, %d, %v", d, got, n, err)
		}
	})
	for _, d := range []Display{{Scale: 0}, {Scale: 1, Decimals: 4}, {Scale: 1, Decimals: 200}} {
		if _, _, err := ParseBlock(AppendBlock(nil, d)); err == nil {
			t.Errorf("%+v cannot be said and was taken", d)
		}
	}
}

func FuzzParseBlock(f *testing.F) {
	f.Add(raw("38 24 20 20 20 25 20 24 20 39"))
	f.Add(raw("38 2F 2F 2F 2F 2F 2F 28 20 39"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, n, err := ParseBlock(b)
		if n < 0 || n > len(b) {
			t.Fatalf("took %d of %d bytes", n, len(b))
		}
		if err != nil {
			return
		}
		again := AppendBlock(nil, d)
		want := bytes.Clone(b[:n])
		want[8] &= 0x21 // bits nobody names
		if !bytes.Equal(again, want) {
			t.Fatalf("% X comes back as % X", want, again)
		}
		_, _ = d.Minor()
	})
}

// FuzzPairs makes pairs of any words, restarting at any of them.
func FuzzPairs(f *testing.F) {
	f.Add([]byte{2, 0x31, 3, 0x00, 2, 0x38, 3, 0x00, 2, 0x33, 2, 0x33, 3, 0xFF, 3, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Pairer
		var s Blocks
		at := int64(0)
		for ; len(data) >= 2; data = data[2:] {
			at += 1146
			w := mdb.Word{T: at, V: uint16(data[1]) | uint16(data[0]>>2&1)<<8, Line: mdb.Line(data[0] & 3), Flags: mdb.Flags(data[0] >> 3)}
			pair, ok := p.Push(w)
			if ok && pair.At < pair.T {
				t.Fatalf("%+v ends before it begins", pair)
			}
			if ok && pair.Fault == Good {
				if _, shown, mine, anomaly := s.Push(pair.Master); shown && (!mine || anomaly != "") {
					t.Fatalf("%+v: a good block with %q", pair, anomaly)
				}
			}
			wr := checkpoint.Writer(nil)
			p.Walk(wr)
			s.Walk(wr)
			rd := checkpoint.Reader(wr.Bytes())
			var p2 Pairer
			var s2 Blocks
			p2.Walk(rd)
			s2.Walk(rd)
			if err := rd.Done(); err != nil {
				t.Fatal(err)
			}
			p, s = p2, s2
		}
	})
}

func BenchmarkPairs(b *testing.B) {
	var p Pairer
	words := [4]mdb.Word{{V: Word(0x31), Line: mdb.EXEMaster}, {V: Word(0), Line: mdb.EXESlave}, {V: Word(0x32), Line: mdb.EXEMaster}, {V: Word(0xFE), Line: mdb.EXESlave}}
	b.ReportAllocs()
	n, i := 0, 0
	for b.Loop() {
		if _, ok := p.Push(words[i&3]); ok {
			n++
		}
		i++
	}
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "words/s")
	b.ReportMetric(rate/(9600.0/11), "lines")
	if n == 0 {
		b.Fatal("no pairs")
	}
}
