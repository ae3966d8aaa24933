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
	return dir
}

func run(t *testing.T, in string) (Report, string) {
	t.Helper()
	var out strings.Builder
	rep, err := Run(strings.NewReader(in), &out)
	if err != nil {
		t.Fatal(err)
	}
	return rep, out.String()
}

// Every file of vectors of the folder, each bus's and all in one.
func TestVectors(t *testing.T) {
	dir := traces(t)
	var files []string
	for _, pattern := range []string{"mdb/vectors*.jsonl", "exe/*.jsonl"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	var all strings.Builder
	sum := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(raw, '\n'))
		rep, out := run(t, string(raw))
		if rep.Passed != rep.Total || rep.Total == 0 {
			t.Error(name, out)
		}
		t.Logf("%s: passed %d of %d", filepath.Base(name), rep.Passed, rep.Total)
		sum += rep.Total
	}
	if rep, _ := run(t, all.String()); rep != (Report{sum, sum}) || sum == 0 {
		t.Errorf("vectors of both buses in one file: %+v, want %d", rep, sum)
	}
}

// A vector that does not pass is named and counted, and so is a line that is none.
func TestFailuresAreNamed(t *testing.T) {
	rep, out := run(t, `{"id":"wrong","kind":"frame","input":{"byte":"31"},"expect":{"bits":"0","parity":1}}`+"\n"+
		`{"name":"bad","dir":"M","words":["100"],"expect":[{}]}`+"\n")
	if rep != (Report{0, 2}) || !strings.Contains(out, "wrong: ") || !strings.Contains(out, "bad: ") || !strings.HasSuffix(out, "passed 0 of 2\n") {
		t.Errorf("%+v %s", rep, out)
	}
	rep, out = run(t, "{\n\n"+`{"id":"fixture","hex":"0102"}`+"\n")
	if rep != (Report{0, 2}) || !strings.Contains(out, "line 1: ") || !strings.Contains(out, "line 3: ") || !strings.HasSuffix(out, "passed 0 of 2\n") {
		t.Errorf("%+v %s", rep, out)
	}
}
