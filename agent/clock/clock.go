// Package clock reads the two clocks a record is dated with: the wall clock,
// which may be wrong until a time service has set it, and the monotonic clock
// of one boot of the kernel, which is never wrong but says nothing across
// boots.
package clock

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Reading is one look at the clocks.
type Reading struct {
	Wall   time.Time // UTC
	Synced bool      // a time service keeps the wall clock right
	Boot   string    // this boot of the kernel: 16 hex digits
	MonoMS int64     // ms since that boot, time asleep included
}

// Clock gives readings. Tests inject their own.
type Clock interface{ Now() Reading }

// Func makes a clock of a function.
type Func func() Reading

// Now calls f.
func (f Func) Now() Reading { return f() }

// System is the machine's clock.
func System() Clock {
	boot := bootID()
	var kernel cached
	return Func(func() Reading {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			panic("clock: CLOCK_BOOTTIME can't be read: " + err.Error())
		}
		return Reading{
			Wall:   time.Now().UTC(),
			Synced: kernel.at(int64(ts.Sec)), //nolint:unconvert // 32 bits on armhf
			Boot:   boot,
			MonoMS: ts.Nano() / int64(time.Millisecond),
		}
	})
}

// bootID shortens the kernel's random UUID to 64 bits: it only has to differ
// between the boots one journal has seen.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	id := strings.ReplaceAll(strings.TrimSpace(string(b)), "-", "")
	if err != nil || len(id) < 16 {
		// Without the kernel's id no two starts may be thought to share a boot.
		return "p" + time.Now().UTC().Format("060102150405.00")
	}
	return id[:16]
}

// cached keeps the kernel's answer for a second of the boot's clock: readings
// are taken with each chunk of words, time services come and go slowly.
type cached struct {
	mu     sync.Mutex
	second int64
	synced bool
}

func (c *cached) at(second int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.second != second {
		c.second, c.synced = second, synced()
	}
	return c.synced
}

// synced asks the kernel whether a time service disciplines the clock
// (adjtimex(2): TIME_ERROR and STA_UNSYNC mean it does not).
func synced() bool {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	return err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0
}

// At dates something that happened ago before r.
func (r Reading) At(ago time.Duration) Reading {
	if ago < 0 {
		ago = 0
	}
	r.Wall = r.Wall.Add(-ago)
	r.MonoMS -= ago.Milliseconds()
	return r
}

// Since tells how long before r the reading old was made: exactly within one
// boot; across boots by wall clocks, where offset, when not zero, is the wall
// time in Unix ms at MonoMS 0 of old's boot, learnt after its clock was set.
// Never negative.
func (r Reading) Since(old Reading, offset int64) time.Duration {
	var ms int64
	switch {
	case r.Boot == old.Boot:
		ms = r.MonoMS - old.MonoMS
	case !old.Synced && offset != 0:
		ms = r.Wall.UnixMilli() - (offset + old.MonoMS)
	default:
		ms = r.Wall.UnixMilli() - old.Wall.UnixMilli()
	}
	return time.Duration(max(ms, 0)) * time.Millisecond
}

// Offset is the wall time in Unix ms at MonoMS 0 of this boot.
func (r Reading) Offset() int64 { return r.Wall.UnixMilli() - r.MonoMS }
