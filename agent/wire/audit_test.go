package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestReportComesBackByteForByte(t *testing.T) {
	noise := make([]byte, 200<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, c := range map[string]struct {
		report              []byte
		plain, packed, kept bool
	}{
		"short text":     {[]byte("DXS*A*VA*V0/6*1\r\nDXE*1*1\r\n"), true, false, true},
		"another letter": {[]byte("ID1*\x8a\xae\xe4\xa5\r\n"), false, true, true}, // CP866
		"long text":      {[]byte(strings.Repeat("PA1*1*5000\r\n", 2000)), false, true, true},
		"incompressible": {noise, false, false, false},
		"nothing":        {nil, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var a, b Audit
			if err := a.Keep(c.report); err != nil {
				t.Fatal(err)
			}
			if (a.Report != "") != c.plain || (a.Packed != nil) != c.packed || a.Bytes != len(c.report) {
				t.Fatalf("plain %t packed %t bytes %d", a.Report != "", a.Packed != nil, a.Bytes)
			}
			body, err := json.Marshal(a)
			if err == nil {
				err = json.Unmarshal(body, &b)
			}
			if err != nil || len(body) > 200<<10 {
				t.Fatalf("%d bytes, %v", len(body), err)
			}
			raw, err := b.Raw()
			if err != nil || c.kept && !bytes.Equal(raw, c.report) || !c.kept && raw != nil {
				t.Errorf("%d bytes, %v", len(raw), err)
			}
		})
	}
}

func TestBombIsNotUnpacked(t *testing.T) {
	var a Audit
	if err := a.Keep(make([]byte, MaxAuditReport+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Raw(); !errors.Is(err, ErrAuditReport) {
		t.Error(err)
	}
	a = Audit{Packed: []byte("no gzip"), Bytes: 7}
	if _, err := a.Raw(); !errors.Is(err, ErrAuditReport) {
		t.Error(err)
	}
}

// FuzzRaw unpacks whatever a record may hold.
func FuzzRaw(f *testing.F) {
	var a Audit
	if err := a.Keep([]byte(strings.Repeat("PA1*1*5000\r\n", 1000))); err != nil {
		f.Fatal(err)
	}
	f.Add(a.Packed, a.Bytes)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, packed []byte, n int) {
		raw, err := (&Audit{Packed: packed, Bytes: n}).Raw()
		if err == nil && packed != nil && len(raw) != n {
			t.Errorf("%d bytes, %d declared", len(raw), n)
		}
	})
}
