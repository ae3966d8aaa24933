package module

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Options of Open.
type Options struct {
	// Speed replays a trace file so many times faster than it was recorded:
	// 1 is its own pace, 0 as fast as it can be read.
	Speed uint
	// ChunkWords limits what a file gives at once; 0 is a good default.
	ChunkWords int
	// Format of a file whose name does not tell: FormTrace and its like; "" by name.
	Format string
	// Slave is the file with the other line, where a logic analyzer wrote one for
	// each channel; the file opened is the master's then.
	Slave string
	// Bus of a logic analyzer's file: "mdb" (""), or "exe".
	Bus string
	// Parity a serial analyzer of eight bits was set to, so that its parity errors
	// tell the ninth: "even" (""), "odd".
	Parity string
}

// Keeper is what a source may offer besides: Keep says that everything before
// the cursor is durable with the owner, so the module may forget it.
type Keeper interface{ Keep(Cursor) error }

// Open opens a source at a position. The scheme of the URL chooses it:
//
//	file:///path?speed=max|real|N  a trace file, N times faster than recorded; also a plain path
//	chekomat+tcp://host:port       a module over TCP
//	chekomat:///dev/ttyACM0?baud=N a module on a serial port
//	                               lines=master: the peripherals' line is not wired
//	qibixx:///dev/ttyACM0?mode=sniff            a Qibixx MDB-USB or Pi HAT that listens
//	qibixx:///dev/ttyACM0?mode=reader&address=10&currency=1643&vend=leave|approve
//	waferstar:///dev/ttyUSB0?address=10&sum=yes a Waferstar MDB-USB, reader's side
//
// Trace files are *.trace (package trace); *.words.csv, *.blocks.txt and
// *.log (of Qibixx) of the traces' MANIFEST; *.csv of Saleae Logic: the table of a
// serial analyzer or the edges of its channels. format=, slave=, bus= and parity=
// in the URL stand for the Options of the same name.
func Open(ctx context.Context, address string, from Cursor, opts Options) (Source, error) {
	scheme, _, found := strings.Cut(address, "://")
	if !found {
		return openFile(address, from, opts)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("open bus source %q: %w", address, err)
	}
	switch scheme {
	case "file":
		for name, to := range map[string]*string{"format": &opts.Format, "slave": &opts.Slave, "bus": &opts.Bus, "parity": &opts.Parity} {
			if v := u.Query().Get(name); v != "" {
				*to = v
			}
		}
		switch speed := u.Query().Get("speed"); speed {
		case "real":
			opts.Speed = 1
		case "max", "":
		default:
			n, err := strconv.ParseUint(speed, 10, 16)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("open bus source %q: speed is max, real or how many times faster (1 to 65535), not %q", address, speed)
			}
			opts.Speed = uint(n)
		}
		return openFile(u.Path, from, opts)
	case "chekomat+tcp", "chekomat":
		return openModule(ctx, u, from)
	case "qibixx", "waferstar":
		return openAdapter(u, from)
	}
	return nil, fmt.Errorf("open bus source %q: unknown scheme %q (file, chekomat+tcp, chekomat, qibixx, waferstar)", address, scheme)
}
