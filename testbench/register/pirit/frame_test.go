package pirit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/testbench/fn"
)

// push feeds bytes and collects what the receiver makes of them.
func push(r *receiver, b []byte) (frames []frame, enqs int) {
	for _, c := range b {
		switch r.push(c) {
		case evENQ:
			enqs++
		case evFrame:
			frames = append(frames, r.f)
		}
	}
	return frames, enqs
}

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The worked frames of kkt-others.md §2.6.
func TestWorkedFrames(t *testing.T) {
	r := &receiver{password: "PIRI"}
	for s, want := range map[string]frame{
		"02 50 49 52 49 20 31 30 30 36 30 33 32 36 1C 31 33 35 32 30 30 03 33 38": {id: 0x20, code: 0x10, fields: []string{"060326", "135200"}},
		"02 50 49 52 49 21 30 30 03 32 30":                                        {id: 0x21},
		"02 50 49 52 49 22 37 38 33 03 31 46":                                     {id: 0x22, code: 0x78, fields: []string{"3"}},
		"02 50 49 52 49 26 34 37 31 1C 35 30 2E 30 30 1C 03 33 45":                {id: 0x26, code: 0x47, fields: []string{"1", "50.00", ""}},
		"02 50 49 52 49 29 30 33 32 03 31 39":                                     {id: 0x29, code: 0x03, fields: []string{"2"}},
	} {
		b := bytesOf(t, s)
		got, enqs := push(r, append([]byte{enq, 0x0A, 0xFF}, b...))
		if len(got) != 1 || enqs != 1 || got[0].id != want.id || got[0].code != want.code || got[0].bad != 0 || !slices.Equal(got[0].fields, want.fields) {
			t.Errorf("%s: %+v, %d ENQ", s, got, enqs)
		}
		for i := range b {
			if i == 0 {
				continue
			}
			damaged := slices.Clone(b)
			damaged[i] ^= 0x02
			frames, _ := push(r, damaged)
			if len(frames) > 0 && frames[0].bad == 0 {
				t.Errorf("%s damaged at %d: %+v", s, i, frames)
			}
			if r.midFrame() {
				if f := r.timeout(); f.bad != errByteGap {
					t.Errorf("timeout gives %+v", f)
				}
			}
		}
	}
	// The answers of the reference end without a separator, those of the
	// captures with one: both forms are met, this device writes the latter.
	if got := appendAnswer(nil, 0x22, 0x78, 0, []string{"3", "1000"}); string(got[:len(got)-4]) != "\x02\x227800"+"3\x1C1000" {
		t.Errorf("% X", got)
	}
}

func TestBadFrames(t *testing.T) {
	r := &receiver{password: "PIRI"}
	if f, _ := push(r, append([]byte{stx}, bytes.Repeat([]byte{'x'}, maxFrame+10)...)); len(f) == 0 || f[0].bad != errOverflow {
		t.Errorf("%+v", f)
	}
	_, _ = push(r, []byte{etx, '0', '0'})
	body := []byte("ABCD\x2100\x03")
	b := append(append([]byte{stx}, body...), []byte(strings.ToUpper(hex.EncodeToString([]byte{xor(body)})))...)
	if f, _ := push(r, b); len(f) != 1 || f[0].bad != errPassword || f[0].id != 0x21 {
		t.Errorf("%+v", f)
	}
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte("\x02PIRI\x2100\x0320"))
	f.Add([]byte{enq, stx, etx, '0', '0'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &receiver{password: "PIRI"}
		frames, _ := push(r, b)
		for _, f := range frames {
			if f.id < 0x20 || f.id > 0xF0 {
				t.Fatalf("% X: %+v", b, f)
			}
			appendAnswer(nil, f.id, f.code, f.bad, f.fields)
		}
	})
}

// FuzzExecute sends one command of any fields to a device in the middle of a
// receipt.
func FuzzExecute(f *testing.F) {
	f.Add(byte(0x42), "Вода|1|1|50.00|3||||||4|1", true)
	f.Add(byte(0x78), "16|0|100", false)
	f.Add(byte(0x31), "1|a@b.ru||место||VM|chekomat|k", true)
	f.Fuzz(func(t *testing.T, code byte, fields string, open bool) {
		d := freshDevice(t, Config{})
		if open {
			do(t, d, 0x23)
			do(t, d, 0x30, "2", "1", "", "", "0")
			do(t, d, 0x42, "x", "", "1", "1.00", "3")
		}
		_, _, _ = d.execute(frame{id: 0x20, code: code, fields: strings.Split(string(fn.CP866(fields)), "|")})
		if st := d.documentStatus(); st < 0 || st > 0xFF {
			t.Fatal(st)
		}
	})
}

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

// Every captured request is a frame the device understands; every captured
// answer has the form the device writes.
func TestCaptures(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(traces(t, "kkt/pirit"), "*.hex"))
	if len(files) == 0 {
		t.Skip("no captures in the folder")
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			b := bytesOf(t, line[1:])
			if len(b) == 1 {
				continue
			}
			if line[0] == '>' {
				r := &receiver{password: "PIRI"}
				got, _ := push(r, b)
				if len(got) != 1 || got[0].bad != 0 {
					t.Errorf("%s: %s: %+v", filepath.Base(path), line, got)
				} else if commands[got[0].code].run == nil {
					t.Logf("%s: %02Xh is no command of this device", filepath.Base(path), got[0].code)
				}
				continue
			}
			if len(b) < 9 {
				t.Errorf("%s: %s is no answer", filepath.Base(path), line)
				continue
			}
			code, _ := parseHex(string(b[2:4]))
			err, _ := parseHex(string(b[4:6]))
			inside := string(b[6 : len(b)-3])
			fields := strings.Split(strings.TrimSuffix(inside, "\x1C"), "\x1C")
			want := b
			if inside == "" {
				fields = nil
			} else if !strings.HasSuffix(inside, "\x1C") { // devices end the fields with a separator or without (kkt-others 2.6)
				body := append(slices.Clone(b[1:len(b)-3]), sep, etx)
				want = fmt.Appendf(append([]byte{stx}, body...), "%02X", xor(body))
			}
			if again := appendAnswer(nil, b[1], code, err, fields); !bytes.Equal(again, want) {
				t.Errorf("%s: % X\nwritten % X", filepath.Base(path), want, again)
			}
		}
	}
}

// The captured receipt in batch mode is made: its open and close are answered,
// what stands between is not.
func TestCapturedBatchReceipt(t *testing.T) {
	path := filepath.Join(traces(t, "kkt/pirit"), "receipt_batch_mode.hex")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	d := freshDevice(t, Config{})
	do(t, d, 0x23)
	answered := ""
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, ">") {
			continue
		}
		frames, _ := push(&receiver{password: "PIRI"}, bytesOf(t, line[1:]))
		f := frames[0]
		if f.code == 0x10 {
			continue // its date is not ours
		}
		code, _, ok := d.execute(f)
		if ok {
			answered += hex2(f.code) + " "
		}
		if code != 0 {
			t.Fatalf("%s: error %02Xh, reason %d", hex2(f.code), code, d.reason)
		}
	}
	last, err := d.fn.Document(uint32(d.fn.Len()))
	if err != nil || answered != "30 31 " || last.Type != fn.TypeReceipt || last.Sum != 10000 || last.Paid["1031"] != 10000 {
		t.Errorf("answered %s, %+v %v", answered, last, err)
	}
}
