package register

import (
	"encoding/binary"

	"github.com/chekomat/chekomat/testbench/fn"
)

// access is whose password a command needs.
type access byte

const (
	open     access = iota // no password
	operator               // any of the 30
	system                 // the system administrator
)

// modes is a set of mode numbers a command is allowed in (kkt-shtrih.md §5.1).
type modes uint16

const anyMode modes = 0xFFFF

func in(list ...byte) (m modes) {
	for _, mode := range list {
		m |= 1 << mode
	}
	return m
}

// command is one row of the command table: lengths are of the parameters after
// the password; weight is the share of a receipt's service time, in
// milliseconds as captures show them (§10).
type command struct {
	name     string
	access   access
	min, max int
	modes    modes
	prints   bool
	weight   int
	run      func(*device, *call) byte
}

// call is one execution. out collects the reply after the error byte.
type call struct {
	operator byte
	args     []byte
	out      []byte
}

func (c *call) u16(v uint16) { c.out = binary.LittleEndian.AppendUint16(c.out, v) }
func (c *call) u32(v uint32) { c.out = binary.LittleEndian.AppendUint32(c.out, v) }
func (c *call) bytes(b ...byte) {
	c.out = append(c.out, b...)
}

// text appends ASCII.
func (c *call) text(s string) { c.out = append(c.out, s...) }

// money5 appends an amount in 5 bytes.
func (c *call) money5(v int64) {
	for range 5 {
		c.out = append(c.out, byte(v))
		v >>= 8
	}
}

var commands map[uint16]command

