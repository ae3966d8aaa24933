package simulate

import (
	"fmt"
	"slices"
	"strings"
)

// Wrong ways to do it that the checks must find: the four of reliability.md
// C.3.1, and others at other seams.
const (
	RetryBlindly      = "retry-until-answered"  // not answered: send again
	DoneThenSend      = "done-then-send"        // count as done, then send
	CounterMoved      = "counter-moved"         // the counter moved: it was us
	KeyWithoutWaiting = "key-without-waiting"   // look for the key, but do not wait until the register is idle
	AckBeforeDurable  = "ack-before-durable"    // the hub answers first and stores later
	OlderReceipt      = "receipt-of-older-sale" // the panel shows whatever receipt comes
	SyncForgotten     = "sync-forgotten"        // disks do not sync what they are told to
	KeyPerTry         = "key-per-try"           // a refund or correction that is tried again gets a key of its own
)

// Breaks lists them.
func Breaks() []string {
	return []string{RetryBlindly, DoneThenSend, CounterMoved, KeyWithoutWaiting, AckBeforeDurable, OlderReceipt, SyncForgotten, KeyPerTry}
}

func checkBreak(name string) error {
	if name != "" && !slices.Contains(Breaks(), name) {
		return fmt.Errorf("no wrong strategy %q; there are %s", name, strings.Join(Breaks(), ", "))
	}
	return nil
}
