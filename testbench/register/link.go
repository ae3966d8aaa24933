package register

import "encoding/binary"

// Control bytes of the link V1 (kkt-shtrih.md §3).
const (
	enq  = 0x05
	stx  = 0x02
	ack  = 0x06
	nak  = 0x15
	stx2 = 0x8F // starts a V2 frame (§4)
	esc2 = 0x9F
)

// event is what one received byte completed.
type event byte

const (
	evNone event = iota
	evENQ
	evACK
	evNAK
	evFrame // receiver.data holds the command
	evBad   // a frame arrived damaged
)

// receiverV1 takes the host's bytes one by one. Noise before STX is skipped, a
// frame of length 0 is ignored.
type receiverV1 struct {
	state byte // 0 idle, 1 length, 2 data, 3 LRC
	want  int
	lrc   byte
	data  []byte
}

func (r *receiverV1) push(b byte) event {
	switch r.state {
	case 0:
		switch b {
		case enq:
			return evENQ
		case ack:
			return evACK
		case nak:
			return evNAK
		case stx:
			r.state = 1
		}
	case 1:
		if b == 0 {
			r.state = 0
			return evNone
		}
		r.state, r.want, r.lrc, r.data = 2, int(b), b, r.data[:0]
	case 2:
		r.data, r.lrc = append(r.data, b), r.lrc^b
		if len(r.data) == r.want {
			r.state = 3
		}
	default:
		r.state = 0
		if b != r.lrc {
			return evBad
		}
		return evFrame
	}
	return evNone
}

// midFrame says that bytes of a frame are still missing: only then silence
// resets the receiver.
func (r *receiverV1) midFrame() bool { return r.state != 0 }

func (r *receiverV1) reset() { r.state = 0 }

// appendFrameV1 writes an answer frame; answers longer than 255 bytes do not
// exist on this link.
func appendFrameV1(dst, data []byte) []byte {
	lrc := byte(len(data))
	dst = append(dst, stx, lrc)
	for _, b := range data {
		lrc ^= b
	}
	return append(append(dst, data...), lrc)
}

// receiverV2 takes the host's bytes of the alternative link: 8Fh starts a frame
// wherever it stands, 9F 81 and 9F 83 are the stuffed 8F and 9F.
type receiverV2 struct {
	inside, escaped bool
	raw             []byte // LEN16 NUM16 DATA CRC16, unstuffed
	num             uint16
	empty           bool // the frame asked for the last reply
	data            []byte
}

func (r *receiverV2) push(b byte) event {
	if b == stx2 {
		bad := r.inside
		r.inside, r.escaped, r.raw = true, false, r.raw[:0]
		if bad {
			return evBad
		}
		return evNone
	}
	if !r.inside {
		return evNone
	}
	if r.escaped {
		switch r.escaped = false; b {
		case 0x81:
			b = stx2
		case 0x83:
			b = esc2
		default:
			r.inside = false
			return evBad
		}
	} else if b == esc2 {
		r.escaped = true
		return evNone
	}
	r.raw = append(r.raw, b)
	if len(r.raw) < 4 {
		return evNone
	}
	size := int(binary.LittleEndian.Uint16(r.raw))
	if len(r.raw) < size+4 {
		return evNone
	}
	r.inside = false
	body := r.raw[:size+2]
	if size == 1 || crc16(body) != binary.LittleEndian.Uint16(r.raw[size+2:]) {
		return evBad
	}
	if r.empty = size == 0; !r.empty {
		r.num, r.data = binary.LittleEndian.Uint16(body[2:]), body[4:]
	}
	return evFrame
}

func (r *receiverV2) midFrame() bool { return r.inside }

func (r *receiverV2) reset() { r.inside, r.escaped = false, false }

// appendFrameV2 writes a stuffed reply.
func appendFrameV2(dst []byte, num uint16, data []byte) []byte {
	raw := binary.LittleEndian.AppendUint16(nil, uint16(len(data)+2))
	raw = binary.LittleEndian.AppendUint16(raw, num)
	raw = append(raw, data...)
	raw = binary.LittleEndian.AppendUint16(raw, crc16(raw))
	dst = append(dst, stx2)
	for _, b := range raw {
		switch b {
		case stx2:
			dst = append(dst, esc2, 0x81)
		case esc2:
			dst = append(dst, esc2, 0x83)
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// crc16 is CRC-16/CCITT-FALSE: 1021h, FFFFh at the start, not reflected.
func crc16(b []byte) uint16 {
	crc := uint16(0xFFFF)
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
