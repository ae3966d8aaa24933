package register

import (
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// command starts the execution of one command under the armed faults. mu is
// held; a command that takes time runs on in its own goroutine.
func (r *Register) command(s *session, data []byte, num uint16) {
	code, _ := codeOf(data)
	r.stats.begin(code)
	f, struck := r.match(code)
	if !struck {
		f = Fault{}
	}
	before := f.When == faults.Before
	switch {
	case f.Kind == faults.LostRequest:
		return
	case f.Kind == faults.DamagedRequest:
		if r.protocol == 1 {
			s.out = append(s.out, nak)
		}
		return
	case f.Kind == faults.Off:
		r.switchOff(f)
		return
	case f.Kind == faults.SecondHost && f.When != faults.After:
		r.secondHost(f)
		return
	}
	if r.protocol == 1 && f.Kind != faults.LostAck {
		s.out = append(s.out, ack)
	}
	switch {
	case f.Kind == faults.Cut && before:
		s.hangUp()
		return
	case f.Kind == faults.PowerLoss && before:
		s.flush()
		r.powerLoss(f)
		return
	case f.Kind == faults.LateExecution:
		s.hangUp()
	default:
		s.attached = true
	}
	wait := r.dev.delay(code)
	if f.Kind == faults.LateExecution || f.Kind == faults.Slow || f.Kind == faults.DelayedAnswer && before {
		wait += f.Wait()
	}
	j := job{code: code, data: data, num: num, fault: f, epoch: r.epoch}
	if wait == 0 && f.Kind != faults.DelayedAnswer { // the usual case, on the session's own goroutine
		r.finish(j, r.runDevice(j))
		return
	}
	s.flush()
	r.running = true
	r.group.Add(1)
	go r.work(j, wait)
}

// job is a command in execution.
type job struct {
	code  uint16
	data  []byte
	num   uint16
	fault Fault
	epoch int
}

// work executes after the service time and delivers the answer.
func (r *Register) work(j job, wait time.Duration) {
	defer r.group.Done()
	began := time.Now()
	if !r.sleep(wait) {
		return
	}
	if j.fault.Kind == "" {
		r.dev.took(time.Since(began))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.epoch != j.epoch {
		return
	}
	answer := r.runDevice(j)
	if j.fault.Kind == faults.DelayedAnswer && j.fault.When != faults.Before {
		r.mu.Unlock()
		ok := r.sleep(j.fault.Wait())
		r.mu.Lock()
		if !ok || r.epoch != j.epoch {
			return
		}
	}
	r.running = false
	r.finish(j, answer)
	if r.session != nil {
		r.session.flush()
	}
}

func (r *Register) sleep(t time.Duration) bool {
	if t <= 0 {
		return r.ctx.Err() == nil
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// runDevice executes the command between the faults of state around it.
func (r *Register) runDevice(j job) []byte {
	d, f := r.dev, j.fault
	d.mu.Lock()
	defer d.mu.Unlock()
	state := f.Kind != "" && !f.Link() && f.Kind != faults.SecondHost
	if state && f.When != faults.After {
		_ = d.strike(f)
		d.between()
	}
	var answer []byte
	if f.Kind != faults.ErrorCode || f.When == faults.After {
		if f.Step != "" {
			d.fn.FailPowerAt(fn.Step(f.Step), f.Part)
		}
		answer = d.execute(j.data)
		if f.Step != "" {
			d.fn.KeepPower() // the step was not met: the power fails now
		}
	}
	if f.Kind == faults.ErrorCode {
		code := f.Code
		if code == 0 {
			code = errFNTimeout
		}
		answer = d.reply(j.code, code, nil)
	}
	if state && f.When == faults.After {
		_ = d.strike(f)
	}
	if !d.fn.Dark() {
		d.between()
	}
	if d.dirty {
		d.dirty = false
		_ = d.save()
	}
	r.stats.end(j.code, answer)
	return answer
}

// finish gives the answer the fate the fault wants. mu is held.
func (r *Register) finish(j job, answer []byte) {
	f := j.fault
	if r.protocol == 2 {
		r.lastNum, r.last = j.num, answer
	}
	switch {
	case f.Kind == faults.PowerLoss:
		r.powerLoss(f)
		return
	case f.Kind == faults.SecondHost:
		r.secondHost(f)
		return
	}
	s := r.session
	if s != nil && (s.dead || !s.attached) {
		s = nil
	}
	keep := r.protocol == 1 && !f.Drop && f.Kind != faults.LostAnswer
	if keep {
		r.pending = answer
	}
	if s == nil {
		return
	}
	s.attached = false
	frame := r.frame(j, answer)
	switch f.Kind {
	case faults.LostAnswer, faults.LostAck:
	case faults.DamagedAnswer:
		frame[len(frame)-1] ^= 0x55
		s.out = append(s.out, frame...)
	case faults.RepeatedAnswer:
		s.out = append(append(s.out, frame...), frame...)
	case faults.Cut:
		s.out = append(s.out, frame[:min(f.Byte, len(frame))]...)
		s.hangUp()
	default:
		s.out = append(s.out, frame...)
	}
}

func (r *Register) frame(j job, answer []byte) []byte {
	if r.protocol == 2 {
		return appendFrameV2(nil, j.num, answer)
	}
	return appendFrameV1(nil, answer)
}

// powerLoss cuts the power for the fault's delay. mu is held.
func (r *Register) powerLoss(f Fault) {
	r.off, r.offUntil = true, time.Now().Add(f.Wait())
	r.forget()
	_ = r.dev.powerLoss()
}
