package ffd

import (
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// Problem is a deviation of a document from the tables or of its sums from each
// other. It speaks of the document, not of whether the sale was so.
type Problem struct {
	Code fault.Code
	Tag  Tag // the requisite
	In   Tag // document or structure it stands in, or should
	Item int // 1.. inside the n-th 1059, 0 at the document's level
	Text string
}

// Deviations.
const (
	Missing      = fault.TagMissing      // a mandatory requisite is not there
	NotInVersion = fault.TagNotInVersion // the version does not know it here
	NotInForm    = fault.TagNotInForm    // belongs to the printed form only
	Repeated     = fault.TagRepeated
	BadLength    = fault.TagLength
	BadValue     = fault.TagValue
	SumMismatch  = fault.DocumentSums // 1020, payments and items disagree
	VATMismatch  = fault.DocumentVAT  // a sum of VAT is not that of its rate
	TooLong      = fault.DocumentTooLong
)

// Name is the requisite with its Russian name: "1009 «Адрес расчетов»", or the
// document's.
func (t Tag) Name() string {
	if info, ok := Lookup(t); ok {
		return fmt.Sprintf("%d «%s»", t, info.Name)
	}
	if name := DocumentName(t); name != "" {
		return fmt.Sprintf("%d «%s»", t, name)
	}
	return fmt.Sprint(uint16(t))
}

func (p Problem) String() string { return string(p.Code) + ": " + p.where() }

func (p Problem) where() string {
	s := p.Tag.Name()
	if p.Item > 0 {
		s += fmt.Sprintf(", item %d", p.Item)
	}
	if p.In != 0 && p.In != 1059 {
		if _, ok := Lookup(p.In); ok {
			s += fmt.Sprintf(", in %d", p.In)
		}
	}
	if p.Text != "" {
		s += ": " + p.Text
	}
	return s
}

// Fault is the problem with its text for people; the requisite has its Russian
// name.
func (p Problem) Fault() fault.Fault { return fault.New(p.Code, p.where()) }

// Faults are problems as one error; nil when there are none.
func Faults(ps []Problem) error {
	if len(ps) == 0 {
		return nil
	}
	list := make(fault.List, len(ps))
	for i, p := range ps {
		list[i] = p.Fault()
	}
	return list
}

// repeats are the requisites that may stand several times in one chain.
var repeats = map[Tag]bool{
	1059: true, 1073: true, 1074: true, 1075: true, 1101: true, 1119: true, 1171: true,
	1235: true, 1260: true, 1261: true, 2007: true,
}

// Validate compares a document with the composition tables of its version
// (1209), its values with the tag table and, of receipts and corrections, its
// sums with each other. Documents of other versions are checked for the form of
// their values only. Conditions that only the registration can decide are not
// judged, see ValidateAgainst.
func Validate(d Document) []Problem { return validate(d, nil) }

// ValidateAgainst also holds the document against the registration report
// (document 1 or 11) it was made under: what is left to the registration must
// stand there, seller and register must be the same, tax system and automatic
// mode as registered.
func ValidateAgainst(d Document, registration Document) []Problem {
	return validate(d, &registration)
}

func validate(d Document, registration *Document) []Problem {
	c := checker{doc: d, v: versionIn(d)}
	if registration != nil {
		c.reg = registration.Body
	}
	info, ok := LookupDocument(d.Code)
	var rules []Rule
	if ok && c.v >= V105 && c.v <= V12 {
		rules = info.Rules
	}
	body := d.Body
	if d.Code == CodeMarkNotice && rules != nil {
		c.chain(body, nil, d.Code)
		c.compose(flatten(body), rules, d.Code)
	} else {
		c.chain(body, rules, d.Code)
	}
	if isReceipt(d.Code) {
		c.sums()
		c.vat()
	}
	if registration != nil {
		c.against()
	}
	if ok {
		if n := len(AppendChain(nil, body)); n > info.Max {
			c.add(TooLong, d.Code, d.Code, "%d bytes, at most %d", n, info.Max)
		}
	}
	return c.list
}

// versionIn is the version whose tables apply: 1209, for marking documents,
// which have none, 1.2, for a confirmation by its content.
func versionIn(d Document) Version {
	switch d.Code {
	case CodeMarkRequest, CodeMarkNotice, CodeMarkAnswer, CodeMarkReceipt:
		return V12
	case CodeConfirmation:
		if Find(d.Body, 1022) != nil || Find(d.Body, 1068) != nil {
			return V105
		}
		return V12
	}
	return VersionOf(d.Body)
}

// flatten lays the content of 2007 beside what stands around it.
func flatten(body []Element) []Element {
	var out []Element
	for _, e := range body {
		out = append(out, e)
		if e.Tag == 2007 {
			out = append(out, e.Nested...)
		}
	}
	return out
}

type checker struct {
	doc  Document
	v    Version
	reg  []Element // body of the registration report; nil not known
	item int
	list []Problem
}

func (c *checker) add(code fault.Code, t, in Tag, format string, args ...any) {
	c.list = append(c.list, Problem{code, t, in, c.item, fmt.Sprintf(format, args...)})
}

// chain checks the values of a chain, its composition when rules are given, and
// the chains inside.
func (c *checker) chain(es []Element, rules []Rule, in Tag) {
	items := 0
	seen := make(map[Tag]bool, len(es))
	for _, e := range es {
		if seen[e.Tag] && !repeats[e.Tag] {
			c.add(Repeated, e.Tag, in, "")
		}
		seen[e.Tag] = true
		c.value(e, in)
		if e.Nested == nil {
			continue
		}
		if e.Tag == 1059 {
			items++
			c.item = items
		}
		var inside []Rule
		if rules != nil || in == CodeMarkNotice {
			inside = structures[e.Tag]
		}
		c.chain(e.Nested, inside, e.Tag)
		if e.Tag == 1059 {
			c.item = 0
		}
	}
	if rules != nil {
		c.compose(es, rules, in)
	}
}

// compose compares a chain with a composition table.
func (c *checker) compose(es []Element, rules []Rule, in Tag) {
	seen := make(map[Tag]bool, len(es))
	for _, e := range es {
		seen[e.Tag] = true
	}
	for _, r := range rules {
		switch o := r.In(c.v).Electronic(); {
		case seen[r.Tag] && o == Absent:
			c.add(NotInVersion, r.Tag, in, "FFD %s", c.v)
		case seen[r.Tag] && o == OtherForm:
			c.add(NotInForm, r.Tag, in, "")
		case seen[r.Tag]:
		case o == Obligatory:
			c.add(Missing, r.Tag, in, "")
		case o == Conditional && c.due(r, es):
			c.add(Missing, r.Tag, in, "%s", r.If.Text("en"))
		}
		delete(seen, r.Tag)
	}
	for _, e := range es { // what is left has no row in the table
		if _, ok := Lookup(e.Tag); ok && seen[e.Tag] && e.Tag != 2007 && !e.outdated() {
			c.add(NotInVersion, e.Tag, in, "not part of %s", in.Name())
			delete(seen, e.Tag)
		}
	}
}

// value checks the form of one value by the tag table.
func (c *checker) value(e Element, in Tag) {
	info, ok := Lookup(e.Tag)
	if !ok || e.outdated() {
		return
	}
	n := len(e.Value)
	if e.Nested != nil {
		n = chainLen(e.Nested)
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
	case FVLN:
		if _, err := ParseFVLN(e.Value); err != nil && n <= info.Max {
			c.add(BadValue, e.Tag, in, "%v", err)
		}
	}
	switch {
	case exact > 0 && n != exact:
		c.add(BadLength, e.Tag, in, "%d bytes, must be %d", n, exact)
	case info.Max > 0 && n > info.Max:
		c.add(BadLength, e.Tag, in, "%d bytes, at most %d", n, info.Max)
	default:
		c.closed(e, info, in)
	}
}

// chainLen is the length of an encoded chain.
func chainLen(es []Element) (n int) {
	for _, e := range es {
		n += headLen
		if e.Nested != nil {
			n += chainLen(e.Nested)
		} else {
			n += len(e.Value)
		}
	}
	return n
}
