package drill

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed nospace/nospace.c
var nospace []byte

// ErrNoCompiler says that full disks can't be played here.
var ErrNoCompiler = errors.New("no C compiler (cc) here")

// PlayFullDisks prepares programs started from now on, in this environment, to
// meet full disks: see Fill. Their binaries must be linked with libc.
func PlayFullDisks(dir string) error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return ErrNoCompiler
	}
	source, lib := filepath.Join(dir, "nospace.c"), filepath.Join(dir, "nospace.so")
	if err := os.WriteFile(source, nospace, 0o600); err != nil {
		return fmt.Errorf("drill: write %s: %w", source, err)
	}
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O1", "-o", lib, source, "-ldl").CombinedOutput(); err != nil {
		return fmt.Errorf("drill: build %s: %w: %s", lib, err, out)
	}
	return os.Setenv("LD_PRELOAD", lib)
}

// Fill lets the disk of a folder be full, or no longer.
func Fill(folder string, full bool) error {
	mark := filepath.Join(folder, ".full")
	if !full {
		return os.Remove(mark)
	}
	return os.WriteFile(mark, nil, 0o600)
}
