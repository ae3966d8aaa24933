package shtrih

import (
	"encoding/binary"
	"strconv"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// receiptSteps is the scenario of kkt-shtrih 7: 8Dh, FF46h for each item (with
// FF4Dh before or after it), FF0Ch for each requisite, FF45h.
func (s *Settings) receiptSteps(doc fiscal.Document, key kkt.Key, reg kkt.Registration) ([]step, error) {
	var steps []step
	if s.Table1036 {
		steps = append(steps, s.machineTable(doc.Machine.Serial))
	}
	steps = append(steps, step{cmdOpenReceipt, hexBytes{openType(doc.Operation)}})
	for _, it := range doc.Items {
		op, err := s.operation(doc.Operation, it)
		if err != nil {
			return nil, err
		}
		tags, err := itemTags(it, reg.FFD)
		if err != nil {
			return nil, err
		}
		if s.Family.itemTagsFirst() {
			steps = append(append(steps, tags...), op)
		} else {
			steps = append(append(steps, op), tags...)
		}
	}
	tags, err := s.receiptTags(doc, key)
	if err != nil {
		return nil, err
	}
	return append(append(steps, tags...), s.closing(doc)), nil
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
// go by their product code in FFD 1.05 and 1.1 (ffd 11.1); the commands of FFD
// 1.2 (FF61h, FF67h) are not read from any proven source.
func itemTags(it fiscal.Item, version kkt.FFD) ([]step, error) {
	var steps []step
	if it.GTIN != "" || it.Mark != "" {
		if version == kkt.FFD12 || it.Mark != "" || version == 0 {
			return nil, config(fault.MarkingUnsupported, "FFD %s", version)
		}
		gtin, err := strconv.ParseUint(it.GTIN, 10, 47)
		if err != nil {
			return nil, fault.New(fault.GTINBad, it.GTIN)
		}
		code := binary.BigEndian.AppendUint64(nil, gtin)
		copy(code[:2], []byte{0x49, 0x0e})
		vend, err := ffd.Str(1191, "crpt=mrk&mode=vend")
		if err != nil {
			return nil, err
		}
		for _, e := range []ffd.Element{{Tag: 1162, Value: code}, vend} {
			steps = append(steps, step{cmdOperationTLV, ffd.AppendElement(nil, e)})
		}
	}
	if it.Measure != 0 && version == kkt.FFD12 {
		steps = append(steps, step{cmdOperationTLV, ffd.AppendElement(nil, ffd.Num(2108, uint64(it.Measure)))})
	}
	return steps, nil
}

// receiptTags are the requisites of the receipt: the key first, so that even a
// document that ends early can be told.
func (s *Settings) receiptTags(doc fiscal.Document, key kkt.Key) ([]step, error) {
	name, err := ffd.Str(1085, kkt.KeyName)
	if err != nil {
		return nil, err
	}
	value, err := ffd.Str(1086, string(key))
	if err != nil {
		return nil, err
	}
	elements := []ffd.Element{ffd.Struct(1084, name, value)}
	texts := []textTag{
		{1036, doc.Machine.Serial},
		{1009, charset.Clean(doc.Machine.Address)},
		{1187, charset.Clean(doc.Machine.Place)},
		{1008, doc.BuyerContact},
		{1117, doc.SellerEmail},
		{1021, charset.Clean(doc.Cashier)},
		{1203, doc.CashierINN},
	}
	for _, t := range texts {
		if t.text == "" || t.tag == 1036 && s.Table1036 || t.tag == 1117 && doc.BuyerContact == "" {
			continue
		}
		e, err := ffd.Str(t.tag, t.text)
		if err != nil {
			return nil, fault.New(fault.DocumentTooLong, err.Error())
		}
		elements = append(elements, e)
	}
	if doc.Internet {
		elements = append(elements, ffd.Num(1125, 1))
	}
	steps := make([]step, len(elements))
	for i, e := range elements {
		steps[i] = step{cmdTLV, ffd.AppendElement(nil, e)}
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
