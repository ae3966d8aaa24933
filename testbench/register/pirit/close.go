package pirit

import (
	"errors"

	"github.com/chekomat/chekomat/testbench/fn"
)

// close31 is 31h. A document the ФН has closed already is only finished.
func (d *device) close31(c *call) error {
	if u := d.nv.Unprinted; u != nil {
		if d.nv.PaperOut {
			return code(errNoPaper)
		}
		d.nv.Unprinted, d.dirty = nil, true
		c.add(u.Answer...)
		return nil
	}
	o := d.doc
	switch {
	case o == nil:
		return state(whyNoDocument)
	case o.spoiled:
		return state(whyNotPaid)
	case !o.receipt():
		d.doc = nil
		d.nv.Through++
		d.nv.Counter++
		d.dirty = true
		c.add(d.through(), count(d.nv.Counter))
		return nil
	case o.state != statePaid:
		return state(whyNotPaid)
	}
	tail, err := d.requisites(c, o)
	if err != nil {
		return err
	}
	for _, part := range split(tail) {
		if err := d.fn.Data(part); err != nil {
			return ofFN(err)
		}
	}
	// Whoever has the power fail inside the ФН finds a document to finish.
	d.nv.Closing = &closing{o.kind, d.fn.Serial(), d.fn.Status().LastFD}
	if err := d.save(); err != nil {
		return code(errFatal)
	}
	d.dirty = true
	doc, err := d.fn.FinishReceipt(d.now(), operation(o.kind), o.total())
	if e := ofFN(err); e != nil {
		if !errors.Is(e, errUnanswered) {
			d.nv.Closing = nil
		}
		return e
	}
	d.doc, d.nv.Closing = nil, nil
	answer := d.closed(o.kind, doc)
	if d.nv.PaperOut && !d.silent(o.mode) {
		d.nv.Unprinted = &unprinted{Type: o.kind, Answer: answer}
		return code(errNoPaper)
	}
	c.add(answer...)
	return nil
}

// closed notes a receipt the ФН has made and gives the answer of 31h.
func (d *device) closed(kind int, doc fn.Document) []string {
	d.nv.Through++
	d.nv.Counter++
	d.nv.Last = lastReceipt{kind, doc.Receipt, doc.Sum, doc.FD, doc.FP}
	return []string{
		d.through(), count(d.nv.Counter), count(doc.FD) + " " + count(doc.FP), count(doc.FD), count(doc.FP),
		count(doc.Shift), count(doc.Receipt), doc.At.Format("020106"), d.now().Format("150405"),
	}
}

