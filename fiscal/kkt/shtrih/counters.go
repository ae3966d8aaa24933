package shtrih

import (
	"context"
	"slices"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

var _ kkt.CounterReader = (*Driver)(nil)

// maxWalk bounds the documents looked at for one shift: above what a register
// makes in 24 hours at one a second.
const maxWalk = 100_000

// ShiftCounters reads what was counted in the open shift or in the last one.
// Of a closed shift the report on its closing tells, where the ФН keeps counters
// (FFD 1.1, 1.2). Otherwise the short forms of the shift's documents are
// summed, without forms of payment: the numbers of the money registers (1Ah)
// differ between firmwares and no source gives them.
func (d *Driver) ShiftCounters(ctx context.Context) (kkt.Counters, error) {
	if err := d.lock(ctx); err != nil {
		return kkt.Counters{}, err
	}
	defer d.unlock()
	if err := d.connect(ctx); err != nil {
		return kkt.Counters{}, err
	}
	at := d.at
	c, err := d.counters(ctx)
	if err != nil {
		return kkt.Counters{}, problem(err)
	}
	d.at = at // reading changes nothing
	return c, nil
}

func (d *Driver) counters(ctx context.Context) (c kkt.Counters, err error) {
	fn, err := get(ctx, d, cmdFNStatus, nil, parseFNStatus)
	if err != nil {
		return c, err
	}
	sh, err := get(ctx, d, cmdShift, nil, parseShiftState)
	if err != nil {
		return c, err
	}
	if sh.Number == 0 {
		return c, retry(fault.ShiftClosed, 0, "the ФН had no shift yet")
	}
	c = kkt.Counters{FN: fn.Serial, Shift: sh.Number, Open: sh.Open, Source: kkt.FromArchive, LastFD: fn.LastFD}
	add := func(to *[]kkt.Counter, s shortDocument) {
		i := slices.IndexFunc(*to, func(c kkt.Counter) bool { return c.Operation == s.Operation })
		if i < 0 {
			i = len(*to)
			*to = append(*to, kkt.Counter{Operation: s.Operation})
		}
		(*to)[i].Count++
		(*to)[i].Sum += s.Sum
	}
	inside := sh.Open
	for fd := fn.LastFD; fd > 0 && fn.LastFD-fd < maxWalk; fd-- {
		s, err := get(ctx, d, cmdFindDocument, fdParam(fd), parseShortDocument)
		if err != nil {
			return c, err
		}
		switch {
		case s.Type == typeShiftOpen && s.Shift == sh.Number:
			sortCounters(c.Receipts)
			sortCounters(c.Corrections)
			return c, nil
		case s.Type == typeShiftClose && s.Shift == sh.Number && !sh.Open:
			inside, c.LastFD = true, fd
			doc, err := d.document(ctx, fd, d.opts.Now().Add(d.set.Idle))
			if err := optional(err); err != nil {
				return c, err
			}
			if receipts, corrections, ok := doc.Counters(); ok {
				c.Receipts, c.Corrections, c.Source = receipts, corrections, kkt.FromReport
				return c, nil
			}
		case !inside:
		case kindOfType(s.Type) == fiscal.KindReceipt:
			add(&c.Receipts, s)
		case kindOfType(s.Type) == fiscal.KindCorrection:
			add(&c.Corrections, s)
		}
	}
	return c, retry(fault.DocumentUnread, later, "no report on the opening of shift %d in the archive", sh.Number)
}

func sortCounters(c []kkt.Counter) {
	slices.SortFunc(c, func(a, b kkt.Counter) int { return int(a.Operation) - int(b.Operation) })
}
