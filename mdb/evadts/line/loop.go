package line

import (
	"slices"
	"time"
)

// Loop joins two sessions by a wire without a clock: time jumps to the next
// moment something happens. The bench and the tests of both protocols use it.
type Loop struct {
	A, B Session
	// ToA and ToB change what travels: damage, loss, repetition. nil leaves it.
	ToA, ToB func(now time.Duration, b []byte) []byte
	Delay    time.Duration // of the wire, each way
	Limit    int           // steps; 1 000 000 when 0
}

type flight struct {
	at    time.Duration
	toA   bool
	bytes []byte
}

// Run goes on until A is done, nothing happens any more or the limit is
// reached; it reports whether A is done, and when.
func (l *Loop) Run() (now time.Duration, done bool) {
	var air []flight
	limit := l.Limit
	if limit == 0 {
		limit = 1_000_000
	}
	wakeA, wakeB := time.Duration(0), time.Duration(0)
	for range limit {
		next := min(wakeA, wakeB)
		for _, f := range air {
			next = min(next, f.at)
		}
		if next == Never {
			return now, false
		}
		now = max(now, next)
		var toA, toB []byte
		air = slices.DeleteFunc(air, func(f flight) bool {
			if f.at > now {
				return false
			}
			if f.toA {
				toA = append(toA, f.bytes...)
			} else {
				toB = append(toB, f.bytes...)
			}
			return true
		})
		if len(toA) > 0 || wakeA <= now {
			a := l.A.Step(now, toA)
			air = l.launch(air, now, false, a.Send)
			if a.Done {
				return now, true
			}
			wakeA = a.Wake
		}
		if len(toB) > 0 || wakeB <= now {
			b := l.B.Step(now, toB)
			air = l.launch(air, now, true, b.Send)
			wakeB = b.Wake
		}
	}
	return now, false
}

func (l *Loop) launch(air []flight, now time.Duration, toA bool, b []byte) []flight {
	if len(b) == 0 {
		return air
	}
	if change := l.ToB; !toA && change != nil {
		b = change(now, b)
	} else if change := l.ToA; toA && change != nil {
		b = change(now, b)
	}
	if len(b) == 0 {
		return air
	}
	return append(air, flight{at: now + l.Delay, toA: toA, bytes: slices.Clone(b)})
}
