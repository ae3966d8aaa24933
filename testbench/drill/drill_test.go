package drill

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs builds what a drill runs; the test is skipped where nobody asked for it.
func programs(t *testing.T) (bin string) {
	t.Helper()
	if os.Getenv("CHEKOMAT_CRASH") == "" {
		t.Skip("CHEKOMAT_CRASH is not set: make crash runs this")
	}
	bin = t.TempDir()
	for _, name := range []string{"hub", "agent", "testbench"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(bin, name), "./"+name)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return bin
}

// TestDrill plays everything: about a minute and a half; make crash (and so
// make test) asks for it.
func TestDrill(t *testing.T) {
	bin := programs(t)
	t.Setenv("LD_PRELOAD", "") // what the drill sets ends with it
	_, err := Run(t.Context(), Config{Bin: bin, Data: t.TempDir(), Said: func(f Found) {
		switch {
		case f.Skipped != "":
			t.Logf("%s: not played: %s", f.Part, f.Skipped)
		case f.OK:
			t.Logf("%s: %s (%.0f s)", f.Part, f.Scene, f.Seconds)
		default:
			t.Errorf("%s: %s (%.0f s): %s", f.Part, f.Scene, f.Seconds, f.Problem)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
}
