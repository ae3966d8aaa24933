package exe

import (
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/checkpoint"
)

// Fault says why a pair is void (exe 7.1); its text is the anomaly's name.
type Fault string

// Faults of pairs.
const (
	Good         Fault = ""
	NoReply      Fault = "no_reply"      // the next master byte came first
	Orphan       Fault = "orphan_reply"  // an answer to nothing
	ParityMaster Fault = "parity_master" // damaged master byte
	ParitySlave  Fault = "parity_slave"  // damaged answer
	OtherDevice  Fault = "other_device"  // said to another device than the VMC
	NotHeard     Fault = "pnak"          // the VMC did not understand
)

// Pair is a master byte and its answer.
type Pair struct {
	T       int64 // master byte, µs; that of the answer for an orphan
	At      int64 // answer, or the master byte that came instead of one
	Master  byte
	Answer  byte
	Damaged bool // the master byte was damaged: what it says is not known
	Fault   Fault
}

// Command gives the command of a pair; false for data and for damaged bytes.
func (p Pair) Command() (Command, bool) {
	c, ok := CommandOf(p.Master)
	return c, ok && !p.Damaged
}

// Pairer makes pairs of the words of both lines. Its zero value is ready.
type Pairer struct {
	IgnoreParity bool // the source does not hear the ninth bit

	open bool
	cur  Pair
}

// Push takes the next word; ok is false when it ends no pair. A word of another
// bus's line is no business of it.
func (p *Pairer) Push(w mdb.Word) (done Pair, ok bool) {
	b, good := Heard(w)
	if p.IgnoreParity {
		good = w.Flags&(mdb.FramingError|mdb.BreakStart|mdb.BreakEnd) == 0
	}
	if w.Line == mdb.EXEMaster {
		if p.open {
			done, ok = p.cur, true
			done.At, done.Fault = w.T, NoReply
		}
		p.open, p.cur = true, Pair{T: w.T, Master: b, Damaged: !good}
		return done, ok
	}
	if w.Line != mdb.EXESlave {
		return done, false
	}
	if !p.open {
		return Pair{T: w.T, At: w.T, Answer: b, Fault: Orphan}, true
	}
	p.open = false
	done = p.cur
	done.At, done.Answer = w.T, b
	switch {
	case done.Damaged:
		done.Fault = ParityMaster
	case !good:
		done.Fault = ParitySlave
	case DeviceOf(done.Master) != VMC:
		done.Fault = OtherDevice
	case b == PNAK:
		done.Fault = NotHeard
	}
	return done, true
}

// Open gives the pair that waits for its answer.
func (p *Pairer) Open() (Pair, bool) { return p.cur, p.open }

// Drop forgets the open pair.
func (p *Pairer) Drop() { p.open = false }

// Walk writes or reads the state for a checkpoint.
func (p *Pairer) Walk(w *checkpoint.Walk) {
	w.Bool(&p.open, &p.cur.Damaged)
	if p.open {
		checkpoint.Int(w, &p.cur.T)
		checkpoint.Int(w, &p.cur.Master)
	}
}

// Blocks follows data blocks through good pairs.
type Blocks struct{ c collector }

// Anomalies of blocks (exe 7.2), beside the errors of ParseBlock.
const (
	Aborted   = "block_aborted" // a command inside a block
	StrayData = "stray_data"    // data outside a block
	StraySync = "stray_sync"    // DATA SYNC outside a block
)

// Open reports whether a block is open.
func (s *Blocks) Open() bool { return s.c.is }

// Drop forgets the open block.
func (s *Blocks) Drop() { s.c.drop() }

// Push takes a good master byte. shown is true when it completed a good block.
// mine is false when the byte is a command that is no part of a block and has
// to be obeyed. anomaly names what was wrong, "" nothing.
func (s *Blocks) Push(b byte) (d Display, shown, mine bool, anomaly string) {
	c, command := CommandOf(b)
	switch {
	case !command:
		if !s.c.is {
			return d, false, true, StrayData
		}
		s.c.add(Nibble(b))
		return d, false, true, ""
	case c == DataSync:
		if !s.c.is {
			return d, false, true, StraySync
		}
		d, err := s.c.close()
		if err == nil {
			if _, err = d.Minor(); err == nil {
				return d, true, true, ""
			}
		}
		return Display{}, false, true, reason(err)
	}
	if s.c.is {
		anomaly = Aborted
	}
	s.c.drop()
	if c == AcceptData {
		s.c.open()
		return d, false, true, anomaly
	}
	return d, false, false, anomaly
}

func reason(err error) string {
	if e, ok := err.(*BlockError); ok { //nolint:errorlint // made above, never wrapped
		return e.Err.Error()
	}
	return err.Error()
}

// Walk writes or reads the state for a checkpoint.
func (s *Blocks) Walk(w *checkpoint.Walk) {
	w.Bool(&s.c.is)
	if !s.c.is {
		s.c.n = 0
		return
	}
	checkpoint.Int(w, &s.c.n)
	if w.Reading() && s.c.n > blockData+1 {
		s.c.is = false
		return
	}
	n := min(int(s.c.n), blockData)
	w.Raw(s.c.nibbles[:n])
	for i := range s.c.nibbles[:n] {
		s.c.nibbles[i] &= 0xF
	}
}
