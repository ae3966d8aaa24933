package sales

import (
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
)

// Config says what the source can know and how long to wait for what. Zero
// durations take the defaults of Defaults.
type Config struct {
	Cap        Class // strongest class this source can give; "" is A
	Deaf       bool  // answers of peripherals are not heard: no ledger, no approvals
	StartsIdle bool  // nothing was in progress when listening began

	// Assumed scale of devices whose set-up was not heard. Scale 0 means none:
	// their amounts stay unknown. What is assumed gives class B at best.
	Scale    uint32
	Decimals uint8
	Currency uint16 // as on the bus, 0x1643; 0 unknown

	Setups []Setup // set-ups known beforehand

	Quiet        time.Duration // after the last payout or enable until a cash sale is decided (16.5)
	PayoutLimit  time.Duration // a payout without an end is closed (16.10 no. 12)
	EscrowLimit  time.Duration // a bill in escrow is forgotten (no. 9)
	ResetHold    time.Duration // JUST RESET after an approval: how long VEND SUCCESS may still come (16.4)
	VendLimit    time.Duration // an approval without an end
	MixedWindow  time.Duration // CASH SALE and VEND SUCCESS of one item (16.8)
	LedgerWait   time.Duration // a card vend with cash in the ledger waits for its decision
	RepeatWindow time.Duration // an identical CASH SALE is a repetition though the first was ACKed (16.3)
	TwinWindow   time.Duration // the same CASH SALE to two readers (16.3)
	CoinRepeat   time.Duration // the same coin or bill report after an ACK (16.10 no. 8)
	ReportWindow time.Duration // other sources wait for the gateway's REPORT (16.9)
	PairWindow   time.Duration // two announcements of one sale (16.8)
	CreditLimit  time.Duration // rest of an announced cash sale is forgotten
}

// Setup is what a device said of itself at an earlier time.
type Setup struct {
	Device   mdb.Device
	Level    uint8
	Scale    uint32
	Decimals uint8
	Currency uint16
	Options  uint8     // READER CONFIG options
	Wide     bool      // expanded currency mode
	Credits  [16]uint8 // changer, validator
}

// Defaults fills zero durations with the constants of the reference, section 16.
func (c Config) Defaults() Config {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&c.Quiet, 10 * time.Second},
		{&c.PayoutLimit, 30 * time.Second},
		{&c.EscrowLimit, 60 * time.Second},
		{&c.ResetHold, 60 * time.Second},
		{&c.VendLimit, 10 * time.Minute},
		{&c.MixedWindow, 10 * time.Second},
		{&c.LedgerWait, 60 * time.Second},
		{&c.RepeatWindow, time.Second},
		{&c.TwinWindow, 5 * time.Second},
		{&c.CoinRepeat, 20 * time.Millisecond},
		{&c.ReportWindow, 10 * time.Second},
		{&c.PairWindow, 60 * time.Second},
		{&c.CreditLimit, 5 * time.Minute},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	return c
}

// CapOf gives the strongest class a source of that fidelity can give. Without
// mode bits, checksums or times a missing word can pass unseen.
func CapOf(f module.Fidelity) Class {
	if !f.ModeBits || !f.Checksums || !f.Times {
		return ClassB
	}
	return ClassA
}

// ForSource gives the configuration for a source.
func ForSource(f module.Fidelity) Config {
	return Config{Cap: CapOf(f), Deaf: !f.BothLines}
}

// weaker gives the weaker of two classes.
func weaker(a, b Class) Class {
	if a == "" || b > a {
		return b
	}
	return a
}
