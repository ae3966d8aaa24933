package register

import (
	"encoding/binary"

	"github.com/chekomat/chekomat/testbench/fn"
)

// reasonFN is the bit of 1205 for a change of ФН (ffd.md §6).
const reasonFN = 1

// reasonBits turns the codes of 1101, as FF34h brings them, into 1205.
var reasonBits = map[byte]uint32{1: reasonFN, 2: 1 << 1, 3: 1 << 2, 4: 1 << 31}

// makeRegistration finishes the registration report begun in the ФН. Tags a
// host sent before by FF0Ch stand, the register adds the rest from its
// settings.
func (d *device) makeRegistration(r fn.Registration) (fn.Document, error) {
	b := d.registrationTags(r)
	var rest []byte
	fn.Elements(b, func(tag uint16, v []byte) bool {
		if !hasTag(d.regTags, tag) {
			rest = fn.AppendTLV(rest, tag, v)
		}
		return true
	})
	for _, part := range split(append(append([]byte(nil), d.regTags...), rest...)) {
		if err := d.fn.Data(part); err != nil {
			return fn.Document{}, err
		}
	}
	return d.fn.Register(r)
}

func (d *device) registrationTags(r fn.Registration) []byte {
	c := d.cfg
	flag := func(bit byte) byte {
		if r.Mode&bit != 0 {
			return 1
		}
		return 0
	}
	b := fn.AppendByte(nil, 1209, r.FFD)
	b = fn.AppendByte(b, 1001, flag(4))
	b = fn.AppendByte(b, 1002, flag(2))
	b = fn.AppendByte(b, 1056, flag(1))
	b = fn.AppendByte(b, 1062, r.TaxSystems)
	b = fn.AppendString(b, 1048, c.User)
	b = fn.AppendString(b, 1009, c.Address)
	b = fn.AppendString(b, 1187, c.Place)
	b = fn.AppendString(b, 1013, c.Serial)
	b = fn.AppendString(b, 1036, c.Machine)
	b = fn.AppendFixed(b, 1017, "7700000010", 12)
	b = fn.AppendString(b, 1046, "ОФД-стенд")
	b = fn.AppendString(b, 1060, "www.nalog.gov.ru")
	b = fn.AppendString(b, 1021, "СИС. АДМИНИСТРАТОР")
	b = fn.AppendString(b, 1188, "C.3")
	b = fn.AppendByte(b, 1189, r.FFD)
	switch {
	case r.FFD == 2 && r.Reasons != 0:
		for code := byte(1); code <= 4; code++ {
			if r.Reasons&reasonBits[code] != 0 {
				b = fn.AppendByte(b, 1101, code)
			}
		}
	case r.FFD == 4 || r.FFD == 3 && r.Reasons != 0:
		b = fn.AppendU32(b, 1205, r.Reasons)
	}
	if r.FFD >= 3 {
		b = fn.AppendByte(b, 1190, r.FFD)
		b = fn.AppendU16(b, 1213, uint16(d.fn.Resource().Days))
	}
	if r.FFD == 4 {
		return fn.AppendU32(b, 1290, 0x4000|0x2)
	}
	b = fn.AppendByte(b, 1108, flag(32))
	b = fn.AppendByte(b, 1110, flag(16))
	b = fn.AppendByte(b, 1109, flag(8))
	return fn.AppendByte(b, 1221, 1)
}

// beginRegistration is FF05h: kind 0 of a new ФН, 1 of one that replaced
// another, 2 a change of parameters.
func (d *device) beginRegistration(c *call) byte {
	if c.args[0] > 2 {
		return errBadParameter
	}
	if d.mode()&0x0F != 4 {
		return errShiftOpen
	}
	kind := [3]fn.Current{fn.CurrentRegistration, fn.CurrentReplacement, fn.CurrentChange}[c.args[0]]
	d.regTags = nil
	return fnCode(d.fn.Begin(kind, d.now()))
}

// finishRegistration is FF06h: ИНН 12, РНМ 20, tax systems 1, work mode 1 and,
// of a re-registration, the reason 1 (1101).
func (d *device) finishRegistration(c *call) byte {
	r := fn.Registration{
		INN: trimmedASCII(c.args[:12]), RNM: trimmedASCII(c.args[12:32]), TaxSystems: c.args[32], Mode: c.args[33], FFD: d.wantedFFD(),
	}
	if len(c.args) > 34 {
		r.Reasons = reasonBits[c.args[34]]
	}
	return d.registered(c, r)
}

// reregister is FF34h with the reason alone (1101): the report of a change of
// parameters with what is registered already, begun here unless FF05h did. The
// longer form brings what FF06h does before the reason.
func (d *device) reregister(c *call) byte {
	r, _ := d.fn.Registered()
	reason := c.args[len(c.args)-1]
	if len(c.args) == 35 {
		r.INN, r.RNM, r.TaxSystems, r.Mode = trimmedASCII(c.args[:12]), trimmedASCII(c.args[12:32]), c.args[32], c.args[33]
	} else if len(c.args) != 1 {
		return errBadParameter
	}
	bits, ok := reasonBits[reason]
	if !ok {
		return errBadParameter
	}
	r.Reasons, r.FFD = bits, d.wantedFFD()
	if s := d.fn.Status().Current; s != fn.CurrentChange && s != fn.CurrentReplacement {
		if d.mode()&0x0F != 4 {
			return errShiftOpen
		}
		d.regTags = nil
		if err := d.fn.Begin(fn.CurrentChange, d.now()); err != nil {
			return fnCode(err)
		}
	}
	return d.registered(c, r)
}

