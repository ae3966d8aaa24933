package check

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/ledger"
	"github.com/chekomat/chekomat/hub/store"
)

// shifts: I7. The sums of each closed shift are those that the register counted,
// where that is known; they are counted anew from the documents.
func (c *checker) shifts() error {
	type shift struct {
		id       int64
		fn       string
		n, last  int64
		counters []byte
	}
	var after int64
	for {
		var all []shift
		err := c.snapshot(func(tx *sql.Tx) error {
			_, err := c.each(tx, func(r *sql.Rows) error {
				var s shift
				err := r.Scan(&s.id, &s.fn, &s.n, &s.last, &s.counters)
				all = append(all, s)
				return err
			}, `SELECT id, fn, shift, last_fd, counters FROM ledger_shift WHERE id > ? AND is_open = 0 ORDER BY id LIMIT ?`, after, page/10)
			return err
		})
		if err != nil || len(all) == 0 {
			return err
		}
		for _, s := range all {
			after = s.id
			c.r.Checked++
			var told kkt.Counters
			if err := json.Unmarshal(s.counters, &told); err != nil {
				c.bad("counters_damaged", fmt.Sprintf("shift %d of %s", s.n, s.fn), "%v", err)
				continue
			}
			if err := c.shift(s.fn, uint32(s.n), uint32(s.last), told); err != nil {
				return err
			}
		}
	}
}

func (c *checker) shift(fn string, n, last uint32, told kkt.Counters) error {
	if told.Source == "" {
		c.r.Unknown++
		return nil
	}
	books, err := store.ShiftBooks(c.ctx, c.db, fn, n, last)
	if err != nil {
		return err
	}
	res := ledger.Shift(books, &told)
	switch res.Outcome {
	case ledger.Unknown:
		c.r.Unknown++
	case ledger.Differ:
		for _, l := range res.Lines {
			if l.Outcome == ledger.Differ {
				c.bad("shift_differs", fmt.Sprintf("shift %d of %s", n, fn), "%s %d, %s: ours %d, foreign %d, counted %d", l.What, l.Operation, l.Figure, l.Ours, l.Foreign, *l.Told)
			}
		}
	case ledger.Agree:
	}
	return nil
}
