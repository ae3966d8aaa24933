package pirit

import (
	"math/bits"
	"strings"

	"github.com/chekomat/chekomat/testbench/fn"
)

// item is one 42h.
type item struct {
	name                  string
	price, sum, vat       int64
	quantity              uint64 // × 10^9
	rate, method, subject byte
	measure               byte
	country, customs      string
	tags                  []byte
}

// itemAttributes is 24h: requisites of the item that follows.
func (d *device) itemAttributes(c *call) error {
	if err := d.inState(whyNotItems, stateItems); err != nil {
		return err
	}
	for i := 3; i < 14; i++ {
		if c.field(i) != "" {
			return format(whyBadAgent) // agents are not emulated
		}
	}
	var b []byte
	if v := escaped(c.field(0)); v != "" && d.cfg.FFD != 4 {
		if len(v) > 32 {
			return format(81)
		}
		b = fn.AppendTLV(b, 1162, []byte(v))
	}
	for i, tag := range []uint16{1191, 1197} {
		if v := c.field(1 + i); v != "" {
			b = fn.AppendTLV(b, tag, []byte(v))
		}
	}
	if d.cfg.FFD == 4 {
		var in []byte
		for i, tag := range []uint16{1262, 1263, 1264, 1265} {
			if v := c.field(14 + i); v != "" {
				in = fn.AppendTLV(in, tag, []byte(v))
			}
		}
		if in != nil {
			b = fn.AppendTLV(b, 1260, in)
		}
	}
	d.doc.next = b
	return nil
}

// escaped turns $xy into the byte xy.
func escaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && i+2 < len(s) {
			if v, ok := parseHex(s[i+1 : i+3]); ok {
				b.WriteByte(v)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// item is 42h: the register multiplies and rounds half up.
func (d *device) item(c *call) error {
	if d.doc != nil && d.nv.Unprinted == nil && d.doc.kind == kindService {
		return nil // of a copy of a receipt
	}
	if err := d.inState(whyNotItems, stateItems); err != nil {
		return err
	}
	it, err := d.parseItem(c)
	if err != nil {
		return err
	}
	it.tags, d.doc.next = d.doc.next, nil
	if err := d.fn.Data(fn.AppendTLV(nil, 1059, d.composeItem(it))); err != nil {
		return ofFN(err)
	}
	d.doc.items = append(d.doc.items, it)
	c.add(roubles(it.vat) + "00")
	return nil
}

func (d *device) parseItem(c *call) (it item, err error) {
	quantity, ok := decimal(c.field(2), 9)
	price, priceOK := money(c.field(3))
	tax, taxOK := c.integer(4)
	section, sectionOK := c.integer(6)
	discount, discountOK := c.integer(7)
	_, sumOK := money(c.field(9))
	method, methodOK := c.integer(10)
	subject, subjectOK := c.integer(11)
	switch {
	case len(c.field(0)) > 256:
		return it, format(whyBadName)
	case len(c.field(1)) > 18:
		return it, format(whyBadArticle)
	case !ok || quantity <= 0:
		return it, format(whyBadQuantity)
	case !priceOK:
		return it, format(whyBadPrice)
	case !taxOK:
		return it, format(whyBadTax)
	case len(c.field(5)) > 4:
		return it, format(whyBadPosition)
	case !sectionOK || section < 0 || section > 16:
		return it, format(whyBadSection)
	case !discountOK || discount != 0 && discount != 2 && discount != 4 || !sumOK:
		return it, format(whyBadDiscount)
	case !methodOK || method < 0 || method > 7:
		return it, format(whyBadMethod)
	case !subjectOK || subject < 0 || subject > 33 || d.cfg.FFD != 4 && subject > 26:
		return it, format(whyBadSubject)
	}
	rate, ok := d.cfg.rate(tax)
	if !ok {
		return it, format(whyBadTax)
	}
	it = item{
		name: c.text(0), price: price, quantity: uint64(quantity), rate: rate, method: byte(method), subject: byte(subject),
		country: c.field(12), customs: c.field(13),
	}
	if it.name == "" {
		it.name = string(fn.CP866("Товар"))
	}
	if it.method == 0 {
		it.method = 4
	}
	if it.subject == 0 {
		it.subject = 1
	}
	if it.sum, ok = multiply(price, uint64(quantity)); !ok {
		return it, format(whyBadQuantity)
	}
	it.vat = vatOf(rate, it.sum)
	if d.cfg.FFD == 4 {
		measure, ok := c.integer(8)
		if !ok || measure < 0 || measure > 255 {
			return it, format(whyBadQuantity)
		}
		it.measure = byte(measure)
	}
	return it, nil
}

// multiply is price × quantity (10^-9) rounded half up to a kopeck.
func multiply(price int64, quantity uint64) (int64, bool) {
	const one = 1_000_000_000
	hi, lo := bits.Mul64(uint64(price), quantity)
	lo, carry := bits.Add64(lo, one/2, 0)
	if hi += carry; hi >= one {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, one)
	return int64(q), q <= 99_999_999_99
}

// percents of 1199.
var percents = [13]int64{1: 20, 2: 10, 3: 20, 4: 10, 7: 5, 8: 7, 9: 5, 10: 7, 11: 22, 12: 22}

func vatOf(rate byte, sum int64) int64 {
	p := percents[rate]
	return (2*sum*p + 100 + p) / (2 * (100 + p))
}
