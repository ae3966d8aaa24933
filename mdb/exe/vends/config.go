package vends

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// Mode says who holds the prices; nothing on the bus tells (exe 2).
type Mode string

// Modes.
const (
	PriceHolding Mode = "price_holding" // the master: CREDIT is answered by a line number
	Standard     Mode = "price_display" // the machine: CREDIT is answered by the price in base units
)

// ParseMode reads a mode; "standard" is another name of price_display.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case "", PriceHolding, Standard:
		return m, nil
	case "standard":
		return Standard, nil
	}
	return "", fmt.Errorf("exe mode %q: known are %s and %s", s, PriceHolding, Standard)
}

// Payment says what a sale's payment kind is when no other bus tells.
type Payment string

// Payments.
const (
	PaymentUnset    Payment = ""         // not decided: a sale names no payment source and is held
	PaymentCash     Payment = "cash"     // a changer without a card reader
	PaymentCashless Payment = "cashless" // a card terminal alone
	PaymentByHint   Payment = "by_hint"  // as the credit shown suggests; unknown where it suggests nothing
)

// OddReply says what an answer to VEND means that is not 00h and has bit 7
// clear: public sources disagree.
type OddReply string

// Meanings.
const (
	OddAsked  OddReply = ""       // a sale of class C until the operator has chosen
	OddSold   OddReply = "sold"   // a sale
	OddFailed OddReply = "failed" // not delivered
)

// Config of a machine on EXE. Durations of 0 take the defaults of Defaults.
type Config struct {
	Mode   Mode            // "" is PriceHolding
	Prices map[uint8]int64 // PriceHolding: line → kopecks; 0 is a free line

	// Columns maps a line to the column its goods have in the plan; a line not
	// here is its own column. In Standard mode the key is the price in base
	// units, and PriceAsColumn has to be set: otherwise the column is unknown.
	Columns       map[uint8]uint16
	PriceAsColumn bool

	// Scale and decimals until a block was heard; Scale 0 is 1.
	Scale    uint8
	Decimals uint8
	Currency string // bus form, "1643"; "" unknown: the bus never names it

	AnyVendReplyOK bool     // the machine's answer to VEND is meaningless: any counts as delivered
	Odd            OddReply // what an odd answer means

	Payment        Payment
	CashlessSource string // "" is reader1

	// AllowInferred lets a sale of a line without a price wait for the blocks
	// after it and take the price they tell, as class C.
	AllowInferred bool

	Cap          sales.Class // strongest class this source can give; "" is A
	IgnoreParity bool        // the source does not hear the ninth bit

	Link      time.Duration // silence after which a ready machine is down
	Choice    time.Duration // the same while a selection is open: a card may be asked for
	VendLimit time.Duration // a VEND without an answer is given up
	Repeat    time.Duration // a VEND that soon after a success is its repetition
	Wait      time.Duration // an outcome waits for evidence or an inferred price
}

// Defaults fills what is zero; the durations are those of exe 7.
func (c Config) Defaults() Config {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&c.Link, 3 * time.Second},
		{&c.Choice, 200 * time.Second},
		{&c.VendLimit, 200 * time.Second},
		{&c.Repeat, 2 * time.Second},
		{&c.Wait, 10 * time.Second},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	if c.Mode == "" {
		c.Mode = PriceHolding
	}
	if c.Scale == 0 {
		c.Scale = 1
	}
	if c.Cap == "" {
		c.Cap = sales.ClassA
	}
	if c.CashlessSource == "" {
		c.CashlessSource = "reader1"
	}
	return c
}

// ForSource adds what a source cannot hear.
func (c Config) ForSource(f module.Fidelity) Config {
	c.IgnoreParity = !f.ModeBits
	if !f.ModeBits || !f.Times {
		c.Cap = sales.ClassB
	}
	return c
}

// Validate says what of the settings makes no sense.
func (c Config) Validate() error {
	switch c.Mode {
	case "", PriceHolding, Standard:
	default:
		return fmt.Errorf("exe mode %q: known are %s and %s", c.Mode, PriceHolding, Standard)
	}
	switch c.Payment {
	case PaymentUnset, PaymentCash, PaymentCashless, PaymentByHint:
	default:
		return fmt.Errorf("exe payment %q: known are %s, %s and %s", c.Payment, PaymentCash, PaymentCashless, PaymentByHint)
	}
	switch c.Odd {
	case OddAsked, OddSold, OddFailed:
	default:
		return fmt.Errorf("exe odd reply %q: known are %s and %s", c.Odd, OddSold, OddFailed)
	}
	if c.Decimals > 3 {
		return fmt.Errorf("exe decimals %d: the bus knows 0 to 3", c.Decimals)
	}
	for line, p := range c.Prices {
		if line > exe.MaxRequest || p < 0 {
			return fmt.Errorf("exe price of line %d, %d kopecks: lines are 0 to %d, prices not negative", line, p, exe.MaxRequest)
		}
	}
	return nil
}
