package register

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// logged is one line of a capture: '>' host, '<' device, '#' remark.
type logged struct {
	from  byte
	bytes []byte
	text  string
}

// captures reads the Shtrih folder of $CHEKOMAT_TRACES, ../shared/traces beside
// the repository by default.
func captures(t testing.TB) map[string][]logged {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "kkt", "shtrih", "*.hex"))
	if len(files) == 0 {
		t.Skipf("CHEKOMAT_TRACES absent: no kkt/shtrih/*.hex in %s", dir)
	}
	out := map[string][]logged{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var ls []logged
		for s := range strings.Lines(string(b)) {
			s = strings.TrimSpace(s)
			if s == "" {
				continue
			}
			l := logged{from: s[0], text: s}
			if s[0] != '#' {
				if l.bytes, err = hex.DecodeString(strings.ReplaceAll(s[1:], " ", "")); err != nil {
					t.Fatalf("%s: %q: %v", f, s, err)
				}
			}
			ls = append(ls, l)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".hex")] = ls
	}
	return out
}

// captured is one capture; a folder need not have it.
func captured(t testing.TB, name string) []logged {
	t.Helper()
	lines := captures(t)[name]
	if lines == nil {
		t.Skip("not in the folder of captures: " + name)
	}
	return lines
}

// Every frame of every capture passes the receiver and is written again byte
// for byte: framing, checksums, stuffing and numbers.
func TestCapturedFramesComeBackByteForByte(t *testing.T) {
	frames := 0
	for name, lines := range captures(t) {
		for _, l := range lines {
			frame := quiet(l.bytes)
			if len(frame) < 4 {
				continue
			}
			frames++
			var got []byte
			switch {
			case frame[0] == stx:
				var r receiverV1
				if last(r.push, l.bytes) != evFrame {
					t.Errorf("%s: %s: not taken", name, l.text)
				}
				got = appendFrameV1(nil, r.data)
			case frame[0] == stx2:
				var r receiverV2
				if last(r.push, l.bytes) != evFrame {
					t.Errorf("%s: %s: not taken", name, l.text)
				}
				if r.empty {
					continue // asks for the last reply
				}
				got = appendFrameV2(nil, r.num, r.data)
			}
			if !bytes.Equal(got, frame) {
				t.Errorf("%s: wrote % X\nwant      % X", name, got, frame)
			}
		}
	}
	t.Logf("%d frames", frames)
}

// quiet leaves out the noise some hosts and links put before a frame.
func quiet(b []byte) []byte {
	for len(b) > 0 && (b[0] == 0 || b[0] == 0xFF) {
		b = b[1:]
	}
	return b
}

func last(push func(byte) event, b []byte) (e event) {
	for _, c := range b {
		e = push(c)
	}
	return e
}

// world is a register whose clock stands still until a test moves it.
type world struct {
	*Register
	t   testing.TB
	now time.Time
}

func newWorld(t testing.TB, now time.Time, cfg Config) *world {
	w := &world{t: t, now: now}
	cfg.Clock, cfg.Zone = func() time.Time { return w.now }, time.UTC
	w.Register = start(t, cfg)
	return w
}

// exec runs a command beside the link and wants no error.
func (w *world) exec(data []byte) []byte {
	w.t.Helper()
	out := w.dev.Execute(data)
	at := 1
	if out[0] == 0xFF {
		at = 2
	}
	if out[at] != errNone {
		w.t.Fatalf("% X answered %02X (%s)", data, out[at], errorText(out[at]))
	}
	return out[at+1:]
}

// documents makes receipts in an open shift until the last ФД is n.
func (w *world) documents(n uint32) {
	w.t.Helper()
	if !w.dev.fn.ShiftState().Open {
		w.exec(cmd(0xE0))
	}
	for w.dev.fn.Status().LastFD < n {
		w.exec(cmd(0x8D, 0))
		w.exec(sale(1, 100, 0x08, "x"))
		w.exec(closeBy(100, 0, 1))
	}
}

