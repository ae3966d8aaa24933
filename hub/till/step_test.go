package till

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

// TestLaneBackFromAnotherHubSaysThatItLooked: the seat of a lane that another hub
// had counts as not looked at; were it not said again, siblings whose own ФН was
// replaced would wait for it for ever (found by the simulation, seed 50173).
func TestLaneBackFromAnotherHubSaysThatItLooked(t *testing.T) {
	p := newPool("s", nil, time.Now())
	s, sibling := p.sit(store.Lane{ID: "l2"}), p.sit(store.Lane{ID: "l1"})
	p.mayWork(s)
	l := lane{allowed: true}
	p.elsewhere(s, false, 1)
	l.Step(noon, leased{Until: noon.Add(time.Minute)})
	p.ours(s)
	if l.allowed {
		t.Fatal("the lane will not ask whether it may send")
	}
	if p.mayWork(sibling) {
		t.Fatal("a sibling sends before the lane was looked at")
	}
	if p.mayWork(s); !p.mayWork(sibling) {
		t.Fatal("a sibling waits for a lane that was looked at")
	}
}

// TestARestoredDatabaseDoesNotVouchForAnotherHub: its backup says that a hub held
// the lane and had looked at the register. That hub may be gone, and what it made
// since is on the register alone (found by the simulation, seed 51182).
func TestARestoredDatabaseDoesNotVouchForAnotherHub(t *testing.T) {
	for _, restored := range []bool{false, true} {
		p := newPool("s", nil, time.Now())
		p.restored = restored
		s, sibling := p.sit(store.Lane{ID: "l2"}), p.sit(store.Lane{ID: "l1"})
		p.elsewhere(s, true, 1000)
		p.elsewhere(s, true, 1000)
		if got := len(p.unlooked(sibling)) == 0; got == restored {
			t.Errorf("restored %t: counts as looked at: %t", restored, got)
		}
		p.elsewhere(s, true, 2000) // its holder lives
		if len(p.unlooked(sibling)) > 0 {
			t.Errorf("restored %t: a lane of a hub that works is waited for", restored)
		}
	}
}
