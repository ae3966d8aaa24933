package evadts

import (
	"strconv"
	"strings"
)

// Money is the scale of every value of a report (ID4).
type Money struct {
	Decimals int    `json:"decimals"`          // implied places, ID401; 2 when it was left out
	Declared bool   `json:"decimals_declared"` // ID401 was there and sensible
	Code     string `json:"currency_code"`     // ID402 as printed: 0xxx telephone or 1xxx ISO 4217 number
	Letters  string `json:"letters,omitempty"` // ID403
}

const mostDecimals = 9

func parseMoney(s Segment) Money {
	m := Money{Decimals: 2, Code: strings.TrimSpace(s.Element(2)), Letters: Text(s.Element(3))}
	if d := parseCounter(s.Element(1)); d.Known() && d.N <= mostDecimals {
		m.Decimals, m.Declared = int(d.N), true
	}
	return m
}

// Rouble reports whether the currency is the rouble: 1643, the old 1810, or
// the telephone code 0007 or 7 (evadts 3).
func (m Money) Rouble() bool {
	n, err := strconv.ParseUint(m.Code, 10, 16)
	return err == nil && (n == 1643 || n == 1810 || n == 7)
}

// ISO is the ISO 4217 number the report means, 0 when it names none. Of the
// telephone codes only Russia's stands for one currency here.
func (m Money) ISO() int {
	n, err := strconv.ParseUint(m.Code, 10, 16)
	switch {
	case err != nil:
		return 0
	case m.Rouble():
		return 643
	case n >= 1000 && n < 2000:
		return int(n - 1000)
	}
	return 0
}

// same reports whether two reports count in the same unit.
func (m Money) same(o Money) bool {
	return m.Decimals == o.Decimals && strings.TrimLeft(m.Code, "0") == strings.TrimLeft(o.Code, "0")
}

// Minor gives a value in hundredths of the currency (kopecks). It is false
// when the value has a part below a hundredth or does not fit.
func (m Money) Minor(value int64) (int64, bool) {
	for d := m.Decimals; d < 2; d++ {
		if value > (1<<63-1)/10 || value < -(1<<63-1)/10 {
			return 0, false
		}
		value *= 10
	}
	for d := m.Decimals; d > 2; d-- {
		if value%10 != 0 {
			return 0, false
		}
		value /= 10
	}
	return value, true
}

// Decimal prints a value in units of the currency: 500 with one place is "50.0".
func (m Money) Decimal(value int64) string {
	s := strconv.FormatInt(value, 10)
	sign := ""
	if value < 0 {
		sign, s = "-", s[1:]
	}
	if m.Decimals == 0 {
		return sign + s
	}
	if len(s) <= m.Decimals {
		s = strings.Repeat("0", m.Decimals-len(s)+1) + s
	}
	return sign + s[:len(s)-m.Decimals] + "." + s[len(s)-m.Decimals:]
}
