package serialport

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty gives a pseudo-terminal: the register's end, and the path of the port.
func pty(t *testing.T) (register *os.File, path string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	f := os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { f.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	// What is written before the port is opened must not come back as echo.
	tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Lflag &^= unix.ECHO | unix.ICANON
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	return f, fmt.Sprintf("/dev/pts/%d", n)
}

// Every byte value passes both ways, stale bytes do not, and the port opens
// again after it was closed.
func TestPseudoTerminal(t *testing.T) {
	register, path := pty(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for range 3 {
		if _, err := register.Write([]byte("stale")); err != nil {
			t.Fatal(err)
		}
		c, err := Open(t.Context(), path, 115200)
		if err != nil {
			t.Fatal(err)
		}
		limit := time.Now().Add(time.Minute)
		_ = c.SetDeadline(limit)
		_ = register.SetDeadline(limit)
		got := make([]byte, 256)
		if _, err := c.Write(all); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(register, got); err != nil || !bytes.Equal(got, all) {
			t.Fatalf("% X, %v", got, err)
		}
		if _, err := register.Write(all); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, all) {
			t.Fatalf("% X, %v", got, err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Unplugged: the reader learns of it, the path is gone, and a new port opens.
func TestUnplugged(t *testing.T) {
	register, path := pty(t)
	c, err := Open(t.Context(), path, 57600)
	if err != nil {
		t.Fatal(err)
	}
	register.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("nobody noticed that the port is gone: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Log(err)
	}
	_, path = pty(t)
	again, err := Open(t.Context(), path, 57600)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// A register that sends without end keeps nobody from opening the port.
func TestBabble(t *testing.T) {
	register, path := pty(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := register.Write([]byte{0x15}); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	c, err := Open(t.Context(), path, 57600)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	register.Close()
	<-done
}
