//go:build killpoints

package main

import (
	"context"
	"net"

	"github.com/chekomat/chekomat/fault"
)

// dial puts kill points on the wire to a register, whatever driver speaks on it:
// fiscal knows nothing of them.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &deadlyConn{Conn: c}, nil
}

// deadlyConn dies in the middle of a command, after it, and when an answer came
// that nobody has read yet.
type deadlyConn struct{ net.Conn }

// Write implements net.Conn.
func (c *deadlyConn) Write(b []byte) (n int, err error) {
	half := len(b) / 2
	if n, err = c.Conn.Write(b[:half]); err != nil {
		return n, err
	}
	fault.Point("driver.afterBytes")
	more, err := c.Conn.Write(b[half:])
	if err == nil {
		fault.Point("driver.afterCommand")
	}
	return n + more, err
}

// Read implements net.Conn.
func (c *deadlyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		fault.Point("driver.afterAnswer")
	}
	return n, err
}
