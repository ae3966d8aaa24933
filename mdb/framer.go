package mdb

import "github.com/chekomat/chekomat/mdb/checkpoint"

// Times of the framer, µs. Spacing is from start bit to start bit.
const (
	maxSpacing  = WordTime + 5000 // inter-byte time to tolerate when receiving (mdb 3.2, appendix 3)
	lateAnswer  = 20_000          // response time to tolerate (appendix 3)
	minBreak    = 95_000          // a break lasts at least 100 ms (mdb 2.2); 5 % for clocks
	sparseExtra = 1000            // one missing word widens a spacing by 1146
)

// Counts of a framer.
type Counts struct {
	Words     uint64 `json:"words"`
	Blocks    uint64 `json:"blocks"` // good ones, ACK, NAK and RET included
	Checksums uint64 `json:"checksum_errors"`
	Cut       uint64 `json:"cut"`
	Overlong  uint64 `json:"overlong"`
	Framing   uint64 `json:"framing_errors"`
	Lost      uint64 `json:"words_lost"`
	Stray     uint64 `json:"stray"`
	Breaks    uint64 `json:"breaks"`
	Foreign   uint64 `json:"foreign"` // words of other buses
}

// Framer cuts the words of both MDB lines into blocks and pairs answers with
// commands (mdb 2.1, 2.2; reference section 15). The zero value is ready. It
// allocates nothing.
type Framer struct {
	m, s     assembly
	last     asked
	awaiting bool  // a peripheral sent data: the next mode-0 word of the VMC is its reply
	brk      int64 // start of a break, valid while inBreak
	inBreak  bool
	counts   Counts
	n        int
	out      [4]Block
}

// assembly is a block being put together.
type assembly struct {
	b        Block
	open     bool
	sum      byte // of all bytes but the last
	fault    Fault
	min, max int64 // spacing
	n0       uint8 // slave: words the open master block had when this one began
}

// asked is the last complete command.
type asked struct {
	to, sub  byte
	valid    bool
	answered bool
	end      int64
}

// Counts gives what was counted so far.
func (f *Framer) Counts() Counts { return f.counts }

// Reset forgets everything but the counts: words were lost.
func (f *Framer) Reset() { *f = Framer{counts: f.counts} }

// Push takes the next word in order of completion and returns the blocks it
// ended, in order; the slice is valid until the next call.
func (f *Framer) Push(w Word) []Block {
	f.n = 0
	f.counts.Words++
	switch w.Line {
	case Master:
		f.master(w)
	case Slave:
		f.slave(w)
	default:
		f.counts.Foreign++
	}
	return f.out[:f.n]
}

// Advance says that nothing was heard up to t and returns the blocks which
// silence ended.
func (f *Framer) Advance(t int64) []Block {
	f.n = 0
	if f.m.open && t-f.m.b.End > maxSpacing {
		f.endMaster(Cut)
	}
	if f.s.open && t-f.s.b.End > maxSpacing {
		f.endSlave(Cut)
	}
	return f.out[:f.n]
}

// Pending reports whether silence could still end a block.
func (f *Framer) Pending() bool { return f.m.open || f.s.open }

func (f *Framer) emit(b *Block) {
	if b.Kind == Invalid {
		switch b.Fault {
		case BadChecksum:
			f.counts.Checksums++
		case Cut:
			f.counts.Cut++
		case Overlong:
			f.counts.Overlong++
		case BadStop:
			f.counts.Framing++
		case WordsLost:
			f.counts.Lost++
		case Stray:
			f.counts.Stray++
		}
	} else {
		f.counts.Blocks++
	}
	f.out[f.n] = *b
	f.n++
}

func (f *Framer) single(w Word, k Kind, fault Fault) *Block {
	b := &Block{T: w.T, End: w.T, Kind: k, Line: w.Line, Fault: fault, Marks: marks(w.Flags), N: 1}
	b.Data[0] = byte(w.V)
	return b
}

func marks(fl Flags) Marks {
	var m Marks
	if fl&Synthetic != 0 {
		m |= Made
	}
	if fl&Own != 0 {
		m |= Mine
	}
	return m
}

