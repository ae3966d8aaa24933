package ffd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Code     Tag            `json:"doc_code"`
	Length   int            `json:"doc_length"`
	Trailer  string         `json:"trailer_hex"`
	Tags     []expectedElem `json:"tags"`
	QR       string         `json:"qr"`
	Contains string         `json:"container_header"`
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

// skipWrapper gives the offset of the document inside a dump of the kind.
func skipWrapper(kind string) int {
	switch kind {
	case "tlv", "tlv+fps":
		return 0
	case "tlv+header", "tlv+header+fps":
		return 4 + 28
	case "frame":
		return 32
	case "session":
		return 30 + 32
	}
	return -1
}

func readTrace(t testing.TB, path string) (expected, []byte) {
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
	at := skipWrapper(want.Kind)
	if at < 0 || at > len(raw) {
		t.Fatalf("wrapper kind %q", want.Kind)
	}
	return want, raw[at:]
}

func TestTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t, "receipts/tlv"), "*.hex"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dumps: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, raw := readTrace(t, path)
			doc, n, err := ParseDocument(raw)
			if err != nil {
				t.Fatal(err)
			}
			if doc.Code != want.Code || n-4 != want.Length {
				t.Errorf("document %d of %d bytes, want %d of %d", doc.Code, n-4, want.Code, want.Length)
			}
			if got := hex.EncodeToString(raw[n:]); got != want.Trailer {
				t.Errorf("trailer %s, want %s", got, want.Trailer)
			}
			if got := AppendDocument(nil, doc); !bytes.Equal(got, raw[:n]) {
				t.Errorf("encoded again:\n%x\nwant\n%x", got, raw[:n])
			}
			compareElements(t, doc.Body, want.Tags)
			for _, p := range Validate(doc) {
				if !knownProblem(want.Name, p) {
					t.Errorf("%v", p)
				}
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

// knownProblem lists how real documents deviate from the tables.
func knownProblem(name string, p Problem) bool { return false }

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
		if w.Value != nil {
			if got := meaning(e); got != fmt.Sprint(w.Value) {
				t.Errorf("tag %d: %s, want %v", e.Tag, got, w.Value)
			}
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

// meaning writes a value as the trace collection does: text, integer or
// decimal string.
func meaning(e Element) string {
	info, ok := Lookup(e.Tag)
	if !ok {
		return "?"
	}
	switch info.Type {
	case Text, FixedText:
		return e.Text()
	case FVLN:
		q, err := e.Quantity()
		if err != nil {
			return err.Error()
		}
		return q.String()
	case Bytes, FixedBytes, Unknown:
		return hex.EncodeToString(e.Value)
	}
	v, err := e.Uint()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}
