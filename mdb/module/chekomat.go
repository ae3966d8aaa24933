package module

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"

	"go.bug.st/serial"

	"github.com/chekomat/chekomat/mdb/module/link"
)

// linkSource is a module on the link protocol.
type linkSource struct{ h *link.Host }

const dialTimeout = 5 * time.Second

func openTCP(ctx context.Context, u *url.URL, from Cursor) (Source, error) {
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", u, err)
	}
	return connect(ctx, u, c, from)
}

// openSerial opens a serial port; baud defaults to the link's 460800 and means
// nothing on USB.
func openSerial(ctx context.Context, u *url.URL, from Cursor) (Source, error) {
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
	return connect(ctx, u, p, from)
}

func connect(ctx context.Context, u *url.URL, rw io.ReadWriteCloser, from Cursor) (Source, error) {
	h, err := link.Connect(ctx, rw, from.Boot, from.Seq)
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", u, err)
	}
	return &linkSource{h}, nil
}

// Fidelity implements Source.
func (s *linkSource) Fidelity() Fidelity {
	return Fidelity{ModeBits: true, Checksums: true, Times: s.h.Hello().Capabilities&link.NoTimes == 0, BothLines: true}
}

// Read implements Source.
func (s *linkSource) Read(ctx context.Context) (Chunk, error) {
	b, err := s.h.Read(ctx)
	if err != nil {
		return Chunk{}, fmt.Errorf("read module: %w", err)
	}
	return Chunk{Words: b.Words, Now: b.Now, Next: Cursor{b.Boot, b.Next}, Lost: b.Lost, Note: b.Note}, nil
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
