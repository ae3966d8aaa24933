package serialport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// hung is a port that hears nothing and whose writes hang until its output is
// thrown away.
type hung struct {
	free   chan struct{}
	once   sync.Once
	mu     sync.Mutex
	left   []byte
	gone   bool
	closed bool
}

func (h *hung) Read([]byte) (int, error) {
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return 0, errors.New("no such device")
	}
	return 0, nil
}

func (h *hung) Write(b []byte) (int, error) {
	h.mu.Lock()
	h.left = append(h.left, b[0])
	h.mu.Unlock()
	<-h.free
	return 1, nil
}

func (h *hung) ResetInputBuffer() error  { return nil }
func (h *hung) ResetOutputBuffer() error { h.once.Do(func() { close(h.free) }); return nil }

func (h *hung) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return nil
}

// A port that takes no bytes and gives none blocks nobody for longer than the
// deadline, and what it did not take is not sent later.
func TestHungPort(t *testing.T) {
	h := &hung{free: make(chan struct{})}
	c := newConn(h, "/dev/ttyUSB0")
	if n, err := c.Write([]byte{1, 2, 3}); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if err := c.SetDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var nerr net.Error
	if n, err := c.Write([]byte{4}); n != 0 || !errors.As(err, &nerr) || !nerr.Timeout() {
		t.Error(n, err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if err := c.Close(); err != nil || !h.closed {
		t.Error(err)
	}
	if !bytes.Equal(h.left, []byte{1}) {
		t.Errorf("the port got % X after it was closed", h.left)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestPulledOut(t *testing.T) {
	h := &hung{free: make(chan struct{})}
	c := newConn(h, "/dev/ttyUSB0")
	defer c.Close()
	h.mu.Lock()
	h.gone = true
	h.mu.Unlock()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if c.RemoteAddr().String() != "/dev/ttyUSB0" || c.LocalAddr().Network() != "serial" {
		t.Error(c.RemoteAddr(), c.LocalAddr())
	}
}

func TestNoSuchPort(t *testing.T) {
	if _, err := Open(t.Context(), "/dev/no-such-port", 9600); err == nil {
		t.Error("opened")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, "/dev/null", 9600); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestQuiet(t *testing.T) {
	for baud, want := range map[int]time.Duration{115200: 5 * time.Millisecond, 4800: 41666666} {
		if got := quiet(baud); got != want {
			t.Errorf("%d baud: %s", baud, got)
		}
	}
}
