package ffd

import (
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/fiscal"
)

// DecomposeReceipt reads a receipt or a correction. Unknown requisites are left
// out; FFD 1.0 documents have Version 0. The error names the first value of a
// wrong form; what was read until then is returned with it.
func DecomposeReceipt(doc Document) (d fiscal.Document, im Imprint, err error) {
	if !isReceipt(doc.Code) {
		return d, im, fmt.Errorf("read receipt: document code %d", doc.Code)
	}
	r := &reader{es: doc.Body}
	d = fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Operation(r.num(1054)), TaxSystem: fiscal.TaxSystem(r.num(1055)),
		Total: r.money(1020), BuyerContact: r.text(1008), SellerEmail: r.text(1117), SellerINN: r.text(1018),
		Cashier: r.text(1021), CashierINN: r.text(1203), Internet: r.num(1125) == 1,
		Machine: fiscal.Machine{Serial: r.text(1036), Address: r.text(1009), Place: r.text(1187)},
	}
	for _, p := range payments {
		if sum := r.money(p.tag); sum != 0 {
			d.Payments = append(d.Payments, fiscal.Payment{Kind: p.kind, Amount: sum})
		}
	}
	for _, e := range doc.Body {
		if e.Tag == 1059 {
			d.Items = append(d.Items, r.item(e))
		}
	}
	d.Buyer = r.buyer()
	wrong := r.wrong()
	if isCorrection(doc.Code) {
		d.Kind, d.Correction = fiscal.KindCorrection, r.correction()
		d.Correction.WrongFP = wrong
		if d.SumOnly() {
			d.Correction.Taxes = r.taxes()
		}
	} else {
		d.WrongFP = wrong
	}
	im = Imprint{
		Receipt: fiscal.Receipt{
			Kind: d.Kind, FN: r.text(1041), FD: uint32(r.num(1040)), FP: r.sign(), At: r.clock(1012),
			Shift: uint32(r.num(1038)), Number: uint32(r.num(1042)), RegNumber: r.text(1037),
			Total: d.Total, Operation: d.Operation, Machine: d.Machine,
		},
		Version: VersionOf(doc.Body), INN: d.SellerINN, User: r.text(1048), FNSSite: r.text(1060),
	}
	im.Test = fiscal.TestFN(im.FN)
	d.Test = im.Test
	if p := r.nested(1084); p != nil {
		im.Name, im.Property = p.text(1085), p.text(1086)
	}
	if r.err != nil {
		err = fmt.Errorf("read receipt: %w", r.err)
	}
	return d, im, err
}

func (r *reader) item(e Element) fiscal.Item {
	n := &reader{es: e.Nested}
	it := fiscal.Item{
		Name: n.text(1030), Price: n.money(1079), Sum: n.money(1043), VAT: fiscal.VAT(n.num(1199)),
		Subject: fiscal.Subject(n.num(1212)), Method: fiscal.Method(n.num(1214)), Measure: uint8(n.num(2108)),
	}
	if v := n.text(1197); v != "" && it.Measure == 0 {
		it.Measure = measureOf(v)
	}
	n.marking(&it)
	if q := Find(e.Nested, 1023); q != nil {
		v, err := q.Quantity()
		n.note(err)
		micro, ok := v.Micro()
		if !ok {
			n.note(fmt.Errorf("%w: quantity %s", ErrTLV, v))
		}
		it.Quantity = micro
	}
	r.note(n.err)
	return it
}

func (r *reader) buyer() *fiscal.Buyer {
	from := r
	if n := r.nested(1256); n != nil {
		from = n
	}
	p := fiscal.Buyer{Name: from.text(1227), INN: from.text(1228)}
	if p == (fiscal.Buyer{}) {
		return nil
	}
	return &p
}

// wrong is the fiscal sign in 1192: digits alone; 0 for other contents.
func (r *reader) wrong() uint32 {
	fp, err := strconv.ParseUint(r.text(1192), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(fp)
}

func (r *reader) correction() *fiscal.Correction {
	c := &fiscal.Correction{ByOrder: r.num(1173) == 1}
	if base := r.nested(1174); base != nil {
		if day := base.clock(1178); !day.IsZero() {
			c.Date = day.Format("2006-01-02")
		}
		c.Number, c.Reason = base.text(1179), base.text(1177)
		r.note(base.err)
	}
	return c
}

// taxes are the totals of VAT of a sum-only correction.
func (r *reader) taxes() (out []fiscal.VATSum) {
	for v := fiscal.VAT20; v.Known() && v.TotalTag() != 1115; v++ {
		if t := Tag(v.TotalTag()); Find(r.es, t) != nil {
			out = append(out, fiscal.VATSum{VAT: v, Sum: r.money(t)})
		}
	}
	if n := r.nested(1115); n != nil {
		for _, e := range n.es {
			if e.Tag == 1119 {
				one := &reader{es: e.Nested}
				out = append(out, fiscal.VATSum{VAT: fiscal.VAT(one.num(1199)), Sum: one.money(1120)})
				r.note(one.err)
			}
		}
	}
	return out
}
