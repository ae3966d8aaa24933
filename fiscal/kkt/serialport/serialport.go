// Package serialport makes a net.Conn of a serial port (RS-232, USB virtual
// port, pseudo-terminal), so that a register's driver speaks over it as it
// speaks over TCP: reads and writes end at their deadline even when the port
// hangs, a port that is pulled out gives an error, and opening it again finds
// it empty.
package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.bug.st/serial"
)

const (
	// tick bounds a read of the port, so that the reader has left it before it
	// is closed.
	tick = 10 * time.Millisecond
	// stuck bounds the wait for a write that hangs in the port while it closes.
	stuck = time.Second
	// longestDrain bounds the wait for a port that never falls silent.
	longestDrain = 500 * time.Millisecond
)

// Addr is the path of a port as a net.Addr.
type Addr string

// Network is "serial".
func (Addr) Network() string { return "serial" }

// String gives the path.
func (a Addr) String() string { return string(a) }

// port is what is used of serial.Port.
type port interface {
	io.ReadWriteCloser
	ResetInputBuffer() error
	ResetOutputBuffer() error
}

// Open opens a port with 8 data bits, no parity, 1 stop bit and no handshake,
// the setting of every register's manual, and throws away what the other end
// sent before. Where several processes may open it the last one wins unless
// the system forbids it. Errors name the port and wrap the system's.
func Open(ctx context.Context, path string, baud int) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open serial port %s: %w", path, err)
	}
	p, err := serial.Open(path, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, fmt.Errorf("open serial port %s at %d baud: %w", path, baud, err)
	}
	if err := p.SetReadTimeout(tick); err != nil {
		return nil, errors.Join(fmt.Errorf("set the read time-out of serial port %s: %w", path, err), p.Close())
	}
	if err := drain(ctx, p, quiet(baud)); err != nil {
		return nil, errors.Join(fmt.Errorf("drain serial port %s: %w", path, err), p.Close())
	}
	return newConn(p, Addr(path)), nil
}

// quiet is the silence that ends a drain: twenty characters, at least 5 ms.
func quiet(baud int) time.Duration {
	return max(5*time.Millisecond, 20*10*time.Second/time.Duration(max(baud, 1)))
}

// drain reads until the port has been silent for long enough, or for
// longestDrain: what a register goes on sending is told from answers by its
// driver.
func drain(ctx context.Context, p port, quiet time.Duration) error {
	if err := p.ResetInputBuffer(); err != nil {
		return err
	}
	buf := make([]byte, 512)
	end := time.Now().Add(longestDrain)
	for heard := time.Now(); time.Since(heard) < quiet && time.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := p.Read(buf)
		if err != nil {
			return err
		}
		if n > 0 {
			heard = time.Now()
		}
	}
	return nil
}

// conn is one end of a pipe whose other end two goroutines join to the port:
// the pipe has the deadlines a port has not.
type conn struct {
	net.Conn // the driver's end
	addr     Addr
	port     port
	far      net.Conn
	closing  chan struct{}
	once     sync.Once
	pumps    sync.WaitGroup
	written  chan struct{} // closed when the writer has left the port
	err      error
}

func newConn(p port, addr Addr) *conn {
	near, far := net.Pipe()
	c := &conn{Conn: near, addr: addr, port: p, far: far, closing: make(chan struct{}), written: make(chan struct{})}
	c.pumps.Add(1)
	go c.listen()
	go c.speak()
	return c
}

// listen brings what the port hears to the driver until the port is gone.
func (c *conn) listen() {
	defer c.pumps.Done()
	defer c.far.Close()
	buf := make([]byte, 512)
	for {
		select {
		case <-c.closing:
			return
		default:
		}
		n, err := c.port.Read(buf)
		if n > 0 {
			if _, err := c.far.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// speak brings what the driver writes to the port. A part of a frame is
// finished only while nobody closes: the rest of a command must not leave later.
func (c *conn) speak() {
	defer close(c.written)
	defer c.far.Close()
	buf := make([]byte, 512)
	for {
		n, err := c.far.Read(buf)
		for at := 0; at < n; {
			select {
			case <-c.closing:
				return
			default:
			}
			m, err := c.port.Write(buf[at:n])
			if err != nil || m <= 0 {
				return
			}
			at += m
		}
		if err != nil {
			return
		}
	}
}

// Close drops what has not left the port yet and releases it: when it returns
// the port may be opened again.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closing)
		c.err = c.Conn.Close()
		c.far.Close()
		_ = c.port.ResetOutputBuffer() // also ends a write that hangs
		c.pumps.Wait()
		timer := time.NewTimer(stuck)
		defer timer.Stop()
		select {
		case <-c.written:
		case <-timer.C:
		}
		c.err = errors.Join(c.err, c.port.Close())
	})
	return c.err
}

// LocalAddr is the port.
func (c *conn) LocalAddr() net.Addr { return c.addr }

// RemoteAddr is the port.
func (c *conn) RemoteAddr() net.Addr { return c.addr }
