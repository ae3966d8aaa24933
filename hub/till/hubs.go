package till

import (
	"context"
	"encoding/json"

	"github.com/chekomat/chekomat/hub/store"
)

// Several hubs may run the lanes of one database: each lane is leased to one of
// them, the others wait for it. What a person changes through one hub, the
// others find at a tick.

// elsewhere says that another hub holds the seat's lane: it is not waited for,
// gets no jobs here, and its register is that hub's to look at before it sends.
// looked says that it has; of a database that may have been restored that counts
// once the lease, which ends then (ms), is seen renewed: the hub may be no more,
// and what it made since the backup stands on the register alone.
func (p *pool) elsewhere(s *seat, looked bool, until int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.leased == 0 {
		s.leased = until
	}
	s.idle, s.failed, s.away = false, true, true
	s.looked = s.looked || looked && (!p.restored || until > s.leased)
	p.wakeAll()
}

// ours says that the lane is held here now; after another hub had it, its
// register is looked at again before anything is sent.
func (p *pool) ours(s *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.leased = 0
	if s.away {
		s.away, s.failed, s.looked = false, false, false
	}
}

// followLanes starts anew the lanes that were changed, or let go on, through
// another hub.
func (t *Till) followLanes(ctx context.Context) error {
	if shared, _ := t.store.Neighbours(); !shared {
		return nil
	}
	lanes, err := t.store.Lanes(ctx)
	if err != nil {
		return err
	}
	for _, l := range lanes {
		t.mu.Lock()
		r := t.runs[l.ID]
		t.mu.Unlock()
		switch {
		case r == nil, r.set.Load() != nil && *r.set.Load() != settingsOf(l):
			t.LaneChanged(l.ID)
		case r.halted.Load() && (l.State == string(Starting) || l.State == string(OK)): // a person let it go on
			t.LaneChanged(l.ID)
		}
	}
	return nil
}

// settingsOf is what a lane is run by; what it does is left out.
func settingsOf(l store.Lane) string {
	l.State, l.Fault, l.Detail, l.Accepted, l.AcceptedBy = "", "", "", "", ""
	b, _ := json.Marshal(l) // of plain fields
	return string(b)
}
