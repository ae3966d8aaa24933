package register

import "github.com/chekomat/chekomat/testbench/fn"

// closing is FF45h taken apart.
type closing struct {
	paid     [16]int64
	rounding int64
	taxes    [6]int64
	system   byte
	text     []byte
}

func parseClosing(a []byte) (cl closing) {
	for i := range cl.paid {
		cl.paid[i] = littleEndian(a[5*i : 5*i+5])
	}
	cl.rounding = int64(a[80])
	for i := range cl.taxes {
		cl.taxes[i] = littleEndian(a[81+5*i : 86+5*i])
	}
	cl.system, cl.text = a[111], a[112:]
	return cl
}

// check applies the rules of §14 and returns the total after rounding and the
// change.
func (d *device) check(r *receipt, cl closing) (total, change int64, code byte) {
	reg, _ := d.fn.Registered()
	total = r.total() - cl.rounding
	var paid int64
	for _, p := range cl.paid {
		paid += p
	}
	switch {
	case cl.rounding > 99, cl.system == 0, cl.system&(cl.system-1) != 0, badText(cl.text):
		return 0, 0, errBadParameter
	case cl.system&reg.TaxSystems == 0:
		return 0, 0, errTaxSystem
	case len(r.Items) == 0, total < 0:
		return 0, 0, errZeroTotal
	case paid < total:
		return 0, 0, errPaidLess
	case paid-cl.paid[0] > total:
		return 0, 0, errCashlessMore
	}
	return total, paid - total, errNone
}

func (d *device) closeReceipt(c *call) byte {
	switch d.mode() & 0x0F {
	case 8:
	case 2, 3, 4:
		return errReceiptClosed
	default:
		return errMode
	}
	r, cl := d.nv.Receipt, parseClosing(c.args)
	total, change, code := d.check(r, cl)
	if code != errNone {
		return code
	}
	cl.paid[0] -= change
	parts := d.compose(r, cl)
	doc, err := d.fiscalize(parts, operationOf[r.Type], total)
	if err != nil {
		return fnCode(err)
	}
	d.drawer(doc)
	c.money5(change)
	c.reported(d, doc)
	return errNone
}

// fiscalize gives a receipt or a correction to the ФН and finishes it. When the
// ФН refuses, what it took of this try is dropped and the receipt stays open.
func (d *device) fiscalize(parts [][]byte, operation byte, total int64) (doc fn.Document, err error) {
	for _, part := range parts {
		if err = d.fn.Data(part); err != nil {
			break
		}
	}
	if err == nil {
		doc, err = d.fn.FinishReceipt(d.now(), operation, total)
	}
	if err != nil {
		_ = d.fn.Rewind()
		return doc, err
	}
	d.nv.Receipt, d.dirty = nil, true
	d.nv.Through++
	d.print()
	return doc, nil
}

// compose makes the register's share of a receipt: whole elements, the ФН takes
// at most 1024 bytes at a time.
func (d *device) compose(r *receipt, cl closing) [][]byte {
	parts := split(d.head(r, cl.system))
	hideVAT := d.numberAt(tableRegional, 1, 28)&16 != 0
	for _, i := range r.Items {
		parts = append(parts, fn.AppendTLV(nil, 1059, d.composeItem(i, hideVAT)))
	}
	tail := appendPaid(nil, cl.paid)
	tail = d.appendVAT(tail, r, cl)
	return append(parts, fn.AppendString(tail, 1060, "www.nalog.gov.ru"))
}

// head are the requisites of the receipt as a whole: the register's own and
// those of FF0Ch.
func (d *device) head(r *receipt, system byte) []byte {
	tags := r.Tags
	if r.Correction {
		tags = grounds(tags)
	}
	var head []byte
	hide := d.numberAt(tableRegional, 1, 28)
	if user := d.cfg.User; user != "" && hide&1 == 0 {
		head = fn.AppendString(head, 1048, user)
	}
	head = fn.AppendByte(head, 1055, system)
	if !hasTag(tags, 1036) {
		if number := d.textAt(tableEmbedded, 1, 1); number != "" {
			head = fn.AppendString(head, 1036, number)
		}
	}
	if d.cfg.Address != "" && hide&4 == 0 {
		head = fn.AppendString(head, 1009, d.cfg.Address)
	}
	if d.cfg.Place != "" && hide&8 == 0 {
		head = fn.AppendString(head, 1187, d.cfg.Place)
	}
	return append(head, tags...)
}

