package fiscal

import (
	"strings"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// Industry is an отраслевой реквизит (1260 of an item, FFD 1.2).
type Industry struct {
	Agency string `json:"agency"` // 1262, three digits: 030 Минпромторг
	Date   string `json:"date"`   // 1263, date of the founding act, "2006-01-02"; written DD.MM.YYYY
	Number string `json:"number"` // 1264, number of the act, up to 32 characters
	Value  string `json:"value"`  // 1265, up to 256 characters
}

// VendingIndustry is the 1260 of marked goods a machine sells without reading
// their code (54-FZ art. 4.3 p. 3.2 sub 1). The act is the one a cloud service
// names in its instruction; the decree itself was not read, so an item may give
// its own Industry.
var VendingIndustry = Industry{Agency: "030", Date: "2022-06-16", Number: "174", Value: "mode=vend"}

// VendingProperty is 1191 of the same goods in FFD 1.05 and 1.1.
const VendingProperty = "crpt=mrk&mode=vend"

// MarkingCode is what a full marking code says of the article: application
// identifiers 01 and 21 of GS1.
type MarkingCode struct {
	GTIN   string // 14 digits
	Serial string // 1..20 characters up to the next GS
}

// ParseMark reads a full marking code: 01, the GTIN, 21, the serial up to the
// first GS (1Dh). ok is false for every other form (short codes, EAN).
func ParseMark(code string) (m MarkingCode, ok bool) {
	code = strings.TrimPrefix(code, "\x1d")
	if len(code) < 19 || code[:2] != "01" || code[16:18] != "21" {
		return m, false
	}
	m.GTIN, m.Serial = code[2:16], code[18:]
	if gs := strings.IndexByte(m.Serial, 0x1d); gs >= 0 {
		m.Serial = m.Serial[:gs]
	}
	return m, validGTIN(m.GTIN) && len(m.Serial) >= 1 && len(m.Serial) <= 20
}

// Marked says whether the item is a marked article given by its code or GTIN.
func (it Item) Marked() bool { return it.GTIN != "" || it.Mark != "" }

func (it Item) checkMarking(c *checker) {
	if it.GTIN != "" && !validGTIN(it.GTIN) {
		c.add(fault.GTINBad, "%q", it.GTIN)
	}
	if it.Mark != "" {
		m, ok := ParseMark(it.Mark)
		switch {
		case len(it.Mark) > 256 || strings.ContainsFunc(it.Mark, func(r rune) bool { return r != 0x1d && (r <= ' ' || r > '~') }):
			c.add(fault.MarkBad, "%q", it.Mark)
		case !ok:
			c.add(fault.MarkBad, "%q is not 01, GTIN, 21, serial", it.Mark)
		case it.GTIN != "" && it.GTIN != m.GTIN:
			c.add(fault.MarkBad, "the code is of %s, the item says %s", m.GTIN, it.GTIN)
		case it.Quantity != One:
			c.add(fault.ItemQuantityBad, "1023 = %d millionths of an article with its own code", it.Quantity)
		}
	}
	if !it.Marked() && (it.Subject == SubjectMarked || it.Subject == SubjectExciseMarked) {
		c.add(fault.ItemSubjectBad, "1212 = %d without a code", it.Subject)
	}
	if it.Industry != nil {
		it.Industry.check(c)
	}
}

func (n Industry) check(c *checker) {
	if checkDigits(n.Agency, 3, 3) != nil {
		c.add(fault.IndustryBad, "1262 = %q", n.Agency)
	}
	if !validDate(n.Date) {
		c.add(fault.IndustryBad, "1263 = %q", n.Date)
	}
	c.text(fault.IndustryBad, "1264", n.Number, 1, 32)
	c.text(fault.IndustryBad, "1265", n.Value, 1, 256)
}
