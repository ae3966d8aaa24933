package pirit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// session is one connection to a register: one command at a time.
type session struct {
	conn net.Conn
	r    *bufio.Reader
	set  *Settings
	ctx  context.Context // of the running operation
	id   byte            // of the last command
	out  []byte
	in   []byte
}

// LinkError is an exchange that did not come to an answer. Sent says that at
// least a part of the command left the process, so it may have been executed.
type LinkError struct {
	Command Code
	Sent    bool
	Err     error
}

func (e *LinkError) Error() string {
	if e.Sent {
		return fmt.Sprintf("no answer to %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("%s was not sent: %v", e.Command, e.Err)
}

// Unwrap gives the cause.
func (e *LinkError) Unwrap() error { return e.Err }

// DeviceError is an answer with an error code. Extended is what 06/1 said of
// 01 and 03; 0 unknown or none.
type DeviceError struct {
	Command  Code
	Code     byte
	Extended uint16
	Text     string // of 06/1, where the model has one
}

func (e *DeviceError) Error() string {
	s := fmt.Sprintf("%s refused with %02Xh", e.Command, e.Code)
	if e.Extended != 0 {
		s += fmt.Sprintf(", reason %d", e.Extended)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

const enquiries = 3 // ENQ without an answer before a register counts as dead

// idSpan is how many ids there are; a late answer of a command that long ago
// cannot be told from the right one, but every exchange waits for its own.
const idSpan = LastID - FirstID + 1

func newSession(conn net.Conn, set *Settings, id byte) *session {
	return &session{conn: conn, r: bufio.NewReaderSize(conn, 1024), set: set, id: id}
}

// with binds the following exchanges to ctx; the returned function ends that.
func (s *session) with(ctx context.Context) func() bool {
	s.ctx = ctx
	return context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
}

// patience sets how long the next reads and writes may take.
func (s *session) patience(d time.Duration) error {
	at := time.Now().Add(d)
	if end, ok := s.ctx.Deadline(); ok && end.Before(at) {
		at = end
	}
	if err := s.conn.SetDeadline(at); err != nil {
		return err
	}
	return s.ctx.Err()
}

func (s *session) nextID() byte {
	if s.id < FirstID || s.id >= LastID {
		s.id = FirstID
	} else {
		s.id++
	}
	return s.id
}

// exchange sends a command and returns the fields of its answer. Errors:
// *DeviceError, *LinkError (the session is then unusable).
func (s *session) exchange(c Code, fields []string) ([]string, error) {
	cmd := Command{Password: s.set.Password, ID: s.nextID(), Code: c, Fields: fields}
	s.out = AppendCommand(s.out[:0], cmd)
	if err := s.patience(2 * s.set.Control); err != nil {
		return nil, &LinkError{c, false, err}
	}
	if n, err := s.conn.Write(s.out); err != nil {
		return nil, &LinkError{c, n > 0, err}
	}
	a, err := s.answer(cmd)
	if err != nil {
		return nil, &LinkError{c, true, err}
	}
	if a.Error != 0 {
		return nil, &DeviceError{Command: c, Code: a.Error}
	}
	return a.Fields, nil
}

func (s *session) limit(c Code) time.Duration {
	switch c {
	case cmdClose:
		return s.set.Close
	case cmdOpenShift, cmdCloseShift:
		return s.set.Shift
	}
	return s.set.Answer
}

// answer waits for the answer to cmd as long as the register says with ACK
// that it lives, at most the command's limit. Frames of other ids are late
// answers and are dropped; a damaged frame ends the exchange, for nothing is
// ever sent again.
//
// ENQ does not tell a slow register from an answer that was lost. Commands run
// one after another, so a register that lives is asked its status too: an
// answer to that question before the one that is awaited says that the latter
// never comes. A register that takes no command while it works is waited for
// to the end.
func (s *session) answer(cmd Command) (Answer, error) {
	end := time.Now().Add(s.limit(cmd.Code))
	wait, silent := s.set.Control, 0
	var asked []byte // ids of questions sent behind the command
	for {
		left := time.Until(end)
		if left <= 0 {
			return Answer{}, fmt.Errorf("silent for %s: %w", s.limit(cmd.Code), errSlow)
		}
		if err := s.patience(min(wait, left)); err != nil {
			return Answer{}, err
		}
		a, alive, err := s.read()
		switch {
		case err == nil && alive:
			silent = 0
			wait = min(2*wait, 4*s.set.Control) // it lives: ask again after a while
			if len(asked) < enquiries {
				if err := s.ask(); err != nil {
					return Answer{}, err
				}
				asked = append(asked, s.id)
			}
		case err == nil && a.ID == cmd.ID && a.Code == cmd.Code:
			return a, nil
		case err == nil && a.Code == cmdStatus && bytes.IndexByte(asked, a.ID) >= 0:
			return Answer{}, errLost
		case err == nil:
			silent = 0
		case !isTimeout(err) || s.ctx.Err() != nil:
			return Answer{}, err
		case silent == enquiries:
			return Answer{}, fmt.Errorf("no reaction to ENQ: %w", err)
		default:
			silent++
			if err := s.enquire(); err != nil {
				return Answer{}, err
			}
		}
	}
}

// errLost says that the register has answered what was asked later.
var errLost = errors.New("the register answers the next question: this answer was lost")

// ask sends 00h behind a command that has not been answered.
func (s *session) ask() error {
	if err := s.patience(s.set.Control); err != nil {
		return err
	}
	_, err := s.conn.Write(AppendCommand(nil, Command{Password: s.set.Password, ID: s.nextID(), Code: cmdStatus}))
	return err
}

// errSlow is a time-out that no deadline of the connection gave.
var errSlow error = slow{}

type slow struct{}

func (slow) Error() string   { return "time-out" }
func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

func (s *session) enquire() error {
	if err := s.patience(s.set.Control); err != nil {
		return err
	}
	_, err := s.conn.Write([]byte{ENQ})
	return err
}

// sync brings a new connection to "waiting for a command": the register
// answers ENQ, whatever came before that is an answer nobody waits for.
func (s *session) sync() error {
	for silent := 0; ; {
		if err := s.enquire(); err != nil {
			return err
		}
		if err := s.patience(s.set.Control); err != nil {
			return err
		}
		for {
			_, alive, err := s.read()
			if err == nil && alive {
				return nil
			}
			if err == nil || errors.Is(err, ErrFrame) {
				continue
			}
			if !isTimeout(err) || s.ctx.Err() != nil {
				return err
			}
			if silent++; silent == enquiries {
				return fmt.Errorf("no reaction to ENQ: %w", err)
			}
			break
		}
	}
}

// read takes one thing the register says: an ACK (alive) or a frame. Other
// bytes are noise.
func (s *session) read() (a Answer, alive bool, err error) {
	for noise := 0; ; noise++ {
		b, err := s.r.ReadByte()
		switch {
		case err != nil:
			return a, false, err
		case b == ACK:
			return a, true, nil
		case b == STX:
			a, err = s.frame()
			return a, false, err
		case noise == maxFrame:
			return a, false, fmt.Errorf("%w: only noise instead of an answer", ErrFrame)
		}
	}
}

// frame reads the rest of a frame; its bytes may be Control apart.
func (s *session) frame() (a Answer, err error) {
	s.in = append(s.in[:0], STX)
	for end := 0; end == 0 || len(s.in) < end+3; {
		if s.r.Buffered() == 0 {
			if err := s.patience(s.set.Control); err != nil {
				return a, err
			}
		}
		b, err := s.r.ReadByte()
		if isTimeout(err) {
			return a, fmt.Errorf("%w: it stops after %d bytes", ErrFrame, len(s.in))
		}
		if err != nil {
			return a, err
		}
		s.in = append(s.in, b)
		if b == ETX && end == 0 {
			end = len(s.in) - 1
		}
		if len(s.in) > maxFrame {
			return a, fmt.Errorf("%w: %d bytes without an end", ErrFrame, len(s.in))
		}
	}
	a, _, err = ParseAnswer(s.in)
	return a, err
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