func (a *assembly) begin(w Word) {
	a.open, a.sum, a.fault, a.min, a.max = true, 0, NoFault, 0, 0
	a.b = Block{T: w.T, End: w.T, Line: w.Line, Marks: marks(w.Flags), N: 1}
	a.b.Data[0] = byte(w.V)
	if w.Flags&FramingError != 0 {
		a.fault = BadStop
	}
}

func (a *assembly) add(w Word) {
	a.sum += a.b.Data[a.b.N-1]
	a.b.Data[a.b.N] = byte(w.V)
	d := w.T - a.b.End
	if a.b.N == 1 {
		a.min, a.max = d, d
	} else {
		a.min, a.max = min(a.min, d), max(a.max, d)
	}
	a.b.N++
	a.b.End = w.T
	a.b.Marks |= marks(w.Flags)
	if w.Flags&FramingError != 0 {
		a.fault = BadStop
	}
}

// fits reports whether the last byte is the checksum of those before it.
func (a *assembly) fits() bool {
	return a.b.N > 1 && a.fault == NoFault && a.sum == a.b.Data[a.b.N-1]
}

// sparse reports whether a word may be missing: one spacing is a word wider
// than another, or two words are further apart than two word times.
func (a *assembly) sparse() bool {
	return a.b.N > 1 && (a.max-a.min >= sparseExtra || a.b.N == 2 && a.max >= 2*WordTime)
}

func (f *Framer) master(w Word) {
	a := &f.m
	if w.Flags&(BreakStart|BreakEnd) != 0 {
		f.brake(w)
		return
	}
	if w.Flags&Gap != 0 {
		if a.open {
			f.endMaster(WordsLost)
		}
		f.last.valid, f.awaiting = false, false
	}
	if w.V&Mode != 0 {
		if a.open {
			f.endMaster(Cut)
		}
		f.awaiting = false
		a.begin(w)
		return
	}
	switch {
	case a.open && w.T-a.b.End > maxSpacing:
		f.endMaster(Cut)
	case a.open && a.b.N == MaxBlock:
		f.endMaster(Overlong)
	}
	if !a.open {
		f.loose(w)
		return
	}
	a.add(w)
	if a.fits() {
		if first, second := lengths(a.b.Data[:a.b.N]); first == int(a.b.N) && second == 0 || second == int(a.b.N) {
			f.endMaster(NoFault)
			return
		}
	}
	if a.b.N == MaxBlock && a.fits() {
		f.endMaster(NoFault)
	}
}

// loose handles a mode-0 word of the VMC outside a block: its reply to data,
// or the rest of a block whose beginning was not heard. In the latter case the
// next answer belongs to a command nobody knows.
func (f *Framer) loose(w Word) {
	k := replyKind(byte(w.V))
	if !f.awaiting || k == 0 || w.Flags&FramingError != 0 {
		f.last.valid, f.awaiting = false, false
		f.emit(f.single(w, Invalid, Stray))
		return
	}
	f.awaiting = false
	b := f.single(w, k, NoFault)
	b.To, b.Sub = f.last.to, f.last.sub
	if !f.last.valid {
		b.To, b.Sub = 0, 0
	}
	f.last.answered = k != RET
	f.emit(b)
}

func (f *Framer) brake(w Word) {
	if w.Flags&BreakStart != 0 {
		f.inBreak, f.brk = true, w.T
		if f.m.open {
			f.endMaster(Cut)
		}
		return
	}
	if f.inBreak && w.T-f.brk >= minBreak {
		f.counts.Breaks++
		f.last, f.awaiting, f.s.open = asked{}, false, false
		b := f.single(w, Break, NoFault)
		b.T, b.N = f.brk, 0
		f.emit(b)
	}
	f.inBreak = false
}

// endMaster closes the open master block; why is the fault to report when it
// is not complete.
func (f *Framer) endMaster(why Fault) {
	a := &f.m
	a.open = false
	b := &a.b
	if a.sparse() {
		b.Marks |= Sparse
	}
	if a.fits() {
		b.Kind = Command
		f.last = asked{to: b.Data[0], valid: true, end: b.End}
		if b.N > 2 {
			f.last.sub = b.Data[1]
		}
		f.emit(b)
		return
	}
	b.Kind = Invalid
	switch first, second := lengths(b.Data[:b.N]); {
	case a.fault != NoFault:
		b.Fault = a.fault
	case why == Cut && b.N > 1 && (first == 0 || int(b.N) == first || int(b.N) == second):
		b.Fault = BadChecksum
	default:
		b.Fault = why
	}
	f.last.valid = false
	f.emit(b)
}

