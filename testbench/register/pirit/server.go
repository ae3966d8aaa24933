// Package pirit is a stand-in for a register of Dreamkas (Пирит 2Ф, Пирит 2СФ,
// FM16 of Viki Print) on TCP or a pseudo-terminal, with a virtual ФН inside. It
// was written from the reference and the vendor's manual, not from the driver
// it tests; its archive tells what really was fiscalized.
//
// Assumed, not proven: commands of all lines run strictly one after another; an
// open receipt does not survive a loss of power; the size of 78/15 leaves out
// the document's head and 78/16 begins with it; the longest block of 78/16; the
// time of 31h has seconds; what a lack of paper does to each command; queries
// are answered before the start of work. Tax numbers of 5, 7 and 22 % are only
// known when configured. Corrections (58h), marking (79h), agents and cash
// drawers are not emulated. Fiscal signs are fake.
package pirit

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/chekomat/chekomat/testbench/register/faults"
	"github.com/chekomat/chekomat/testbench/register/line"
)

// Register is a running emulator.
type Register struct {
	cfg     Config
	dev     *device
	faults  *faults.Set
	stats   *stats
	wires   *line.Wires
	control net.Listener
	http    *http.Server
	ctx     context.Context
	stop    context.CancelFunc
	group   sync.WaitGroup
	jobs    chan job
	turn    chan struct{} // one conversation at a time: the device has one port

	mu       sync.Mutex // the line
	session  *session   // the client being served
	epoch    int        // grows with each power cycle: a command of an older one dies
	offUntil time.Time
	off      bool
}

// Start makes or reopens the register in cfg.Data and listens.
func Start(cfg Config) (*Register, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	dev, err := newDevice(cfg)
	if err != nil {
		return nil, err
	}
	r := &Register{
		cfg: cfg, dev: dev, faults: faults.NewSet(cfg.Seed), stats: newStats(),
		jobs: make(chan job, 64), turn: make(chan struct{}, 1),
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	for _, f := range cfg.Faults {
		if err := r.Inject(f); err != nil {
			return nil, errors.Join(err, dev.close())
		}
	}
	if r.wires, err = line.Open(line.Config{Listen: cfg.Listen, Pty: cfg.Pty, Link: cfg.PtyLink, Baud: cfg.Baud}); err != nil {
		return nil, errors.Join(err, dev.close())
	}
	if cfg.Control != "" {
		if err := r.listenControl(cfg.Control); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	for _, l := range r.wires.Listeners() {
		r.group.Go(func() { r.accept(l) })
	}
	r.group.Go(r.execute)
	if cfg.OFD {
		r.group.Go(r.confirm)
	}
	return r, nil
}

// Addr is the TCP address of the protocol; "" without one.
func (r *Register) Addr() string { return r.wires.Addr() }

// Path is the pseudo-terminal; "" without one.
func (r *Register) Path() string { return r.wires.Path() }

// ControlAddr is the address of the control API; "" without one.
func (r *Register) ControlAddr() string {
	if r.control == nil {
		return ""
	}
	return r.control.Addr().String()
}

// Close stops everything and closes the archive.
func (r *Register) Close() error {
	r.stop()
	err := r.wires.Close()
	if r.http != nil {
		_ = r.http.Close()
	}
	r.mu.Lock()
	if r.session != nil {
		r.session.cut()
	}
	r.mu.Unlock()
	r.group.Wait()
	return errors.Join(err, r.dev.close())
}

// Inject arms a fault, or lets it happen at once when it waits for no command.
func (r *Register) Inject(f faults.Fault) error {
	if err := f.Check(known); err != nil {
		return err
	}
	if !f.Immediate() {
		r.faults.Add(f)
		return nil
	}
	r.faults.Count(f.Kind)
	switch f.Kind {
	case faults.Off:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.switchOff(f)
	case faults.SecondHost:
		r.secondHost()
	case faults.Repair:
		r.mu.Lock()
		r.off, r.offUntil = false, time.Time{}
		r.mu.Unlock()
	}
	return r.dev.strikeNow(f)
}

// Jump moves the clock of the register and the timer of the ФН, or the clock
// alone.
func (r *Register) Jump(by time.Duration, registerOnly bool) error {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	r.dev.jumpClock(by, registerOnly)
	return r.dev.save()
}

// switchOff drops the client and what has no memory. mu is held.
func (r *Register) switchOff(f faults.Fault) error {
	r.off, r.offUntil = true, time.Time{}
	if f.Delay > 0 {
		r.offUntil = time.Now().Add(time.Duration(f.Delay))
	}
	return r.loseMemory()
}

// powerLoss cuts the power for the fault's delay. mu is held.
func (r *Register) powerLoss(f faults.Fault) error {
	r.off, r.offUntil = true, time.Now().Add(f.Wait())
	return r.loseMemory()
}

func (r *Register) loseMemory() error {
	r.epoch++
	if r.session != nil {
		r.session.cut()
	}
	return r.dev.powerLoss()
}

// secondHost takes the line: whoever is connected is cut off.
func (r *Register) secondHost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil {
		r.session.cut()
	}
}

func (r *Register) isOff() bool {
	if r.off && !r.offUntil.IsZero() && time.Now().After(r.offUntil) {
		r.off = false
	}
	return r.off
}

func (r *Register) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		off := r.isOff()
		r.mu.Unlock()
		if off {
			line.Reset(conn)
			continue
		}
		r.group.Go(func() {
			select {
			case r.turn <- struct{}{}:
				r.serve(conn)
				<-r.turn
			case <-r.ctx.Done():
				_ = conn.Close()
			}
		})
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

// confirm is the ОФД stand-in.
func (r *Register) confirm() {
	for {
		r.dev.confirmAll()
		select {
		case <-r.ctx.Done():
			return
		case <-r.dev.made:
		case <-time.After(time.Second):
		}
		if !r.sleep(r.cfg.OFDDelay) {
			return
		}
	}
}
