// Package link is the protocol between an interface module and its host
// (docs/link.md): frames of at most 250 bytes with a CRC, COBS-encoded and
// ended by a zero byte. It has both ends: Host for the agent, Device for the
// module's side of test benches. Version 1.1 adds resuming where the host left.
package link

import (
	"errors"
	"fmt"
)

// Frame is one decoded frame. Body is valid until the next call of Next.
type Frame struct {
	Type uint8
	Seq  uint8
	Body []byte
}

// MaxDecoded is the longest frame before COBS, type, sequence and CRC included;
// up to there COBS adds exactly one byte.
const MaxDecoded = 250

// MaxBody is the longest body.
const MaxBody = MaxDecoded - 4

// Errors of frames.
var (
	ErrCOBS   = errors.New("not a COBS block")
	ErrCRC    = errors.New("CRC does not fit")
	ErrLength = errors.New("frame of impossible length")
)

// CRC is CRC-16/CCITT-FALSE: polynomial 1021, initial FFFF, no reflection, no
// final XOR; "123456789" gives 29B1.
func CRC(b []byte) uint16 {
	c := uint16(0xFFFF)
	for _, x := range b {
		c = c<<8 ^ crcTable[byte(c>>8)^x]
	}
	return c
}

var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// AppendCOBS appends src encoded, with the zero byte that ends it.
func AppendCOBS(dst, src []byte) []byte {
	code := len(dst)
	dst = append(dst, 0)
	n := byte(1)
	for _, x := range src {
		if x != 0 {
			dst = append(dst, x)
			n++
			if n < 0xFF {
				continue
			}
		}
		dst[code] = n
		code, n = len(dst), 1
		dst = append(dst, 0)
	}
	dst[code] = n
	return append(dst, 0)
}

// DecodeCOBS appends the decoded form of src, which has no zero byte in it.
func DecodeCOBS(dst, src []byte) ([]byte, error) {
	start := len(dst)
	for i := 0; i < len(src); {
		n := int(src[i])
		if n == 0 || i+n > len(src) {
			return dst[:start], ErrCOBS
		}
		for _, x := range src[i+1 : i+n] {
			if x == 0 {
				return dst[:start], ErrCOBS
			}
			dst = append(dst, x)
		}
		i += n
		if n < 0xFF && i < len(src) {
			dst = append(dst, 0)
		}
	}
	return dst, nil
}

// AppendFrame appends a frame as it goes over the wire. The body must not be
// longer than MaxBody.
func AppendFrame(dst []byte, typ, seq uint8, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return dst, fmt.Errorf("frame %02X with %d bytes: %w", typ, len(body), ErrLength)
	}
	var raw [MaxDecoded]byte
	b := append(append(raw[:0], typ, seq), body...)
	c := CRC(b)
	return AppendCOBS(dst, append(b, byte(c), byte(c>>8))), nil
}

// ParseFrame decodes one frame without its closing zero byte into scratch.
func ParseFrame(scratch, wire []byte) (Frame, error) {
	if len(wire) > MaxDecoded+1 {
		return Frame{}, ErrLength
	}
	b, err := DecodeCOBS(scratch[:0], wire)
	if err != nil {
		return Frame{}, err
	}
	if len(b) < 4 || len(b) > MaxDecoded {
		return Frame{}, ErrLength
	}
	n := len(b) - 2
	if CRC(b[:n]) != uint16(b[n])|uint16(b[n+1])<<8 {
		return Frame{}, ErrCRC
	}
	return Frame{Type: b[0], Seq: b[1], Body: b[2:n]}, nil
}

// Splitter cuts a byte stream into frames. The zero value is ready.
type Splitter struct {
	Bad     uint64 // frames with a bad CRC, bad COBS or impossible length
	buf     []byte // bytes of the frame being received
	skip    bool   // too long: wait for its end
	scratch [MaxDecoded + 2]byte
}

// Next takes bytes and returns the first frame they complete, with how many
// bytes it used; ok is false when all were used and no frame is complete.
// Damaged and empty frames are skipped and counted.
func (s *Splitter) Next(p []byte) (f Frame, used int, ok bool) {
	for i, x := range p {
		if x != 0 {
			if len(s.buf) > MaxDecoded {
				s.skip = true
				continue
			}
			s.buf = append(s.buf, x)
			continue
		}
		wire, skip := s.buf, s.skip
		s.buf, s.skip = s.buf[:0], false
		if len(wire) == 0 {
			continue
		}
		if skip {
			s.Bad++
			continue
		}
		f, err := ParseFrame(s.scratch[:0], wire)
		if err != nil {
			s.Bad++
			continue
		}
		return f, i + 1, true
	}
	return Frame{}, len(p), false
}
