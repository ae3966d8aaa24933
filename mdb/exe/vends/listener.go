// Package vends recovers vends from an Executive bus: it listens to both lines,
// follows credit, selection and VEND, and says of each vend whether it was
// delivered, what it cost and how sure that is. Sections in comments ("exe
// 7.5") are those of the project's reference of the protocol. It is pure: words
// and the passing of time go in, notes or events come out; it has no clock.
package vends

import (
	"math"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/sales"
)

const never = math.MaxInt64

// Stats count what went through.
type Stats struct {
	Words     uint64 `json:"words"`
	Foreign   uint64 `json:"foreign_words"` // of another bus
	Pairs     uint64 `json:"pairs"`         // good ones
	Blocks    uint64 `json:"blocks"`        // good ones
	Parity    uint64 `json:"parity_errors"`
	Suspects  uint64 `json:"parity_master_selected"` // damaged master bytes while a line was selected
	Anomalies uint64 `json:"anomalies"`
	Lost      uint64 `json:"words_lost"` // times words were lost
	Sales     uint64 `json:"sales"`
	Incidents uint64 `json:"incidents"`
}

// Summary gives the counts in the form replays end with: parity errors stand
// for checksum errors.
func (s Stats) Summary() sales.Summary {
	return sales.Summary{Kind: "summary", Words: s.Words, Blocks: s.Blocks, ChecksumErrors: s.Parity, Sales: s.Sales,
		Incidents: s.Incidents, WordsLost: s.Lost, ForeignBusWords: s.Foreign}
}

// vending says how far an open VEND is.
type vending uint8

const (
	notVending vending = iota
	asked              // no answer yet
	refused            // PNAK: a repetition is due
)

// watching says what the next block outside a selection may tell of the last
// outcome.
type watching uint8

const (
	notWatching watching = iota
	forEvidence
	forPrice
)

// Listener follows the dialogue as exe 7 tells. It is used by one goroutine; a
// slice of notes is valid until the next call.
type Listener struct {
	cfg    Config
	prices [256]int64

	pairs  exe.Pairer
	blocks exe.Blocks
	out    []Note
	stats  Stats
	now    int64
	fresh  bool // no word since start or Lost: the source's clock is not known

	state    State // Down, Inhibited, Ready or Chosen
	deadline int64 // when the state times out
	free     bool
	doubts   Doubts
	crossed  uint8 // polls heard on the machine's line since the last good pair

	scale, decimals uint8
	credit          int64

	line      uint8
	selection bool
	stale     bool
	before    int64
	mid       int64
	shown     uint8 // blocks since the selection, up to 2
	last      int64 // value of the latest of them
	suspect   bool

	vend   vending
	vendT  int64
	soldAt int64 // answer of the last success without a selection since; -1 none

	watch   watching
	watched Outcome
	n       uint64
}

// NewListener makes a listener that knows nothing of the bus yet.
func NewListener(cfg Config) *Listener {
	l := &Listener{cfg: cfg.Defaults(), state: Down, deadline: never, fresh: true, now: math.MinInt64 / 2,
		credit: None, before: None, mid: None, last: None, soldAt: -1, doubts: StateUnheard | ScaleAssumed}
	l.scale, l.decimals = l.cfg.Scale, l.cfg.Decimals
	l.pairs.IgnoreParity = l.cfg.IgnoreParity
	l.SetPrices(cfg.Prices)
	return l
}

// SetPrices replaces the table line → kopecks; an open vend already takes the
// new price.
func (l *Listener) SetPrices(table map[uint8]int64) {
	for i := range l.prices {
		l.prices[i] = None
	}
	for line, p := range table {
		if p >= 0 {
			l.prices[line] = p
		}
	}
}

// Resume sets what was saved before a restart: the state, the selected line
// (vending or selected) and the credit in kopecks, None where unknown.
func (l *Listener) Resume(s State, line uint8, credit int64) {
	l.credit = credit
	switch s {
	case Busy, Chosen:
		l.choose(line)
		if s == Busy {
			l.vend = asked
		}
		l.state = Chosen
	default:
		l.state = s
	}
}

// State of the dialogue.
func (l *Listener) State() State {
	if l.vend != notVending {
		return Busy
	}
	return l.state
}

// Stats gives the counts so far.
func (l *Listener) Stats() Stats { return l.stats }

