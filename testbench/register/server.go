package register

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Register is a running emulator.
type Register struct {
	cfg     Config
	dev     *device
	faults  *faults.Set
	stats   *stats
	ln      net.Listener
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
	if r.ln, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for hosts: %w", err), dev.close())
	}
	if cfg.Control != "" {
		if err := r.listenControl(cfg.Control); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	r.group.Add(1)
	go r.accept()
	if cfg.OFD {
		r.group.Add(1)
		go r.exchange()
	}
	return r, nil
}

// Addr is the address of the protocol.
func (r *Register) Addr() string { return r.ln.Addr().String() }

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
	err := r.ln.Close()
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
		r.mu.Lock()
		r.switchOff(f)
		r.mu.Unlock()
	default:
		if f.Kind == faults.Repair {
			r.mu.Lock()
			r.off, r.offUntil = false, time.Time{}
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

func (r *Register) accept() {
	defer r.group.Done()
	waiting := make(chan net.Conn, 64)
	r.group.Add(1)
	go func() {
		defer r.group.Done()
		for conn := range waiting {
			r.serve(conn)
		}
	}()
	defer close(waiting)
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		taken := r.session != nil
		if r.isOff() || taken && r.cfg.Second == "refuse" {
			r.mu.Unlock()
			reset(conn)
			continue
		}
		if taken && r.cfg.Second == "replace" {
			r.session.cut()
		}
		r.mu.Unlock()
		select {
		case waiting <- conn:
		default:
			reset(conn)
		}
	}
}

// reset closes a connection the hard way.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
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
