package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/chekomat/chekomat/mdb/evadts/ddcmp"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// Protocols of an audit port.
const (
	DEX   = "dex"
	DDCMP = "ddcmp"
)

var errProtocol = errors.New("the protocol is dex or ddcmp")

// Port is a pseudo-terminal with a machine's audit port behind it. Programs
// open Path as a serial port.
type Port struct {
	Path  string
	near  *os.File // the machine's end
	guard *os.File // the other end, held open so that readers may come and go
}

// OpenPort makes a pseudo-terminal.
func OpenPort() (*Port, error) {
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pseudo-terminal: %w", err)
	}
	p := &Port{near: near}
	if err := p.open(); err != nil {
		near.Close()
		return nil, fmt.Errorf("make a pseudo-terminal: %w", err)
	}
	return p, nil
}

func (p *Port) open() error {
	raw, err := p.near.SyscallConn()
	if err != nil {
		return err
	}
	var number int
	var failure error
	err = raw.Control(func(fd uintptr) {
		if failure = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failure == nil {
			number, failure = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	p.Path = "/dev/pts/" + strconv.Itoa(number)
	if p.guard, err = os.OpenFile(p.Path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0); err != nil {
		return err
	}
	return p.raw()
}

// raw leaves every byte as it is, until a reader sets its own mode.
func (p *Port) raw() error {
	conn, err := p.guard.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = conn.Control(func(fd uintptr) {
		var t *unix.Termios
		if t, failure = unix.IoctlGetTermios(int(fd), unix.TCGETS); failure != nil {
			return
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B9600
		failure = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, failure)
}

// Close takes the port away.
func (p *Port) Close() error { return errors.Join(p.near.Close(), p.guard.Close()) }

// Serve plays a machine behind the port until ctx ends.
func (p *Port) Serve(ctx context.Context, s line.Session) error {
	return line.Serve(ctx, ttyEnd{p.near}, s)
}

// ttyEnd is the machine's end: it has no speed of its own.
type ttyEnd struct{ *os.File }

func (ttyEnd) SetSpeed(int) error { return nil }

// noticing tells of each read-out that ended.
type noticing struct {
	line.Session
	counts func() (reads, cleared int)
	reads  int
	enc    *json.Encoder
}

func (n *noticing) Step(now time.Duration, in []byte) line.Action {
	a := n.Session.Step(now, in)
	if reads, cleared := n.counts(); reads != n.reads {
		n.reads = reads
		// The reader of this output may be gone; the port goes on.
		_ = n.enc.Encode(struct {
			Reads   int `json:"reads"`
			Cleared int `json:"cleared"`
		}{reads, cleared})
	}
	return a
}

// machineFor plays a protocol with the bytes of a file, read anew each time.
func machineFor(protocol, file string, bids bool, out io.Writer) (line.Session, error) {
	fresh := func() []byte {
		// A file that went away is an empty report, as of a machine without data.
		b, _ := os.ReadFile(file)
		return b
	}
	enc := json.NewEncoder(out)
	switch protocol {
	case DEX:
		m, err := dex.NewMachine(dex.Play{CommID: "CHK0000042", Fresh: fresh, Bids: bids})
		if err != nil {
			return nil, err
		}
		return &noticing{Session: m, enc: enc, counts: func() (int, int) { return m.Reads, m.Cleared }}, nil
	case DDCMP:
		m, err := ddcmp.NewMachine(ddcmp.Play{Fresh: fresh, Fastest: 115200})
		if err != nil {
			return nil, err
		}
		return &noticing{Session: m, enc: enc, counts: func() (int, int) { return m.Reads, m.Cleared }}, nil
	}
	return nil, fmt.Errorf("%q: %w", protocol, errProtocol)
}

func portCommand() *cobra.Command {
	var protocol string
	var bids bool
	c := &cobra.Command{
		Use:   "port FILE",
		Short: "Play a machine's audit port on a pseudo-terminal / порт аудита автомата на псевдотерминале",
		Long: `Makes a pseudo-terminal and answers there as a machine that sends FILE by DEX or
DDCMP, read anew at each read-out. The first line of output is {"port":"/dev/pts/N"},
then a line for each read-out the machine thinks it had: with "cleared" of them those
that cleared its interval counters. Ends with SIGTERM.

Изображает порт аудита автомата и отдаёт в него FILE по протоколу DEX или DDCMP.`,
		Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return fmt.Errorf("the report to send: %w", err)
			}
			m, err := machineFor(protocol, args[0], bids, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			p, err := OpenPort()
			if err != nil {
				return err
			}
			defer p.Close()
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			if err := json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"port": p.Path, "protocol": protocol}); err != nil {
				return fmt.Errorf("write the port's name: %w", err)
			}
			return p.Serve(ctx, m)
		},
	}
	c.Flags().StringVar(&protocol, "protocol", DEX, "dex, ddcmp")
	c.Flags().BoolVar(&bids, "bids", false, "DEX: the machine is master of the first exchange, as older controllers are")
	return c
}
