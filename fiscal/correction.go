package fiscal

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// Correction is what only documents 31 and 41 carry (FFD reference, 10; 54-FZ
// art. 4.3 p. 4).
type Correction struct {
	ByOrder bool   `json:"by_order,omitempty"` // 1173: false on own initiative, true by order of the tax office
	Date    string `json:"date"`               // 1178, local date of the corrected settlement, "2006-01-02"
	// Number is 1179: the order's number when ByOrder, and then due. Without an
	// order FFD 1.05 takes the number of the seller's own act (some registers
	// demand one); 1.1 and 1.2 leave it out.
	Number string `json:"number,omitempty"`
	// Reason is 1177, наименование основания: FFD 1.05 and 1.1 only, abolished
	// since but still asked for by their registers; 1.2 leaves it out.
	Reason string `json:"reason,omitempty"`
	// WrongFP is the fiscal sign of the wrong receipt, goes to 1192 as ten
	// digits; 0 when a settlement was missed and no receipt exists.
	WrongFP uint32 `json:"wrong_fp,omitempty"`
	// Taxes are the VAT totals of a sum-only correction (FFD 1.05); nil when it
	// has items, whose VAT is then summed. Each rate once.
	Taxes []VATSum `json:"taxes,omitempty"`
}

// VATSum is one total of a receipt: VAT of a rate (1102, 1103, 1106, 1107,
// 1120), for VAT0 and VATNone the turnover (1104, 1105).
type VATSum struct {
	VAT VAT     `json:"vat"`
	Sum Kopecks `json:"sum"`
}

// SumOnly says whether the document is a correction without items, which only
// FFD 1.05 knows.
func (d Document) SumOnly() bool { return d.Kind == KindCorrection && len(d.Items) == 0 }

// Repairs is the fiscal sign of the wrong receipt the document repairs (1192);
// 0 when it repairs none.
func (d Document) Repairs() uint32 {
	if d.Correction != nil {
		return d.Correction.WrongFP
	}
	return d.WrongFP
}

// VATSums are the totals of VAT by rate, in the order of the codes of 1199:
// sums of the items' VAT (turnover for VAT0 and VATNone), or the given ones of
// a sum-only correction.
func (d Document) VATSums() []VATSum {
	if d.SumOnly() {
		if d.Correction == nil {
			return nil
		}
		return sortVAT(d.Correction.Taxes)
	}
	return ItemVAT(d.Items)
}

// settledOn is the local date that decides which VAT rates were in force: of
// the sale, otherwise of the corrected settlement. Zero: unknown.
func (d Document) settledOn() time.Time {
	if d.SoldAt.IsZero() && d.Correction != nil {
		at, _ := time.Parse(time.DateOnly, d.Correction.Date)
		return at
	}
	return d.SoldAt
}

func (d Document) checkCorrection(c *checker) {
	switch {
	case d.Kind == KindReceipt && d.Correction != nil:
		c.add(fault.KindUnknown, "a receipt with the data of a correction")
	case d.Kind != KindCorrection:
	case d.Correction == nil:
		c.add(fault.CorrectionIncomplete, "no data of the correction")
	default:
		d.Correction.check(c, d)
	}
	if d.Kind == KindCorrection && d.WrongFP != 0 {
		c.add(fault.RepairBad, "1192 of a correction is set outside of its data")
	}
}

func (k Correction) check(c *checker, d Document) {
	if !validDate(k.Date) {
		c.add(fault.CorrectionIncomplete, "1178 = %q", k.Date)
	}
	if k.ByOrder && k.Number == "" {
		c.add(fault.CorrectionIncomplete, "1179 is empty, 1173 says by order")
	}
	c.text(fault.CorrectionIncomplete, "1179", k.Number, 0, 32)
	c.text(fault.CorrectionIncomplete, "1177", k.Reason, 0, 256)
	if !d.SumOnly() {
		if len(k.Taxes) > 0 {
			c.add(fault.CorrectionTaxesBad, "totals of VAT given beside items")
		}
		return
	}
	d.checkTaxes(c, k.Taxes)
}

// checkTaxes holds the given totals against the sum: turnovers alone must give
// it, VAT can be no more than the rate of the whole (roundings of many
// settlements leave no exact rule).
func (d Document) checkTaxes(c *checker, taxes []VATSum) {
	if len(taxes) == 0 {
		c.add(fault.CorrectionTaxesBad, "no items and no totals of VAT")
		return
	}
	seen := map[VAT]bool{}
	var turnover, gross Kopecks
	onlyTurnover := true
	for _, t := range taxes {
		c.where = fmt.Sprintf("1199 = %d: ", uint8(t.VAT))
		if seen[t.VAT] {
			c.add(fault.CorrectionTaxesBad, "the rate repeats")
		}
		seen[t.VAT] = true
		d.checkRate(c, t.VAT)
		switch {
		case t.Sum < 0 || t.Sum > d.Total:
			c.add(fault.CorrectionTaxesBad, "%d kopecks of %d", t.Sum, d.Total)
		case t.VAT.Percent() == 0:
			turnover = saturate(turnover, t.Sum)
		default:
			onlyTurnover = false
			gross = saturate(gross, t.VAT.grossOf(t.Sum))
		}
	}
	c.where = ""
	if turnover > d.Total || onlyTurnover && turnover != d.Total {
		c.add(fault.CorrectionTaxesBad, "1020 = %d, turnover without VAT is %d", d.Total, turnover)
	}
	// each kopeck of VAT stands for a few of turnover: a tenth and a rouble cover the roundings
	if least := saturate(turnover, gross); least-least/10-100 > d.Total {
		c.add(fault.CorrectionTaxesBad, "1020 = %d, the VAT is that of %d", d.Total, least)
	}
}
