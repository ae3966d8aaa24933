package board

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrAbsent says what of the emulated board is not there and how to get it.
var ErrAbsent = errors.New("the emulated board is not there")

// Folder finds the repository's firmware folder from the working directory
// upwards.
func Folder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the firmware: %w", err)
	}
	for {
		f := filepath.Join(dir, "firmware")
		if _, err := os.Stat(filepath.Join(f, "emulator", "harness.mjs")); err == nil {
			return f, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("%w: no firmware/emulator above the working directory; run it inside the repository", ErrAbsent)
		}
		dir = up
	}
}

// Ready gives the firmware folder with the binaries and the emulator made, and
// makes them where they are not up to date. ErrAbsent says what this computer
// lacks for that.
func Ready() (folder string, err error) {
	if folder, err = Folder(); err != nil {
		return "", err
	}
	var missing []string
	for _, tool := range []string{"node", "npm", "make", "arm-none-eabi-gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%w: %s missing; make -C firmware installs what it needs", ErrAbsent, strings.Join(missing, ", "))
	}
	// Tests of several packages may want it at once.
	lock, err := os.OpenFile(filepath.Join(folder, "Makefile"), os.O_RDONLY, 0)
	if err != nil {
		return "", fmt.Errorf("make the firmware: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("make the firmware: wait for the other one: %w", err)
	}
	cmd := exec.Command("make", "--no-print-directory", "-C", folder, "all", "build/next.img", "emulator/node_modules")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the firmware: %w\n%s", err, out)
	}
	return folder, nil
}

// Files of a firmware folder that was made.
func Image(folder string) string  { return filepath.Join(folder, "build", "chekomat.bin") } // flash from its start
func Update(folder string) string { return filepath.Join(folder, "build", "chekomat.img") } // the same for an update
func Next(folder string) string   { return filepath.Join(folder, "build", "next.img") }     // another version
