package exemachine

import (
	"math/bits"
	"math/rand/v2"

	"github.com/chekomat/chekomat/mdb"
)

// Times on the bus, µs (exe 3, 6.1).
const (
	byteTime = 1146 // 11 bits at 9600 baud
	pollTime = 100_000
)

// loops are both current loops of an Executive bus in virtual time.
type loops struct {
	t    int64 // now, µs
	rng  *rand.Rand
	emit func(mdb.Word)
	pace func(t int64) // called when time moves on; may sleep
}

// pass lets time go by in silence.
func (w *loops) pass(us int64) {
	w.t += us
	if w.pace != nil {
		w.pace(w.t)
	}
}

// between draws from lo to hi, both included.
func (w *loops) between(lo, hi int64) int64 { return lo + w.rng.Int64N(hi-lo+1) }

// say puts a byte with its even parity on a line.
func (w *loops) say(line mdb.Line, b byte) {
	w.emit(mdb.Word{T: w.t, V: uint16(b) | uint16(bits.OnesCount8(b)&1)<<8, Line: line})
	w.pass(byteTime)
}

// ask says a master byte, which the machine answers.
func (w *loops) ask(b, answer byte) {
	w.say(mdb.EXEMaster, b)
	w.pass(w.between(300, 4000))
	w.say(mdb.EXESlave, answer)
}

// poll waits for the next poll and asks.
func (w *loops) poll(b, answer byte) {
	w.pass(w.between(pollTime-8000, pollTime))
	w.ask(b, answer)
}

// block has the machine show units: ACCEPT DATA, the amount, scale and decimal
// point by nibbles with the lowest first, exact change, DATA SYNC (exe 5).
func (w *loops) block(units uint16, scale byte, point byte, exact bool) {
	w.pass(w.between(50_000, pollTime))
	w.ask(0x38, 0)
	for i := range 4 {
		w.ask(0x20|byte(units>>(4*i))&0xF, 0)
	}
	w.ask(0x20|scale&0xF, 0)
	w.ask(0x20|scale>>4, 0)
	w.ask(0x20|point, 0)
	last := byte(0x20)
	if exact {
		last = 0x21
	}
	w.ask(last, 0)
	w.ask(0x39, 0)
}
