package pirit

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// fullForm is how long a confirmed document can be read in full.
const fullForm = 30 * 24 * time.Hour

// exchange is 78h. The number of the question comes back first.
func (d *device) exchange(c *call) error {
	question := c.field(0)
	c.add(question)
	s := d.fn.Status()
	reg, regFD := d.fn.Registered()
	switch question {
	case "1":
		c.add(s.Serial)
	case "2":
		bits := int64(s.Phase)
		if s.HasData {
			bits |= 1 << 4
		}
		if s.Open {
			bits |= 1 << 5
		}
		c.number(bits, int64(s.Current), int64(s.Warn))
	case "3":
		c.number(int64(s.LastFD))
	case "4", "19":
		doc, err := d.fn.Document(regFD)
		if err != nil {
			return ofFN(err)
		}
		if question == "19" {
			c.number(int64(doc.FD), int64(doc.FP))
		}
		c.clock(doc.At)
	case "5":
		c.number(int64(regFD))
	case "6":
		sh := d.fn.ShiftState()
		open := int64(0)
		if sh.Open {
			open = 1
		}
		c.number(int64(sh.Number), open, int64(sh.Receipts))
	case "7":
		d.queue(c)
	case "11", "12", "15":
		return d.document(c, question)
	case "14":
		c.add("fn debug v 2.14", "0")
		c.number(int64(reg.FFD))
		c.add(d.cfg.Firmware)
		c.number(int64(d.cfg.FFD), int64(reg.FFD), 4)
	case "16":
		return d.block(c)
	case "17":
		docs := d.fn.Documents(1, 0)
		for i := len(docs) - 1; i >= 0; i-- {
			if docs[i].Type == fn.TypeShiftOpen {
				c.number(int64(docs[i].FD))
				return nil
			}
		}
		return code(errNoData)
	default:
		return format(whyBadQuestion)
	}
	return nil
}

// queue is 78/7: what waits for the ОФД.
func (d *device) queue(c *call) {
	q := d.fn.Queue()
	status := int64(0)
	if q.Unsent > 0 {
		status = 1 << 1 // a message waits
	}
	c.number(status, int64(q.Unsent), int64(q.FirstFD))
	c.clock(q.FirstAt)
}

func (d *device) document(c *call, question string) error {
	fd, err := strconv.ParseUint(c.field(1), 10, 32)
	if err != nil {
		return format(0)
	}
	doc, err := d.fn.Document(uint32(fd))
	if err != nil {
		return ofFN(err)
	}
	switch question {
	case "11":
		flag := int64(0)
		if doc.Confirmed {
			flag = 1
		}
		c.number(flag)
		c.add(fmt.Sprintf("%X", shortForm(doc)))
	case "12":
		t, err := d.fn.Ticket(uint32(fd))
		if err != nil {
			return ofFN(err)
		}
		c.add(fmt.Sprintf("%X", append(dateTime5(t.At.In(d.cfg.Zone)), make([]byte, 18)...)))
	case "15":
		if doc.Confirmed && fn.Wall(d.now()).Sub(doc.At) > fullForm && doc.Type != fn.TypeRegistration {
			return code(errNoData)
		}
		d.chosen = doc.TLV
		c.number(int64(doc.Type), int64(len(doc.TLV)-4))
	}
	return nil
}

// block is 78/16: offset and size. The size of 78/15 does not count the head
// the data begin with: an assumption, no source says which.
func (d *device) block(c *call) error {
	offset, ok := c.integer(1)
	size, sizeOK := c.integer(2)
	switch {
	case !ok || !sizeOK || offset < 0 || size <= 0 || size > d.cfg.Block:
		return format(0)
	case d.chosen == nil || offset > len(d.chosen):
		return code(errNoData)
	}
	c.add(fmt.Sprintf("%X", d.chosen[offset:min(offset+size, len(d.chosen))]))
	return nil
}

