package register

import "github.com/chekomat/chekomat/testbench/fn"

// beginCorrection is FF35h. Requisites follow by FF0Ch, then FF36h or FF4Ah by
// sum, or FF46h and FF45h with positions (kkt-shtrih.md §6.3).
func (d *device) beginCorrection(c *call) byte {
	if code := d.mayOpenReceipt(); code != errNone {
		return code
	}
	if d.nv.Receipt != nil {
		return errReceiptOpen
	}
	base := d.fn.Status().LastFD
	if err := d.fn.Begin(fn.CurrentCorrection, d.now()); err != nil {
		return fnCode(err)
	}
	d.nv.Receipt, d.dirty = &receipt{Correction: true, FN: d.fn.Serial(), Base: base, Operator: c.operator}, true
	return errNone
}

// grounds puts 1177, 1178 and 1179 that came by themselves into 1174 and adds
// 1173 when the host sent none: own initiative.
func grounds(tags []byte) (out []byte) {
	var ground []byte
	fn.Elements(tags, func(tag uint16, v []byte) bool {
		switch tag {
		case 1177, 1178, 1179:
			ground = fn.AppendTLV(ground, tag, v)
		case 1174:
			ground = append(ground, v...)
		default:
			out = fn.AppendTLV(out, tag, v)
		}
		return true
	})
	if !hasTag(out, 1173) {
		out = fn.AppendByte(out, 1173, 0)
	}
	if len(ground) > 0 {
		out = fn.AppendTLV(out, 1174, ground)
	}
	return out
}

// pendingCorrection is the correction FF35h began and no position came to.
func (d *device) pendingCorrection() (*receipt, byte) {
	r := d.nv.Receipt
	if r == nil || !r.Correction {
		return nil, byte(fn.WrongState)
	}
	if r.started() {
		return nil, errOtherType
	}
	return r, errNone
}

// correctOld is FF36h: total 5, type 1 (1 приход, 3 расход). It has no payments:
// that all of it is cash is an assumption.
func (d *device) correctOld(c *call) byte {
	reg, _ := d.fn.Registered()
	f := fix{operation: c.args[5], total: littleEndian(c.args[:5]), system: reg.TaxSystems & -reg.TaxSystems}
	f.paid[0] = f.total
	return d.correct(c, f)
}

// correctNew is FF4Ah: kind 1, operation 1, total 5, five payments of 5, six
// taxes of 5 in the order of the tax groups, tax system 1.
func (d *device) correctNew(c *call) byte {
	a := c.args
	f := fix{kind: a[0], hasKind: true, operation: a[1], total: littleEndian(a[2:7]), system: a[62]}
	for i := range f.paid {
		f.paid[i] = littleEndian(a[7+5*i : 12+5*i])
	}
	for i := range f.taxes {
		f.taxes[i] = littleEndian(a[32+5*i : 37+5*i])
	}
	return d.correct(c, f)
}

// fix is a correction without positions.
type fix struct {
	kind, operation byte
	hasKind         bool
	total           int64
	paid            [5]int64 // 1031 1081 1215 1216 1217
	taxes           [6]int64 // by tax group
	system          byte
}

func (f fix) check() byte {
	var paid int64
	for _, p := range f.paid {
		paid += p
	}
	switch {
	case f.kind > 1, f.operation < 1 || f.operation > 4, f.system == 0 || f.system&(f.system-1) != 0:
		return errBadParameter
	case paid < f.total:
		return errPaidLess
	case paid > f.total:
		return errCashlessMore
	}
	return errNone
}

func (d *device) correct(c *call, f fix) byte {
	r, code := d.pendingCorrection()
	if code == errNone {
		code = f.check()
	}
	if code != errNone {
		return code
	}
	if reg, _ := d.fn.Registered(); f.system&reg.TaxSystems == 0 {
		return errTaxSystem
	}
	with := *r
	if f.hasKind {
		if hasTag(r.Tags, 1173) {
			return errBadParameter
		}
		with.Tags = fn.AppendByte(append([]byte(nil), r.Tags...), 1173, f.kind)
	}
	parts := split(d.head(&with, f.system))
	var tail []byte
	for i, tag := range []uint16{1031, 1081, 1215, 1216, 1217} {
		tail = fn.AppendVLN(tail, tag, uint64(f.paid[i]))
	}
	for group, amount := range f.taxes {
		if amount != 0 {
			tail = fn.AppendVLN(tail, vatTags[taxGroups[group].code], uint64(amount))
		}
	}
	parts = append(parts, fn.AppendString(tail, 1060, "www.nalog.gov.ru"))
	doc, err := d.fiscalize(parts, f.operation, f.total)
	if err != nil {
		return fnCode(err)
	}
	d.drawer(doc)
	c.u16(uint16(doc.Receipt))
	c.reported(d, doc)
	return errNone
}
