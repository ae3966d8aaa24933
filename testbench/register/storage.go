package register

import (
	"encoding/binary"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// Commands that ask the ФН. Replies are laid out as kkt-shtrih.md §6 shows.

func (d *device) fnStatus(c *call) byte {
	s := d.fn.Status()
	hasData := byte(0)
	if s.HasData || d.nv.Receipt != nil && len(d.nv.Receipt.Items)+len(d.nv.Receipt.Tags) > 0 {
		hasData = 1
	}
	shift := byte(0)
	if s.Open {
		shift = 1
	}
	c.bytes(byte(s.Phase), byte(s.Current), hasData, shift, s.Warn)
	c.bytes(dateTime5(s.Last)...)
	c.text(s.Serial)
	c.u32(s.LastFD)
	return errNone
}

func (d *device) fnSerial(c *call) byte {
	c.text(d.fn.Serial())
	return errNone
}

// fnValidity answers with the two bytes newer firmware adds: registrations
// left and made.
func (d *device) fnValidity(c *call) byte {
	t := d.fn.ValidUntil().In(d.cfg.Zone)
	c.bytes(byte(t.Year()%100), byte(t.Month()), byte(t.Day()), 29, 1)
	return errNone
}

func (d *device) fnVersion(c *call) byte {
	version := "fn debug v 1.05 "
	if d.cfg.FFD == 4 {
		version = "fn debug v 2.14 "
	}
	c.text(version)
	c.bytes(0)
	return errNone
}

// fnCancel drops the document of the ФН; a receipt goes with it.
func (d *device) fnCancel(*call) byte {
	err := d.fn.Cancel()
	if err == nil && d.nv.Receipt != nil {
		d.nv.Receipt, d.dirty = nil, true
	}
	return fnCode(err)
}

func (d *device) registration(c *call) byte {
	reg, fd := d.fn.Registered()
	doc, err := d.fn.Document(fd)
	if err != nil {
		return fnCode(err)
	}
	c.bytes(dateTime5(doc.At)...)
	c.registration(reg)
	c.issued(doc)
	return errNone
}

func (c *call) registration(reg fn.Registration) {
	c.bytes(padded(reg.INN, 12)...)
	c.bytes(padded(reg.RNM, 20)...)
	c.bytes(reg.TaxSystems, reg.Mode)
}

func padded(s string, n int) []byte {
	b := append(make([]byte, 0, n), s...)
	for len(b) < n {
		b = append(b, ' ')
	}
	return b
}

func (d *device) document(c *call) (fn.Document, byte) {
	doc, err := d.fn.Document(binary.LittleEndian.Uint32(c.args))
	return doc, fnCode(err)
}

func (d *device) findDocument(c *call) byte {
	doc, code := d.document(c)
	if code != errNone {
		return code
	}
	confirmed := byte(0)
	if doc.Confirmed {
		confirmed = 1
	}
	c.bytes(byte(doc.Type), confirmed)
	c.bytes(dateTime5(doc.At)...)
	c.issued(doc)
	switch doc.Type {
	default:
	case fn.TypeReceipt, fn.TypeCorrection:
		c.bytes(doc.Operation)
		c.money5(doc.Sum)
	case fn.TypeShiftOpen, fn.TypeShiftClose:
		c.u16(uint16(doc.Shift))
	case fn.TypeRegistration, fn.TypeReregistration:
		c.registration(fn.Registration{INN: doc.INN, RNM: doc.RNM, TaxSystems: doc.TaxSet, Mode: doc.Mode})
		if doc.Type == fn.TypeReregistration {
			c.bytes(reasonCode(doc.Reasons))
		}
	}
	return errNone
}

func (d *device) ofdStatus(c *call) byte {
	q := d.fn.Queue()
	status := byte(0)
	if q.Unsent > 0 {
		status = 1 << 1 // a message waits
	}
	c.bytes(status, 0)
	c.u16(uint16(min(q.Unsent, 0xffff)))
	c.u32(q.FirstFD)
	c.bytes(dateTime5(q.FirstAt)...)
	return errNone
}

func (d *device) unsent(c *call) byte {
	c.u16(uint16(min(d.fn.Queue().Unsent, 0xffff)))
	return errNone
}

func (d *device) ticket(c *call) byte {
	t, err := d.fn.Ticket(binary.LittleEndian.Uint32(c.args))
	if err != nil {
		return fnCode(err)
	}
	c.bytes(dateTime5(t.At.In(d.cfg.Zone))...)
	c.bytes(make([]byte, 18)...) // ФПО: nobody outside the tax service can check one
	c.u32(t.FD)
	return errNone
}

// fullForm is how long a confirmed document can be read in full; the short form
// of FF0Ah stays.
const fullForm = 30 * 24 * time.Hour

// requestDocument starts the reading; the register is in mode 1 until FF3Bh
// has given everything. While a document is printed it answers 73h.
func (d *device) requestDocument(c *call) byte {
	if d.submode() != 0 && d.submode() != 1 {
		return errMode
	}
	number := binary.LittleEndian.Uint32(c.args)
	if number == 0 && d.numberAt(tableRegional, 1, 31) == 1 {
		number = uint32(d.fn.Len())
	}
	doc, err := d.fn.Document(number)
	if err == nil && doc.Confirmed && fn.Wall(d.now()).Sub(doc.At) > fullForm {
		err = fn.NoData
	}
	if err != nil {
		return fnCode(err)
	}
	d.reading, d.partial, d.drain = doc.TLV[4:], 0, true
	c.u16(uint16(doc.Type))
	c.u16(uint16(len(d.reading)))
	return errNone
}

// maxRead is what fits into one V1 answer beside FF 3B err.
const maxRead = 255 - 3

// readTLV gives the next element. An element that does not fit into one answer
// continues in the next ones: an assumption, no source shows such a case.
func (d *device) readTLV(c *call) byte {
	if d.submode() != 0 && d.submode() != 1 {
		return errMode
	}
	if !d.drain || len(d.reading) == 0 {
		d.drain = false
		return byte(fn.NoData)
	}
	var n int
	if d.partial == 0 {
		size := 4 + int(binary.LittleEndian.Uint16(d.reading[2:]))
		n, d.partial = min(size, maxRead), size
	} else {
		n = min(d.partial, maxRead)
	}
	c.bytes(d.reading[:n]...)
	d.reading, d.partial = d.reading[n:], d.partial-n
	return errNone
}
