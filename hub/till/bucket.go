package till

import "time"

// bucket bounds the pace of a lane: a document each every on the average, burst
// of them at once (the generic cell rate algorithm: one time is its whole state).
type bucket struct {
	every time.Duration // 0: no limit
	burst int           // at least 1
	empty time.Time     // when what was taken is given back in full
}

// at is when the next document may go; the zero time: now.
func (b *bucket) at(now time.Time) time.Time {
	if b.every <= 0 {
		return time.Time{}
	}
	if t := b.empty.Add(-time.Duration(max(b.burst, 1)-1) * b.every); t.After(now) {
		return t
	}
	return time.Time{}
}

// take counts a document.
func (b *bucket) take(now time.Time) {
	if b.every <= 0 {
		return
	}
	if b.empty.Before(now) {
		b.empty = now
	}
	b.empty = b.empty.Add(b.every)
}
