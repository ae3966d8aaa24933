package shtrih

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
)

// shortStatus is the reply of 10h.
type shortStatus struct {
	Operator byte
	Flags    uint16
	Mode     byte // low nibble: mode
	Submode  byte
}

// Flags of the status replies (the paper bits differ between models; the
// submode tells).
const (
	flagCoverOpen = 1 << 10
)

func short(c Code, b []byte) error {
	return fmt.Errorf("%w: reply of %d bytes to %s", ErrFrame, len(b), c)
}

func parseShortStatus(b []byte) (s shortStatus, err error) {
	if len(b) < 14 {
		return s, short(cmdShortStatus, b)
	}
	return shortStatus{Operator: b[0], Flags: binary.LittleEndian.Uint16(b[1:]), Mode: b[3], Submode: b[4]}, nil
}

// longStatus is the reply of 11h; 46, 48 or 50 bytes after the error byte.
type longStatus struct {
	Firmware string
	Build    uint16
	Flags    uint16
	Mode     byte
	Submode  byte
	Clock    time.Time
	Serial   uint64
	INN      uint64
}

func parseLongStatus(b []byte) (s longStatus, err error) {
	if len(b) < 46 {
		return s, short(cmdLongStatus, b)
	}
	s.Firmware = string([]byte{b[1], '.', b[2]})
	s.Build = binary.LittleEndian.Uint16(b[3:])
	s.Flags = binary.LittleEndian.Uint16(b[11:])
	s.Mode, s.Submode = b[13], b[14]
	s.Clock = time.Date(2000+int(b[25]), time.Month(b[24]), int(b[23]), int(b[26]), int(b[27]), int(b[28]), 0, time.UTC)
	s.Serial = uint64(binary.LittleEndian.Uint32(b[30:]))
	if len(b) >= 48 {
		s.Serial |= uint64(binary.LittleEndian.Uint16(b[46:])) << 32
	}
	for i := range 6 {
		s.INN |= uint64(b[40+i]) << (8 * i)
	}
	return s, nil
}

// fnStatus is the reply of FF01h.
type fnStatus struct {
	Phase    byte
	Document byte // 0 none
	Data     bool
	Open     bool // shift
	Warnings byte
	LastAt   time.Time
	Serial   string
	LastFD   uint32
}

func parseFNStatus(b []byte) (s fnStatus, err error) {
	if len(b) < 30 {
		return s, short(cmdFNStatus, b)
	}
	return fnStatus{
		Phase: b[0], Document: b[1], Data: b[2] != 0, Open: b[3] != 0, Warnings: b[4],
		LastAt: fnTime(b[5:]), Serial: string(b[10:26]), LastFD: binary.LittleEndian.Uint32(b[26:]),
	}, nil
}

// fnTime reads ГГ ММ ДД чч мм; zeros give the zero time.
func fnTime(b []byte) time.Time {
	if b[0] == 0 && b[1] == 0 && b[2] == 0 {
		return time.Time{}
	}
	return time.Date(2000+int(b[0]), time.Month(b[1]), int(b[2]), int(b[3]), int(b[4]), 0, 0, time.UTC)
}

func fnDate(b []byte) time.Time {
	if b[0] == 0 && b[1] == 0 && b[2] == 0 {
		return time.Time{}
	}
	return time.Date(2000+int(b[0]), time.Month(b[1]), int(b[2]), 0, 0, 0, 0, time.UTC)
}

// shiftState is the reply of FF40h.
type shiftState struct {
	Open     bool
	Number   uint32
	Receipts uint32
}

func parseShiftState(b []byte) (s shiftState, err error) {
	if len(b) < 5 {
		return s, short(cmdShift, b)
	}
	return shiftState{b[0] != 0, uint32(binary.LittleEndian.Uint16(b[1:])), uint32(binary.LittleEndian.Uint16(b[3:]))}, nil
}

// closed is the reply of FF45h and, without the change, of FF4Ah.
type closed struct {
	Change fiscal.Kopecks
	FD, FP uint32
	At     time.Time // zero when the register does not send it (table 17 field 36)
}

