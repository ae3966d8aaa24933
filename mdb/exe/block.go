package exe

import (
	"errors"
	"fmt"
)

// Display is what a data block tells the VMC to show (exe 5): a credit, a price
// or what remains; the block does not say which.
// Value = Units × Scale / 10^Decimals.
type Display struct {
	Units       uint16
	Scale       uint8 // 1..255
	Decimals    uint8 // 0..3
	ExactChange bool  // no change available: exact change only
}

// BlockLen is the length of a block with ACCEPT DATA and DATA SYNC;
// blockData that of its data alone.
const (
	BlockLen  = 10
	blockData = 8
)

// What may be wrong with a block.
var (
	ErrLength   = errors.New("bad_block_length") // not eight data nibbles
	ErrByte     = errors.New("bad_block_byte")   // not a data nibble, or no ACCEPT DATA or DATA SYNC where one belongs
	ErrDecimal  = errors.New("bad_decimal")      // decimal point not one-hot
	ErrScale    = errors.New("bad_scale")        // scaling factor 0
	ErrSubMinor = errors.New("sub_minor")        // the value is no whole number of hundredths
)

// BlockError is what is wrong with a block and where.
type BlockError struct {
	Err    error
	Offset int // of the offending byte, from ACCEPT DATA
}

func (e *BlockError) Error() string { return fmt.Sprintf("data block, byte %d: %v", e.Offset, e.Err) }
func (e *BlockError) Unwrap() error { return e.Err }

// AppendBlock appends the ten bytes of a block. A scale of 0 and decimals above
// 3 cannot be said: they give bytes ParseBlock refuses.
func AppendBlock(dst []byte, d Display) []byte {
	dst = append(dst, AcceptData.Byte())
	for _, n := range d.nibbles() {
		dst = append(dst, Data(n))
	}
	return append(dst, DataSync.Byte())
}

func (d Display) nibbles() [blockData]uint8 {
	n := [blockData]uint8{
		uint8(d.Units), uint8(d.Units >> 4), uint8(d.Units >> 8), uint8(d.Units >> 12),
		d.Scale, d.Scale >> 4, uint8(1) << min(d.Decimals, 4),
	}
	if d.ExactChange {
		n[7] = 1
	}
	for i := range n {
		n[i] &= 0xF
	}
	return n
}

// ParseBlock reads the block b begins with, up to DATA SYNC, and says how many
// bytes it took.
func ParseBlock(b []byte) (d Display, n int, err error) {
	if len(b) == 0 || b[0] != AcceptData.Byte() {
		return d, 0, &BlockError{ErrByte, 0}
	}
	var c collector
	c.open()
	for i, x := range b[1:] {
		switch {
		case x == DataSync.Byte():
			d, err = c.close()
			return d, i + 2, err
		case DeviceOf(x) != VMC || x&commandFlag != 0:
			return d, i + 1, &BlockError{ErrByte, i + 1}
		}
		c.add(Nibble(x))
	}
	return d, len(b), &BlockError{ErrLength, len(b)}
}

// Minor gives the value in hundredths (kopecks), or ErrSubMinor.
func (d Display) Minor() (int64, error) {
	if v, ok := Value(int64(d.Units), d.Scale, d.Decimals); ok {
		return v, nil
	}
	return 0, ErrSubMinor
}

// Value of units in hundredths (kopecks); ok is false when it is not whole or
// decimals are none the bus knows.
func Value(units int64, scale, decimals uint8) (minor int64, ok bool) {
	v := units * int64(scale)
	switch decimals {
	case 0:
		return v * 100, true
	case 1:
		return v * 10, true
	case 2:
		return v, true
	case 3:
		return v / 10, v%10 == 0
	}
	return 0, false
}

// collector gathers the nibbles of a block.
type collector struct {
	is      bool // a block is open
	n       uint8
	nibbles [blockData]uint8
}

func (c *collector) open() { c.is, c.n = true, 0 }
func (c *collector) drop() { c.is = false }

func (c *collector) add(nibble uint8) {
	if c.n < blockData {
		c.nibbles[c.n] = nibble
	}
	// More than eight only need to be known as too many.
	c.n = min(c.n+1, blockData+1)
}

var decimalsOf = [16]uint8{1: 0, 2: 1, 4: 2, 8: 3}

func (c *collector) close() (d Display, err error) {
	c.is = false
	if c.n != blockData {
		return d, &BlockError{ErrLength, int(c.n) + 1}
	}
	v := &c.nibbles
	d.Units = uint16(v[0]) | uint16(v[1])<<4 | uint16(v[2])<<8 | uint16(v[3])<<12
	d.Scale = v[4] | v[5]<<4
	switch v[6] {
	case 1, 2, 4, 8:
		d.Decimals = decimalsOf[v[6]]
	default:
		return Display{}, &BlockError{ErrDecimal, 7}
	}
	d.ExactChange = v[7]&1 != 0
	if d.Scale == 0 {
		return Display{}, &BlockError{ErrScale, 5}
	}
	return d, nil
}
