package line

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Speeder is a port whose speed can be changed.
type Speeder interface{ SetSpeed(baud int) error }

type deadliner interface{ SetReadDeadline(time.Time) error }

// Run drives a session over an open port until it is done, the port fails or
// ctx ends. It reads in a goroutine that leaves with the port's next byte,
// read deadline or Close: a port without read deadlines has to be closed by
// the caller afterwards.
func Run(ctx context.Context, port io.ReadWriter, s Session) error {
	start := time.Now()
	in := make(chan []byte)
	failed := make(chan error, 1)
	over, left := make(chan struct{}), make(chan struct{})
	defer func() {
		close(over)
		release(port, left)
	}()
	go func() {
		defer close(left)
		receive(port, in, failed, over)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var input []byte
		select {
		case <-ctx.Done():
			return fmt.Errorf("read-out: %w", ctx.Err())
		case err := <-failed:
			return fmt.Errorf("read-out: read the port: %w", err)
		case input = <-in:
		case <-timer.C:
		}
		a := s.Step(time.Since(start), input)
		if err := act(port, a); err != nil {
			return err
		}
		if a.Done {
			return nil
		}
		if a.Wake == Never {
			timer.Stop()
			continue
		}
		timer.Reset(max(0, a.Wake-time.Since(start)))
	}
}

func act(port io.Writer, a Action) error {
	if len(a.Send) > 0 {
		if _, err := port.Write(a.Send); err != nil {
			return fmt.Errorf("read-out: write %d bytes to the port: %w", len(a.Send), err)
		}
	}
	if a.Speed == 0 {
		return nil
	}
	sp, ok := port.(Speeder)
	if !ok {
		return fmt.Errorf("read-out: change the speed to %d: the port cannot", a.Speed)
	}
	if err := sp.SetSpeed(a.Speed); err != nil {
		return fmt.Errorf("read-out: change the speed to %d: %w", a.Speed, err)
	}
	return nil
}

// release calls the reading goroutine back from a port with read deadlines,
// and leaves the port without one.
func release(port io.Reader, left <-chan struct{}) {
	d, ok := port.(deadliner)
	if !ok || d.SetReadDeadline(time.Now()) != nil {
		return
	}
	<-left
	_ = d.SetReadDeadline(time.Time{})
}

// receive hands on what comes. Ports with a read time-out return nothing and
// no error: it reads again.
func receive(port io.Reader, in chan<- []byte, failed chan<- error, over <-chan struct{}) {
	buf := make([]byte, 512)
	for {
		n, err := port.Read(buf)
		if n > 0 {
			select {
			case in <- append([]byte(nil), buf[:n]...):
			case <-over:
				return
			}
		}
		if err != nil {
			failed <- err
			return
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

// Read runs a reader and gives its report.
func Read(ctx context.Context, port io.ReadWriter, r Reader) ([]byte, error) {
	if err := Run(ctx, port, r); err != nil {
		return nil, err
	}
	return r.Result()
}

// Serve runs the machine's side until ctx ends or the port is closed at the
// other end.
func Serve(ctx context.Context, port io.ReadWriter, s Session) error {
	err := Run(ctx, port, s)
	if errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
