package pirit

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/chekomat/chekomat/testbench/register/line"
)

// session is one client on the line.
type session struct {
	conn net.Conn
	in   receiver

	mu     sync.Mutex // writing
	dead   bool
	repeat []byte // copy of an answer that stands before the next one
}

// cut resets the connection.
func (s *session) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	line.Reset(s.conn)
}

// hangUp closes after what was written.
func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	_ = s.conn.Close()
}

const writeTimeout = 5 * time.Second

func (s *session) write(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return
	}
	b = append(s.repeat, b...)
	s.repeat = nil
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.conn.Write(b); err != nil {
		s.dead = true
		_ = s.conn.Close()
	}
}

// job is a command that arrived. Commands of all lines stand in one queue: what
// arrived is executed even when its host has gone.
type job struct {
	s     *session
	f     frame
	epoch int
}

// serve talks to one client until it leaves.
func (r *Register) serve(conn net.Conn) {
	s := &session{conn: conn, in: receiver{password: r.cfg.Password}}
	r.mu.Lock()
	if r.ctx.Err() != nil || r.isOff() {
		r.mu.Unlock()
		line.Reset(conn)
		return
	}
	r.session = s
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.session = nil
		r.mu.Unlock()
		s.hangUp()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		for _, b := range buf[:n] {
			switch s.in.push(b) {
			case evNone:
			case evENQ:
				s.write([]byte{ack})
			case evFrame:
				r.queue(s, s.in.f)
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && s.in.midFrame() {
			r.queue(s, s.in.timeout())
			err = nil
		}
		if err != nil {
			return
		}
		gap := time.Time{}
		if s.in.midFrame() {
			gap = time.Now().Add(r.cfg.ByteGap)
		}
		if err := conn.SetReadDeadline(gap); err != nil {
			return
		}
	}
}

func (r *Register) queue(s *session, f frame) {
	r.mu.Lock()
	epoch := r.epoch
	r.mu.Unlock()
	select {
	case r.jobs <- job{s, f, epoch}:
	case <-r.ctx.Done():
	}
}

// execute runs the commands one after another.
func (r *Register) execute() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case j := <-r.jobs:
			r.run(j)
		}
	}
}

func (r *Register) stale(j job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch != j.epoch
}

// run executes one command under the armed faults.
func (r *Register) run(j job) {
	if r.stale(j) {
		return
	}
	r.stats.begin(j.f.code)
	f, _ := r.faults.Match(names(j.f)...)
	before := f.When == faults.Before
	switch f.Kind {
	case faults.LostRequest:
		return
	case faults.DamagedRequest:
		j.f.bad = errChecksum
	case faults.Off:
		r.mu.Lock()
		_ = r.switchOff(f)
		r.mu.Unlock()
		return
	case faults.Cut:
		if before {
			j.s.hangUp()
			return
		}
	case faults.PowerLoss:
		if before {
			r.mu.Lock()
			_ = r.powerLoss(f)
			r.mu.Unlock()
			return
		}
	case faults.LateExecution:
		j.s.cut()
	case faults.SecondHost:
		j.s.cut()
	}
	wait := r.dev.delay(j.f)
	if f.Kind == faults.LateExecution || f.Kind == faults.Slow || f.Kind == faults.Busy || f.Kind == faults.DelayedAnswer && before {
		wait += f.Wait()
	}
	if !r.sleep(wait) || r.stale(j) {
		return
	}
	code, fields, answered := r.runDevice(j.f, f)
	if f.Kind == faults.PowerLoss {
		r.mu.Lock()
		_ = r.powerLoss(f)
		r.mu.Unlock()
		return
	}
	if f.Kind == faults.DelayedAnswer && !before && !r.sleep(f.Wait()) {
		return
	}
	if answered {
		r.answer(j, f, appendAnswer(nil, j.f.id, j.f.code, code, fields))
	}
}

// runDevice executes the command between the faults of state around it.
func (r *Register) runDevice(cmd frame, f faults.Fault) (code byte, fields []string, answered bool) {
	d := r.dev
	d.mu.Lock()
	defer d.mu.Unlock()
	state := f.Kind != "" && !f.Link()
	if state && f.When != faults.After {
		_ = d.strike(f)
		d.between()
	}
	if f.Kind == faults.PowerLoss && f.Step != "" {
		d.fn.FailPowerAt(step(f.Step), f.Part)
	}
	answered = true
	if f.Kind != faults.ErrorCode || f.When == faults.After {
		code, fields, answered = d.execute(cmd)
	}
	if f.Kind == faults.PowerLoss && f.Step != "" {
		d.fn.KeepPower()
	}
	if f.Kind == faults.ErrorCode {
		answered, fields, code = true, nil, f.Code
		if code == 0 {
			code = errNoFN
		}
	}
	if state && f.When == faults.After {
		_ = d.strike(f)
	}
	d.between()
	if d.dirty {
		d.dirty = false
		_ = d.save()
	}
	r.stats.end(cmd.code, code)
	return code, fields, answered
}

// answer gives the answer the fate the fault wants.
func (r *Register) answer(j job, f faults.Fault, frame []byte) {
	switch f.Kind {
	case faults.LostAnswer, faults.LostAck:
	case faults.DamagedAnswer:
		frame[len(frame)-1] ^= 0x55
		j.s.write(frame)
	case faults.RepeatedAnswer:
		j.s.write(frame)
		j.s.mu.Lock()
		j.s.repeat = frame
		j.s.mu.Unlock()
	case faults.Cut:
		j.s.write(frame[:min(f.Byte, len(frame))])
		j.s.hangUp()
	default:
		j.s.write(frame)
	}
}
