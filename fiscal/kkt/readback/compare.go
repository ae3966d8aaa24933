package readback

import (
	"bytes"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Sent is what the document is compared with. Texts are as they were sent:
// already cleaned for the register.
type Sent struct {
	Document fiscal.Document
	Key      kkt.Key
	// Elements are the requisites that were sent as TLV, where the protocol has
	// such a command: buyer, contact and the like must have arrived unchanged.
	Elements []ffd.Element
}

// Difference is the first one found, those that matter most first; nil when
// the document is what was sent.
func (d Document) Difference(s Sent) *kkt.Fault {
	want := s.Document
	if key := d.Key(); key != s.Key {
		return differs(fault.WrongKey, "1086 = %q, sent %q", key, s.Key)
	}
	if d.Kind() != want.Kind {
		return differs(fault.WrongOperation, "document type %d, sent a %s", d.Code, want.Kind)
	}
	if v, ok := d.Uint(1054); !ok || fiscal.Operation(v) != want.Operation {
		return differs(fault.WrongOperation, "1054 = %d, sent %d", v, want.Operation)
	}
	if v, ok := d.Uint(1020); !ok || int64(v) != want.Total {
		return differs(fault.WrongSum, "1020 = %d, sent %d", v, want.Total)
	}
	for _, c := range []struct {
		tag  ffd.Tag
		text string
		code fault.Code
	}{
		{1036, want.Machine.Serial, fault.WrongMachine},
		{1009, want.Machine.Address, fault.WrongAddress},
		{1187, want.Machine.Place, fault.WrongPlace},
		{1018, want.SellerINN, fault.WrongSeller},
	} {
		e := ffd.Find(d.Body, c.tag)
		sent, _ := charset.CP866(c.text)
		switch {
		case c.tag == 1018 && (c.text == "" || e == nil): // left to the registration
		case e == nil:
			return differs(c.code, "%d is missing, sent %q", c.tag, c.text)
		case !bytes.Equal(bytes.TrimRight(e.Value, " "), bytes.TrimRight(sent, " ")):
			return differs(c.code, "%d = %q, sent %q", c.tag, e.Text(), c.text)
		}
	}
	if v, ok := d.Uint(1055); ok && fiscal.TaxSystem(v) != want.TaxSystem {
		return differs(fault.WrongTaxSystem, "1055 = %d, sent %d", v, want.TaxSystem)
	}
	if f := d.payments(want); f != nil {
		return f
	}
	if f := d.items(want); f != nil {
		return f
	}
	if f := d.correction(want); f != nil {
		return f
	}
	return d.requisites(s)
}

func (d Document) payments(want fiscal.Document) *kkt.Fault {
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
		if v, _ := d.Uint(c.tag); int64(v) != sent {
			return differs(fault.WrongPayment, "%d = %d, sent %d", c.tag, v, sent)
		}
	}
	return nil
}

func (d Document) items(want fiscal.Document) *kkt.Fault {
	i := 0
	for _, e := range d.Body {
		if e.Tag != 1059 {
			continue
		}
		if i == len(want.Items) {
			return differs(fault.WrongSum, "more than the %d items sent", i)
		}
		it := want.Items[i]
		i++
		if v, ok := uintOf(e.Nested, 1043); !ok || int64(v) != it.Sum {
			return differs(fault.WrongSum, "item %d: 1043 = %d, sent %d", i, v, it.Sum)
		}
		if v, ok := uintOf(e.Nested, 1199); !ok || fiscal.VAT(v) != it.VAT {
			return differs(fault.WrongVAT, "item %d: 1199 = %d, sent %d", i, v, it.VAT)
		}
		if v, ok := uintOf(e.Nested, 1200); ok && it.VAT.Percent() != 0 && int64(v) != it.VAT.Of(it.Sum) {
			return differs(fault.WrongVAT, "item %d: 1200 = %d, %s of %d is %d", i, v, it.VAT, it.Sum, it.VAT.Of(it.Sum))
		}
		if f := item(i, it, e.Nested); f != nil {
			return f
		}
	}
	if i != len(want.Items) {
		return differs(fault.WrongSum, "%d items, sent %d", i, len(want.Items))
	}
	return nil
}

func differs(code fault.Code, format string, args ...any) *kkt.Fault {
	f := fault.New(code, fmt.Sprintf(format, args...))
	return &f
}
