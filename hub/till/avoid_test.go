package till

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// TestSalesLeaveARegisterWhoseDocumentsWaitLong: its siblings take them while
// any works, and it takes them when none does.
func TestSalesLeaveARegisterWhoseDocumentsWaitLong(t *testing.T) {
	q := &fakeQueue{list: []store.Candidate{{ID: "1", Machine: "m"}, {ID: "2", Machine: "m"}, {ID: "3", Machine: "m"}, {ID: "4", Machine: "n"}}}
	p := newPool("s", q, time.Time{})
	full, free := sit(p, "full", false, 1), sit(p, "free", false, 1)
	full.looked, free.looked = true, true
	done := func(s *seat, id string) {
		p.working(s, "", 0)
		p.drop(id, false)
		for i, c := range q.list {
			if c.ID == id {
				q.list = append(q.list[:i:i], q.list[i+1:]...)
				break
			}
		}
	}
	id := takeOne(t, p, full, 100) // the machine stays with it
	if id != "1" {
		t.Fatalf("took %q", id)
	}
	done(full, id)
	p.avoids(full, true)
	if got := takeOne(t, p, full, 200); got != "" {
		t.Errorf("it took %q while another works", got)
	}
	if id = takeOne(t, p, free, 200); id == "" {
		t.Fatal("the other takes none")
	}
	done(free, id)
	p.tells(free, true)
	if id = takeOne(t, p, full, 300); id == "" {
		t.Error("nobody makes receipts")
	}
	done(full, id)
	p.tells(free, false)
	p.avoids(free, true) // both are to be avoided: both work
	if takeOne(t, p, full, 400) == "" {
		t.Error("nobody makes receipts though both could")
	}
}

func TestWhenARegisterIsAvoided(t *testing.T) {
	zone := time.FixedZone("MSK", 3*3600)
	for days, want := range map[int]bool{0: false, 19: false, 20: true, 29: true} {
		u := kkt.Unit{FN: kkt.FNState{Serial: "1", Unsent: 1, UnsentAt: noon.Add(3*time.Hour).AddDate(0, 0, -days)}}
		if got := avoided(zone, noon, u); got != want {
			t.Errorf("%d days: %v", days, got)
		}
	}
	if avoided(zone, noon, kkt.Unit{FN: kkt.FNState{UnsentAt: noon.AddDate(0, -1, 0)}}) {
		t.Error("nothing waits")
	}
}

func TestWhenCountersAreRead(t *testing.T) {
	open := kkt.Unit{FN: kkt.FNState{Serial: "1", Shift: 5, ShiftOpen: true}}
	closed := kkt.Unit{FN: kkt.FNState{Serial: "1", Shift: 5}}
	for name, c := range map[string]struct {
		last counted
		u    kkt.Unit
		want bool
	}{
		"a shift that is open at the start": {counted{}, open, false},
		"closed at the start":               {counted{}, closed, true},
		"it was closed":                     {counted{"1", 5, true, noon}, closed, true},
		"closed and read":                   {counted{"1", 5, false, noon.AddDate(0, 0, -3)}, closed, false},
		"open for a while":                  {counted{"1", 5, true, noon.Add(-23 * time.Hour)}, open, false},
		"open for a day":                    {counted{"1", 5, true, noon.Add(-24 * time.Hour)}, open, true},
		"another ФН":                        {counted{"2", 5, false, noon}, closed, true},
		"no shift yet":                      {counted{}, kkt.Unit{FN: kkt.FNState{Serial: "1"}}, false},
		"no ФН":                             {counted{}, kkt.Unit{}, false},
	} {
		if got := countDue(c.last, c.u, noon); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
