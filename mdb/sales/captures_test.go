package sales_test

import (
	"context"
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

// charged is what MANIFEST.md says was paid in the captures it knows; the
// replay command's test holds every field.
var charged = map[string]string{
	"matedealer-20120703.words.csv":      "",
	"matedealer-20120705.words.csv":      "",
	"matedealer-20120709.words.csv":      "",
	"matedealer-20120710-c.words.csv":    "2.00 3.00",
	"matedealer-20111213.words.csv":      "2.00",
	"necta-kikkomax-pax-d200.blocks.txt": "0.10",
	"qibixx-remote-selection.log":        "",
	"vanhack-poweron.words.csv":          "",
}

// captures are all of the folder, by name.
func captures(t *testing.T) map[string]string {
	t.Helper()
	dir := tracesFolder(t)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range files {
		if n := f.Name(); strings.HasSuffix(n, ".words.csv") || strings.HasSuffix(n, ".blocks.txt") || strings.HasSuffix(n, ".log") {
			found[n] = filepath.Join(dir, n)
		}
	}
	return found
}

func TestCapturesSellWhatTheManifestSays(t *testing.T) {
	for name, path := range captures(t) {
		src, err := module.Open(context.Background(), path, module.Cursor{}, module.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cfg := sales.ForSource(src.Fidelity())
		src.Close()
		es, _ := events(t, path, 4096, 0, module.Cursor{}, sales.New(cfg))
		var paid []string
		for _, e := range es {
			if e.Kind == sales.KindSale {
				paid = append(paid, e.Amount.Decimal())
			}
		}
		if want, known := charged[name]; known && strings.Join(paid, " ") != want {
			t.Errorf("%s: charged %v, want %q", name, paid, want)
		}
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
	for name, path := range captures(t) {
		t.Run(name, func(t *testing.T) {
			src, err := module.Open(context.Background(), path, module.Cursor{}, module.Options{})
			if err != nil {
				t.Fatal(err)
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
