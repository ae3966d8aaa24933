package kkt

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Address is where a register is reached: the part of its URL every driver
// reads in the same way.
type Address struct {
	Network string // "tcp" or "serial"
	Addr    string // host:port, or the path of a serial port
	Baud    int    // serial
}

// Slowest and fastest speeds registers offer (kkt-shtrih 2).
const (
	minBaud = 1200
	maxBaud = 921600
)

// ParseAddress reads the transport after the "+" of the scheme and its address:
//
//	shtrih+tcp://10.0.0.7:7778       pirit+serial:///dev/ttyUSB0?baud=57600       pirit+serial://COM3
//
// port and baud are the driver's defaults. The driver must take the parameter
// BaudParameter for known.
func ParseAddress(u *url.URL, port string, baud int) (Address, error) {
	_, network, _ := strings.Cut(u.Scheme, "+")
	given := u.Query().Get(BaudParameter)
	switch network {
	case "tcp":
		if u.Hostname() == "" {
			return Address{}, fmt.Errorf("the address has no host")
		}
		if u.Path != "" && u.Path != "/" {
			return Address{}, fmt.Errorf("the address of a TCP register has a path: %s", u.Path)
		}
		if given != "" {
			return Address{}, fmt.Errorf("%s= belongs to a serial port", BaudParameter)
		}
		if p := u.Port(); p != "" {
			port = p
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return Address{}, fmt.Errorf("port %q is not 1..65535", port)
		}
		return Address{Network: network, Addr: net.JoinHostPort(u.Hostname(), port)}, nil
	case "serial":
		a := Address{Network: network, Addr: u.Host + u.Path, Baud: baud}
		if a.Addr == "" || a.Addr == "/" {
			return Address{}, fmt.Errorf("the address names no serial port, for instance serial:///dev/ttyUSB0")
		}
		if given != "" {
			n, err := strconv.Atoi(given)
			if err != nil || n < minBaud || n > maxBaud {
				return Address{}, fmt.Errorf("%s=%q is not %d..%d", BaudParameter, given, minBaud, maxBaud)
			}
			a.Baud = n
		}
		return a, nil
	}
	return Address{}, fmt.Errorf("the address names neither tcp nor serial: %s", u.Scheme)
}

// BaudParameter is the URL parameter of a serial port's speed.
const BaudParameter = "baud"

// String gives host:port or the path.
func (a Address) String() string { return a.Addr }

// Connect reaches the register. The connection keeps deadlines on either
// transport; bytes that came to a serial port before are gone. An error says
// what could not be reached; nothing was sent then.
func (o Options) Connect(ctx context.Context, a Address) (net.Conn, error) {
	if a.Network == "serial" {
		return o.Serial(ctx, a.Addr, a.Baud)
	}
	return o.Dial(ctx, a.Network, a.Addr)
}
