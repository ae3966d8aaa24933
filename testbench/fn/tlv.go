package fn

import (
	"encoding/binary"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// The encoders below are written from ffd.md §2 without looking at fiscal/ffd,
// so that one mistake in a codec cannot hide itself on both sides of the bench.

// AppendTLV writes tag, length and value.
func AppendTLV(dst []byte, tag uint16, value []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, tag)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...)
}

// AppendString writes a CP866 text; signs CP866 lacks become '?'.
func AppendString(dst []byte, tag uint16, s string) []byte {
	return AppendTLV(dst, tag, CP866(s))
}

// AppendFixed writes a text padded with spaces to n bytes.
func AppendFixed(dst []byte, tag uint16, s string, n int) []byte {
	b := CP866(s)
	for len(b) < n {
		b = append(b, ' ')
	}
	return AppendTLV(dst, tag, b[:n])
}

// AppendByte writes a one-byte value.
func AppendByte(dst []byte, tag uint16, v byte) []byte { return AppendTLV(dst, tag, []byte{v}) }

// AppendU16 writes a two-byte little-endian value.
func AppendU16(dst []byte, tag uint16, v uint16) []byte {
	return AppendTLV(dst, tag, binary.LittleEndian.AppendUint16(nil, v))
}

// AppendU32 writes a four-byte little-endian value.
func AppendU32(dst []byte, tag uint16, v uint32) []byte {
	return AppendTLV(dst, tag, binary.LittleEndian.AppendUint32(nil, v))
}

// AppendVLN writes an unsigned number without its leading zero bytes; zero is
// one byte.
func AppendVLN(dst []byte, tag uint16, v uint64) []byte { return AppendTLV(dst, tag, vln(v)) }

// AppendFVLN writes a number with its count of decimal places before it.
func AppendFVLN(dst []byte, tag uint16, decimals byte, mantissa uint64) []byte {
	return AppendTLV(dst, tag, append([]byte{decimals}, vln(mantissa)...))
}

// AppendUnix writes the digits of a wall clock as if they were UTC.
func AppendUnix(dst []byte, tag uint16, wall time.Time) []byte {
	return AppendU32(dst, tag, uint32(wall.Unix()))
}

func vln(v uint64) []byte {
	b := []byte{byte(v)}
	for v >>= 8; v > 0; v >>= 8 {
		b = append(b, byte(v))
	}
	return b
}

func number(b []byte) (v uint64) {
	for i := min(len(b), 8) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// CP866 encodes a text as TLV strings are; signs it lacks become '?'.
func CP866(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := charmap.CodePage866.EncodeRune(r)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}

func fromCP866(b []byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = charmap.CodePage866.DecodeByte(c)
	}
	return string(out)
}

// Elements calls yield for each element of a chain. It returns false when the
// chain is damaged; nothing is allocated by a declared length.
func Elements(b []byte, yield func(tag uint16, value []byte) bool) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		n := int(binary.LittleEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return false
		}
		if !yield(binary.LittleEndian.Uint16(b), b[4:4+n]) {
			return true
		}
		b = b[4+n:]
	}
	return true
}
