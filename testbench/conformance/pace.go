package conformance

import (
	"context"
	"sync"
	"time"
)

// pace bounds how many schedules run at the same time. Most of a schedule is
// waiting for answers that do not come, so many fit beside each other; but when
// the machine is busy, answers that do come are late, time-outs pass that should
// not, and settling them costs more than was saved. So the bound follows how
// late the machine wakes a sleeper, whoever else keeps it busy.
type pace struct {
	mu      sync.Mutex
	free    *sync.Cond
	running int
	limit   float64
	most    float64
}

const (
	paceTick  = 5 * time.Millisecond
	paceEarly = 5 * time.Millisecond  // room for one more
	paceLate  = 20 * time.Millisecond // a third of the shortest time-out: fewer
	paceLeast = 12                    // fewer would only wait longer for what others do with the machine
)

// newPace begins carefully; most is the bound of an idle machine.
func newPace(most int) *pace {
	p := &pace{limit: min(float64(most), paceLeast), most: float64(most)}
	p.free = sync.NewCond(&p.mu)
	return p
}

// watch follows the machine until ctx ends.
func (p *pace) watch(ctx context.Context) {
	tick := time.NewTimer(paceTick)
	defer tick.Stop()
	for due := time.Now().Add(paceTick); ; due = time.Now().Add(paceTick) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.follow(time.Since(due))
		tick.Reset(paceTick)
	}
}

// follow takes in how late a sleeper was woken: one more at a time, a tenth
// fewer at once.
func (p *pace) follow(late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case late > paceLate:
		p.limit = max(min(paceLeast, p.most), p.limit*0.9)
	case late < paceEarly:
		p.limit = min(p.most, p.limit+0.5)
		p.free.Broadcast()
	}
}

func (p *pace) enter() {
	p.mu.Lock()
	for p.running >= int(p.limit) {
		p.free.Wait()
	}
	p.running++
	p.mu.Unlock()
}

func (p *pace) leave() {
	p.mu.Lock()
	p.running--
	p.mu.Unlock()
	p.free.Signal()
}
