package mdb

// MaxBlock is the longest block of either line, address and CHK included (mdb 2.2).
const MaxBlock = 36

// Kind says what a framed stretch of words is.
type Kind uint8

// Kinds of blocks.
const (
	Command Kind = iota + 1 // of the VMC, checksum good; Data starts with the address byte
	Answer                  // data of a peripheral, checksum good
	ACK                     // by either side, see Line
	NAK
	RET     // VMC only: send the last answer again
	Break   // master line active for at least 100 ms: bus reset
	Invalid // see Fault
)

// Fault says why a block is Invalid.
type Fault uint8

// Faults of blocks.
const (
	NoFault     Fault = iota
	BadChecksum       // as long as it should be, the last byte is not the sum
	Cut               // ended by the next address byte, silence or a break before it was complete
	Overlong          // 36 words without an end
	BadStop           // a word of it had a framing error
	WordsLost         // the module said that words of it are missing
	Stray             // words that belong to no block
)

// String names the fault in snake_case.
func (f Fault) String() string {
	return [...]string{"none", "bad_checksum", "cut", "overlong", "framing_error", "words_lost", "stray"}[min(f, Stray)]
}

// Marks qualify a block.
type Marks uint8

// Marks of a block.
const (
	Sparse    Marks = 1 << iota // uneven word spacing: a word may be missing though the checksum fits
	Late                        // an answer that began more than 20 ms after its command
	Made                        // holds synthetic words
	Mine                        // sent by the module that heard it
	Unordered                   // an answer that cannot be paired with a command
)

// Block is what one side said at once.
type Block struct {
	T     int64 // start bit of the first word, µs
	End   int64 // start bit of the last word, µs
	Kind  Kind
	Line  Line
	Fault Fault
	Marks Marks
	To    byte // answers: the command byte answered, 0 when none can be told
	Sub   byte // answers: the byte after it (sub-command), 0 where there is none
	N     uint8
	Data  [MaxBlock]byte
}

// Bytes gives the block with its checksum.
func (b *Block) Bytes() []byte { return b.Data[:b.N] }

// Payload gives the block without its checksum: for a command from the address
// byte on, for an answer the data. A single-word block has none.
func (b *Block) Payload() []byte {
	if b.N < 2 {
		return nil
	}
	return b.Data[:b.N-1]
}

// Device gives the device the block is addressed to or comes from; ok is false
// for stray and unpaired ones and for words of the VMC to nobody in particular.
func (b *Block) Device() (d Device, ok bool) {
	switch b.Kind {
	case Command:
		return DeviceOf(b.Data[0]), true
	case Answer, ACK, NAK:
		return DeviceOf(b.To), b.To != 0
	}
	return 0, false
}

// Checksum sums bytes modulo 256 (mdb 2.2).
func Checksum(b []byte) byte {
	var s byte
	for _, x := range b {
		s += x
	}
	return s
}

// Seal appends the checksum of block, which must hold the block alone.
func Seal(block []byte) []byte { return append(block, Checksum(block)) }

// replyKind tells ACK, NAK and RET. Counting set bits as mdb 2.2 proposes would
// take damaged words for replies; a tap has no reason to guess.
func replyKind(v byte) Kind {
	switch v {
	case 0x00:
		return ACK
	case 0xFF:
		return NAK
	case 0xAA:
		return RET
	}
	return 0
}

// modeOf sets the mode bit as the line demands: the VMC marks the first word
// of a block, a peripheral the last one (mdb 2.1).
func modeOf(line Line, i, n int) uint16 {
	if line == Master && i == 0 && n > 1 || line == Slave && i == n-1 {
		return Mode
	}
	return 0
}

// WordTime is how long one word of 11 bits lasts at 9600 baud, µs (mdb 2.1).
const WordTime = 1146

// AppendWords appends the words of a whole block (checksum included, or a
// single ACK, NAK or RET byte) with start times from t on, WordTime apart, and
// returns the time after the last one.
func AppendWords(dst []Word, line Line, t int64, block []byte, flags Flags) ([]Word, int64) {
	for i, v := range block {
		dst = append(dst, Word{T: t, V: uint16(v) | modeOf(line, i, len(block)), Line: line, Flags: flags})
		t += WordTime
	}
	return dst, t
}
