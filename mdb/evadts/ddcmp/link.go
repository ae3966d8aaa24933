package ddcmp

import (
	"time"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// link numbers, acknowledges and repeats messages; it is the same for both
// sides. Numbers run from 1 after START and wrap at a byte.
type link struct {
	timing   Timing
	turn     time.Duration // before anything it sends
	station  byte
	baud     int
	tries    int
	out      line.Outbox
	timer    line.Timer // for the ACK of what was sent
	sent     []byte     // the frame that waits for it; nil for none
	number   byte       // of the last message sent
	received byte       // of the last message received well
	again    int
	bad      int
}

// air is how long n bytes take on the wire.
func (l *link) air(n int) time.Duration {
	return time.Duration(n) * 10 * time.Second / time.Duration(l.baud)
}

func (l *link) restart() {
	l.out.Clear()
	l.timer.Stop()
	l.sent, l.number, l.received, l.again, l.bad = nil, 0, 0, 0, 0
}

func (l *link) put(now time.Duration, b []byte) time.Duration {
	at := now + l.turn
	l.out.Put(at, b...)
	return at + l.air(len(b))
}

func (l *link) control(now time.Duration, typ, third, a, b byte) {
	l.put(now, AppendControl(nil, typ, third, a, b, l.station))
}

func (l *link) ack(now time.Duration) { l.control(now, typeACK, flag, l.received, 0) }

// say sends a message that has to be acknowledged.
func (l *link) say(now time.Duration, text []byte, final bool) {
	l.number++
	l.again = 0
	l.sent = AppendData(nil, l.received, l.number, l.station, final, text)
	l.timer.Set(l.put(now, l.sent) + l.timing.ACK)
}

// repeat sends the message once more; false when it was said often enough.
func (l *link) repeat(now time.Duration) bool {
	if l.again++; l.again > l.tries {
		return false
	}
	l.timer.Set(l.put(now, l.sent) + l.timing.ACK)
	return true
}

func (l *link) acknowledged() {
	l.sent = nil
	l.timer.Stop()
}

// verdict is what the link makes of a frame.
type verdict uint8

const (
	goOn verdict = iota
	acked
	arrived // new data, already acknowledged; what was sent is acknowledged too
	gaveUp  // damaged or unheard too often
)

func (l *link) take(now time.Duration, f frame) verdict {
	switch f.kind {
	case ack:
		if l.sent != nil && f.a == l.number {
			l.acknowledged()
			return acked
		}
	case nack:
		switch {
		case l.sent == nil:
		case f.a == l.number: // it has the message, and failed at something else
			l.acknowledged()
			return acked
		case !l.repeat(now):
			return gaveUp
		}
	case data:
		return l.message(now, f)
	case badHeader:
		return l.refuse(now, nackHeader)
	case badData:
		return l.refuse(now, nackData)
	case tooLong:
		return l.refuse(now, nackTooLong)
	case none, start, stack:
	}
	return goOn
}

func (l *link) refuse(now time.Duration, reason byte) verdict {
	if l.bad++; l.bad > l.tries {
		return gaveUp
	}
	l.control(now, typeNACK, flag|reason, l.received, 0)
	return goOn
}

func (l *link) message(now time.Duration, f frame) verdict {
	switch f.b {
	case l.received:
		l.ack(now) // a repetition: our ACK was lost
		return goOn
	case l.received + 1:
	default:
		return l.refuse(now, nackFormat)
	}
	if l.sent != nil && f.a == l.number {
		l.acknowledged()
	}
	l.received, l.bad = f.b, 0
	l.ack(now)
	return arrived
}