func (f *Framer) slave(w Word) {
	a := &f.s
	if w.Flags&(BreakStart|BreakEnd) != 0 {
		return
	}
	// An answer that starts after the checksum word ends the command before it;
	// one that starts earlier is a late answer to the command before that.
	if f.m.open && f.m.fits() && w.T >= f.m.b.End+WordTime-200 {
		f.endMaster(NoFault)
	}
	if a.open && (w.Flags&Gap != 0 || w.T-a.b.End > maxSpacing) {
		f.endSlave(Cut)
	}
	lost := w.Flags&Gap != 0
	if !a.open {
		a.begin(w)
		if lost {
			a.fault = WordsLost
		}
		a.n0 = 0
		if f.m.open {
			a.n0 = f.m.b.N
		}
		a.b.To, a.b.Sub = 0, 0
		switch {
		case !f.last.valid || f.last.answered || w.T < f.last.end+WordTime-200:
			a.b.Marks |= Unordered
		default:
			a.b.To, a.b.Sub = f.last.to, f.last.sub
			if w.T-f.last.end-WordTime > lateAnswer {
				a.b.Marks |= Late
			}
		}
	} else {
		a.add(w)
	}
	if w.V&Mode != 0 {
		f.endSlave(NoFault)
	} else if a.b.N == MaxBlock {
		f.endSlave(Overlong)
	}
}

// endSlave closes the open peripheral block.
func (f *Framer) endSlave(why Fault) {
	a := &f.s
	a.open = false
	b := &a.b
	if a.sparse() {
		b.Marks |= Sparse
	}
	if b.N > 1 {
		f.awaiting = true
		// The VMC is silent while it is answered. A command still open now lost
		// its end, so this is its answer and not that of the command before.
		if f.m.open && f.m.b.N == a.n0 {
			b.To, b.Sub = 0, 0
			b.Marks |= Unordered
		}
	}
	if b.Marks&Unordered == 0 && why == NoFault {
		f.last.answered = true
	}
	switch k := replyKind(b.Data[0]); {
	case why != NoFault:
		b.Kind, b.Fault = Invalid, why
	case a.fault != NoFault:
		b.Kind, b.Fault = Invalid, a.fault
	case b.N == 1 && (k == ACK || k == NAK):
		b.Kind = k
	case b.N == 1:
		b.Kind, b.Fault = Invalid, Stray
	case a.fits():
		b.Kind = Answer
	default:
		b.Kind, b.Fault = Invalid, BadChecksum
	}
	f.emit(b)
}

// Walk writes or reads the state of the framer.
func (f *Framer) Walk(w *checkpoint.Walk) {
	for _, a := range []*assembly{&f.m, &f.s} {
		w.Bool(&a.open)
		if !a.open {
			continue
		}
		b := &a.b
		checkpoint.Int(w, &a.sum)
		checkpoint.Int(w, &a.fault)
		checkpoint.Int(w, &a.min)
		checkpoint.Int(w, &a.max)
		checkpoint.Int(w, &a.n0)
		checkpoint.Int(w, &b.T)
		checkpoint.Int(w, &b.End)
		checkpoint.Int(w, &b.Marks)
		checkpoint.Int(w, &b.To)
		checkpoint.Int(w, &b.Sub)
		n := w.Len(int(b.N), MaxBlock)
		b.N = uint8(n)
		w.Raw(b.Data[:n])
	}
	if w.Reading() {
		f.m.b.Line, f.s.b.Line = Master, Slave
		f.m.open = f.m.open && f.m.b.N > 0
		f.s.open = f.s.open && f.s.b.N > 0
	}
	w.Bool(&f.last.valid, &f.last.answered, &f.awaiting, &f.inBreak)
	checkpoint.Int(w, &f.last.to)
	checkpoint.Int(w, &f.last.sub)
	checkpoint.Int(w, &f.last.end)
	checkpoint.Int(w, &f.brk)
	c := &f.counts
	for _, p := range []*uint64{&c.Words, &c.Blocks, &c.Checksums, &c.Cut, &c.Overlong, &c.Framing, &c.Lost, &c.Stray, &c.Breaks, &c.Foreign} {
		checkpoint.Int(w, p)
	}
}
