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
		for root != "/" {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	if _, err := os.Stat(filepath.Join(dir, "mdb")); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return filepath.Join(dir, "mdb")
}

func TestVectors(t *testing.T) {
	f, err := os.Open(filepath.Join(traces(t), "vectors.jsonl"))
	if err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	defer f.Close()
	var out strings.Builder
	rep, err := Run(f, &out)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Passed != rep.Total {
		t.Error(out.String())
	}
	t.Logf("passed %d of %d", rep.Passed, rep.Total)
}
