package ffd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal"
)

// traces finds $CHEKOMAT_TRACES (default: ../shared/traces beside the module)
// and skips where it is absent.
func traces(t testing.TB, sub string) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			if at == filepath.Dir(at) {
				t.Fatal("no go.mod above the test")
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(at, "..", "shared", "traces")
	}
	dir = filepath.Join(dir, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("CHEKOMAT_TRACES absent: " + dir)
	}
	return dir
}

// expected is a JSON of the trace collection.
type expected struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Session string         `json:"session_header"`
	Frame   string         `json:"container_header"`
	Stored  string         `json:"ofd_header_28"`
	Code    Tag            `json:"doc_code"`
	Length  int            `json:"doc_length"`
	Trailer string         `json:"trailer_hex"`
	Masked  []Tag          `json:"masked_tags"`
	Tags    []expectedElem `json:"tags"`
	QR      string         `json:"qr"`
}

type expectedElem struct {
	Tag    Tag             `json:"tag"`
	Hex    string          `json:"hex"`
	Value  any             `json:"value"`
	STLV   *[]expectedElem `json:"stlv"`
	Local  string          `json:"local"`
	Prefix string          `json:"prefix"`
	FP     *json.Number    `json:"fp"`
}

// wrappings are the collection's names of them.
var wrappings = map[string]Wrapping{
	"tlv": Bare, "tlv+fps": Bare, "tlv+header": Stored, "tlv+header+fps": Stored, "frame": Framed, "session": Session,
}

// readTrace reads a dump whole, its expectation and what it contains.
func readTrace(t testing.TB, path string) (expected, []byte, Container) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	text, err = os.ReadFile(strings.TrimSuffix(path, ".hex") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	c, n, err := ParseContainer(raw)
	if err != nil || n != len(raw) {
		t.Fatalf("%d of %d bytes, %v", n, len(raw), err)
	}
	return want, raw, c
}

// The wrapping is found, says what the collection says, and is written back to
// the same bytes.
func compareContainer(t *testing.T, want expected, raw []byte, c Container) {
	t.Helper()
	if c.Wrapping != wrappings[want.Kind] {
		t.Errorf("wrapping %q, want that of %q", c.Wrapping, want.Kind)
	}
	if got := AppendContainer(nil, c); !bytes.Equal(got, raw) {
		t.Errorf("written back:\n%x\nwant\n%x", got, raw)
	}
	if got := hex.EncodeToString(c.Sign) + hex.EncodeToString(c.Padding); got != want.Trailer {
		t.Errorf("after the document %s, want %s", got, want.Trailer)
	}
	header := want.Stored
	if want.Frame != "" {
		header = want.Frame[8:]
	}
	if header != "" && hex.EncodeToString(c.Header.append(nil)) != header {
		t.Errorf("header %x, want %s", c.Header.append(nil), header)
	}
	if want.Session != "" && hex.EncodeToString(raw[:sessionLen]) != want.Session {
		t.Errorf("session %x, want %s", raw[:sessionLen], want.Session)
	}
}

func TestTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t, "receipts/tlv"), "*.hex"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no dumps in the folder")
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, raw, c := readTrace(t, path)
			compareContainer(t, want, raw, c)
			doc, err := c.Document()
			if err != nil {
				t.Fatal(err)
			}
			if doc.Code != want.Code || len(c.Raw)-4 != want.Length {
				t.Errorf("document %d of %d bytes, want %d of %d", doc.Code, len(c.Raw)-4, want.Code, want.Length)
			}
			if got := AppendDocument(nil, doc); !bytes.Equal(got, c.Raw) {
				t.Errorf("encoded again:\n%x\nwant\n%x", got, c.Raw)
			}
			compareElements(t, doc.Body, want.Tags)
			deviations := Validate(doc)
			for _, p := range deviations {
				t.Logf("deviates from FFD: %v", p)
			}
			if len(deviations) > 0 && clean[strings.SplitN(filepath.Base(path), ".", 2)[0]] {
				t.Error("the document was found to follow FFD, the checker changed its mind")
			}
			if want.QR != "" {
				_, im, err := DecomposeReceipt(doc)
				if err != nil {
					t.Fatal(err)
				}
				if got := im.QR(); got != want.QR {
					t.Errorf("QR %s, want %s", got, want.QR)
				}
			}
		})
	}
}

// clean are documents of the collection that follow FFD to the letter. Others may
// deviate: registers in the field do, and the ФН checks lengths alone.
var clean = func() map[string]bool {
	text, err := os.ReadFile("testdata/clean.txt")
	if err != nil {
		panic(err)
	}
	names := map[string]bool{}
	for name := range strings.Lines(string(text)) {
		names[strings.TrimSpace(name)] = true
	}
	return names
}()

func compareElements(t *testing.T, got []Element, want []expectedElem) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d elements, want %d", len(got), len(want))
	}
	for i, w := range want {
		e := got[i]
		if e.Tag != w.Tag {
			t.Fatalf("element %d: tag %d, want %d", i, e.Tag, w.Tag)
		}
		if w.STLV != nil {
			compareElements(t, e.Nested, *w.STLV)
			continue
		}
		if hex.EncodeToString(e.Value) != w.Hex {
			t.Errorf("tag %d: %x, want %s", e.Tag, e.Value, w.Hex)
		}
		if w.Value != nil && !slices.Contains(meanings(e), fmt.Sprint(w.Value)) {
			t.Errorf("tag %d: %q, want %v", e.Tag, meanings(e), w.Value)
		}
		if w.Local != "" {
			if at, err := e.Time(); err != nil || at.Format(fiscal.WallLayout) != w.Local {
				t.Errorf("tag %d: %v, want %s", e.Tag, at, w.Local)
			}
		}
		if w.FP != nil {
			prefix, fp, err := e.Sign()
			if err != nil || fmt.Sprint(fp) != w.FP.String() || fmt.Sprintf("%04x", prefix) != w.Prefix {
				t.Errorf("tag %d: %04x %d %v, want %s %s", e.Tag, prefix, fp, err, w.Prefix, w.FP)
			}
		}
	}
}

// meanings writes a value as the trace collection does: text, integer or decimal
// string. Of a tag the table does not have any of them may be meant.
func meanings(e Element) []string {
	number := func() string {
		v, err := e.Uint()
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(v)
	}
	raw := hex.EncodeToString(e.Value)
	switch e.Type() {
	case Text, FixedText:
		return []string{e.Text()}
	case FVLN:
		q, err := e.Quantity()
		if err != nil {
			return []string{err.Error()}
		}
		return []string{q.String()}
	case Bytes, FixedBytes:
		return []string{raw}
	case Unknown:
		q, _ := e.Quantity()
		return []string{raw, e.Text(), number(), q.String()}
	}
	return []string{number()}
}
