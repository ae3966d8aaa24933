package evadts

import (
	"strconv"
	"strings"
)

// Sentinel says "not available" in a value (evadts 2.3; Spec 5.1.7).
const Sentinel = 1<<32 - 1

// Presence says what an element that should be a number is.
type Presence uint8

// Kinds of Counter.
const (
	Absent         Presence = iota // left out or empty
	Known                          // a number
	NotAvailable                   // Sentinel
	Unintelligible                 // anything else: letters, a sign, more than mostDigits digits
)

// Counter is a counter as the machine printed it. Its unit is that of its
// place: vends, or money in minor units of Money.Decimals.
type Counter struct {
	N        int64 // 0 unless Known
	Presence Presence
}

// Known reports whether there is a number.
func (c Counter) Known() bool { return c.Presence == Known }

// MarshalJSON gives the number, or null when it is not known.
func (c Counter) MarshalJSON() ([]byte, error) {
	if !c.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, c.N, 10), nil
}

// mostDigits is more than any counter has (Spec 5: 10), and so few that the sum
// over every line of the longest file fits an int64.
const mostDigits = 12

// parseCounter reads N0 and Nc alike: digits, leading zeros allowed (Spec 5.1.5).
func parseCounter(s string) Counter {
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		s = strings.TrimSpace(s)
	}
	if s == "" {
		return Counter{}
	}
	var n int64
	digits := 0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return Counter{Presence: Unintelligible}
		}
		if digits > 0 || c != '0' {
			digits++
		}
		if digits > mostDigits {
			return Counter{Presence: Unintelligible}
		}
		n = n*10 + int64(c-'0')
	}
	if n == Sentinel {
		return Counter{Presence: NotAvailable}
	}
	return Counter{N: n, Presence: Known}
}

// Sum is a count of vends and their money.
type Sum struct {
	Count Counter `json:"count"`
	Value Counter `json:"value"`
}

func (s Sum) zero() bool {
	return (!s.Count.Known() || s.Count.N == 0) && (!s.Value.Known() || s.Value.N == 0)
}

// Total is a Sum twice: since initialisation, never cleared in normal use, and
// since the last reset.
type Total struct {
	Present    bool `json:"-"` // the segment is in the report
	Cumulative Sum  `json:"cumulative"`
	Interval   Sum  `json:"interval"`
}

// valueFirst reads VA1, CA2 and their like: value, count, value, count.
func valueFirst(s Segment, from int) Total {
	c := func(n int) Counter { return parseCounter(s.Element(from + n)) }
	return Total{Present: true, Cumulative: Sum{Value: c(0), Count: c(1)}, Interval: Sum{Value: c(2), Count: c(3)}}
}

// countFirst reads PA2 to PA4 and PA7: count, value, count, value.
func countFirst(s Segment, from int) Total {
	c := func(n int) Counter { return parseCounter(s.Element(from + n)) }
	return Total{Present: true, Cumulative: Sum{Count: c(0), Value: c(1)}, Interval: Sum{Count: c(2), Value: c(3)}}
}

// add sums two counters; an absent one adds nothing, an unknown one makes the
// sum unknown.
func (c Counter) add(d Counter) Counter {
	switch {
	case c.Presence == Absent:
		return d
	case d.Presence == Absent:
		return c
	case !c.Known():
		return c
	case !d.Known():
		return d
	}
	return Counter{N: c.N + d.N, Presence: Known}
}
