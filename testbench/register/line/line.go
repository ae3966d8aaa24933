// Package line gives an emulated register its wires: a TCP port, a
// pseudo-terminal that stands for a serial port, or both. Either is a
// net.Listener, so an emulator serves hosts one way:
//
//	wires, err := line.Open(line.Config{Listen: "127.0.0.1:0", Pty: true})
//	for _, l := range wires.Listeners() {
//		go accept(l) // each Accept is one conversation with a host
//	}
//	fmt.Println(wires.Addr(), wires.Path())
//
// A serial line has no connections. Accept of the pseudo-terminal returns when
// the first byte of a host arrives, and again for the first byte after the
// emulator closed that conversation: closing one is pulling the plug for a
// moment. Bytes of a host that arrive while the emulator refuses conversations
// (power off) are lost, as on a real line.
package line

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config says where hosts find the device.
type Config struct {
	// Listen is the TCP address; "" has none.
	Listen string
	// Pty opens a pseudo-terminal beside it (Linux).
	Pty bool
	// Link is the path of a symbolic link to the pseudo-terminal, "" for none.
	// A link that is there already is replaced, anything else is left alone.
	Link string
	// Baud paces the pseudo-terminal both ways: ten bit times a byte (8N1). A
	// host that set another speed receives and sends garbage, as over a real
	// line. 0 is as fast as it goes at any speed.
	Baud int
	// Sleep waits for the pace; time.Sleep by default.
	Sleep func(time.Duration)
}

// Wires are the open ways to a device.
type Wires struct {
	tcp net.Listener
	pty *Pty
}

// Open opens what the configuration names; at least one way is wanted.
func Open(c Config) (*Wires, error) {
	if c.Listen == "" && !c.Pty {
		return nil, errors.New("open the register's line: an address or a pseudo-terminal wanted")
	}
	if c.Baud < 0 {
		return nil, fmt.Errorf("open the register's line: baud %d", c.Baud)
	}
	if c.Sleep == nil {
		c.Sleep = time.Sleep
	}
	w := &Wires{}
	if c.Listen != "" {
		ln, err := net.Listen("tcp", c.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen for hosts: %w", err)
		}
		w.tcp = ln
	}
	if c.Pty {
		p, err := openPty(c)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open a pseudo-terminal: %w", err), w.Close())
		}
		w.pty = p
	}
	return w, nil
}

// Listeners are the ways hosts come in.
func (w *Wires) Listeners() (ls []net.Listener) {
	if w.tcp != nil {
		ls = append(ls, w.tcp)
	}
	if w.pty != nil {
		ls = append(ls, w.pty)
	}
	return ls
}

// Addr is the address of the TCP port; "" without one.
func (w *Wires) Addr() string {
	if w.tcp == nil {
		return ""
	}
	return w.tcp.Addr().String()
}

// Path is the file a host opens as its serial port: the symbolic link where
// one was asked for; "" without a pseudo-terminal.
func (w *Wires) Path() string {
	if w.pty == nil {
		return ""
	}
	return w.pty.Addr().String()
}

// Close closes every way and the conversation on the pseudo-terminal.
func (w *Wires) Close() (err error) {
	for _, l := range w.Listeners() {
		err = errors.Join(err, l.Close())
	}
	return err
}

// Reset ends a conversation the hard way: over TCP the host sees a reset.
func Reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// Address is a line's address as text: the path of a pseudo-terminal.
type Address string

// Network is "pty".
func (Address) Network() string { return "pty" }

func (a Address) String() string { return string(a) }

// byteTime is how long n bytes of ten bits take.
func byteTime(n, baud int) time.Duration {
	if baud == 0 {
		return 0
	}
	return time.Duration(n) * 10 * time.Second / time.Duration(baud)
}
