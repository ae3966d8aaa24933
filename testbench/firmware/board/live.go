package board

import (
	"context"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// Live lets bus time pass at the pace of the wall, speed times faster, until ctx
// ends: for programs that live in wall time. A VMC looks for a changer meanwhile.
// A board that can't keep up is late, it does not hurry afterwards. The pace may
// not let a trial of an image end before a host of flesh can greet it: two or
// three, not more.
func (b *Board) Live(ctx context.Context, speed float64) error {
	const polls = 200_000 // µs
	last, next := time.Now(), b.now
	for ctx.Err() == nil && b.fail == nil {
		now := time.Now()
		pass := min(float64(now.Sub(last).Microseconds())*speed, 100_000)
		last = now
		if b.now >= next {
			next = b.now + polls
			b.Begin()
			for i, v := range []uint16{0x10B, 0x00B} {
				b.Emit(mdb.Word{T: 1000 + 1200*int64(i), V: v, Line: mdb.Master})
			}
			b.Emit(mdb.Word{T: 5000, V: mdb.Mode, Line: mdb.Slave})
		}
		b.run(b.now + pass)
		if pass < 5000 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	return b.fail
}
