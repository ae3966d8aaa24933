package audit

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb/evadts"
)

func (p *page) moneyChange(c evadts.Change) string {
	if !c.Known {
		return p.t.unknown
	}
	return strings.ReplaceAll(p.money.Decimal(c.N), ".", p.t.comma)
}

func (p *page) countChange(c evadts.Change) string {
	if !c.Known {
		return p.t.unknown
	}
	return fmt.Sprint(c.N)
}

func (p *page) difference(older, newer string, d evadts.Difference) error {
	p.line(older + " -> " + newer)
	p.line("  " + p.t.outcome[string(d.Outcome)])
	if d.Outcome != evadts.NoResult {
		p.line("")
		p.line(p.t.difference, p.t.value, p.t.count)
		p.delta(p.t.totals[0], d.Total)
		for i, kind := range []string{"CA", "DA", "DB", "TA"} {
			if k, ok := d.ByDevice[kind]; ok {
				p.delta(p.t.totals[1+i], k)
			}
		}
		for i, other := range []evadts.Delta{d.FreeVends, d.TestVends} {
			if other.Count.Known || other.Value.Known {
				p.delta(p.t.totals[5+i], other)
			}
		}
		if d.Mixed.Count.N != 0 {
			p.delta(p.t.mixed, d.Mixed)
		}
		p.delta(p.t.unattributed, d.Unattributed)
		p.rows(p.t.products, d.ByProduct)
		p.rows(p.t.totals[5], d.FreeByProduct)
		p.rows(p.t.totals[6], d.TestByProduct)
		p.moved(d)
	}
	if len(d.Findings) > 0 {
		p.line("")
		p.line(p.t.notes)
		for _, f := range d.Findings {
			p.line("  "+string(f.Code), f.Key, f.Code.Describe(p.t.lang))
		}
	}
	return p.w.Flush()
}

func (p *page) delta(name string, d evadts.Delta) {
	p.line("  "+name, p.moneyChange(d.Value), p.countChange(d.Count))
}

func (p *page) rows(name string, rows []evadts.ProductDelta) {
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.line(name)
	p.line("  "+p.t.product, p.t.value, p.t.count, p.t.price, p.t.device, p.t.list)
	for _, r := range rows {
		price := p.sum(r.PriceNew)
		if r.PriceOld != r.PriceNew {
			price = p.sum(r.PriceOld) + " -> " + price
		}
		p.line("  "+r.Product, p.moneyChange(r.Value), p.countChange(r.Count), price, r.Device, r.List)
	}
}

// moved writes the cash that went in or out.
func (p *page) moved(d evadts.Difference) {
	head := false
	for i, c := range []evadts.Change{d.CashIn, d.CashInBox, d.CashInTubes, d.CashInBills, d.CashOutChange, d.CashOutManual, d.Overpaid} {
		if !c.Known || c.N == 0 {
			continue
		}
		if !head {
			head = true
			p.line("")
		}
		p.line("  "+p.t.cashParts[i], p.moneyChange(c))
	}
	if d.Reads.Known {
		p.line("  "+p.t.reads, p.countChange(d.Reads)+", "+p.countChange(d.Resets))
	}
}
