package evadts

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// worked is the report of evadts 2.2.
const worked = "DXS*FSC0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*FSC0000042*TESTVEND*0100***A-17\r\nID4*2*1643*RUB\r\n" +
	"VA1*12500*3*5000*1\r\nCA2*7500*2*0*0\r\nDA2*5000*1*5000*1\r\nPA1*11*2500\r\nPA7*11*CA*0*2500*1*2500*0*0\r\n" +
	"PA1*12*5000\r\nPA7*12*CA*0*5000*1*5000*0*0\r\nPA7*12*DA*1*5000*1*5000*1*5000\r\n" +
	"EA3*4*251101*1200**251101*0900***4*2\r\nG85*41DC\r\nSE*14*0001\r\nDXE*1*1\r\n"

func parseOne(t testing.TB, text string) Report {
	t.Helper()
	rs, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rs[0]
}

func TestCRC16CheckValue(t *testing.T) {
	if c := CRC16(0, []byte("123456789")); c != 0xBB3D {
		t.Errorf("%04X, want BB3D", c)
	}
	if b := AppendCRC16(nil, []byte("123456789")); !bytes.Equal(b, []byte{0x3D, 0xBB}) {
		t.Errorf("% X", b)
	}
}

func TestWorkedReport(t *testing.T) {
	if len(worked) != 332 {
		t.Errorf("%d bytes", len(worked))
	}
	r := parseOne(t, worked)
	a := Read(r)
	if a.Seal != (Seal{SealOK, "41DC", "41DC"}) || !a.Complete || a.Segments != (Count{14, 14, true, true}) || len(a.Notes) != 0 {
		t.Errorf("%+v %+v %+v", a.Seal, a.Segments, a.Notes)
	}
	if a.Machine.Serial != "FSC0000042" || a.Machine.Asset != "A-17" || !a.Money.Rouble() || a.Money.ISO() != 643 {
		t.Errorf("%+v %+v", a.Machine, a.Money)
	}
	if len(a.Products) != 2 || len(a.Rows) != 3 || a.Reads.Count.N != 4 || a.Reads.Resets.N != 2 || r.Element("PA1", 2) != "2500" {
		t.Errorf("%+v", a)
	}
	if got := string(Append(nil, r.Sealed())); got != worked {
		t.Errorf("sealed anew:\n%s", got)
	}
}

// TestDeviations has a row for each line of evadts 2.3 that concerns the envelope.
func TestDeviations(t *testing.T) {
	without := func(id string) string {
		var b strings.Builder
		for l := range strings.Lines(worked) {
			if !strings.HasPrefix(l, id+"*") {
				b.WriteString(l)
			}
		}
		return b.String()
	}
	body := worked[strings.Index(worked, "ST*"):strings.Index(worked, "G85")]
	open := strings.Replace(worked, "41DC", fmt.Sprintf("%04X", CRC16(0, []byte(strings.TrimSuffix(body, "\r\n")))), 1)
	for _, c := range []struct {
		name, text string
		status     SealStatus
		whole      bool // without a transport that proves
		proved     bool // with one
	}{
		{"as it should be", worked, SealOK, true, true},
		{"lower case", strings.Replace(worked, "41DC", "41dc", 1), SealOK, true, true},
		{"bytes swapped (Rhea)", strings.Replace(worked, "41DC", "DC41", 1), SealSwapped, true, true},
		{"without the last CR LF (N&W)", open, SealWithoutLastCRLF, true, true},
		{"edited", strings.Replace(worked, "2500", "2600", 1), SealMismatch, false, false},
		{"no number", strings.Replace(worked, "41DC", "41D", 1), SealMalformed, false, false},
		{"G85 missing", without("G85"), SealAbsent, false, true},
		{"ST missing", without("ST"), SealWithoutStart, false, true},
		{"DXE missing, G85 holds", without("DXE"), SealOK, true, true},
		{"DXE and G85 missing", strings.Replace(without("DXE"), "G85*41DC\r\n", "", 1), SealAbsent, false, false},
		{"SE off by tens", strings.Replace(worked, "SE*14", "SE*54", 1), SealOK, true, true},
		{"LF only", strings.ReplaceAll(worked, "\r\n", "\n"), SealOK, true, true},
		{"CR only", strings.ReplaceAll(worked, "\r\n", "\r"), SealOK, true, true},
		{"reader's wrapper", "<000|Ops|\x11>" + worked + "<AAAA|BBBB>", SealOK, true, true},
		{"line before DXS", "MC5*SiLine*EvaData\r\n" + worked, SealOK, true, true},
		{"private records behind", worked + "@$1*x\r\nSE-1*3\r\n", SealOK, true, true},
		{"no line end at the end", strings.TrimRight(worked, "\r\n"), SealOK, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parseOne(t, c.text)
			if got := r.Seal().Status; got != c.status {
				t.Errorf("seal %s, want %s", got, c.status)
			}
			if r.Whole(false) != c.whole || r.Whole(true) != c.proved {
				t.Errorf("whole %v, proved %v", r.Whole(false), r.Whole(true))
			}
			if got := string(Append(nil, r)); got != c.text {
				t.Errorf("appended again: %q", got)
			}
			if a := Read(r); a.Machine.Serial != "FSC0000042" {
				t.Errorf("serial %q", a.Machine.Serial)
			}
		})
	}
}

