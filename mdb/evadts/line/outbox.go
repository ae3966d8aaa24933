package line

import "time"

// Outbox holds what waits for the line to turn round: half duplex forbids to
// answer at once. Everything queued goes out together when its moment comes.
type Outbox struct {
	bytes []byte
	due   Timer
}

// Put queues bytes for a moment; what waits already goes with them, in order.
func (o *Outbox) Put(at time.Duration, b ...byte) {
	o.bytes = append(o.bytes, b...)
	if !o.due.Armed() || at > o.due.at {
		o.due.Set(at)
	}
}

// Clear forgets what is queued.
func (o *Outbox) Clear() { *o = Outbox{bytes: o.bytes[:0]} }

// Flush moves what is due into an action and reports whether there was any.
func (o *Outbox) Flush(now time.Duration, a *Action) bool {
	if !o.due.Due(now) {
		return false
	}
	a.Send = append([]byte(nil), o.bytes...)
	o.Clear()
	return true
}

// Timer is the moment of the next flush.
func (o *Outbox) Timer() *Timer { return &o.due }
