package register

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

	mu       sync.Mutex // the link
	session  *session   // the client being served
	protocol byte       // 1 or 2 after the first byte since power-up, 0 before
	running  bool       // a command is being executed
	epoch    int        // grows with each power cycle: a command of an older one dies
	pending  []byte     // V1: answer not yet taken
	lastNum  uint16     // V2
	last     []byte     // V2: reply of the last command; nil when none
	offUntil time.Time
	off      bool
	held     time.Time // another host has the link until then
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
		cfg: cfg, dev: dev,
		faults: faults.NewSet(cfg.Seed),
		stats:  &stats{commands: map[uint16]int{}, refused: map[uint16]int{}, started: time.Now()},
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	for _, f := range cfg.Faults {
		if err := r.Inject(f); err != nil {
			return nil, errors.Join(err, dev.close())
		}
	}
	where := line.Config{Listen: cfg.Listen, Pty: cfg.Pty, Link: cfg.PtyLink, Baud: cfg.Baud}
	if where.Listen == "none" {
		where.Listen = ""
	}
	if r.wires, err = line.Open(where); err != nil {
		return nil, errors.Join(err, dev.close())
	}
	if cfg.Control != "" {
		if err := r.listenControl(cfg.Control); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	r.accept()
	if cfg.OFD {
		r.group.Add(1)
		go r.exchange()
	}
	return r, nil
}

// Addr is the TCP address of the protocol; "" without one.
func (r *Register) Addr() string { return r.wires.Addr() }

// Path is the pseudo-terminal of the protocol; "" without one.
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
		_ = r.session.conn.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
	return errors.Join(err, r.dev.close())
}

// Inject arms a fault, or lets it happen at once when it waits for no command.
func (r *Register) Inject(f Fault) error {
	if err := f.Check(known); err != nil {
		return err
	}
	switch {
	case !f.Immediate():
		r.faults.Add(f)
	case f.Kind == faults.Off:
		r.faults.Count(f.Kind)
		r.mu.Lock()
		r.switchOff(f)
		r.mu.Unlock()
	case f.Kind == faults.SecondHost:
		r.faults.Count(f.Kind)
		r.mu.Lock()
		r.secondHost(f)
		r.mu.Unlock()
	default:
		r.faults.Count(f.Kind)
		if f.Kind == faults.Repair {
			r.mu.Lock()
			r.off, r.offUntil, r.held = false, time.Time{}, time.Time{}
			r.mu.Unlock()
		}
		return r.dev.strikeNow(f)
	}
	return nil
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
func (r *Register) switchOff(f Fault) {
	r.off, r.offUntil = true, time.Time{}
	if f.Delay > 0 {
		r.offUntil = time.Now().Add(time.Duration(f.Delay))
	}
	r.forget()
	_ = r.dev.powerLoss()
}

// secondHost lets another host take the link: whoever is connected is cut off,
// nobody is let in while it stays, and it makes a receipt. mu is held.
func (r *Register) secondHost(f Fault) {
	r.held, r.pending = time.Now().Add(f.Wait()), nil
	if r.session != nil {
		r.session.cut()
	}
	_ = r.dev.strikeNow(Fault{Kind: faults.ForeignDocument})
}

// forget is what a loss of power does to the link.
func (r *Register) forget() {
	r.epoch++
	r.protocol, r.running, r.pending, r.last, r.lastNum = 0, false, nil, nil, 0
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

// accept serves hosts of every line, one conversation at a time.
func (r *Register) accept() {
	waiting := make(chan net.Conn, 64)
	r.group.Go(func() {
		for conn := range waiting {
			r.serve(conn)
		}
	})
	var lines sync.WaitGroup
	for _, l := range r.wires.Listeners() {
		lines.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				r.admit(conn, waiting)
			}
		})
	}
	r.group.Go(func() {
		lines.Wait()
		close(waiting)
	})
}

func (r *Register) admit(conn net.Conn, waiting chan<- net.Conn) {
	r.mu.Lock()
	taken := r.session != nil
	if r.isOff() || time.Now().Before(r.held) || taken && r.cfg.Second == "refuse" {
		r.mu.Unlock()
		line.Reset(conn)
		return
	}
	if taken && r.cfg.Second == "replace" {
		r.session.cut()
	}
	r.mu.Unlock()
	select {
	case waiting <- conn:
	default:
		line.Reset(conn)
	}
}

// exchange is the ОФД stand-in.
func (r *Register) exchange() {
	defer r.group.Done()
	for {
		r.dev.confirmAll()
		select {
		case <-r.ctx.Done():
			return
		case <-r.dev.made:
		case <-time.After(time.Second):
		}
		if r.cfg.OFDDelay > 0 {
			select {
			case <-r.ctx.Done():
				return
			case <-time.After(r.cfg.OFDDelay):
			}
		}
	}
}
