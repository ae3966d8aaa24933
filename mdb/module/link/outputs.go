package link

import (
	"sync/atomic"
	"time"
)

// safeAfter is how long a host may be silent before a module's outputs take
// their safe state, until SAFE_OUTPUTS says another time.
const safeAfter = 10 * time.Second

// tenth is the unit of SafeOutputs.After.
const tenth = 100 * time.Millisecond

// life is what a host does to be known alive while it has nothing to say: a
// module whose host is silent lets its outputs fall into their safe state and
// keeps what it would have told.
type life struct {
	begun time.Time
	said  atomic.Int64 // since begun, of the last frame
	after atomic.Int64 // the module's patience
}

func newLife() *life {
	l := &life{begun: time.Now()}
	l.after.Store(int64(safeAfter))
	return l
}

// tell notes a frame that goes out.
func (l *life) tell(m Message) {
	if s, is := m.(SafeOutputs); is && s.After > 0 {
		l.after.Store(int64(s.After) * int64(tenth))
	}
	l.said.Store(int64(time.Since(l.begun)))
}

// due says that a sign of life is to be sent: a quarter of the module's patience
// passed without a frame. An owner that looks again within look sends one every
// third at the latest.
func (l *life) due() bool {
	now := int64(time.Since(l.begun))
	if now-l.said.Load() < l.after.Load()/4 {
		return false
	}
	l.said.Store(now)
	return true
}

func (l *life) look() time.Duration { return time.Duration(l.after.Load() / 12) }

// outputs of a module, and the state they take when its host is silent.
type outputs struct {
	value, safe uint8
	after       time.Duration
	heard       time.Time // the host's last frame
}

// at gives what they are by now.
func (o *outputs) at(now time.Time) uint8 {
	if now.Sub(o.heard) >= o.after {
		o.value = o.safe
	}
	return o.value
}

func (o *outputs) hear(now time.Time) {
	o.at(now) // what fell stays until the host sets it
	o.heard = now
}

func (o *outputs) set(m SetOutputs) uint8 {
	o.value = (o.value&^m.Mask | m.Value&m.Mask) & 3
	return StatusOK
}

func (o *outputs) setSafe(m SafeOutputs) uint8 {
	if m.Value > 3 || m.After == 0 {
		return StatusValue
	}
	o.safe, o.after = m.Value, time.Duration(m.After)*tenth
	return StatusOK
}
