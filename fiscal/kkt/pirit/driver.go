package pirit

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Name is the driver's name in stored commands.
const Name = "pirit"

func init() { kkt.Register(open, "pirit+tcp", "pirit+serial") }

// Driver makes documents on one register. It keeps the connection open between
// exchanges and drops it after any that failed.
type Driver struct {
	set  Settings
	opts kkt.Options
	turn chan struct{} // holds one token: who has it may talk

	// guarded by turn
	s       *session
	id      byte         // of the last command, over connections
	at      kkt.Baseline // state known to hold on s; FN "" unknown
	reg     kkt.Registration
	regFN   string // ФН that reg was read from
	seen    seen
	waiting int // receipts since the last one read back
	block   int // bytes the register gives in one 78/16
	search  search
}

// seen is what was verified by reading back on one ФН.
type seen struct {
	fn    string
	rates map[fiscal.VAT]bool
	taxes fiscal.TaxSystem
}

func open(u *url.URL, o kkt.Options) (kkt.Driver, error) {
	set, err := ParseSettings(u)
	if err != nil {
		return nil, err
	}
	return New(set, o), nil
}

// New makes a driver; no connection is made yet.
func New(set Settings, o kkt.Options) *Driver {
	o = o.Filled()
	// Commands of a process before ours had other ids.
	id := byte(FirstID + o.Now().UnixMilli()%idSpan)
	return &Driver{set: set, opts: o, turn: make(chan struct{}, 1), id: id, block: set.Block}
}

var (
	_ kkt.Driver         = (*Driver)(nil)
	_ kkt.DocumentReader = (*Driver)(nil)
	_ kkt.ClockSetter    = (*Driver)(nil)
)

// lock takes the register for one operation; unlock gives it back.
func (d *Driver) lock(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return retry(fault.Busy, soon, "another operation runs on the register: %v", ctx.Err())
	}
}

func (d *Driver) unlock() { <-d.turn }

// Close drops the connection.
func (d *Driver) Close() error {
	d.turn <- struct{}{}
	defer d.unlock()
	d.drop()
	return nil
}

func (d *Driver) drop() {
	if d.s != nil {
		d.id = d.s.id
		d.s.conn.Close()
		d.s = nil
	}
	d.at = kkt.Baseline{}
}

// connect opens a connection when there is none and waits for the register to
// answer ENQ.
func (d *Driver) connect(ctx context.Context) error {
	if d.s != nil {
		return nil
	}
	dialing, cancel := context.WithTimeout(ctx, d.set.Connect)
	defer cancel()
	conn, err := d.opts.Connect(dialing, d.set.Addr)
	if err != nil {
		return retry(fault.Unreachable, 2*time.Second, "connect %s: %v", d.set.Addr, err)
	}
	s := newSession(conn, &d.set, d.id)
	defer s.with(ctx)()
	if err := s.sync(); err != nil {
		conn.Close()
		return retry(fault.NoAnswer, time.Second, "wake %s: %v", d.set.Addr, err)
	}
	d.s = s
	return nil
}

// call is one exchange; a link error drops the connection. What 01 and 03 mean
// is asked for at once.
func (d *Driver) call(ctx context.Context, c Code, fields ...string) ([]string, error) {
	f, err := d.exchange(ctx, c, fields)
	dev, ok := errors.AsType[*DeviceError](err)
	if !ok || dev.Code != errState && dev.Code != errFormat {
		return f, err
	}
	why, ask := d.exchange(ctx, cmdErrors, []string{"1"})
	if ask == nil && len(why) > 1 && why[0] == "1" {
		if n, err := strconv.ParseUint(why[1], 10, 16); err == nil {
			dev.Extended = uint16(n)
		}
		if len(why) > 2 {
			dev.Text = decode(why[2])
		}
	}
	return nil, dev
}

func (d *Driver) exchange(ctx context.Context, c Code, fields []string) ([]string, error) {
	if d.s == nil {
		return nil, &LinkError{c, false, net.ErrClosed}
	}
	defer d.s.with(ctx)()
	f, err := d.s.exchange(c, fields)
	if _, ok := errors.AsType[*LinkError](err); ok {
		d.drop()
	}
	return f, err
}

// ask is a command whose first field is the number of a question, which comes
// back first in the answer.
func (d *Driver) ask(ctx context.Context, c Code, question string, more ...string) ([]string, error) {
	f, err := d.call(ctx, c, append([]string{question}, more...)...)
	if err != nil {
		return nil, err
	}
	if len(f) == 0 || f[0] != question {
		d.drop()
		return nil, &LinkError{c, true, short(c, f)}
	}
	return f[1:], nil
}

func get[T any](ctx context.Context, d *Driver, c Code, question string, parse func([]string) (T, error)) (T, error) {
	f, err := d.ask(ctx, c, question)
	if err != nil {
		var zero T
		return zero, err
	}
	return parse(f)
}

// status reads 00h; a register that was restarted is started first.
func (d *Driver) status(ctx context.Context) (status, error) {
	for range 2 {
		f, err := d.call(ctx, cmdStatus)
		if err != nil {
			return status{}, err
		}
		st, err := parseStatus(f)
		if err != nil || st.Flags&flagNotStarted == 0 || st.Fatal != 0 {
			return st, err
		}
		if err := d.start(ctx); err != nil {
			return st, err
		}
	}
	return status{}, retry(fault.BatteryOrSupply, time.Second, "the register does not stay started")
}

// start is 10h. The register sets its clock by what it is told when the
// difference is small; without a zone it is told its own time.
func (d *Driver) start(ctx context.Context) error {
	var now []string
	if d.set.Zone != nil {
		now = clockFields(d.opts.Now().In(d.set.Zone))
	} else {
		f, err := d.call(ctx, cmdReadClock)
		if err != nil {
			return err
		}
		if len(f) < 2 {
			return short(cmdReadClock, f)
		}
		now = f[:2]
	}
	_, err := d.call(ctx, cmdStart, now...)
	if dev, ok := errors.AsType[*DeviceError](err); ok && dev.Code == errClockOff {
		d.opts.Log.Warn("the register's clock differs by more than 8 minutes", "register", d.set.Addr.String())
		return nil // started all the same
	}
	return err
}

// serial is the ФН in the register.
func (d *Driver) serial(ctx context.Context) (string, error) {
	f, err := d.ask(ctx, cmdFN, fnSerial)
	if err != nil {
		return "", err
	}
	if len(f) == 0 || f[0] == "" {
		return "", short(cmdFN, f)
	}
	return f[0], nil
}

// Probe connects and reads the status.
func (d *Driver) Probe(ctx context.Context) error {
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return err
	}
	if _, err := d.call(ctx, cmdStatus); err != nil {
		return problem(err)
	}
	return nil
}

// SetClock sets date and time to the digits of at. The register allows it only
// while the shift is closed; a step of more than 24 hours is sent twice.
func (d *Driver) SetClock(ctx context.Context, at time.Time) error {
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return err
	}
	if _, err := d.status(ctx); err != nil {
		return problem(err)
	}
	_, err := d.call(ctx, cmdWriteClock, clockFields(at)...)
	if dev, ok := errors.AsType[*DeviceError](err); ok && dev.Code == errClockJump {
		_, err = d.call(ctx, cmdWriteClock, clockFields(at)...)
	}
	if err != nil {
		return problem(err)
	}
	return nil
}
