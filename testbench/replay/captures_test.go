package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func tracesFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		root, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for root != filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	dir = filepath.Join(dir, "mdb")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return dir
}

// known is what MANIFEST.md says of each capture: sales as
// "class source reader item requested charged currency second".
var known = map[string][]string{
	"matedealer-20120703.words.csv": {},
	"matedealer-20120705.words.csv": {},
	"matedealer-20120709.words.csv": {},
	"matedealer-20120710-c.words.csv": {
		"A vend_success 10 1 1.00 2.00 1978 58", "A vend_success 10 1 1.00 3.00 1978 111",
	},
	"matedealer-20111213.words.csv": {"A vend_success 10 1 1.00 2.00 1978 32"},
	// No mode bits and no times: B.
	"necta-kikkomax-pax-d200.blocks.txt": {"B vend_success 10 6 0.10 0.10 1643 3"},
	"qibixx-remote-selection.log":        {},
	"vanhack-poweron.words.csv":          {},
}

func TestCapturesAgreeWithTheManifest(t *testing.T) {
	dir := tracesFolder(t)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".words.csv") && !strings.HasSuffix(name, ".blocks.txt") && !strings.HasSuffix(name, ".log") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			sum, err := Run(context.Background(), filepath.Join(dir, name), Options{JSON: true}, &out)
			want, is := known[name]
			if !is {
				t.Logf("not in the table of known captures: %d words, %d sales, error %v", sum.Words, sum.Sales, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if sum.ChecksumErrors != 0 || !sum.Complete || sum.Words == 0 {
				t.Errorf("%+v", sum)
			}
			got := []string{}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			for i, l := range lines {
				var e struct {
					Kind, Class, Source, Reader, Amount, Requested, Currency string
					Item                                                     int
					T                                                        int64 `json:"t_us"`
				}
				if err := json.Unmarshal([]byte(l), &e); err != nil {
					t.Fatalf("line %d %s: %v", i, l, err)
				}
				switch {
				case i == len(lines)-1:
					if e.Kind != "summary" {
						t.Errorf("last line is %s", l)
					}
				case e.Kind == "sale":
					got = append(got, fmt.Sprintf("%s %s %s %d %s %s %s %d",
						e.Class, e.Source, e.Reader, e.Item, e.Requested, e.Amount, e.Currency, e.T/1_000_000))
				default:
					t.Errorf("unexpected: %s", l)
				}
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
