package document

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
)

// dumps finds the raw documents of $CHEKOMAT_TRACES (default: ../shared/traces
// beside the module) and skips where they are absent.
func dumps(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	for at, _ := os.Getwd(); dir == ""; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir = filepath.Join(at, "..", "shared", "traces")
		} else if at == filepath.Dir(at) {
			t.Fatal("no go.mod above the test")
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "receipts", "tlv", "*.hex"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("CHEKOMAT_TRACES absent: no receipts/tlv in " + dir)
	}
	return files
}

// run is the command as a person starts it.
func run(t testing.TB, in string, args ...string) (string, error) {
	t.Helper()
	c := Command()
	c.SilenceErrors, c.SilenceUsage = true, true
	var out bytes.Buffer
	c.SetArgs(append([]string{"decode"}, args...))
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	err := c.Execute()
	return out.String(), err
}

// Every raw document is printed, with its number and the string of its QR code,
// in both languages; the export is the app's array. Whether it follows FFD is
// fiscal/ffd's to say.
func TestEveryDump(t *testing.T) {
	for _, path := range dumps(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(strings.TrimSuffix(path, ".hex") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Code int    `json:"doc_code"`
				QR   string `json:"qr"`
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			for _, lang := range []string{"ru", "en"} {
				out, err := run(t, "", path, "--lang", lang)
				if err != nil || !strings.Contains(out, want.QR) {
					t.Errorf("%s: %v\n%s", lang, err, out)
				}
			}
			out, err := run(t, "", path, "--json")
			if err != nil {
				t.Fatal(err)
			}
			var list []struct {
				Ticket struct {
					Document map[string]map[string]json.RawMessage `json:"document"`
				} `json:"ticket"`
			}
			if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || len(list[0].Ticket.Document) != 1 {
				t.Fatalf("%v\n%s", err, out)
			}
			for key, doc := range list[0].Ticket.Document {
				info, ok := ffd.LookupDocument(ffd.Tag(want.Code))
				if !ok || key != info.JSON && info.JSON != "" || string(doc["code"]) != strings.TrimSpace(string(doc["code"])) {
					t.Errorf("%s: code %s", key, doc["code"])
				}
				for field := range doc {
					tag, _ := strconv.Atoi(strings.TrimPrefix(field, "tag"))
					if info, ok := ffd.Lookup(ffd.Tag(tag)); ok && info.JSON != "" {
						t.Errorf("%s is %s in the export", field, info.JSON)
					}
				}
			}
		})
	}
}

func sample(t testing.TB) string {
	t.Helper()
	one := ffd.AppendDocument(nil, ffd.Document{Code: ffd.CodeShiftOpen, Body: []ffd.Element{ffd.Num(1040, 7), ffd.Num(1038, 3), ffd.Num(1209, 4)}})
	return hex.EncodeToString(one)
}

// Spaces, lines, comments and several documents in one input.
func TestInput(t *testing.T) {
	one := sample(t)
	spaced := ""
	for i := 0; i < len(one); i += 2 {
		spaced += strings.ToUpper(one[i:i+2]) + " \t\r\n"[i/2%4:i/2%4+1]
	}
	for name, in := range map[string]string{
		"plain": one, "spaced": spaced, "comment": "# смена\n" + one + " # end", "no line end": one + "\r\n",
	} {
		out, err := run(t, in, "-", "--no-check")
		if err != nil || !strings.Contains(out, "ОТЧЕТ ОБ ОТКРЫТИИ СМЕНЫ") || strings.Contains(out, "!!") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	out, err := run(t, one+"\n"+one+one, "-", "--json")
	if err != nil || strings.Count(out, `"openShift"`) != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = run(t, one, "-")
	if err != nil || !strings.Contains(out, "!! В документе нет обязательного реквизита: 1012 «Дата, время» [document_tag_missing]") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = run(t, one, "-", "--lang", "en")
	if err != nil || !strings.Contains(out, "!! The document lacks an obligatory requisite: 1012") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Bad input gives one error of one line with the byte, and prints nothing.
func TestBadInput(t *testing.T) {
	one := sample(t)
	for _, c := range []struct{ name, in, text string }{
		{"empty", " \n", "the input is empty"},
		{"no hexadecimal", "03 00 zz", "'z' at byte 2 (line 1, column 7)"},
		{"on the second line", one + "\n12 x", "(line 2, column 4)"},
		{"half a byte", one + "0", "has one digit"},
		{"document cut", one[:len(one)-2], "at byte 2"},
		{"second document cut", one + one[:len(one)-2], "at byte 27"},
		{"unknown code", "6300 0000", "no document has the code 99"},
		{"broken chain", "0300 0400 fa03 ffff", "at byte 4, tag 1018"},
		{"broken chain after another", one + "0300 0400 fa03 ffff", "at byte 29, tag 1018"},
	} {
		out, err := run(t, c.in, "-")
		if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") || out != "" {
			t.Errorf("%s: %v, want %q; printed %q", c.name, err, c.text, out)
		}
		if f, ok := fault.Of(err); !ok || f.Code != fault.DocumentBroken && f.Code != fault.DocumentUnknown {
			t.Errorf("%s: fault %v", c.name, f)
		}
	}
	if _, err := run(t, "", filepath.Join(t.TempDir(), "none.hex")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := run(t, one, "-", "--lang", "de"); err == nil {
		t.Error("German is not spoken")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add("# \n03 00")
	f.Fuzz(func(t *testing.T, s string) {
		docs, err := Read(strings.NewReader(s))
		if err != nil {
			if _, ok := fault.Of(err); !ok {
				t.Fatal(err)
			}
			return
		}
		for i, d := range docs {
			if i > 0 && d.Offset <= docs[i-1].Offset {
				t.Fatal("offsets do not grow")
			}
		}
	})
}
