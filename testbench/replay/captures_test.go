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

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
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

// events replays a file from a position with a recovery state, n words a call.
func events(t *testing.T, path string, chunk int, stop uint64, from module.Cursor, rec *sales.Recovery) (es []sales.Event, at module.Cursor) {
	t.Helper()
	src, err := module.Open(context.Background(), path, from, module.Options{ChunkWords: chunk})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	at = from
	for {
		c, err := src.Read(context.Background())
		if err != nil {
			return es, at
		}
		for _, w := range c.Words {
			es = append(es, rec.Word(w)...)
			at.Seq++
			if at.Seq == stop {
				return es, at
			}
		}
		es = append(es, rec.Advance(c.Now)...)
	}
}

func lines(es []sales.Event) string {
	var b []byte
	for _, e := range es {
		b = sales.AppendJSON(b, e)
	}
	return string(b)
}

// A restart at any word from checkpoint and cursor, and any way of splitting
// the reads, give the same events.
func TestCapturesRestartAnywhere(t *testing.T) {
	dir := tracesFolder(t)
	for name := range known {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			src, err := module.Open(context.Background(), path, module.Cursor{}, module.Options{})
			if err != nil {
				t.Skipf("CHEKOMAT_TRACES absent: %v", err)
			}
			cfg := sales.ForSource(src.Fidelity())
			src.Close()
			whole, end := events(t, path, 4096, 0, module.Cursor{}, sales.New(cfg))
			split, _ := events(t, path, 1, 0, module.Cursor{}, sales.New(cfg))
			if lines(whole) != lines(split) {
				t.Fatalf("one word a read gives\n%swant\n%s", lines(split), lines(whole))
			}
			step := max(end.Seq/97, 1)
			for at := uint64(1); at < end.Seq; at += step {
				rec := sales.New(cfg)
				first, cur := events(t, path, 64, at, module.Cursor{}, rec)
				again := sales.New(cfg)
				if err := again.Restore(rec.Checkpoint()); err != nil {
					t.Fatalf("at %d: %v", at, err)
				}
				rest, _ := events(t, path, 64, 0, cur, again)
				if got := lines(append(first, rest...)); got != lines(whole) {
					t.Fatalf("restart at word %d gives\n%swant\n%s", at, got, lines(whole))
				}
				if again.Stats() == (sales.Stats{}) {
					t.Fatal("no counts after a restart")
				}
			}
		})
	}
}
