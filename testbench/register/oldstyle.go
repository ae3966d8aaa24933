package register

import "github.com/chekomat/chekomat/testbench/fn"

// Commands of the time before the ФН that clients still send (kkt-shtrih.md
// §5.3): positions by 80h..83h, closing by 85h. They have no fields for 1214,
// 1212 and the tax system: full settlement, goods and the lowest registered
// system stand in, which is an assumption.

// oldPosition is 80h sale, 81h purchase, 82h and 83h their returns: quantity 5
// (x 1000), price 5, department 1, four tax groups (the first that is not 0
// counts, none is "without VAT"), text.
func oldPosition(kind byte) func(*device, *call) byte {
	return func(d *device, c *call) byte {
		a := c.args
		group := byte(4) // without VAT
		for _, g := range a[11:15] {
			if g != 0 {
				group = g
				break
			}
		}
		if int(group) > len(taxGroups) {
			return errBadParameter
		}
		quantity := littleEndian(a[:5]) * 1000
		if quantity >= 1<<48 {
			return errMultiply
		}
		b := []byte{operationOf[kind]}
		b = append(b, le(quantity, 6)...)
		b = append(b, a[5:10]...)
		b = append(b, le(computed, 5)...)
		b = append(b, le(computed, 5)...)
		b = append(b, 0xC0+group, a[10], 4, 1)
		inner := call{operator: c.operator, args: append(b, trimPad(a[15:])...)}
		code := d.operation(&inner)
		c.bytes(c.operator)
		return code
	}
}

// oldClose is 85h: cash and three cashless sums of 5, discount 2, taxes 4, text
// 40. A discount of the whole receipt is not emulated.
func (d *device) oldClose(c *call) byte {
	a := c.args
	if littleEndian(a[20:22]) != 0 {
		return errBadParameter
	}
	reg, _ := d.fn.Registered()
	b := append([]byte(nil), a[:20]...)
	b = append(b, make([]byte, 12*5+1+30)...)
	inner := call{operator: c.operator, args: append(b, reg.TaxSystems&-reg.TaxSystems)}
	code := d.closeReceipt(&inner)
	if code != errNone {
		return code
	}
	c.bytes(c.operator)
	c.bytes(inner.out[:5]...)
	return errNone
}

// copyReceipt prints a copy of the last receipt (8Ch); it makes no document.
func (d *device) copyReceipt(c *call) byte {
	if d.fn.Status().Current != fn.CurrentNone {
		return errReceiptOpen
	}
	c.bytes(c.operator)
	d.print()
	return errNone
}

// portParameters is 15h: code of the speed 1, of the byte timeout 1 (§2).
func (d *device) portParameters(c *call) byte {
	c.bytes(c.operator, 6, 50)
	return errNone
}

func le(v int64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	return b
}
