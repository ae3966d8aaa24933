package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"

	"go.bug.st/serial"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// Errors of a Speaker.
var (
	ErrMute    = errors.New("this module can only listen")
	ErrTooMany = errors.New("this module can't play so many addresses at once")
)

var (
	_ Speaker  = (*linkSource)(nil)
	_ Switcher = (*linkSource)(nil)
	_ Keeper   = (*linkSource)(nil)
)

// linkSource is a module on the link protocol.
type linkSource struct {
	h       *link.Host
	oneLine bool // only the VMC's line is wired to the module
}

const dialTimeout = 5 * time.Second

// dial reaches a module: chekomat+tcp://host:port, or chekomat:///dev/port on a
// serial port, where baud defaults to the link's 460800 and means nothing on USB.
func dial(ctx context.Context, u *url.URL) (io.ReadWriteCloser, error) {
	if u.Scheme == "chekomat+tcp" {
		d := net.Dialer{Timeout: dialTimeout}
		c, err := d.DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return nil, fmt.Errorf("open module %s: %w", u, err)
		}
		return c, nil
	}
	baud := 460800
	if q := u.Query().Get("baud"); q != "" {
		v, err := strconv.Atoi(q)
		if err != nil || v <= 0 {
			return nil, fmt.Errorf("open module %s: baud %q is no number", u, q)
		}
		baud = v
	}
	p, err := serial.Open(u.Path, &serial.Mode{BaudRate: baud})
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", u, err)
	}
	return p, nil
}

func openModule(ctx context.Context, u *url.URL, from Cursor) (Source, error) {
	rw, err := dial(ctx, u)
	if err != nil {
		return nil, err
	}
	return connect(ctx, u, rw, from)
}

func connect(ctx context.Context, u *url.URL, rw io.ReadWriteCloser, from Cursor) (Source, error) {
	lines := u.Query().Get("lines")
	if lines != "" && lines != "both" && lines != "master" {
		rw.Close()
		return nil, fmt.Errorf("open module %s: lines is both or master, not %q", u, lines)
	}
	h, err := link.Connect(ctx, rw, from.Boot, from.Seq)
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", u, err)
	}
	return &linkSource{h, lines == "master"}, nil
}

// Fidelity implements Source.
func (s *linkSource) Fidelity() Fidelity {
	return Fidelity{ModeBits: true, Checksums: true, Times: s.h.Hello().Capabilities&link.NoTimes == 0, BothLines: !s.oneLine}
}

// Read implements Source.
func (s *linkSource) Read(ctx context.Context) (Chunk, error) {
	b, err := s.h.Read(ctx)
	if err != nil {
		return Chunk{}, fmt.Errorf("read module: %w", err)
	}
	c := Chunk{Words: b.Words, Now: b.Now, Next: Cursor{b.Boot, b.Next}, Lost: b.Lost, Note: b.Note}
	for _, r := range b.Reports {
		c.Said = append(c.Said, Said{Tag: r.Tag, OK: r.Result == link.TxAccepted, Tries: r.Tries})
	}
	for _, r := range b.Refused {
		c.Trouble = append(c.Trouble, fmt.Sprintf("the module refused command %02X: %s", r.Command, link.StatusText(r.Status)))
	}
	for _, e := range b.Events {
		c.Trouble = append(c.Trouble, link.EventText(e.Code))
	}
	return c, nil
}

// SetMode implements Speaker.
func (s *linkSource) SetMode(addresses ...mdb.Device) error {
	hello := s.h.Hello()
	m := link.SetMode{Mode: 1}
	for _, a := range addresses {
		m.Addresses = append(m.Addresses, uint8(a))
	}
	switch {
	case len(addresses) == 0 && hello.Capabilities&link.CanSpeakMDB == 0:
		return nil
	case len(addresses) == 0:
		m = link.SetMode{Addresses: []uint8{0}} // 1.0 wants the byte
	case hello.Capabilities&link.CanSpeakMDB == 0:
		return fmt.Errorf("play %v on the bus: %w", addresses, ErrMute)
	case len(addresses) > link.MaxAddresses || len(addresses) > 1 && hello.Minor < 1:
		return fmt.Errorf("play %v on the bus: %w", addresses, ErrTooMany)
	}
	s.h.Post(m)
	return nil
}

// SetReplies implements Speaker.
func (s *linkSource) SetReplies(rs ...Reply) error {
	for _, r := range rs {
		s.h.Post(link.ReplySet{Key: r.Key, Reply: r.Data})
	}
	return nil
}

// ClearReplies implements Speaker.
func (s *linkSource) ClearReplies(d mdb.Device) error {
	if s.h.Hello().Minor < 1 {
		d = 0 // 1.0 has one address
	}
	s.h.Post(link.ReplyClear{Address: uint8(d)})
	return nil
}

// QueuePoll implements Speaker.
func (s *linkSource) QueuePoll(l Line) error {
	m := link.PollQueue{Tag: l.Tag, Data: l.Data, Address: uint8(l.Address)}
	if s.h.Hello().Minor < 1 {
		m.Address = 0
	}
	s.h.Post(m)
	return nil
}

// Live implements Speaker.
func (s *linkSource) Live() Cursor {
	h := s.h.Hello()
	return Cursor{h.Boot, h.Next}
}

// SetOutputs implements Switcher.
func (s *linkSource) SetOutputs(mask, value uint8) error {
	if s.h.Hello().Capabilities&link.HasOutputs == 0 {
		return fmt.Errorf("switch outputs of the module: %w", ErrMute)
	}
	s.h.Post(link.SetOutputs{Mask: mask, Value: value})
	return nil
}

// Keep implements Keeper.
func (s *linkSource) Keep(c Cursor) error {
	if err := s.h.Keep(c.Boot, c.Seq); err != nil {
		return fmt.Errorf("keep words at module: %w", err)
	}
	return nil
}

// Close implements Source.
func (s *linkSource) Close() error { return s.h.Close() }
