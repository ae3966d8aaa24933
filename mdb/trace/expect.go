package trace

import (
	"fmt"
	"strings"
)

// Expectation is what recovery is expected to say next. What it leaves out is
// not compared.
type Expectation struct {
	Nothing bool
	Kind    string // sale, reversal, return, topup, incident
	Class   string // A to D; "" any
	Code    string // of an incident
	Parts   []Part
	HasItem bool
	Item    int // -1 unknown
	Sum     Sum // charged
	// Currency as on the bus, four hex digits, "" any. Of the three codes that
	// mean roubles each stands for all.
	Currency  string
	By        string // evidence
	Requested Sum
	Tendered  Sum
	Change    Sum
}

// Part is a payment source, and its share where the sum is divided.
type Part struct {
	Source string // cash, reader1, reader2
	Sum    Sum
}

// Sum in hundredths, unknown, or not said.
type Sum struct {
	Minor   int64
	Said    bool
	Unknown bool
}

// Of is a known sum.
func Of(minor int64) Sum { return Sum{Minor: minor, Said: true} }

func (s Sum) String() string {
	if s.Unknown {
		return "unknown"
	}
	return fmt.Sprintf("%d.%02d", s.Minor/100, s.Minor%100)
}

var currencies = []struct{ letters, bus string }{
	{"RUB", "1643"}, {"BYN", "1933"}, {"KZT", "1398"}, {"EUR", "1978"}, {"USD", "1840"}, {"GBP", "1826"}, {"CHF", "1756"}, {"CNY", "1156"},
}

// Rouble reports whether a bus currency means roubles.
func Rouble(bus string) bool { return bus == "1643" || bus == "1810" || bus == "0007" }

// CurrencyName gives the letters of a bus currency, or the code itself.
func CurrencyName(bus string) string {
	if Rouble(bus) {
		return "RUB"
	}
	for _, c := range currencies {
		if c.bus == bus {
			return c.letters
		}
	}
	return bus
}

func busCurrency(letters string) (string, bool) {
	for _, c := range currencies {
		if c.letters == letters {
			return c.bus, true
		}
	}
	return "", false
}

// String is the expectation as a trace writes it, without "expect".
func (e *Expectation) String() string {
	if e.Nothing {
		return "nothing"
	}
	var b strings.Builder
	b.WriteString(e.Kind)
	put := func(words ...string) {
		for _, w := range words {
			b.WriteByte(' ')
			b.WriteString(w)
		}
	}
	if e.Code != "" {
		put(e.Code)
	}
	if e.Class != "" {
		put(e.Class)
	}
	for i, p := range e.Parts {
		if i > 0 {
			put("+")
		}
		put(p.Source)
		if p.Sum.Said {
			put(p.Sum.String())
		}
	}
	switch {
	case e.HasItem && e.Item < 0:
		put("item", "?")
	case e.HasItem:
		put("item", fmt.Sprint(e.Item))
	}
	if e.Sum.Said {
		put("amount", e.Sum.String())
	}
	if e.Currency != "" {
		if n := CurrencyName(e.Currency); len(n) == 3 && (!Rouble(e.Currency) || e.Currency == "1643") {
			put(n)
		} else {
			put("currency", e.Currency)
		}
	}
	if e.By != "" {
		put("by", e.By)
	}
	for _, s := range []struct {
		name string
		sum  Sum
	}{{"requested", e.Requested}, {"tendered", e.Tendered}, {"change", e.Change}} {
		if s.sum.Said {
			put(s.name, s.sum.String())
		}
	}
	return b.String()
}

func oneOf(s string, all ...string) bool {
	for _, a := range all {
		if s == a {
			return true
		}
	}
	return false
}

