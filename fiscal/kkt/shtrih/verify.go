package shtrih

import (
	"bytes"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// compareShort compares what FF0Ah tells with what was sent.
func compareShort(p program, s shortDocument) *kkt.Fault {
	switch {
	case s.Type != typeReceipt && s.Type != typeBSO:
		return mismatch(fault.WrongOperation, "document type %d", s.Type)
	case s.Operation != p.Document.Operation:
		return mismatch(fault.WrongOperation, "1054 = %d, sent %d", s.Operation, p.Document.Operation)
	case s.Sum != p.Document.Total:
		return mismatch(fault.WrongSum, "1020 = %d, sent %d", s.Sum, p.Document.Total)
	}
	return nil
}

func mismatch(code fault.Code, format string, args ...any) *kkt.Fault {
	f := fault.New(code, fmt.Sprintf(format, args...))
	return &f
}

// compare compares a document read back with what was sent; the first
// difference is returned, those that matter most first.
func compare(p program, doc archived) *kkt.Fault {
	want := p.Document
	if key := doc.key(); key != p.Key {
		return mismatch(fault.WrongKey, "1086 = %q, sent %q", key, p.Key)
	}
	if v, ok := uintOf(doc.body, 1054); !ok || fiscal.Operation(v) != want.Operation {
		return mismatch(fault.WrongOperation, "1054 = %d, sent %d", v, want.Operation)
	}
	if v, ok := uintOf(doc.body, 1020); !ok || int64(v) != want.Total {
		return mismatch(fault.WrongSum, "1020 = %d, sent %d", v, want.Total)
	}
	for _, c := range []struct {
		tag  ffd.Tag
		text string
		code fault.Code
	}{
		{1036, want.Machine.Serial, fault.WrongMachine},
		{1009, charset.Clean(want.Machine.Address), fault.WrongAddress},
		{1187, charset.Clean(want.Machine.Place), fault.WrongPlace},
		{1018, want.SellerINN, fault.WrongSeller},
	} {
		e := ffd.Find(doc.body, c.tag)
		sent, _ := charset.CP866(c.text)
		switch {
		case c.tag == 1018 && (c.text == "" || e == nil): // left to the registration
		case e == nil:
			return mismatch(c.code, "%d is missing, sent %q", c.tag, c.text)
		case !bytes.Equal(bytes.TrimRight(e.Value, " "), bytes.TrimRight(sent, " ")):
			return mismatch(c.code, "%d = %q, sent %q", c.tag, e.Text(), c.text)
		}
	}
	if v, ok := uintOf(doc.body, 1055); ok && fiscal.TaxSystem(v) != want.TaxSystem {
		return mismatch(fault.WrongTaxSystem, "1055 = %d, sent %d", v, want.TaxSystem)
	}
	if f := comparePayments(want, doc.body); f != nil {
		return f
	}
	return compareItems(want, doc.body)
}

func comparePayments(want fiscal.Document, body []ffd.Element) *kkt.Fault {
	for _, c := range []struct {
		tag  ffd.Tag
		kind fiscal.PaymentKind
	}{{1031, fiscal.Cash}, {1081, fiscal.Ecash}, {1215, fiscal.Prepaid}, {1216, fiscal.Credit}, {1217, fiscal.Provision}} {
		var sent fiscal.Kopecks
		for _, p := range want.Payments {
			if p.Kind == c.kind {
				sent = p.Amount
			}
		}
		v, _ := uintOf(body, c.tag)
		if int64(v) != sent {
			return mismatch(fault.WrongPayment, "%d = %d, sent %d", c.tag, v, sent)
		}
	}
	return nil
}

func compareItems(want fiscal.Document, body []ffd.Element) *kkt.Fault {
	i := 0
	for _, e := range body {
		if e.Tag != 1059 {
			continue
		}
		if i == len(want.Items) {
			return mismatch(fault.WrongSum, "more than the %d items sent", i)
		}
		it := want.Items[i]
		i++
		if v, ok := uintOf(e.Nested, 1043); !ok || int64(v) != it.Sum {
			return mismatch(fault.WrongSum, "item %d: 1043 = %d, sent %d", i, v, it.Sum)
		}
		if v, ok := uintOf(e.Nested, 1199); !ok || fiscal.VAT(v) != it.VAT {
			return mismatch(fault.WrongVAT, "item %d: 1199 = %d, sent %d", i, v, it.VAT)
		}
		if v, ok := uintOf(e.Nested, 1200); ok && it.VAT.Percent() != 0 && int64(v) != it.VAT.Of(it.Sum) {
			return mismatch(fault.WrongVAT, "item %d: 1200 = %d, %s of %d is %d", i, v, it.VAT, it.Sum, it.VAT.Of(it.Sum))
		}
	}
	if i != len(want.Items) {
		return mismatch(fault.WrongSum, "%d items, sent %d", i, len(want.Items))
	}
	return nil
}

func uintOf(es []ffd.Element, tag ffd.Tag) (uint64, bool) {
	e := ffd.Find(es, tag)
	if e == nil {
		return 0, false
	}
	v, err := e.Uint()
	return v, err == nil
}
