package simulate

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCatalogueIsWhole: docs/simulation.md names every kill point of the sources
// and every point the simulation has.
func TestCatalogueIsWhole(t *testing.T) {
	doc, err := os.ReadFile("../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`[pP]oint\("([a-z]+\.[A-Za-z]+)"\)`)
	found := map[string]bool{}
	for _, dir := range []string{"../../agent", "../../hub", "."} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.IsDir() && e.Name() == "node_modules" {
				return fs.SkipDir
			}
			if e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			raw, err := os.ReadFile(path)
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				found[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range points {
		if !found[p] {
			t.Errorf("no %s in the sources", p)
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d kill points found", len(found))
	}
	for p := range found {
		if !strings.Contains(string(doc), "`"+p+"`") {
			t.Errorf("docs/simulation.md does not name %s", p)
		}
	}
	for _, k := range kinds {
		if k.weight <= 0 {
			t.Errorf("%s is never drawn", k.kind)
		}
	}
}
