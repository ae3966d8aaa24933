package ffd

import (
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
)

// Check is fiscal.Document.Validate and what the version of a register adds: a
// sum-only correction, and corrections of sell and buy alone, belong to 1.05;
// a wrong receipt is repaired by receipts in 1.05 and by corrections in 1.1 and
// 1.2 (FFD reference, 10). Shift documents are the same in all. The error is a
// fault.List.
func Check(d fiscal.Document, v Version) error {
	var list fault.List
	if err := d.Validate(); err != nil {
		if !errors.As(err, &list) {
			return err
		}
	}
	add := func(code fault.Code, format string, args ...any) {
		list = append(list, fault.New(code, fmt.Sprintf(format, args...)))
	}
	if v < V105 || v > V12 {
		add(fault.VersionUnknown, "1209 = %d", uint8(v))
	}
	switch {
	case d.Kind == fiscal.KindCorrection && v == V105:
		if d.Operation != fiscal.Sell && d.Operation != fiscal.Buy {
			add(fault.CorrectionStyle, "FFD 1.05 corrects sell and buy only, 1054 = %d", d.Operation)
		}
		if d.Repairs() != 0 {
			add(fault.RepairBad, "FFD 1.05 repairs a wrong receipt with receipts, not with document 31")
		}
	case d.Kind == fiscal.KindCorrection && d.SumOnly():
		add(fault.CorrectionStyle, "FFD %s corrects with items", v)
	case d.Kind == fiscal.KindReceipt && d.WrongFP != 0 && v != V105:
		add(fault.RepairBad, "FFD %s repairs a wrong receipt with document 31", v)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// CorrectionElements are 1173 and 1174 as the version wants them: 1177 before
// 1.2, 1179 when given in 1.05, in later versions only of an order. An
// impossible date or text is left out; Check refuses both.
func CorrectionElements(c fiscal.Correction, v Version) []Element {
	var kind uint64
	if c.ByOrder {
		kind = 1
	}
	var base builder
	if v != V12 {
		base.some(1177, c.Reason)
	}
	if day, err := time.Parse(time.DateOnly, c.Date); err == nil {
		base.clock(1178, day)
	}
	if c.ByOrder || v == V105 {
		base.some(1179, c.Number)
	}
	return []Element{Num(1173, kind), Struct(1174, base.es...)}
}

// RepairElement is 1192 with the ten digits of the wrong receipt's fiscal sign.
func RepairElement(d fiscal.Document) (e Element, ok bool) {
	fp := d.Repairs()
	if fp == 0 {
		return e, false
	}
	return Element{Tag: 1192, Value: fmt.Appendf(nil, "%010d", fp)}, true
}

// TaxElements are the receipt's totals of VAT: VAT in 1102, 1103, 1106, 1107,
// turnover in 1104, 1105, the rates of 2025 and 2026 in 1115 (1119: 1199, 1120).
func TaxElements(d fiscal.Document) []Element {
	var b, rates builder
	for _, t := range d.VATSums() {
		if t.VAT.TotalTag() != 1115 {
			b.money(Tag(t.VAT.TotalTag()), t.Sum)
			continue
		}
		var one builder
		one.num(1199, uint64(t.VAT))
		one.money(1120, t.Sum)
		rates.nested(1119, &one)
	}
	if len(rates.es) > 0 {
		b.nested(1115, &rates)
	}
	return b.es
}
