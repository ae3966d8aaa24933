package shtrih

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Code is a command: 00xxh for one-byte commands, FFxxh for those of the ФН.
type Code uint16

// Commands the driver uses (kkt-shtrih 5, 6).
const (
	cmdShortStatus  Code = 0x10
	cmdLongStatus   Code = 0x11
	cmdWriteTable   Code = 0x1e
	cmdReadTable    Code = 0x1f
	cmdSetTime      Code = 0x21
	cmdSetDate      Code = 0x22
	cmdConfirmDate  Code = 0x23
	cmdCloseShift   Code = 0x41
	cmdCancel       Code = 0x88
	cmdOpenReceipt  Code = 0x8d
	cmdContinue     Code = 0xb0
	cmdOpenShift    Code = 0xe0
	cmdDeviceType   Code = 0xfc
	cmdFNStatus     Code = 0xff01
	cmdFNValidity   Code = 0xff03
	cmdFNCancel     Code = 0xff08
	cmdRegistration Code = 0xff09
	cmdFindDocument Code = 0xff0a
	cmdTLV          Code = 0xff0c
	cmdRegParameter Code = 0xff0e
	cmdBeginFix     Code = 0xff35
	cmdExchange     Code = 0xff39
	cmdDocumentTLV  Code = 0xff3a
	cmdReadTLV      Code = 0xff3b
	cmdShift        Code = 0xff40
	cmdBeginOpen    Code = 0xff41
	cmdBeginClose   Code = 0xff42
	cmdCloseReceipt Code = 0xff45
	cmdOperation    Code = 0xff46
	cmdFix          Code = 0xff4a
	cmdOperationTLV Code = 0xff4d
	cmdResource     Code = 0xff63
)

// asks says that the command changes nothing in the register, so that it may be
// sent again.
func (c Code) asks() bool {
	switch c {
	case cmdShortStatus, cmdLongStatus, cmdReadTable, cmdDeviceType, cmdFNStatus, cmdFNValidity, cmdRegistration,
		cmdFindDocument, cmdRegParameter, cmdExchange, cmdShift, cmdResource:
		return true
	}
	return false
}

// String prints the code as the protocol does: "8Dh", "FF45h".
func (c Code) String() string {
	if c > 0xff {
		return fmt.Sprintf("%04Xh", uint16(c))
	}
	return fmt.Sprintf("%02Xh", uint16(c))
}

// MarshalText writes the code as hex digits.
func (c Code) MarshalText() ([]byte, error) {
	if c > 0xff {
		return fmt.Appendf(nil, "%04X", uint16(c)), nil
	}
	return fmt.Appendf(nil, "%02X", uint16(c)), nil
}

// UnmarshalText reads hex digits.
func (c *Code) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	switch {
	case err == nil && len(raw) == 1 && raw[0] != 0xff:
		*c = Code(raw[0])
	case err == nil && len(raw) == 2 && raw[0] == 0xff:
		*c = Code(binary.BigEndian.Uint16(raw))
	default:
		return fmt.Errorf("command code %q", b)
	}
	return nil
}

// AppendRequest writes DATA of a request: code, password (4 bytes LE) where the
// command has one, parameters.
func AppendRequest(dst []byte, c Code, password uint32, params []byte) []byte {
	if c > 0xff {
		dst = append(dst, 0xff)
	}
	dst = append(dst, byte(c))
	switch c {
	case 0x16, 0x6b, 0xf7, cmdDeviceType:
	default:
		dst = binary.LittleEndian.AppendUint32(dst, password)
	}
	return append(dst, params...)
}

// ReplyCode reads the command code DATA of a reply answers; ok is false when
// data are too short to have one.
func ReplyCode(data []byte) (c Code, ok bool) {
	switch {
	case len(data) >= 3 && data[0] == 0xff:
		return 0xff00 | Code(data[1]), true
	case len(data) >= 2 && data[0] != 0xff:
		return Code(data[0]), true
	}
	return 0, false
}

// DeviceError is an error answer of the register.
type DeviceError struct {
	Command  Code
	Code     byte
	Extended uint32 // 4-byte code of newer firmware, 0 without
}

func (e *DeviceError) Error() string {
	return fmt.Sprintf("register answers %s with error %02Xh", e.Command, e.Code)
}

// ParseReply splits DATA of a reply to c: the bytes after the error byte. An
// error byte other than 0 gives a *DeviceError. Bit 7 that the ФН sets beside
// warnings is not masked here: registers strip it.
func ParseReply(c Code, data []byte) ([]byte, error) {
	got, ok := ReplyCode(data)
	if !ok || got != c {
		return nil, fmt.Errorf("%w: reply % X to %s", ErrFrame, data, c)
	}
	at := 1
	if c > 0xff {
		at = 2
	}
	if data[at] != 0 {
		e := &DeviceError{Command: c, Code: data[at]}
		if len(data) >= at+5 {
			e.Extended = binary.LittleEndian.Uint32(data[at+1:])
		}
		return nil, e
	}
	return data[at+1:], nil
}

func put5(dst []byte, v int64) []byte {
	return append(dst, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32))
}

func put6(dst []byte, v int64) []byte { return append(put5(dst, v), byte(v>>40)) }

func get5(b []byte) int64 {
	return int64(binary.LittleEndian.Uint32(b)) | int64(b[4])<<32
}