// shortForm is the ФН's answer to "find document" (fn.md §8).
func shortForm(doc fn.Document) []byte {
	b := append([]byte{byte(doc.Type)}, dateTime5(doc.At)...)
	b = binary.LittleEndian.AppendUint32(b, doc.FD)
	b = binary.LittleEndian.AppendUint32(b, doc.FP)
	switch doc.Type {
	case fn.TypeReceipt:
		b = append(b, doc.Operation)
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(doc.Sum))[:5]...)
	case fn.TypeShiftOpen, fn.TypeShiftClose:
		b = binary.LittleEndian.AppendUint16(b, uint16(doc.Shift))
	}
	return b
}

func dateTime5(t time.Time) []byte {
	return []byte{byte(t.Year() % 100), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute())}
}

// info is 02h.
func (d *device) info(c *call) error {
	question := c.field(0)
	c.add(question)
	reg, regFD := d.fn.Registered()
	switch question {
	case "1":
		c.add(d.nv.Serial)
	case "3":
		c.add(reg.INN)
	case "4":
		c.add(reg.RNM)
	case "5":
		c.clock(d.fn.Status().Last)
	case "6":
		doc, err := d.fn.Document(regFD)
		if err != nil {
			return ofFN(err)
		}
		c.add(doc.At.Format("020106"))
	case "8":
		c.add(count(d.nv.Through + 1))
	case "11":
		c.add(count(d.nv.Counter))
	case "14":
		until := d.fn.ValidUntil()
		c.add(until.In(d.cfg.Zone).Format("020106"))
		if d.cfg.FFD > 2 {
			c.number(int64(max(0, until.Sub(d.realTime())/(24*time.Hour))))
		}
	case "17":
		c.clock(d.fn.ShiftState().Opened)
	case "21":
		c.add(map[string]string{Pirit2F: "4", Pirit2SF: "5", FM16: "113"}[d.cfg.Model])
	case "23":
		c.number(int64(reg.TaxSystems), int64(reg.Mode), 0)
	case "70":
		c.add(d.cfg.Firmware)
	default:
		return format(whyBadQuestion)
	}
	return nil
}

// receiptInfo is 03h.
func (d *device) receiptInfo(c *call) error {
	question := c.field(0)
	c.add(question)
	switch question {
	case "1":
		sum := int64(0)
		if d.doc != nil {
			sum = d.doc.total()
		}
		c.add(roubles(sum), "0.00", "0")
	case "2":
		l := d.nv.Last
		c.number(int64(l.Type))
		c.add(count(d.nv.Counter), count(l.Number), d.through(), roubles(l.Sum), "0.00", "0.00", count(l.FP), count(l.FD))
	default:
		return format(whyBadQuestion)
	}
	return nil
}

// registers is 01h: counters of the shift.
func (d *device) registers(c *call) error {
	question := c.field(0)
	c.add(question)
	sh := d.fn.ShiftState()
	var counts [5]int64
	var paid [5][16]int64
	docs := d.fn.Documents(1, 0)
	for i := len(docs) - 1; i >= 0 && docs[i].Shift == uint32(sh.Number); i-- {
		doc := docs[i]
		if doc.Type != fn.TypeReceipt {
			continue
		}
		counts[doc.Operation]++
		for tag, number := range map[string]int{"1031": 0, "1081": 1, "1215": 13, "1216": 14, "1217": 15} {
			paid[doc.Operation][number] += doc.Paid[tag]
		}
	}
	switch question {
	case "1":
		c.number(int64(sh.Number))
	case "2":
		c.number(int64(sh.Receipts) + 1)
	case "7":
		c.number(counts[1], counts[2], int64(d.nv.Annulled), 0, 0, 0)
	case "15":
		c.number(counts[3], counts[4])
	case "3", "5", "16", "17":
		for _, sum := range paid[map[string]int{"3": 1, "5": 2, "16": 3, "17": 4}[question]] {
			c.add(roubles(sum))
		}
	default:
		return format(whyBadQuestion)
	}
	return nil
}
