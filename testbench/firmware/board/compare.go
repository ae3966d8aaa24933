package board

import (
	"fmt"
	"math"
	"sort"

	"github.com/chekomat/chekomat/mdb"
)

// Compared is what the host got held against what was on the wire.
type Compared struct {
	Wire     int      `json:"words_on_wire"`
	Received int      `json:"words_received"`
	Own      int      `json:"own_words"` // of them the module's
	MaxError float64  `json:"time_error_us"`
	Errors   []string `json:"-"`
}

// Tolerances, µs: a receiver that does not know the transmitter's clock finds
// the start of a word 10.5 bits before its stop bit, 22 µs wrong at the limits;
// the interrupt that reads the clock may have to wait for the link's.
const (
	timeTolerance  = 200
	orderTolerance = 200
)

// Compare holds words against words, line by line: values, flags, times and the
// order over all lines. Differences are told, the first of each line.
func Compare(sent []Sent, heard []mdb.Word) (c Compared) {
	c.Wire, c.Received = len(sent), len(heard)
	bySent, byHeard := [4][]Sent{}, [4][]mdb.Word{}
	for _, s := range sent {
		bySent[s.Line] = append(bySent[s.Line], s)
		if s.Flags&mdb.Own != 0 {
			c.Own++
		}
	}
	for _, w := range heard {
		byHeard[w.Line] = append(byHeard[w.Line], w)
	}
	epoch, known := 0.0, false
	for l := range bySent {
		ss, ws := bySent[l], byHeard[l]
		sort.SliceStable(ss, func(i, j int) bool { return ss[i].Start < ss[j].Start })
		if len(ss) != len(ws) {
			c.fail("line %d: %d words on the wire, %d received", l, len(ss), len(ws))
		}
		for i := range min(len(ss), len(ws)) {
			s, w := ss[i], ws[i]
			if !known {
				epoch, known = s.Start-float64(w.T), true
			}
			off := math.Abs(float64(w.T) + epoch - s.Start)
			if s.V&0x1FF != w.V || s.Flags != w.Flags || off > timeTolerance {
				c.fail("line %d, word %d of %d: %03X flags %b at %.0f µs was sent, %03X flags %b at %.0f received", l, i, len(ss), s.V, s.Flags, s.Start, w.V, w.Flags, float64(w.T)+epoch)
				break
			}
			c.MaxError = max(c.MaxError, off)
		}
	}
	c.order(bySent, heard)
	return c
}

// order holds that words come in the order of their ends.
func (c *Compared) order(sent [4][]Sent, heard []mdb.Word) {
	var at [4]int
	last := math.Inf(-1)
	for i, w := range heard {
		if at[w.Line] >= len(sent[w.Line]) {
			return
		}
		s := sent[w.Line][at[w.Line]]
		at[w.Line]++
		if s.End < last-orderTolerance {
			c.fail("word %d received (%03X of line %d) was over %.0f µs before the one in front of it", i, w.V, w.Line, last-s.End)
			return
		}
		last = max(last, s.End)
	}
}

func (c *Compared) fail(format string, args ...any) {
	c.Errors = append(c.Errors, fmt.Sprintf(format, args...))
}
