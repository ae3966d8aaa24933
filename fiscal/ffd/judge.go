package ffd

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/chekomat/chekomat/fiscal"
)

// due judges the condition of a rule for a chain that lacks its requisite. What
// neither the document nor the registration can tell counts as not due.
func (c *checker) due(r Rule, es []Element) bool {
	switch r.If {
	case Always:
		return true
	case IfByOrder:
		return numberIn(c.doc.Body, 1173) == 1
	case IfMarked: // 2106 goes with a code in FFD 1.2
		return r.Tag == 2106 && Find(es, 1163) != nil
	case IfAgent: // the supplier of an agent's item
		return r.Tag == 1226 && Find(es, 1222) != nil
	case IfRate:
		return slices.ContainsFunc(c.doc.Body, func(e Element) bool {
			return e.Tag == 1059 && Tag(fiscal.VAT(numberIn(e.Nested, 1199)).TotalTag()) == r.Tag
		})
	case IfUnsent:
		return (r.Tag == 1098 || r.Tag == 1116) && numberIn(es, 1097) > 0
	case IfOnline:
		return (r.Tag == 1017 || r.Tag == 1046) && Find(es, 1002) != nil && numberIn(es, 1002) == 0
	case IfAutomat:
		if c.doc.Code == CodeRegistration || c.doc.Code == CodeReregistration {
			return numberIn(es, 1001) == 1
		}
		return c.reg != nil && numberIn(c.reg, 1001) == 1 && Find(c.reg, 1036) == nil
	case IfOwnValue:
		return c.reg != nil && Find(c.reg, r.Tag) == nil
	}
	return false
}

// against compares what must agree with the registration report.
func (c *checker) against() {
	for _, t := range []Tag{1018, 1037, 1041} {
		mine, registered := Find(c.doc.Body, t), Find(c.reg, t)
		if mine != nil && registered != nil && !bytes.Equal(mine.Value, registered.Value) {
			c.add(BadValue, t, c.doc.Code, "%q, registered %q", mine.Text(), registered.Text())
		}
	}
	if set := numberIn(c.reg, 1062); set != 0 && isReceipt(c.doc.Code) && numberIn(c.doc.Body, 1055)&^set != 0 {
		c.add(BadValue, 1055, c.doc.Code, "%d, registered %d", numberIn(c.doc.Body, 1055), set)
	}
	if v := VersionOf(c.reg); v != 0 && c.v != v && Find(c.doc.Body, 1209) != nil {
		c.add(BadValue, 1209, c.doc.Code, "FFD %s, registered %s", c.v, v)
	}
	if agent := numberIn(c.doc.Body, 1057); agent&^numberIn(c.reg, 1057) != 0 {
		c.add(BadValue, 1057, c.doc.Code, "%d is not registered", agent)
	}
}

// numberIn reads an integer of a chain; 0 when absent or of a wrong form.
func numberIn(es []Element, t Tag) uint64 {
	if e := Find(es, t); e != nil {
		v, _ := e.Uint()
		return v
	}
	return 0
}

// closed checks values whose set is closed (FFD reference, 6).
func (c *checker) closed(e Element, info *Info, in Tag) {
	v, err := e.Uint()
	if err != nil || e.Nested != nil {
		return
	}
	ok := true
	switch {
	case info.Type == Flag:
		ok = v <= 1
	case e.Tag == 1054:
		ok = v >= 1 && v <= 4 && (!isCorrection(c.doc.Code) || c.v != V105 || v == 1 || v == 3)
	case e.Tag == 1055:
		ok = bits.OnesCount64(v) == 1 && v <= uint64(fiscal.PSN)
	case e.Tag == 1062:
		ok = v != 0 && v < uint64(fiscal.PSN)<<1
	case e.Tag == 1173:
		ok = v <= 1
	case e.Tag == 1199 && in != CodeMarkNotice:
		ok = fiscal.VAT(v).Known()
	case e.Tag == 1212:
		ok = v >= 1 && v <= 33 && v != 28 && v != 29 && (v < 30 || c.v == V12)
	case e.Tag == 1214:
		ok = v >= 1 && v <= 7
	case e.Tag == 1209:
		ok = v <= uint64(V12)
	}
	if !ok {
		c.add(BadValue, e.Tag, in, "%d", v)
	}
}
