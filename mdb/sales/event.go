// Package sales recovers what happened on the bus: which vends were paid for,
// by what, and how strong the evidence is (reference: docs/buses). It is pure:
// words and the passing of time go in, events come out; it has no clock.
package sales

import "fmt"

// Kind of an event.
type Kind string

// Kinds of events. Activity is not journaled: it tells a display what goes on.
const (
	KindSale     Kind = "sale"
	KindReversal Kind = "reversal" // an earlier sale failed after all (VEND FAILURE after VEND SUCCESS)
	KindReturn   Kind = "return"   // goods came back or money was paid out for them (negative vend)
	KindFree     Kind = "free"     // goods that cost nothing: Amount is 0, no receipt is due
	KindTopUp    Kind = "topup"    // cash loaded onto the reader's medium (REVALUE)
	KindIncident Kind = "incident"
	KindActivity Kind = "activity"
)

// Class is the strength of evidence, A strongest.
type Class string

// Evidence classes.
const (
	ClassA Class = "A"
	ClassB Class = "B"
	ClassC Class = "C"
	ClassD Class = "D"
)

// Amount is a bus amount in the scale of the device that carried it:
// real = Raw × Scale / 10^Decimals. Known is false when the device's set-up
// was not heard: then nothing may be computed from Raw.
type Amount struct {
	Raw      int64
	Scale    uint32
	Decimals uint8
	Currency string // the bus field, 4 hex digits: "1643", "0007"; "" unknown
	Known    bool
}

// Minor returns the amount in hundredths of the currency (kopecks). ok is
// false when the scale is unknown or the amount is not a whole number of
// hundredths.
func (a Amount) Minor() (minor int64, ok bool) {
	if !a.Known {
		return 0, false
	}
	v := a.Raw * int64(a.Scale)
	for d := a.Decimals; d < 2; d++ {
		v *= 10
	}
	for d := a.Decimals; d > 2; d-- {
		if v%10 != 0 {
			return 0, false
		}
		v /= 10
	}
	return v, true
}

// Decimal prints the amount after scaling, with the device's decimals ("2.00").
func (a Amount) Decimal() string {
	v := a.Raw * int64(a.Scale)
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	if a.Decimals == 0 {
		return fmt.Sprintf("%s%d", sign, v)
	}
	p := int64(1)
	for range a.Decimals {
		p *= 10
	}
	return fmt.Sprintf("%s%d.%0*d", sign, v/p, a.Decimals, v%p)
}

// Part is one payment of a sale.
type Part struct {
	Source string // "cash", "reader1" (10H), "reader2" (60H)
	Kind   string // "cash", "cashless"
	Amount Amount
}

// Event is what recovery says happened.
type Event struct {
	Kind      Kind
	T         int64  // µs, source clock, of the deciding word
	Class     Class  // of a sale
	Source    string // evidence: vend_success, cash_sale, report, reset_inferred, ledger
	Reader    uint8  // 0x10 or 0x60; 0 when no reader took part
	Item      uint16 // raw column number
	ItemKnown bool
	Amount    Amount // charged
	Requested Amount // VEND REQUEST price; Known only where it was heard
	Parts     []Part // their sum is Amount
	Tendered  Amount // cash put in, Known only where the ledger heard it
	Change    Amount // cash given back, as Tendered
	Code      string // of an incident or activity: stable, snake_case
	Detail    string // for people, English
	Of        int64  // T of the sale a reversal speaks of
	Blocks    []byte // the deciding blocks as bytes, for audit
}
