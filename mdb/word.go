// Package mdb is the codec of MDB/ICP, the payment bus of vending machines:
// 9-bit words, blocks with checksums, and the messages of the devices sales
// are made of. Sections in comments ("mdb 7.4.5") are those of the MDB/ICP
// v4.2 document.
package mdb

// Line says which wire a word was heard on. The two MDB lines are separate
// current loops (mdb 4); EXE has two more.
type Line uint8

// The lines of a module; the numbers are those of the link protocol's word entry.
const (
	Master    Line = 0 // driven by the VMC
	Slave     Line = 1 // driven by the peripherals
	EXEMaster Line = 2 // EXE: the payment device
	EXESlave  Line = 3 // EXE: the VMC
)

// Flags qualify a word.
type Flags uint8

// Flags of a word.
const (
	FramingError Flags = 1 << iota // stop bit read as 0, data not all zero
	BreakStart                     // falling edge of a break, V is 0
	BreakEnd                       // rising edge of a break, V is 0
	Gap                            // at least one word of this line was lost just before this one
	Own                            // transmitted by the module that reports it
	Synthetic                      // made from a block: mode bit, checksum or time were not heard
)

// Mode is the ninth bit of a word.
const Mode uint16 = 0x100

// Word is one 9-bit word of the bus.
type Word struct {
	T     int64  // leading edge of the start bit, µs on the source's own monotonic clock
	V     uint16 // 9 bits; bit 8 is the mode bit
	Line  Line
	Flags Flags
}
