//go:build !linux

package storetest

import (
	"os"
	"os/exec"
)

func give(string) error { return nil }

func asUser(*exec.Cmd) {}

func signalServer(c *exec.Cmd, atOnce bool) {
	sig := os.Interrupt
	if atOnce {
		sig = os.Kill
	}
	_ = c.Process.Signal(sig) // it may have ended by itself
}