// Replies whose every byte the emulator can be brought to say: the state is
// set up, the captured request is sent over TCP, the captured reply is wanted.
func TestCapturedRepliesRegenerated(t *testing.T) {
	at := func(y, m, d, h, min int) time.Time { return time.Date(y, time.Month(m), d, h, min, 0, 0, time.UTC) }
	for _, c := range []struct {
		file    string
		request string // the captured request, as it begins after STX and LEN
		cfg     Config
		now     time.Time
		setup   func(*world)
	}{
		{"v1_fn_status_doc_open", "FF01", Config{FN: "9999078900007903"}, at(2019, 2, 26, 18, 13), func(w *world) {
			w.documents(135)
			w.exec(cmd(0x41))
			w.exec(cmd(0xFF41))
		}},
		{"v1_fn_status_production", "FF01", Config{FN: "9287440301120991"}, at(2021, 7, 29, 11, 29), func(w *world) { w.documents(425) }},
		{"v1_fn_status_production", "88", Config{}, at(2021, 7, 29, 11, 29), func(w *world) {
			w.documents(2)
			w.exec(cmd(0x8D, 0))
		}},
		{"v1_fn_validity", "FF03", Config{FNLife: 24 * time.Hour}, at(2024, 1, 31, 0, 0), func(*world) {}},
		{"v1_ofd_status_all_sent", "FF39", Config{}, at(2024, 1, 31, 0, 0), func(w *world) { w.dev.confirmAll() }},
		{"v1_rndis_open_receipt", "8D", Config{}, at(2024, 1, 31, 0, 0), func(w *world) { w.exec(cmd(0xE0)) }},
		{"v1_status_table_register", "1F", Config{}, at(2024, 1, 31, 0, 0), func(w *world) {
			w.exec(cmd(0x1E, append([]byte{2, 1, 0, 2}, cp1251("Кассир Иванов")...)...))
		}},
		{"v1_status_table_register", "1B", Config{}, at(2024, 1, 31, 0, 0), func(*world) {}},
		{"v1_paper_break_after_close", "FF3B", Config{}, at(2024, 1, 31, 0, 0), torn},
		{"v1_paper_break_after_close", "FF3A", Config{}, at(2024, 1, 31, 0, 0), torn},
		{"v2_long_status_fonts_errtext", "6B", Config{}, at(2024, 1, 31, 0, 0), func(*world) {}},
		{"v2_tlv_read_part", "2D", Config{}, at(2024, 1, 31, 0, 0), func(*world) {}},
	} {
		t.Run(c.file+"/"+c.request, func(t *testing.T) {
			request, reply := exchange(t, captured(t, c.file), c.request)
			w := newWorld(t, c.now, c.cfg)
			c.setup(w)
			out := w.dev.Execute(request)
			if !bytes.Equal(out, reply) {
				t.Fatalf("% X answered\n% X, want\n% X", request, out, reply)
			}
		})
	}
}

func torn(w *world) {
	w.documents(29)
	if err := w.Inject(Fault{Kind: faults.PaperOut, When: faults.After}); err != nil {
		w.t.Fatal(err)
	}
}

// exchange finds a captured request by its code and the reply of that code.
func exchange(t *testing.T, lines []logged, code string) (request, reply []byte) {
	t.Helper()
	want, _ := hex.DecodeString(code)
	for _, l := range lines {
		data := payload(l.bytes)
		if !bytes.HasPrefix(data, want) {
			continue
		}
		if l.from == '>' {
			request = data
		} else if request != nil {
			return request, data
		}
	}
	t.Fatalf("no exchange %s", code)
	return nil, nil
}

func payload(frame []byte) []byte {
	if frame = quiet(frame); len(frame) < 4 {
		return nil
	}
	if frame[0] == stx {
		return frame[2 : len(frame)-1]
	}
	var r receiverV2
	last(r.push, frame)
	return r.data
}

