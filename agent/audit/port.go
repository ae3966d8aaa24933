package audit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/evadts/ddcmp"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Protocols of an audit port.
const (
	DEX   = "dex"
	DDCMP = "ddcmp"
)

// Modes: what is done about the interval counters, which belong to the
// operator's hand-held (evadts 4.4). DDCMP reads list 2, which clears nothing,
// in either.
const (
	Withhold = "withhold" // never acknowledge the last block
	Save     = "save"     // ask the machine to keep them, then as its answer allows
)

// Port is where the machine is read. It is open only during a reading: a DEX
// jack that stays occupied blocks the route man's hand-held.
type Port struct {
	Address  string // a serial port's path, or tcp://host:port
	Protocol string // DEX, DDCMP
	Mode     string // Withhold, Save; "" is Withhold
	Baud     int    // DDCMP's start; 0 is 2400. DEX is always 9600
}

// patience bounds a reading whatever the machine does; the readers' own guards
// are shorter.
const patience = 15 * time.Minute

// Check tells what is wrong with the settings.
func (p Port) Check() error {
	switch {
	case p.Protocol != DEX && p.Protocol != DDCMP:
		return fmt.Errorf("protocol %q: want %s or %s", p.Protocol, DEX, DDCMP)
	case p.Mode != "" && p.Mode != Withhold && p.Mode != Save:
		return fmt.Errorf("mode %q: want %s or %s", p.Mode, Withhold, Save)
	case p.Baud < 0 || p.Baud > 115200 || p.Protocol == DEX && p.Baud != 0 && p.Baud != dexBaud:
		return fmt.Errorf("baud %d does not suit %s", p.Baud, p.Protocol)
	}
	if strings.Contains(p.Address, "://") {
		if u, err := url.Parse(p.Address); err != nil || u.Scheme != "tcp" || u.Port() == "" {
			return fmt.Errorf("port %q: want the path of a serial port or tcp://host:port", p.Address)
		}
	}
	return nil
}

const (
	dexBaud   = 9600
	ddcmpBaud = 2400
)

// Read opens the port, reads one report and lets the port go.
func (p Port) Read(ctx context.Context) (report []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reader, err := p.reader()
	if err != nil {
		return nil, err
	}
	port, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = port.Close() }()
	return line.Read(ctx, port, reader)
}

func (p Port) reader() (line.Reader, error) {
	if p.Protocol == DDCMP {
		return ddcmp.NewReader(ddcmp.Settings{Baud: p.Baud, MaxReport: wire.MaxAuditReport})
	}
	s := dex.Settings{Intervals: dex.Withhold, MaxReport: wire.MaxAuditReport}
	if p.Mode == Save {
		s.Intervals = dex.Save
	}
	return dex.NewReader(s)
}

func (p Port) open(ctx context.Context) (io.ReadWriteCloser, error) {
	if address, ok := strings.CutPrefix(p.Address, "tcp://"); ok {
		d := net.Dialer{Timeout: 10 * time.Second}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("open audit port %s: %w", p.Address, err)
		}
		return conn, nil
	}
	baud := dexBaud
	if p.Protocol == DDCMP {
		baud = ddcmpBaud
		if p.Baud != 0 {
			baud = p.Baud
		}
	}
	return line.OpenSerial(p.Address, baud)
}
