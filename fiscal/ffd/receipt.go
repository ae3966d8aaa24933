package ffd

import (
	"fmt"

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
// of VAT are sums of the items' (FFD does not fix the method). The document must
// fit the version (Check).
func ComposeReceipt(d fiscal.Document, im Imprint) (Document, error) {
	if err := Check(d, im.Version); err != nil {
		return Document{}, fmt.Errorf("compose receipt: %w", err)
	}
	var b builder
	code := CodeReceipt
	if d.Kind == fiscal.KindCorrection {
		code = CodeCorrection
	} else if d.Kind != fiscal.KindReceipt {
		return Document{}, fmt.Errorf("compose receipt: document %q", d.Kind)
	}
	b.head(im, signReceipt)
	b.num(1042, uint64(im.Number))
	b.num(1054, uint64(d.Operation))
	b.money(1020, d.Total)
	b.num(1209, uint64(im.Version))
	b.some(1048, im.User)
	b.num(1055, uint64(d.TaxSystem))
	b.correction(d, im.Version)
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
	b.buyer(d.Buyer, im.Version)
	b.some(1021, charset.Clean(d.Cashier))
	b.some(1203, d.CashierINN)
	b.flag(1125, d.Internet)
	for _, it := range d.Items {
		b.item(it, im.Version)
	}
	for _, p := range payments {
		b.money(p.tag, paid(d, p.kind))
	}
	b.add(TaxElements(d)...)
	b.some(1060, im.FNSSite)
	if b.err != nil {
		return Document{}, fmt.Errorf("compose receipt: %w", b.err)
	}
	return Document{Code: code, Body: b.es}, nil
}

// Prefixes of 1077 as real documents have them.
const (
	signReceipt      = 0x3104 // receipts and shift reports
	signRegistration = 0x2104 // registration reports
)

// head writes what the ФН puts first, up to the shift number.
func (b *builder) head(im Imprint, prefix uint16) {
	b.text(1041, im.FN)
	b.text(1037, im.RegNumber)
	b.text(1018, im.INN)
	b.num(1040, uint64(im.FD))
	b.clock(1012, im.At)
	b.add(Sign(prefix, im.FP))
	if prefix != signRegistration {
		b.num(1038, uint64(im.Shift))
	}
}

func (b *builder) nested(t Tag, n *builder) {
	if n.err != nil && b.err == nil {
		b.err = n.err
	}
	b.add(Struct(t, n.es...))
}

func (b *builder) correction(d fiscal.Document, v Version) {
	if d.Correction != nil {
		b.add(CorrectionElements(*d.Correction, v)...)
	}
	if e, ok := RepairElement(d); ok {
		b.add(e)
	}
}

// buyer writes 1227 and 1228, in FFD 1.2 inside 1256.
func (b *builder) buyer(p *fiscal.Buyer, v Version) {
	if p == nil {
		return
	}
	var n builder
	n.some(1227, charset.Clean(p.Name))
	n.some(1228, p.INN)
	switch {
	case v == V12 && len(n.es) > 0:
		b.nested(1256, &n)
	default:
		b.add(n.es...)
	}
}

func (b *builder) item(it fiscal.Item, v Version) {
	var n builder
	n.num(1214, uint64(it.Method))
	n.num(1212, uint64(SubjectIn(it, v)))
	n.text(1030, charset.Clean(it.Name))
	if v == V12 {
		n.num(2108, uint64(it.Measure))
	} else {
		n.some(1197, MeasureName(it.Measure))
	}
	n.money(1079, it.Price)
	n.add(Amount(1023, quantity(it.Quantity, v)))
	n.num(1199, uint64(it.VAT))
	if it.VAT.Percent() != 0 {
		n.money(1200, it.VAT.Of(it.Sum))
	}
	n.money(1043, it.Sum)
	marks, err := MarkElements(it, v)
	if err != nil && n.err == nil {
		n.err = err
	}
	n.add(marks...)
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
