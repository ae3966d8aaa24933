package ddcmp

import (
	"github.com/chekomat/chekomat/mdb/evadts"
)

// Kinds of frame (evadts 5.1).
type kind uint8

const (
	none kind = iota
	start
	stack
	ack
	nack
	data
	badHeader // header CRC, or cut short
	badData   // data CRC, or cut short
	tooLong   // a length no message has
)

const (
	control byte = 0x05
	message byte = 0x81

	typeACK   byte = 1
	typeNACK  byte = 2
	typeSTART byte = 6
	typeSTACK byte = 7

	flag byte = 0x40 // bit 6, set in every frame; E's are without it
	last byte = 0x80 // bit 7 of a data header: the last block

	headerLength = 8
)

// Reasons of a NACK, added to 40h.
const (
	nackHeader  byte = 1
	nackData    byte = 2
	nackTooLong byte = 16
	nackFormat  byte = 17
)

// frame is one frame as understood. The meaning of a and b is that of bytes 3
// and 4 of the header: for START and STACK the speeds of slave and master, for
// data the number received last and its own.
type frame struct {
	kind    kind
	reason  byte // of a NACK
	a, b    byte
	station byte
	last    bool
	data    []byte // valid until the next push
}

// AppendControl appends START, STACK, ACK or NACK.
func AppendControl(dst []byte, typ, third, a, b, station byte) []byte {
	at := len(dst)
	dst = append(dst, control, typ, third, a, b, station)
	return evadts.AppendCRC16(dst, dst[at:])
}

// AppendData appends a data header and its data, each with its CRC. received
// is the number of the last message received well, number this one's.
func AppendData(dst []byte, received, number, station byte, final bool, text []byte) []byte {
	mm := flag | byte(len(text)>>8)&0x3F
	if final {
		mm |= last
	}
	at := len(dst)
	dst = append(dst, message, byte(len(text)), mm, received, number, station)
	dst = evadts.AppendCRC16(dst, dst[at:])
	dst = append(dst, text...)
	return evadts.AppendCRC16(dst, text)
}

// scanner cuts the line into frames, a byte at a time. After a damaged header
// nobody knows how long the frame is: it is deaf until the line is silent.
type scanner struct {
	buf    []byte
	want   int  // bytes of the frame in buf, 0 while the header is short
	deaf   bool // until silence
	reason kind // what made it deaf
	limit  int  // longest data
}

func (s *scanner) reset() { s.buf, s.want, s.deaf = s.buf[:0], 0, false }

// open reports whether the line owes the rest of a frame.
func (s *scanner) open() bool { return s.deaf || len(s.buf) > 0 }

// silence ends what was begun and says how.
func (s *scanner) silence() kind {
	k := none
	switch {
	case s.deaf:
		k = s.reason
	case len(s.buf) > 0 && len(s.buf) < headerLength:
		k = badHeader
	case len(s.buf) > 0:
		k = badData
	}
	s.reset()
	return k
}

func (s *scanner) push(b byte) frame {
	if s.deaf {
		return frame{}
	}
	if len(s.buf) == 0 && b != control && b != message {
		return frame{} // noise between frames
	}
	s.buf = append(s.buf, b)
	switch len(s.buf) {
	case headerLength:
		return s.header()
	case s.want:
		return s.whole()
	}
	return frame{}
}

func holds(b []byte) bool {
	n := len(b) - 2
	crc := evadts.CRC16(0, b[:n])
	return b[n] == byte(crc) && b[n+1] == byte(crc>>8)
}

func (s *scanner) header() frame {
	h := s.buf
	if !holds(h) {
		s.deaf, s.reason = true, badHeader
		return frame{}
	}
	if h[0] == message {
		n := int(h[1]) | int(h[2]&0x3F)<<8
		if n > s.limit {
			s.deaf, s.reason = true, tooLong
			return frame{}
		}
		s.want = headerLength + n + 2
		return frame{}
	}
	f := frame{a: h[3], b: h[4], station: h[5]}
	switch h[1] {
	case typeSTART:
		f.kind = start
	case typeSTACK:
		f.kind = stack
	case typeACK:
		f.kind = ack
	case typeNACK:
		f.kind, f.reason = nack, h[2]&0x3F
	}
	s.reset()
	return f
}

func (s *scanner) whole() frame {
	h := s.buf
	if !holds(h[headerLength:]) {
		s.reset()
		return frame{kind: badData}
	}
	f := frame{kind: data, a: h[3], b: h[4], station: h[5], last: h[2]&last != 0, data: h[headerLength : len(h)-2]}
	s.reset() // the bytes stay until the next push
	return f
}
