package fiscal

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/fault"
)

// Limits all registers share: the smallest of those met.
const (
	MaxSerial  = 20
	MaxAddress = 243
	MaxPlace   = 243
	MaxName    = 128
	MaxItems   = 100
	MaxAmount  = 99_999_999_99 // kopecks: old commands of desktop registers take 10 digits
	maxMicro   = 99_999_999_999
)

// Validate checks the document by the rules all registers share (FFD
// composition, 54-FZ art. 4.7 p. 1). The error is a fault.List with every
// problem found.
func (d Document) Validate() error {
	var c checker
	switch d.Kind {
	case KindShiftOpen, KindShiftClose:
		c.text(fault.KindUnknown, "cashier", d.Cashier, 0, 64)
		return c.err()
	case KindReceipt, KindCorrection:
	default:
		c.add(fault.KindUnknown, "%q", d.Kind)
		return c.err()
	}
	if d.Operation < Sell || d.Operation > BuyReturn {
		c.add(fault.OperationUnknown, "1054 = %d", d.Operation)
	}
	if bits.OnesCount8(uint8(d.TaxSystem)) != 1 || d.TaxSystem > PSN || d.TaxSystem == ENVD {
		c.add(fault.TaxSystemBad, "1055 = %d", d.TaxSystem)
	}
	d.checkMachine(&c)
	d.checkItems(&c)
	d.checkMoney(&c)
	d.checkContacts(&c)
	d.checkCorrection(&c)
	return c.err()
}

func (d Document) checkMachine(c *checker) {
	c.text(fault.MachineSerialBad, "1036", d.Machine.Serial, 1, MaxSerial)
	if d.Machine.Serial != strings.TrimSpace(d.Machine.Serial) {
		c.add(fault.MachineSerialBad, "1036 begins or ends with a space")
	}
	c.text(fault.MachineAddressBad, "1009", charset.Clean(d.Machine.Address), 1, MaxAddress)
	c.text(fault.MachinePlaceBad, "1187", charset.Clean(d.Machine.Place), 1, MaxPlace)
}

func (d Document) checkItems(c *checker) {
	if len(d.Items) == 0 && !d.SumOnly() {
		c.add(fault.ItemsMissing, "no items")
	}
	if len(d.Items) > MaxItems {
		c.add(fault.ItemsTooMany, "%d items", len(d.Items))
	}
	for i, it := range d.Items {
		c.where = fmt.Sprintf("item %d: ", i+1)
		it.check(c, d)
	}
	c.where = ""
	d.checkMethods(c)
}

// checkMethods: paying off a credit is the only item of its receipt (FFD
// reference, 6), and an advance cannot be paid with an advance.
func (d Document) checkMethods(c *checker) {
	advances := 0
	for i, it := range d.Items {
		if it.Method == CreditPayment && len(d.Items) > 1 {
			c.add(fault.ItemMethodBad, "item %d: 1214 = 7 must be the only item", i+1)
		}
		if it.Method == Advance {
			advances++
		}
	}
	if advances == 0 || advances < len(d.Items) {
		return
	}
	for _, p := range d.Payments {
		if p.Kind != Cash && p.Kind != Ecash && p.Amount != 0 {
			c.add(fault.AdvancePayment, "%s: %d kopecks", p.Kind, p.Amount)
		}
	}
}

func (it Item) check(c *checker, d Document) {
	c.text(fault.ItemNameBad, "1030", charset.Clean(it.Name), 1, MaxName)
	if _, err := charset.CP1251(charset.Clean(it.Name)); err != nil {
		c.add(fault.ItemNameBad, "1030: %v", err)
	}
	ok := true
	if it.Price < 0 || it.Price > MaxAmount {
		c.add(fault.ItemPriceBad, "1079 = %d kopecks", it.Price)
		ok = false
	}
	if it.Quantity <= 0 || it.Quantity > maxMicro {
		c.add(fault.ItemQuantityBad, "1023 = %d millionths", it.Quantity)
		ok = false
	}
	if ok {
		if want := Product(it.Price, it.Quantity); it.Sum < want-1 || it.Sum > want+1 || it.Sum < 0 {
			c.add(fault.ItemSumMismatch, "1043 = %d, price times quantity is %d", it.Sum, want)
		}
	}
	d.checkRate(c, it.VAT)
	if it.Subject < 1 || it.Subject > 33 || it.Subject == 28 || it.Subject == 29 {
		c.add(fault.ItemSubjectBad, "1212 = %d", it.Subject)
	}
	if it.Method < FullPrepayment || it.Method > CreditPayment {
		c.add(fault.ItemMethodBad, "1214 = %d", it.Method)
	}
	it.checkMarking(c)
}

