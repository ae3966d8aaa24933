package register

import (
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// strike lets a fault of state happen. mu is held.
func (d *device) strike(f Fault) error {
	d.dirty = true
	switch f.Kind {
	default: // faults of the link do nothing here
	case faults.Busy:
		d.busy = d.now().Add(f.Wait())
	case faults.FNFull:
		return d.fn.SetFull(true)
	case faults.FNLifeOver:
		return d.fn.SetLife(d.realTime().Add(-time.Second))
	case faults.ShiftExpired:
		if s := d.fn.ShiftState(); s.Open {
			if by := s.Opened.Add(fn.ShiftLimit + 2*time.Minute).Sub(fn.Wall(d.now())); by > 0 {
				d.jumpClock(by, false)
			}
		}
	case faults.FNReplaced:
		return d.replaceFN()
	case faults.PaperOut:
		d.nv.PaperOut = true
		d.nv.Torn = d.nv.Torn || d.printing() || f.When == faults.After
	case faults.PaperIn:
		d.nv.PaperOut = false
	case faults.ForeignDocument:
		d.foreign++
	case faults.ForeignOpen:
		d.foreignOpen = f.Wait()
	case faults.AutoShift:
		d.autoShift++
	case faults.OFDOff:
		d.ofd.Switch(false)
	case faults.OFDOn:
		d.ofd.Switch(true)
	case faults.FNFailure:
		return d.fn.SetFailed(true)
	case faults.RegisterReplaced:
		return d.replaceRegister()
	case faults.Repair:
		d.busy, d.nv.PaperOut, d.nv.Torn = time.Time{}, false, false
		d.ofd.Switch(true)
		if err := errors.Join(d.fn.SetFull(false), d.fn.SetFailed(false)); err != nil {
			return err
		}
		if d.fn.ValidUntil().Before(d.realTime()) {
			return d.fn.SetLife(d.realTime().Add(1100 * 24 * time.Hour))
		}
	}
	return nil
}

// between does what the register does by itself between two commands, as soon
// as no document is open: an automatic shift, another host's receipt.
func (d *device) between() {
	if d.nv.Receipt != nil || d.drain || d.fn.Status().Current != fn.CurrentNone {
		return
	}
	for ; d.autoShift > 0 && d.shiftMode() != 4; d.autoShift-- {
		if _, code := d.finishShift(fn.CurrentShiftClose); code != errNone {
			return
		}
		if _, code := d.finishShift(fn.CurrentShiftOpen); code != errNone {
			return
		}
	}
	if d.foreignOpen > 0 && d.mode() == 2 && d.startReceipt(0, 1) == errNone {
		d.nv.Receipt.Until = d.now().Add(d.foreignOpen)
		d.foreignOpen = 0
		return
	}
	for ; d.foreign > 0 && d.mode() == 2; d.foreign-- {
		if d.foreignReceipt() != nil {
			return
		}
	}
}

// endForeignReceipt lets another operator give up the receipt it held.
func (d *device) endForeignReceipt() {
	if r := d.nv.Receipt; r != nil && !r.Until.IsZero() && !d.now().Before(r.Until) {
		_ = d.fn.Cancel()
		d.nv.Receipt, d.dirty = nil, true
	}
}

// foreignReceipt is a receipt of somebody else who works with this register.
func (d *device) foreignReceipt() error {
	d.foreignMade++
	if err := d.fn.Begin(fn.CurrentReceipt, d.now()); err != nil {
		return err
	}
	const sum = 12300
	reg, _ := d.fn.Registered()
	b := fn.AppendByte(nil, 1055, reg.TaxSystems&-reg.TaxSystems)
	b = fn.AppendString(b, 1036, "FOREIGN")
	b = fn.AppendString(b, 1009, "г. Москва, чужая касса")
	b = fn.AppendString(b, 1187, "Чужой автомат")
	key := fn.AppendString(fn.AppendString(nil, 1085, "foreign"), 1086, fmt.Sprintf("FOREIGN-%d", d.foreignMade))
	b = fn.AppendTLV(b, 1084, key)
	one := item{Quantity: 1_000_000, Price: sum, Sum: sum, Rate: 6, Method: 4, Subject: 1, Name: "Чужой товар"}
	b = fn.AppendTLV(b, 1059, d.composeItem(one, false))
	b = fn.AppendVLN(b, 1031, sum)
	for _, tag := range []uint16{1081, 1215, 1216, 1217} {
		b = fn.AppendVLN(b, tag, 0)
	}
	b = fn.AppendVLN(b, 1105, sum)
	if err := d.fn.Data(b); err != nil {
		_ = d.fn.Cancel()
		return err
	}
	if _, err := d.fn.FinishReceipt(d.now(), 1, sum); err != nil {
		_ = d.fn.Cancel()
		return err
	}
	d.nv.Through++
	d.dirty = true
	return nil
}

// replaceFN puts another ФН in: its serial is one higher, it is registered at
// once and its numbering starts again.
func (d *device) replaceFN() error {
	var n uint64
	if _, err := fmt.Sscanf(d.fn.Serial(), "%d", &n); err != nil {
		return fmt.Errorf("serial of the ФН: %w", err)
	}
	return d.insertFN(fmt.Sprintf("%016d", n+1), fn.CurrentReplacement)
}

// insertFN puts a fresh ФН in place of the one that is there, whose archive no
// host can read any more, and registers the register with it.
func (d *device) insertFN(serial string, report fn.Current) error {
	next, err := d.openFN(serial)
	if err != nil {
		return err
	}
	d.old = append(d.old, d.fn)
	d.nv.Replaced = append(d.nv.Replaced, d.fn.Serial())
	d.fn, d.nv.FN, d.nv.Receipt = next, next.Serial(), nil
	d.reading, d.partial, d.drain = nil, 0, false
	d.fn.Subscribe(d.made)
	return d.register(report)
}

// replaceRegister puts another register in the place of this one: a number one
// higher, factory settings, a ФН of its own. The archives of the old one stay
// for the bench to count.
func (d *device) replaceRegister() error {
	var n, serial uint64
	if _, err := fmt.Sscanf(d.fn.Serial(), "%d", &n); err != nil {
		return fmt.Errorf("serial of the ФН: %w", err)
	}
	if _, err := fmt.Sscanf(d.cfg.Serial, "%d", &serial); err != nil {
		return fmt.Errorf("serial of the register: %w", err)
	}
	d.cfg.Serial = fmt.Sprintf("%0*d", len(d.cfg.Serial), serial+1)
	d.cfg.RNM = rnm(d.cfg.INN, d.cfg.Serial)
	d.nv = nvram{FN: d.nv.FN, Replaced: d.nv.Replaced, Jump: d.nv.Jump, Serial: d.cfg.Serial}
	d.cells, d.busy = map[cell][]byte{}, time.Time{}
	d.saveCells()
	return d.insertFN(fmt.Sprintf("%016d", n+1), fn.CurrentRegistration)
}

// powerLoss is a loss and return of power.
func (d *device) powerLoss() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.powerUp()
	return d.save()
}

// strikeNow applies a fault of state outside any command.
func (d *device) strikeNow(f Fault) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.strike(f); err != nil {
		return err
	}
	d.between()
	d.dirty = false
	return d.save()
}

// confirmAll is the ОФД stand-in: it confirms whatever waits.
func (d *device) confirmAll() {
	d.mu.Lock()
	f := d.fn
	d.mu.Unlock()
	_, _ = d.ofd.Serve(f, 1<<30)
}

// jumpClock lets real time pass: the register's clock and the ФН's timer move
// together.
func (d *device) jumpClock(by time.Duration, registerOnly bool) {
	if registerOnly {
		d.nv.ClockSet += by
	} else {
		d.nv.Jump += by
		d.jump.Store(int64(d.nv.Jump))
	}
}
