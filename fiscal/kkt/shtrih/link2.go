package shtrih

import (
	"encoding/binary"
	"fmt"
)

// Bytes of link layer V2: a bare Start always begins a frame, inside it Start
// and Escape are stuffed.
const (
	Start  = 0x8f
	Escape = 0x9f
)

// maxData2 bounds an answer of V2 far above what any command gives.
const maxData2 = 4096

// CRC16 is CRC-16/CCITT-FALSE (1021h, start FFFFh, no reflection), sent low
// byte first.
func CRC16(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// AppendFrame2 writes a V2 frame: 8F, then LEN16 NUM16 DATA CRC16 stuffed.
// Empty data with withNum false gives the empty frame that asks for the last
// reply.
func AppendFrame2(dst []byte, num uint16, data []byte, withNum bool) []byte {
	raw := make([]byte, 2, len(data)+8)
	if withNum {
		binary.LittleEndian.PutUint16(raw, uint16(len(data)+2))
		raw = binary.LittleEndian.AppendUint16(raw, num)
		raw = append(raw, data...)
	}
	raw = binary.LittleEndian.AppendUint16(raw, CRC16(raw))
	dst = append(dst, Start)
	for _, c := range raw {
		switch c {
		case Start:
			dst = append(dst, Escape, 0x81)
		case Escape:
			dst = append(dst, Escape, 0x83)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// Frame2 is a parsed V2 frame. Numbered is false for the empty frame.
type Frame2 struct {
	Num      uint16
	Numbered bool
	Data     []byte
}

// ParseFrame2 reads one V2 frame at the start of b; n is the number of raw
// bytes read, also of a damaged frame. ErrShort when more bytes are needed.
func ParseFrame2(b []byte) (f Frame2, n int, err error) {
	if len(b) == 0 {
		return f, 0, ErrShort
	}
	if b[0] != Start {
		return f, 0, fmt.Errorf("%w: starts with %02X", ErrFrame, b[0])
	}
	raw := make([]byte, 0, min(len(b), maxData2))
	need := 4
	for n = 1; n < len(b); {
		c := b[n]
		switch c {
		case Start:
			return f, n, fmt.Errorf("%w: another frame begins inside", ErrFrame)
		case Escape:
			if n+1 == len(b) {
				return f, 0, ErrShort
			}
			n++
			switch b[n] {
			case 0x81:
				c = Start
			case 0x83:
				c = Escape
			default:
				return f, n, fmt.Errorf("%w: 9F followed by %02X", ErrFrame, b[n])
			}
		}
		n++
		raw = append(raw, c)
		if len(raw) == 2 {
			size := int(binary.LittleEndian.Uint16(raw))
			if size == 1 || size > maxData2 {
				return f, n, fmt.Errorf("%w: length %d", ErrFrame, size)
			}
			need = size + 4
		}
		if len(raw) == need {
			return finishFrame2(raw, n)
		}
	}
	return f, 0, ErrShort
}

func finishFrame2(raw []byte, n int) (Frame2, int, error) {
	body := raw[:len(raw)-2]
	if got, want := binary.LittleEndian.Uint16(raw[len(raw)-2:]), CRC16(body); got != want {
		return Frame2{}, n, fmt.Errorf("%w: CRC %04X, computed %04X", ErrFrame, got, want)
	}
	if len(body) == 2 {
		return Frame2{}, n, nil
	}
	return Frame2{Num: binary.LittleEndian.Uint16(body[2:]), Numbered: true, Data: body[4:]}, n, nil
}