// wantedFFD is table 17 field 17, which a re-registration makes count.
func (d *device) wantedFFD() byte { return byte(d.numberAt(tableRegional, 1, 17)) }

func (d *device) registered(c *call, r fn.Registration) byte {
	if s := d.fn.Status().Current; s != fn.CurrentRegistration && s != fn.CurrentReplacement && s != fn.CurrentChange {
		return byte(fn.WrongState)
	}
	doc, err := d.makeRegistration(r)
	d.regTags = nil
	if err != nil {
		_ = d.fn.Cancel()
		return fnCode(err)
	}
	if err := d.takeRegistration(); err != nil {
		return byte(fn.Failure)
	}
	d.nv.Through++
	d.dirty = true
	d.print()
	c.reported(d, doc)
	return errNone
}

// reported is the end of every report's reply: ФД 4, ФП 4 and, where table 17
// field 36 wants it, date and time.
func (c *call) reported(d *device, doc fn.Document) {
	c.issued(doc)
	if d.extended() {
		c.bytes(dateTime5(doc.At)...)
	}
}

func trimmedASCII(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return string(b)
}

// nthRegistration is the registration report of that number, from 1.
func (d *device) nthRegistration(n byte) (doc fn.Document, code byte) {
	for _, doc := range d.fn.Documents(1, 0) {
		if doc.Type != fn.TypeRegistration && doc.Type != fn.TypeReregistration {
			continue
		}
		if n--; n == 0 {
			return doc, errNone
		}
	}
	return doc, byte(fn.NoData)
}

// registrationData is FF4Ch: what FF09h answers, of the n-th report.
func (d *device) registrationData(c *call) byte {
	doc, code := d.nthRegistration(c.args[0])
	if code != errNone || c.args[0] == 0 {
		return byte(fn.NoData)
	}
	c.bytes(dateTime5(doc.At)...)
	c.registration(fn.Registration{INN: doc.INN, RNM: doc.RNM, TaxSystems: doc.TaxSet, Mode: doc.Mode})
	if doc.Type == fn.TypeReregistration {
		c.bytes(reasonCode(doc.Reasons))
	}
	c.issued(doc)
	return errNone
}

// reasonCode is 1101 of the lowest reason.
func reasonCode(reasons uint32) byte {
	for code := byte(1); code <= 3; code++ {
		if reasons&reasonBits[code] != 0 {
			return code
		}
	}
	return 4
}

// registrationTag is FF0Eh and FF60h: report number 1, tag 2; FFFFh opens the
// whole report for FF3Bh.
func (d *device) registrationTag(c *call) byte {
	doc, code := d.nthRegistration(c.args[0])
	if code != errNone || c.args[0] == 0 {
		return byte(fn.NoData)
	}
	want := binary.LittleEndian.Uint16(c.args[1:])
	if want == 0xFFFF {
		d.reading, d.partial, d.drain = doc.TLV[4:], 0, true
		return errNone
	}
	code = byte(fn.NoData)
	fn.Elements(doc.TLV[4:], func(tag uint16, v []byte) bool {
		if tag != want {
			return true
		}
		if len(v)+4 <= maxRead {
			code = errNone
			c.out = fn.AppendTLV(c.out, tag, v)
		}
		return false
	})
	return code
}

// beginClosing the ФН is FF3Dh, finishClose FF3Eh.
func (d *device) beginFNClose(*call) byte {
	if d.mode()&0x0F != 4 {
		return errShiftOpen
	}
	return fnCode(d.fn.Begin(fn.CurrentClosing, d.now()))
}

func (d *device) finishFNClose(c *call) byte {
	if d.fn.Status().Current != fn.CurrentClosing {
		return byte(fn.WrongState)
	}
	b := fn.AppendString(nil, 1048, d.cfg.User)
	b = fn.AppendString(b, 1009, d.cfg.Address)
	b = fn.AppendString(b, 1187, d.cfg.Place)
	if err := d.fn.Data(b); err != nil {
		return fnCode(err)
	}
	reg, _ := d.fn.Registered()
	doc, err := d.fn.FinishClose(reg.RNM)
	return d.report(c, doc, err)
}

// report ends a report of the ФН that is not a shift's.
func (d *device) report(c *call, doc fn.Document, err error) byte {
	if err != nil {
		_ = d.fn.Cancel()
		return fnCode(err)
	}
	d.nv.Through++
	d.dirty = true
	d.print()
	c.issued(doc)
	return errNone
}

// beginState is FF37h; finishState FF38h answers ФД 4, ФП 4, unconfirmed 4 and
// the date of the first 3.
func (d *device) beginState(*call) byte { return fnCode(d.fn.Begin(fn.CurrentState, d.now())) }

func (d *device) finishState(c *call) byte {
	if d.fn.Status().Current != fn.CurrentState {
		return byte(fn.WrongState)
	}
	q := d.fn.Queue()
	doc, err := d.fn.FinishState()
	if code := d.report(c, doc, err); code != errNone {
		return code
	}
	c.u32(uint32(q.Unsent))
	c.bytes(dateTime5(q.FirstAt)[:3]...)
	if d.extended() {
		c.bytes(dateTime5(doc.At)...)
	}
	return errNone
}