// Word takes the next word in the order heard.
func (l *Listener) Word(w mdb.Word) []Note {
	l.out = l.out[:0]
	l.stats.Words++
	if w.Line != mdb.EXEMaster && w.Line != mdb.EXESlave {
		l.stats.Foreign++
		return nil
	}
	if l.fresh {
		l.begin(w.T)
	} else if w.T > l.deadline {
		l.pass(w.T)
	}
	l.now = max(l.now, w.T)
	if w.Flags&mdb.Gap != 0 {
		l.interrupt(LostWords)
	}
	p, done := l.pairs.Push(w)
	if done {
		l.pair(&p)
	}
	if w.Line == mdb.EXEMaster {
		l.asks()
	}
	l.due()
	return l.out
}

// Advance says that nothing else was heard up to t, µs on the source's clock.
func (l *Listener) Advance(t int64) []Note {
	l.out = l.out[:0]
	if !l.fresh && t > l.now {
		l.pass(t)
		l.now = t
	}
	return l.out
}

// Lost says that words were lost before the next one and that the source's
// clock may start anew.
func (l *Listener) Lost() []Note {
	l.out = l.out[:0]
	l.interrupt(Restart)
	l.fresh, l.deadline = true, never
	l.state = Down
	l.soldAt = -1
	l.forget()
	return l.out
}

// begin arms the time-outs once the source's clock is known.
func (l *Listener) begin(t int64) {
	l.fresh, l.now = false, t
	if l.state != Down {
		l.heard(t)
	}
	if l.vend != notVending {
		l.vendT = t
	}
}

// heard notes that the VMC answers.
func (l *Listener) heard(t int64) {
	switch l.state {
	case Down:
		l.deadline = never
	case Chosen:
		l.deadline = t + l.cfg.Choice.Microseconds()
	default:
		l.deadline = t + l.cfg.Link.Microseconds()
	}
}

// due keeps the deadline of an open VEND, which comes before any other.
func (l *Listener) due() {
	if l.vend != notVending {
		l.deadline = l.vendT + l.cfg.VendLimit.Microseconds()
	}
}

// pass lets the deadline come if t is beyond it.
func (l *Listener) pass(t int64) {
	if t <= l.deadline {
		return
	}
	at := l.deadline
	l.now = max(l.now, at)
	switch {
	case l.vend == asked:
		l.pairs.Drop()
		l.anomaly(at, string(exe.NoReply))
		l.decide(Unknown, at, NoReply, exe.Pair{})
	case l.vend == refused:
		l.decide(Fail, at, PNAKed, exe.Pair{})
	default:
		l.anomaly(at, "link_lost")
	}
	l.state, l.deadline = Down, never
	l.forget()
}

// forget drops credit, selection and open block (exe 7.3).
func (l *Listener) forget() {
	l.dropSelection()
	l.credit = None
	l.blocks.Drop()
}

// interrupt takes that words were lost: an open VEND cannot be decided, and
// whatever was missed may have changed line, state and scale.
func (l *Listener) interrupt(why Flags) {
	l.stats.Lost++
	if l.vend != notVending {
		l.decide(Unknown, max(l.now, l.vendT), why, exe.Pair{})
	}
	l.pairs.Drop()
	l.blocks.Drop()
	l.doubts |= LineDoubt | StateDoubt | BlockDoubt
}

// asks looks at the master byte that has just come.
func (l *Listener) asks() {
	p, _ := l.pairs.Open()
	if c, ok := p.Command(); ok && c == exe.Vend && exe.DeviceOf(p.Master) == exe.VMC {
		l.suspect = false
		l.vend, l.vendT = asked, p.T
		l.blockEnds()
		l.note(Note{Kind: Vending, T: p.T, Line: l.line, LineKnown: l.selection})
		return
	}
	if l.vend == refused {
		// A damaged byte may be the repetition.
		if p.Damaged {
			l.decide(Unknown, p.T, PNAKed|Parity, exe.Pair{})
		} else {
			l.decide(Fail, p.T, PNAKed, exe.Pair{})
		}
	}
}

// blockEnds drops a block a VEND came into.
func (l *Listener) blockEnds() {
	if l.blocks.Open() {
		l.blocks.Drop()
		l.doubts |= BlockDoubt
		l.anomaly(l.now, exe.Aborted)
	}
}

func (l *Listener) note(n Note) { l.out = append(l.out, n) }

func (l *Listener) anomaly(t int64, name string) {
	l.stats.Anomalies++
	l.note(Note{Kind: Anomaly, T: t, Name: name})
}
