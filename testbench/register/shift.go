package register

import "github.com/chekomat/chekomat/testbench/fn"

func (d *device) shiftParameters(c *call) byte {
	s := d.fn.ShiftState()
	state := byte(0)
	if s.Open {
		state = 1
	}
	c.bytes(state)
	c.u16(s.Number)
	c.u16(s.Receipts)
	return errNone
}

// begin starts a shift report unless it has been started already.
func (d *device) begin(kind fn.Current) byte {
	if d.fn.Status().Current == kind {
		return errNone
	}
	return fnCode(d.fn.Begin(kind, d.now()))
}

func (d *device) mayOpen() byte {
	switch d.mode() & 0x0F {
	case 4:
		return errNone
	case 8:
		return errReceiptOpen
	case 2, 3:
		return errShiftOpen
	}
	return errMode
}

func (d *device) mayClose() byte {
	switch d.mode() & 0x0F {
	case 2, 3:
		return errNone
	case 8:
		return errReceiptOpen
	case 4:
		return errShiftClosed
	}
	return errMode
}

func (d *device) beginOpening(*call) byte {
	if code := d.mayOpen(); code != errNone {
		return code
	}
	return fnCode(d.fn.Begin(fn.CurrentShiftOpen, d.now()))
}

func (d *device) beginClosing(*call) byte {
	if code := d.mayClose(); code != errNone {
		return code
	}
	return fnCode(d.fn.Begin(fn.CurrentShiftClose, d.now()))
}

// finishShift makes the opening or the closing report of the shift.
func (d *device) finishShift(kind fn.Current) (fn.Document, byte) {
	if code := d.begin(kind); code != errNone {
		return fn.Document{}, code
	}
	if kind == fn.CurrentShiftOpen {
		b := fn.AppendString(nil, 1188, "C.3")
		b = fn.AppendByte(b, 1189, d.cfg.FFD)
		if err := d.fn.Data(b); err != nil {
			return fn.Document{}, fnCode(err)
		}
	}
	doc, err := d.fn.FinishShift()
	if err != nil {
		_ = d.fn.Cancel()
		return doc, fnCode(err)
	}
	d.nv.Through++
	if kind == fn.CurrentShiftOpen {
		d.nv.CashIn, d.nv.CashOut = 0, 0
	} else if d.numberAt(tableModel, 1, 2) == 1 {
		d.nv.Drawer = 0
	}
	d.print()
	d.dirty = true
	return doc, errNone
}

func (d *device) openShift(c *call) byte {
	if code := d.mayOpen(); code != errNone {
		return code
	}
	_, code := d.finishShift(fn.CurrentShiftOpen)
	c.bytes(c.operator)
	return code
}

func (d *device) fnOpenShift(c *call) byte {
	if code := d.mayOpen(); code != errNone {
		return code
	}
	doc, code := d.finishShift(fn.CurrentShiftOpen)
	c.shiftDocument(doc, false)
	return code
}

func (d *device) closeShift(c *call) byte {
	if code := d.mayClose(); code != errNone {
		return code
	}
	_, code := d.finishShift(fn.CurrentShiftClose)
	c.bytes(c.operator)
	return code
}

func (d *device) fnCloseShift(c *call) byte {
	if code := d.mayClose(); code != errNone {
		return code
	}
	doc, code := d.finishShift(fn.CurrentShiftClose)
	c.shiftDocument(doc, d.extended())
	return code
}

func (c *call) shiftDocument(doc fn.Document, withTime bool) {
	c.u16(uint16(doc.Shift))
	c.issued(doc)
	if withTime {
		c.bytes(dateTime5(doc.At)...)
	}
}

// xReport prints; it makes no fiscal document.
func (d *device) xReport(c *call) byte {
	c.bytes(c.operator)
	d.nv.Through++
	d.print()
	return errNone
}

func (d *device) continuePrinting(c *call) byte {
	if d.submode() != 3 {
		return errSubmode
	}
	d.nv.Torn, d.dirty = false, true
	d.nv.PrintUntil = d.now().Add(d.cfg.Print)
	c.bytes(c.operator)
	return errNone
}
