package ffd

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
)

// SubjectIn is 1212 of an item in a version: the codes of marked goods (30..33)
// are FFD 1.2 alone, and a marked article has them there.
func SubjectIn(it fiscal.Item, v Version) fiscal.Subject {
	switch {
	case v != V12 && (it.Subject == fiscal.SubjectExciseNoCode || it.Subject == fiscal.SubjectExciseMarked):
		return fiscal.SubjectExcise
	case v != V12 && (it.Subject == fiscal.SubjectMarkedNoCode || it.Subject == fiscal.SubjectMarked):
		return fiscal.SubjectGoods
	case v == V12 && it.Marked() && it.Subject == fiscal.SubjectExcise:
		return fiscal.SubjectExciseMarked
	case v == V12 && it.Marked() && it.Subject == fiscal.SubjectGoods:
		return fiscal.SubjectMarked
	}
	return it.Subject
}

// The first bytes of 1162 say what follows: a code of the article, or a full
// marking code.
const (
	codeOfArticle = 0x490e // EAN-13 and GTIN, 6 bytes big-endian
	codeOfMark    = 0x444d // GTIN, then the serial in ASCII
)

// ProductCode is 1162 of FFD 1.05 and 1.1 (FFD reference, 11.1): two bytes of
// kind, the GTIN as 6 bytes big-endian, of a full code its serial (AI 21).
func ProductCode(it fiscal.Item) ([]byte, error) {
	kind, gtin, serial := uint16(codeOfArticle), it.GTIN, ""
	if it.Mark != "" {
		m, ok := fiscal.ParseMark(it.Mark)
		if !ok {
			return nil, fmt.Errorf("product code: %q is no full marking code", it.Mark)
		}
		kind, gtin, serial = codeOfMark, m.GTIN, m.Serial
	}
	n, err := strconv.ParseUint(gtin, 10, 47)
	if err != nil {
		return nil, fmt.Errorf("product code: GTIN %q", gtin)
	}
	b := binary.BigEndian.AppendUint64(nil, n)
	binary.BigEndian.PutUint16(b, kind)
	return append(b, serial...), nil
}

// MarkElements are the requisites of a marked article inside 1059; none of
// another. FFD 1.05 and 1.1: 1162 and 1191. FFD 1.2: 1163, 2106 (0, the machine
// checks no code) and 1260; there a register is given the code as 2000
// (MarkingCode) and the ФН makes 1163 of it. Which kind a bare GTIN becomes was
// not found: 1303 by its 14 digits.
func MarkElements(it fiscal.Item, v Version) ([]Element, error) {
	if v == V12 {
		return markElements12(it)
	}
	if !it.Marked() {
		return nil, nil
	}
	code, err := ProductCode(it)
	if err != nil {
		return nil, err
	}
	return []Element{{Tag: 1162, Value: code}, {Tag: 1191, Value: []byte(fiscal.VendingProperty)}}, nil
}

func markElements12(it fiscal.Item) (es []Element, err error) {
	industry := it.Industry
	if it.Marked() {
		code := Element{Tag: 1303, Value: []byte(it.GTIN)}
		if it.Mark != "" {
			m, ok := fiscal.ParseMark(it.Mark)
			if !ok {
				return nil, fmt.Errorf("product code: %q is no full marking code", it.Mark)
			}
			code = Element{Tag: 1305, Value: []byte("01" + m.GTIN + "21" + m.Serial)}
		}
		es = append(es, Struct(1163, code), Num(2106, 0))
		if industry == nil {
			industry = &fiscal.VendingIndustry
		}
	}
	if industry != nil {
		e, err := IndustryElement(*industry)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}

// MarkingCode is 2000, what a register of FFD 1.2 is told of a marked article:
// the full code, otherwise the 14 digits of the GTIN. "" of other items.
func MarkingCode(it fiscal.Item) string {
	if it.Mark != "" {
		return it.Mark
	}
	return it.GTIN
}

// IndustryElement is 1260.
func IndustryElement(n fiscal.Industry) (Element, error) {
	day, err := time.Parse(time.DateOnly, n.Date)
	if err != nil {
		return Element{}, fmt.Errorf("1263: %w", err)
	}
	var b builder
	b.text(1262, n.Agency)
	b.text(1263, day.Format("02.01.2006"))
	b.text(1264, charset.Clean(n.Number))
	b.text(1265, charset.Clean(n.Value))
	return Struct(1260, b.es...), b.err
}

// marking reads what MarkElements wrote; other codes are left out.
func (r *reader) marking(it *fiscal.Item) {
	if e := Find(r.es, 1162); e != nil && len(e.Value) >= 8 {
		gtin := fmt.Sprintf("%014d", binary.BigEndian.Uint64(append([]byte{0, 0}, e.Value[2:8]...)))
		switch kind := binary.BigEndian.Uint16(e.Value); {
		case kind == codeOfArticle && len(e.Value) == 8:
			it.GTIN = gtin
		case kind == codeOfMark && len(e.Value) > 8:
			it.Mark = "01" + gtin + "21" + Element{Value: e.Value[8:]}.Text()
		}
	}
	if n := r.nested(1163); n != nil {
		if e := Find(n.es, 1303); e != nil {
			it.GTIN = e.Text()
		} else if e := Find(n.es, 1305); e != nil && strings.HasPrefix(e.Text(), "01") {
			it.Mark = e.Text()
		}
	}
	if n := r.nested(1260); n != nil {
		in := fiscal.Industry{Agency: n.text(1262), Number: n.text(1264), Value: n.text(1265)}
		if day, err := time.Parse("02.01.2006", n.text(1263)); err == nil {
			in.Date = day.Format(time.DateOnly)
		}
		if !it.Marked() || in != fiscal.VendingIndustry {
			it.Industry = &in
		}
	}
}