func parseClosed(b []byte) (c closed, err error) {
	if len(b) < 13 {
		return c, short(cmdCloseReceipt, b)
	}
	c = closed{Change: get5(b), FD: binary.LittleEndian.Uint32(b[5:]), FP: binary.LittleEndian.Uint32(b[9:])}
	if len(b) >= 18 {
		c.At = fnTime(b[13:])
	}
	return c, nil
}

// parseFixed reads the reply of FF4Ah: number in the shift, ФД, ФП and, on
// newer firmware, the time.
func parseFixed(b []byte) (c closed, err error) {
	if len(b) < 10 {
		return c, short(cmdFix, b)
	}
	c = closed{FD: binary.LittleEndian.Uint32(b[2:]), FP: binary.LittleEndian.Uint32(b[6:])}
	if len(b) >= 15 {
		c.At = fnTime(b[10:])
	}
	return c, nil
}

// resource is the reply of FF63h. The documents are counted, the memory for
// documents of 30 days' keeping is told in KB.
type resource struct {
	Documents uint32
	Memory    uint64 // bytes
	Notices   byte   // per cent of the notices' area that is taken; FFD 1.2
}

func parseResource(b []byte) (r resource, err error) {
	if len(b) < 8 {
		return r, short(cmdResource, b)
	}
	r = resource{Documents: binary.LittleEndian.Uint32(b), Memory: uint64(binary.LittleEndian.Uint32(b[4:])) << 10}
	if len(b) >= 9 {
		r.Notices = b[8]
	}
	return r, nil
}

// shortDocument is the reply of FF0Ah: the archive's short form.
type shortDocument struct {
	Type      byte
	Confirmed bool
	At        time.Time
	FD, FP    uint32
	Operation fiscal.Operation // receipts and corrections
	Sum       fiscal.Kopecks   // receipts and corrections
	Shift     uint32           // shift reports
}

// Document types of FF0Ah and FF3Ah.
const (
	typeShiftOpen  = 2
	typeReceipt    = 3
	typeBSO        = 4
	typeShiftClose = 5
	typeCorrection = 31
	typeBSOCorr    = 41
)

func parseShortDocument(b []byte) (d shortDocument, err error) {
	if len(b) < 15 {
		return d, short(cmdFindDocument, b)
	}
	d = shortDocument{
		Type: b[0], Confirmed: b[1] != 0, At: fnTime(b[2:]),
		FD: binary.LittleEndian.Uint32(b[7:]), FP: binary.LittleEndian.Uint32(b[11:]),
	}
	rest := b[15:]
	switch d.Type {
	case typeReceipt, typeBSO, typeCorrection, typeBSOCorr:
		if len(rest) < 5 {
			return d, short(cmdFindDocument, b)
		}
		d.Operation = fiscal.Operation(rest[0])
		// ФН of 2016 give four bytes of sum, newer five, some pad to six.
		for i, c := range rest[1:min(len(rest), 7)] {
			d.Sum |= int64(c) << (8 * i)
		}
	case typeShiftOpen, typeShiftClose:
		if len(rest) < 2 {
			return d, short(cmdFindDocument, b)
		}
		d.Shift = uint32(binary.LittleEndian.Uint16(rest))
	}
	return d, nil
}

// registrationReply is the reply of FF09h.
type registrationReply struct {
	At   time.Time
	INN  string
	RNM  string
	Tax  byte
	Mode byte
	FD   uint32
}

func parseRegistration(b []byte) (r registrationReply, err error) {
	if len(b) < 47 {
		return r, short(cmdRegistration, b)
	}
	return registrationReply{
		At: fnTime(b), INN: trimmed(b[5:17]), RNM: trimmed(b[17:37]), Tax: b[37], Mode: b[38],
		FD: binary.LittleEndian.Uint32(b[len(b)-8:]),
	}, nil
}

// exchangeState is the reply of FF39h.
type exchangeState struct {
	Messages uint32
	FirstFD  uint32
	FirstAt  time.Time
}

func parseExchange(b []byte) (s exchangeState, err error) {
	if len(b) < 13 {
		return s, short(cmdExchange, b)
	}
	return exchangeState{uint32(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:]), fnTime(b[8:])}, nil
}

func trimmed(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return string(b)
}
