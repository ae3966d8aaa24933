package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
)

// Fate of a record: what became of the sale it tells of.
type Fate string

// Fates.
const (
	FateJob  Fate = "job"  // a document is made, or is being made
	FateHeld Fate = "held" // a person must decide; Reason says why
	FateNone Fate = "none" // no receipt from us; Reason says why
	FateNote Fate = "note" // no settlement: kept for people
)

// Reasons of FateHeld.
const (
	HeldPrice      = "price_unknown"   // the amount is no whole number of kopecks
	HeldScale      = "scale_unknown"   // the device's scale was not heard
	HeldCurrency   = "currency"        // not roubles, or not known to be
	HeldColumn     = "column_unknown"  // the column was not heard
	HeldName       = "no_plan_name"    // the column is not in the plan
	HeldUnbound    = "machine_unbound" // the agent sits in no machine
	HeldSeller     = "no_seller"       // the machine had no seller, serial or place then
	HeldTax        = "no_tax_profile"  // the seller had no tax profile then, or an unknown rate
	HeldPolicy     = "c_policy"        // class C, and the operator wants to see those
	HeldGoods      = "forbidden_goods" // excise, technically complex or barred goods
	HeldFiscalizer = "no_fiscalizer"   // nobody has said who fiscalizes the source
	HeldInternet   = "internet_sale"   // needs the buyer's contact (54-FZ art. 1.2 p. 5)
	HeldTopUp      = "top_up"          // whether it is an advance is for a person to say
	HeldDocument   = "invalid_document"
	HeldNoSale     = "waits_for_sale" // a reversal whose sale has not come
)

// Reasons of FateNone.
const (
	NoneNotSubject = "not_subject"
	NoneTerminal   = "terminal_fiscalizes"
	NoneFree       = "free"
	NoneReversed   = "reversed"            // reversed before anything was sent
	NoneReversal   = "reversed_before_job" // the reversal itself: there was nothing to refund
	NoneNothing    = "nothing_to_reverse"
	NoneDropped    = "dropped" // a person decided that no receipt is due
)

// alarm is an incident that a verdict asks for, about the machine.
type alarm struct {
	code     string
	severity Severity
	detail   string
}

// verdict is what is to be made of a sale.
type verdict struct {
	fate     Fate
	reason   string
	detail   string
	seller   string
	document *fiscal.Document // FateJob
	alarms   []alarm
	fair     bool // the plan's price was charged
}

func held(reason, detail string) verdict {
	return verdict{fate: FateHeld, reason: reason, detail: detail}
}

// claim is a sale to be judged.
type claim struct {
	operator, machine string
	kind              wire.RecordKind
	sale              wire.Sale
	at                int64 // when it happened, hub's clock
	vouched           bool  // a person says that it was a sale
}

// judge decides what is to be made of a sale from the facts as of its time.
// An error is of the database alone: whatever the sale lacks is a verdict.
func judge(f *facts, c claim) (verdict, error) {
	sale := c.sale
	if sale.Class == "D" && !c.vouched {
		return verdict{fate: FateNote, alarms: []alarm{{Unexplained, Warn, describe(sale)}}}, nil
	}
	if sale.Amount.Known && sale.Amount.Minor == 0 {
		return verdict{fate: FateNone, reason: NoneFree}, nil
	}
	if c.machine == "" {
		return held(HeldUnbound, ""), nil
	}
	ours, own, v, err := shares(f, c)
	if err != nil || v.fate != "" {
		return v, err
	}
	alarms := v.alarms
	if v, err = priced(f, c); err != nil || v.fate != "" {
		return v, err
	}
	if c.kind == wire.KindTopUp && !own {
		return held(HeldTopUp, ""), nil
	}
	v, err = compose(f, c, ours)
	v.alarms = append(alarms, v.alarms...)
	if err != nil || v.fate != FateJob || c.vouched {
		return v, err
	}
	if sale.Class == "C" {
		policy, err := f.cPolicy(c.operator)
		if err != nil {
			return v, err
		}
		if policy != "job" {
			v.fate, v.reason, v.document = FateHeld, HeldPolicy, nil
		}
	}
	return v, nil
}

