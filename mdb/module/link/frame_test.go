package link

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCRC(t *testing.T) {
	if got := CRC([]byte("123456789")); got != 0x29B1 {
		t.Fatalf("CRC = %04X, want 29B1", got)
	}
}

func TestCOBS(t *testing.T) {
	for _, c := range []struct{ raw, wire string }{
		{"00", "01 01 00"},
		{"11 22 00 33", "03 11 22 02 33 00"},
		{"11 00 00 00", "02 11 01 01 01 00"},
		{"", "01 00"},
	} {
		if got := AppendCOBS(nil, unhex(t, c.raw)); !bytes.Equal(got, unhex(t, c.wire)) {
			t.Errorf("%s: % X, want %s", c.raw, got, c.wire)
		}
	}
}

func TestCOBSRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 1, 7, 0xFE, 0xFF}), 0, 600).Draw(t, "raw")
		wire := AppendCOBS(nil, raw)
		if i := bytes.IndexByte(wire, 0); i != len(wire)-1 {
			t.Fatalf("zero byte at %d of %d", i, len(wire))
		}
		got, err := DecodeCOBS(nil, wire[:len(wire)-1])
		if err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("% X: %v", got, err)
		}
	})
}

// The worked examples of the protocol's description, both ways.
var examples = []struct {
	name    string
	seq     uint8
	m       Message
	decoded string
	wire    string
}{
	{"HELLO_REQ", 1, HelloReq{1, 0}, "80 01 01 00 F9 5D", "04 80 01 01 03 F9 5D 00"},
	{"HELLO", 0, Hello{
		Major: 1, FwMinor: 3, Patch: 1, Hardware: 1, Capabilities: 0x3F, Uptime: 12, Time: 12034, Lines: 4, MaxFrame: 250,
		ID: [8]byte{0xE6, 0x61, 0x38, 0x52, 0x83, 0x4A, 0x21, 0x2B},
	}, "01 00 01 00 01 00 00 03 01 00 3F 00 00 00 E6 61 38 52 83 4A 21 2B 0C 00 00 00 02 2F 00 00 00 00 04 FA CB 39",
		"02 01 02 01 02 01 01 03 03 01 02 3F 01 01 0A E6 61 38 52 83 4A 21 2B 0C 01 01 03 02 2F 01 01 01 05 04 FA CB 39 00"},
	{"SET_MODE", 2, SetMode{1, []uint8{0x60}}, "81 02 01 60 BB 1E", "07 81 02 01 60 BB 1E 00"},
	{"CMD_RESULT", 0x32, Result{0x81, 2, 0}, "05 32 81 02 00 D2 99", "05 05 32 81 02 03 D2 99 00"},
	{"WORDS", 0x2A, Words{310000, []Entry{{0, 0x162}, {1146, 0x062}, {1364, 0x8300}}},
		"02 2A F0 BA 04 00 00 00 62 01 7A 04 62 00 54 05 00 83 4D 61",
		"06 02 2A F0 BA 04 01 01 06 62 01 7A 04 62 03 54 05 04 83 4D 61 00"},
	{"BREAK_START", 0x2B, Words{10003, []Entry{{0, 0x1000}}}, "02 2B 13 27 00 00 00 00 00 10 B6 0C", "05 02 2B 13 27 01 01 01 01 04 10 B6 0C 00"},
	{"BREAK_END", 0x2C, Words{110000, []Entry{{0, 0x2000}}}, "02 2C B0 AD 01 00 00 00 00 20 C5 D8", "06 02 2C B0 AD 01 01 01 01 04 20 C5 D8 00"},
	{"EVENT", 0x31, Event{5123456, EventSupplyLost, 0xFF, 3120}, "04 31 80 2D 4E 00 01 FF 30 0C 2D BD", "06 04 31 80 2D 4E 07 01 FF 30 0C 2D BD 00"},
	{"SET_OUTPUTS", 3, SetOutputs{1, 1}, "82 03 01 01 D0 CE", "07 82 03 01 01 D0 CE 00"},
	{"PING", 4, Ping{0xCAFE0001}, "83 04 01 00 FE CA AA A3", "04 83 04 01 05 FE CA AA A3 00"},
	{"PONG", 0x33, Pong{0xCAFE0001, 7000321}, "08 33 01 00 FE CA 01 D1 6A 00 1F 91", "04 08 33 01 06 FE CA 01 D1 6A 03 1F 91 00"},
	{"REPLY_SET", 5, ReplySet{[]byte{0x61, 0}, []byte{1, 3, 0x16, 0x43, 0x64, 2, 5, 9}},
		"84 05 02 61 00 08 01 03 16 43 64 02 05 09 9D 3E", "05 84 05 02 61 0C 08 01 03 16 43 64 02 05 09 9D 3E 00"},
	{"POLL_QUEUE", 6, PollQueue{Tag: 0x11, Data: []byte{3, 3, 0xE8}}, "86 06 11 03 03 03 E8 01 33", "0A 86 06 11 03 03 03 E8 01 33 00"},
	{"TX_REPORT", 0x34, TxReport{0x11, 0, 8123004, 1}, "06 34 11 00 7C F2 7B 00 01 01 58", "04 06 34 11 04 7C F2 7B 04 01 01 58 00"},
	{"REBOOT", 7, Reboot{1}, "8E 07 01 71 65", "06 8E 07 01 71 65 00"},
	{"HEARTBEAT", 0x30, Heartbeat{
		Time: 2000154, Uptime: 2, Mode: 1, Supply: 33950,
		Lines: [4]LineCount{{Words: 1538, Framing: 1, Breaks: 1}, {Words: 727}},
	}, "03 30 1A 85 1E 00 02 00 00 00 02 06 00 00 01 00 01 00 00 00 D7 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" +
		"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 9E 84 E2 64", ""},
}