func TestParseErrorsHaveAnOffset(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want error
	}{{nil, ErrNoReport}, {[]byte("hello\r\nworld\r\n"), ErrNoReport}, {make([]byte, MaxFile+1), ErrTooLong}} {
		_, err := Parse(c.in)
		var at *SyntaxError
		if !errors.Is(err, c.want) || !errors.As(err, &at) {
			t.Errorf("%v", err)
		}
	}
}

func TestSegmentsKnowTheirPlace(t *testing.T) {
	file := "MC5*1\n<x>" + worked + "junk\n" + worked
	rs, err := Parse([]byte(file))
	if err != nil || len(rs) != 2 {
		t.Fatalf("%d reports, %v", len(rs), err)
	}
	for _, r := range rs {
		for _, ss := range [][]Segment{r.Before, r.Segments, r.After} {
			for _, s := range ss {
				if !strings.HasPrefix(file[s.Offset:], s.ID) {
					t.Errorf("%s is not at %d", s.ID, s.Offset)
				}
			}
		}
	}
	if rs[0].Wrapper != "<x>" || len(rs[0].Before) != 1 || len(rs[0].After) != 1 || rs[0].After[0].ID != "junk" {
		t.Errorf("%+v", rs[0])
	}
}

func TestText(t *testing.T) {
	for _, c := range [][2]string{
		{"plain", "plain"}, {"a^2A^b", "a*b"}, {"^5E^", "^"}, {"^CF^^F0^^E8^^E2^^E5^^F2^", "Привет"},
		{"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"}, {"Привет", "Привет"}, {"JOF050287      ", "JOF050287"},
		{"^", "^"}, {"^2", "^2"}, {"^zz^", "^zz^"}, {"^2A", "^2A"}, {"", ""},
	} {
		if got := Text(c[0]); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
	for _, s := range []string{"a*b^c", "Привет, №5", "x\ry"} {
		if got := Text(Escape(s)); got != s {
			t.Errorf("%q came back as %q (%q)", s, got, Escape(s))
		}
	}
	if Escape("日") != "?" {
		t.Error("what the page lacks is not a question mark")
	}
}

func TestCounters(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Counter
	}{
		{"", Counter{}}, {"  ", Counter{}}, {"0", Counter{0, Known}}, {"00001234", Counter{1234, Known}}, {" 7 ", Counter{7, Known}},
		{"4294967295", Counter{0, NotAvailable}}, {"-1", Counter{0, Unintelligible}}, {"1.5", Counter{0, Unintelligible}},
		{"999999999999", Counter{999999999999, Known}}, {"1000000000000", Counter{0, Unintelligible}}, {"9999999999999999999", Counter{0, Unintelligible}},
		{strings.Repeat("0", 40) + "5", Counter{5, Known}},
	} {
		if got := parseCounter(c.in); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.in, got, c.want)
		}
	}
	if parsePrice("65535").Known() || !parsePrice("65534").Known() {
		t.Error("price 65535 is a price nobody set")
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		text    string
		iso     int
		kopecks int64 // of 500
		ok      bool
		decimal string
	}{
		{"ID4*1*7*   ", 643, 5000, true, "50.0"}, {"ID4*0*0007*001", 643, 50000, true, "500"}, {"ID4*2*1643*RUB", 643, 500, true, "5.00"},
		{"ID4*2*1810", 643, 500, true, "5.00"}, {"ID4*2*1978*EUR", 978, 500, true, "5.00"}, {"ID4*2*039", 0, 500, true, "5.00"},
		{"ID4*2*FFFF*1", 0, 500, true, "5.00"}, {"ID4*3*1643", 643, 50, true, "0.500"}, {"ID4*5*1643", 643, 0, false, "0.00500"},
		{"ID4", 0, 500, true, "5.00"}, {"ID4*99*1643", 643, 500, true, "5.00"},
	} {
		m := parseMoney(parseOne(t, "VA1*1\r\n"+c.text).Segments[1])
		got, ok := m.Minor(500)
		if m.ISO() != c.iso || m.Rouble() != (c.iso == 643) || ok != c.ok || ok && got != c.kopecks || m.Decimal(500) != c.decimal {
			t.Errorf("%s: %+v ISO %d, %d %v, %s", c.text, m, m.ISO(), got, ok, m.Decimal(500))
		}
	}
	if _, ok := (Money{Decimals: 0}).Minor(1 << 62); ok {
		t.Error("an overflow was not seen")
	}
	if s := (Money{Decimals: 2}).Decimal(-5); s != "-0.05" {
		t.Error(s)
	}
}

