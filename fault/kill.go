//go:build killpoints

package fault

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
)

// Armed says whether this build can die at a point.
const Armed = true

var (
	target string
	left   atomic.Int64
)

func init() {
	point, nth, err := parse(os.Getenv(EnvKill))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	target = point
	left.Store(nth)
}

// Point kills the process when name is the armed point and this is its nth hit.
func Point(name string) {
	if name != target || left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way; nothing after the point may run
}
