package evadts

// priceNotSet stands for a price nobody set (evadts 2.3).
const priceNotSet = 65535

func parsePrice(s string) Counter {
	c := parseCounter(s)
	if c.Known() && c.N == priceNotSet {
		return Counter{Presence: NotAvailable}
	}
	return c
}

// segment takes one segment in; unknown ones are skipped (Spec 2).
func (v *viewer) segment(s Segment) {
	a := v.audit
	switch s.ID {
	case "DXS":
		a.Machine.CommID, a.Machine.Version = Text(s.Element(1)), Text(s.Element(3))
	case "DXE":
		a.Complete = true
	case "ID1":
		m := &a.Machine
		m.Serial, m.Model, m.Build = Text(s.Element(1)), Text(s.Element(2)), Text(s.Element(3))
		m.Location, m.User, m.Asset = Text(s.Element(4)), Text(s.Element(5)), Text(s.Element(6))
	case "ID4":
		a.Money = parseMoney(s)
	case "ID5":
		a.Clock = momentOf(s, 1)
	case "CB1":
		a.Machine.Controller = deviceOf(s)
	case "CA1":
		a.Machine.Changer = deviceOf(s)
	case "BA1":
		a.Machine.Validator = deviceOf(s)
	case "DA1":
		a.Machine.Reader1 = deviceOf(s)
	case "DB1":
		a.Machine.Reader2 = deviceOf(s)
	case "VA1":
		a.Totals.Paid = v.valueFirst(s, 1)
	case "VA2":
		a.Totals.Test = v.valueFirst(s, 1)
	case "VA3":
		a.Totals.Free = v.valueFirst(s, 1)
	case "CA2":
		a.Totals.Cash = v.valueFirst(s, 1)
	case "DA2":
		a.Totals.Cashless1 = v.valueFirst(s, 1)
	case "DB2":
		a.Totals.Cashless2 = v.valueFirst(s, 1)
	case "TA2":
		a.Totals.Tokens = v.tokens(s)
	default:
		v.lesser(s)
	}
}

// lesser takes the segments that are not totals.
func (v *viewer) lesser(s Segment) {
	a := v.audit
	n := func(i int) Counter { return v.counter(s, i) }
	switch s.ID {
	case "CA3":
		c := &a.Cash
		c.In, c.ToBox, c.ToTubes, c.Bills = n(5), n(6), n(7), n(10)
		if !c.Bills.Known() {
			c.Bills = n(8)
		}
	case "CA4":
		a.Cash.OutChange, a.Cash.OutManual = n(3), n(4)
	case "CA8":
		a.Cash.Overpaid = n(2)
	case "CA10":
		a.Cash.Filled = n(2)
	case "CA15":
		if !a.Cash.InTubes.Known() {
			a.Cash.InTubes = n(1)
		}
	case "EA1":
		if code := Text(s.Element(1)); code != "" {
			a.Events = append(a.Events, Event{Code: code, At: momentOf(s, 2), Text: Text(s.Element(6))})
		}
	case "EA2":
		a.Events = append(a.Events, Event{Code: Text(s.Element(1)), Interval: n(2), Cumulative: n(3)})
	case "EA3":
		a.Reads = Reads{Present: true, Old: n(1), This: momentOf(s, 2), Reader: Text(s.Element(4)),
			Previous: momentOf(s, 5), Count: n(9), Resets: n(10)}
	case "EA7":
		a.PowerFailures = n(2)
	case "LA1":
		a.Lists = append(a.Lists, ListCount{List: Text(s.Element(1)), Product: Text(s.Element(2)),
			Price: parsePrice(s.Element(3)), Interval: n(4), Cumulative: n(5)})
	case "PA7":
		a.Rows = append(a.Rows, Row{Product: Text(s.Element(1)), Device: Text(s.Element(2)), List: Text(s.Element(3)),
			Price: parsePrice(s.Element(4)), Total: v.countFirst(s, 5)})
	default:
		v.product(s)
	}
}

// product takes PA1 and what belongs to the product above.
func (v *viewer) product(s Segment) {
	a := v.audit
	if s.ID == "PA1" {
		p := Product{ID: Text(s.Element(1)), Price: parsePrice(s.Element(2)), Name: Text(s.Element(3)),
			Absent: s.Element(7) == "1"}
		if p.ID == "" {
			v.note(CodeProductWithoutID, "PA101", s.Offset)
		}
		a.Products = append(a.Products, p)
		return
	}
	var to *Total
	if len(a.Products) == 0 {
		return
	}
	p := &a.Products[len(a.Products)-1]
	switch s.ID {
	case "PA2":
		to = &p.Paid
	case "PA3":
		to = &p.Test
	case "PA4":
		to = &p.Free
	case "PA8":
		to = &p.Mixed
	case "PA5":
		p.LastOr = momentOf(s, 1)
		return
	default:
		return
	}
	*to = v.countFirst(s, 1)
}

// counter reads one element and notes sentinels and what is no number, each
// once a report.
func (v *viewer) counter(s Segment, n int) Counter {
	c := parseCounter(s.Element(n))
	v.look(s, c)
	return c
}

func (v *viewer) look(s Segment, c Counter) {
	switch c.Presence {
	case NotAvailable:
		if !v.sentinel {
			v.sentinel = true
			v.note(CodeSentinel, s.ID, s.Offset)
		}
	case Unintelligible:
		if !v.unreadable {
			v.unreadable = true
			v.note(CodeNotANumber, s.ID, s.Offset)
		}
	case Absent, Known:
	}
}

func (v *viewer) lookTotal(s Segment, t Total) Total {
	for _, c := range [...]Counter{t.Cumulative.Count, t.Cumulative.Value, t.Interval.Count, t.Interval.Value} {
		v.look(s, c)
	}
	return t
}

func (v *viewer) valueFirst(s Segment, from int) Total { return v.lookTotal(s, valueFirst(s, from)) }
func (v *viewer) countFirst(s Segment, from int) Total { return v.lookTotal(s, countFirst(s, from)) }

// tokens adds vend tokens (01 to 04) and value tokens (05 to 08), as the
// identity of Spec 5.2 does.
func (v *viewer) tokens(s Segment) Total {
	a, b := v.valueFirst(s, 1), v.valueFirst(s, 5)
	return Total{
		Present:    true,
		Cumulative: Sum{Count: a.Cumulative.Count.add(b.Cumulative.Count), Value: a.Cumulative.Value.add(b.Cumulative.Value)},
		Interval:   Sum{Count: a.Interval.Count.add(b.Interval.Count), Value: a.Interval.Value.add(b.Interval.Value)},
	}
}
