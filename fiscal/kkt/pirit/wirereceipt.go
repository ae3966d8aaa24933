package pirit

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// receiptSteps is the order of kkt-others 2.6: 30h, 42h for each item, 44h,
// 57h for 1192, 47h for each payment, 31h with everything about the machine,
// the buyer and the key.
func (s *Settings) receiptSteps(doc fiscal.Document, key kkt.Key, reg kkt.Registration) ([]step, error) {
	if doc.Internet {
		return nil, config(fault.TagRefused, "1125: no command of this protocol carries it")
	}
	steps := []step{{cmdOpen, s.opening(doc, reg.FFD)}}
	for _, it := range doc.Items {
		st, err := s.item(it, reg.FFD)
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	steps = append(steps, step{Code: cmdSubtotal})
	if doc.WrongFP != 0 {
		// The name of the attribute is mandatory and goes to paper only.
		steps = append(steps, step{cmdAttribute, []string{"1192", "", "ФП", fmt.Sprintf("%010d", doc.WrongFP)}})
	}
	steps = append(steps, payments(doc)...)
	return append(steps, step{cmdClose, closing(doc, key)}), nil
}

// opening is 30h: mode, department, operator, number (the register's own), tax
// system, 1009 where the model takes it.
func (s *Settings) opening(doc fiscal.Document, v kkt.FFD) []string {
	mode := map[fiscal.Operation]int{
		fiscal.Sell: docSale, fiscal.SellReturn: docReturn, fiscal.Buy: docBuy, fiscal.BuyReturn: docBuyReturn,
	}[doc.Operation]
	if s.NoPrint {
		mode |= modeSilent
	}
	name := ""
	if op := operator(doc); op != nil {
		name = op[0]
	}
	// The tax system is the number of its bit in 1055.
	f := []string{strconv.Itoa(mode), strconv.Itoa(s.Department), name, "", strconv.Itoa(bits.TrailingZeros8(uint8(doc.TaxSystem)))}
	if v == 0 || s.Model.address(v) {
		f = append(f, doc.Machine.Address)
	}
	return f
}

// item is 42h: the register multiplies price and quantity itself.
func (s *Settings) item(it fiscal.Item, v kkt.FFD) (step, error) {
	tax, ok := s.Tax[it.VAT]
	if !ok {
		return step{}, config(fault.VATNotMapped, "1199 = %d (%s): the manual has no tax number for it, set vat=%d:<number>", uint8(it.VAT), it.VAT, uint8(it.VAT))
	}
	if it.GTIN != "" || it.Mark != "" || it.Industry != nil {
		return step{}, config(fault.MarkingUnsupported, "the marking commands of this protocol are not sourced")
	}
	if want := fiscal.Product(it.Price, it.Quantity); want != it.Sum {
		return step{}, fault.New(fault.ItemSumMismatch, fmt.Sprintf("1043 = %d, the register computes %d", it.Sum, want))
	}
	measure := ""
	if it.Measure != 0 && v == kkt.FFD12 {
		measure = strconv.Itoa(int(it.Measure))
	}
	return step{cmdItem, []string{
		it.Name, "", micro(it.Quantity), roubles(it.Price), strconv.Itoa(tax), "", "", "", measure, "",
		strconv.Itoa(int(it.Method)), strconv.Itoa(int(it.Subject)),
	}}, nil
}

// payments are 47h, cash last: other forms may not exceed the total.
func payments(doc fiscal.Document) (steps []step) {
	for _, form := range []struct {
		kind   fiscal.PaymentKind
		number string
	}{{fiscal.Ecash, "1"}, {fiscal.Prepaid, "13"}, {fiscal.Credit, "14"}, {fiscal.Provision, "15"}, {fiscal.Cash, "0"}} {
		for _, p := range doc.Payments {
			if p.Kind == form.kind && p.Amount != 0 {
				steps = append(steps, step{cmdPayment, []string{form.number, roubles(p.Amount), ""}})
			}
		}
	}
	return steps
}

// closing is 31h: cut flag, 1008, flags, 1187, 1117, 1036, 1085, 1086, 1227,
// 1228.
func closing(doc fiscal.Document, key kkt.Key) []string {
	sender := ""
	if doc.BuyerContact != "" {
		sender = doc.SellerEmail
	}
	f := []string{
		"1", doc.BuyerContact, "", doc.Machine.Place, sender, doc.Machine.Serial, kkt.KeyName, string(key),
	}
	if b := doc.Buyer; b != nil {
		f = append(f, plain(b.Name), b.INN)
	}
	return f
}

func roubles(k fiscal.Kopecks) string { return string(fiscal.AppendRoubles(nil, k)) }

// micro writes millionths as a decimal without zeros at the end.
func micro(q int64) string {
	s := strconv.FormatInt(q/fiscal.One, 10)
	if rest := q % fiscal.One; rest != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", rest), "0")
	}
	return s
}