// shares picks the parts that are ours to fiscalize. It never guesses: a
// source nobody has decided on holds the sale (design: promise 8). own says
// that they came from a reader whose keys are the operator's own.
func shares(f *facts, c claim) (ours []share, own bool, v verdict, err error) {
	if len(c.sale.Parts) == 0 {
		return nil, false, held(HeldFiscalizer, "the sale names no payment source"), nil
	}
	terminal := false
	for _, p := range c.sale.Parts {
		who, err := f.who(c.machine, p.Source, c.at)
		if err != nil {
			return nil, false, verdict{}, err
		}
		switch who.who {
		case whoUs:
			ours = append(ours, share{p, who.advance})
			own = own || who.advance
		case whoTerminal:
			terminal = true
		case whoNotSubject:
		default:
			return nil, false, held(HeldFiscalizer, p.Source), nil
		}
	}
	switch {
	case len(ours) == len(c.sale.Parts):
	case len(ours) > 0:
		v.alarms = []alarm{{MixedPayment, Info, describe(c.sale)}}
	case terminal:
		v = verdict{fate: FateNone, reason: NoneTerminal}
	default:
		v = verdict{fate: FateNone, reason: NoneNotSubject}
	}
	return ours, own, v, nil
}

// share is a part of a sale that is ours to fiscalize.
type share struct {
	wire.Part
	advance bool // paid from a balance whose loading had its own receipt
}

// form is the form of payment of a share: a vend from the operator's own key
// settles the advance it was loaded with (1215), loading it is money.
func (s share) form(k wire.RecordKind) fiscal.PaymentKind {
	if s.advance && k != wire.KindTopUp {
		return fiscal.Prepaid
	}
	return payment(s.Kind)
}

// priced holds a sale whose amount is not known in kopecks of a rouble.
func priced(f *facts, c claim) (verdict, error) {
	a := c.sale.Amount
	if !a.Known {
		if a.Scale == 0 {
			return held(HeldScale, fmt.Sprintf("bus value %d", a.Raw)), nil
		}
		return held(HeldPrice, fmt.Sprintf("bus value %d, scale %d, decimals %d", a.Raw, a.Scale, a.Decimals)), nil
	}
	cur := a.Currency
	if cur == "" {
		var err error
		if cur, err = f.assumedCurrency(c.machine); err != nil {
			return verdict{}, err
		}
	}
	if !Roubles(cur) {
		return held(HeldCurrency, cur), nil
	}
	return verdict{}, nil
}

// inKopecks says whether an amount may be counted among kopecks: it is known, and
// no other currency is named.
func inKopecks(a wire.Money) bool { return a.Known && (a.Currency == "" || Roubles(a.Currency)) }

// Roubles says whether a currency code means roubles: ISO 4217 643 (810 before
// 1998, still set in old devices), the same with MDB's leading 1, and 0007,
// the telephone code MDB level 1 devices give.
func Roubles(code string) bool {
	switch code {
	case "643", "810", "1643", "1810", "0643", "0810", "0007":
		return true
	}
	return false
}

// compose makes the document of our parts.
func compose(f *facts, c claim, ours []share) (verdict, error) {
	p, ok, err := f.period(c.machine, c.at)
	if err != nil {
		return verdict{}, err
	}
	if !ok {
		return held(HeldSeller, ""), nil
	}
	tax, ok, err := f.tax(p.seller, c.at)
	if err != nil {
		return verdict{}, err
	}
	if !ok {
		return held(HeldTax, ""), nil
	}
	if c.kind == wire.KindTopUp {
		return composeAdvance(c, p, tax, ours), nil
	}
	col := anyColumn
	if c.sale.ColKnown {
		col = c.sale.Column
	}
	goods, ok, err := f.column(c.machine, col, c.at)
	if err != nil {
		return verdict{}, err
	}
	if !ok {
		if col == anyColumn {
			return held(HeldColumn, ""), nil
		}
		return held(HeldName, fmt.Sprintf("column %d", col)), nil
	}
	soldAt := time.UnixMilli(c.at).In(p.zone)
	vat, ok := rate(goods.vat, tax.vat, soldAt)
	if !ok {
		return held(HeldTax, fmt.Sprintf("VAT rate %q of column %d, %q of the seller", goods.vat, col, tax.vat)), nil
	}
	v := verdict{fate: FateJob, seller: p.seller}
	if col != anyColumn {
		if v.fair = goods.price == c.sale.Amount.Minor; !v.fair {
			v.alarms = append(v.alarms, alarm{PriceMismatch, Alarm, fmt.Sprintf("%splan %d, charged %d kopecks", columnPrefix(col), goods.price, c.sale.Amount.Minor)})
		}
	}
	doc := fiscal.Document{
		Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: tax.system,
		Machine: fiscal.Machine{Serial: p.serial, Address: p.address, Place: p.place},
		SoldAt:  soldAt,
	}
	if c.kind == wire.KindReturn {
		doc.Operation = fiscal.SellReturn
	}
	for _, part := range ours {
		doc.Total += part.Minor
		doc.Payments = pay(doc.Payments, part.form(c.kind), part.Minor)
	}
	doc.Items = []fiscal.Item{{Name: goods.name, Price: doc.Total, Quantity: fiscal.One, Sum: doc.Total,
		VAT: vat, Subject: goods.subject, Method: fiscal.FullSettlement, GTIN: goods.gtin}}
	if doc.Total == 0 {
		return verdict{fate: FateNone, reason: NoneFree}, nil
	}
	if c.sale.Channel == "internet" {
		return held(HeldInternet, ""), nil
	}
	if flag := goods.flagged(); flag != "" && !c.vouched {
		return held(HeldGoods, flag), nil
	}
	if err := doc.Validate(); err != nil {
		return held(HeldDocument, err.Error()), nil
	}
	v.document = &doc
	return v, nil
}

