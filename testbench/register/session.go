package register

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/chekomat/chekomat/testbench/register/line"
)

// session is one client on the link. Its fields are guarded by Register.mu.
type session struct {
	conn net.Conn
	v1   receiverV1
	v2   receiverV2
	out  []byte // collected while bytes are handled, written once
	// attached says that this client waits for the running command's answer:
	// it sent the command, or asked with ENQ and was told to wait.
	attached bool
	dead     bool
}

// cut resets the connection; collected bytes are lost.
func (s *session) cut() {
	s.dead, s.out, s.attached = true, nil, false
	line.Reset(s.conn)
}

// hangUp sends what is collected and closes: the host gets exactly that.
func (s *session) hangUp() {
	s.flush()
	s.dead, s.attached = true, false
	_ = s.conn.Close()
}

const writeTimeout = 5 * time.Second

func (s *session) flush() {
	if len(s.out) == 0 || s.dead {
		return
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.conn.Write(s.out); err != nil {
		s.dead = true
		_ = s.conn.Close()
	}
	s.out = s.out[:0]
}

// serve talks to one client until it leaves.
func (r *Register) serve(conn net.Conn) {
	r.mu.Lock()
	if r.ctx.Err() != nil || r.isOff() || time.Now().Before(r.held) {
		r.mu.Unlock()
		line.Reset(conn)
		return
	}
	s := &session{conn: conn}
	r.session = s
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.session = nil
		r.mu.Unlock()
		_ = conn.Close()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		r.mu.Lock()
		for _, b := range buf[:n] {
			if s.dead {
				break
			}
			r.push(s, b)
		}
		s.flush()
		middle, dead := s.v1.midFrame() || s.v2.midFrame(), s.dead
		if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			// Silence inside a frame: the receiver starts anew.
			s.v1.reset()
			s.v2.reset()
			middle, err = false, nil
		}
		r.mu.Unlock()
		if err != nil || dead {
			return
		}
		if middle {
			_ = conn.SetReadDeadline(time.Now().Add(r.cfg.ByteTimeout))
		} else {
			_ = conn.SetReadDeadline(time.Time{})
		}
	}
}

// push handles one byte of the host. The first byte since power-up that starts
// either protocol chooses it until the next power-up (kkt-shtrih.md §4).
func (r *Register) push(s *session, b byte) {
	if r.protocol == 0 {
		switch b {
		case enq, stx:
			r.protocol = 1
		case stx2:
			r.protocol = 2
		}
	}
	switch r.protocol {
	case 1:
		r.pushV1(s, b)
	case 2:
		if s.v2.push(b) == evFrame {
			r.frameV2(s)
		}
	}
}

func (r *Register) pushV1(s *session, b byte) {
	switch s.v1.push(b) {
	case evENQ:
		switch {
		case r.running:
			s.attached = true
			s.out = append(s.out, ack)
		case r.pending != nil:
			s.out = appendFrameV1(append(s.out, ack), r.pending)
		default:
			s.out = append(s.out, nak)
		}
	case evACK:
		if r.pending != nil && !r.running {
			r.pending = nil
			if r.cfg.RNDIS {
				s.out = append(s.out, 0xFF)
			}
		}
	case evBad:
		s.out = append(s.out, nak)
	case evFrame:
		if r.running {
			return // the host did not ask ENQ first; it will
		}
		r.pending = nil
		r.command(s, append([]byte(nil), s.v1.data...), 0)
	}
}

func (r *Register) frameV2(s *session) {
	v := &s.v2
	switch {
	case r.running:
	case v.empty && r.last == nil:
		s.out = appendFrameV2(s.out, r.lastNum, nil)
	case v.empty, v.num != r.lastNum+1:
		s.out = appendFrameV2(s.out, r.lastNum, r.last)
	case len(v.data) > 0:
		r.command(s, append([]byte(nil), v.data...), v.num)
	}
}
