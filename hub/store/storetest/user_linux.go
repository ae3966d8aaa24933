package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// stranger is the user PostgreSQL runs as where the tests run as root, whom it
// refuses: postgres, or nobody.
func stranger() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// give hands a folder to that user.
func give(dir string) error {
	c := stranger()
	if c == nil {
		return nil
	}
	if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
		return fmt.Errorf("give %s to PostgreSQL: %w", dir, err)
	}
	return nil
}

// asUser makes a command that user's, and ends it with this program.
func asUser(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: stranger(), Pdeathsig: syscall.SIGQUIT, Setpgid: true}
}

// signalServer: SIGQUIT is PostgreSQL's immediate shutdown, SIGINT the fast one.
func signalServer(c *exec.Cmd, atOnce bool) {
	sig := syscall.SIGINT
	if atOnce {
		sig = syscall.SIGQUIT
	}
	_ = c.Process.Signal(sig) // it may have ended by itself
}
