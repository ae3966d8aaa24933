package exe

import (
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// Timing of a master. Zero durations take the defaults (exe 6.1, 9).
type Timing struct {
	Poll       time.Duration // between polls
	Answer     time.Duration // a poll without an answer is repeated
	Block      time.Duration // a block without progress begins anew
	BlockTries int
	Repeats    int           // of a byte that was answered PNAK
	Vend       time.Duration // VEND without an answer is given up
	Showing    time.Duration // after a block: STATUS only, so that people can read
	Link       time.Duration // without any answer the machine counts as down
}

func (t Timing) defaults() Timing {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&t.Poll, 100 * time.Millisecond}, {&t.Answer, 100 * time.Millisecond}, {&t.Block, time.Second},
		{&t.Vend, 180 * time.Second}, {&t.Showing, 1500 * time.Millisecond}, {&t.Link, 3 * time.Second},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	if t.BlockTries == 0 {
		t.BlockTries = 10
	}
	if t.Repeats == 0 {
		t.Repeats = 5
	}
	return t
}

// Told is what the machine told the master, or what the master gave up.
type Told uint8

// What may be told.
const (
	ToldNothing   Told = iota
	ToldState          // News.State: another one than before
	ToldRequest        // News.Line: a line is wanted
	ToldWithdrawn      // the wanted line is wanted no longer
	ToldShown          // the block was taken whole
	ToldUnshown        // the block was given up
	ToldVended         // News.Result
	ToldUnknown        // nobody knows whether VEND was delivered
	ToldAnswer         // News.Answer to an audit or identification command
	ToldDown           // nothing answers any more
)

// News of the machine.
type News struct {
	Told   Told
	State  State
	Line   byte
	Result Result
	Answer byte
}

// Master is the payment device's role (exe 6, 9). It is pure: Step says what to
// put on the wire as time passes, Word takes what the machine answers.
type Master struct {
	timing Timing

	flying  bool // a byte waits for its answer
	saying  byte
	sent    int64
	repeats int
	again   bool // answered PNAK: say it once more
	inBlock bool // it is a byte of the block
	renewed bool // the block was replaced while one of its bytes was on the way

	block    [BlockLen]byte
	at       int // of the block's byte to be said; BlockLen: none
	tries    int
	progress int64
	wanted   [4]byte // queued single commands
	queued   int
	quiet    bool

	poll    int64
	reading int64 // until then STATUS only
	credit  bool  // CREDIT is next
	state   State
	known   bool // state was heard since the link came up
	line    byte
	chosen  bool
	heard   int64
	alive   bool
}

// NewMaster makes a master that begins to poll at once.
func NewMaster(t Timing) *Master { return &Master{timing: t.defaults(), at: BlockLen} }

// Show has the machine show d; false when d can't be said. A block under way is
// begun anew.
func (m *Master) Show(d Display) bool {
	if d.Scale == 0 || d.Decimals > 3 {
		return false
	}
	AppendBlock(m.block[:0], d)
	m.at, m.tries = 0, 0
	m.renewed = m.inBlock && (m.flying || m.again)
	m.again = m.again && !m.inBlock
	return true
}

// Vend sends VEND; false when another command waits already.
func (m *Master) Vend() bool { return m.Ask(Vend) }

// Ask sends a command once, after the block under way. It is how the service
// commands (AUDIT, IDENTIFY…) are said; their answers come as ToldAnswer.
func (m *Master) Ask(c Command) bool {
	if m.queued == len(m.wanted) {
		return false
	}
	m.wanted[m.queued] = c.Byte()
	m.queued++
	return true
}

// Quiet stops polling, as masters do that wait for a card's approval. Blocks
// and commands still go out.
func (m *Master) Quiet(is bool) { m.quiet = is }

// State is the machine's as last heard; false when it was not heard.
func (m *Master) State() (State, bool) { return m.state, m.known }

// Step says at t (µs) what to put on the wire, if anything. It is to be called
// after each Word and at least every few milliseconds.
func (m *Master) Step(t int64) (send byte, ok bool, news News) {
	if m.flying {
		if news = m.overdue(t); m.flying {
			return 0, false, news
		}
		if news.Told != ToldNothing {
			return 0, false, news
		}
	}
	if m.quiet {
		m.heard = t
	}
	if m.alive && t-m.heard > m.timing.Link.Microseconds() {
		m.alive, m.known, m.chosen = false, false, false
		return 0, false, News{Told: ToldDown}
	}
	b, ok := m.next(t)
	if !ok {
		return 0, false, news
	}
	m.flying, m.saying, m.sent = true, b, t
	return b, true, news
}

