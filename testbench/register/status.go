package register

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

func (d *device) justOperator(c *call) byte {
	c.bytes(c.operator)
	return errNone
}

// flags are the sensor bits of 10h and 11h: paper present, lever down.
func (d *device) flags() uint16 {
	const present = 0x0292
	if d.nv.PaperOut {
		return present &^ (1<<1 | 1<<7)
	}
	return present
}

func (d *device) shortStatus(c *call) byte {
	operations := uint16(0)
	if d.nv.Receipt != nil {
		operations = uint16(len(d.nv.Receipt.Items))
	}
	c.bytes(c.operator)
	c.u16(d.flags())
	c.bytes(d.mode(), d.submode(), byte(operations))
	c.bytes(0x9F-byte(d.rnd.UintN(3)), 0xE5-byte(d.rnd.UintN(3)), 0x18, 0x01) // voltages, old FM and EKLZ errors
	c.bytes(byte(operations >> 8))
	c.bytes(byte(d.rnd.Uint32()), byte(d.rnd.Uint32()), 0x00) // reserved: garbage on real devices
	if !d.cfg.ShortStatus {
		c.bytes(d.printResult())
	}
	return errNone
}

func (d *device) printResult() byte {
	switch d.submode() {
	case 2, 3:
		return 1
	case 5:
		return 5
	}
	return 0
}

func (d *device) longStatus(c *call) byte {
	now := d.now()
	reg, _ := d.fn.Registered()
	c.bytes(c.operator)
	c.bytes('C', '3')
	c.u16(0x3133)
	c.bytes(19, 4, 18) // firmware of 19.04.18
	c.bytes(byte(d.numberAt(tableModel, 1, 1)))
	c.u16(d.nv.Through)
	c.u16(d.flags())
	c.bytes(d.mode(), d.submode(), 128) // port 128: TCP
	c.bytes('N', 'A')                   // constant on FN devices
	c.u16(0)
	c.bytes(1, 1, 16)
	c.bytes(byte(now.Day()), byte(now.Month()), byte(now.Year()%100))
	c.bytes(byte(now.Hour()), byte(now.Minute()), byte(now.Second()))
	c.bytes(0)
	serial, _ := strconv.ParseUint(d.cfg.Serial, 10, 64)
	c.u32(uint32(serial))
	c.u16(d.lastClosedShift())
	c.u16(2100)
	c.bytes(0, 0)
	inn, _ := strconv.ParseUint(reg.INN, 10, 48)
	c.out = append(c.out, binary.LittleEndian.AppendUint64(nil, inn)[:6]...)
	return errNone
}

func (d *device) lastClosedShift() uint16 {
	s := d.fn.ShiftState()
	if s.Open {
		return s.Number - 1
	}
	return s.Number
}

func (d *device) nothing(*call) byte { return errNone }

// font answers 26h of two fonts: width in dots of the tape, width and height of
// a sign with its gap, count of fonts.
func (d *device) font(c *call) byte {
	switch c.args[0] {
	case 1:
		c.u16(432)
		c.bytes(12, 24, 2)
	case 2:
		c.u16(432)
		c.bytes(24, 24, 2)
	default:
		return errBadParameter
	}
	return errNone
}

func (d *device) errorText(c *call) byte {
	c.bytes(cp1251(errorText(c.args[0]))...)
	return errNone
}

// deviceType answers as PAYONLINE-01-ФА, the register made for automatic
// devices: model 255, protocol 1.17.
func (d *device) deviceType(c *call) byte {
	c.bytes(0, 0, 1, 17, 255, 0)
	c.bytes(cp1251("PAYONLINE-01-ФА")...)
	return errNone
}

// Flag bits of F7h this device has.
const (
	flagCutter         = 1 << 13
	flagV2             = 1 << 28
	flagPrintResult    = 1 << 34
	flagErrorText      = 1 << 36
	flagFN             = 1 << 43
	flagFFD11          = 1 << 47
	flagCorrection     = 1 << 48 // corrections as ordinary receipts
	flagExtendedAnswer = 1 << 50
	flagExtendedErrors = 1 << 54
)

