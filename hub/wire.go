//go:build !killpoints

package main

import (
	"context"
	"net"
)

// dial is how drivers reach their registers: the default.
var dial func(ctx context.Context, network, addr string) (net.Conn, error)
