package line

import (
	"io"
	"net"
	"sync"
	"time"
)

// terminal is the side of a pseudo-terminal the device holds.
type terminal interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	// fits says that the host's speed is the line's.
	fits(baud int) bool
}

// Pty is a pseudo-terminal as a listener.
type Pty struct {
	term terminal
	cfg  Config
	addr Address
	link string // to remove at the end

	mu   sync.Mutex
	idle *sync.Cond
	busy bool // a conversation is open
	done bool
}

func newPty(t terminal, cfg Config, addr Address) *Pty {
	p := &Pty{term: t, cfg: cfg, addr: addr}
	p.idle = sync.NewCond(&p.mu)
	return p
}

// Accept waits for the first bytes of a host.
func (p *Pty) Accept() (net.Conn, error) {
	p.mu.Lock()
	for p.busy && !p.done {
		p.idle.Wait()
	}
	done := p.done
	p.mu.Unlock()
	if done {
		return nil, net.ErrClosed
	}
	if err := p.term.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	b := make([]byte, 4096)
	n, err := p.read(b)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return nil, net.ErrClosed
	}
	p.busy = true
	return &conn{p: p, first: b[:n]}, nil
}

// Addr is the path a host opens.
func (p *Pty) Addr() net.Addr { return p.addr }

// Close ends the line.
func (p *Pty) Close() error {
	p.mu.Lock()
	if p.done {
		p.mu.Unlock()
		return nil
	}
	p.done = true
	p.idle.Broadcast()
	p.mu.Unlock()
	removeLink(p.link)
	return p.term.Close()
}

// read takes bytes as the line brings them: paced, and garbled where the
// speeds differ.
func (p *Pty) read(b []byte) (int, error) {
	n, err := p.term.Read(b)
	if p.cfg.Baud != 0 && n > 0 {
		p.cfg.Sleep(byteTime(n, p.cfg.Baud))
		if !p.term.fits(p.cfg.Baud) {
			garble(b[:n])
		}
	}
	return n, err
}

func (p *Pty) write(b []byte) (int, error) {
	if p.cfg.Baud == 0 {
		return p.term.Write(b)
	}
	// A host at another speed is found out for each piece, as it may change it.
	sent := 0
	for len(b) > 0 {
		piece := append([]byte(nil), b[:min(len(b), 16)]...)
		if !p.term.fits(p.cfg.Baud) {
			garble(piece)
		}
		p.cfg.Sleep(byteTime(len(piece), p.cfg.Baud))
		n, err := p.term.Write(piece)
		sent += n
		if err != nil {
			return sent, err
		}
		b = b[len(piece):]
	}
	return sent, nil
}

// garble is what a receiver at a wrong speed sees: other bytes than were sent.
func garble(b []byte) {
	for i := range b {
		b[i] = b[i]<<1 | 1
	}
}

// conn is one conversation on the line.
type conn struct {
	p     *Pty
	first []byte

	mu     sync.Mutex
	closed bool
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Read gives the host's bytes. A conversation closed by the emulator gives no
// more; a byte that arrives later belongs to the next one.
func (c *conn) Read(b []byte) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	n, err := c.p.read(b)
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	return c.p.write(b)
}

// Close ends the conversation and wakes its reader.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	err := c.p.term.SetReadDeadline(time.Unix(1, 0))
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.busy = false
	c.p.idle.Broadcast()
	return err
}

func (c *conn) LocalAddr() net.Addr  { return c.p.addr }
func (c *conn) RemoteAddr() net.Addr { return c.p.addr }

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return c.p.term.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error { return c.p.term.SetWriteDeadline(t) }
