package mdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb/checkpoint"
)

// stream reads "M:113 004 017 S:100 +6500 M:000": words of lines, and extra
// pauses in µs. Words of a line follow each other; a change of line or a new
// command leaves the time a bus leaves.
func stream(t testing.TB, s string) []Word {
	t.Helper()
	var ws []Word
	now := int64(1_000_000)
	line := Master
	for _, f := range strings.Fields(s) {
		if p, ok := strings.CutPrefix(f, "+"); ok {
			d, err := strconv.ParseInt(p, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			now += d
			continue
		}
		if p, ok := strings.CutPrefix(f, "M:"); ok {
			line, f, now = Master, p, now+300
		} else if p, ok := strings.CutPrefix(f, "S:"); ok {
			line, f, now = Slave, p, now+300
		}
		flags := Flags(0)
		for i, c := range "feg" {
			if p, ok := strings.CutSuffix(f, "!"+string(c)); ok {
				f, flags = p, [...]Flags{FramingError, BreakEnd, Gap}[i]
			}
		}
		if p, ok := strings.CutSuffix(f, "!b"); ok {
			f, flags = p, BreakStart
		}
		v, err := strconv.ParseUint(f, 16, 9)
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, Word{T: now, V: uint16(v), Line: line, Flags: flags})
		now += WordTime
	}
	return ws
}

func show(b *Block) string {
	s := [...]string{"", "cmd", "ans", "ACK", "NAK", "RET", "BREAK", "bad"}[b.Kind]
	if b.Kind == Invalid {
		s += ":" + b.Fault.String()
	}
	if b.Line == Slave {
		s = "S " + s
	} else {
		s = "M " + s
	}
	if b.Kind == Command || b.Kind == Answer || b.Kind == Invalid {
		s += fmt.Sprintf(" % X", b.Bytes())
	}
	if b.Line == Slave && b.To != 0 {
		s += fmt.Sprintf(" to %02X", b.To)
	}
	for i, m := range []string{"sparse", "late", "made", "mine", "unpaired"} {
		if b.Marks&(1<<i) != 0 {
			s += " " + m
		}
	}
	return s
}

func frame(ws []Word) (out []string, f *Framer) {
	f = &Framer{}
	for _, w := range ws {
		for _, b := range f.Push(w) {
			out = append(out, show(&b))
		}
	}
	if len(ws) > 0 {
		for _, b := range f.Advance(ws[len(ws)-1].T + 1_000_000) {
			out = append(out, show(&b))
		}
	}
	return out, f
}

