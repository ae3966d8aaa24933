// Package trace is the text form of bus traces: one statement a line, to be
// read and written by people, replayed by the bench and saved by the agent's
// flight recorder.
//
//	trace 1                                  # version of the form; needed, first
//	bus mdb                                  # mdb or exe; mdb where it is missing
//	fidelity mode-bits checksums times both-lines   # what the source heard; all, if missing
//	clock 2026-07-01T12:00:00Z @12.5         # the wall clock at a time of the trace
//	state BASE64                             # recovery's checkpoint before the first word
//	assume idle                              # what is known without having been heard
//	assume money scale 1 decimals 2 currency 1643
//	assume reader1 level 2 scale 1 decimals 2 currency 1643 options 08 wide
//	assume changer scale 100 decimals 2 credits 1 2 5 10
//	assume exe price_display                 # EXE: or price_holding
//	assume line 12 45.00                     # EXE: price of a line
//	assume payment cash                      # EXE: cash, cashless or by_hint
//
//	@12.500000 VMC 113 000 011 094 000 00C 0C4   # 9-bit words, three hex digits each
//	DEV 05 11 94                             # a block: mode bits and checksum are filled in
//	VMC ACK                                  # ACK, NAK, RET
//	VMC 110 +1300 010/f                      # 1300 µs after the start of the word before; flags
//	VMC break 110ms                          # the master line held active: bus reset
//	MASTER 31                                # EXE: bytes get their parity; three digits are words
//	SLAVE 00
//	wait 200ms                               # silence
//	lost module restarted                    # words are missing here
//	expect sale A reader1 item 12 45.00 RUB  # the next event up to here
//	expect nothing                           # no more events up to here
//
// Times are seconds with up to six digits, of the source's clock. A line
// without one follows the line before as on a usual bus: a poll every 100 ms,
// answers after 0.3 ms, words of a block 1146 µs apart. Flags of a word:
// f framing error, b and e begin and end of a break, g words of this line lost
// before it, o sent by the module itself, s made up (time, mode bit or checksum
// was not heard), h heard although the file says that such things are not. "#"
// begins a comment.
package trace

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
)

// Version of the form.
const Version = 1

// Fidelity is what the source of a trace heard (package module has the same).
type Fidelity struct {
	ModeBits, Checksums, Times, BothLines bool
}

// Full is the fidelity of a trace that says nothing of it.
var Full = Fidelity{true, true, true, true}

// Kind of a statement.
type Kind uint8

// Kinds of statements. Those before Said make up the header: they stand before
// the first of the others.
const (
	Blank Kind = iota
	Head
	Bus
	Hears
	Clock
	State
	Assume
	Said   // words of a line
	Silent // wait
	Lost
	Expected
)

// Form in which words were written.
type Form uint8

// Forms.
const (
	Exact Form = iota // nine bits each
	Short             // the block's bytes alone
	Reply             // ACK, NAK, RET
	Held              // a break
)

// Word as written. After is µs from the start of the word before, 0 the usual.
type Word struct {
	V     uint16
	After uint32
	Flags mdb.Flags
	Heard bool // not Synthetic whatever the fidelity says
}

// Item is a statement. Which fields count, its Kind tells.
type Item struct {
	Kind    Kind
	Timed   bool
	T       int64 // µs, when Timed
	Line    mdb.Line
	Form    Form
	Words   []Word // Said: of Short the low eight bits count; none for Held
	Span    int64  // Silent, Held: µs
	Text    string // Bus: its name; Clock: RFC 3339; Lost: why
	Hears   Fidelity
	State   []byte
	Assume  *Assumption
	Expect  *Expectation
	Comment string // after "#", as it stands; "" none
}

// Statement reports whether the item says anything beside its comment.
func (it *Item) Statement() bool { return it.Kind != Blank }

// Header is what the statements before the first words say.
type Header struct {
	Bus      string
	Fidelity Fidelity
	Clock    string // RFC 3339; "" none
	ClockT   int64  // the trace's time then, µs
	State    []byte
	Assume   []Assumption
}

// Assumption is one "assume".
type Assumption struct {
	What    string // idle, money, reader1, reader2, changer, validator, gateway, hopper1, hopper2, exe, line, payment
	Setup   Setup  // money and devices
	Text    string // exe: the mode; payment: the kind
	Line    uint8  // line
	Kopecks int64  // line: price in hundredths
}

// Setup is what a device would say of itself. Zero values are not written.
type Setup struct {
	Level    uint8
	Scale    uint32
	Decimals uint8
	Currency uint16 // as on the bus
	Options  uint8
	Wide     bool // expanded currency mode
	Credits  []uint8
}

// File is a whole trace; Items[i] stood on line i+1.
type File struct {
	Header Header
	Items  []Item
}

// Error says where a trace is wrong.
type Error struct {
	Line, Column int // from 1; columns count characters
	Err          error
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Column, e.Err) }

func (e *Error) Unwrap() error { return e.Err }
