package shtrih

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// session is one TCP connection to a register: one command at a time.
type session struct {
	conn     net.Conn
	r        *bufio.Reader
	set      *Settings
	ctx      context.Context // of the running operation
	num      uint16          // V2: number of the next command
	out      []byte
	in       []byte
	prepared bool // settings of this connection were checked (printing off)
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

const linkTries = 3 // for ENQ, a damaged command, a damaged answer

func newSession(conn net.Conn, set *Settings) *session {
	return &session{conn: conn, r: bufio.NewReaderSize(conn, 512), set: set, num: 1}
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

// exchange sends a command and returns the bytes after the error byte of its
// answer. Errors: *DeviceError, *LinkError (the session is then unusable), or
// one that wraps ErrFrame.
func (s *session) exchange(c Code, params []byte) ([]byte, error) {
	s.out = AppendRequest(s.out[:0], c, s.set.Password, params)
	var data []byte
	var sent bool
	var err error
	if s.set.V2 {
		data, sent, err = s.exchange2(c)
	} else {
		data, sent, err = s.exchange1(c)
	}
	if err != nil {
		return nil, &LinkError{c, sent, err}
	}
	return ParseReply(c, data)
}

func (s *session) wait(c Code) time.Duration {
	switch c {
	case cmdCloseReceipt, cmdFix:
		return s.set.Close
	case cmdOpenShift, cmdCloseShift:
		return s.set.Shift
	}
	return s.set.Answer
}

// exchange1 follows the host's state machine of kkt-shtrih 3. A question the
// register refused with NAK is asked again. For every other command a NAK proves
// nothing, though the protocol says that the frame was not taken: it may be the
// late or repeated answer to the ENQ before, and a command sent twice may be
// executed twice.
func (s *session) exchange1(c Code) (data []byte, sent bool, err error) {
	request := AppendFrame(nil, s.out)
	for range linkTries {
		clean, err := s.enquire(s.wait(c))
		if err != nil {
			return nil, false, err
		}
		if err := s.patience(2 * s.set.Control); err != nil {
			return nil, false, err
		}
		if n, err := s.conn.Write(request); err != nil {
			return nil, n > 0, err
		}
		b, err := s.control()
		if err != nil {
			return nil, true, err
		}
		switch {
		case b == NAK && clean && c.asks():
			continue
		case b == NAK:
			return nil, true, errors.New("NAK, of the command or of the ENQ before it")
		}
		data, err = s.answer(c, s.wait(c))
		return data, true, err
	}
	return nil, false, errors.New("the register finds the frame damaged")
}

// enquire brings the register to "waiting for a command". Answers of earlier
// commands that are still pending are taken and dropped: what became of them is
// read from the ФН. clean says that each ENQ had its answer.
func (s *session) enquire(pending time.Duration) (clean bool, err error) {
	var last error
	unanswered := 0
	for try := 0; try < linkTries; {
		if err := s.patience(s.set.Control); err != nil {
			return false, err
		}
		if _, err := s.conn.Write([]byte{ENQ}); err != nil {
			return false, err
		}
		b, err := s.control()
		switch {
		case err == nil && b == NAK:
			return unanswered == 0, s.overtaken(unanswered)
		case err == nil:
			if _, err := s.answer(0, pending); err != nil {
				return false, fmt.Errorf("take the pending answer: %w", err)
			}
			try++
		case isTimeout(err) && s.ctx.Err() == nil:
			try++
			unanswered++
			last = err
		default:
			return false, err
		}
	}
	if last == nil {
		last = errors.New("the register keeps sending old answers")
	}
	return false, fmt.Errorf("no reaction to ENQ: %w", last)
}

// overtaken waits for the answers to ENQs that were given up, so that they are
// not taken for the answer to the command that follows.
func (s *session) overtaken(n int) error {
	for range n {
		if err := s.patience(s.set.Control); err != nil {
			return err
		}
		if _, err := s.control(); err != nil {
			if isTimeout(err) && s.ctx.Err() == nil {
				return nil // lost for good
			}
			return err
		}
	}
	return nil
}

// control reads ACK or NAK and skips noise (RNDIS registers send FFh). A frame
// that begins at once stands for ACK and is left to answer.
func (s *session) control() (byte, error) {
	for range 1024 {
		b, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ACK, NAK:
			return b, nil
		case STX:
			return ACK, s.r.UnreadByte()
		}
	}
	return 0, fmt.Errorf("%w: only noise instead of ACK or NAK", ErrFrame)
}

// answer reads the frame that answers c and acknowledges it; c = 0 takes any.
// Frames of other commands are late answers and are dropped.
func (s *session) answer(c Code, wait time.Duration) ([]byte, error) {
	for damaged := 0; damaged < linkTries; {
		data, err := s.frame(wait)
		if errors.Is(err, ErrFrame) {
			damaged++
			if err := s.again(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := s.patience(s.set.Control); err != nil {
			return nil, err
		}
		_, werr := s.conn.Write([]byte{ACK})
		if got, ok := ReplyCode(data); c == 0 || ok && got == c {
			return data, nil // the answer is here, whatever became of the ACK
		}
		if werr != nil {
			return nil, werr
		}
	}
	return nil, fmt.Errorf("%w: the answer is damaged", ErrFrame)
}

// again asks for a damaged answer once more: NAK, ENQ, and ACK is expected.
func (s *session) again() error {
	if err := s.patience(s.set.Control); err != nil {
		return err
	}
	if _, err := s.conn.Write([]byte{NAK, ENQ}); err != nil {
		return err
	}
	b, err := s.control()
	if err == nil && b == NAK {
		return errors.New("the register forgot the answer it was asked to repeat")
	}
	return err
}

// frame reads one V1 frame, skipping everything before STX.
func (s *session) frame(wait time.Duration) ([]byte, error) {
	if err := s.patience(wait); err != nil {
		return nil, err
	}
	for noise := 0; ; noise++ {
		b, err := s.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == STX {
			break
		}
		if noise == 1024 {
			return nil, errors.New("only noise instead of an answer")
		}
	}
	if err := s.patience(s.set.Control); err != nil {
		return nil, err
	}
	n, err := s.r.ReadByte()
	if err != nil {
		return nil, err
	}
	s.in = append(s.in[:0], STX, n)
	for range int(n) + 1 {
		b, err := s.r.ReadByte()
		if err != nil {
			return nil, err
		}
		s.in = append(s.in, b)
	}
	data, _, err := ParseFrame(s.in)
	return data, err
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
