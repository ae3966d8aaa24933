package register

import "github.com/chekomat/chekomat/testbench/fn"

// Numbers of registers. The sources name 148 and 152 of the operation registers
// and 193, 195 and 241 of the money registers; their neighbours follow the same
// order (sale, purchase, return of sale, return of purchase) and are, like every
// other number, firmware-specific.
const (
	opShiftReceipts = 144 // 144..147: receipts of the shift by type
	opReceipts      = 148 // 148..151: number of the last receipt by type
	opThrough       = 152 // through document number

	moneyCash     = 193 // 193..196: cash of the shift by type
	moneyCashless = 197 // 197..200: cashless of the shift by type
	moneyDrawer   = 241 // cash in the drawer
	moneyIn       = 242 // put in by 50h in the shift
	moneyOut      = 243 // taken out by 51h
	moneyTotal    = 244 // 244..247: turnover of the ФН's life by type
)

// operationRegister answers 1Bh; numbers without a meaning here read 0.
func (d *device) operationRegister(c *call) byte {
	shift, life, _ := d.fn.Totals()
	c.bytes(c.operator)
	n := int(c.args[0])
	switch {
	case n >= opShiftReceipts && n < opShiftReceipts+4:
		c.u16(uint16(shift.By[operationOf[n-opShiftReceipts]].Count))
	case n >= opReceipts && n < opReceipts+4:
		c.u16(uint16(life.By[operationOf[n-opReceipts]].Count))
	case n == opThrough:
		c.u16(d.nv.Through)
	default:
		c.u16(0)
	}
	return errNone
}

// moneyRegister answers 1Ah with a number of one byte or two.
func (d *device) moneyRegister(c *call) byte {
	shift, life, _ := d.fn.Totals()
	n := int(littleEndian(c.args))
	var v int64
	switch {
	case n >= moneyCash && n < moneyCash+4:
		v = int64(shift.By[operationOf[n-moneyCash]].Cash)
	case n >= moneyCashless && n < moneyCashless+4:
		v = int64(shift.By[operationOf[n-moneyCashless]].Ecash)
	case n == moneyDrawer:
		v = d.nv.Drawer
	case n == moneyIn:
		v = d.nv.CashIn
	case n == moneyOut:
		v = d.nv.CashOut
	case n >= moneyTotal && n < moneyTotal+4:
		v = int64(life.By[operationOf[n-moneyTotal]].Sum)
	}
	c.bytes(c.operator)
	for range 6 {
		c.bytes(byte(v))
		v >>= 8
	}
	return errNone
}

// drawer moves the cash of a document.
func (d *device) drawer(doc fn.Document) {
	switch doc.Operation {
	case 1, 4:
		d.nv.Drawer += doc.Paid["1031"]
	case 2, 3:
		d.nv.Drawer = max(0, d.nv.Drawer-doc.Paid["1031"])
	}
}

// cashIn is 50h, cashOut 51h: they print and make no fiscal document.
func (d *device) cashIn(c *call) byte {
	sum := littleEndian(c.args)
	d.nv.Drawer, d.nv.CashIn = d.nv.Drawer+sum, d.nv.CashIn+sum
	return d.cashMoved(c)
}

func (d *device) cashOut(c *call) byte {
	sum := littleEndian(c.args)
	if sum > d.nv.Drawer {
		return errNotEnoughCash
	}
	d.nv.Drawer, d.nv.CashOut = d.nv.Drawer-sum, d.nv.CashOut+sum
	return d.cashMoved(c)
}

func (d *device) cashMoved(c *call) byte {
	d.nv.Through++
	d.dirty = true
	d.print()
	c.bytes(c.operator)
	c.u16(d.nv.Through)
	return errNone
}

// resource is FF63h: documents left 4, KB left 4, share of the notices 1.
func (d *device) resource(c *call) byte {
	r := d.fn.Resource()
	c.u32(uint32(r.Documents))
	c.u32(uint32(r.Bytes >> 10))
	c.bytes(0)
	return errNone
}
