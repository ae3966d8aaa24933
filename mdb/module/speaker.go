package module

import "github.com/chekomat/chekomat/mdb"

// Reply is what the module answers by itself to a command that begins with
// Key; the first byte of Key is the command byte and names the address. Data
// has no checksum; a single 00 is ACK, empty is silence. The longest Key that
// fits wins.
type Reply struct{ Key, Data []byte }

// Line is said to a POLL of an address, again until the VMC has ACKed it.
type Line struct {
	Address mdb.Device
	Tag     uint8 // comes back in Said
	Data    []byte
}

// Speaker is a source whose module can also be a peripheral on the bus. The
// module answers within the bus's 5 ms from what it was told beforehand. None
// of the methods waits; what the module refused comes in Chunk.Said and
// Chunk.Trouble.
type Speaker interface {
	// SetMode plays the addresses; none is listening only. Naming the addresses
	// played already changes nothing.
	SetMode(addresses ...mdb.Device) error
	// SetReplies adds or replaces static answers.
	SetReplies(...Reply) error
	// ClearReplies takes back static answers and lines of an address.
	ClearReplies(mdb.Device) error
	// QueuePoll adds a line.
	QueuePoll(Line) error
	// Live gives the cursor where the present begins: words before it were heard
	// before this connection, and nobody waits for an answer to them.
	Live() Cursor
}

// Switcher is a source with outputs (inhibit relays).
type Switcher interface {
	SetOutputs(mask, value uint8) error
}

// Said is the fate of a Line.
type Said struct {
	Tag   uint8
	OK    bool // the VMC ACKed it; otherwise it was taken back or lost by a reset
	Tries uint8
}
