package shtrih

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/ffd"
)

// traces finds $CHEKOMAT_TRACES (default: ../shared/traces beside the module)
// and skips where it is absent.
func traces(t testing.TB, sub string) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	for at, _ := os.Getwd(); dir == ""; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir = filepath.Join(at, "..", "shared", "traces")
		} else if at == filepath.Dir(at) {
			t.Fatal("no go.mod above the test")
		}
	}
	dir = filepath.Join(dir, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("CHEKOMAT_TRACES absent: " + dir)
	}
	return dir
}

// message is one line of a capture.
type message struct {
	toDevice bool
	bytes    []byte
}

func capture(t testing.TB, path string) (out []message) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(line[1:], " ", ""))
		if err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		out = append(out, message{line[0] == '>', b})
	}
	return out
}

// Every frame of every capture parses and is written again byte for byte, every
// request is regenerated, every answer has the form its command says.
func TestCaptures(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(traces(t, "kkt/shtrih"), "*.hex"))
	if len(files) == 0 {
		t.Skip("no captures in the folder")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, m := range capture(t, path) {
				b := m.bytes
				for len(b) > 0 && (b[0] == 0 || b[0] == 0xff) { // noise some hosts and links put before a frame
					b = b[1:]
				}
				if len(b) == 0 {
					continue
				}
				if len(b) == 1 {
					if !bytes.Contains([]byte{ENQ, ACK, NAK}, b) {
						t.Errorf("control byte % X", b)
					}
					continue
				}
				switch data := unframe(t, b); {
				case len(data) == 0: // the empty frame of the second link
				case m.toDevice:
					regenerate(t, data)
				default:
					checkReply(t, data)
				}
			}
		})
	}
}

func unframe(t *testing.T, b []byte) []byte {
	t.Helper()
	var data, again []byte
	if b[0] == Start {
		f, n, err := ParseFrame2(b)
		if err != nil || n != len(b) {
			t.Fatalf("% X: %d %v", b, n, err)
		}
		data, again = f.Data, AppendFrame2(nil, f.Num, f.Data, f.Numbered)
	} else {
		var n int
		var err error
		if data, n, err = ParseFrame(b); err != nil || n != len(b) {
			t.Fatalf("% X: %d %v", b, n, err)
		}
		again = AppendFrame(nil, data)
	}
	if !bytes.Equal(again, b) {
		t.Errorf("written again % X, want % X", again, b)
	}
	return data
}

// regenerate makes the request anew from its meaning. What this driver leaves to
// the register (taxes, rounding, text) is left out on both sides.
func regenerate(t *testing.T, data []byte) {
	t.Helper()
	c, rest := Code(data[0]), data[1:]
	if data[0] == 0xff && len(data) > 1 {
		c, rest = 0xff00|Code(data[1]), data[2:]
	}
	password := uint32(0)
	if keyed := len(AppendRequest(nil, c, 0, nil)) > len(data)-len(rest); keyed {
		if len(rest) < 4 {
			t.Fatalf("% X has no password", data)
		}
		password, rest = binary.LittleEndian.Uint32(rest), rest[4:]
	}
	if again := AppendRequest(nil, c, password, rest); !bytes.Equal(again, data) {
		t.Errorf("%s written again % X, want % X", c, again, data)
	}
	if got, want := remake(t, c, bytes.Clone(rest)); !bytes.Equal(got, want) {
		t.Errorf("%s remade % X, want % X", c, got, want)
	}
}

