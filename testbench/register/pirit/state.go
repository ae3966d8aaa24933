package pirit

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// step is a step of a document inside the ФН.
func step(s string) fn.Step { return fn.Step(s) }

// delay is the service time of a command, and the printer's for a document
// that is printed.
func (d *device) delay(f frame) time.Duration {
	cmd, ok := commands[f.code]
	if !ok || d.cfg.Service == 0 && d.cfg.Print == 0 {
		return 0
	}
	t := d.cfg.Service * time.Duration(cmd.weight) / receiptWeight
	d.mu.Lock()
	defer d.mu.Unlock()
	prints := f.code == 0x21 || f.code == 0x23
	mode := 0
	if f.code == 0x31 && d.doc != nil {
		prints, mode = true, d.doc.mode
	}
	if prints && !d.silent(mode) && !d.nv.PaperOut {
		t += d.cfg.Print
	}
	return t
}

// strike lets a fault of state happen. mu is held.
func (d *device) strike(f faults.Fault) error {
	d.dirty = true
	switch f.Kind {
	default: // faults of the link do nothing here
	case faults.FNFull:
		return d.fn.SetFull(true)
	case faults.FNLifeOver:
		return d.fn.SetLife(d.realTime().Add(-time.Second))
	case faults.FNFailure:
		return d.fn.SetFailed(true)
	case faults.ShiftExpired:
		if s := d.fn.ShiftState(); s.Open {
			if by := s.Opened.Add(fn.ShiftLimit + 2*time.Minute).Sub(fn.Wall(d.now())); by > 0 {
				d.jumpClock(by, false)
			}
		}
	case faults.FNReplaced:
		return d.replaceFN()
	case faults.RegisterReplaced:
		d.nv.Serial += "R"
		d.nv.RNM = rnm(d.cfg.INN, d.nv.Serial)
		d.nv.Settings, d.started = nil, false
		return d.replaceFN()
	case faults.PaperOut:
		d.nv.PaperOut = true
	case faults.PaperIn:
		d.nv.PaperOut = false
	case faults.ForeignDocument, faults.SecondHost:
		d.foreign++
	case faults.ForeignOpen:
		d.foreignOpen = f.Wait()
	case faults.AutoShift:
		d.autoShift++
	case faults.OFDOff:
		d.ofdOff = true
	case faults.OFDOn:
		d.ofdOff = false
	case faults.Repair:
		return d.repair()
	}
	return nil
}

func (d *device) repair() error {
	d.nv.PaperOut, d.ofdOff = false, false
	if err := d.fn.SetFull(false); err != nil {
		return err
	}
	if err := d.fn.SetFailed(false); err != nil {
		return err
	}
	if d.fn.ValidUntil().Before(d.realTime()) {
		return d.fn.SetLife(d.realTime().Add(1100 * 24 * time.Hour))
	}
	return nil
}

// between does what happens by itself between two commands, as soon as no
// document is open: an automatic shift, another host's receipt.
func (d *device) between() {
	if d.doc != nil && !d.doc.until.IsZero() && !d.now().Before(d.doc.until) {
		d.dropDocument()
	}
	if d.documentStatus() != 0 || d.fn.Status().Current != fn.CurrentNone {
		return
	}
	open := func() bool { return d.fn.ShiftState().Open && !d.expired() }
	for ; d.autoShift > 0 && d.fn.ShiftState().Open; d.autoShift-- {
		if d.finishShift(fn.CurrentShiftClose, "") != nil || d.finishShift(fn.CurrentShiftOpen, "") != nil {
			return
		}
	}
	if d.foreignOpen > 0 && open() && d.fn.Begin(fn.CurrentReceipt, d.now()) == nil {
		d.doc = &document{kind: kindSale, state: stateItems, until: d.now().Add(d.foreignOpen)}
		d.foreignOpen = 0
		return
	}
	for ; d.foreign > 0 && open(); d.foreign-- {
		if d.foreignReceipt() != nil {
			return
		}
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
	o := &document{kind: kindSale, system: reg.TaxSystems & -reg.TaxSystems, paid: sum}
	o.payments[0] = sum
	it := item{name: string(fn.CP866("Чужой товар")), price: sum, sum: sum, quantity: 1_000_000_000, rate: 6, method: 4, subject: 1}
	o.items = []item{it}
	c := &call{frame: frame{fields: []string{
		"1", "", "", string(fn.CP866("Чужой автомат")), "", "FOREIGN", "foreign", fmt.Sprintf("FOREIGN-%d", d.foreignMade),
	}}}
	parts := [][]byte{fn.AppendTLV(nil, 1059, d.composeItem(it))}
	tail, err := d.requisites(c, o)
	if err == nil {
		for _, part := range append(parts, split(tail)...) {
			if err == nil {
				err = d.fn.Data(part)
			}
		}
	}
	if err == nil {
		_, err = d.fn.FinishReceipt(d.now(), 1, sum)
	}
	if err != nil {
		_ = d.fn.Cancel()
		return err
	}
	d.nv.Through++
	d.nv.Counter++
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
	next, err := d.openFN(fmt.Sprintf("%016d", n+1))
	if err != nil {
		return err
	}
	d.old = append(d.old, d.fn)
	d.nv.Replaced = append(d.nv.Replaced, d.fn.Serial())
	d.fn, d.nv.FN, d.nv.Unprinted, d.nv.Unclosed = next, next.Serial(), nil, false
	d.doc, d.chosen = nil, nil
	d.fn.Subscribe(d.made)
	return d.register()
}

// strikeNow applies a fault of state outside any command.
func (d *device) strikeNow(f faults.Fault) error {
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
	f, off := d.fn, d.ofdOff
	d.mu.Unlock()
	if !off {
		_, _ = f.Confirm(1 << 30)
	}
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
