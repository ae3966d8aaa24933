package conformance

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Kind is a kind of document the suite makes.
type Kind struct {
	Name string
	FFD  kkt.FFD // of the register it is made on
	// Make gives the document of the nth job.
	Make func(n int) fiscal.Document
}

func machine(n int) fiscal.Machine {
	return fiscal.Machine{
		Serial: fmt.Sprintf("VM-%06d", n%1000), Address: "101000, г. Москва, ул. Примерная, д. 1", Place: fmt.Sprintf("холл %d этажа", n%9+1),
	}
}

// sell is a receipt of one item.
func sell(n int, sum fiscal.Kopecks, rate fiscal.VAT, payments ...fiscal.Payment) fiscal.Document {
	return fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: sum, Test: true,
		Items: []fiscal.Item{{
			Name: "Кофе «капучино» 0,2", Price: sum, Quantity: fiscal.One, Sum: sum, VAT: rate,
			Subject: fiscal.SubjectGoods, Method: fiscal.FullSettlement,
		}},
		Payments: payments, Machine: machine(n),
	}
}

func pay(kind fiscal.PaymentKind, sum fiscal.Kopecks) fiscal.Payment {
	return fiscal.Payment{Kind: kind, Amount: sum}
}

// price gives few different sums: a document is known by its key alone.
func price(n int) fiscal.Kopecks { return 5000 + int64(n%3)*100 }

func everyRate(n int) fiscal.Document {
	d := sell(n, 0, fiscal.VAT22)
	d.Items = nil
	for v := fiscal.VAT20; v <= fiscal.VAT22122; v++ {
		d.Items = append(d.Items, fiscal.Item{
			Name: "Товар по ставке " + v.String(), Price: 1111 + int64(v)*7, Quantity: 2 * fiscal.One, Sum: 2222 + int64(v)*14, VAT: v,
			Subject: fiscal.SubjectGoods, Method: fiscal.FullSettlement,
		})
		d.Total += 2222 + int64(v)*14
	}
	d.Payments = []fiscal.Payment{pay(fiscal.Ecash, d.Total)}
	return d
}

func correction(n int, byOrder bool) fiscal.Document {
	d := sell(n, price(n), fiscal.VAT22, pay(fiscal.Ecash, price(n)))
	d.Kind, d.Correction = fiscal.KindCorrection, &fiscal.Correction{Date: "2026-02-27"}
	if byOrder {
		d.Correction.ByOrder, d.Correction.Number = true, fmt.Sprintf("12-%d/77", n)
	}
	return d
}

func with(d fiscal.Document, change func(*fiscal.Document)) fiscal.Document {
	change(&d)
	return d
}

// Kinds lists the documents of the suite.
func Kinds() []Kind {
	v12 := func(name string, make func(n int) fiscal.Document) Kind { return Kind{name, kkt.FFD12, make} }
	return []Kind{
		v12("receipt_cash", func(n int) fiscal.Document {
			return sell(n, price(n), fiscal.VAT22, pay(fiscal.Cash, price(n)))
		}),
		v12("receipt_card", func(n int) fiscal.Document {
			return sell(n, price(n), fiscal.VATNone, pay(fiscal.Ecash, price(n)))
		}),
		v12("receipt_mixed", func(n int) fiscal.Document {
			return sell(n, price(n), fiscal.VAT10, pay(fiscal.Cash, 1500), pay(fiscal.Ecash, price(n)-1500))
		}),
		v12("receipt_contact", func(n int) fiscal.Document {
			return with(sell(n, price(n), fiscal.VAT22, pay(fiscal.Ecash, price(n))), func(d *fiscal.Document) {
				d.BuyerContact, d.SellerEmail = fmt.Sprintf("+7900%07d", n), "kassa@example.ru"
			})
		}),
		v12("receipt_every_rate", everyRate),
		v12("advance", func(n int) fiscal.Document {
			return with(sell(n, price(n), fiscal.VAT22.ForAdvance(), pay(fiscal.Ecash, price(n))), func(d *fiscal.Document) {
				d.Items[0].Name, d.Items[0].Subject, d.Items[0].Method = "Аванс", fiscal.SubjectPayment, fiscal.Advance
			})
		}),
		v12("settlement", func(n int) fiscal.Document {
			return sell(n, price(n), fiscal.VAT22, pay(fiscal.Prepaid, 3000), pay(fiscal.Cash, price(n)-3000))
		}),
		v12("refund", func(n int) fiscal.Document {
			return with(sell(n, price(n), fiscal.VAT22, pay(fiscal.Cash, price(n))), func(d *fiscal.Document) { d.Operation = fiscal.SellReturn })
		}),
		v12("correction", func(n int) fiscal.Document { return correction(n, false) }),
		v12("correction_by_order", func(n int) fiscal.Document { return correction(n, true) }),
		v12("correction_of_a_receipt", func(n int) fiscal.Document {
			return with(correction(n, false), func(d *fiscal.Document) {
				d.Operation, d.Correction.WrongFP = fiscal.SellReturn, 1_000_000_000+uint32(n)
			})
		}),
		{"correction_in_sums", kkt.FFD105, func(n int) fiscal.Document {
			return with(correction(n, true), func(d *fiscal.Document) {
				d.Items, d.Correction.Date = nil, "2025-12-30"
				d.Correction.Taxes = []fiscal.VATSum{{VAT: fiscal.VATNone, Sum: d.Total}}
			})
		}},
		{"receipt_1.05", kkt.FFD105, func(n int) fiscal.Document {
			return sell(n, price(n), fiscal.VAT10, pay(fiscal.Ecash, price(n)))
		}},
		v12("shift_open", func(int) fiscal.Document { return fiscal.Document{Kind: fiscal.KindShiftOpen, Test: true} }),
		v12("shift_close", func(int) fiscal.Document { return fiscal.Document{Kind: fiscal.KindShiftClose, Test: true} }),
	}
}

// kindsOf picks by name; "" or "all" gives all, a name those that begin with it.
func kindsOf(name string) (out []Kind) {
	for _, k := range Kinds() {
		if name == "" || name == "all" || strings.HasPrefix(k.Name, name) {
			out = append(out, k)
		}
	}
	return out
}
