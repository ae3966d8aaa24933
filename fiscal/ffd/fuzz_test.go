package ffd

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func seeds(f *testing.F) {
	for _, name := range []string{"receipt-1.2", "receipt-1.05", "correction-1.2"} {
		f.Add(worked(f, name))
	}
	f.Add([]byte{3, 0, 4, 0, 35, 4, 0, 0})
	f.Add([]byte{})
}

// Whatever parses is encoded back to the same bytes, and can be checked, read,
// shown and exported.
func FuzzParseDocument(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, n, err := ParseDocument(b)
		if err != nil {
			return
		}
		if got := AppendDocument(nil, doc); !bytes.Equal(got, b[:n]) {
			t.Fatalf("%x encoded again as %x", b[:n], got)
		}
		for _, p := range ValidateAgainst(doc, doc) {
			_ = p.Fault().Error()
		}
		Validate(doc)
		_, _, _ = DecomposeReceipt(doc)
		_, _ = DecomposeShift(doc)
		_, _ = DecomposeRegistration(doc)
		_, _ = DecomposeState(doc)
		_, _ = DecomposeFNClose(doc)
		_, _ = DecomposeConfirmation(doc)
		for _, lang := range []string{"ru", "en"} {
			if text := AppendText(nil, doc, lang); !utf8.Valid(text) {
				t.Fatalf("%q", text)
			}
		}
		if _, err := json.Marshal(ExportTicket(doc, nil)); err != nil {
			t.Fatal(err)
		}
	})
}

// A container that parses is written back to the same bytes.
func FuzzParseContainer(f *testing.F) {
	seeds(f)
	raw := worked(f, "receipt-1.2")
	for _, w := range []Wrapping{Stored, Framed, Session} {
		c := Container{Wrapping: w, Raw: raw, Sign: []byte{0x81, 6, 1, 2, 3, 4, 5, 6}, Padding: []byte{0, 0}}
		c.Header.Code = 3
		f.Add(AppendContainer(nil, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, n, err := ParseContainer(b)
		if err != nil {
			return
		}
		if n <= 0 || n > len(b) || !bytes.Equal(AppendContainer(nil, c), b[:n]) {
			t.Fatalf("%x (%d) written back as %x", b, n, AppendContainer(nil, c))
		}
		if c.Offset+len(c.Raw) > n {
			t.Fatal(c.Offset, len(c.Raw), n)
		}
	})
}
