// Package fiscal holds what the law calls a settlement: the document to be
// made on a cash register, the receipt it gives, VAT and the QR string.
// Everything is plain data, JSON-serialisable, money in kopecks.
package fiscal

import "time"

// TaxSystem is a set of bits of tags 1055 (exactly one) and 1062 (any).
type TaxSystem uint8

// Tax systems. ЕНВД (8) was abolished in 2021.
const (
	OSN           TaxSystem = 1 << 0 // ОСН
	USNIncome     TaxSystem = 1 << 1 // УСН доход
	USNIncomeCost TaxSystem = 1 << 2 // УСН доход минус расход
	ENVD          TaxSystem = 1 << 3 // ЕНВД, must not be used
	ESHN          TaxSystem = 1 << 4 // ЕСХН
	PSN           TaxSystem = 1 << 5 // ПСН
)

// PaymentKind is one of the five forms of payment of a receipt.
type PaymentKind string

// Forms of payment with the tags they go to.
const (
	Cash      PaymentKind = "cash"      // 1031 наличными
	Ecash     PaymentKind = "ecash"     // 1081 безналичными
	Prepaid   PaymentKind = "prepaid"   // 1215 предоплатой (зачет аванса)
	Credit    PaymentKind = "credit"    // 1216 постоплатой
	Provision PaymentKind = "provision" // 1217 встречным предоставлением
)

// Operation is признак расчета, tag 1054 and n of the QR.
type Operation uint8

// Operations.
const (
	Sell       Operation = 1 // приход
	SellReturn Operation = 2 // возврат прихода
	Buy        Operation = 3 // расход
	BuyReturn  Operation = 4 // возврат расхода
)

// DocumentKind says which document is to be made.
type DocumentKind string

// Kinds of documents. A refund is a receipt with SellReturn; so is, in FFD
// 1.05, the first half of a wrong receipt's repair (Document.WrongFP).
const (
	KindReceipt    DocumentKind = "receipt"     // FFD document 3
	KindCorrection DocumentKind = "correction"  // FFD document 31
	KindShiftOpen  DocumentKind = "shift_open"  // FFD document 2
	KindShiftClose DocumentKind = "shift_close" // FFD document 5
)

// Subject is признак предмета расчета, tag 1212.
type Subject uint8

// Subjects a vending machine meets; the others may be given by number.
const (
	SubjectGoods        Subject = 1  // товар
	SubjectExcise       Subject = 2  // подакцизный товар
	SubjectService      Subject = 4  // услуга
	SubjectPayment      Subject = 10 // платеж: what an advance (аванс) is for
	SubjectExciseNoCode Subject = 30 // подакцизный товар без кода маркировки (1.2)
	SubjectExciseMarked Subject = 31 // подакцизный товар с кодом маркировки (1.2)
	SubjectMarkedNoCode Subject = 32 // маркированный товар без кода маркировки (1.2)
	SubjectMarked       Subject = 33 // маркированный товар с кодом маркировки (1.2)
)

// Method is признак способа расчета, tag 1214.
type Method uint8

// Methods of settlement.
const (
	FullPrepayment Method = 1 // предоплата 100 %
	Prepayment     Method = 2 // предоплата
	Advance        Method = 3 // аванс
	FullSettlement Method = 4 // полный расчет
	PartialCredit  Method = 5 // частичный расчет и кредит
	CreditTransfer Method = 6 // передача в кредит
	CreditPayment  Method = 7 // оплата кредита
)

// One is the quantity 1 in the unit of Item.Quantity (millionths).
const One int64 = 1_000_000

// Machine says which machine took the money; all three go into every receipt.
type Machine struct {
	Serial  string `json:"serial"`  // 1036, 1..20 characters, byte for byte as on the housing
	Address string `json:"address"` // 1009, 1..243 characters (the smallest limit of all registers)
	Place   string `json:"place"`   // 1187, 1..243 characters
}

