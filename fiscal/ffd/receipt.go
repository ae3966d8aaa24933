package ffd

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
)

// Imprint is what register and ФН add to a document that was asked for.
type Imprint struct {
	fiscal.Receipt
	Version  Version
	INN      string // 1018
	User     string // 1048; "" left to the registration
	FNSSite  string // 1060; "" left to the registration
	Property string // 1086 of 1084; "" no 1084
	Name     string // 1085 of 1084
}

var payments = [...]struct {
	tag  Tag
	kind fiscal.PaymentKind
}{{1031, fiscal.Cash}, {1081, fiscal.Ecash}, {1215, fiscal.Prepaid}, {1216, fiscal.Credit}, {1217, fiscal.Provision}}

// ComposeReceipt makes document 3 (or 31 of a correction) in the order real
// registers use: the ФН's ten first, then the register's. The receipt's totals
// of VAT are sums of the items' (FFD does not fix the method).
func ComposeReceipt(d fiscal.Document, im Imprint) (Document, error) {
	if err := d.Validate(); err != nil {
		return Document{}, fmt.Errorf("compose receipt: %w", err)
	}
	var b builder
	code := CodeReceipt
	if d.Kind == fiscal.KindCorrection {
		code = CodeCorrection
	} else if d.Kind != fiscal.KindReceipt {
		return Document{}, fmt.Errorf("compose receipt: document %q", d.Kind)
	}
	b.head(im)
	b.num(1042, uint64(im.Number))
	b.num(1054, uint64(d.Operation))
	b.money(1020, d.Total)
	b.num(1209, uint64(im.Version))
	b.some(1048, im.User)
	b.num(1055, uint64(d.TaxSystem))
	b.correction(d)
	if im.Property != "" {
		var p builder
		p.text(1085, im.Name)
		p.text(1086, im.Property)
		b.nested(1084, &p)
	}
	b.text(1036, d.Machine.Serial)
	b.text(1009, charset.Clean(d.Machine.Address))
	b.text(1187, charset.Clean(d.Machine.Place))
	b.some(1008, d.BuyerContact)
	b.some(1117, d.SellerEmail)
	b.some(1021, charset.Clean(d.Cashier))
	b.some(1203, d.CashierINN)
	b.flag(1125, d.Internet)
	for _, it := range d.Items {
		b.item(it, im.Version)
	}
	for _, p := range payments {
		b.money(p.tag, paid(d, p.kind))
	}
	b.vat(d.Items)
	b.some(1060, im.FNSSite)
	if b.err != nil {
		return Document{}, fmt.Errorf("compose receipt: %w", b.err)
	}
	return Document{Code: code, Body: b.es}, nil
}

// head writes what the ФН puts first, up to the shift number.
func (b *builder) head(im Imprint) {
	b.text(1041, im.FN)
	b.text(1037, im.RegNumber)
	b.text(1018, im.INN)
	b.num(1040, uint64(im.FD))
	b.clock(1012, im.At)
	b.add(Sign(0x3104, im.FP))
	b.num(1038, uint64(im.Shift))
}

func (b *builder) nested(t Tag, n *builder) {
	if n.err != nil && b.err == nil {
		b.err = n.err
	}
	b.add(Struct(t, n.es...))
}

func (b *builder) correction(d fiscal.Document) {
	c := d.Correction
	if c == nil {
		return
	}
	var kind uint64
	var base builder
	if c.ByOrder {
		kind = 1
	}
	day, err := parseDay(c.Date)
	if err != nil && b.err == nil {
		b.err = err
	}
	base.clock(1178, day)
	base.some(1179, c.Number)
	b.num(1173, kind)
	b.nested(1174, &base)
	if c.WrongFP != 0 {
		b.text(1192, fmt.Sprintf("%010d", c.WrongFP))
	}
}

func (b *builder) item(it fiscal.Item, v Version) {
	var n builder
	n.num(1214, uint64(it.Method))
	n.num(1212, uint64(it.Subject))
	n.text(1030, charset.Clean(it.Name))
	if v == V12 {
		n.num(2108, uint64(it.Measure))
	}
	n.money(1079, it.Price)
	n.add(Amount(1023, quantity(it.Quantity, v)))
	n.num(1199, uint64(it.VAT))
	if it.VAT.Percent() != 0 {
		n.money(1200, it.VAT.Of(it.Sum))
	}
	n.money(1043, it.Sum)
	b.nested(1059, &n)
}

// quantity writes whole thousandths with three places before FFD 1.2, as
// registers of that time do; otherwise with the fewest places.
func quantity(micro int64, v Version) Quantity {
	if v != V12 && micro%1000 == 0 {
		return Quantity{uint64(micro / 1000), 3}
	}
	return Micro(micro)
}

func paid(d fiscal.Document, kind fiscal.PaymentKind) (sum int64) {
	for _, p := range d.Payments {
		if p.Kind == kind {
			sum += p.Amount
		}
	}
	return sum
}

// vat writes the totals: VAT in 1102, 1103, 1106, 1107, turnover in 1104, 1105,
// the rates of 2025 and 2026 in 1115 (1119: 1199, 1120).
func (b *builder) vat(items []fiscal.Item) {
	var sums [16]int64
	var have [16]bool
	for _, it := range items {
		have[it.VAT&15] = true
		if it.VAT == fiscal.VAT0 || it.VAT == fiscal.VATNone {
			sums[it.VAT] += it.Sum
		} else {
			sums[it.VAT&15] += it.VAT.Of(it.Sum)
		}
	}
	var rates builder
	for v := fiscal.VAT20; v <= fiscal.VAT22122; v++ {
		switch {
		case !have[v]:
		case v.TotalTag() == 1115:
			var one builder
			one.num(1199, uint64(v))
			one.money(1120, sums[v])
			rates.nested(1119, &one)
		default:
			b.money(Tag(v.TotalTag()), sums[v])
		}
	}
	if len(rates.es) > 0 {
		b.nested(1115, &rates)
	}
}

// DecomposeReceipt reads a receipt or a correction. Unknown requisites are left
// out; FFD 1.0 documents have Version 0. The error names the first value of a
// wrong form; what was read until then is returned with it.
func DecomposeReceipt(doc Document) (d fiscal.Document, im Imprint, err error) {
	if !slices.Contains([]Tag{CodeReceipt, CodeBSO, CodeCorrection, CodeBSOCorrection}, doc.Code) {
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
	if doc.Code == CodeCorrection || doc.Code == CodeBSOCorrection {
		d.Kind, d.Correction = fiscal.KindCorrection, r.correction()
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

func (r *reader) correction() *fiscal.Correction {
	c := &fiscal.Correction{ByOrder: r.num(1173) == 1}
	if base := r.nested(1174); base != nil {
		if day := base.clock(1178); !day.IsZero() {
			c.Date = day.Format("2006-01-02")
		}
		c.Number = base.text(1179)
		r.note(base.err)
	}
	if fp, err := strconv.ParseUint(r.text(1192), 10, 32); err == nil {
		c.WrongFP = uint32(fp)
	}
	return c
}
