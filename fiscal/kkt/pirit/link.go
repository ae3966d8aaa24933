package pirit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// Bytes of the link (kkt-others 2.1).
const (
	STX = 0x02
	ETX = 0x03
	ENQ = 0x05
	ACK = 0x06
	FS  = 0x1c
)

// FirstID and LastID bound the byte that ties an answer to its command.
const (
	FirstID = 0x20
	LastID  = 0xf0
)

// PasswordLen is the length of the link's password.
const PasswordLen = 4

// maxFrame bounds what is taken for a frame; the longest answer is a block of
// 78/16, twice its bytes.
const maxFrame = 16 << 10

// ErrFrame is wrapped by every error of the frame parsers.
var ErrFrame = errors.New("bad frame")

// ErrShort says that the frame is not complete yet.
var ErrShort = errors.New("frame is not complete")

// Code is a command's number.
type Code byte

func (c Code) String() string { return fmt.Sprintf("%02X", byte(c)) }

// MarshalText writes two hexadecimal characters.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads two hexadecimal characters.
func (c *Code) UnmarshalText(b []byte) error {
	v, err := parseHex(b)
	*c = Code(v)
	return err
}

func parseHex(b []byte) (byte, error) {
	if len(b) != 2 {
		return 0, fmt.Errorf("%w: %q is not two hexadecimal characters", ErrFrame, b)
	}
	v, err := strconv.ParseUint(string(b), 16, 8)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not two hexadecimal characters", ErrFrame, b)
	}
	return byte(v), nil
}

// Checksum is the XOR of all bytes after STX up to and including ETX.
func Checksum(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// Command is a frame of the host. Fields are texts in CP866 without the link's
// own bytes.
type Command struct {
	Password string // PasswordLen bytes
	ID       byte
	Code     Code
	Fields   []string
}

// Answer is a frame of the register.
type Answer struct {
	ID     byte
	Code   Code
	Error  byte
	Fields []string // a separator at the end gives no field of its own
}

// AppendCommand writes 02 password id code fields 03 crc.
func AppendCommand(dst []byte, c Command) []byte {
	at := len(dst) + 1
	dst = append(dst, STX)
	dst = append(dst, c.Password...)
	dst = append(dst, c.ID)
	dst = append(dst, c.Code.String()...)
	for i, f := range c.Fields {
		if i > 0 {
			dst = append(dst, FS)
		}
		dst = append(dst, f...)
	}
	return finish(dst, at)
}

// AppendAnswer writes 02 id code error fields 03 crc.
func AppendAnswer(dst []byte, a Answer) []byte {
	at := len(dst) + 1
	dst = append(dst, STX, a.ID)
	dst = append(dst, a.Code.String()...)
	dst = fmt.Appendf(dst, "%02X", a.Error)
	for i, f := range a.Fields {
		if i > 0 {
			dst = append(dst, FS)
		}
		dst = append(dst, f...)
	}
	return finish(dst, at)
}

func finish(dst []byte, from int) []byte {
	dst = append(dst, ETX)
	return fmt.Appendf(dst, "%02X", Checksum(dst[from:]))
}

// body checks the frame at the start of b and gives what stands between STX
// and ETX; n is the number of bytes read. ErrShort when more are needed.
func body(b []byte) (inner []byte, n int, err error) {
	if len(b) == 0 {
		return nil, 0, ErrShort
	}
	if b[0] != STX {
		return nil, 0, fmt.Errorf("%w: starts with %02X", ErrFrame, b[0])
	}
	end := bytes.IndexByte(b[1:], ETX)
	if end < 0 {
		if len(b) > maxFrame {
			return nil, 0, fmt.Errorf("%w: %d bytes without an end", ErrFrame, len(b))
		}
		return nil, 0, ErrShort
	}
	end++ // index of ETX in b
	n = end + 3
	if len(b) < n {
		return nil, 0, ErrShort
	}
	crc, err := parseHex(b[end+1 : n])
	if err != nil {
		return nil, n, err
	}
	if sum := Checksum(b[1 : end+1]); sum != crc {
		return nil, n, fmt.Errorf("%w: checksum %02X, computed %02X", ErrFrame, crc, sum)
	}
	return b[1:end], n, nil
}

// fields cuts at FS; a separator at the very end closes the last field, as the
// devices write it.
func fields(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	parts := bytes.Split(b, []byte{FS})
	if len(parts[len(parts)-1]) == 0 {
		parts = parts[:len(parts)-1]
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = string(p)
	}
	return out
}

// ParseAnswer reads one frame of the register at the start of b; n is the
// number of bytes read. ErrShort when more bytes are needed.
func ParseAnswer(b []byte) (a Answer, n int, err error) {
	inner, n, err := body(b)
	if err != nil {
		return a, n, err
	}
	if len(inner) < 5 || inner[0] < FirstID || inner[0] > LastID {
		return a, n, fmt.Errorf("%w: answer % X", ErrFrame, inner)
	}
	a.ID = inner[0]
	code, err := parseHex(inner[1:3])
	if err != nil {
		return a, n, err
	}
	a.Code = Code(code)
	if a.Error, err = parseHex(inner[3:5]); err != nil {
		return a, n, err
	}
	a.Fields = fields(inner[5:])
	return a, n, nil
}

// ParseCommand reads one frame of a host.
func ParseCommand(b []byte) (c Command, n int, err error) {
	inner, n, err := body(b)
	if err != nil {
		return c, n, err
	}
	const head = PasswordLen + 3
	if len(inner) < head || inner[PasswordLen] < FirstID || inner[PasswordLen] > LastID {
		return c, n, fmt.Errorf("%w: command % X", ErrFrame, inner)
	}
	c.Password, c.ID = string(inner[:PasswordLen]), inner[PasswordLen]
	code, err := parseHex(inner[PasswordLen+1 : head])
	if err != nil {
		return c, n, err
	}
	c.Code = Code(code)
	c.Fields = fields(inner[head:])
	return c, n, nil
}
