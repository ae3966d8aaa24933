package ffd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The container and the session header printed in the FN reference, 9.
func TestContainerVector(t *testing.T) {
	c := Container{
		Wrapping: Session, Raw: worked(t, "receipt-1.2"), Sign: []byte{0x81, 6, 0, 0, 0, 0, 0, 0}, Padding: []byte{0, 0},
		Session: SessionHeader{Session: 0x81a2, Application: 0x0110, Flags: 0x14},
		Header:  ContainerHeader{Code: 3, Version: 1, Protocol: [2]byte{0x10, 9}, FN: [8]byte{0x99, 0x99, 7, 0x89, 2, 0, 0x12, 0x34}, FD: 57, Epoch: 34},
	}
	copy(c.Session.FN[:], "9999078902001234")
	const header = "9401 e3e3 a50301 1009 9999078902001234 000039 0000000000 000022 0000 016a"
	const session = "2a08410a 81a2 0110 39393939303738393032303031323334 9401 1400 0000"
	raw := AppendContainer(nil, c)
	if got, want := hex.EncodeToString(raw[:sessionLen]), strings.ReplaceAll(session, " ", ""); got != want {
		t.Errorf("session %s, want %s", got, want)
	}
	if len(raw) != sessionLen+404 {
		t.Errorf("container of %d bytes", len(raw)-sessionLen)
	}
	if got, want := hex.EncodeToString(raw[sessionLen:sessionLen+frameLen]), strings.ReplaceAll(header, " ", ""); got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	again, n, err := ParseContainer(raw)
	if err != nil || n != len(raw) || again.Header.FNSerial() != "9999078902001234" || again.Header.FD != 57 || !bytes.Equal(again.Raw, c.Raw) {
		t.Errorf("%+v %d %v", again, n, err)
	}
}

func TestContainerRefuses(t *testing.T) {
	doc := worked(t, "receipt-1.05")
	make := func(w Wrapping) []byte {
		c := Container{Wrapping: w, Raw: doc, Sign: []byte{0x81, 6, 0, 0, 0, 0, 0, 0}, Padding: []byte{0, 0}}
		c.Header.Code = 3
		return AppendContainer(nil, c)
	}
	damage := func(w Wrapping, at int, v byte) []byte {
		b := make(w)
		b[at] ^= v
		return b
	}
	for _, c := range []struct {
		name   string
		b      []byte
		offset int
		text   string
	}{
		{"nothing", nil, 0, "head has 4"},
		{"one byte", []byte{3}, 0, "head has 4"},
		{"unknown document", []byte{99, 0, 0, 0}, 0, "no document has the code 99"},
		{"document cut", doc[:len(doc)-1], 2, "bytes"},
		{"frame with a bit wrong", damage(Framed, 100, 1), 2, "CRC"},
		{"frame cut", make(Framed)[:200], 0, "container of"},
		{"stored header cut", make(Stored)[:20], 20, "32 bytes"},
		{"stored without its mark", damage(Stored, 4, 1), 4, "begins with a5"},
		{"stored of another document", damage(Stored, 5, 7), 32, "header speaks of"},
		{"session header cut", make(Session)[:25], 25, "30 bytes"},
		{"session cut", make(Session)[:100], 24, "session holds"},
		{"session with a longer length", damage(Session, 24, 1), 24, "session holds"},
		{"session with a bit wrong", damage(Session, 200, 1), 32, "CRC"},
	} {
		_, _, err := ParseContainer(c.b)
		var p *ParseError
		if !errors.As(err, &p) || !errors.Is(err, ErrTLV) || p.Offset != c.offset || !strings.Contains(p.Text, c.text) {
			t.Errorf("%s: %v, want byte %d, %s", c.name, err, c.offset, c.text)
		}
	}
	// every cut of every wrapping is refused or gives the whole document
	for _, w := range []Wrapping{Bare, Stored, Framed, Session} {
		b := make(w)
		for n := range len(b) {
			c, _, err := ParseContainer(b[:n])
			if err == nil && !bytes.Equal(c.Raw, doc) {
				t.Fatalf("%s cut at %d: %x", w, n, c.Raw)
			}
		}
	}
}

// A bare document that begins with 1189 looks like a container's header.
func TestBareThatLooksFramed(t *testing.T) {
	doc := AppendDocument(nil, Document{CodeShiftOpen, []Element{Num(1189, 4), {Tag: 1048, Value: make([]byte, 40)}}})
	c, n, err := ParseContainer(doc)
	if err != nil || c.Wrapping != Bare || n != len(doc) {
		t.Error(c.Wrapping, n, err)
	}
}
