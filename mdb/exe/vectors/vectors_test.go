package vectors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// traces gives the folder of shared traces, or skips.
func traces(t *testing.T) string {
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
	if _, err := os.Stat(filepath.Join(dir, "exe")); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return filepath.Join(dir, "exe")
}

// Every file of vectors of the folder, however many they hold.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var out strings.Builder
			rep, err := Run(f, &out)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Passed != rep.Total || rep.Total == 0 {
				t.Error(out.String())
			}
			t.Logf("passed %d of %d", rep.Passed, rep.Total)
		})
	}
}
