package link

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// Care is a host that looks after a module rather than listening to its words:
// it asks for its state, gives it a new image, restarts it. It takes no words,
// so the module keeps them for the host that does.
type Care struct {
	h    *Host
	beat *Heartbeat
}

// Times of Care. A module erases flash while it takes an image.
const (
	answerWait = 2 * time.Second
	answerTry  = 3
	beatWait   = 2500 * time.Millisecond
	dataBytes  = 200
)

// StatusError is a command the module did not carry out.
type StatusError struct {
	Command uint8
	Status  uint8
}

func (e StatusError) Error() string {
	return fmt.Sprintf("the module refused command %02X: %s", e.Command, StatusText(e.Status))
}

// Errors of Care.
var (
	ErrNoUpdate = errors.New("this module takes no firmware over the link")
	ErrNoUSB    = errors.New("this module has no USB boot")
	ErrHardware = errors.New("the image is for other hardware")
)

// Attend greets a module. It owns rw from now on, also on an error.
func Attend(ctx context.Context, rw io.ReadWriteCloser) (*Care, error) {
	h := newHost(rw, 0)
	if err := h.greet(ctx); err != nil {
		h.Close()
		return nil, fmt.Errorf("greet module: %w", err)
	}
	return &Care{h: h}, nil
}

// Hello gives what the module said of itself.
func (c *Care) Hello() Hello { return c.h.hello }

// Close ends the connection.
func (c *Care) Close() error { return c.h.Close() }

// next gives the module's next message; ok is false when the time is over.
func (c *Care) next(ctx context.Context, until <-chan time.Time) (m Message, ok bool, err error) {
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-until:
		return nil, false, nil
	case m, open := <-c.h.frames:
		if !open {
			return nil, false, c.h.fail
		}
		if b, is := m.(Heartbeat); is {
			c.beat = &b
		}
		return m, true, nil
	}
}

// Heartbeat waits for the module's counters; they come once a second.
func (c *Care) Heartbeat(ctx context.Context) (Heartbeat, error) {
	t := time.NewTimer(beatWait)
	defer t.Stop()
	for c.beat == nil {
		if _, ok, err := c.next(ctx, t.C); err != nil {
			return Heartbeat{}, err
		} else if !ok {
			return Heartbeat{}, fmt.Errorf("no heartbeat: %w", ErrSilent)
		}
	}
	return *c.beat, nil
}

// ask sends a command until it is answered, three times at most. again says that
// an earlier try may have been carried out already.
func (c *Care) ask(ctx context.Context, m Message) (again bool, err error) {
	for try := range answerTry {
		if err := c.h.send(m); err != nil {
			return try > 0, err
		}
		t := time.NewTimer(answerWait)
		for {
			got, ok, err := c.next(ctx, t.C)
			if err != nil {
				t.Stop()
				return try > 0, err
			}
			if !ok {
				break
			}
			if r, is := got.(Result); is && r.Command == m.Type() && r.Seq == c.h.seq {
				t.Stop()
				if r.Status != StatusOK {
					return try > 0, StatusError{r.Command, r.Status}
				}
				return try > 0, nil
			}
		}
	}
	return true, fmt.Errorf("command %02X: %w", m.Type(), ErrSilent)
}

// Update puts an image into the slot that does not run and has the module
// verify it. The module goes on as it was until it is restarted, and goes back
// by itself when the new image does not come up. progress may be nil.
func (c *Care) Update(ctx context.Context, image []byte, progress func(done, whole int)) error {
	im, err := ParseImage(image)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	hello := c.Hello()
	switch {
	case hello.Capabilities&CanUpdate == 0:
		return ErrNoUpdate
	case im.Hardware != hello.Hardware:
		return fmt.Errorf("image for %d, module is %d: %w", im.Hardware, hello.Hardware, ErrHardware)
	}
	if hello.Mode != 0 { // refused while it speaks on the bus
		if _, err := c.ask(ctx, SetMode{Addresses: []uint8{0}}); err != nil {
			return fmt.Errorf("update: fall silent on the bus: %w", err)
		}
	}
	if _, err := c.ask(ctx, FwBegin{uint32(len(image)), crc32.ChecksumIEEE(image), im.Version}); err != nil {
		return fmt.Errorf("update: begin: %w", err)
	}
	for at := 0; at < len(image); at += dataBytes {
		part := image[at:min(at+dataBytes, len(image))]
		if _, err := c.ask(ctx, FwData{uint32(at), part}); err != nil {
			_ = c.h.send(FwAbort{}) // the module forgets it at the next restart too
			return fmt.Errorf("update: byte %d of %d: %w", at, len(image), err)
		}
		if progress != nil {
			progress(at+len(part), len(image))
		}
	}
	again, err := c.ask(ctx, FwCommit{})
	if refused, is := errors.AsType[StatusError](err); is && again && refused.Status == StatusMode {
		err = nil // the first commit was carried out, its answer was lost: HELLO will tell
	}
	if err != nil {
		return fmt.Errorf("update: verify: %w", err)
	}
	return nil
}

// Reboot restarts the module: into its program, or into the chip's own USB boot
// (usb), where it is a disk that takes a .uf2 file. The connection is over then.
func (c *Care) Reboot(ctx context.Context, usb bool) error {
	m := Reboot{}
	if usb {
		if c.Hello().Capabilities&CanUSBBoot == 0 {
			return ErrNoUSB
		}
		m.How = 1
	}
	_, err := c.ask(ctx, m)
	if refused, is := errors.AsType[StatusError](err); is {
		return fmt.Errorf("reboot: %w", refused)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil // a module that is gone before it answered was restarted
}