func (d *device) parameters(c *call) byte {
	if c.args[0] != 1 {
		return errBadParameter
	}
	flags := uint64(flagCutter | flagV2 | flagErrorText | flagFN | flagFFD11 | flagCorrection | flagExtendedAnswer)
	if !d.cfg.ShortStatus {
		flags |= flagPrintResult
	}
	if d.cfg.ExtendedErrors {
		flags |= flagExtendedErrors
	}
	c.out = binary.LittleEndian.AppendUint64(c.out, flags)
	c.bytes(12, 24, 1)                            // font widths, first graphics line
	c.bytes(12, 14, 8, 14)                        // digits of ИНН, РНМ, long РНМ, long serial
	c.u32(0)                                      // default tax password
	c.u32(sysadminRow)                            // default password of the system administrator
	c.bytes(0, 14)                                // Bluetooth table, tax mode field
	c.u16(255)                                    // longest command
	c.bytes(40, 64, 0, 2)                         // graphics
	c.bytes(tableFiscal, tableOFD, tableEmbedded) // ФН, ОФД, embedded devices
	c.bytes(tableRegional, 17)                    // ФФД table and field
	return errNone
}

func (d *device) writeTable(c *call) byte {
	at := cell{c.args[0], binary.LittleEndian.Uint16(c.args[1:]), c.args[3]}
	code := d.writeCell(at, c.args[4:])
	if code == errNone {
		d.saveCells()
	}
	return code
}

func (d *device) readTable(c *call) byte {
	v, code := d.readCell(cell{c.args[0], binary.LittleEndian.Uint16(c.args[1:]), c.args[3]})
	c.bytes(v...)
	return code
}

// name40 is a table's or field's name in 40 bytes.
func name40(s string) []byte {
	b := make([]byte, 40)
	copy(b, cp1251(s))
	return b
}

func (d *device) tableStructure(c *call) byte {
	t, ok := tables[c.args[0]]
	if !ok {
		return errNoTable
	}
	c.bytes(name40(t.name)...)
	c.u16(uint16(t.rows))
	c.bytes(byte(len(t.fields)))
	return errNone
}

func (d *device) fieldStructure(c *call) byte {
	f, code := lookup(cell{c.args[0], 1, c.args[1]})
	if code != errNone {
		return code
	}
	c.bytes(name40(f.name)...)
	if f.text {
		c.bytes(1, byte(f.size))
		return errNone
	}
	c.bytes(0, byte(f.size))
	c.out = append(c.out, binary.LittleEndian.AppendUint64(nil, f.low)[:f.size]...)
	c.out = append(c.out, binary.LittleEndian.AppendUint64(nil, f.high)[:f.size]...)
	return errNone
}

func (d *device) setTime(c *call) byte {
	h, m, s := c.args[0], c.args[1], c.args[2]
	if h > 23 || m > 59 || s > 59 {
		return errBadParameter
	}
	now := d.now()
	d.setClock(time.Date(now.Year(), now.Month(), now.Day(), int(h), int(m), int(s), 0, now.Location()))
	return errNone
}

// setDate only takes the date; 23h with the same date makes it count.
func (d *device) setDate(c *call) byte {
	day, month, year := c.args[0], c.args[1], c.args[2]
	if month < 1 || month > 12 || day < 1 || day > 31 || year > 99 {
		return errBadParameter
	}
	d.nv.ConfirmDate, d.dirty = &wallDate{day, month, year}, true
	return errNone
}

func (d *device) confirmDate(c *call) byte {
	w := *d.nv.ConfirmDate
	if w != (wallDate{c.args[0], c.args[1], c.args[2]}) {
		return errDate
	}
	now := d.now()
	d.nv.ConfirmDate = nil
	d.setClock(time.Date(2000+int(w.Year), time.Month(w.Month), int(w.Day), now.Hour(), now.Minute(), now.Second(), 0, now.Location()))
	return errNone
}

func (d *device) setClock(t time.Time) {
	d.nv.ClockSet, d.dirty = t.Sub(d.realTime()), true
}

func dateTime5(t time.Time) []byte {
	if t.IsZero() {
		return make([]byte, 5)
	}
	return []byte{byte(t.Year() % 100), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute())}
}

// extended says that closing answers end with a date and time (table 17
// field 36).
func (d *device) extended() bool { return d.numberAt(tableRegional, 1, 36) == 1 }

func (c *call) issued(doc fn.Document) {
	c.u32(doc.FD)
	c.u32(doc.FP)
}
