package vends

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/sales"
)

// say tells of an outcome.
func (r *Recovery) say(o *Outcome) {
	e := sales.Event{T: o.T, Source: evidence, Blocks: o.bytes(), Detail: o.text()}
	e.Item, e.ItemKnown = r.column(o.Line, o.LineKnown)
	e.Amount = r.amount(o)
	switch o.Kind {
	case Fail:
		return
	case Unknown:
		e.Kind, e.Class, e.Code = sales.KindIncident, sales.ClassD, CodeUnknown
		e.Parts = r.parts(o, e.Amount)
		r.emit(e)
		return
	case Sale, Free:
		if o.Kind == Free && o.Doubts&(LineDoubt|StateDoubt) != 0 {
			// It may have been a paid vend of another line, or the machine may vend
			// free no longer: what costs nothing would be forgotten silently.
			e.Kind, e.Class, e.Code, e.Amount = sales.KindIncident, sales.ClassD, CodeUnknown, r.kopecks(o.Listed)
			r.emit(e)
			return
		}
		e.Kind, e.Class = sales.KindSale, r.class(o)
		if o.Kind == Sale {
			e.Parts = r.parts(o, e.Amount)
		} else {
			e.Kind = sales.KindFree
		}
		r.emit(e)
	}
	r.alarms(o)
}

// alarms are what a person should know of a sale.
func (r *Recovery) alarms(o *Outcome) {
	if o.Flags&LineNotInTable != 0 {
		r.notice(o.T, CodeNoPrice, fmt.Sprintf("no price for line %d", o.Line))
	}
	if o.Flags&PriceMismatch != 0 {
		r.notice(o.T, CodeBusPrice, fmt.Sprintf("line %d costs %s by the table; shown before it %s, after the selection %s",
			o.Line, kopecks(o.Price), kopecks(o.Before), kopecks(o.Mid)))
	}
	if r.implausible(o) {
		r.notice(o.T, CodeMode, fmt.Sprintf("set to %s; CREDIT was answered %d, shown before it %s, after it %s", r.cfg.Mode, o.Line, kopecks(o.Before), kopecks(o.Mid)))
	}
	if o.Flags&OddVendReply != 0 && !r.cfg.AnyVendReplyOK && r.cfg.Odd == OddAsked && !r.oddTold {
		r.oddTold = true
		r.notice(o.T, CodeOddReply, fmt.Sprintf("the machine answered VEND with %02X; choose what that means", o.Answer))
	}
	if o.Kind == Sale && (r.cfg.Payment == PaymentCash && o.Hint == HintCashless || r.cfg.Payment == PaymentCashless && o.Hint == HintCash) {
		r.notice(o.T, CodePayment, fmt.Sprintf("set to %s, the credit shown suggests %s", r.cfg.Payment, o.Hint))
	}
}

// class of a sale. A needs a fresh selection, a whole answer and nothing that
// may have been missed; C is what somebody should look at first.
func (r *Recovery) class(o *Outcome) sales.Class {
	c := r.cfg.Cap
	standard := r.cfg.Mode == Standard
	if o.Flags&(StaleSelection|PriceMismatch|OddVendReply) != 0 || o.Doubts&(StateUnheard|ParityUnheard) != 0 ||
		standard && o.Doubts&ScaleAssumed != 0 || r.cfg.AnyVendReplyOK {
		c = max(c, sales.ClassB)
	}
	if o.Flags&(NoSelection|LineNotInTable|Parity) != 0 || o.Doubts&(LineDoubt|StateDoubt) != 0 ||
		standard && o.Doubts&BlockDoubt != 0 || o.Price == None || r.implausible(o) ||
		o.Flags&OddVendReply != 0 && !r.cfg.AnyVendReplyOK && r.cfg.Odd == OddAsked {
		c = max(c, sales.ClassC)
	}
	return c
}

// implausible reports whether the blocks around a sale speak for the other mode
// than the one set: nothing else on the bus tells (exe 2). Prices in the machine:
// what is shown fits no price CREDIT named, or the credit did not pay for it.
// Prices at the master: it fits the answer to CREDIT read as a price, and not
// the table.
func (r *Recovery) implausible(o *Outcome) bool {
	if o.Kind != Sale || o.Before == None || o.Price == None || o.Doubts&BlockDoubt != 0 {
		return false
	}
	if r.cfg.Mode == Standard {
		return o.Before > 0 && o.Price > o.Before || o.Mid != None && o.Mid != o.Price && o.Mid != o.Before-o.Price && o.Mid != o.Before
	}
	if o.Flags&PriceMismatch == 0 {
		return false
	}
	v, ok := exe.Value(int64(o.Line), o.Scale, o.Decimals)
	return ok && v > 0 && (o.Mid == v || o.Mid == o.Before-v)
}

// parts name the payment source by the setting; nothing is guessed.
func (r *Recovery) parts(o *Outcome, a sales.Amount) []sales.Part {
	kind := r.cfg.Payment
	if kind == PaymentByHint {
		kind = PaymentUnset
		if o.Doubts&BlockDoubt == 0 {
			switch hint(o.Before, o.Price) {
			case HintCash:
				kind = PaymentCash
			case HintCashless:
				kind = PaymentCashless
			case HintUnknown:
			}
		}
	}
	switch kind {
	case PaymentCash:
		return []sales.Part{{Source: "cash", Kind: "cash", Amount: a}}
	case PaymentCashless:
		return []sales.Part{{Source: r.cfg.CashlessSource, Kind: "cashless", Amount: a}}
	case PaymentUnset, PaymentByHint:
	}
	return nil
}

// column of a line. Prices are no columns unless the operator says so.
func (r *Recovery) column(line uint8, known bool) (uint16, bool) {
	if !known || r.cfg.Mode == Standard && !r.cfg.PriceAsColumn {
		return 0, false
	}
	if c, ok := r.cfg.Columns[line]; ok {
		return c, true
	}
	return uint16(line), true
}

func (r *Recovery) amount(o *Outcome) sales.Amount {
	if o.Source == FromBus && o.Price > 0 {
		return sales.Amount{Raw: int64(o.Units), Scale: uint32(o.Scale), Decimals: o.Decimals, Currency: r.cfg.Currency, Known: true}
	}
	return r.kopecks(o.Price)
}

func (r *Recovery) kopecks(v int64) sales.Amount {
	if v == None {
		return sales.Amount{Currency: r.cfg.Currency}
	}
	return sales.Amount{Raw: v, Scale: 1, Decimals: 2, Currency: r.cfg.Currency, Known: true}
}

// bytes of the deciding pairs, for audit: CREDIT and its answer, VEND and its answer.
func (o *Outcome) bytes() []byte {
	b := make([]byte, 0, 4)
	if o.LineKnown {
		b = append(b, exe.Credit.Byte(), o.Line)
	}
	b = append(b, exe.Vend.Byte())
	if o.Answered {
		b = append(b, o.Answer)
	}
	return b
}

// text names flags, evidence and price source, for people.
func (o *Outcome) text() string {
	s := o.Flags.Names()
	if o.Evidence != "" {
		s = append(s, "evidence "+string(o.Evidence))
	}
	if o.Source == Inferred {
		s = append(s, "price inferred")
	}
	return strings.Join(s, ", ")
}

func kopecks(v int64) string {
	if v == None {
		return "unknown"
	}
	return sales.Amount{Raw: v, Scale: 1, Decimals: 2, Known: true}.Decimal()
}
