package shtrih

import (
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// correctionSteps is FF35h, the requisites and (kkt-shtrih 6.3)
//
//   - in FFD 1.05 FF4Ah: sums, forms of payment and VAT totals without items.
//     Items of the document give the totals and are left out of doc, which the
//     document read back is compared with;
//   - in 1.1 and 1.2 FF46h for each item and FF45h.
func (s *Settings) correctionSteps(doc *fiscal.Document, key kkt.Key, reg kkt.Registration) ([]step, error) {
	sumOnly := reg.FFD == kkt.FFD105 || reg.FFD == 0 && doc.SumOnly()
	switch {
	case !sumOnly && doc.SumOnly():
		return nil, fault.New(fault.CorrectionStyle, fmt.Sprintf("no items in FFD %s", reg.FFD))
	case sumOnly && doc.Operation != fiscal.Sell && doc.Operation != fiscal.Buy:
		return nil, fault.New(fault.CorrectionStyle, fmt.Sprintf("1054 = %d in FFD 1.05", doc.Operation))
	}
	var steps []step
	if s.Table1036 {
		steps = append(steps, s.machineTable(doc.Machine.Serial))
	}
	steps = append(steps, step{Code: cmdBeginFix})
	es, err := s.requisites(*doc, key, reg.FFD)
	if err != nil {
		return nil, err
	}
	ground, err := s.ground(*doc.Correction, sumOnly, reg.FFD)
	if err != nil {
		return nil, err
	}
	tags, err := tlvSteps(cmdTLV, append(es, ground...))
	if err != nil {
		return nil, err
	}
	steps = append(steps, tags...)
	if sumOnly {
		fix, err := fixing(*doc)
		if err != nil {
			return nil, err
		}
		if !doc.SumOnly() {
			c := *doc.Correction
			c.Taxes = doc.VATSums()
			doc.Items, doc.Correction = nil, &c
		}
		return append(steps, fix), nil
	}
	items, err := s.itemSteps(*doc, reg)
	if err != nil {
		return nil, err
	}
	return append(append(steps, items...), s.closing(*doc)), nil
}

// ground is what the correction rests on: 1173 where the finishing command has
// no field for it, 1178, 1179, and 1177 before FFD 1.2. Sources name the tags
// and not whether 1174 is made around them by the register, so that is a setting.
func (s *Settings) ground(c fiscal.Correction, sumOnly bool, version kkt.FFD) ([]ffd.Element, error) {
	var out []ffd.Element
	if !sumOnly {
		out = append(out, ffd.Num(1173, uint64(kindOf(c))))
	}
	day, err := time.Parse(time.DateOnly, c.Date)
	if err != nil {
		return nil, fault.New(fault.CorrectionIncomplete, err.Error())
	}
	base := []ffd.Element{ffd.Clock(1178, day)}
	texts := []textTag{{1179, charset.Clean(c.Number)}}
	if version != kkt.FFD105 && !c.ByOrder {
		texts = nil
	}
	if version != kkt.FFD12 {
		texts = append(texts, textTag{1177, charset.Clean(c.Reason)})
	}
	more, err := elements(texts)
	if err != nil {
		return nil, err
	}
	base = append(base, more...)
	if s.BaseStruct {
		return append(out, ffd.Struct(1174, base...)), nil
	}
	return append(out, base...), nil
}

// kindOf is 1173.
func kindOf(c fiscal.Correction) byte {
	if c.ByOrder {
		return 1
	}
	return 0
}

// fixing is FF4Ah: kind, operation, total, five forms of payment, six taxes (VAT
// of 20 %, 10 %, turnover of 0 % and without VAT, 20/120, 10/110), tax system.
// It has no fields for the rates of 2025 and 2026.
func fixing(doc fiscal.Document) (step, error) {
	var paid [5]int64
	for _, p := range doc.Payments {
		switch p.Kind {
		case fiscal.Cash:
			paid[0] = p.Amount
		case fiscal.Ecash:
			paid[1] = p.Amount
		case fiscal.Prepaid:
			paid[2] = p.Amount
		case fiscal.Credit:
			paid[3] = p.Amount
		case fiscal.Provision:
			paid[4] = p.Amount
		}
	}
	var taxes [6]int64
	for _, t := range doc.VATSums() {
		at := map[fiscal.VAT]int{fiscal.VAT20: 0, fiscal.VAT10: 1, fiscal.VAT0: 2, fiscal.VATNone: 3, fiscal.VAT20120: 4, fiscal.VAT10110: 5}
		i, ok := at[t.VAT]
		if !ok {
			return step{}, config(fault.VATNotMapped, "1199 = %d in a correction without items", uint8(t.VAT))
		}
		taxes[i] = t.Sum
	}
	p := put5(hexBytes{kindOf(*doc.Correction), byte(doc.Operation)}, doc.Total)
	for _, v := range paid {
		p = put5(p, v)
	}
	for _, v := range taxes {
		p = put5(p, v)
	}
	return step{cmdFix, append(p, byte(doc.TaxSystem))}, nil
}