// composeAdvance makes the receipt of money loaded onto the operator's own key:
// an advance (1214 = 3, 1212 = 10) at the calculated rate of the seller's goods.
func composeAdvance(c claim, p period, tax taxProfile, ours []share) verdict {
	soldAt := time.UnixMilli(c.at).In(p.zone)
	vat, ok := rate("", tax.vat, soldAt)
	if !ok {
		return held(HeldTax, fmt.Sprintf("VAT rate %q of the seller", tax.vat))
	}
	doc := fiscal.Document{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: tax.system, SoldAt: soldAt,
		Machine: fiscal.Machine{Serial: p.serial, Address: p.address, Place: p.place}}
	for _, part := range ours {
		doc.Total += part.Minor
		doc.Payments = pay(doc.Payments, part.form(c.kind), part.Minor)
	}
	if doc.Total == 0 {
		return verdict{fate: FateNone, reason: NoneFree}
	}
	doc.Items = []fiscal.Item{{Name: "Аванс", Price: doc.Total, Quantity: fiscal.One, Sum: doc.Total,
		VAT: vat.ForAdvance(), Subject: fiscal.SubjectPayment, Method: fiscal.Advance}}
	if err := doc.Validate(); err != nil {
		return held(HeldDocument, err.Error())
	}
	return verdict{fate: FateJob, seller: p.seller, document: &doc}
}

// rate resolves a VAT rate by the names the catalogue uses, as of the day of
// the sale at the machine.
func rate(column, seller string, day time.Time) (fiscal.VAT, bool) {
	name := column
	if name == "" {
		name = seller
	}
	var v fiscal.VAT
	switch name {
	case "standard":
		v = fiscal.StandardVAT(day)
	case "10":
		v = fiscal.VAT10
	case "7":
		v = fiscal.VAT7
	case "5":
		v = fiscal.VAT5
	case "0":
		v = fiscal.VAT0
	case "none":
		v = fiscal.VATNone
	default:
		return 0, false
	}
	return v, v.ValidOn(day)
}

func payment(kind string) fiscal.PaymentKind {
	if kind == "cash" {
		return fiscal.Cash
	}
	return fiscal.Ecash
}

// pay adds an amount to its form of payment: a document has each form once.
func pay(all []fiscal.Payment, kind fiscal.PaymentKind, amount fiscal.Kopecks) []fiscal.Payment {
	if i := slices.IndexFunc(all, func(p fiscal.Payment) bool { return p.Kind == kind }); i >= 0 {
		all[i].Amount += amount
		return all
	}
	return append(all, fiscal.Payment{Kind: kind, Amount: amount})
}

func columnPrefix(col int) string { return fmt.Sprintf("column %d: ", col) }

// describe says in one line what an incident is about.
func describe(s wire.Sale) string {
	col := "unknown column"
	if s.ColKnown {
		col = fmt.Sprintf("column %d", s.Column)
	}
	if !s.Amount.Known {
		return fmt.Sprintf("%s, %s, bus value %d", s.Evidence, col, s.Amount.Raw)
	}
	return fmt.Sprintf("%s, %s, %d kopecks", s.Evidence, col, s.Amount.Minor)
}
