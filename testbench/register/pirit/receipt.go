package pirit

import (
	"math/bits"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// Types of documents in field 1 of 30h.
const (
	kindService   = 1
	kindSale      = 2
	kindReturn    = 3
	kindCashIn    = 4
	kindCashOut   = 5
	kindBuy       = 6
	kindBuyReturn = 7
)

// States of an open document.
const (
	stateItems    = 1
	stateSubtotal = 2
	statePayment  = 3
	statePaid     = 4
)

// document is the open document; it lives without power no longer than the
// power.
type document struct {
	kind, state int
	mode        int  // field 1 of 30h
	batch       bool // 24h, 40h..49h, 52h are not answered
	spoiled     bool // one of them failed
	operator    string
	system      byte // bit of 1055
	address     string
	items       []item
	next        []byte // tags of 24h for the next item
	tags        []byte // of 57h
	payments    [16]int64
	paid        int64
	// until is set for another host's document: it is annulled then.
	until time.Time
}

func (o *document) receipt() bool {
	return o.kind != kindService && o.kind != kindCashIn && o.kind != kindCashOut
}

func (o *document) total() (sum int64) {
	for _, i := range o.items {
		sum += i.sum
	}
	return sum
}

// operation is 1054.
func operation(kind int) byte {
	return map[int]byte{kindSale: 1, kindReturn: 2, kindBuy: 3, kindBuyReturn: 4}[kind]
}

// open is 30h.
func (d *device) open(c *call) error {
	mode, ok := c.integer(0)
	kind := mode & 15
	dept, deptOK := c.integer(1)
	switch {
	case d.documentStatus() != 0:
		return state(whyOpen)
	case !ok || kind < kindService || kind > kindBuyReturn || mode&^(15|1<<4|1<<5|1<<7) != 0:
		return format(whyBadType)
	case !deptOK || dept < 0 || dept > 99:
		return format(whyBadDept)
	case d.cfg.Attended && c.field(2) == "":
		return state(whyNoCashier)
	case d.nv.Unclosed:
		return state(whyShiftClosed)
	}
	if err := d.shiftForReceipt(); err != nil {
		return err
	}
	o := &document{kind: kind, state: stateItems, mode: mode, batch: mode&(1<<4) != 0, operator: c.text(2)}
	if d.nv.PaperOut && !d.silent(mode) {
		return code(errNoPaper)
	}
	if !o.receipt() {
		d.doc = o
		return nil
	}
	reg, _ := d.fn.Registered()
	number, ok := c.integer(4)
	switch {
	case !ok || number < 0 || number > 5:
		return format(whyBadSystem)
	case c.field(4) == "":
		o.system = 1 << bits.TrailingZeros8(reg.TaxSystems)
	default:
		o.system = 1 << number
	}
	if o.system&reg.TaxSystems == 0 {
		return format(whyBadSystem)
	}
	if d.cfg.takesAddress() {
		o.address = c.text(5)
	}
	if err := d.fn.Begin(fn.CurrentReceipt, d.now()); err != nil {
		return ofFN(err)
	}
	d.doc = o
	return nil
}

// shiftForReceipt is what an open document needs; with setting 2 bit 5 an
// expired shift is changed by the way.
func (d *device) shiftForReceipt() error {
	switch {
	case !d.fn.ShiftState().Open:
		return state(whyShiftClosed)
	case !d.expired():
		return nil
	case !d.cfg.Reopen:
		return code(errExpired)
	}
	if err := d.finishShift(fn.CurrentShiftClose, ""); err != nil {
		return err
	}
	return d.finishShift(fn.CurrentShiftOpen, "")
}

// inState says whether the open document is a receipt in one of the states.
func (d *device) inState(reason int, states ...int) error {
	switch {
	case d.nv.Unprinted != nil:
		return state(whyInFN)
	case d.doc == nil:
		return state(whyNoDocument)
	case !d.doc.receipt():
		return state(whyNotReceipt)
	}
	for _, s := range states {
		if d.doc.state == s {
			return nil
		}
	}
	return state(reason)
}

// subtotal is 44h: the first ends nothing, the second locks the items.
func (d *device) subtotal(*call) error {
	if err := d.inState(whyNotSubtotal, stateItems, stateSubtotal); err != nil {
		return err
	}
	d.doc.state++
	return nil
}

// payment is 47h. Other forms than cash may not exceed the total; change comes
// out of cash.
func (d *device) payment(c *call) error {
	if err := d.inState(whyNotPayment, stateItems, stateSubtotal, statePayment); err != nil {
		return err
	}
	o := d.doc
	kind, ok := c.integer(0)
	sum, sumOK := money(c.field(1))
	total := o.total()
	cashless := o.paid - o.payments[0]
	switch {
	case !ok || kind < 0 || kind > 15:
		return format(whyBadPayment)
	case !sumOK || sum <= 0 || len(c.field(2)) > 44:
		return format(whyBadSum)
	case total == 0:
		return state(whyZero)
	case kind != 0 && (cashless+sum > total || o.paid+sum > total):
		return format(whyBadSum)
	}
	o.payments[kind] += sum
	o.paid += sum
	o.state = statePayment
	if o.paid >= total {
		o.payments[0] -= o.paid - total // change
		o.state = statePaid
	}
	return nil
}

// compare is 52h.
func (d *device) compare(c *call) error {
	if err := d.inState(whyNoDocument, stateItems, stateSubtotal, statePayment, statePaid); err != nil {
		return err
	}
	if sum, ok := money(c.field(0)); !ok || sum != d.doc.total() {
		return format(whyBadSum)
	}
	return nil
}

// attribute is 57h; only 1192 is emulated.
func (d *device) attribute(c *call) error {
	if err := d.inState(whyNoDocument, stateItems, stateSubtotal, statePayment, statePaid); err != nil {
		return err
	}
	switch v := c.field(3); {
	case c.field(0) != "1192" || v == "" || len(v) > 16 || len(d.doc.tags) > 0:
		return format(whyBadExtra)
	case c.field(2) == "" || len(c.field(2)) > 72:
		return format(whyBadExtraName)
	default:
		d.doc.tags = fn.AppendTLV(d.doc.tags, 1192, []byte(v))
	}
	return nil
}

func (d *device) printText(*call) error {
	switch {
	case d.doc == nil:
		return state(whyNoDocument)
	case d.doc.kind != kindService:
		return state(18)
	}
	return nil
}

// cash is 48h: paying in and out leaves no fiscal document.
func (d *device) cash(c *call) error {
	switch sum, ok := money(c.field(1)); {
	case d.doc == nil:
		return state(whyNoDocument)
	case d.doc.kind != kindCashIn && d.doc.kind != kindCashOut:
		return state(whyNotCash)
	case !ok || sum <= 0:
		return format(whyBadSum)
	}
	return nil
}

// annul is 32h. The ФН drops its document too.
func (d *device) annul(*call) error {
	switch {
	case d.nv.Unprinted != nil:
		return state(whyInFN)
	case d.doc == nil:
		return state(whyNoDocument)
	}
	d.dropDocument()
	return nil
}

func (d *device) dropDocument() {
	if d.doc.receipt() {
		_ = d.fn.Cancel()
	}
	d.doc = nil
	d.nv.Annulled++
	d.nv.Counter++
	d.nv.Last, d.dirty = lastReceipt{}, true
}

func count(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