// Item is one предмет расчета (tag 1059).
type Item struct {
	Name     string    `json:"name"`               // 1030, 1..128 characters
	Price    Kopecks   `json:"price"`              // 1079, per unit, discounts included
	Quantity int64     `json:"quantity"`           // 1023, millionths: One is 1
	Sum      Kopecks   `json:"sum"`                // 1043 = Price x Quantity rounded half up, ±1
	VAT      VAT       `json:"vat"`                // 1199
	Subject  Subject   `json:"subject"`            // 1212 as of FFD 1.2; ffd.SubjectIn gives it in other versions
	Method   Method    `json:"method"`             // 1214
	Measure  uint8     `json:"measure,omitempty"`  // 2108 (FFD 1.2): 0 piece
	GTIN     string    `json:"gtin,omitempty"`     // 14 digits: marked goods sold by a machine without the code read (mode=vend)
	Mark     string    `json:"mark,omitempty"`     // full marking code with GS (1Dh) separators, when it was read
	Industry *Industry `json:"industry,omitempty"` // 1260 (FFD 1.2); nil with GTIN: VendingIndustry
}

// Payment is one form of payment of a document.
type Payment struct {
	Kind   PaymentKind `json:"kind"`
	Amount Kopecks     `json:"amount"`
}

// Document is what is to be made: frozen in a job when the job is made.
// Shift documents use Kind, Cashier and Test only.
//
// What a vending hub makes of it:
//
//   - a sale: KindReceipt, Sell, Method FullSettlement, payments as they were (cash and card may stand together);
//   - a refund: KindReceipt, SellReturn, the sale's items, payments in the form the money goes back, SoldAt of the sale;
//   - an advance (a balance topped up): item with Method Advance, Subject SubjectPayment, a calculated VAT rate (VAT.ForAdvance);
//   - its settlement: the vend with Method FullSettlement and a payment Prepaid, beside others when the balance was not enough;
//   - a correction of a missed sale: KindCorrection with Correction, itemised; in FFD 1.05 also without items (Correction.Taxes);
//   - the repair of a wrong receipt, two documents of one pair: in FFD 1.1 and 1.2 corrections SellReturn and Sell with
//     Correction.WrongFP, in 1.05 receipts SellReturn and Sell with Document.WrongFP.
type Document struct {
	Kind         DocumentKind `json:"kind"`
	SellerINN    string       `json:"seller_inn,omitempty"` // 1018 the register must be registered to; "" not checked
	Operation    Operation    `json:"operation,omitempty"`
	TaxSystem    TaxSystem    `json:"tax_system,omitempty"` // one bit
	Items        []Item       `json:"items,omitempty"`      // none only in a sum-only correction (SumOnly)
	Payments     []Payment    `json:"payments,omitempty"`   // at most one per kind
	Total        Kopecks      `json:"total,omitempty"`      // 1020 = sum of items = sum of payments
	Machine      Machine      `json:"machine,omitzero"`
	Buyer        *Buyer       `json:"buyer,omitempty"`         // an organisation or entrepreneur that named itself
	BuyerContact string       `json:"buyer_contact,omitempty"` // 1008: e-mail or +phone
	SellerEmail  string       `json:"seller_email,omitempty"`  // 1117, goes with BuyerContact
	Cashier      string       `json:"cashier,omitempty"`       // 1021; automats omit it
	CashierINN   string       `json:"cashier_inn,omitempty"`   // 1203
	Internet     bool         `json:"internet,omitempty"`      // 1125: internet settlement; Machine.Place is then the site
	SoldAt       time.Time    `json:"sold_at,omitzero"`        // when the settlement happened (of a refund: the sale), in the machine's zone; dates the VAT rate
	Test         bool         `json:"test,omitempty"`          // may only be made on a lane flagged test
	WrongFP      uint32       `json:"wrong_fp,omitempty"`      // 1192 of an ordinary receipt that repairs a wrong one (FFD 1.05); 0 none
	Correction   *Correction  `json:"correction,omitempty"`
}

// Buyer is покупатель (клиент), 54-FZ art. 4.7 p. 6.1: 1227 and 1228, in FFD
// 1.2 inside 1256.
type Buyer struct {
	Name string `json:"name,omitempty"` // 1227, up to 256 characters
	INN  string `json:"inn,omitempty"`  // 1228, 10 or 12 digits
}