func init() {
	commands = map[uint16]command{
		0x10:   {"short status", operator, 0, 0, anyMode, false, 5, (*device).shortStatus},
		0x11:   {"long status", operator, 0, 0, anyMode, false, 8, (*device).longStatus},
		0x13:   {"beep", operator, 0, 0, anyMode, false, 5, (*device).justOperator},
		0x17:   {"print line", operator, 1, 250, anyMode, true, 5, (*device).justOperator},
		0x1A:   {"money register", operator, 1, 2, anyMode, false, 5, (*device).moneyRegister},
		0x1B:   {"operation register", operator, 1, 1, anyMode, false, 5, (*device).operationRegister},
		0x1E:   {"write table", system, 4, 250, anyMode &^ in(1, 8), false, 5, (*device).writeTable},
		0x1F:   {"read table", system, 4, 4, anyMode, false, 5, (*device).readTable},
		0x21:   {"set time", system, 3, 3, in(4), false, 5, (*device).setTime},
		0x22:   {"set date", system, 3, 3, in(4, 6), false, 5, (*device).setDate},
		0x23:   {"confirm date", system, 3, 3, in(6), false, 5, (*device).confirmDate},
		0x26:   {"font", system, 1, 1, anyMode, false, 5, (*device).font},
		0x28:   {"open the drawer", operator, 1, 1, anyMode, false, 5, (*device).justOperator},
		0x50:   {"cash in", operator, 5, 5, in(2, 3, 4, 9), true, 300, (*device).cashIn},
		0x51:   {"cash out", operator, 5, 5, in(2, 3, 4, 9), true, 300, (*device).cashOut},
		0x25:   {"cut", operator, 1, 1, in(2, 3, 4), true, 5, (*device).justOperator},
		0x29:   {"feed", operator, 2, 2, in(2, 3, 4), true, 5, (*device).justOperator},
		0x2D:   {"table structure", system, 1, 1, anyMode, false, 5, (*device).tableStructure},
		0x2E:   {"field structure", system, 2, 2, anyMode, false, 5, (*device).fieldStructure},
		0x40:   {"X report", operator, 0, 0, in(2, 3, 4), true, 400, (*device).xReport},
		0x41:   {"close shift", operator, 0, 0, anyMode, true, 1500, (*device).closeShift},
		0x6B:   {"error text", open, 1, 1, anyMode, false, 5, (*device).errorText},
		0x15:   {"port parameters", system, 1, 1, anyMode, false, 5, (*device).portParameters},
		0x80:   {"sale", operator, 15, 250, anyMode, false, 196, oldPosition(0)},
		0x81:   {"purchase", operator, 15, 250, anyMode, false, 196, oldPosition(1)},
		0x82:   {"return of sale", operator, 15, 250, anyMode, false, 196, oldPosition(2)},
		0x83:   {"return of purchase", operator, 15, 250, anyMode, false, 196, oldPosition(3)},
		0x85:   {"close receipt", operator, 26, 66, anyMode, true, 373, (*device).oldClose},
		0x8C:   {"copy of the receipt", operator, 0, 0, in(2, 3, 4), true, 300, (*device).copyReceipt},
		0x88:   {"cancel receipt", operator, 0, 0, in(8), false, 828, (*device).cancelReceipt},
		0x89:   {"subtotal", operator, 0, 0, in(8), false, 20, (*device).subtotal},
		0x8D:   {"open receipt", operator, 1, 1, anyMode, true, 200, (*device).openReceipt},
		0xB0:   {"continue printing", operator, 0, 0, anyMode, false, 20, (*device).continuePrinting},
		0xE0:   {"open shift", operator, 0, 0, anyMode, true, 1000, (*device).openShift},
		0xF7:   {"extended request", open, 1, 1, anyMode, false, 5, (*device).parameters},
		0xFC:   {"device type", open, 0, 0, anyMode, false, 5, (*device).deviceType},
		0xFF01: {"ФН status", system, 0, 0, anyMode, false, 50, (*device).fnStatus},
		0xFF02: {"ФН serial", system, 0, 0, anyMode, false, 30, (*device).fnSerial},
		0xFF03: {"ФН validity", system, 0, 0, anyMode, false, 30, (*device).fnValidity},
		0xFF04: {"ФН version", system, 0, 0, anyMode, false, 30, (*device).fnVersion},
		0xFF05: {"begin registration", system, 1, 1, anyMode, false, 100, (*device).beginRegistration},
		0xFF06: {"register", system, 34, 35, anyMode, true, 1500, (*device).finishRegistration},
		0xFF08: {"cancel document in ФН", system, 0, 0, anyMode, false, 100, (*device).fnCancel},
		0xFF09: {"registration data", system, 0, 0, anyMode, false, 30, (*device).registration},
		0xFF0A: {"find document", system, 4, 4, anyMode, false, 50, (*device).findDocument},
		0xFF0B: {"open shift in ФН", system, 0, 0, anyMode, true, 1000, (*device).fnOpenShift},
		0xFF0C: {"send TLV", system, 4, 250, anyMode, false, 76, (*device).sendTLV},
		0xFF0E: {"tag of a registration", system, 3, 3, anyMode, false, 50, (*device).registrationTag},
		0xFF30: {"buffer status", system, 0, 0, anyMode, false, 10, (*device).bufferStatus},
		0xFF31: {"read the buffer", system, 3, 3, anyMode, false, 20, (*device).bufferRead},
		0xFF32: {"start the buffer", system, 2, 2, anyMode, false, 10, (*device).bufferStart},
		0xFF33: {"fill the buffer", system, 4, 250, anyMode, false, 20, (*device).bufferWrite},
		0xFF34: {"re-register", system, 1, 35, anyMode, true, 1500, (*device).reregister},
		0xFF35: {"begin correction", system, 0, 0, anyMode, false, 200, (*device).beginCorrection},
		0xFF36: {"correction", system, 6, 6, anyMode, true, 373, (*device).correctOld},
		0xFF37: {"begin state of settlements", system, 0, 0, in(2, 3, 4), false, 60, (*device).beginState},
		0xFF38: {"state of settlements", system, 0, 0, in(2, 3, 4), true, 1000, (*device).finishState},
		0xFF3D: {"begin closing of the ФН", system, 0, 0, anyMode, false, 100, (*device).beginFNClose},
		0xFF3E: {"close the ФН", system, 0, 0, anyMode, true, 1500, (*device).finishFNClose},
		0xFF39: {"ОФД status", system, 0, 0, anyMode, false, 20, (*device).ofdStatus},
		0xFF3A: {"request document", system, 4, 4, anyMode, false, 60, (*device).requestDocument},
		0xFF3B: {"read TLV", system, 0, 0, anyMode, false, 20, (*device).readTLV},
		0xFF3C: {"ticket", system, 4, 4, anyMode, false, 50, (*device).ticket},
		0xFF3F: {"documents without ticket", system, 0, 0, anyMode, false, 20, (*device).unsent},
		0xFF40: {"shift parameters", system, 0, 0, anyMode, false, 20, (*device).shiftParameters},
		0xFF41: {"begin opening", system, 0, 0, anyMode, false, 60, (*device).beginOpening},
		0xFF42: {"begin closing", system, 0, 0, anyMode, false, 60, (*device).beginClosing},
		0xFF43: {"close shift in ФН", system, 0, 0, anyMode, true, 1500, (*device).fnCloseShift},
		0xFF45: {"close receipt", system, 112, 176, anyMode, true, 373, (*device).closeReceipt},
		0xFF46: {"operation", system, 26, 250, anyMode, false, 196, (*device).operation},
		0xFF4A: {"correction by sum", system, 63, 63, anyMode, true, 373, (*device).correctNew},
		0xFF4C: {"data of a registration", system, 1, 1, anyMode, false, 30, (*device).registrationData},
		0xFF4D: {"TLV of operation", system, 4, 250, in(8), false, 76, (*device).itemTLV},
		0xFF60: {"tag of a registration", system, 3, 3, anyMode, false, 50, (*device).registrationTag},
		0xFF61: {"check a marking code", operator, 5, 250, anyMode, false, 500, (*device).checkMark},
		0xFF62: {"synchronise registers", system, 0, 0, anyMode, false, 50, (*device).nothing},
		0xFF63: {"resource of the ФН", system, 0, 0, anyMode, false, 50, (*device).resource},
		0xFF64: {"send the buffer", system, 0, 1, anyMode, false, 76, (*device).bufferSend},
		0xFF67: {"bind a marking code", operator, 2, 250, in(8), false, 76, (*device).bindMark},
		0xFF69: {"accept a marking code", operator, 1, 1, anyMode, false, 50, (*device).acceptMark},
	}
}

