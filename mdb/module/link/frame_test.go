package link

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
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

// The worked examples of the protocol's description and of version 1.1, both
// ways. Their bytes are in testdata/frames.txt, which the firmware's host test
// reads, too: one table holds both ends.
var examples = []struct {
	name string
	seq  uint8
	m    Message
}{
	{"HELLO_REQ", 1, HelloReq{1, 0}},
	{"HELLO", 0, Hello{
		Major: 1, FwMinor: 3, Patch: 1, Hardware: 1, Capabilities: 0x3F, Uptime: 12, Time: 12034, Lines: 4, MaxFrame: 250,
		ID: [8]byte{0xE6, 0x61, 0x38, 0x52, 0x83, 0x4A, 0x21, 0x2B},
	}},
	{"SET_MODE", 2, SetMode{1, []uint8{0x60}}},
	{"CMD_RESULT", 0x32, Result{0x81, 2, 0}},
	{"WORDS", 0x2A, Words{310000, []Entry{{0, 0x162}, {1146, 0x062}, {1364, 0x8300}}}},
	{"BREAK_START", 0x2B, Words{10003, []Entry{{0, 0x1000}}}},
	{"BREAK_END", 0x2C, Words{110000, []Entry{{0, 0x2000}}}},
	{"EVENT", 0x31, Event{5123456, EventSupplyLost, 0xFF, 3120}},
	{"SET_OUTPUTS", 3, SetOutputs{1, 1}},
	{"PING", 4, Ping{0xCAFE0001}},
	{"PONG", 0x33, Pong{0xCAFE0001, 7000321}},
	{"REPLY_SET", 5, ReplySet{[]byte{0x61, 0}, []byte{1, 3, 0x16, 0x43, 0x64, 2, 5, 9}}},
	{"POLL_QUEUE", 6, PollQueue{Tag: 0x11, Data: []byte{3, 3, 0xE8}}},
	{"TX_REPORT", 0x34, TxReport{0x11, 0, 8123004, 1}},
	{"REBOOT", 7, Reboot{1}},
	{"HEARTBEAT", 0x30, Heartbeat{
		Time: 2000154, Uptime: 2, Mode: 1, Supply: 33950,
		Lines: [4]LineCount{{Words: 1538, Framing: 1, Breaks: 1}, {Words: 727}},
	}},
	{"HELLO_1.1", 0x40, Hello{
		Major: 1, Minor: 1, Hardware: 1, FwMajor: 1, Patch: 9, BootReason: 3, Capabilities: 0xF7, Uptime: 12, Time: 12034,
		ID:   [8]byte{0xE6, 0x61, 0x38, 0x52, 0x83, 0, 0xC0, 0xDE},
		Mode: 1, Outputs: 2, Lines: 4, MaxFrame: 250, Boot: 0x0102030405060708, Oldest: 5, Next: 1 << 40,
	}},
	{"WORDS_AT", 0x41, WordsAt{Seq: 1 << 33, T0: 1 << 45, Entries: []Entry{{0, 0x10B}, {1146, 0x00B}, {3000, 0x8300}}}},
	{"RESUMED", 0x42, Resumed{Boot: 9, First: 3, Lost: LostUnknown, Reason: ResumedBoot}},
	{"NOW", 0x43, Now{Time: 1 << 50, Next: 12}},
	{"LOG", 0x44, Log{2, "ring"}},
	{"RESUME", 8, Resume{9, 1 << 35}},
	{"KEEP", 9, Keep{9, 12}},
	{"SET_MODE_1.1", 10, SetMode{1, []uint8{0x60, 0x18}}},
	{"SAFE_OUTPUTS", 11, SafeOutputs{2, 100}},
	{"REPLY_CLEAR", 12, ReplyClear{0x18}},
	{"POLL_QUEUE_1.1", 13, PollQueue{0x52, []byte{6}, 0x18}},
	{"LINE_CONFIG", 14, LineConfig{2, 1, 9600}},
	{"FW_BEGIN", 15, FwBegin{17044, 0xCBF43926, [3]byte{1, 0, 9}}},
	{"FW_DATA", 16, FwData{200, []byte{0, 1, 2, 0}}},
	{"FW_COMMIT", 17, FwCommit{}},
	{"FW_ABORT", 18, FwAbort{}},
}

// exampleBytes reads the table: a name, then indented the decoded bytes, then
// those on the wire.
func exampleBytes(t *testing.T) map[string][2][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	table, name, n := map[string][2][]byte{}, "", 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case line[0] != '\t':
			name, n = strings.TrimSpace(line), 0
		case n < 2:
			row := table[name]
			row[n] = unhex(t, line)
			table[name] = row
			n++
		default:
			t.Fatalf("%s has a third line", name)
		}
	}
	return table
}

func TestWorkedExamples(t *testing.T) {
	table := exampleBytes(t)
	if len(table) != len(examples) {
		t.Errorf("%d frames in the table, %d here", len(table), len(examples))
	}
	for _, c := range examples {
		t.Run(c.name, func(t *testing.T) {
			want, ok := table[c.name]
			if !ok {
				t.Fatal("not in the table")
			}
			wire, err := AppendMessage(nil, c.seq, c.m)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := DecodeCOBS(nil, wire[:len(wire)-1])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(raw, want[0]) {
				t.Errorf("decoded\n% X, want\n% X", raw, want[0])
			}
			if !bytes.Equal(wire, want[1]) {
				t.Errorf("wire\n% X, want\n% X", wire, want[1])
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
