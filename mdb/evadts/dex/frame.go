package dex

import (
	"github.com/chekomat/chekomat/mdb/evadts"
)

// Bytes of the line (evadts 4.1).
const (
	soh byte = 0x01
	stx byte = 0x02
	etx byte = 0x03
	eot byte = 0x04
	enq byte = 0x05
	dle byte = 0x10
	nak byte = 0x15
	syn byte = 0x16
	etb byte = 0x17
)

// MaxBlock is the longest block, counted from behind DLE STX up to and with
// DLE ETB or ETX (evadts 4.2).
const MaxBlock = 245

// AppendFrame appends DLE, start (01 handshake, 02 data), payload, DLE, end
// (17h more follow, 03 last) and the CRC of payload and end, low byte first.
func AppendFrame(dst []byte, start byte, payload []byte, last bool) []byte {
	end := etb
	if last {
		end = etx
	}
	dst = append(dst, dle, start)
	dst = append(dst, payload...)
	dst = append(dst, dle, end)
	crc := evadts.CRC16(evadts.CRC16(0, payload), []byte{end})
	return append(dst, byte(crc), byte(crc>>8))
}

// Blocks cuts a report into frames of at most size bytes; 0 is MaxBlock.
func Blocks(report []byte, size int) (frames [][]byte) {
	if size < 3 || size > MaxBlock {
		size = MaxBlock
	}
	size -= 2 // DLE ETB
	for len(report) > size {
		frames = append(frames, AppendFrame(nil, stx, report[:size], false))
		report = report[size:]
	}
	return append(frames, AppendFrame(nil, stx, report, true))
}

// symbol is what the scanner understood.
type symbol uint8

const (
	nothing symbol = iota
	symENQ
	symEOT
	symNAK
	symACK0
	symACK1
	symWACK
	symFrame  // good CRC
	symBroken // a frame that is none: CRC, length, or its beginning was lost
	symNoise
)

type scanState uint8

const (
	scanIdle scanState = iota
	scanDLE
	scanPayload
	scanPayloadDLE
	scanCRCLow
	scanCRCHigh
	scanOrphanLow // the CRC of a frame whose beginning was lost
	scanOrphanHigh
)

// scanner cuts the line into symbols, a byte at a time.
type scanner struct {
	state   scanState
	start   byte
	end     byte
	faulty  bool
	payload []byte
	crc     uint16
	limit   int
}

func (s *scanner) reset() { s.state, s.faulty, s.payload = scanIdle, false, s.payload[:0] }

// open reports whether a frame or a DLE waits for its rest.
func (s *scanner) open() bool { return s.state != scanIdle }

func (s *scanner) push(b byte) symbol {
	switch s.state {
	case scanIdle:
		return s.idle(b)
	case scanDLE:
		return s.escaped(b)
	case scanPayload:
		if b == dle {
			s.state = scanPayloadDLE
			return nothing
		}
		if len(s.payload) >= s.limit {
			s.faulty = true
			return nothing
		}
		s.payload = append(s.payload, b)
		return nothing
	case scanPayloadDLE:
		s.inside(b)
		return nothing
	case scanCRCLow, scanOrphanLow:
		s.crc = uint16(b)
		s.state++
		return nothing
	case scanOrphanHigh:
		s.reset()
		return symBroken
	case scanCRCHigh:
		s.state = scanIdle
		s.crc |= uint16(b) << 8
		if s.faulty || evadts.CRC16(evadts.CRC16(0, s.payload), []byte{s.end}) != s.crc {
			return symBroken
		}
		return symFrame
	}
	return nothing
}

func (s *scanner) idle(b byte) symbol {
	switch b {
	case enq:
		return symENQ
	case eot:
		return symEOT
	case nak:
		return symNAK
	case dle:
		s.state = scanDLE
		return nothing
	case syn, 0:
		return nothing
	}
	return symNoise
}

func (s *scanner) escaped(b byte) symbol {
	s.state = scanIdle
	switch b {
	case '0':
		return symACK0
	case '1':
		return symACK1
	case ';':
		return symWACK
	case eot:
		return symEOT
	case soh, stx:
		s.state, s.start, s.faulty, s.payload = scanPayload, b, false, s.payload[:0]
		return nothing
	case etb, etx:
		s.state = scanOrphanLow
		return nothing
	case dle:
		s.state = scanDLE
		return nothing
	case syn:
		return nothing
	}
	return symNoise
}

// inside takes the byte after a DLE within a frame: its end, a pause filler
// (evadts 4.3, timer B), or the beginning of another frame.
func (s *scanner) inside(b byte) {
	s.state = scanPayload
	switch b {
	case etb, etx:
		s.end, s.state = b, scanCRCLow
	case syn:
	case soh, stx:
		s.start, s.faulty, s.payload = b, false, s.payload[:0]
	default:
		s.faulty = true // a DLE in the payload is not expected: text has none
	}
}
