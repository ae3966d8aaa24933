package shtrih

import (
	"errors"
	"fmt"
)

// Control bytes of link layer V1.
const (
	STX = 0x02
	ENQ = 0x05
	ACK = 0x06
	NAK = 0x15
)

// ErrFrame is wrapped by every error of the frame parsers.
var ErrFrame = errors.New("bad frame")

// ErrShort says that the frame is not complete yet.
var ErrShort = errors.New("frame is not complete")

// LRC is the XOR of all bytes of b (LEN and DATA of a V1 frame).
func LRC(b []byte) byte {
	var x byte
	for _, c := range b {
		x ^= c
	}
	return x
}

// AppendFrame writes a V1 frame: 02 LEN DATA LRC. It panics when data is empty
// or longer than 255 bytes: no command of the protocol is.
func AppendFrame(dst, data []byte) []byte {
	if len(data) == 0 || len(data) > 255 {
		panic(fmt.Sprintf("shtrih: frame of %d bytes", len(data)))
	}
	dst = append(dst, STX, byte(len(data)))
	dst = append(dst, data...)
	return append(dst, byte(len(data))^LRC(data))
}

// ParseFrame reads one V1 frame at the start of b. data aliases b; n is the
// number of bytes read. ErrShort when more bytes are needed.
func ParseFrame(b []byte) (data []byte, n int, err error) {
	if len(b) == 0 {
		return nil, 0, ErrShort
	}
	if b[0] != STX {
		return nil, 0, fmt.Errorf("%w: starts with %02X", ErrFrame, b[0])
	}
	if len(b) < 2 {
		return nil, 0, ErrShort
	}
	if b[1] == 0 {
		return nil, 0, fmt.Errorf("%w: length 0", ErrFrame)
	}
	n = 3 + int(b[1])
	if len(b) < n {
		return nil, 0, ErrShort
	}
	if LRC(b[1:n]) != 0 {
		return nil, n, fmt.Errorf("%w: LRC %02X, computed %02X", ErrFrame, b[n-1], LRC(b[1:n-1]))
	}
	return b[2 : n-1 : n-1], n, nil
}
