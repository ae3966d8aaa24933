package module

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
)

// dialogue is a RESET of a reader, its poll and JUST RESET, then a break.
func dialogue() []mdb.Word {
	var ws []mdb.Word
	say := func(l mdb.Line, t int64, b ...byte) { ws, _ = mdb.AppendWords(ws, l, t, b, 0) }
	say(mdb.Master, 100_000, 0x10, 0x10)
	say(mdb.Slave, 103_000, 0x00)
	say(mdb.Master, 200_000, 0x12, 0x12)
	say(mdb.Slave, 203_000, 0x00, 0x00)
	say(mdb.Master, 206_000, 0x00)
	say(mdb.Master, 300_000, 0x13, 0x00, 0x11, 0x94, 0x00, 0x0C, 0xC4)
	say(mdb.Slave, 310_000, 0x00)
	return ws
}

// edgesOf draws the levels of two lines as a logic analyzer of 1 MHz exports them.
func edgesOf(ws []mdb.Word, idle [2]bool, head string) string {
	type change struct {
		t    int64 // ns
		line int
		up   bool
	}
	var all []change
	for _, w := range ws {
		level := idle[w.Line]
		set := func(bit int, active bool) {
			if up := active != idle[w.Line]; up != level {
				level = up
				all = append(all, change{w.T*1000 + int64(bit)*bitTime, int(w.Line), up})
			}
		}
		set(0, true)
		for k := range 9 {
			set(k+1, w.V>>k&1 == 0)
		}
		set(10, false)
	}
	levels := idle
	var b strings.Builder
	bit := func(up bool) int { return btoi(up) }
	fmt.Fprintf(&b, "%s\n0.000000000,%d,%d\n", head, bit(levels[0]), bit(levels[1]))
	for len(all) > 0 {
		first := 0
		for i, c := range all {
			if c.t < all[first].t {
				first = i
			}
		}
		c := all[first]
		all = append(all[:first], all[first+1:]...)
		levels[c.line] = c.up
		fmt.Fprintf(&b, "%.9f,%d,%d\n", float64(c.t/1000)/1e6, bit(levels[0]), bit(levels[1]))
	}
	return b.String()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func heardAll(t *testing.T, address string, opts Options) (ws []mdb.Word, f Fidelity) {
	t.Helper()
	src, err := Open(context.Background(), address, Cursor{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for {
		c, err := src.Read(context.Background())
		if errors.Is(err, io.EOF) {
			return ws, src.Fidelity()
		}
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, c.Words...)
	}
}

// Captures have either polarity, of either line, and name the lines or not.
func TestEdgesOfEitherPolarity(t *testing.T) {
	want := dialogue()
	for _, idle := range [][2]bool{{true, true}, {false, false}, {false, true}, {true, false}} {
		for _, head := range []string{"Time [s],Channel 0,Channel 1", "Time [s],VMC,DEV"} {
			got, f := heardAll(t, file(t, "digital.csv", edgesOf(want, idle, head)), Options{})
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("idle %v, %s:\n%s", idle, head, d)
			}
			if f != (Fidelity{true, true, true, true}) {
				t.Errorf("fidelity %+v", f)
			}
		}
	}
	// The lines are the other way round: only their words tell.
	swapped := strings.Split(edgesOf(want, [2]bool{true, true}, "Time [s],Channel 0,Channel 1"), "\n")
	for i, l := range swapped {
		if f := strings.Split(l, ","); len(f) == 3 && i > 0 {
			swapped[i] = f[0] + "," + f[2] + "," + f[1]
		}
	}
	if got, _ := heardAll(t, file(t, "digital.csv", strings.Join(swapped, "\n")), Options{}); !cmp.Equal(want, got) {
		t.Error("swapped channels: ", cmp.Diff(want, got))
	}
}

func TestBreakAndNoiseOnEdges(t *testing.T) {
	text := "Time [s],VMC\n0,1\n0.000100,0\n0.000103,1\n" + // a spike
		"0.010000,0\n0.120000,1\n" + // a break of 110 ms
		"0.200000,0\n0.200900,1\n0.201000,0\n0.201300,1\n0.500000,1\n" // a frame without a stop bit
	ws, f := heardAll(t, file(t, "digital.csv", text), Options{})
	if len(ws) != 3 || ws[0].Flags != mdb.BreakStart || ws[1].Flags != mdb.BreakEnd || ws[1].T-ws[0].T != 110_000 || ws[2].Flags != mdb.FramingError {
		t.Errorf("got %+v", ws)
	}
	if f.BothLines {
		t.Error("one line was taken for two")
	}
}

// Any words far enough apart are read back from their edges.
func TestEdgesGiveTheirWordsBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		idle := rapid.Bool().Draw(r, "idle")
		at := int64(5000)
		var want []mdb.Word
		for range rapid.IntRange(4, 30).Draw(r, "n") {
			at += rapid.Int64Range(1146, 9000).Draw(r, "dt")
			want = append(want, mdb.Word{T: at, V: rapid.Uint16Range(0, 0x1FF).Draw(r, "v")})
		}
		text := edgesOf(want, [2]bool{idle, idle}, "Time [s],VMC,DEV")
		// The recording goes on: words alone may look as good upside down.
		lines, err := readEdges(strings.NewReader(text+fmt.Sprintf("60,%d,%d\n", btoi(idle), btoi(idle))), Options{})
		if err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(want, lines[0].words); d != "" {
			r.Fatal(d)
		}
	})
}

