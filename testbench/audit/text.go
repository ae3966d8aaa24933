package audit

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/chekomat/chekomat/mdb/evadts"
)

// page writes a report or a difference for a person.
type page struct {
	w     *tabwriter.Writer
	t     *words
	money evadts.Money
}

func newPage(out io.Writer, t *words, m evadts.Money) *page {
	return &page{w: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), t: t, money: m}
}

// line writes cells. What a machine sends never commands the terminal.
func (p *page) line(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.Map(printable, c)
	}
	fmt.Fprintln(p.w, strings.Join(cells, "\t"))
}

func printable(r rune) rune {
	if unicode.IsControl(r) || !unicode.IsPrint(r) {
		return '\u00b7'
	}
	return r
}

func (p *page) sum(c evadts.Counter) string {
	switch c.Presence {
	case evadts.Known:
		return strings.ReplaceAll(p.money.Decimal(c.N), ".", p.t.comma)
	case evadts.Absent:
		return "-"
	case evadts.NotAvailable, evadts.Unintelligible:
	}
	return "?"
}

func number(c evadts.Counter) string {
	switch c.Presence {
	case evadts.Known:
		return fmt.Sprint(c.N)
	case evadts.Absent:
		return "-"
	case evadts.NotAvailable, evadts.Unintelligible:
	}
	return "?"
}

func moment(m evadts.Moment) string { return strings.TrimSpace(m.Date + " " + m.Time) }

func (p *page) report(file string, a evadts.Audit) error {
	p.heading(file, a)
	p.totals(a)
	p.cash(a.Cash)
	p.products(a)
	p.events(a)
	if len(a.Notes) > 0 {
		p.line("")
		p.line(p.t.notes)
		for _, n := range a.Notes {
			p.line("  "+string(n.Code), n.Key, n.Code.Describe(p.t.lang))
		}
	}
	return p.w.Flush()
}

func (p *page) heading(file string, a evadts.Audit) {
	m := a.Machine
	p.line(file)
	seal := string(a.Seal.Status)
	if a.Seal.Declared != "" {
		seal += " " + a.Seal.Declared
	}
	if !a.Complete {
		seal += ", " + p.t.incomplete
	}
	for _, r := range [][2]string{{"DXS", m.CommID + " " + m.Version}, {p.t.serial, m.Serial}, {p.t.model, strings.TrimSpace(m.Model + " " + m.Build)},
		{p.t.asset, m.Asset}, {"CB1", device(m.Controller)}, {"CA1", device(m.Changer)}, {"BA1", device(m.Validator)},
		{"DA1", device(m.Reader1)}, {"DB1", device(m.Reader2)}, {p.t.clock, moment(a.Clock)}, {p.t.read, moment(a.Reads.This)},
		{"ID4", fmt.Sprintf("%d, %s %s", a.Money.Decimals, a.Money.Code, a.Money.Letters)}, {p.t.sealed, seal}} {
		if strings.TrimSpace(r[1]) != "" {
			p.line("  "+r[0], r[1])
		}
	}
	if a.Reads.Count.Known() {
		p.line("  "+p.t.reads, number(a.Reads.Count)+", "+number(a.Reads.Resets))
	}
}

func device(d evadts.Device) string {
	return strings.Join(strings.Fields(d.Serial+" "+d.Model+" "+d.Software), " ")
}

func (p *page) totals(a evadts.Audit) {
	p.line("")
	p.line("", p.t.cumulative, "", p.t.interval, "")
	p.line("", p.t.value, p.t.count, p.t.value, p.t.count)
	for i, t := range []evadts.Total{a.Totals.Paid, a.Totals.Cash, a.Totals.Cashless1, a.Totals.Cashless2, a.Totals.Tokens, a.Totals.Free, a.Totals.Test} {
		if t.Present {
			p.line("  "+p.t.totals[i], p.sum(t.Cumulative.Value), number(t.Cumulative.Count), p.sum(t.Interval.Value), number(t.Interval.Count))
		}
	}
}

func (p *page) cash(c evadts.Cash) {
	all := []evadts.Counter{c.In, c.ToBox, c.ToTubes, c.Bills, c.OutChange, c.OutManual, c.Overpaid, c.Filled, c.InTubes}
	p.line("")
	p.line(p.t.cash)
	for i, n := range all {
		if n.Known() && n.N != 0 {
			p.line("  "+p.t.cashParts[i], p.sum(n))
		}
	}
}

func (p *page) products(a evadts.Audit) {
	if len(a.Products)+len(a.Rows) == 0 {
		return
	}
	p.line("")
	p.line(p.t.products)
	p.line("  "+p.t.product, p.t.price, p.t.totals[0], p.t.value, p.t.totals[5], p.t.totals[6], p.t.name)
	for _, x := range a.Products {
		p.line("  "+x.ID, p.sum(x.Price), number(x.Paid.Cumulative.Count), p.sum(x.Paid.Cumulative.Value),
			number(x.Free.Cumulative.Count), number(x.Test.Cumulative.Count), x.Name)
	}
	head := false
	for _, r := range a.Rows {
		if !r.Cumulative.Count.Known() || r.Cumulative.Count.N == 0 {
			continue
		}
		if !head {
			head = true
			p.line("  "+p.t.product, p.t.price, p.t.count, p.t.value, p.t.device, p.t.list)
		}
		p.line("  "+r.Product, p.sum(r.Price), number(r.Cumulative.Count), p.sum(r.Cumulative.Value), r.Device, r.List)
	}
}

func (p *page) events(a evadts.Audit) {
	head := false
	for _, e := range a.Events {
		if moment(e.At) == "" && (!e.Cumulative.Known() || e.Cumulative.N == 0) {
			continue // a counter that never counted
		}
		if !head {
			head = true
			p.line("")
			p.line(p.t.events)
		}
		count := ""
		if e.Cumulative.Known() {
			count = number(e.Cumulative)
		}
		p.line("  "+e.Code, moment(e.At), count, e.Text)
	}
}