// Captured requests the emulator must accept as a real device did.
func TestCapturedRequestsAccepted(t *testing.T) {
	for _, one := range []struct {
		file string
		sum  int64
	}{{"v1_close_receipt_ok", 10000}, {"v1_paper_break_after_close", 5000}} {
		t.Run(one.file, func(t *testing.T) {
			request, reply := exchange(t, captured(t, one.file), "FF45")
			w := newWorld(t, noon, Config{})
			c := dial(t, w.Register)
			w.exec(cmd(0xE0))
			w.exec(cmd(0x8D, 0))
			w.exec(sale(1, one.sum, 0x08, "x"))
			out, err := c.do(request...)
			if err != nil || len(out) != len(reply) || !bytes.Equal(out[:8], reply[:8]) {
				t.Fatalf("% X, %v; the device said % X", out, err, reply)
			}
		})
	}
	for file, code := range map[string]byte{"v1_tcp_print_line_ack": 0x1E, "v1_rndis_long_status": 0x2E, "v1_long_status_printing": 0x11} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t, noon, Config{})
			for _, l := range captured(t, file) {
				if data := payload(l.bytes); l.from == '>' && len(data) > 0 && data[0] == code {
					w.exec(data)
				}
			}
		})
	}
	t.Run("11h", func(t *testing.T) {
		_, reply := exchange(t, captured(t, "v1_long_status_printing"), "11")
		if w := newWorld(t, noon, Config{}); len(w.exec(cmd(0x11)))+2 != len(reply) {
			t.Fatal("11h has another length than the device's")
		}
	})
	if out := newWorld(t, noon, Config{}).exec([]byte{0xFC}); out[2] != 1 || len(out) < 7 {
		t.Fatalf("FCh: % X", out)
	}
}

// The synthetic exchange of a lost FF45h answer, line by line over TCP: every
// host line is sent, every device line is compared. What cannot be equal (fake
// ФП, reserved bytes, the longer real document) is masked.
func TestSyntheticLostAnswerReplayed(t *testing.T) {
	lines := captured(t, "synthetic_v1_lost_close_answer_fiscalized")
	w := newWorld(t, time.Date(2026, 3, 6, 13, 50, 0, 0, time.UTC), Config{FN: "9999078900012345", ShortStatus: true})
	w.documents(1000)
	w.now = w.now.Add(2 * time.Minute)
	if err := w.Inject(Fault{Kind: faults.Cut, Command: "FF45", Drop: true}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, w.Register)
	var elements []byte
	reading := false
	for _, l := range lines {
		switch {
		case l.text == "# reconnect":
			c = dial(t, w.Register)
		case l.from == '>':
			if reading = bytes.HasPrefix(payload(l.bytes), []byte{0xFF, 0x3B}); reading {
				continue // the real document has more elements: read below
			}
			if _, err := c.raw(0, l.bytes...); err != nil {
				t.Fatal(err)
			}
		case l.from == '<' && len(l.bytes) == 1 && !reading:
			got, err := c.raw(1)
			if err != nil || got[0] != l.bytes[0] {
				t.Fatalf("%s: got % X, %v", l.text, got, err)
			}
		case l.from == '<' && len(l.bytes) > 1:
			want := payload(l.bytes)
			if want[0] == 0xFF && want[1] == 0x3B {
				elements = append(elements, want[3:]...)
				continue
			}
			got, err := c.answer()
			if err != nil {
				t.Fatalf("%s: %v", l.text, err)
			}
			mask(got)
			mask(want)
			if !bytes.Equal(got, want) {
				t.Fatalf("got  % X\nwant % X", got, want)
			}
		}
	}
	fn.Elements(elements, func(number uint16, v []byte) bool {
		if !bytes.Contains(w.Archive()[1000].TLV, fn.AppendTLV(nil, number, v)) {
			t.Errorf("document 1001 lacks %d % X", number, v)
		}
		return true
	})
}

// mask blanks what a stand-in cannot share with another device.
func mask(b []byte) {
	switch {
	case b[0] == 0x10:
		clear(b[3:5])
		clear(b[8:])
	case b[0] == 0xFF && b[1] == 0x0A:
		clear(b[14:18])
	case b[0] == 0xFF && b[1] == 0x3A:
		clear(b[5:7])
	}
}

func TestClosingAnswerOfTheReference(t *testing.T) {
	lines := captured(t, "synthetic_v1_receipt_ok")
	w := newWorld(t, time.Date(2026, 3, 6, 13, 52, 0, 0, time.UTC), Config{FN: "9999078900012345"})
	w.documents(1000)
	for _, l := range lines {
		if l.from != '>' || len(l.bytes) < 4 {
			continue
		}
		out := w.exec(payload(l.bytes))
		if bytes.HasPrefix(payload(l.bytes), []byte{0xFF, 0x45}) {
			if len(out) != 13 || binary.LittleEndian.Uint32(out[5:]) != 1001 {
				t.Fatalf("% X", out)
			}
		}
	}
}
