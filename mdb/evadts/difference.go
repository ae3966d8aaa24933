package evadts

import (
	"slices"
	"strconv"
)

// Outcome says what a difference may be used for.
type Outcome string

// Outcomes of Diff.
const (
	Counted    Outcome = "counted"     // fit for reconciliation, save what is unknown in it
	NewChain   Outcome = "new_chain"   // counters began anew: the newer values stand for the difference, uncertain
	ForViewing Outcome = "for_viewing" // figures for a person; a report is not proven whole
	NoResult   Outcome = "none"        // the reports cannot be compared
)

// Change is the difference of one counter. Its zero value is unknown.
type Change struct {
	N     int64
	Known bool
}

// MarshalJSON gives the number, or null when it is not known.
func (c Change) MarshalJSON() ([]byte, error) {
	if !c.Known {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, c.N, 10), nil
}

// Delta is vends and their money between two reads, in the reports' minor units.
type Delta struct {
	Count Change `json:"count"`
	Value Change `json:"value"`
}

func (d Delta) moved() bool {
	return d.Count.Known && d.Count.N != 0 || d.Value.Known && d.Value.N != 0
}

// ProductDelta is what was sold of one product. Device and List are "" where
// the report counts by product alone (PA2).
type ProductDelta struct {
	Product string `json:"product"`
	Device  string `json:"device,omitempty"`
	List    string `json:"list,omitempty"`
	Delta
	PriceOld Counter `json:"price_old"`
	PriceNew Counter `json:"price_new"`
}

// ListDelta is vends of a product by price list (LA105); list 0 usually is cash.
type ListDelta struct {
	Product string `json:"product"`
	List    string `json:"list"`
	Count   int64  `json:"count"`
}

// Finding is a code with the element it is about.
type Finding struct {
	Code Code   `json:"code"`
	Key  string `json:"key,omitempty"`
}

// Difference is what happened between two reads of one machine (evadts 6.2).
// Every figure comes from cumulative counters, so it survives resets of the
// interval counters by whoever reads the machine.
type Difference struct {
	Outcome   Outcome          `json:"outcome"`
	Decimals  int              `json:"decimals"`
	Total     Delta            `json:"total"`     // ΔVA1
	ByDevice  map[string]Delta `json:"by_device"` // CA, DA, DB, TA: kinds the machine takes
	ByProduct []ProductDelta   `json:"by_product"`
	ByList    []ListDelta      `json:"by_list,omitempty"`
	Mixed     Delta            `json:"mixed"` // ΔPA8: vends paid in two ways, counted under both
	// ΔVA1 − ΣΔproducts: fallback prices, products without counters, products
	// counted in two blocks. Common, and no error of ours (evadts 6.4).
	Unattributed  Delta          `json:"unattributed"`
	TestVends     Delta          `json:"test_vends"`
	FreeVends     Delta          `json:"free_vends"`
	TestByProduct []ProductDelta `json:"test_by_product"`
	FreeByProduct []ProductDelta `json:"free_by_product"`
	CashIn        Change         `json:"cash_in"`
	CashInBox     Change         `json:"cash_in_box"`
	CashInBills   Change         `json:"cash_in_bills"`
	CashInTubes   Change         `json:"cash_in_tubes"`
	CashOutChange Change         `json:"cash_out_change"`
	CashOutManual Change         `json:"cash_out_manual"`
	Overpaid      Change         `json:"overpaid"`
	Reads         Change         `json:"reads"`
	Resets        Change         `json:"resets"`
	Flags         []Code         `json:"flags"`    // each code once, sorted
	Findings      []Finding      `json:"findings"` // the codes with what they are about
}

// Conditions of a difference that the reports do not tell.
type Conditions struct {
	// TransportProved: both reports came whole over a line with its own CRC
	// (dex, ddcmp), so a report without G85 is fit too.
	TransportProved bool
	// PortIsIdentity: both came from the same port, so a machine that does
	// not name itself is known all the same.
	PortIsIdentity bool
	// KnownReads is how many reads of this machine we made since the older
	// one, the newer included; 0 asks nothing.
	KnownReads int64
}

