package conformance

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the machine does, between the least and the most are let in, and a
// late machine never more than before.
func TestPaceStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 100).Draw(t, "most")
		p := newPace(most)
		for _, ms := range rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "late") {
			before := p.limit
			p.follow(time.Duration(ms) * time.Millisecond)
			if p.limit > float64(most) || p.limit < float64(min(most, paceLeast)) || ms > 20 && p.limit > before {
				t.Fatalf("%f of %d after %d ms, %f before", p.limit, most, ms, before)
			}
		}
		for range int(p.limit) {
			p.enter() // would block for ever
		}
		for range int(p.limit) {
			p.leave()
		}
		if p.running != 0 {
			t.Fatal(p.running)
		}
	})
}

// On a machine with nothing else to do the bound is reached.
func TestPaceGrows(t *testing.T) {
	p := newPace(48)
	for range 100 {
		p.follow(0)
	}
	if int(p.limit) != 48 {
		t.Error(p.limit)
	}
}
