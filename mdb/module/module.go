// Package module is the seam to whatever hears the bus: interface modules and
// trace files give the same stream of words, so anything recorded can be
// replayed through the same code.
package module

import (
	"context"

	"github.com/chekomat/chekomat/mdb"
)

// Cursor is a position in a source: which boot of the module, and the number
// of the next word. Zero means "from whatever comes first".
type Cursor struct {
	Boot uint64 `json:"boot"`
	Seq  uint64 `json:"seq"`
}

// Fidelity is what a source can know; it caps the evidence class of what is
// recovered from it.
type Fidelity struct {
	ModeBits  bool // the ninth bit was heard, not guessed
	Checksums bool // checksums were heard, not added
	Times     bool // word times were measured
	BothLines bool // answers of peripherals are heard
}

// Chunk is what a source gives at once.
type Chunk struct {
	Words []mdb.Word // valid until the next Read
	Now   int64      // µs on the source's clock: nothing else was heard up to here
	Next  Cursor     // the position after this chunk
	Lost  bool       // words before this chunk were lost: bus state unknown
	Note  string     // why Lost, in the module's terms ("module restarted", "ring overrun")

	Said    []Said   // fates of lines given to a Speaker
	Trouble []string // what the module refused or suffered, in its terms
}

// Source gives the words of a bus. Read blocks until there are words or time
// has passed (at most about 100 ms), and returns io.EOF when a file ends. A
// source that lost its module returns an error; the owner reopens it with the
// last cursor it stored.
type Source interface {
	Fidelity() Fidelity
	Read(ctx context.Context) (Chunk, error)
	Close() error
}