// overdue gives up what was not answered in time.
func (m *Master) overdue(t int64) News {
	waited := time.Duration(t-m.sent) * time.Microsecond
	switch {
	case m.saying == Vend.Byte():
		if waited <= m.timing.Vend {
			return News{}
		}
		m.flying, m.heard = false, t
		return News{Told: ToldUnknown}
	case m.inBlock:
		if time.Duration(t-m.progress)*time.Microsecond <= m.timing.Block {
			return News{}
		}
		m.flying = false
		if m.renewed {
			m.renewed = false
			return News{}
		}
		return m.restart(t)
	case waited <= m.timing.Answer:
		return News{}
	}
	m.flying, m.poll = false, t
	return News{}
}

// restart begins the block anew, or gives it up.
func (m *Master) restart(t int64) News {
	m.again, m.repeats = false, 0
	if m.tries++; m.tries >= m.timing.BlockTries {
		m.at = BlockLen
		return News{Told: ToldUnshown}
	}
	m.at, m.progress = 0, t
	return News{}
}

// next picks the byte to say.
func (m *Master) next(t int64) (byte, bool) {
	switch {
	case m.again:
		m.again = false
		return m.saying, true
	case m.at < BlockLen:
		m.inBlock, m.renewed = true, false
		if m.at == 0 {
			m.progress = t
		}
		return m.block[m.at], true
	case m.queued > 0:
		m.inBlock = false
		b := m.wanted[0]
		copy(m.wanted[:], m.wanted[1:m.queued])
		m.queued--
		return b, true
	case m.quiet || t < m.poll:
		return 0, false
	}
	m.inBlock = false
	m.poll = t + m.timing.Poll.Microseconds()
	if m.credit && m.known && !m.state.Inhibited && t >= m.reading {
		m.credit = false
		return Credit.Byte(), true
	}
	m.credit = true
	return Status.Byte(), true
}

// Word takes what the machine says at w.T.
func (m *Master) Word(w mdb.Word) News {
	if w.Line != mdb.EXESlave || !m.flying {
		return News{}
	}
	b, ok := Heard(w)
	vend := m.saying == Vend.Byte()
	if !ok {
		switch {
		case vend:
			// It may have been delivered: VEND again could deliver twice.
			m.flying, m.heard = false, w.T
			return News{Told: ToldUnknown}
		case m.inBlock:
			return News{} // whether the byte was taken is not known: the block times out and begins anew
		}
		m.flying = false
		return News{}
	}
	m.flying, m.heard, m.alive = false, w.T, true
	if b == PNAK {
		return m.misunderstood(w.T, vend)
	}
	m.repeats = 0
	switch {
	case vend:
		m.chosen = false
		return News{Told: ToldVended, Result: ResultOf(b), Answer: b}
	case m.inBlock && m.renewed:
		m.renewed = false
		return News{}
	case m.inBlock:
		m.progress = w.T
		if m.at++; m.at == BlockLen {
			m.reading = w.T + m.timing.Showing.Microseconds()
			return News{Told: ToldShown}
		}
		return News{}
	}
	switch c, _ := CommandOf(m.saying); c {
	case Status:
		return m.stateIs(ParseState(b))
	case Credit:
		return m.wants(b)
	default:
		return News{Told: ToldAnswer, Answer: b}
	}
}

// misunderstood repeats a byte that was answered PNAK.
func (m *Master) misunderstood(t int64, vend bool) News {
	if m.renewed {
		m.renewed = false
		return News{}
	}
	if m.repeats++; m.repeats <= m.timing.Repeats {
		m.again = true
		return News{}
	}
	m.repeats = 0
	switch {
	case vend:
		return News{Told: ToldVended, Result: Refused, Answer: PNAK}
	case m.inBlock:
		return m.restart(t)
	}
	return News{}
}

func (m *Master) stateIs(s State) News {
	if m.known && m.state == s {
		return News{}
	}
	m.state, m.known = s, true
	return News{Told: ToldState, State: s}
}

func (m *Master) wants(b byte) News {
	switch RequestOf(b) {
	case Wanted:
		if m.chosen && m.line == b {
			return News{}
		}
		m.line, m.chosen = b, true
		return News{Told: ToldRequest, Line: b}
	case NothingWanted:
		if m.chosen {
			m.chosen = false
			return News{Told: ToldWithdrawn}
		}
	case Undefined, NotUnderstood:
	}
	return News{}
}