// appendPaid writes the five forms of payment out of FF45h's sixteen.
func appendPaid(b []byte, paid [16]int64) []byte {
	cashless := int64(0)
	for _, p := range paid[1:13] {
		cashless += p
	}
	b = fn.AppendVLN(b, 1031, uint64(paid[0]))
	b = fn.AppendVLN(b, 1081, uint64(cashless))
	b = fn.AppendVLN(b, 1215, uint64(paid[13]))
	b = fn.AppendVLN(b, 1216, uint64(paid[14]))
	return fn.AppendVLN(b, 1217, uint64(paid[15]))
}

// split cuts a chain into pieces of whole elements the ФН takes at once.
func split(chain []byte) (parts [][]byte) {
	const limit = 1024
	var part []byte
	fn.Elements(chain, func(tag uint16, v []byte) bool {
		if len(part)+4+len(v) > limit {
			parts, part = append(parts, part), nil
		}
		part = fn.AppendTLV(part, tag, v)
		return true
	})
	return append(parts, part)
}

func (d *device) composeItem(i item, hideVAT bool) []byte {
	b := fn.AppendByte(nil, 1214, i.Method)
	b = fn.AppendByte(b, 1212, i.Subject)
	b = fn.AppendString(b, 1030, i.Name)
	if d.cfg.FFD == 4 && !hasTag(i.Tags, 2108) {
		b = fn.AppendByte(b, 2108, 0)
	}
	b = fn.AppendVLN(b, 1079, uint64(i.Price))
	b = fn.AppendFVLN(b, 1023, 6, i.Quantity)
	b = fn.AppendByte(b, 1199, i.Rate)
	if i.Rate != 5 && i.Rate != 6 && !hideVAT {
		b = fn.AppendVLN(b, 1200, uint64(i.VAT))
	}
	b = fn.AppendVLN(b, 1043, uint64(i.Sum))
	return append(b, i.Tags...)
}

// vatTags are the receipt's VAT requisites by 1199 code 1..6: the VAT itself,
// or the turnover for 0 % and for "without VAT".
var vatTags = [7]uint16{1: 1102, 2: 1103, 3: 1106, 4: 1107, 5: 1104, 6: 1105}

// appendVAT writes 1102..1107 and 1115. In tax mode 1 (table 1 field 14) the
// six amounts of FF45h are taken instead of the items' sums.
func (d *device) appendVAT(b []byte, r *receipt, cl closing) []byte {
	var sums [13]int64
	var met [13]bool
	for _, i := range r.Items {
		met[i.Rate] = true
		if i.Rate == 5 || i.Rate == 6 {
			sums[i.Rate] += i.Sum
		} else {
			sums[i.Rate] += i.VAT
		}
	}
	if d.numberAt(tableModel, 1, 14) == 1 {
		for group, amount := range cl.taxes {
			code := taxGroups[group].code
			sums[code] = amount
			met[code] = met[code] || amount != 0
		}
	}
	for code := 1; code <= 6; code++ {
		if met[code] {
			b = fn.AppendVLN(b, vatTags[code], uint64(sums[code]))
		}
	}
	var rates []byte
	for code := byte(7); code <= 12; code++ {
		if met[code] {
			one := fn.AppendVLN(fn.AppendByte(nil, 1199, code), 1120, uint64(sums[code]))
			rates = fn.AppendTLV(rates, 1119, one)
		}
	}
	if rates != nil {
		b = fn.AppendTLV(b, 1115, rates)
	}
	return b
}
