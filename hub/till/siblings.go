package till

import "slices"

// What the lanes of a pool know of each other.

// tells notes how a lane does; when it stops being able to work, the others
// look at the queue.
func (p *pool) tells(s *seat, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed && !s.failed {
		s.idle = false
		defer p.wakeAll()
	}
	s.failed = failed
}

// mayClose lets one lane of the pool after another close its shift while it
// has time, so that the pool always has registers that work.
func (p *pool) mayClose(s *seat) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.seats {
		if o != s && o.closing && !o.failed {
			return false
		}
	}
	s.closing = true
	return true
}

// mayWork says whether the seat's lane may send. All registers of the seller
// are looked at first, since what a lost database forgot may stand on any of
// them. One that can't be reached is not waited for: while it was not looked at
// and the database may have been restored, only sales of this run are made.
func (p *pool) mayWork(s *seat) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.looked {
		s.looked, p.stale, p.readAt = true, true, 0
	}
	for _, o := range p.seats {
		if !o.looked && !o.failed {
			return false
		}
	}
	return true
}

// unlooked lists the other lanes whose documents are not accounted for yet.
func (p *pool) unlooked(s *seat) (lanes []string) {
	for id, o := range p.seats {
		if o != s && !o.looked {
			lanes = append(lanes, id)
		}
	}
	slices.Sort(lanes)
	return lanes
}

// waitsFor lists the lanes without which older sales can't be made.
func (p *pool) waitsFor(s *seat) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.restored {
		return nil
	}
	return p.unlooked(s)
}

func (p *pool) foundLost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restored = true
}

// whole says that nothing of a lost database can be hidden on a register any more.
func (p *pool) whole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.unlooked(nil)) == 0
}
