package link

import (
	"context"
	"fmt"
	"io"
)

// Greet asks what is at the other end without taking any words, and closes rw.
func Greet(ctx context.Context, rw io.ReadWriteCloser) (Hello, error) {
	h := newHost(rw, 0)
	defer h.Close()
	if err := h.greet(ctx); err != nil {
		return Hello{}, fmt.Errorf("greet module: %w", err)
	}
	return h.hello, nil
}