func TestWorkedExamples(t *testing.T) {
	for _, c := range examples {
		t.Run(c.name, func(t *testing.T) {
			wire, err := AppendMessage(nil, c.seq, c.m)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := DecodeCOBS(nil, wire[:len(wire)-1])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(raw, unhex(t, c.decoded)) {
				t.Errorf("decoded\n% X, want\n%s", raw, c.decoded)
			}
			if c.wire != "" && !bytes.Equal(wire, unhex(t, c.wire)) {
				t.Errorf("wire\n% X, want\n%s", wire, c.wire)
			}
			var s Splitter
			f, used, ok := s.Next(wire)
			if !ok || used != len(wire) || f.Seq != c.seq {
				t.Fatalf("split: %v %d %+v", ok, used, f)
			}
			m, err := Parse(f)
			if err != nil || !reflect.DeepEqual(m, c.m) {
				t.Errorf("parsed %+v, %v", m, err)
			}
		})
	}
}

func TestVersion11RoundTrip(t *testing.T) {
	for _, m := range []Message{
		Hello{Major: 1, Minor: 1, Boot: 77, Oldest: 5, Next: 1 << 40, MaxFrame: 250},
		WordsAt{Seq: 1 << 33, T0: 1 << 45, Entries: []Entry{{0, 0x10B}, {1146, 0x00B}}},
		Resumed{Boot: 9, First: 3, Lost: LostUnknown, Reason: ResumedBoot},
		Now{Time: 1 << 50, Next: 12},
		Resume{9, 1 << 35}, Keep{9, 12},
		SetMode{1, []uint8{0x60, 0x18}}, ReplyClear{0x18}, PollQueue{7, []byte{5}, 0x18},
		LineConfig{0, 1, 9600}, FwBegin{1, 2, [3]byte{0, 3, 1}}, FwData{8, []byte{1, 2}}, FwCommit{}, FwAbort{}, ReplyClear{},
		Log{2, "hello"},
	} {
		wire, err := AppendMessage(nil, 9, m)
		if err != nil {
			t.Fatal(err)
		}
		var s Splitter
		f, _, ok := s.Next(wire)
		if !ok {
			t.Fatalf("%+v: no frame", m)
		}
		got, err := Parse(f)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
	}
}

func TestSplitterSkipsDamage(t *testing.T) {
	good, _ := AppendMessage(nil, 1, Ping{1})
	bad := bytes.Clone(good)
	bad[3] ^= 0x40
	stream := append([]byte{0, 0, 0}, bad...)
	stream = append(stream, bytes.Repeat([]byte{5}, 700)...)
	stream = append(append(stream, 0), good...)
	var s Splitter
	got := 0
	for p := stream; len(p) > 0; {
		_, used, ok := s.Next(p)
		p = p[used:]
		if ok {
			got++
		}
	}
	if got != 1 || s.Bad != 2 {
		t.Fatalf("%d frames, %d bad; want 1 and 2", got, s.Bad)
	}
}

func TestParseRefuses(t *testing.T) {
	if _, err := Parse(Frame{Type: 0x7E}); !errors.As(err, new(UnknownTypeError)) {
		t.Errorf("unknown type: %v", err)
	}
	for typ := range sizes {
		if sizes[typ].least == 0 {
			continue
		}
		if _, err := Parse(Frame{Type: typ, Body: make([]byte, sizes[typ].least-1)}); !errors.As(err, new(LengthError)) {
			t.Errorf("type %02X one byte short: %v", typ, err)
		}
	}
	if _, err := AppendMessage(nil, 0, Log{Text: strings.Repeat("x", 300)}); !errors.Is(err, ErrLength) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	for _, c := range examples {
		wire, _ := AppendMessage(nil, c.seq, c.m)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var s Splitter
		for len(p) > 0 {
			fr, used, ok := s.Next(p)
			p = p[used:]
			if !ok {
				return
			}
			m, err := Parse(fr)
			if err != nil {
				continue
			}
			again, err := AppendMessage(nil, fr.Seq, m)
			if err != nil {
				t.Fatalf("%+v cannot be written again: %v", m, err)
			}
			raw, err := DecodeCOBS(nil, again[:len(again)-1])
			if err != nil {
				t.Fatal(err)
			}
			// HELLO and HEARTBEAT may carry fields of later versions.
			if n := len(raw) - 4; fr.Type != TypeHello && fr.Type != TypeHeartbeat && !bytes.Equal(raw[2:2+n], fr.Body) {
				t.Fatalf("%+v: body % X came back as % X", m, fr.Body, raw[2:2+n])
			}
		}
	})
}
