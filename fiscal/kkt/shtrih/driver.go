package shtrih

import (
	"context"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Name is the driver's name in stored commands.
const Name = "shtrih"

func init() { kkt.Register(open, "shtrih+tcp", "shtrih+serial") }

// Driver makes documents on one register. It keeps the connection open between
// exchanges and drops it after any that failed.
type Driver struct {
	set  Settings
	opts kkt.Options
	turn chan struct{} // holds one token: who has it may talk

	// guarded by turn
	s       *session
	at      kkt.Baseline // state known to hold on s; FN "" unknown
	reg     kkt.Registration
	regFN   string // ФН that reg was read from
	seen    seen
	scan    *scanned // the search of the attempt settled last, while it is open
	waiting int      // receipts since the last one read back
}

// seen is what was verified by reading back on one ФН.
type seen struct {
	fn    string
	rates map[fiscal.VAT]bool
	kinds map[fiscal.DocumentKind]bool
	taxes fiscal.TaxSystem
}

func open(u *url.URL, o kkt.Options) (kkt.Driver, error) {
	set, err := ParseSettings(u)
	if err != nil {
		return nil, err
	}
	return New(set, o), nil
}

// New makes a driver; no connection is made yet. Options must be filled as
// kkt.Open fills them.
func New(set Settings, o kkt.Options) *Driver {
	return &Driver{set: set, opts: o, turn: make(chan struct{}, 1)}
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
		d.s.conn.Close()
		d.s = nil
	}
	d.at = kkt.Baseline{}
}

// connect opens a connection when there is none and brings the register's end
// of it to "waiting for a command".
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
	s := newSession(conn, &d.set)
	defer s.with(ctx)()
	if d.set.V2 {
		err = s.sync2()
	} else {
		_, err = s.enquire(max(d.set.Answer, d.set.Close))
	}
	if err != nil {
		conn.Close()
		return retry(fault.NoAnswer, time.Second, "synchronise with %s: %v", d.set.Addr, err)
	}
	d.s = s
	return nil
}

// call is one exchange; a link error drops the connection. The bytes are valid
// until the next one.
func (d *Driver) call(ctx context.Context, c Code, params []byte) ([]byte, error) {
	if d.s == nil {
		return nil, &LinkError{c, false, net.ErrClosed}
	}
	defer d.s.with(ctx)()
	b, err := d.s.exchange(c, params)
	if _, ok := errors.AsType[*LinkError](err); ok {
		d.drop()
	}
	return b, err
}

func get[T any](ctx context.Context, d *Driver, c Code, params []byte, parse func([]byte) (T, error)) (T, error) {
	b, err := d.call(ctx, c, params)
	if err != nil {
		var zero T
		return zero, err
	}
	return parse(b)
}

// sleep waits, or less when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Probe connects and reads the short status.
func (d *Driver) Probe(ctx context.Context) error {
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return err
	}
	if _, err := get(ctx, d, cmdShortStatus, nil, parseShortStatus); err != nil {
		return problem(err)
	}
	return nil
}

// SetClock sets date and time to the digits of at. The register allows it only
// while the shift is closed.
func (d *Driver) SetClock(ctx context.Context, at time.Time) error {
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return err
	}
	date := []byte{byte(at.Day()), byte(at.Month()), byte(at.Year() % 100)}
	clock := []byte{byte(at.Hour()), byte(at.Minute()), byte(at.Second())}
	for _, st := range []step{{cmdSetDate, date}, {cmdConfirmDate, date}, {cmdSetTime, clock}} {
		if _, err := d.call(ctx, st.Code, st.Params); err != nil {
			return problem(err)
		}
	}
	return nil
}
