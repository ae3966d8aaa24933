// Package exe is the codec of Executive (EXE, MEI "Protocol A"), the payment
// bus of older vending machines: frames with even parity, the bytes of both
// sides, the data block the machine is to show, and both roles as state
// machines. Sections in comments ("exe 4.2") are those of the project's
// reference of the protocol; the vendor's text is not public.
//
// On this bus the payment side is the master and the vending machine (VMC) the
// slave: the reverse of MDB. Each master byte is answered by one slave byte.
package exe

import (
	"math/bits"

	"github.com/chekomat/chekomat/mdb"
)

// Device is whom a master byte addresses (exe 4.1).
type Device uint8

// Devices; the value is the address in bits 7..5.
const (
	VMC         Device = 0x20
	AuditUnit   Device = 0x40
	PaymentUnit Device = 0x60
)

const (
	addressBits = 0xE0
	commandFlag = 0x10
)

// DeviceOf gives the address of a master byte; it may be none of the three.
func DeviceOf(b byte) Device { return Device(b & addressBits) }

// String is the device's name in the bench's vectors and dialogues.
func (d Device) String() string {
	switch d {
	case VMC:
		return "VMC"
	case AuditUnit:
		return "AUDIT_UNIT"
	case PaymentUnit:
		return "PAYMENT_UNIT"
	}
	return "OTHER"
}

// Command is the code of a master byte whose command flag is set (exe 4.1).
type Command uint8

// Commands of the VMC. The audit unit's and payment unit's own are not public.
const (
	Status           Command = 0x1
	Credit           Command = 0x2
	Vend             Command = 0x3
	Audit            Command = 0x4
	SendAuditAddress Command = 0x5
	SendAuditData    Command = 0x6
	Identify         Command = 0x7
	AcceptData       Command = 0x8
	DataSync         Command = 0x9
	NegativeAck      Command = 0xF
)

var names = [16]string{
	Status: "STATUS", Credit: "CREDIT", Vend: "VEND", Audit: "AUDIT", SendAuditAddress: "SEND_AUDIT_ADDRESS",
	SendAuditData: "SEND_AUDIT_DATA", Identify: "IDENTIFY", AcceptData: "ACCEPT_DATA", DataSync: "DATA_SYNC",
	NegativeAck: "NEGATIVE_ACKNOWLEDGE",
}

// String is the command's name; UNKNOWN for a nibble nothing is known of.
func (c Command) String() string {
	if n := names[c&0xF]; n != "" {
		return n
	}
	return "UNKNOWN"
}

// Known reports whether a source names the command.
func (c Command) Known() bool { return names[c&0xF] != "" }

// Byte is the command as said to the VMC.
func (c Command) Byte() byte { return To(VMC, c) }

// To is a command as said to a device.
func To(d Device, c Command) byte { return byte(d) | commandFlag | byte(c)&0xF }

// Data is a data nibble as said to the VMC.
func Data(nibble uint8) byte { return byte(VMC) | nibble&0xF }

// CommandOf gives the command of a master byte; false for a data nibble.
func CommandOf(b byte) (Command, bool) { return Command(b & 0xF), b&commandFlag != 0 }

// Nibble gives the low half of a master byte.
func Nibble(b byte) uint8 { return b & 0xF }

// Answers that any byte may get (exe 4.5).
const (
	ACK  byte = 0x00
	PNAK byte = 0xFF // parity or transfer error: the master repeats
)

// State is the answer to STATUS (exe 4.2).
type State struct {
	Inhibited bool
	FreeVend  bool  // as heard; an inhibited machine vends nothing, free or not
	Audit     uint8 // low nibble, meaning not public
}

const (
	inhibitedBit = 0x40
	freeBit      = 0x80
)

// ParseState reads an answer to STATUS other than PNAK.
func ParseState(b byte) State {
	return State{Inhibited: b&inhibitedBit != 0, FreeVend: b&freeBit != 0, Audit: b & 0xF}
}

// Byte is the answer on the wire.
func (s State) Byte() byte {
	b := s.Audit & 0xF
	if s.Inhibited {
		b |= inhibitedBit
	}
	if s.FreeVend {
		b |= freeBit
	}
	return b
}

// Answers to CREDIT (exe 4.3).
const (
	MaxRequest byte = 0xFA // highest line number, or price in base units
	NoRequest  byte = 0xFE
)

// Request is what an answer to CREDIT says.
type Request uint8

// Requests. FBh to FDh are called undefined: the two sources contradict.
const (
	NothingWanted Request = iota
	Wanted                // the byte is the line, or the price in base units
	Undefined
	NotUnderstood // PNAK
)

// RequestOf reads an answer to CREDIT.
func RequestOf(b byte) Request {
	switch {
	case b <= MaxRequest:
		return Wanted
	case b == NoRequest:
		return NothingWanted
	case b == PNAK:
		return NotUnderstood
	}
	return Undefined
}

// Result is what an answer to VEND says (exe 4.4).
type Result uint8

// Results. Sources disagree on Odd: one takes any answer with bit 7 clear for
// delivered, the other only 00h.
const (
	Delivered Result = iota
	Odd              // bit 7 clear, not 00h
	Failed
	Refused // PNAK: nothing was started
)

// Answers a VMC gives to VEND.
const (
	VendDelivered byte = 0x00
	VendFailed    byte = 0x80
)

// ResultOf reads an answer to VEND.
func ResultOf(b byte) Result {
	switch {
	case b == VendDelivered:
		return Delivered
	case b == PNAK:
		return Refused
	case b >= VendFailed:
		return Failed
	}
	return Odd
}

// Parity is the even parity bit of a byte: the XOR of its bits (exe 3).
func Parity(b byte) uint16 { return uint16(bits.OnesCount8(b) & 1) }

// Word is a byte as nine bits on the bus: bit 8 is the parity bit.
func Word(b byte) uint16 { return Parity(b)<<8 | uint16(b) }

// Heard takes a word apart; ok is false when the frame or its parity is wrong.
func Heard(w mdb.Word) (b byte, ok bool) {
	const bad = mdb.FramingError | mdb.BreakStart | mdb.BreakEnd
	return byte(w.V), w.V == Word(byte(w.V)) && w.Flags&bad == 0
}

// FrameBits is how many bits a frame has: start, eight data bits, parity, stop.
const FrameBits = 11

// AppendBits appends a frame as '0' and '1' in the order on the wire: start
// bit, data with the lowest bit first, parity, stop bit.
func AppendBits(dst []byte, b byte) []byte {
	dst = append(dst, '0')
	for w, i := Word(b), 0; i < 9; i++ {
		dst = append(dst, '0'+byte(w>>i&1))
	}
	return append(dst, '1')
}

// ParseBits reads a frame of '0' and '1'. ok is false when start, parity or
// stop bit is wrong, or other characters are there.
func ParseBits(s string) (b byte, ok bool) {
	if len(s) != FrameBits || s[0] != '0' || s[10] != '1' {
		return 0, false
	}
	var w uint16
	for i := range 9 {
		switch s[i+1] {
		case '1':
			w |= 1 << i
		case '0':
		default:
			return 0, false
		}
	}
	return byte(w), w == Word(byte(w))
}
