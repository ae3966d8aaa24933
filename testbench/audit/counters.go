package audit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/ddcmp"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Payment kinds of Counters, by the letters of their segment.
const (
	ByCash      = "CA"
	ByCashless1 = "DA"
	ByCashless2 = "DB"
)

// Counters are a virtual machine's own: what it counts whether or not anybody
// listens to its bus.
type Counters struct {
	Serial string // ID101
	Limit  int64  // counters of money wrap at it, as 16-bit ones do at 65 536; 0 never

	mu    sync.Mutex
	vends map[string]int64
	minor map[string]int64
}

// Sell counts a vend of so many kopecks.
func (c *Counters) Sell(kind string, minor int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.vends == nil {
		c.vends, c.minor = map[string]int64{}, map[string]int64{}
	}
	c.vends[kind]++
	c.minor[kind] += minor
}

// Restart begins all counters anew, as a new controller would.
func (c *Counters) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vends, c.minor = nil, nil
}

// Report is the counters as a sealed report.
func (c *Counters) Report() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	value := func(minor int64) int64 {
		if c.Limit > 0 {
			return minor % c.Limit
		}
		return minor
	}
	var vends, minor int64
	lines := ""
	for _, kind := range []string{ByCash, ByCashless1, ByCashless2} {
		vends, minor = vends+c.vends[kind], minor+c.minor[kind]
		lines += fmt.Sprintf("%s2*%d*%d*0*0\r\n", kind, value(c.minor[kind]), c.vends[kind])
	}
	text := fmt.Sprintf("DXS*VND0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*%s*BENCH\r\nID4*2*1643*RUB\r\nVA1*%d*%d*0*0\r\n%sDXE*1*1\r\n",
		c.Serial, value(minor), vends, lines)
	reports, err := evadts.Parse([]byte(text))
	if err != nil {
		panic(err) // the text begins with DXS
	}
	return evadts.Append(nil, reports[0].Sealed())
}

// Serve plays the audit port of these counters for whoever connects, one after
// another, until ctx ends; it closes l.
func (c *Counters) Serve(ctx context.Context, l net.Listener, protocol string) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("audit port of a virtual machine: %w", err)
		}
		m, err := c.session(protocol)
		if err == nil {
			err = line.Serve(ctx, conn, m)
		}
		_ = conn.Close()
		if err != nil && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
			return fmt.Errorf("audit port of a virtual machine: %w", err)
		}
	}
}

func (c *Counters) session(protocol string) (line.Session, error) {
	if protocol == DDCMP {
		return ddcmp.NewMachine(ddcmp.Play{Fresh: c.Report})
	}
	return dex.NewMachine(dex.Play{CommID: "VND0000001", Level: "R00L06", Fresh: c.Report})
}
