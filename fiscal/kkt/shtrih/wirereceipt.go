package shtrih

import (
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// maxTLV is the longest element FF0Ch and FF4Dh take in a V1 frame; the buffer
// for longer ones (FF30h to FF33h, FF64h) is named in the sources, not described.
const maxTLV = 249

// receiptSteps is the scenario of kkt-shtrih 7: 8Dh, FF46h for each item (with
// FF4Dh before or after it), FF0Ch for each requisite, FF45h.
func (s *Settings) receiptSteps(doc fiscal.Document, key kkt.Key, reg kkt.Registration) ([]step, error) {
	var steps []step
	if s.Table1036 {
		steps = append(steps, s.machineTable(doc.Machine.Serial))
	}
	steps = append(steps, step{cmdOpenReceipt, hexBytes{openType(doc.Operation)}})
	items, err := s.itemSteps(doc, reg)
	if err != nil {
		return nil, err
	}
	steps = append(steps, items...)
	tags, err := s.receiptTags(doc, key, reg.FFD)
	if err != nil {
		return nil, err
	}
	return append(append(steps, tags...), s.closing(doc)), nil
}

func (s *Settings) itemSteps(doc fiscal.Document, reg kkt.Registration) (steps []step, err error) {
	for _, it := range doc.Items {
		op, err := s.operation(doc.Operation, it)
		if err != nil {
			return nil, err
		}
		tags, err := s.itemTags(it, reg.FFD)
		if err != nil {
			return nil, err
		}
		if s.Family.itemTagsFirst() {
			steps = append(append(steps, tags...), op)
		} else {
			steps = append(append(steps, op), tags...)
		}
	}
	return steps, nil
}

// openType is the type of 8Dh: 0 sale, 1 purchase, 2 return of sale, 3 return of purchase.
func openType(op fiscal.Operation) byte {
	switch op {
	case fiscal.SellReturn:
		return 2
	case fiscal.Buy:
		return 1
	case fiscal.BuyReturn:
		return 3
	}
	return 0
}

// operation is FF46h (kkt-shtrih 6.1) with the name's real length.
func (s *Settings) operation(op fiscal.Operation, it fiscal.Item) (step, error) {
	tax, ok := s.Tax[it.VAT]
	if !ok {
		return step{}, config(fault.VATNotMapped, "1199 = %d", uint8(it.VAT))
	}
	name, err := charset.CP1251(charset.Clean(it.Name))
	if err != nil {
		return step{}, fault.New(fault.ItemNameBad, err.Error())
	}
	p := make(hexBytes, 0, 26+len(name))
	p = append(p, byte(op))
	p = put6(p, it.Quantity)
	p = put5(p, it.Price)
	p = put5(p, it.Sum)
	p = append(p, 0xff, 0xff, 0xff, 0xff, 0xff) // tax sum: the register's own
	p = append(p, tax, s.Department, byte(it.Method), byte(it.Subject))
	return step{cmdOperation, append(p, name...)}, nil
}

// itemTags are the requisites FF46h has no field for. Marked goods in vending
// go by their product code: 1162 and 1191 before FFD 1.2; in 1.2 the code and
// 1260 (ffd 11.1), which no source shows on these registers (FF61h and FF67h
// take a code that was read), so that way is a setting and is read back.
func (s *Settings) itemTags(it fiscal.Item, version kkt.FFD) ([]step, error) {
	var es []ffd.Element
	var err error
	switch {
	case version == 0 && it.Marked(), version == kkt.FFD12 && it.Marked() && !s.MarkTLV:
		return nil, config(fault.MarkingUnsupported, "FFD %s", version)
	case version == kkt.FFD12:
		es, err = marked12(it)
	default:
		es, err = ffd.MarkElements(it, version)
	}
	if err != nil {
		return nil, fault.New(fault.MarkBad, err.Error())
	}
	if it.Measure != 0 && version == kkt.FFD12 {
		es = append(es, ffd.Num(2108, uint64(it.Measure)))
	}
	return tlvSteps(cmdOperationTLV, es)
}

// marked12 is 2000, of which the ФН makes 1163, and 1260.
func marked12(it fiscal.Item) (es []ffd.Element, err error) {
	industry := it.Industry
	if it.Marked() {
		es = append(es, ffd.Element{Tag: 2000, Value: []byte(ffd.MarkingCode(it))})
		if industry == nil {
			industry = &fiscal.VendingIndustry
		}
	}
	if industry == nil {
		return es, nil
	}
	e, err := ffd.IndustryElement(*industry)
	return append(es, e), err
}

// receiptTags are the requisites of the receipt: the key first, so that even a
// document that ends early can be told.
func (s *Settings) receiptTags(doc fiscal.Document, key kkt.Key, version kkt.FFD) ([]step, error) {
	es, err := s.requisites(doc, key, version)
	if err != nil {
		return nil, err
	}
	return tlvSteps(cmdTLV, es)
}

func (s *Settings) requisites(doc fiscal.Document, key kkt.Key, version kkt.FFD) ([]ffd.Element, error) {
	es, err := s.keyElement(key)
	if err != nil {
		return nil, err
	}
	texts := []textTag{
		{1036, doc.Machine.Serial},
		{1009, doc.Machine.Address},
		{1187, doc.Machine.Place},
		{1008, doc.BuyerContact},
		{1117, doc.SellerEmail},
		{1021, charset.Clean(doc.Cashier)},
		{1203, doc.CashierINN},
	}
	if fp := doc.Repairs(); fp != 0 {
		texts = append(texts, textTag{1192, fmt.Sprintf("%010d", fp)})
	}
	if s.Table1036 {
		texts[0].text = ""
	}
	if s.Registered {
		texts[1].text, texts[2].text = "", ""
	}
	if doc.BuyerContact == "" {
		texts[4].text = ""
	}
	more, err := elements(texts)
	if err != nil {
		return nil, err
	}
	es = append(es, more...)
	if b := doc.Buyer; b != nil {
		named, err := elements([]textTag{{1227, charset.Clean(b.Name)}, {1228, b.INN}})
		if err != nil {
			return nil, err
		}
		if version == kkt.FFD12 { // 1227 and 1228 alone are refused there (kkt-shtrih 8)
			named = []ffd.Element{ffd.Struct(1256, named...)}
		}
		es = append(es, named...)
	}
	if doc.Internet {
		es = append(es, ffd.Num(1125, 1))
	}
	return es, nil
}

// tagRequisite is the register's own tag for the value of 1084, whose name
// stands in its table (kkt-shtrih 8).
const tagRequisite ffd.Tag = 15000

func (s *Settings) keyElement(key kkt.Key) ([]ffd.Element, error) {
	if s.KeyTag {
		return []ffd.Element{{Tag: tagRequisite, Value: []byte(key)}}, nil
	}
	in, err := elements([]textTag{{1085, kkt.KeyName}, {1086, string(key)}})
	if err != nil {
		return nil, err
	}
	return []ffd.Element{ffd.Struct(1084, in...)}, nil
}

// elements makes those of the texts that are not empty.
func elements(texts []textTag) ([]ffd.Element, error) {
	var es []ffd.Element
	for _, t := range texts {
		if t.text == "" {
			continue
		}
		e, err := ffd.Str(t.tag, t.text)
		if err != nil {
			return nil, fault.New(fault.DocumentTooLong, err.Error())
		}
		es = append(es, e)
	}
	return es, nil
}

func tlvSteps(c Code, es []ffd.Element) ([]step, error) {
	steps := make([]step, len(es))
	for i, e := range es {
		p := ffd.AppendElement(nil, e)
		if len(p) > maxTLV {
			return nil, fault.New(fault.DocumentTooLong, fmt.Sprintf("%d with its head has %d bytes, a command takes %d", e.Tag, len(p), maxTLV))
		}
		steps[i] = step{c, p}
	}
	return steps, nil
}

// closing is FF45h (kkt-shtrih 6.2) without text; taxes are the register's.
func (s *Settings) closing(doc fiscal.Document) step {
	var sums [16]int64
	for _, p := range doc.Payments {
		switch p.Kind {
		case fiscal.Cash:
			sums[0] = p.Amount
		case fiscal.Ecash:
			sums[s.EcashSlot-1] = p.Amount
		case fiscal.Prepaid:
			sums[13] = p.Amount
		case fiscal.Credit:
			sums[14] = p.Amount
		case fiscal.Provision:
			sums[15] = p.Amount
		}
	}
	p := make(hexBytes, 0, 112)
	for _, v := range sums {
		p = put5(p, v)
	}
	p = append(p, 0) // rounding down, kopecks
	p = append(p, make([]byte, 30)...)
	return step{cmdCloseReceipt, append(p, byte(doc.TaxSystem))}
}

// machineTable is 1Eh of the embedded-device table, field 1: CHAR 20, filled
// with zeros.
func (s *Settings) machineTable(serial string) step {
	p := hexBytes{s.Family.embeddedTable(), 1, 0, 1}
	value, _ := charset.CP1251(serial)
	p = append(p, value...)
	return step{cmdWriteTable, append(p, make([]byte, fiscal.MaxSerial-len(value))...)}
}
