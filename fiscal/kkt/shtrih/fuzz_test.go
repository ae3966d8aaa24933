package shtrih

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
)

func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 255).Draw(t, "data")
		frame := AppendFrame(nil, data)
		got, n, err := ParseFrame(append(frame, 0x55))
		if err != nil || n != len(frame) || !bytes.Equal(got, data) {
			t.Fatal(n, err)
		}
		for i := range frame {
			if _, _, err := ParseFrame(frame[:i]); !errors.Is(err, ErrShort) {
				t.Fatalf("%d of %d bytes: %v", i, len(frame), err)
			}
		}
		num := rapid.Uint16().Draw(t, "num")
		frame = AppendFrame2(nil, num, data, true)
		f, n, err := ParseFrame2(append(frame, Start))
		if err != nil || n != len(frame) || !f.Numbered || f.Num != num || !bytes.Equal(f.Data, data) {
			t.Fatal(f, n, err)
		}
		for i := range frame {
			if _, _, err := ParseFrame2(frame[:i]); !errors.Is(err, ErrShort) {
				t.Fatalf("%d of %d bytes: %v", i, len(frame), err)
			}
		}
		// one damaged bit never passes
		at, bit := rapid.IntRange(1, len(frame)-1).Draw(t, "at"), rapid.IntRange(0, 7).Draw(t, "bit")
		frame[at] ^= 1 << bit
		if f, n, err := ParseFrame2(frame); err == nil && n == len(frame) {
			t.Fatalf("damaged at %d: %+v", at, f)
		}
	})
}

func seed(f *testing.F, add func([]byte)) {
	files, _ := filepath.Glob(filepath.Join(traces(f, "kkt/shtrih"), "*.hex"))
	for _, path := range files {
		for _, m := range capture(f, path) {
			add(m.bytes)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		if data, n, err := ParseFrame(b); err == nil && !bytes.Equal(AppendFrame(nil, data), b[:n]) {
			t.Fatalf("% X", b)
		}
		if fr, n, err := ParseFrame2(b); err == nil && !bytes.Equal(AppendFrame2(nil, fr.Num, fr.Data, fr.Numbered), b[:n]) {
			t.Fatalf("% X", b)
		}
	})
}

func FuzzReplies(f *testing.F) {
	seed(f, func(b []byte) {
		if data, _, err := ParseFrame(b); err == nil {
			f.Add(data)
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, ok := ReplyCode(data)
		if !ok {
			return
		}
		b, err := ParseReply(c, data)
		if err != nil {
			problem(err)
			return
		}
		parseShortStatus(b)
		parseLongStatus(b)
		parseFNStatus(b)
		parseShiftState(b)
		parseClosed(b)
		parseFixed(b)
		parseResource(b)
		parseShortDocument(b)
		parseRegistration(b)
		parseExchange(b)
		doc := readback.Assemble(3, len(b), b, true)
		doc.Key()
		doc.Bytes()
		compare(program{}, doc)
		doc.Machine()
	})
}

func FuzzProgram(f *testing.F) {
	f.Add([]byte(`{"v":1,"document":{"kind":"receipt"},"steps":[{"c":"FF45","p":"00"}]}`))
	f.Add([]byte(`{"v":1,"document":{"kind":"shift_open"},"steps":[{"c":"E0"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseProgram(kkt.Wire{Driver: Name, Bytes: b})
		if err != nil {
			return
		}
		for _, s := range p.Steps {
			AppendFrame(nil, AppendRequest(nil, s.Code, 30, s.Params))
		}
	})
}