// touchesReceipt are the commands another operator's receipt refuses.
var touchesReceipt = map[uint16]bool{0xFF35: true, 0xFF36: true, 0xFF4A: true, 0xFF64: true, 0xFF67: true, 0x80: true, 0x81: true, 0x82: true, 0x83: true, 0x85: true, 0x88: true, 0x89: true, 0xFF08: true, 0xFF0C: true, 0xFF45: true, 0xFF46: true, 0xFF4D: true}

// codeOf splits a command into its code and the rest. FFh without a sub-code
// is code FFh.
func codeOf(data []byte) (code uint16, rest []byte) {
	if data[0] == 0xFF && len(data) > 1 {
		return 0xFF00 | uint16(data[1]), data[2:]
	}
	return uint16(data[0]), data[1:]
}

// Execute runs one command and returns the reply DATA. Commands of no known
// code answer 37h, damaged ones 33h; it never panics.
func (d *device) Execute(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.execute(data)
}

func (d *device) execute(data []byte) []byte {
	code, rest := codeOf(data)
	c := &call{}
	d.endForeignReceipt()
	result := d.run(code, rest, c)
	if d.dirty {
		d.dirty = false
		if d.save() != nil {
			result = 0x74 // RAM failure
		}
	}
	return d.reply(code, result, c.out)
}

func (d *device) reply(code uint16, result byte, out []byte) []byte {
	var b []byte
	if code > 0xFF {
		b = append(b, 0xFF)
	}
	b = append(b, byte(code), result)
	if result == errNone {
		return append(b, out...)
	}
	if d.cfg.ExtendedErrors {
		b = binary.LittleEndian.AppendUint32(b, uint32(result)<<16|uint32(result))
	}
	return b
}

func (d *device) run(code uint16, rest []byte, c *call) byte {
	cmd, ok := commands[code]
	if !ok {
		return errUnsupported
	}
	if cmd.access != open {
		if len(rest) < 4 {
			return errBadParameter
		}
		if c.operator = d.who(binary.LittleEndian.Uint32(rest)); c.operator == 0 || cmd.access == system && c.operator != sysadminRow {
			return errPassword
		}
		rest = rest[4:]
	}
	if len(rest) < cmd.min || len(rest) > cmd.max {
		return errBadParameter
	}
	if cmd.modes&(1<<(d.mode()&0x0F)) == 0 {
		return errMode
	}
	if cmd.prints {
		if code := d.mayPrint(); code != errNone {
			return code
		}
	}
	if d.nv.Receipt != nil && !d.nv.Receipt.Until.IsZero() && touchesReceipt[code] {
		return errOtherOperator
	}
	c.args = rest
	return cmd.run(d, c)
}

// who finds the operator 1..30 of a password; 0 when there is none.
func (d *device) who(password uint32) byte {
	if d.numberAt(tableCashiers, sysadminRow, 1) == uint64(password) {
		return sysadminRow
	}
	for row := uint16(1); row < sysadminRow; row++ {
		if d.numberAt(tableCashiers, row, 1) == uint64(password) {
			return byte(row)
		}
	}
	return 0
}

// mayPrint is what a printing command meets in each submode.
func (d *device) mayPrint() byte {
	switch d.submode() {
	case 5:
		return errPrinting
	case 1, 2:
		if d.quiet() && !d.nv.Torn {
			return errNone
		}
		return errNoPaper
	case 3:
		return errWaitsContinue
	}
	return errNone
}

// fnCode turns an answer of the ФН into the register's error byte.
func fnCode(err error) byte { return byte(fn.CodeOf(err)) }
