package shtrih

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Modes (low nibble) and submodes of the register (kkt-shtrih 5.1).
const (
	modeDataOut    = 1
	modeOpen       = 2
	modeExpired    = 3
	modeClosed     = 4
	modeBlocked    = 5
	modeDate       = 6
	modeDocument   = 8
	submodeNoPaper = 1
	submodeBreak   = 2
	submodeLoaded  = 3
	submodeReport  = 4
	submodePrints  = 5
)

const phaseInWork = 3

// idle polls the short status until no command runs: it waits for printing,
// continues after paper was loaded and reads out documents nobody fetched.
// Lack of paper and the mode are left to the caller.
func (d *Driver) idle(ctx context.Context) (shortStatus, error) {
	end := d.opts.Now().Add(d.set.Idle)
	// Short waits first: a receipt that waits for the printer is a buyer who waits.
	for wait := d.set.Poll / 16; ; wait = min(wait+wait/2, d.set.Poll) {
		s, err := get(ctx, d, cmdShortStatus, nil, parseShortStatus)
		var dev *DeviceError
		switch {
		case errors.As(err, &dev) && react(dev.Code).fault == fault.Busy:
		case err != nil:
			return s, err
		case s.Submode == submodeLoaded:
			if _, err := d.call(ctx, cmdContinue, nil); err != nil && !errors.As(err, &dev) {
				return s, err
			}
		case s.Submode == submodeReport || s.Submode == submodePrints:
		case s.Mode&0x0f == modeDataOut:
			if _, whole, err := d.readOut(ctx); err != nil {
				return s, err
			} else if whole {
				continue
			}
		default:
			return s, nil
		}
		if d.opts.Now().After(end) {
			return s, retry(fault.Busy, time.Second, "mode %d, submode %d for %s", s.Mode, s.Submode, d.set.Idle)
		}
		if err := sleep(ctx, wait); err != nil {
			return s, retry(fault.Busy, soon, "mode %d, submode %d: %v", s.Mode, s.Submode, err)
		}
	}
}

// Ready waits until the register is idle, cancels a receipt that was left open,
// and reads ФН, last document and shift.
func (d *Driver) Ready(ctx context.Context) (kkt.Baseline, error) {
	if err := d.lock(ctx); err != nil {
		return kkt.Baseline{}, err
	}
	defer d.unlock()
	base, err := d.ready(ctx)
	if err != nil {
		d.at = kkt.Baseline{}
		return kkt.Baseline{}, problem(err)
	}
	d.at = base
	return base, nil
}

func (d *Driver) ready(ctx context.Context) (kkt.Baseline, error) {
	for range 3 {
		if err := d.connect(ctx); err != nil {
			return kkt.Baseline{}, err
		}
		st, err := d.idle(ctx)
		if err != nil {
			return kkt.Baseline{}, err
		}
		if err := d.usable(st); err != nil {
			return kkt.Baseline{}, err
		}
		fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
		if err != nil {
			return kkt.Baseline{}, err
		}
		if fn.Phase != phaseInWork {
			return kkt.Baseline{}, config(fault.FNClosed, "phase %d", fn.Phase)
		}
		switch {
		case st.Mode&0x0f == modeDocument:
			// Nothing of ours is in flight: what is open was left by a crash. A
			// document of another operator is refused with 59h and waited for.
			if _, err := d.call(ctx, cmdCancel, nil); err != nil {
				return kkt.Baseline{}, err
			}
		case fn.Document != 0:
			if _, err := d.call(ctx, cmdFNCancel, nil); err != nil {
				return kkt.Baseline{}, err
			}
		default:
			return d.baseline(ctx, st, fn)
		}
	}
	return kkt.Baseline{}, retry(fault.DocumentOpen, time.Second, "a document stays open after cancelling")
}

func (d *Driver) baseline(ctx context.Context, st shortStatus, fn fnStatus) (kkt.Baseline, error) {
	if !d.s.prepared {
		if err := d.prepare(ctx); err != nil {
			return kkt.Baseline{}, err
		}
		d.s.prepared = true
	}
	sh, err := get(ctx, d, cmdShift, nil, parseShiftState)
	if err != nil {
		return kkt.Baseline{}, err
	}
	if d.regFN != fn.Serial {
		if err := d.readRegistration(ctx, fn.Serial); err != nil {
			return kkt.Baseline{}, err
		}
	}
	base := kkt.Baseline{
		FN: fn.Serial, FD: fn.LastFD, Shift: sh.Number, ShiftOpen: sh.Open,
		Expired: st.Mode&0x0f == modeExpired,
	}
	if sh.Open {
		base.Receipts = sh.Receipts
	}
	return base, nil
}

// usable says why a document cannot be begun in this state.
func (d *Driver) usable(st shortStatus) error {
	switch st.Mode & 0x0f {
	case modeOpen, modeExpired, modeClosed, modeDocument:
	case modeDate:
		return config(fault.DateNotConfirmed, "mode 6")
	case modeBlocked:
		return config(fault.RegisterBlocked, "mode 5")
	default:
		return config(fault.RegisterBlocked, "mode %d", st.Mode&0x0f)
	}
	if (st.Submode == submodeNoPaper || st.Submode == submodeBreak) && !d.set.NoPrint {
		return retry(fault.PaperOut, later, "submode %d", st.Submode)
	}
	return nil
}

// prepare puts the register's tables where the settings want them, once a
// connection: tables may not be written while a document is open.
func (d *Driver) prepare(ctx context.Context) error {
	if d.set.NoPrint {
		table, field, off := d.set.Family.noPrint()
		if err := d.writeTable(ctx, table, field, []byte{off}); err != nil {
			return err
		}
	}
	if !d.set.KeyTag {
		return nil
	}
	// Name of 1084 and the switch of the tag that fills its value (kkt-shtrih 8).
	if err := d.writeTable(ctx, 17, 13, []byte(kkt.KeyName)); err != nil {
		return err
	}
	return d.writeTable(ctx, 17, 14, []byte{1})
}

// writeTable writes a field of a table's first row unless it holds the value;
// its size is that of what it holds.
func (d *Driver) writeTable(ctx context.Context, table, field byte, value []byte) error {
	at := []byte{table, 1, 0, field}
	now, err := d.call(ctx, cmdReadTable, at)
	if err != nil {
		return err
	}
	want := make([]byte, max(len(now), len(value)))
	copy(want, value)
	if bytes.Equal(now, want) {
		return nil
	}
	_, err = d.call(ctx, cmdWriteTable, append(at, want...))
	return err
}