// requisites composes what 31h adds: machine, buyer, user's requisite, sums.
func (d *device) requisites(c *call, o *document) ([]byte, error) {
	buyer, place, sender, machine := c.text(1), c.text(3), c.text(4), c.text(5)
	if !d.cfg.takesMachine() {
		place, sender, machine = "", "", ""
	}
	address, own := o.address, func(to *string, registered string) {
		if *to == "" {
			*to = string(fn.CP866(registered))
		}
	}
	own(&address, d.cfg.Address)
	own(&place, d.cfg.Place)
	own(&sender, d.cfg.Sender)
	own(&machine, d.cfg.Machine)
	switch {
	case len(buyer) > 64:
		return nil, format(whyBadBuyer)
	case place == "":
		return nil, state(whyNoPlace)
	case machine == "" && !d.cfg.Attended:
		return nil, state(whyNoMachine)
	case buyer != "" && sender == "":
		return nil, state(whyNoSender)
	case len(machine) > 20 || len(place) > 256 || len(address) > 256:
		return nil, code(errFNTag)
	case len(c.field(6)) > 64 || c.field(6) == "" && c.field(7) != "":
		return nil, format(whyBadExtraName)
	case len(c.field(7)) > 234 || c.field(7) == "" && c.field(6) != "":
		return nil, format(whyBadValue)
	case len(c.field(8)) > 128:
		return nil, format(whyBadBuyerName)
	case c.field(9) != "" && len(c.field(9)) != 10 && len(c.field(9)) != 12:
		return nil, format(whyBadBuyerINN)
	}
	some := func(b []byte, tag uint16, v string) []byte {
		if v != "" {
			b = fn.AppendTLV(b, tag, []byte(v))
		}
		return b
	}
	b := fn.AppendString(nil, 1048, d.cfg.User)
	b = fn.AppendByte(b, 1055, o.system)
	b = some(b, 1036, machine)
	b = some(b, 1009, address)
	b = some(b, 1187, place)
	b = some(b, 1008, buyer)
	if buyer != "" {
		b = some(b, 1117, sender)
	}
	b = d.cashier(b, o.operator)
	if c.field(6) != "" {
		b = fn.AppendTLV(b, 1084, some(some(nil, 1085, c.text(6)), 1086, c.text(7)))
	}
	b = d.client(b, c.text(8), c.text(9))
	b = append(b, o.tags...)
	return d.sums(b, o), nil
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

// cashier splits "ИНН&name" into 1203 and 1021.
func (d *device) cashier(b []byte, operator string) []byte {
	if operator == "" {
		return b
	}
	name := operator
	if len(operator) > 12 && operator[12] == '&' {
		name = operator[13:]
		b = fn.AppendTLV(b, 1203, []byte(operator[:12]))
	}
	if name != "" {
		b = fn.AppendTLV(b, 1021, []byte(name))
	}
	return b
}

// client is the buyer: 1227 and 1228, inside 1256 in FFD 1.2.
func (d *device) client(b []byte, name, inn string) []byte {
	var in []byte
	if name != "" {
		in = fn.AppendTLV(in, 1227, []byte(name))
	}
	if inn != "" {
		in = fn.AppendFixed(in, 1228, inn, 12)
	}
	switch {
	case in == nil:
		return b
	case d.cfg.FFD == 4:
		return fn.AppendTLV(b, 1256, in)
	}
	return append(b, in...)
}

// vatTags are the receipt's VAT requisites by 1199 code 1..6: the VAT itself,
// or the turnover for 0 % and for "without VAT".
var vatTags = [7]uint16{1: 1102, 2: 1103, 3: 1106, 4: 1107, 5: 1104, 6: 1105}

// sums writes the forms of payment and 1102..1107, 1115.
func (d *device) sums(b []byte, o *document) []byte {
	cashless := int64(0)
	for _, p := range o.payments[1:13] {
		cashless += p
	}
	for _, p := range []struct {
		tag uint16
		sum int64
	}{{1031, o.payments[0]}, {1081, cashless}, {1215, o.payments[13]}, {1216, o.payments[14]}, {1217, o.payments[15]}} {
		b = fn.AppendVLN(b, p.tag, uint64(p.sum))
	}
	var sum [13]int64
	var met [13]bool
	for _, i := range o.items {
		met[i.rate] = true
		if percents[i.rate] == 0 {
			sum[i.rate] += i.sum
		} else {
			sum[i.rate] += i.vat
		}
	}
	for rate := 1; rate <= 6; rate++ {
		if met[rate] {
			b = fn.AppendVLN(b, vatTags[rate], uint64(sum[rate]))
		}
	}
	var rates []byte
	for rate := byte(7); rate <= 12; rate++ {
		if met[rate] {
			rates = fn.AppendTLV(rates, 1119, fn.AppendVLN(fn.AppendByte(nil, 1199, rate), 1120, uint64(sum[rate])))
		}
	}
	if rates != nil {
		b = fn.AppendTLV(b, 1115, rates)
	}
	return fn.AppendString(b, 1060, "www.nalog.gov.ru")
}

func (d *device) composeItem(i item) []byte {
	b := fn.AppendByte(nil, 1214, i.method)
	b = fn.AppendByte(b, 1212, i.subject)
	b = fn.AppendTLV(b, 1030, []byte(i.name[:min(len(i.name), 128)]))
	if d.cfg.FFD == 4 {
		b = fn.AppendByte(b, 2108, i.measure)
	}
	b = fn.AppendVLN(b, 1079, uint64(i.price))
	places, mantissa := byte(9), i.quantity
	for places > 0 && mantissa%10 == 0 {
		places, mantissa = places-1, mantissa/10
	}
	for places > 7 { // FVLN has at most 7
		places, mantissa = places-1, mantissa/10
	}
	b = fn.AppendFVLN(b, 1023, places, mantissa)
	b = fn.AppendByte(b, 1199, i.rate)
	if percents[i.rate] != 0 {
		b = fn.AppendVLN(b, 1200, uint64(i.vat))
	}
	b = fn.AppendVLN(b, 1043, uint64(i.sum))
	if i.country != "" {
		b = fn.AppendTLV(b, 1230, []byte(i.country))
	}
	if i.customs != "" {
		b = fn.AppendTLV(b, 1231, []byte(i.customs))
	}
	return append(b, i.tags...)
}
