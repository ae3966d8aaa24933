package replay

import (
	"context"
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
