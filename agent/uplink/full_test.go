package uplink

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

// A connection outlives a disk that takes nothing, and when it takes records
// again the hub is asked once for what was not kept.
func TestAFullDiskDoesNotEndTheConnection(t *testing.T) {
	u := &Uplink{cfg: Config{Logger: logger()}}
	for _, err := range []error{journal.ErrFull, journal.ErrDisk} {
		if got := u.unlessFull(fmt.Errorf("keep: %w", err)); got != nil || !u.full || u.again {
			t.Fatalf("%v: %v, full %v, again %v", err, got, u.full, u.again)
		}
	}
	other := errors.New("other")
	if got := u.unlessFull(other); !errors.Is(got, other) || !u.full {
		t.Fatalf("another error: %v, full %v", got, u.full)
	}
	if got := u.unlessFull(nil); got != nil || u.full || !u.again {
		t.Fatalf("room again: %v, full %v, again %v", got, u.full, u.again)
	}
	u.again = false
	if got := u.unlessFull(nil); got != nil || u.again {
		t.Fatalf("asked twice: %v", u.again)
	}
}

// What could not be kept may have been the hub's word that it lost records, and
// with nothing to write the agent would never find that there is room again.
func TestAFullDiskIsTriedAgain(t *testing.T) {
	u := &Uplink{cfg: Config{Logger: logger(), Every: 30 * time.Second}, greeted: true, helloAt: 5000}
	if due := u.helloDue(); due < 1<<62 {
		t.Fatalf("a hello is due at %d though all is well", due)
	}
	_ = u.unlessFull(journal.ErrFull)
	if due := u.helloDue(); due != 65_000 {
		t.Fatalf("the next hello is due at %d", due)
	}
}

// What the hub has spoken on but could not be noted is sent again after the
// patience, never at once: a full disk must not make a storm.
func TestUnsettledIsHeldBack(t *testing.T) {
	w := newWindow(32, 1000)
	k := []journal.Key{{Epoch: 1, Seq: 1}, {Epoch: 1, Seq: 2}}
	w.greeted(1, 0, nil)
	if got := w.wanted(0, k, nil); len(got) != 2 {
		t.Fatalf("sent %v", got)
	}
	w.settled(k[0])
	w.settled(k[1])
	w.unsettled(10, journal.Settlement{Epoch: 1, Stored: []int64{1}, Refused: []wire.Refusal{{Seq: 2, Code: "x"}}})
	if got := w.wanted(1009, k, nil); len(got) != 0 {
		t.Fatalf("sent again at once: %v", got)
	}
	if got := w.wanted(1010, k, nil); len(got) != 2 {
		t.Fatalf("after the patience: %v", got)
	}
}