// expectation reads what stands after "expect".
func (l *line) expectation() (*Expectation, error) {
	e := &Expectation{}
	t, ok := l.next()
	switch {
	case !ok:
		return nil, l.wrong("what is expected? (sale, reversal, return, topup, incident, nothing)")
	case t == "nothing":
		e.Nothing = true
		return e, nil
	case !oneOf(t, "sale", "reversal", "return", "free", "topup", "incident"):
		return nil, l.wrong("%q can't be expected (sale, reversal, return, topup, incident, nothing)", t)
	}
	e.Kind = t
	for {
		t, ok := l.next()
		if !ok {
			return e, nil
		}
		if err := l.clause(e, t); err != nil {
			return nil, err
		}
	}
}

func (l *line) clause(e *Expectation, t string) error {
	twice := func(is bool) error {
		if is {
			return l.wrong("%q is said twice", t)
		}
		return nil
	}
	var err error
	switch {
	case oneOf(t, "A", "B", "C", "D"):
		err = twice(e.Class != "")
		e.Class = t
	case oneOf(t, "cash", "reader1", "reader2"):
		if err := twice(e.Parts != nil); err != nil {
			return err
		}
		return l.parts(e, t)
	case t == "item":
		if err := twice(e.HasItem); err != nil {
			return err
		}
		e.HasItem, e.Item = true, -1
		if l.peek() == "?" {
			l.next()
			return nil
		}
		var n uint64
		n, err = l.number(10, 16)
		e.Item = int(n)
	case t == "amount":
		if err := twice(e.Sum.Said); err != nil {
			return err
		}
		e.Sum, err = l.sum()
	case isSum(t):
		if err := twice(e.Sum.Said); err != nil {
			return err
		}
		l.back()
		e.Sum, err = l.sum()
	case oneOf(t, "requested", "tendered", "change"):
		to := map[string]*Sum{"requested": &e.Requested, "tendered": &e.Tendered, "change": &e.Change}[t]
		if err := twice(to.Said); err != nil {
			return err
		}
		*to, err = l.sum()
	case t == "currency":
		if err := twice(e.Currency != ""); err != nil {
			return err
		}
		var n uint64
		n, err = l.number(16, 16)
		e.Currency = fmt.Sprintf("%04X", n)
	case t == "by":
		if err := twice(e.By != ""); err != nil {
			return err
		}
		e.By, err = l.name()
	default:
		if c, ok := busCurrency(t); ok {
			err = twice(e.Currency != "")
			e.Currency = c
			break
		}
		if e.Kind == "incident" && e.Code == "" && isName(t) {
			e.Code = t
			break
		}
		err = l.wrong("%q is no part of an expectation", t)
	}
	return err
}

func (l *line) parts(e *Expectation, source string) error {
	for {
		p := Part{Source: source}
		if isSum(l.peek()) && (l.peekAt(1) == "+" || len(e.Parts) > 0) {
			s, err := l.sum()
			if err != nil {
				return err
			}
			p.Sum = s
		}
		e.Parts = append(e.Parts, p)
		if l.peek() != "+" {
			return nil
		}
		l.next()
		t, _ := l.next()
		if !oneOf(t, "cash", "reader1", "reader2") {
			return l.wrong("%q is no payment source (cash, reader1, reader2)", t)
		}
		source = t
	}
}

// isSum reports whether a word is a sum: digits, a point, two digits.
func isSum(t string) bool {
	whole, cents, ok := strings.Cut(t, ".")
	return ok && len(cents) == 2 && digits(cents) && len(whole) > 0 && len(whole) <= 12 && digits(whole)
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// isName reports whether a word is a code: lower case letters, digits, "_".
func isName(t string) bool {
	for _, c := range []byte(t) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return t != "" && t[0] >= 'a'
}

func (l *line) sum() (Sum, error) {
	t, _ := l.next()
	if t == "unknown" {
		return Sum{Said: true, Unknown: true}, nil
	}
	if !isSum(t) {
		return Sum{}, l.wrong("%q is no sum: 45.00, or unknown", t)
	}
	var v int64
	for _, c := range []byte(t) {
		if c != '.' {
			v = v*10 + int64(c-'0')
		}
	}
	return Of(v), nil
}