// TestLineEndsNeverChangeTheVerdict: the seal is over CR LF, whatever the file has.
func TestLineEndsNeverChangeTheVerdict(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for l := range strings.Lines(worked) {
			b.WriteString(strings.TrimSuffix(l, "\r\n"))
			b.WriteString(rapid.SampledFrom([]string{"\r\n", "\n", "\r\n"}).Draw(rt, "end"))
		}
		rs, err := Parse([]byte(b.String()))
		if err != nil || rs[0].Seal().Status != SealOK {
			rt.Fatalf("%v %+v", err, rs)
		}
	})
}

// TestDamageIsSeen: one changed byte between ST and G85 never leaves the seal whole.
func TestDamageIsSeen(t *testing.T) {
	from, to := strings.Index(worked, "ST*"), strings.Index(worked, "G85*")
	rapid.Check(t, func(rt *rapid.T) {
		b := []byte(worked)
		b[rapid.IntRange(from, to-1).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		rs, err := Parse(b)
		if err != nil {
			rt.Fatal(err)
		}
		if status := rs[0].Seal().Status; status.Holds() && !bytes.Equal(normal(b), normal([]byte(worked))) {
			rt.Fatalf("%s for %q", status, b)
		}
	})
}

// normal is a report as the seal sees it: any line end is CR LF.
func normal(b []byte) []byte {
	s := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\r", "\n")
	return []byte(strings.ReplaceAll(s, "\n", "\r\n"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(worked))
	f.Add([]byte("<0|>DXS*X*VA*1\nST*\nPA1**1*5\nPA7*1*CA*0*4294967295*1*-1\nG85*zz\nSE*x\nDXE*1*1\n<A>"))
	f.Add([]byte("MC5*1\rDXS*1\n\nDXS*2\r\n\r\nTA2*1*2*3*4*5*6*7*8*9\nEA2*^CF^*1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := Parse(b)
		if err != nil {
			return
		}
		var again []byte
		for _, r := range rs {
			again = Append(again, r)
			a := Read(r)
			Diff(a, a, Conditions{TransportProved: true})
			sealed := r.Sealed()
			if st := sealed.Seal().Status; st != SealOK && st != SealWithoutStart {
				t.Fatalf("sealed anew: %s", st)
			}
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%q came back as %q", b, again)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("a^2A^b\xcf")
	f.Fuzz(func(t *testing.T, s string) {
		_ = Text(s)
		if e := Escape(s); strings.ContainsAny(e, "*\r\n") {
			t.Fatalf("%q", e)
		}
	})
}
