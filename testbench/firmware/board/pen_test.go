package board

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
)

// hear reads a line's edges as a receiver with an exact clock does: nine bits in
// the middle of each, from every fall that lasts half a bit.
func hear(edges []Edge) (words []uint16, starts []float64) {
	level := func(t float64) int {
		l := 1
		for _, e := range edges {
			if e.T <= t {
				l = e.Level
			}
		}
		return l
	}
	busy := math.Inf(-1)
	for _, e := range edges {
		if e.Level == 1 || e.T < busy || level(e.T+bitTime/2) == 1 {
			continue
		}
		var v uint16
		for i := range 9 {
			v |= uint16(level(e.T+(1.5+float64(i))*bitTime)) << i
		}
		words, starts, busy = append(words, v), append(starts, e.T), e.T+10.5*bitTime
	}
	return words, starts
}

// Whatever the dirt, what is drawn is read back by a plain receiver: words do
// not overlap on their line, pulses are no words.
func TestWhatIsDrawnCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Dirt{Seed: rapid.Uint64().Draw(t, "seed"), Clean: rapid.Bool().Draw(t, "clean"), Fixed: rapid.Bool().Draw(t, "fixed"),
			Jitter: rapid.Float64Range(0, 4).Draw(t, "jitter"), Noise: rapid.IntRange(0, 1000).Draw(t, "noise"), Overlap: rapid.IntRange(0, 1000).Draw(t, "overlap")}
		p := newPen(d, 1000)
		var want [2][]Sent
		at := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "words") {
			w := mdb.Word{T: at, V: rapid.Uint16Range(0, 0x1FF).Draw(t, "word"), Line: mdb.Line(rapid.IntRange(0, 1).Draw(t, "line"))}
			want[w.Line] = append(want[w.Line], p.draw(w, 1000))
			at += 1146 + rapid.SampledFrom([]int64{0, 0, 100, 3000, 50_000}).Draw(t, "pause")
		}
		edges := p.take()
		for l := range want {
			if !slices.IsSortedFunc(edges[l], func(a, b Edge) int { return int(a.T - b.T) }) {
				t.Fatalf("line %d: edges out of order", l)
			}
			words, starts := hear(edges[l])
			if len(words) != len(want[l]) {
				t.Fatalf("line %d: drew %d words, read %d", l, len(want[l]), len(words))
			}
			for i, s := range want[l] {
				if words[i] != s.V || starts[i] != s.Start {
					t.Fatalf("line %d word %d: drew %03X at %f, read %03X at %f", l, i, s.V, s.Start, words[i], starts[i])
				}
				if i > 0 && s.Start < want[l][i-1].End-1 {
					t.Fatalf("line %d: word %d begins in the one before", l, i)
				}
			}
		}
	})
}

// A difference of any kind is told.
func TestCompareTells(t *testing.T) {
	sent := []Sent{}
	var heard []mdb.Word
	for i := range 6 {
		w := mdb.Word{T: int64(i) * 2000, V: uint16(0x100 + i), Line: mdb.Line(i % 2)}
		sent = append(sent, Sent{w, float64(w.T) + 5000, float64(w.T) + 6146})
		heard = append(heard, w)
	}
	if c := Compare(sent, heard); len(c.Errors) != 0 || c.Wire != 6 || c.Received != 6 {
		t.Fatalf("%+v", c)
	}
	for name, spoil := range map[string]func([]mdb.Word) []mdb.Word{
		"a value":       func(ws []mdb.Word) []mdb.Word { ws[3].V ^= 1; return ws },
		"a flag":        func(ws []mdb.Word) []mdb.Word { ws[3].Flags = mdb.Gap; return ws },
		"a time":        func(ws []mdb.Word) []mdb.Word { ws[3].T += 300; return ws },
		"one missing":   func(ws []mdb.Word) []mdb.Word { return slices.Delete(ws, 2, 3) },
		"one doubled":   func(ws []mdb.Word) []mdb.Word { return slices.Insert(ws, 2, ws[2]) },
		"another order": func(ws []mdb.Word) []mdb.Word { ws[2], ws[3] = ws[3], ws[2]; return ws },
		"none":          func([]mdb.Word) []mdb.Word { return nil },
	} {
		if c := Compare(sent, spoil(slices.Clone(heard))); len(c.Errors) == 0 {
			t.Errorf("%s was not told", name)
		}
	}
}
