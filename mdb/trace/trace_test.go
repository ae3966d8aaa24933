package trace

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
)

func parse(t *testing.T, text string) File {
	t.Helper()
	f, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestShorthandGivesTheWordsOfTheBus(t *testing.T) {
	for _, c := range []struct{ short, exact string }{
		{"VMC 13 00 11 94 00 0C", "VMC 113 000 011 094 000 00C 0C4"},
		{"DEV 05 11 94", "DEV 005 011 094 1AA"},
		{"DEV 00", "DEV 000 100"},
		{"DEV ACK", "DEV 100"},
		{"DEV NAK", "DEV 1FF"},
		{"VMC ACK", "VMC 000"},
		{"VMC RET", "VMC 0AA"},
		{"MASTER 31", "MASTER 131"},
		{"SLAVE FE", "SLAVE 1FE"},
		{"SLAVE 00", "SLAVE 000"},
		{"VMC 10 +1300 02", "VMC 110 +1300 002 012"},
		{"VMC break 110ms", "VMC 000/b +110000 000/e"},
	} {
		a, b := parse(t, "trace 1\n@1 "+c.short), parse(t, "trace 1\n@1 "+c.exact)
		if d := cmp.Diff(b.Words(), a.Words()); d != "" {
			t.Errorf("%s:\n%s", c.short, d)
		}
	}
}

func TestUsualTimes(t *testing.T) {
	f := parse(t, "trace 1\nVMC 12\nDEV 00\nVMC ACK\nwait 2s\nVMC 12\nDEV ACK\n@9.5 VMC 12")
	var got []int64
	for _, w := range f.Words() {
		got = append(got, w.T)
	}
	first := []int64{100_000, 101_146, 102_592, 103_738, 105_184}
	at := first[4] + 2_000_000
	want := append(first, at, at+1146, at+2592, 9_500_000, 9_501_146)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMadeUpWordsAreMarked(t *testing.T) {
	f := parse(t, "trace 1\nfidelity checksums both-lines\nVMC 112 012/h\nDEV ACK")
	ws := f.Words()
	if ws[0].Flags != mdb.Synthetic || ws[1].Flags != 0 || ws[2].Flags != mdb.Synthetic {
		t.Errorf("flags %v", ws)
	}
}

func TestErrorsTellWhere(t *testing.T) {
	for _, c := range []struct {
		text, want string
	}{
		{"", `1:1: a trace begins with "trace 1"`},
		{"VMC 12", `1:1: a trace begins with "trace 1"`},
		{"trace 2", "1:7: version 2 of the form is not known, 1 is"},
		{"trace 1\nVMC 12 1G", `2:8: "1G" is no word: two hex digits in a block, three with the ninth bit`},
		{"trace 1\nVMC 112 12", "2:9: bytes and words can't be mixed in a line"},
		{"trace 1\nVMC 312", `2:5: "312" is no word: two hex digits in a block, three with the ninth bit`},
		{"trace 1\nпоказал", `2:1: "показал" is no statement (VMC, DEV, MASTER, SLAVE, wait, lost, expect, bus, fidelity, clock, state, assume)`},
		{"trace 1\n  VMC", "2:6: what is said? words, a block, ACK, NAK, RET or break"},
		{"trace 1\nDEV RET", "2:5: RET is not said by this line"},
		{"trace 1\nDEV break 1s", "2:5: only VMC makes a break"},
		{"trace 1\nwait 1h", `2:6: "1h" is no span of time: 2200us, 200ms, 1.5s, 2min`},
		{"trace 1\nwait 0.0000001s", `2:6: "0.0000001s" is no span of time: 2200us, 200ms, 1.5s, 2min`},
		{"trace 1\n@1.5", "2:5: what happened then?"},
		{"trace 1\n@1.5 wait 1s", "2:6: a time stands before VMC, DEV, MASTER or SLAVE"},
		{"trace 1\nVMC 12\nbus exe", `3:1: "bus" stands before the first words`},
		{"trace 1\nbus dex", `2:5: bus "dex": mdb or exe`},
		{"trace 1\ntrace 1", `2:1: "trace" is said twice`},
		{"trace 1\nVMC 110 +0 010", `2:9: "+0" is no spacing: + and µs, between two words`},
		{"trace 1\nVMC 110/ff", `2:5: "ff": flags are of f, b, e, g, o, s, h, each once`},
		{"trace 1\nexpect sail", `2:8: "sail" can't be expected (sale, reversal, return, topup, incident, nothing)`},
		{"trace 1\nexpect sale 45.00 46.00", `2:19: "46.00" is said twice`},
		{"trace 1\nexpect sale amount 45", `2:20: "45" is no sum: 45.00, or unknown`},
		{"trace 1\nclock yesterday @1", `2:7: "yesterday" is no RFC 3339 time`},
		{"trace 1\nstate !!", "2:7: state is not base64"},
		{"trace 1\nVMC 12 \x01", "2:8: not readable text"},
		{"trace 1\n# \xff", "2:3: not readable text"},
		{"trace 1\nVMC" + strings.Repeat(" 12", 36), "2:112: a block has at most 35 bytes and a checksum"},
	} {
		_, err := Parse(strings.NewReader(c.text))
		var e *Error
		if !errors.As(err, &e) || e.Error() != c.want {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
}

func TestExpectationsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, c := range []string{
		"nothing", "sale", "sale A cash item 12 amount 45.00 RUB by cash_sale", "sale B reader2 item ? amount unknown currency 0007",
		"sale A cash 30.00 + reader1 15.00 item 7 amount 45.00 EUR", "incident reader_fault", "reversal A reader1 requested 40.00",
		"sale C cash amount 40.00 RUB by ledger tendered 50.00 change 10.00",
	} {
		f := parse(t, "trace 1\nexpect "+c)
		if got := f.Items[1].Expect.String(); got != c {
			t.Errorf("%q became %q", c, got)
		}
	}
}

// Whatever was heard can be written and read again, word for word.
func TestWordsSurviveTheForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fid := Fidelity{rapid.Bool().Draw(t, "mode"), rapid.Bool().Draw(t, "sums"), rapid.Bool().Draw(t, "times"), true}
		at := int64(0)
		ws := rapid.SliceOf(rapid.Custom(func(t *rapid.T) mdb.Word {
			at += rapid.SampledFrom([]int64{0, 1, 1145, 1146, 1147, 5000, 100_000, 70_000_000}).Draw(t, "dt")
			return mdb.Word{T: at, V: rapid.Uint16Range(0, 0x1FF).Draw(t, "v"), Line: mdb.Line(rapid.IntRange(0, 3).Draw(t, "line")),
				Flags: mdb.Flags(rapid.IntRange(0, 63).Draw(t, "flags"))}
		})).Draw(t, "words")
		f := File{Items: Group(Heading(Header{Bus: "mdb", Fidelity: fid}), ws, fid)}
		text := f.Append(nil)
		g, err := Parse(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if d := cmp.Diff(ws, g.Words(), cmp.Transformer("empty", func(w []mdb.Word) []mdb.Word { return append([]mdb.Word{}, w...) })); d != "" {
			t.Fatalf("%s\n%s", d, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob("check/testdata/*.trace")
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("trace 1\nbus exe\nfidelity nothing\nclock 2026-07-01T12:00:00Z @12.5\nstate AAEC\nassume changer credits 1 2\nassume line 3 1.00\n@1 VMC 110 +1300 010/fg # x\nlost why\nexpect sale A cash 1.00 + reader1 2.00 item ?\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		text := a.Append(nil)
		c, err := Parse(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("own text is refused: %v\n%s", err, text)
		}
		if d := cmp.Diff(a.Items, c.Items); d != "" {
			t.Fatalf("other items: %s\n%s", d, text)
		}
		if !reflect.DeepEqual(a.Words(), c.Words()) {
			t.Fatalf("other words\n%s", text)
		}
	})
}
