// Package chekomat holds the tests of the house's own rules.
package chekomat

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/chekomat/chekomat/"

// imports gives each of our packages with what it imports of ours.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	of := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pkg := strings.TrimPrefix(f[0], module)
		of[pkg] = nil
		for _, imp := range f[1:] {
			if ours, ok := strings.CutPrefix(imp, module); ok {
				of[pkg] = append(of[pkg], ours)
			}
		}
	}
	return of
}

// room is the top folder of a package.
func room(pkg string) string { r, _, _ := strings.Cut(pkg, "/"); return r }

// TestRoomsStandOnWhatTheyMay holds the import rules of the design: cores stand
// alone, agent and hub share agent/wire, only the bench may import everything.
func TestRoomsStandOnWhatTheyMay(t *testing.T) {
	may := map[string][]string{
		"fiscal":  {"fiscal"},
		"mdb":     {"mdb"},
		"display": {"display"},
		"fault":   {"fault"},
		"agent":   {"agent", "mdb", "display", "fault"},
		"hub":     {"hub", "fiscal", "agent/wire", "fault"},
	}
	for pkg, imps := range imports(t) {
		allowed, ruled := may[room(pkg)]
		if !ruled {
			continue
		}
		for _, imp := range imps {
			ok := false
			for _, a := range allowed {
				ok = ok || imp == a || strings.HasPrefix(imp, a+"/")
			}
			if !ok {
				t.Errorf("%s imports %s; %s may import %s", pkg, imp, room(pkg), strings.Join(allowed, ", "))
			}
		}
	}
}

// TestNamesSayWhatAPackageGives forbids names that say nothing.
func TestNamesSayWhatAPackageGives(t *testing.T) {
	for pkg := range imports(t) {
		switch last := pkg[strings.LastIndex(pkg, "/")+1:]; last {
		case "util", "utils", "common", "helpers", "types", "base", "manager", "misc":
			t.Errorf("package %s: %q does not say what it gives", pkg, last)
		}
	}
}
