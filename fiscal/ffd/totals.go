package ffd

import (
	"time"

	"github.com/chekomat/chekomat/fiscal"
)

// sums checks that payments give 1020 exactly, that items give it up to kopecks
// (registers may drop kopecks of a cash total; whole roubles must agree), and
// that 1043 is price times quantity within a kopeck (FFD reference, 8.1).
func (c *checker) sums() {
	body := c.doc.Body
	r := &reader{es: body}
	total := r.money(1020)
	var items, paid int64
	n := 0
	for _, e := range body {
		if e.Tag != 1059 {
			continue
		}
		n++
		in := &reader{es: e.Nested}
		sum := in.money(1043)
		items += sum
		if q, ok := in.micro(); ok && in.err == nil && Find(e.Nested, 1079) != nil && Find(e.Nested, 1043) != nil {
			if want := fiscal.Product(in.money(1079), q); sum < want-1 || sum > want+1 {
				c.item = n
				c.add(SumMismatch, 1043, 1059, "%d kopecks, price times quantity is %d", sum, want)
				c.item = 0
			}
		}
		r.note(in.err)
	}
	told := false // FFD 1.0 may leave payments out; of later versions the tables tell it
	for _, p := range payments {
		told = told || Find(body, p.tag) != nil
		paid += r.money(p.tag)
	}
	if r.err != nil || Find(body, 1020) == nil {
		return // told as a bad value or a missing one already
	}
	if told && paid != total {
		c.add(SumMismatch, 1020, c.doc.Code, "%d kopecks, payments give %d", total, paid)
	}
	if n > 0 && items/100 != total/100 {
		c.add(SumMismatch, 1020, c.doc.Code, "%d kopecks, items give %d", total, items)
	}
}

// rateTotals is what the items of one rate give.
type rateTotals struct {
	turnover, rounded, sent int64 // 1043; VAT of each item; 1200 where sent
	items                   bool
}

// vat checks 1200 of each item and the totals by rate, which may be the sum of
// the items' VAT or the VAT of the rate's turnover (FFD reference, 8.3). The
// rate is that of the date of the settlement (18 % before 2019).
func (c *checker) vat() {
	at := c.settled()
	var rates [13]rateTotals
	n, blind := 0, false
	for _, e := range c.doc.Body {
		if e.Tag != 1059 {
			continue
		}
		n++
		v := fiscal.VAT(numberIn(e.Nested, 1199))
		if !v.Known() {
			blind = true
			continue
		}
		sum := int64(numberIn(e.Nested, 1043) & (1<<48 - 1))
		of := v.OfOn(sum, at)
		t := &rates[v]
		t.items, t.turnover, t.rounded, t.sent = true, t.turnover+sum, t.rounded+of, t.sent+of
		if Find(e.Nested, 1200) == nil {
			continue
		}
		got := int64(numberIn(e.Nested, 1200) & (1<<48 - 1))
		t.sent += got - of
		if got != of {
			c.item = n
			c.add(VATMismatch, 1200, 1059, "%d kopecks, %s of %d is %d", got, v, sum, of)
			c.item = 0
		}
	}
	if n == 0 || blind {
		return // sum-only, or items without a rate: only its maker knows
	}
	dropped := c.dropped(rates[:])
	for v := fiscal.VAT20; v.Known(); v++ {
		got, there := c.rateTotal(v)
		t := rates[v]
		if !there && (!t.items || Find(c.doc.Body, 1115) == nil || v.TotalTag() != 1115) {
			continue // a requisite that is absent is told by the composition
		}
		ok := got == t.rounded || got == t.sent || got == v.OfOn(t.turnover, at)
		if v.Percent() == 0 {
			ok = got <= t.turnover && got >= t.turnover-dropped
		} else if dropped > 0 { // the VAT may be that of the smaller total
			ok = ok || got <= t.rounded && got >= v.OfOn(max(0, t.turnover-dropped), at)
		}
		if !ok {
			c.add(VATMismatch, Tag(v.TotalTag()), c.doc.Code, "%s: %d kopecks, items give %d", v, got, given(v, t))
		}
	}
}

func given(v fiscal.VAT, t rateTotals) int64 {
	if v.Percent() == 0 {
		return t.turnover
	}
	return t.rounded
}

// dropped is how many kopecks the register took off the items' sum.
func (c *checker) dropped(rates []rateTotals) int64 {
	var items int64
	for _, t := range rates {
		items += t.turnover
	}
	return max(0, items-int64(numberIn(c.doc.Body, 1020)&(1<<48-1)))
}

// rateTotal finds the total of a rate: 1102..1107, or 1120 in the 1119 of the
// rate inside 1115.
func (c *checker) rateTotal(v fiscal.VAT) (sum int64, there bool) {
	t := Tag(v.TotalTag())
	e := Find(c.doc.Body, t)
	if e == nil {
		return 0, false
	}
	if t != 1115 {
		return int64(numberIn(c.doc.Body, t) & (1<<48 - 1)), true
	}
	for _, one := range e.Nested {
		if one.Tag == 1119 && numberIn(one.Nested, 1199) == uint64(v) {
			return int64(numberIn(one.Nested, 1120) & (1<<48 - 1)), true
		}
	}
	return 0, false
}

// settled is the day of the settlement: 1178 of a correction, otherwise 1012.
func (c *checker) settled() time.Time {
	r := &reader{es: c.doc.Body}
	if base := r.nested(1174); base != nil {
		if at := base.clock(1178); !at.IsZero() {
			return at
		}
	}
	return r.clock(1012)
}

// micro is the quantity in millionths; ok is false when there is none or it has
// no exact value in them.
func (r *reader) micro() (int64, bool) {
	e := Find(r.es, 1023)
	if e == nil {
		return 0, false
	}
	q, err := e.Quantity()
	if err != nil {
		return 0, false
	}
	return q.Micro()
}
