package till

import (
	"context"
	"errors"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// countEvery is how often the counters of an open shift are held against the
// ledger; those of a closed one are read once.
const countEvery = 24 * time.Hour

// counted names a reading of a register's counters.
type counted struct {
	fn    string
	shift uint32
	open  bool
	at    time.Time // of the reading, or of the try
}

// countDue says whether the counters of the register should be read now. A
// register that was just seen for the first time is left to its work.
func countDue(last counted, u kkt.Unit, now time.Time) bool {
	switch {
	case u.FN.Serial == "" || u.FN.Shift == 0:
		return false
	case last.fn != u.FN.Serial || last.shift != u.FN.Shift || last.open != u.FN.ShiftOpen:
		return !u.FN.ShiftOpen
	}
	return u.FN.ShiftOpen && now.Sub(last.at) >= countEvery
}

// count reads the register's own counters when they are due and nothing waits:
// some registers tell them document by document. Trouble is no reason to stop.
func (w *worker) count(ctx, device context.Context) {
	reader, can := w.driver.(kkt.CounterReader)
	now := w.set.Now()
	if !can || w.core.open != nil || !w.core.allowed || w.pool.waiting() {
		return
	}
	due := countDue(w.read, w.unit, now)
	if fn := w.unit.FN; due || w.read.fn != fn.Serial || w.read.shift != fn.Shift || w.read.open != fn.ShiftOpen {
		w.read = counted{fn.Serial, fn.Shift, fn.ShiftOpen, now}
	}
	if !due {
		return
	}
	c, err := reader.ShiftCounters(device)
	if err != nil {
		if p, ok := errors.AsType[*kkt.Problem](err); !ok || p.Fault.Code != fault.ShiftClosed {
			w.set.Log.Warn("till: the register's counters were not read", "lane", w.row.ID, "err", err)
		}
		return
	}
	if _, err := w.store.KeepCounters(ctx, w.row.ID, c); err != nil {
		w.note(err)
	}
}

// waiting says whether jobs wait for the pool, as far as it has read.
func (p *pool) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.list) > 0 || p.more
}