func TestSerialTables(t *testing.T) {
	want := dialogue()
	nine := func(l mdb.Line) string {
		s := "Time [s],Value,Parity Error,Framing Error\n"
		for _, w := range want {
			if w.Line == l {
				s += fmt.Sprintf("%.6f,0x%03X,,\n", float64(w.T)/1e6, w.V)
			}
		}
		return s
	}
	master, slave := file(t, "a.csv", nine(mdb.Master)), file(t, "b.csv", nine(mdb.Slave))
	if got, _ := heardAll(t, master, Options{Slave: slave}); !cmp.Equal(want, got) {
		t.Error("two files of nine bits: ", cmp.Diff(want, got))
	}
	if got, _ := heardAll(t, "file://"+master+"?slave="+slave+"&format=saleae", Options{}); !cmp.Equal(want, got) {
		t.Error("by URL: ", cmp.Diff(want, got))
	}

	// One table of both analyzers, eight bits and even parity.
	both := "name,type,start_time,duration,data,error\n"
	for _, w := range want {
		wrong := ""
		if w.V>>8 != exe.Parity(byte(w.V)) {
			wrong = "parity"
		}
		both += fmt.Sprintf("\"Async Serial [%d]\",\"data\",%.6f,0.001,0x%02X,%s\n", 1-w.Line, float64(w.T)/1e6, w.V&0xFF, wrong)
	}
	if got, _ := heardAll(t, file(t, "table.csv", both), Options{}); !cmp.Equal(want, got) {
		t.Error("one table: ", cmp.Diff(want, got))
	}
}

func TestTablesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Time [s],Packet ID,Address,Data,Framing Error\n1,1,0x10,0x10,\n", "multiprocessor mode"},
		{"Time [s],Value,Parity Error,Framing Error\n1,0x10,,\n", "no ninth bit"},
		{"Time [s],Value,Parity Error,Framing Error\n1,'A',,\n", "not of nine bits"},
		{"Time [s],Value,Parity Error,Framing Error\nNaN,0x110,,\n", "time"},
		{"Time [s],Channel 0\n0,1\n1,2\n", "level"},
		{"Time [s],Channel 0\n1,1\n0,0\n", "time goes back"},
		{"Time [s],Channel 0\n0,1\n", "no word"},
		{"a,b\n1,2\n", "unknown form"},
	} {
		_, err := Open(context.Background(), file(t, "x.csv", c.text), Cursor{}, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestWrittenTraceAsSource(t *testing.T) {
	text := "trace 1\nfidelity mode-bits times both-lines\nassume idle\nVMC 12\nDEV ACK\nlost cable pulled\nVMC 12\nDEV ACK\nwait 5s\n"
	path := file(t, "x.trace", text)
	for _, from := range []uint64{0, 2, 3, 4, 6} {
		src, err := Open(context.Background(), path, Cursor{Seq: from}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n, now := from, int64(0)
		lost := []uint64{}
		for {
			c, err := src.Read(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Lost {
				if c.Note != "cable pulled" {
					t.Errorf("note %q", c.Note)
				}
				lost = append(lost, n)
			}
			n += uint64(len(c.Words))
			now = c.Now
		}
		if want := []uint64{3}; from <= 3 && !cmp.Equal(lost, want) || from > 3 && len(lost) > 0 {
			t.Errorf("from %d: lost before %v, want %v", from, lost, want)
		}
		if n != 6 || now < 5_000_000 {
			t.Errorf("from %d: %d words up to %d", from, n, now)
		}
		if f := src.Fidelity(); f != (Fidelity{ModeBits: true, Times: true, BothLines: true}) {
			t.Errorf("fidelity %+v", f)
		}
		if h, ok := src.(Headed).Header(); !ok || len(h.Assume) != 1 {
			t.Errorf("header %+v", h)
		}
		src.Close()
	}
}

func FuzzTables(f *testing.F) {
	f.Add([]byte(edgesOf(dialogue(), [2]bool{true, false}, "Time [s],Channel 0,Channel 1")), true)
	f.Add([]byte("Time [s],Value,Parity Error,Framing Error\n-0.5,0x110,,\n0.1,16,Error,Error\n"), false)
	f.Add([]byte("name,type,start_time,duration,data,error\na,data,1,0,0x10,parity\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, edges bool) {
		read := readSerial
		if edges {
			read = readEdges
		}
		lines, err := read(bytes.NewReader(b), Options{})
		if err != nil {
			return
		}
		ws, _, err := assign(lines, false)
		if err != nil {
			return
		}
		for _, w := range ws {
			if w.V > 0x1FF {
				t.Fatalf("word %v", w)
			}
		}
	})
}
