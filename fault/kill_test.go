//go:build killpoints

package fault

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestPointKills runs itself as a child that dies at the second hit.
func TestPointKills(t *testing.T) {
	if os.Getenv(EnvKill) != "" {
		Point("other")
		Point("test.here")
		Point("test.here")
		os.Exit(0)
	}
	for nth, killed := range map[string]bool{"test.here:2": true, "test.here:3": false} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPointKills$")
		cmd.Env = append(os.Environ(), EnvKill+"="+nth)
		err := cmd.Run()
		var exit *exec.ExitError
		got := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if got != killed {
			t.Errorf("%s: killed %v (%v), want %v", nth, got, err, killed)
		}
	}
}
