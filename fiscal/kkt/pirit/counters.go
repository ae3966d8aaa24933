package pirit

import (
	"context"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

var _ kkt.CounterReader = (*Driver)(nil)

// Registers of 01h: counts of documents, and sums by form of payment.
const (
	countsSell = "7"  // sales, returns, annulled, deferred, paid in, paid out
	countsBuy  = "15" // purchases, returns of purchases
)

// sumsOf are the registers of sums, sixteen forms of payment each.
var sumsOf = map[fiscal.Operation]string{fiscal.Sell: "3", fiscal.SellReturn: "5", fiscal.Buy: "16", fiscal.BuyReturn: "17"}

// ShiftCounters reads what was counted in the open shift, from the register's
// own counters, or in the last one, from the report on its closing where the ФН
// keeps counters (FFD 1.1, 1.2).
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
	if _, err := d.status(ctx); err != nil {
		return c, err
	}
	at, err := d.position(ctx)
	if err != nil {
		return c, err
	}
	if at.Shift == 0 {
		return c, retry(fault.ShiftClosed, 0, "the ФН had no shift yet")
	}
	c = kkt.Counters{FN: at.FN, Shift: at.Shift, Open: at.ShiftOpen, Source: kkt.FromState, LastFD: at.FD}
	if !at.ShiftOpen {
		return d.closedShift(ctx, c)
	}
	if err := d.registers(ctx, &c); err != nil {
		return c, err
	}
	// A document that came meanwhile is in some of the registers only.
	after, err := d.position(ctx)
	if err == nil && after != at {
		err = retry(fault.BaselineMoved, soon, "ФД %d, then %d while counters were read", at.FD, after.FD)
	}
	return c, err
}

// registers reads 01h. Corrections are counted apart in a register whose
// operations are not told: they are left out.
func (d *Driver) registers(ctx context.Context, c *kkt.Counters) error {
	counts := map[fiscal.Operation]uint64{}
	for _, q := range []struct {
		register   string
		operations [2]fiscal.Operation
	}{{countsSell, [2]fiscal.Operation{fiscal.Sell, fiscal.SellReturn}}, {countsBuy, [2]fiscal.Operation{fiscal.Buy, fiscal.BuyReturn}}} {
		f, err := d.ask(ctx, cmdRegisters, q.register)
		if err != nil {
			return err
		}
		n, err := numbers(cmdRegisters, f, len(q.operations))
		if err != nil {
			return err
		}
		for i, op := range q.operations {
			counts[op] = n[i]
		}
	}
	for _, op := range []fiscal.Operation{fiscal.Sell, fiscal.SellReturn, fiscal.Buy, fiscal.BuyReturn} {
		if counts[op] == 0 {
			continue
		}
		f, err := d.ask(ctx, cmdRegisters, sumsOf[op])
		if err != nil {
			return err
		}
		one, err := parseSums(f)
		if err != nil {
			return err
		}
		one.Operation, one.Count = op, uint32(counts[op])
		c.Receipts = append(c.Receipts, one)
	}
	return nil
}

// parseSums reads sixteen sums: 0 cash, 1..12 cashless, 13 prepaid, 14 credit,
// 15 other.
func parseSums(f []string) (c kkt.Counter, err error) {
	if len(f) < 16 {
		return c, short(cmdRegisters, f)
	}
	var sums [16]fiscal.Kopecks
	var cashless fiscal.Kopecks
	for i := range sums {
		if sums[i], err = kopecksOf(f[i]); err != nil {
			return c, err
		}
		c.Sum += sums[i]
		if i >= 1 && i <= 12 {
			cashless += sums[i]
		}
	}
	c.Payments = []fiscal.Payment{
		{Kind: fiscal.Cash, Amount: sums[0]}, {Kind: fiscal.Ecash, Amount: cashless}, {Kind: fiscal.Prepaid, Amount: sums[13]},
		{Kind: fiscal.Credit, Amount: sums[14]}, {Kind: fiscal.Provision, Amount: sums[15]},
	}
	return c, nil
}

// kopecksOf reads roubles with at most two places after the point.
func kopecksOf(s string) (fiscal.Kopecks, error) {
	whole, part, _ := strings.Cut(s, ".")
	for len(part) > 2 && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if len(part) > 2 || len(whole) > 14 {
		return 0, short(cmdRegisters, []string{s})
	}
	n, err := strconv.ParseUint("0"+whole+(part + "00")[:2], 10, 63)
	if err != nil {
		return 0, short(cmdRegisters, []string{s})
	}
	return int64(n), nil
}

// closedShift looks for the report on closing among the last documents: after
// it only reports of other kinds may stand.
func (d *Driver) closedShift(ctx context.Context, c kkt.Counters) (kkt.Counters, error) {
	const longest = 20
	for fd := c.LastFD; fd > 0 && c.LastFD-fd < longest; fd-- {
		doc, err := d.document(ctx, fd)
		if err != nil {
			return c, err
		}
		if n, _ := doc.Uint(1038); doc.Kind() != fiscal.KindShiftClose || uint32(n) != c.Shift {
			continue
		}
		c.LastFD, c.Source = fd, kkt.FromReport
		receipts, corrections, ok := doc.Counters()
		if !ok {
			return c, failed(fault.DocumentUnread, "the report on closing shift %d (ФД %d) has no counters", c.Shift, fd)
		}
		c.Receipts, c.Corrections = receipts, corrections
		return c, nil
	}
	return c, retry(fault.DocumentUnread, later, "no report on closing shift %d among the last documents", c.Shift)
}
