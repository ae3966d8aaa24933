package mdb

import (
	"errors"
	"fmt"
)

// Errors of message parsing. A message that cannot be read is never guessed.
var (
	ErrShort   = errors.New("message shorter than its code demands")
	ErrUnknown = errors.New("unknown message code")
)

// ParseError says where in a payload parsing failed.
type ParseError struct {
	Device Device
	Code   byte
	Offset int
	Err    error
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("parse %s message %02X at byte %d: %v", e.Device, e.Code, e.Offset, e.Err)
}

func (e *ParseError) Unwrap() error { return e.Err }

// Dialect is what message lengths depend on besides the message itself.
type Dialect struct {
	Level    uint8 // lower of the levels of both sides; 0 unknown
	VMCLevel uint8 // 0 unknown
	EC       bool  // expanded currency mode: money has 32 bits (mdb 7.2)
	Screen   uint8 // characters of a DISPLAY REQUEST, see SetupConfig; 0 unknown
}

// CommandMessage is what the VMC says in one block. AppendCommand appends
// address byte and data, no checksum.
type CommandMessage interface {
	AppendCommand(dst []byte, to Device, dl Dialect) []byte
}

// AnswerMessage is one message of a peripheral's data block. AppendAnswer
// appends the data, no checksum.
type AnswerMessage interface {
	AppendAnswer(dst []byte, dl Dialect) []byte
}

// EncodeCommand makes a whole VMC block.
func EncodeCommand(to Device, m CommandMessage, dl Dialect) []byte {
	return Seal(m.AppendCommand(make([]byte, 0, MaxBlock), to, dl))
}

// EncodeAnswer makes a whole data block of one or more messages.
func EncodeAnswer(dl Dialect, ms ...AnswerMessage) []byte {
	b := make([]byte, 0, MaxBlock)
	for _, m := range ms {
		b = m.AppendAnswer(b, dl)
	}
	return Seal(b)
}

// Commands every device has.
type (
	// Reset is RESET.
	Reset struct{}
	// Poll is POLL.
	Poll struct{}
	// Unknown is a command of an address or code the specification leaves open.
	Unknown struct {
		Command byte
		Data    []byte
	}
	// UnknownAnswer is peripheral data that no rule reads.
	UnknownAnswer struct{ Data []byte }
	// Diagnostics is xF FF of any device.
	Diagnostics struct{ Data []byte }
	// DiagnosticsResponse is the answer FF … of readers, gateways and the like,
	// or the whole answer to a Diagnostics of changer, validator and hopper.
	DiagnosticsResponse struct {
		Data []byte
		Bare bool // no FF in front
	}
	// FeatureEnable is EXPANSION 01 of changer, validator, gateway, hopper and
	// satellite, EXPANSION 04 of readers: bit mask of options.
	FeatureEnable struct{ Options uint32 }
)

// AppendCommand implements CommandMessage.
func (Reset) AppendCommand(dst []byte, to Device, _ Dialect) []byte { return append(dst, byte(to)) }

// AppendCommand implements CommandMessage.
func (Poll) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, PollCommand(to))
}

// AppendCommand implements CommandMessage.
func (m Unknown) AppendCommand(dst []byte, _ Device, _ Dialect) []byte {
	return append(append(dst, m.Command), m.Data...)
}

// AppendAnswer implements AnswerMessage.
func (m UnknownAnswer) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, m.Data...) }

// AppendCommand implements CommandMessage.
func (m Diagnostics) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|cmdExpansion, 0xFF), m.Data...)
}

// AppendAnswer implements AnswerMessage.
func (m DiagnosticsResponse) AppendAnswer(dst []byte, _ Dialect) []byte {
	if !m.Bare {
		dst = append(dst, 0xFF)
	}
	return append(dst, m.Data...)
}

// AppendCommand implements CommandMessage.
func (m FeatureEnable) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	sub := byte(1)
	if to.Cashless() || to == AgeCheck {
		sub = 4
	}
	return put32(append(dst, byte(to)|cmdExpansion, sub), m.Options)
}

// ParseCommand reads the payload of a VMC block (address byte first, checksum
// removed). What no rule covers comes back as Unknown; a known command that is
// too short is a *ParseError.
func ParseCommand(p []byte, dl Dialect) (CommandMessage, error) {
	if len(p) == 0 {
		return nil, &ParseError{Err: ErrShort}
	}
	d, c := DeviceOf(p[0]), p[0]&7
	if d.Known() {
		switch {
		case c == cmdReset:
			return Reset{}, nil
		case p[0] == PollCommand(d):
			return Poll{}, nil
		case c == cmdExpansion && len(p) > 1 && p[1] >= 0xFA:
			if m, ok := parseTransfer(p[1]-0xFA, p[2:]); ok {
				return m, nil
			}
			if p[1] == 0xFF {
				return parseDiagnostics(d, p[2:]), nil
			}
			return nil, &ParseError{Device: d, Code: p[0], Offset: len(p), Err: ErrShort}
		}
	}
	var m CommandMessage
	var err error
	switch d {
	case Changer:
		m, err = parseChangerCommand(c, p[1:])
	case Validator:
		m, err = parseValidatorCommand(c, p[1:])
	case Cashless1, Cashless2:
		m, err = parseReaderCommand(c, p[1:], dl)
	default:
		m, err = parseOtherCommand(d, c, p[1:])
	}
	if err != nil {
		return nil, &ParseError{Device: d, Code: p[0], Offset: len(p), Err: err}
	}
	if m == nil {
		m = Unknown{Command: p[0], Data: p[1:]}
	}
	return m, nil
}

// ParseAnswer reads the payload of a peripheral's data block that answers the
// VMC command byte to with sub-command sub, and appends its messages to dst.
// Messages read before an unknown or short one are kept; the rest comes back
// with the error.
func ParseAnswer(dst []AnswerMessage, to, sub byte, p []byte, dl Dialect) ([]AnswerMessage, error) {
	d, c := DeviceOf(to), to&7
	if c == cmdExpansion && sub == 0xFF && (d == Changer || d == Validator || d == Hopper1 || d == Hopper2) {
		return append(dst, DiagnosticsResponse{Data: p, Bare: true}), nil
	}
	if len(p) > 0 && p[0] >= 0x1B && p[0] <= 0x1F && (to == PollCommand(d) || sub >= 0xFA) {
		if m, ok := parseTransfer(p[0]-0x1B, p[1:]); ok {
			return append(dst, m), nil
		}
	}
	switch d {
	case Changer:
		return parseChangerAnswer(dst, c, sub, p)
	case Validator:
		return parseValidatorAnswer(dst, c, sub, p)
	case Cashless1, Cashless2:
		return parseReaderAnswer(dst, d, p, dl)
	}
	return parseOtherAnswer(dst, to, sub, p)
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
func be32(b []byte) uint32 { return uint32(be16(b))<<16 | uint32(be16(b[2:])) }

func put16(dst []byte, v uint16) []byte { return append(dst, byte(v>>8), byte(v)) }
func put32(dst []byte, v uint32) []byte {
	return append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// putText appends s padded with blanks to n bytes, cut if longer.
func putText(dst []byte, s string, n int) []byte {
	for i := range n {
		if i < len(s) {
			dst = append(dst, s[i])
		} else {
			dst = append(dst, ' ')
		}
	}
	return dst
}