func TestFramer(t *testing.T) {
	for name, c := range map[string]struct {
		words string
		want  []string
	}{
		"poll and ACK":            {"M:112 012 S:100", []string{"M cmd 12 12", "S ACK to 12"}},
		"JUST RESET is no ACK":    {"M:112 012 S:000 100 M:000", []string{"M cmd 12 12", "S ans 00 00 to 12", "M ACK"}},
		"checksum like an RET":    {"M:112 012 S:005 011 094 1AA M:000", []string{"M cmd 12 12", "S ans 05 11 94 AA to 12", "M ACK"}},
		"RET":                     {"M:10A 00A S:000 000 005 006 10B M:0AA S:000 000 005 006 10B M:000", []string{"M cmd 0A 0A", "S ans 00 00 05 06 0B to 0A", "M RET", "S ans 00 00 05 06 0B to 0A", "M ACK"}},
		"checksum fits too early": {"M:113 000 013 088 000 00C 0BA S:100", []string{"M cmd 13 00 13 88 00 0C BA", "S ACK to 13"}},
		"unknown device":          {"M:1EB 001 002 0EE S:100", []string{"M cmd EB 01 02 EE", "S ACK to EB"}},
		"unknown device, silence": {"M:1EB 001 0EC +9000 M:112 012", []string{"M cmd EB 01 EC", "M cmd 12 12"}},
		"stray word with mode":    {"M:1FF +2000000 M:110 010 S:100", []string{"M bad:cut FF", "M cmd 10 10", "S ACK to 10"}},
		"cut by the next one":     {"M:113 002 000 +50000 M:113 002 000 005 01A S:100", []string{"M bad:cut 13 02 00", "M cmd 13 02 00 05 1A", "S ACK to 13"}},
		"bad checksum of the VMC": {"M:10C 0FF 0FF 000 000 00B +50000 M:112 012", []string{"M bad:bad_checksum 0C FF FF 00 00 0B", "M cmd 12 12"}},
		"bad checksum, NAK":       {"M:112 012 S:003 000 064 168 M:0FF", []string{"M cmd 12 12", "S bad:bad_checksum 03 00 64 68 to 12", "M NAK"}},
		"late ACK inside the next command": {
			"M:112 012 +200000 M:112 S:100 M:012 S:100",
			[]string{"M cmd 12 12", "S ACK to 12 late", "M cmd 12 12 sparse", "S ACK to 12"},
		},
		"ACK after the answer":   {"M:112 012 S:003 008 0FC 107 100 M:000", []string{"M cmd 12 12", "S ans 03 08 FC 07 to 12", "S ACK unpaired", "M ACK"}},
		"late answer":            {"M:112 012 +30000 S:007 107 M:000", []string{"M cmd 12 12", "S ans 07 07 to 12 late", "M ACK"}},
		"command lost its end":   {"M:10B 00B S:100 +50000 M:112 S:005 000 03C 141 M:000", []string{"M cmd 0B 0B", "S ACK to 0B", "S ans 05 00 3C 41 unpaired", "M bad:cut 12", "M ACK"}},
		"command lost its start": {"M:10B 00B S:100 +50000 M:012 S:005 000 03C 141 M:000", []string{"M cmd 0B 0B", "S ACK to 0B", "M bad:stray 12", "S ans 05 00 3C 41 unpaired", "M ACK"}},
		"ACK damaged to data":    {"M:112 012 S:000 +100000 M:112 012 S:100", []string{"M cmd 12 12", "M cmd 12 12", "S bad:cut 00 to 12", "S ACK to 12"}},
		"framing error":          {"M:112!f 012 +50000 M:112 012", []string{"M bad:framing_error 12 12", "M cmd 12 12"}},
		"gap":                    {"M:113 002 000!g 005 01A S:100", []string{"M bad:words_lost 13 02", "M bad:stray 00", "M bad:stray 05", "M bad:stray 1A", "S ACK unpaired"}},
		"missing word":           {"M:112 012 S:005 +1146 03C 004 145 M:000", []string{"M cmd 12 12", "S ans 05 3C 04 45 to 12 sparse", "M ACK"}},
		"break":                  {"M:000!b +110000 M:000!e", []string{"M BREAK"}},
		"glitch":                 {"M:000!b +2000 M:000!e", nil},
		"overlong": {
			"M:1E0" + strings.Repeat(" 001", 36), []string{"M bad:overlong E0" + strings.Repeat(" 01", 35), "M bad:stray 01"},
		},
		"bad checksum of the longest block": {
			"M:11B 001" + strings.Repeat(" 000", 34) + " +50000 M:112 012",
			[]string{"M bad:bad_checksum 1B 01" + strings.Repeat(" 00", 34), "M cmd 12 12"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := frame(stream(t, c.words)); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestFramerCounts(t *testing.T) {
	_, f := frame(append(stream(t, "M:112 012 S:100 +50000 M:10C 0FF 0FF 000 000 00B +50000 M:112 012"), Word{Line: EXEMaster}))
	c := f.Counts()
	if c.Words != 12 || c.Blocks != 3 || c.Checksums != 1 || c.Foreign != 1 {
		t.Errorf("%+v", c)
	}
}

// The state comes back the same at any word.
func TestFramerWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		var f, g Framer
		now := int64(0)
		for range n {
			now += rapid.SampledFrom([]int64{500, 1146, 1146, 1146, 5000, 20_000, 120_000}).Draw(t, "dt")
			w := Word{
				T: now, V: rapid.SampledFrom([]uint16{0, 0x100, 0x112, 0x12, 0x113, 2, 5, 0x13, 0x1FF, 0xAA}).Draw(t, "v"),
				Line: rapid.SampledFrom([]Line{Master, Master, Slave, EXESlave}).Draw(t, "line"), Flags: rapid.SampledFrom([]Flags{0, 0, 0, 0, Gap, BreakStart, BreakEnd, FramingError}).Draw(t, "flags"),
			}
			var got, want []string
			for _, b := range f.Push(w) {
				want = append(want, show(&b))
			}
			for _, b := range g.Push(w) {
				got = append(got, show(&b))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q, want %q", got, want)
			}
			cp := checkpoint.Writer(nil)
			f.Walk(cp)
			g = Framer{}
			r := checkpoint.Reader(cp.Bytes())
			g.Walk(r)
			if err := r.Done(); err != nil {
				t.Fatal(err)
			}
			if g.Counts() != f.Counts() {
				t.Fatalf("%+v, want %+v", g.Counts(), f.Counts())
			}
		}
	})
}
