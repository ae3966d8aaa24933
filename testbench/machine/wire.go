package machine

import (
	"math/rand/v2"

	"github.com/chekomat/chekomat/mdb"
)

// Times on the bus, µs.
const (
	wordTime  = 1146   // 11 bits at 9600 baud (mdb 1)
	breakTime = 120000 // at least 100 ms (mdb 1)
	setUpTime = 250000 // silence after a break, at least 200 ms (mdb 1)
)

// wire is both lines of an MDB bus in virtual time: what is said on it comes
// out as words, in order of time.
type wire struct {
	t    int64 // now, µs
	rng  *rand.Rand
	emit func(mdb.Word)
	pace func(t int64) // called when time moves on; may sleep
}

// pass lets time go by in silence.
func (w *wire) pass(us int64) {
	w.t += us
	if w.pace != nil {
		w.pace(w.t)
	}
}

// between draws from lo to hi, both included.
func (w *wire) between(lo, hi int64) int64 { return lo + w.rng.Int64N(hi-lo+1) }

func (w *wire) word(line mdb.Line, v uint16) {
	w.emit(mdb.Word{T: w.t, V: v, Line: line})
	w.pass(wordTime)
}

// reset holds the master line active: every peripheral resets (mdb 2.2).
func (w *wire) reset() {
	w.emit(mdb.Word{T: w.t, Line: mdb.Master, Flags: mdb.BreakStart})
	w.pass(breakTime)
	w.emit(mdb.Word{T: w.t, Line: mdb.Master, Flags: mdb.BreakEnd})
	w.pass(setUpTime)
}

// command sends a VMC block: address byte with the mode bit, data, checksum.
func (w *wire) command(block ...byte) {
	w.pass(w.between(300, 900))
	var sum byte
	for i, b := range block {
		v := uint16(b)
		if i == 0 {
			v |= mdb.Mode
		}
		w.word(mdb.Master, v)
		sum += b
	}
	w.word(mdb.Master, uint16(sum))
}

// ack is the VMC's answer to a data block.
func (w *wire) ack() {
	w.pass(w.between(140, 460))
	w.word(mdb.Master, 0x000)
}

// answer is what the addressed peripheral says: nil is a bare ACK, otherwise a
// block whose checksum carries the mode bit, ACKed by the VMC.
func (w *wire) answer(block []byte) {
	w.pass(w.between(60, 2500))
	if block == nil {
		w.word(mdb.Slave, mdb.Mode)
		return
	}
	var sum byte
	for _, b := range block {
		w.word(mdb.Slave, uint16(b))
		sum += b
	}
	w.word(mdb.Slave, uint16(sum)|mdb.Mode)
	w.ack()
}
