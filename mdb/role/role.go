// Package role plays peripherals on the MDB bus: a cashless reader that wants
// to be told of cash sales, and a communications gateway that is told of every
// transaction (reference 16.1, positions P3 and P4). A role is a pure step
// machine: blocks of the VMC go in, what the module shall say comes out. The
// module answers within the bus's 5 ms from static answers and a queue
// (docs/link.md, "Speaking"); a role never has to be fast.
//
// A role gives no sales. They are recovered from the same words as ever, with
// the role's own answers among them.
package role

import (
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
)

// Act is what a role wants of the module, in this order.
type Act struct {
	Replies []module.Reply
	Lines   []module.Line // Tag 0 to 63, the role's own
}

// Role is one device played. It is used by one goroutine.
type Role interface {
	Device() mdb.Device
	// Start gives the static answers it begins with.
	Start() []module.Reply
	// Command takes a whole block of the VMC to the device, checksum removed.
	// t is µs on the source's clock.
	Command(t int64, payload []byte) Act
	// Said tells the fate of a line: accepted by the VMC, or lost by a reset.
	Said(t int64, tag uint8, ok bool) Act
	// Advance says that time has passed.
	Advance(t int64) Act
	// Lost says that words were not heard: the VMC may have said anything.
	Lost()
}

// tags gives numbers to lines, 0 to 63 in turn.
type tags struct{ next uint8 }

func (g *tags) take() uint8 {
	t := g.next
	g.next = (g.next + 1) & 0x3F
	return t
}

// encode makes the data of one message, no checksum.
func encode(m mdb.AnswerMessage, dl mdb.Dialect) []byte {
	return m.AppendAnswer(make([]byte, 0, mdb.MaxBlock), dl)
}
