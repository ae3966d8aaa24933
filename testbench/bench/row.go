package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Marks of a row. A figure over its budget is told, never a failure: timings
// decide nothing. Failed is a measurement that could not be made.
const (
	MarkOK     = "ok"
	MarkOver   = "over"
	MarkFailed = "failed"
)

// Row is one figure beside what it is held against.
type Row struct {
	Group  string  `json:"group"`
	Key    string  `json:"key"`
	Name   string  `json:"name"`
	Figure float64 `json:"figure"`
	Unit   string  `json:"unit"`
	Budget *Budget `json:"budget,omitempty"`
	Peer   *Peer   `json:"peer,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"` // figure to the peer, or to the budget where there is none
	Mark   string  `json:"mark,omitempty"`
	Note   string  `json:"note,omitempty"`
}

// Budget is a limit of design.md §7, of the figure or of its ratio to the peer.
type Budget struct {
	Limit   float64 `json:"limit"`
	AtMost  bool    `json:"at_most,omitempty"`  // otherwise at least
	OfRatio bool    `json:"of_ratio,omitempty"` // otherwise of the figure
}

// Peer is what the same work costs without us, measured in the same run or
// known.
type Peer struct {
	Name   string  `json:"name"`
	Figure float64 `json:"figure"`
}

func atLeast(v float64) *Budget      { return &Budget{Limit: v} }
func atMost(v float64) *Budget       { return &Budget{Limit: v, AtMost: true} }
func atLeastRatio(v float64) *Budget { return &Budget{Limit: v, OfRatio: true} }

// judge fills ratio and mark.
func (r *Row) judge() {
	switch {
	case r.Mark == MarkFailed:
		return
	case r.Peer != nil && r.Peer.Figure != 0:
		r.Ratio = r.Figure / r.Peer.Figure
	case r.Peer == nil && r.Budget != nil && r.Budget.Limit != 0:
		r.Ratio = r.Figure / r.Budget.Limit
	}
	if r.Budget == nil {
		return
	}
	v := r.Figure
	if r.Budget.OfRatio {
		v = r.Ratio
	}
	r.Mark = MarkOver
	if r.Budget.AtMost && v <= r.Budget.Limit || !r.Budget.AtMost && v >= r.Budget.Limit {
		r.Mark = MarkOK
	}
}

// number writes three significant digits, grouped by thousands. comma is what
// parts the fraction.
func number(v float64, comma string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	scale := math.Pow(10, math.Abs(float64(digits)))
	if digits < 0 {
		v = math.Round(v/scale) * scale
		digits = 0
	}
	s := strconv.FormatFloat(v, 'f', min(digits, 9), 64)
	whole, frac, _ := strings.Cut(s, ".")
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		frac = comma + frac
	}
	sign := ""
	if whole[0] == '-' {
		sign, whole = "-", whole[1:]
	}
	var groups []string
	for len(whole) > 3 {
		groups = append(groups, whole[len(whole)-3:])
		whole = whole[:len(whole)-3]
	}
	groups = append(groups, whole)
	slices.Reverse(groups)
	return sign + strings.Join(groups, " ") + frac
}

func (b *Budget) text(w *words) string {
	if b == nil {
		return ""
	}
	sign := "≥ "
	if b.AtMost {
		sign = "≤ "
	}
	s := sign + number(b.Limit, w.comma)
	if b.OfRatio {
		s += " " + w.ofPeer
	}
	return s
}

// cells of a row as the table shows them.
func (r *Row) cells(w *words) [7]string {
	if r.Mark == MarkFailed {
		return [7]string{r.Name, "—", "", "", "", "", w.marks[MarkFailed]}
	}
	c := [7]string{r.Name, number(r.Figure, w.comma), r.Unit, r.Budget.text(w), "", "", w.marks[r.Mark]}
	if r.Peer != nil {
		c[4] = r.Peer.Name + " " + number(r.Peer.Figure, w.comma)
	}
	if r.Ratio != 0 {
		c[5] = number(r.Ratio, w.comma)
	}
	return c
}

// Write prints the table, a heading before each group.
func writeTable(out io.Writer, rows []Row, w *words) {
	table := [][7]string{w.heads}
	for i := range rows {
		table = append(table, rows[i].cells(w))
	}
	var width [7]int
	for _, c := range table {
		for i := range c {
			width[i] = max(width[i], utf8.RuneCountInString(c[i]))
		}
	}
	line := func(c [7]string) {
		var b strings.Builder
		b.WriteString("  ")
		for i, s := range c {
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(s))
			if i == 1 || i == 5 { // figures stand by their ends
				b.WriteString(gap + s)
			} else {
				b.WriteString(s + gap)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	line(table[0])
	group := ""
	for i, r := range rows {
		if r.Group != group {
			group = r.Group
			fmt.Fprintln(out, w.groups[group])
		}
		line(table[i+1])
		if r.Note != "" {
			fmt.Fprintln(out, "      "+r.Note)
		}
	}
}