func (d Document) checkRate(c *checker, v VAT) {
	at := d.settledOn()
	if !v.Known() {
		c.add(fault.VATUnknown, "1199 = %d", uint8(v))
	} else if !at.IsZero() && !v.ValidOn(at) {
		c.add(fault.VATNotInForce, "%s on %s", v, at.Format(time.DateOnly))
	}
}

func (d Document) checkMoney(c *checker) {
	var items, paid Kopecks
	for _, it := range d.Items {
		items = saturate(items, it.Sum)
	}
	seen := map[PaymentKind]bool{}
	for _, p := range d.Payments {
		switch p.Kind {
		case Cash, Ecash, Prepaid, Credit, Provision:
		default:
			c.add(fault.PaymentBad, "kind %q", p.Kind)
		}
		if seen[p.Kind] {
			c.add(fault.PaymentBad, "kind %q twice", p.Kind)
		}
		seen[p.Kind] = true
		if p.Amount < 0 {
			c.add(fault.PaymentBad, "%s: %d kopecks", p.Kind, p.Amount)
		}
		paid = saturate(paid, p.Amount)
	}
	if d.Total < 0 || d.Total > MaxAmount {
		c.add(fault.AmountTooBig, "1020 = %d kopecks", d.Total)
	}
	// FFD would let a register drop kopecks of the total; a gateway does not.
	if items != d.Total && !d.SumOnly() {
		c.add(fault.TotalMismatch, "1020 = %d, items give %d", d.Total, items)
	}
	if paid != d.Total {
		c.add(fault.PaymentsMismatch, "1020 = %d, payments give %d", d.Total, paid)
	}
}

func (d Document) checkContacts(c *checker) {
	c.text(fault.ContactBad, "1008", d.BuyerContact, 0, 64)
	if s := d.BuyerContact; s != "" && !validEmail(s) && !validPhone(s) {
		c.add(fault.ContactBad, "1008 is no e-mail and no phone")
	}
	c.text(fault.ContactBad, "1117", d.SellerEmail, 0, 64)
	c.text(fault.ContactBad, "1021", d.Cashier, 0, 64)
	if d.CashierINN != "" && checkDigits(d.CashierINN, 12, 12) != nil {
		c.add(fault.ContactBad, "1203 is not 12 digits")
	}
	if d.Buyer != nil {
		c.text(fault.BuyerBad, "1227", charset.Clean(d.Buyer.Name), 0, 256)
		if d.Buyer.INN != "" && !ValidINN(d.Buyer.INN) {
			c.add(fault.BuyerBad, "1228 = %q", d.Buyer.INN)
		}
	}
}

// Product is price x quantity (millionths) rounded half up to a kopeck, the
// rule of 1043. Negative arguments give 0; what does not fit gives MaxInt64.
func Product(price Kopecks, micro int64) Kopecks {
	if price <= 0 || micro <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(price), uint64(micro))
	lo, carry := bits.Add64(lo, uint64(One/2), 0)
	if hi += carry; hi >= uint64(One) {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(hi, lo, uint64(One))
	if q > 1<<63-1 {
		return 1<<63 - 1
	}
	return int64(q)
}

func saturate(a, b Kopecks) Kopecks {
	if s := a + b; (s > a) == (b > 0) {
		return s
	}
	return 1<<63 - 1
}

type checker struct {
	where string
	list  fault.List
}

func (c *checker) add(code fault.Code, format string, args ...any) {
	c.list = append(c.list, fault.New(code, c.where+fmt.Sprintf(format, args...)))
}

// text checks that s fits a CP866 field of least..most characters in one line.
func (c *checker) text(code fault.Code, field, s string, least, most int) {
	b, err := charset.CP866(s)
	switch {
	case err != nil:
		c.add(code, "%s: %v", field, err)
	case len(b) < least:
		c.add(code, "%s is empty", field)
	case len(b) > most:
		c.add(code, "%s has %d characters, at most %d", field, len(b), most)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.add(code, "%s has a line feed or another control character", field)
	}
}

func (c *checker) err() error {
	if len(c.list) == 0 {
		return nil
	}
	return c.list
}
