package board

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chekomat/chekomat/mdb"
)

// Times of a bit, µs. MDB allows a transmitter 9600 baud +1 % −2 % (mdb 2.1).
const (
	bitTime  = 1e6 / 9600
	fastest  = bitTime / 1.01
	slowest  = bitTime / 0.98
	wordBits = 11
)

// Dirt is how far the lines are from a drawing in a book.
type Dirt struct {
	Seed    uint64
	Clean   bool // exact bits, no jitter, no noise
	Jitter  float64
	Noise   int  // of 1000 words, how many have a pulse before them that is none
	Spikes  int  // of 1000 words of MDB, how many are struck by a pulse that turns their level over
	Overlap int  // of 1000 ACKs of a peripheral, how many begin in the last word of the command
	Fixed   bool // times of words stand as given (a capture); otherwise each transmitter's clock makes them late
}

// Sent is a word as it was drawn.
type Sent struct {
	mdb.Word
	Start, End float64 // bus time, µs
}

// pen draws words on the lines. It keeps what was drawn until somebody takes
// it, so it may look back. Times given are the owner's; the pen lets all that
// follows be late when a slow transmitter needs longer than its owner thinks.
type pen struct {
	dirt  Dirt
	rng   *rand.Rand
	bit   [4]float64 // of each line's transmitter
	late  float64    // bus time less the owner's
	free  [4]float64 // from when on a line is idle
	edges [4][]Edge
}

func newPen(d Dirt, start float64) *pen {
	p := &pen{dirt: d, rng: rand.New(rand.NewPCG(d.Seed, 5)), late: start}
	for i := range p.bit {
		p.bit[i] = bitTime
		if !d.Clean {
			p.bit[i] = fastest + p.rng.Float64()*(slowest-fastest)
		}
		p.free[i] = start
	}
	return p
}

// at is the bus time of the owner's t.
func (p *pen) at(t int64) float64 { return float64(t) + p.late }

// draw puts a word or an end of a break on its line; not before now.
func (p *pen) draw(w mdb.Word, now float64) Sent {
	l := int(w.Line)
	at := p.at(w.T)
	if !p.dirt.Clean && !p.dirt.Fixed && p.rng.IntN(8) == 0 {
		// A transmitter that thinks for a moment; the limit is a millisecond.
		p.delay(&at, p.rng.Float64()*200)
	}
	if first := max(p.free[l], now); at < first {
		if p.dirt.Fixed {
			at = first
		} else {
			p.delay(&at, first-at)
		}
	}
	if w.Flags&(mdb.BreakStart|mdb.BreakEnd) != 0 {
		level := 0
		p.free[l] = at
		if w.Flags&mdb.BreakEnd != 0 {
			level = 1
			p.free[l] += 1000 // a line that is let go rests before it speaks
		}
		p.edges[l] = append(p.edges[l], Edge{at, level})
		return Sent{w, at, at}
	}
	if w.Line == mdb.Slave && w.V == mdb.Mode && p.chance(p.dirt.Overlap) {
		early := p.free[mdb.Master] - p.rng.Float64()*500
		if early > p.free[l] && early > now && early < at {
			at = early
		}
	}
	p.pulse(l, now, at)
	s := Sent{w, at, at + wordBits*p.bit[l]}
	level, first := 1, len(p.edges[l])
	for i := range wordBits {
		b := 1 // stop
		switch {
		case i == 0 || i == wordBits-1 && w.Flags&mdb.FramingError != 0:
			b = 0
		case i <= 9:
			b = int(w.V >> (i - 1) & 1)
		}
		if b != level {
			t := at + float64(i)*p.bit[l]
			if i > 0 {
				t += p.shiver()
			}
			p.edges[l] = append(p.edges[l], Edge{t, b})
			level = b
		}
	}
	if level == 0 {
		p.edges[l] = append(p.edges[l], Edge{s.End, 1})
	}
	if w.Line < mdb.EXEMaster && p.chance(p.dirt.Spikes) {
		from := at + p.rng.Float64()*(s.End-at)
		p.edges[l] = append(p.edges[l][:first], struck(p.edges[l][first:], from, min(from+1+p.rng.ExpFloat64()*80, s.End))...)
	}
	p.free[l] = s.End
	return s
}

// struck turns the level of a word over between two moments.
func struck(word []Edge, from, to float64) []Edge {
	out := append(slices.Clone(word), Edge{T: from}, Edge{T: to})
	slices.SortStableFunc(out, func(a, b Edge) int { return cmp.Compare(a.T, b.T) })
	for i := range out {
		out[i].Level = i % 2 // a line idles at 1
	}
	return out
}

func (p *pen) delay(at *float64, by float64) {
	*at += by
	p.late += by
}

func (p *pen) shiver() float64 {
	if p.dirt.Clean {
		return 0
	}
	return (p.rng.Float64()*2 - 1) * p.dirt.Jitter
}

// chance is true n times of a thousand. It draws only when it is asked for
// something, so that one kind of dirt does not move another.
func (p *pen) chance(n int) bool { return n > 0 && p.rng.IntN(1000) < n }

// pulse puts noise into the silence before a word: shorter than half a bit, and
// over well before the word begins.
func (p *pen) pulse(line int, now, next float64) {
	from, to := max(p.free[line], now)+120, next-200
	if !p.chance(p.dirt.Noise) || to-from < 10 {
		return
	}
	at := from + p.rng.Float64()*(to-from)
	p.edges[line] = append(p.edges[line], Edge{at, 0}, Edge{at + 1 + p.rng.Float64()*34, 1})
}

// take gives what was drawn since the last time, by line.
func (p *pen) take() (all [4][]Edge) {
	all, p.edges = p.edges, [4][]Edge{}
	return all
}

// settled is until when everything drawn is over.
func (p *pen) settled() float64 {
	t := math.Inf(-1)
	for _, f := range p.free {
		t = max(t, f)
	}
	return t
}
