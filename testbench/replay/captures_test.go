package replay

import (
	"bytes"
	"context"
	"errors"
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
			sold, sum, err := Sold(context.Background(), filepath.Join(dir, name))
			want, is := Known[name]
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
			if strings.Join(sold, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(sold, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// A capture cut anywhere tells what it held up to there: never a sale more,
// and a line that was cut by its number.
func TestCutCapturesTellWhatTheyHold(t *testing.T) {
	dir := tracesFolder(t)
	for name, want := range Known {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Logf("%s is not in the folder", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			for k := 1; k <= 40; k++ {
				cut := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(cut, raw[:len(raw)*k/41], 0o600); err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				sum, err := Run(context.Background(), cut, Options{JSON: true}, &out)
				switch {
				case err != nil && !errors.Is(err, ErrSilent) && !strings.Contains(err.Error(), "line "):
					t.Errorf("cut at %d/41: %v", k, err)
				case sum.Complete != (err == nil):
					t.Errorf("cut at %d/41: %v with %+v", k, err, sum)
				}
				if out.Len() == 0 {
					continue // the very first words could not be read
				}
				sold := strings.Count(out.String(), `"kind":"sale"`)
				if sold > len(want) || !strings.Contains(out.String(), `"kind":"summary"`) {
					t.Errorf("cut at %d/41: %d sales of %d\n%s", k, sold, len(want), out.String())
				}
			}
		})
	}
}

func TestALineThatCannotBeReadHidesNoSaleBeforeIt(t *testing.T) {
	dir := tracesFolder(t)
	name := "matedealer-20111213.words.csv"
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	broken := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(broken, append(raw, "404"...), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sum, err := Run(context.Background(), broken, Options{JSON: true}, &out)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d", bytes.Count(raw, []byte("\n"))+1)) {
		t.Errorf("%v", err)
	}
	if sum.Sales != 1 || sum.Complete || sum.Error == "" {
		t.Errorf("%+v\n%s", sum, out.String())
	}
}

func TestATraceWithoutWordsIsNoEmptyResult(t *testing.T) {
	for name, content := range map[string]string{
		"empty.words.csv": "", "head.words.csv": "t_us,dir,word\n", "empty.blocks.txt": "# nothing\n", "qibixx.log": "\x00\xff no log\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := Run(context.Background(), path, Options{JSON: true}, &out); !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
