package pirit

import "github.com/chekomat/chekomat/testbench/fn"

func (d *device) openShift(c *call) error {
	switch {
	case d.documentStatus() != 0:
		return state(whyOpen)
	case d.fn.ShiftState().Open || d.nv.Unclosed:
		return code(errCloseShift)
	case d.cfg.Attended && c.field(0) == "":
		return state(whyNoCashier)
	}
	if err := d.finishShift(fn.CurrentShiftOpen, c.text(0)); err != nil {
		return err
	}
	if d.nv.PaperOut && !d.silent(0) {
		return code(errNoPaper) // the report is in the ФН all the same
	}
	return nil
}

// closeShift is 21h. A report that could not be printed leaves flag 8: the
// command is repeated and makes no second report.
func (d *device) closeShift(c *call) error {
	switch {
	case d.documentStatus() != 0:
		return state(whyOpen)
	case d.cfg.Attended && c.field(0) == "":
		return state(whyNoCashier)
	case d.nv.Unclosed:
	case !d.fn.ShiftState().Open:
		return state(whyShiftClosed)
	default:
		if err := d.finishShift(fn.CurrentShiftClose, c.text(0)); err != nil {
			return err
		}
	}
	printed := !d.nv.PaperOut || d.silent(0)
	d.nv.Unclosed, d.dirty = !printed, true
	if !printed {
		return code(errNoPaper)
	}
	return nil
}

// finishShift makes the opening or the closing report.
func (d *device) finishShift(kind fn.Current, operator string) error {
	if err := d.fn.Begin(kind, d.now()); err != nil {
		return ofFN(err)
	}
	b := d.cashier(nil, operator)
	if kind == fn.CurrentShiftOpen {
		b = fn.AppendString(b, 1188, d.cfg.Firmware)
		b = fn.AppendByte(b, 1189, d.cfg.FFD)
		d.nv.Annulled = 0
	}
	if len(b) > 0 {
		if err := d.fn.Data(b); err != nil {
			_ = d.fn.Cancel()
			return ofFN(err)
		}
	}
	if _, err := d.fn.FinishShift(); err != nil {
		_ = d.fn.Cancel()
		return ofFN(err)
	}
	d.nv.Through++
	d.nv.Counter++
	d.dirty = true
	return nil
}