// Diff gives what was sold between two reads of one machine. It never fails:
// what cannot be known is unknown, each anomaly is a named code.
func Diff(older, newer Audit, c Conditions) Difference {
	d := differ{old: &older, new: &newer, cond: c}
	d.out = Difference{Outcome: Counted, Decimals: newer.Money.Decimals, ByDevice: map[string]Delta{},
		ByProduct: []ProductDelta{}, TestByProduct: []ProductDelta{}, FreeByProduct: []ProductDelta{},
		Flags: []Code{}, Findings: []Finding{}}
	d.preconditions()
	if d.out.Outcome != NoResult {
		d.totals()
		d.products()
		d.balance()
	}
	for _, f := range d.out.Findings {
		d.out.Flags = append(d.out.Flags, f.Code)
	}
	slices.Sort(d.out.Flags)
	d.out.Flags = slices.Compact(d.out.Flags)
	return d.out
}

type differ struct {
	old, new *Audit
	cond     Conditions
	out      Difference
	restart  bool // counters began anew
	reset    bool // interval counters were cleared in between
	holes    bool // some product's difference is unknown
}

func (d *differ) find(c Code, key string) {
	d.out.Findings = append(d.out.Findings, Finding{Code: c, Key: key})
}

// weaken lowers the outcome, never raises it.
func (d *differ) weaken(to Outcome) {
	rank := func(o Outcome) int { return slices.Index([]Outcome{Counted, NewChain, ForViewing, NoResult}, o) }
	if rank(to) > rank(d.out.Outcome) {
		d.out.Outcome = to
	}
}

// one gives the difference of one counter; the interval counters of the same
// key tell which way it wrapped.
func (d *differ) one(key string, o, n, io, in Counter) Change {
	if d.restart {
		return Change{N: n.N, Known: n.Known()}
	}
	if !o.Known() || !n.Known() {
		return Change{}
	}
	if n.N >= o.N {
		return Change{N: n.N - o.N, Known: true}
	}
	delta, ok := d.wrapped(o.N, n.N, io, in)
	if !ok {
		d.find(CodeFell, key)
		return Change{}
	}
	d.find(CodeWrapped, key)
	return Change{N: delta, Known: true}
}

// both gives count and value of a total. Names are those of the segment's
// elements: value first in VA1 and its like, count first in PA2 and its like.
func (d *differ) both(value, count string, o, n Total) Delta {
	return Delta{
		Count: d.one(count, o.Cumulative.Count, n.Cumulative.Count, o.Interval.Count, n.Interval.Count),
		Value: d.one(value, o.Cumulative.Value, n.Cumulative.Value, o.Interval.Value, n.Interval.Value),
	}
}

func (d *differ) total(id string, o, n Total) Delta {
	if o.Present != n.Present && !d.restart {
		if n.Present {
			d.find(CodeKindAppeared, id)
		} else {
			d.find(CodeKindVanished, id)
		}
		return Delta{}
	}
	delta := d.both(id+"01", id+"02", o, n)
	if delta.Count.Known && delta.Count.N == 0 && delta.Value.Known && delta.Value.N > 0 {
		d.find(CodeMoneyWithoutVend, id)
	}
	return delta
}

func (d *differ) totals() {
	o, n := &d.old.Totals, &d.new.Totals
	d.out.Total = d.total("VA1", o.Paid, n.Paid)
	d.out.TestVends = d.total("VA2", o.Test, n.Test)
	d.out.FreeVends = d.total("VA3", o.Free, n.Free)
	for _, k := range kinds {
		from, to := *k.of(o), *k.of(n)
		if !from.Present && !to.Present {
			continue
		}
		delta := d.total(k.name+"2", from, to)
		if k.name == "CA" || d.takes(k.name, to) || delta.moved() || !delta.Count.Known && !delta.Value.Known {
			d.out.ByDevice[k.name] = delta
		}
	}
	plain := func(key string, from, to Counter) Change { return d.one(key, from, to, Counter{}, Counter{}) }
	a, b := &d.old.Cash, &d.new.Cash
	d.out.CashIn = plain("CA305", a.In, b.In)
	d.out.CashInBox = plain("CA306", a.ToBox, b.ToBox)
	d.out.CashInTubes = plain("CA307", a.ToTubes, b.ToTubes)
	d.out.CashInBills = plain("CA310", a.Bills, b.Bills)
	d.out.CashOutChange = plain("CA403", a.OutChange, b.OutChange)
	d.out.CashOutManual = plain("CA404", a.OutManual, b.OutManual)
	d.out.Overpaid = plain("CA802", a.Overpaid, b.Overpaid)
}

// takes reports whether the machine has ever been paid so, or has prices for it.
func (d *differ) takes(device string, t Total) bool {
	if !t.Cumulative.zero() {
		return true
	}
	return slices.ContainsFunc(d.new.Rows, func(r Row) bool { return r.Device == device })
}
