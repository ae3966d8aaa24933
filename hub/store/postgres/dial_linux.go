package postgres

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// unansweredMS is how long sent bytes may stay unacknowledged: without it a
// write to a server that vanished hangs for a quarter of an hour.
const unansweredMS = 20_000

// unanswered sets it.
func unanswered(network, _ string, c syscall.RawConn) (err error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if failed := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, unansweredMS)
	}); failed != nil {
		return failed
	}
	return err
}