func remake(t *testing.T, c Code, p []byte) (got, want []byte) {
	t.Helper()
	switch {
	case c == cmdOperation && len(p) >= 26:
		const tax = 22 // kkt-shtrih 6.1
		set := Settings{Tax: TaxBytes{fiscal.VATNone: p[tax]}, Department: p[tax+1]}
		name := charset.FromCP1251(bytes.TrimRight(p[tax+4:], "\x00"))
		s, err := set.operation(fiscal.Operation(p[0]), fiscal.Item{
			Name: name, Price: get5(p[7:]), Quantity: get5(p[1:]) | int64(p[6])<<40, Sum: get5(p[12:]), VAT: fiscal.VATNone,
			Method: fiscal.Method(p[tax+2]), Subject: fiscal.Subject(p[tax+3]),
		})
		if err != nil {
			t.Fatal(err)
		}
		copy(p[17:tax], "\xff\xff\xff\xff\xff")
		clean, err := charset.CP1251(charset.Clean(name))
		if err != nil {
			t.Fatal(err)
		}
		return s.Params, append(p[:tax+4], clean...)
	case c == cmdCloseReceipt && len(p) >= 112:
		d, set, cashless := fiscal.Document{TaxSystem: fiscal.TaxSystem(p[111])}, Settings{EcashSlot: 2}, 0
		for i := range 16 {
			v, kind := get5(p[5*i:]), fiscal.Ecash
			switch {
			case v == 0:
				continue
			case i == 0:
				kind = fiscal.Cash
			case i >= 13:
				kind = [...]fiscal.PaymentKind{fiscal.Prepaid, fiscal.Credit, fiscal.Provision}[i-13]
			default:
				set.EcashSlot = i + 1
				if cashless++; cashless > 1 {
					t.Log("several cashless sums: this driver sends one")
					return nil, nil
				}
			}
			d.Payments = append(d.Payments, fiscal.Payment{Kind: kind, Amount: v})
		}
		clear(p[80:111])
		return set.closing(d).Params, p[:112]
	case c == cmdTLV || c == cmdOperationTLV:
		es, err := ffd.ParseChain(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range es {
			if k := e.Type(); k == ffd.Text || k == ffd.FixedText {
				if es[i].Value, err = charset.CP866(e.Text()); err != nil {
					t.Fatal(err)
				}
			}
		}
		return ffd.AppendChain(nil, es), p
	case (c == cmdFindDocument || c == cmdDocumentTLV) && len(p) >= 4:
		return fdParam(binary.LittleEndian.Uint32(p)), p
	}
	return nil, nil
}

// checkReply reads an answer with the parser of its own command, whatever was
// asked: in v2_desync it is the answer of an older command.
func checkReply(t *testing.T, data []byte) {
	t.Helper()
	c, ok := ReplyCode(data)
	if !ok {
		t.Fatalf("% X has no command code", data)
	}
	b, err := ParseReply(c, data)
	var dev *DeviceError
	if errors.As(err, &dev) {
		if react(dev.Code).fault == "" {
			t.Errorf("% X: %v", data, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	parsers := map[Code]func([]byte) error{
		cmdShortStatus:  func(b []byte) error { _, err := parseShortStatus(b); return err },
		cmdLongStatus:   func(b []byte) error { _, err := parseLongStatus(b); return err },
		cmdFNStatus:     func(b []byte) error { _, err := parseFNStatus(b); return err },
		cmdCloseReceipt: func(b []byte) error { _, err := parseClosed(b); return err },
		cmdFix:          func(b []byte) error { _, err := parseFixed(b); return err },
		cmdFindDocument: func(b []byte) error { _, err := parseShortDocument(b); return err },
		cmdExchange:     func(b []byte) error { _, err := parseExchange(b); return err },
		cmdShift:        func(b []byte) error { _, err := parseShiftState(b); return err },
		cmdResource:     func(b []byte) error { _, err := parseResource(b); return err },
		cmdRegistration: func(b []byte) error { _, err := parseRegistration(b); return err },
	}
	if p := parsers[c]; p != nil {
		if err := p(b); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, err := ffd.ParseChain(b); c == cmdReadTLV && err != nil {
		t.Logf("%s: %v (old firmware cuts values)", c, err)
	}
}

// The meaning of the answers as their sources tell it.
func TestCapturedMeaning(t *testing.T) {
	reply := func(c Code, s string) []byte {
		t.Helper()
		raw, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseReply(c, unframe(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	st, _ := parseShortStatus(reply(cmdShortStatus, "02 10 10 00 1E 92 02 08 00 01 9F E5 18 01 00 8B 02 00 6D"))
	if st.Mode != modeDocument || st.Submode != 0 || st.Operator != 30 || st.Flags != 0x0292 {
		t.Errorf("%+v", st)
	}
	fn, _ := parseFNStatus(reply(cmdFNStatus, "02 21 FF 01 00 03 00 00 01 00 15 07 1D 0B 1D 39 32 38 37 34 34 30 33 30 31 31 32 30 39 39 31 A9 01 00 00 68"))
	if fn.Serial != "9287440301120991" || fn.LastFD != 425 || !fn.Open || fn.Phase != phaseInWork || fn.LastAt.Format("2006-01-02 15:04") != "2021-07-29 11:29" {
		t.Errorf("%+v", fn)
	}
	fn, _ = parseFNStatus(reply(cmdFNStatus, "02 21 FF 01 00 03 02 00 00 00 13 02 1A 12 0D 39 39 39 39 30 37 38 39 30 30 30 30 37 39 30 33 88 00 00 00 49"))
	if fn.Document != 2 || fn.Open {
		t.Errorf("shift opening begun: %+v", fn)
	}
	long, _ := parseLongStatus(reply(cmdLongStatus, "02 30 11 00 1E 43 31 CB D3 19 04 12 01 1F 00 92 02 02 00 02 4E 41 00 00 01 01 10 19 0A 12 08 24 15 00 7F 46 02 00 03 00 00 00 00 00 23 C7 49 D1 01 00 B6"))
	if long.Firmware != "C.1" || long.Mode != 2 || long.Clock.Format("2006-01-02 15:04:05") != "2018-10-25 08:36:21" || long.Serial != 149119 || long.INN != 7806240547 {
		t.Errorf("%+v", long)
	}
	c, _ := parseClosed(reply(cmdCloseReceipt, "02 10 FF 45 00 00 00 00 00 00 DC 45 00 00 B5 BC 48 11 63"))
	if c.FD != 17884 || c.FP != 289979573 || c.Change != 0 || !c.At.IsZero() {
		t.Errorf("%+v", c)
	}
	s, _ := parseShortDocument(reply(cmdFindDocument, "02 18 FF 0A 00 03 00 1A 03 06 0D 34 E9 03 00 00 4E 1C AB A1 01 88 13 00 00 00 E0"))
	if s.Type != typeReceipt || s.FD != 1001 || s.FP != 2712345678 || s.Operation != fiscal.Sell || s.Sum != 5000 || s.At.Format("2006-01-02 15:04") != "2026-03-06 13:52" {
		t.Errorf("%+v", s)
	}
	model := reply(cmdDeviceType, "02 12 FC 00 00 00 01 0E 16 00 D0 C8 D2 C5 C9 CB 2D 30 31 D4 02")
	if got := charset.FromCP1251(model[6:]); got != "РИТЕЙЛ-01Ф" {
		t.Error(got)
	}
	e, _, err := ffd.ParseElement(reply(cmdReadTLV, "8F 0F 00 2D 00 FF 3B 00 35 04 06 00 31 04 3E 0B BF F2 BD C0"))
	if prefix, fp, err2 := e.Sign(); err != nil || err2 != nil || prefix != 0x3104 || fp != 1040957426 {
		t.Error(prefix, fp, err, err2)
	}
}

// Frames the reference prints.
func TestPrintedFrames(t *testing.T) {
	for _, c := range []struct {
		code   Code
		params string
		want   string
	}{
		{0x10, "", "02 05 10 1E 00 00 00 0B"},
		{0x11, "", "02 05 11 1E 00 00 00 0A"},
		{0xe0, "", "02 05 E0 1E 00 00 00 FB"},
		{0x41, "", "02 05 41 1E 00 00 00 5A"},
		{0x88, "", "02 05 88 1E 00 00 00 93"},
		{0x8d, "00", "02 06 8D 1E 00 00 00 00 95"},
		{0xb0, "", "02 05 B0 1E 00 00 00 AB"},
		{0x1e, "1101000701", "02 0A 1E 1E 00 00 00 11 01 00 07 01 1C"},
		{0x1e, "1101000702", "02 0A 1E 1E 00 00 00 11 01 00 07 02 1F"},
		{0xff0c, "0C040A00564D2D30303031323334", "02 14 FF 0C 1E 00 00 00 0C 04 0A 00 56 4D 2D 30 30 30 31 32 33 34 F9"},
	} {
		params, _ := hex.DecodeString(c.params)
		got := AppendFrame(nil, AppendRequest(nil, c.code, 30, params))
		if want := strings.ToLower(strings.ReplaceAll(c.want, " ", "")); hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, want %s", c.code, got, want)
		}
	}
	for _, c := range []struct {
		num  uint16
		data string
		some bool
		want string
	}{
		{1, "101E000000", true, "8F 07 00 01 00 10 1E 00 00 00 1F AC"},
		{0x8f, "101E000000", true, "8F 07 00 9F 81 00 10 1E 00 00 00 6E 35"},
		{0, "", false, "8F 00 00 0F 1D"},
		{0, "", true, "8F 02 00 00 00 A8 69"},
	} {
		data, _ := hex.DecodeString(c.data)
		got := AppendFrame2(nil, c.num, data, c.some)
		if want := strings.ToLower(strings.ReplaceAll(c.want, " ", "")); hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
}
