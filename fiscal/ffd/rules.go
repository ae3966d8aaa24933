package ffd

import "fmt"

// Obligation says whether a requisite stands in the electronic form of a
// document.
type Obligation uint8

// Obligations (FFD composition tables).
const (
	absent Obligation = iota // the version does not know the requisite here
	none                     // printed form only
	may
	cond // must be present under a condition this package cannot judge
	must
)

// Rule is one row of a composition table: obligations in 1.05, 1.1 and 1.2.
type Rule struct {
	Tag Tag
	In  [3]Obligation
}

// Problem is a deviation of a document from the tables. It speaks of the
// document's form, not of its truth.
type Problem struct {
	Code ProblemCode
	Tag  Tag // the requisite
	Item int // 1.. inside the n-th 1059, 0 at the document's level
	Text string
}

// ProblemCode is a stable name of a deviation.
type ProblemCode string

// Deviations.
const (
	Missing      ProblemCode = "missing"        // a mandatory requisite is not there
	NotInVersion ProblemCode = "not_in_version" // the version does not know it here
	NotInForm    ProblemCode = "not_in_form"    // belongs to the printed form only
	Repeated     ProblemCode = "repeated"
	BadLength    ProblemCode = "bad_length"
	BadValue     ProblemCode = "bad_value"
	SumMismatch  ProblemCode = "sum_mismatch"
	TooLong      ProblemCode = "too_long"
)

func (p Problem) String() string {
	where := ""
	if p.Item > 0 {
		where = fmt.Sprintf(" in item %d", p.Item)
	}
	return fmt.Sprintf("%s: tag %d%s %s", p.Code, p.Tag, where, p.Text)
}

// repeats are the requisites that may stand several times in one chain.
var repeats = map[Tag]bool{
	1059: true, 1073: true, 1074: true, 1075: true, 1084: false, 1119: true, 1171: true,
	1235: true, 1260: true, 1261: true, 2007: true, 1101: true,
}

// Validate compares a receipt, a correction or a shift report with the
// composition tables of its version (1209); other documents are checked for
// the form of their values only.
func Validate(d Document) []Problem {
	var c checker
	v := VersionOf(d.Body)
	rules := map[Tag][]Rule{
		CodeReceipt: receiptRules, CodeBSO: receiptRules, CodeCorrection: correctionRules,
		CodeBSOCorrection: correctionRules, CodeShiftOpen: shiftOpenRules, CodeShiftClose: shiftCloseRules,
	}[d.Code]
	if v < V105 || v > V12 {
		rules = nil
	}
	c.chain(d.Body, rules, v)
	for _, e := range d.Body {
		if e.Tag == 1059 {
			c.item++
			if rules != nil {
				c.chain(e.Nested, itemRules, v)
			} else {
				c.chain(e.Nested, nil, v)
			}
		}
	}
	c.item = 0
	switch d.Code {
	case CodeReceipt, CodeBSO:
		c.sums(d.Body)
	}
	if max := documentNames[d.Code].max; max > 0 {
		if n := len(AppendDocument(nil, d)) - headLen; n > max {
			c.add(TooLong, d.Code, "%d bytes, at most %d", n, max)
		}
	}
	return c.list
}

type checker struct {
	item int
	list []Problem
}

func (c *checker) add(code ProblemCode, t Tag, format string, args ...any) {
	c.list = append(c.list, Problem{code, t, c.item, fmt.Sprintf(format, args...)})
}

func (c *checker) chain(es []Element, rules []Rule, v Version) {
	seen := map[Tag]bool{}
	for _, e := range es {
		if seen[e.Tag] && !repeats[e.Tag] {
			c.add(Repeated, e.Tag, "")
		}
		seen[e.Tag] = true
		c.value(e)
		if e.Nested != nil && e.Tag != 1059 {
			c.chain(e.Nested, nil, v)
		}
	}
	for _, r := range rules {
		switch o := r.In[v-V105]; {
		case o == must && !seen[r.Tag]:
			c.add(Missing, r.Tag, "")
		case o == absent && seen[r.Tag]:
			c.add(NotInVersion, r.Tag, "FFD %s", v)
		case o == none && seen[r.Tag]:
			c.add(NotInForm, r.Tag, "")
		}
		delete(seen, r.Tag)
	}
	if rules == nil {
		return
	}
	for _, e := range es { // what is left has no row in the table
		if info, ok := Lookup(e.Tag); ok && seen[e.Tag] && info.In != 0 {
			c.add(NotInVersion, e.Tag, "not in this document")
			delete(seen, e.Tag)
		}
	}
}

// value checks the form of one value by the tag table.
func (c *checker) value(e Element) {
	info, ok := Lookup(e.Tag)
	if !ok {
		return
	}
	n := len(e.Value)
	if e.Nested != nil {
		n = len(AppendChain(nil, e.Nested))
	}
	exact := 0
	switch info.Type {
	case Byte, Flag:
		exact = 1
	case U16:
		exact = 2
	case U32, Time:
		exact = 4
	case Bits, FixedText, FixedBytes:
		exact = info.Max
	case VLN:
		if _, err := ParseVLN(e.Value); err != nil {
			c.add(BadValue, e.Tag, "%v", err)
		}
	case FVLN:
		if _, err := ParseFVLN(e.Value); err != nil {
			c.add(BadValue, e.Tag, "%v", err)
		}
	}
	switch {
	case exact > 0 && n != exact:
		c.add(BadLength, e.Tag, "%d bytes, must be %d", n, exact)
	case info.Max > 0 && n > info.Max:
		c.add(BadLength, e.Tag, "%d bytes, at most %d", n, info.Max)
	case info.Type == Flag && n == 1 && e.Value[0] > 1:
		c.add(BadValue, e.Tag, "flag is %d", e.Value[0])
	}
}

// sums checks that payments give 1020 exactly and items give it up to kopecks
// (whole roubles must agree).
func (c *checker) sums(body []Element) {
	r := &reader{es: body}
	total := r.money(1020)
	var items, paid int64
	for _, e := range body {
		if e.Tag == 1059 {
			n := &reader{es: e.Nested}
			items += n.money(1043)
			r.note(n.err)
		}
	}
	for _, p := range payments {
		paid += r.money(p.tag)
	}
	if r.err != nil {
		return // told as a bad value already
	}
	if paid != total {
		c.add(SumMismatch, 1020, "%d kopecks, payments give %d", total, paid)
	}
	if items/100 != total/100 {
		c.add(SumMismatch, 1020, "%d kopecks, items give %d", total, items)
	}
}
