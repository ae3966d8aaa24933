package module

import (
	"slices"

	"github.com/chekomat/chekomat/mdb"
)

// edge is a change of a channel's level.
type edge struct {
	t  int64 // ns
	up bool
}

// Times of a word at 9600 baud, ns.
const (
	bitTime   = 104_167
	wordBits  = 11
	breakTime = 95_000_000 // a line active for at least 100 ms is a break (mdb 2.2); 5 % for clocks
)

// channel is what a logic analyzer recorded of one line.
type channel struct {
	name    string
	initial bool
	edges   []edge
	begin   int64 // ns, of the recording
	end     int64
}

// words reads 9-bit words of the channel. Captures have either polarity
// (reference 18.5). A level that lasts longer than a word is rest, or seldom a
// break; where a line hardly rests, both are tried and the one that gives better
// frames wins: a line read upside down has framing errors all over.
func (c *channel) words(line mdb.Line) []mdb.Word {
	high, low := c.rests()
	switch {
	case high >= 4*low && high > 0:
		a, _ := c.decode(true, line)
		return a
	case low >= 4*high && low > 0:
		b, _ := c.decode(false, line)
		return b
	}
	a, badA := c.decode(true, line)
	b, badB := c.decode(false, line)
	if x, y := len(a)-4*badA, len(b)-4*badB; x > y || x == y && high >= low {
		return a
	}
	return b
}

// rests gives how long either level lasted beyond a word at a time, ns.
func (c *channel) rests() (high, low int64) {
	level, last := c.initial, c.begin
	add := func(t int64) {
		d := t - last
		last = t
		if d <= (wordBits+1)*bitTime {
			return
		}
		if level {
			high += d
		} else {
			low += d
		}
	}
	for _, e := range c.edges {
		add(e.t)
		level = e.up
	}
	add(max(c.end, last))
	return high, low
}

// decode reads the channel for an idle level; bad counts frames without a stop
// bit.
func (c *channel) decode(idle bool, line mdb.Line) (ws []mdb.Word, bad int) {
	i := 0
	// level at a time not before that of the last call
	level := func(t int64) bool {
		for i < len(c.edges) && c.edges[i].t <= t {
			i++
		}
		if i == 0 {
			return c.initial
		}
		return c.edges[i-1].up
	}
	next := func() (start int64, ok bool) { // of an edge to active, from i on
		for ; i < len(c.edges); i++ {
			if c.edges[i].up != idle {
				return c.edges[i].t, true
			}
		}
		return 0, false
	}
	for {
		start, ok := next()
		if !ok {
			return ws, bad
		}
		if level(start+bitTime/2) == idle {
			continue // a spike is no start bit
		}
		w := mdb.Word{T: start / 1000, Line: line}
		for k := range 9 {
			if level(start+bitTime*int64(2*k+3)/2) == idle {
				w.V |= 1 << k
			}
		}
		switch {
		case level(start+bitTime*(2*wordBits-1)/2) == idle:
			ws = append(ws, w)
			continue
		case w.V != 0:
			w.Flags = mdb.FramingError
			ws = append(ws, w)
			bad++
			// The next start bit comes after the line has rested.
			for i < len(c.edges) && c.edges[i].up != idle {
				i++
			}
			continue
		}
		// All bits active and no stop bit: a break, if it lasts.
		end := c.end
		if i < len(c.edges) {
			end = c.edges[i].t
		}
		if end-start < breakTime {
			w.Flags = mdb.FramingError
			ws = append(ws, w)
			bad++
			continue
		}
		ws = append(ws, mdb.Word{T: w.T, Line: line, Flags: mdb.BreakStart}, mdb.Word{T: end / 1000, Line: line, Flags: mdb.BreakEnd})
	}
}

// merge puts words of both lines in the order in which they were complete: all
// words last alike, so that of their start.
func merge(lines ...[]mdb.Word) []mdb.Word {
	ws := slices.Concat(lines...)
	slices.SortStableFunc(ws, func(a, b mdb.Word) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return int(a.Line) - int(b.Line)
	})
	return ws
}

// masterFirst tells of two lines' words which is the master's: the VMC marks
// the first word of a block, so that words follow a mark; a peripheral the last
// (mdb 2.1). sure is false when the words do not tell.
func masterFirst(a, b []mdb.Word) (first, sure bool) {
	x, y := leads(a), leads(b)
	return x >= y, x != y
}

func leads(ws []mdb.Word) (score int) {
	for i, w := range ws {
		if w.V&mdb.Mode == 0 || w.Flags != 0 {
			continue
		}
		if i+1 < len(ws) && ws[i+1].T-w.T < 2*mdb.WordTime && ws[i+1].V&mdb.Mode == 0 {
			score++
		} else {
			score--
		}
	}
	return score
}
