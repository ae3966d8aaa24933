package sales

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb/checkpoint"
)

// scaling is how a device's raw amounts become money.
type scaling struct {
	known    bool
	assumed  bool // from Config, not heard
	scale    uint32
	decimals uint8
	currency uint16
}

// set takes what a set-up said. A scale of 0 or more than 9 decimals is no scale.
func (s *scaling) set(scale uint32, decimals uint8, currency uint16) {
	if scale == 0 || decimals > 9 {
		*s = scaling{}
		return
	}
	*s = scaling{known: true, scale: scale, decimals: decimals, currency: currency}
}

func (s scaling) amount(raw int64) Amount {
	if !s.known {
		return Amount{Raw: raw}
	}
	a := Amount{Raw: raw, Scale: s.scale, Decimals: s.decimals, Known: true}
	if s.currency != 0 {
		a.Currency = fmt.Sprintf("%04X", s.currency)
	}
	return a
}

func (s *scaling) walk(w *checkpoint.Walk) {
	w.Bool(&s.known, &s.assumed)
	checkpoint.Int(w, &s.scale)
	checkpoint.Int(w, &s.decimals)
	checkpoint.Int(w, &s.currency)
}

// hundredths makes an amount of the ledger's own scale.
func hundredths(minor int64, currency string) Amount {
	return Amount{Raw: minor, Scale: 1, Decimals: 2, Currency: currency, Known: true}
}

// sum adds amounts; ok is false when one is unknown, no whole number of
// hundredths, or of another currency.
func sum(a, b Amount) (Amount, bool) {
	if a.Known && b.Known && a.Scale == b.Scale && a.Decimals == b.Decimals && a.Currency == b.Currency {
		a.Raw += b.Raw
		return a, true
	}
	x, ok1 := a.Minor()
	y, ok2 := b.Minor()
	if !ok1 || !ok2 || !sameCurrency(a.Currency, b.Currency) {
		return Amount{}, false
	}
	c := a.Currency
	if c == "" {
		c = b.Currency
	}
	return hundredths(x+y, c), true
}

// sameCurrency treats 1643, 1810 and 0007 as roubles and an unknown currency as
// any (16.10 no. 19).
func sameCurrency(a, b string) bool {
	rouble := func(c string) bool { return c == "1643" || c == "1810" || c == "0007" }
	open := func(c string) bool { return c == "" || c == "FFFF" }
	return a == b || open(a) || open(b) || rouble(a) && rouble(b)
}
