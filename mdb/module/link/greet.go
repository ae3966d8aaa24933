package link

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Greet asks what is at the other end without taking any words, and closes rw.
func Greet(ctx context.Context, rw io.ReadWriteCloser) (Hello, error) {
	h := &Host{rw: rw, frames: make(chan Message, 256), done: make(chan struct{}), heard: time.Now(), post: make(chan struct{}, 1)}
	go h.receive()
	defer h.Close()
	if err := h.greet(ctx); err != nil {
		return Hello{}, fmt.Errorf("greet module: %w", err)
	}
	return h.hello, nil
}
