package sales

import (
	"github.com/chekomat/chekomat/mdb"
)

// tri is a fact that may be unknown.
type tri uint8

const (
	maybe tri = iota
	no
	yes
)

func triOf(b bool) tri {
	if b {
		return yes
	}
	return no
}

// vendState is where a vend on one reader stands (16.4).
type vendState uint8

const (
	vendIdle vendState = iota
	vendRequested
	vendApproved
)

// Reasons why a vend is not class A.
type doubt uint8

const (
	doubtForm   doubt = 1 << iota // VEND REQUEST of a length that is no exact form
	doubtHeard                    // the approval was late or had bytes nobody can read behind it
	doubtSparse                   // a word of the approval may be missing
	doubtLost                     // words were lost meanwhile
)

// reader is what is known of one cashless address.
type reader struct {
	dev      mdb.Device
	money    scaling
	fresh    bool // the set-up was heard since the last reset
	level    uint8
	vmcLevel uint8
	options  uint8
	response uint8 // s
	screen   uint8 // characters of a DISPLAY REQUEST
	ec       tri
	enabled  tri
	session  bool

	state    vendState
	negative bool
	doubts   doubt
	item     uint16
	price    uint32
	amount   uint32
	token    bool
	until    int64 // the vend is given up; never when idle
	reset    bool  // JUST RESET came after the approval

	revalue   uint32
	revaluing bool
	refunding bool
	fault     uint8 // last MALFUNCTION
	faulty    bool

	soldOnce bool  // soldAt is set
	soldAt   int64 // of the last VEND SUCCESS, for repetitions
	soldItem uint16
	sold     bool  // a sale of this session could still be reversed
	saleT    int64 // Event.T of it
	saleOf   Amount
	saleItem uint16

	sale  announcedCash // last CASH SALE
	trail []byte        // deciding blocks
}

// announcedCash is the last CASH SALE to a reader.
type announcedCash struct {
	valid, acked bool
	t            int64
	n            uint8
	data         [12]byte
}

func (d *reader) due() int64 {
	if d.state == vendIdle {
		return never
	}
	return d.until
}

func (d *reader) dialect() mdb.Dialect {
	return mdb.Dialect{Level: d.level & 0x7F, VMCLevel: d.vmcLevel & 0x7F, EC: d.ec == yes, Screen: d.screen}
}

// note keeps a deciding block: line, length, bytes.
func (d *reader) note(b *mdb.Block) {
	if len(d.trail) < 160 {
		d.trail = append(append(d.trail, byte(b.Line), b.N), b.Bytes()...)
	}
}

func (d *reader) idle() {
	d.state, d.negative, d.doubts, d.reset, d.until = vendIdle, false, 0, false, never
	d.trail = d.trail[:0]
}

// lost taints a pending vend: another one may have taken its place unheard.
func (d *reader) lost() {
	if d.state != vendIdle {
		d.doubts |= doubtLost
		d.until = never // the clock may have changed: armed at the next word
	}
	d.sold, d.sale.valid, d.revaluing, d.refunding = false, false, false, false
	d.ec = maybe
	d.soldOnce = false
}

func (r *Recovery) readerCommand(d *reader, b *mdb.Block) {
	if b.Data[0]&7 == 0 {
		r.resetReader(d, b.End)
		return
	}
	if b.N > 2 && b.Data[0]&7 == 3 && (b.Data[1] == 0 || b.Data[1] == 5 || b.Data[1] == 6) && !r.vendForm(d, b) {
		return
	}
	m, err := mdb.ParseCommand(b.Payload(), d.dialect())
	if err != nil {
		r.stats.Unreadable++
		return
	}
	switch m := m.(type) {
	case mdb.SetupConfig:
		d.vmcLevel, d.screen, d.fresh = m.Level, m.Screen(), false
	case mdb.MaxMinPrices:
		if m.EC {
			d.ec = yes
		}
	case mdb.FeatureEnable:
		d.ec = triOf(m.Options&(mdb.Option32Bit|mdb.OptionMultiCurrency) != 0)
	case mdb.ReaderControl:
		if m.Action != mdb.ReaderCancel {
			d.enabled = triOf(m.Action == mdb.ReaderEnable)
		}
	case mdb.VendRequest:
		r.vendRequest(d, b, m.Price, m.Item, false)
	case mdb.NegativeVendRequest:
		r.vendRequest(d, b, m.Value, m.Item, true)
	case mdb.VendCancel:
		if r.cfg.Deaf && d.state == vendRequested {
			r.endVend(d, b.End)
		}
	case mdb.VendSuccess:
		r.vendSuccess(d, b, m.Item)
	case mdb.VendFailure:
		r.vendFailure(d, b)
	case mdb.SessionComplete:
		if d.state == vendApproved {
			r.incident(b.End, "vend_outcome_unknown", "session completed after VEND APPROVED without success or failure", d, d.money.amount(int64(d.amount)))
			r.endVend(d, b.End)
		}
	case mdb.CashSale:
		r.cashSale(d, b, m)
	case mdb.RevalueRequest:
		d.revalue, d.revaluing = m.Amount, true
		d.trail = d.trail[:0]
		d.note(b)
	case mdb.Unknown:
		r.stats.Unreadable++
	}
}

// vendForm settles expanded currency mode by the exact length of a VEND block
// and reports whether its amount can be read at all. A block of no exact form
// may have lost a word: without certainty about the mode it is an incident.
func (r *Recovery) vendForm(d *reader, b *mdb.Block) bool {
	sub, n := b.Data[1], int(b.N)-3
	narrow, wide := mdb.VendForm(sub, n)
	switch {
	case narrow:
		d.ec = no
	case wide:
		d.ec = yes
	case d.ec == maybe || d.ec == yes && n < 6 || n < 4:
		r.stats.Unreadable++
		r.incident(b.End, "vend_unreadable", "VEND command of a length no known form has", d, Amount{})
		if sub != 5 && d.state != vendIdle {
			r.endVend(d, b.End)
		}
		return false
	}
	return true
}

func (r *Recovery) vendRequest(d *reader, b *mdb.Block, price uint32, item uint16, negative bool) {
	repeated := d.state == vendRequested && d.price == price && d.item == item && d.negative == negative
	if d.state == vendApproved {
		r.incident(b.End, "vend_outcome_unknown", "a new VEND REQUEST came after VEND APPROVED without success or failure", d, d.money.amount(int64(d.amount)))
	}
	d.idle()
	d.state, d.price, d.item, d.negative = vendRequested, price, item, negative
	d.amount, d.token, d.sold, d.refunding = 0, false, false, false
	d.until = b.End + r.cfg.VendLimit.Microseconds()
	if n, w := mdb.VendForm(b.Data[1], int(b.N)-3); !n && !w {
		d.doubts |= doubtForm
	}
	d.note(b)
	if !repeated {
		r.activity(b.End, ActivityVendStarted, d)
	}
}

// Codes of activity events.
const (
	ActivityVendStarted = "vend_started"
	ActivityVendEnded   = "vend_ended"
)

func (r *Recovery) endVend(d *reader, t int64) {
	r.activity(t, ActivityVendEnded, d)
	d.idle()
	r.releaseCash(t)
}

func (r *Recovery) vendFailure(d *reader, b *mdb.Block) {
	if d.state != vendIdle {
		d.refunding = d.state == vendApproved
		r.endVend(d, b.End)
		return
	}
	if !d.sold {
		return
	}
	d.sold, d.refunding = false, true
	r.releaseReader(d)
	d.trail = d.trail[:0]
	d.note(b)
	r.emit(Event{
		Kind: KindReversal, T: b.End, Class: ClassA, Source: "vend_failure", Reader: uint8(d.dev),
		Item: d.saleItem, ItemKnown: d.saleItem != mdb.ItemUnknown, Amount: d.saleOf, Of: d.saleT,
		Detail: "VEND FAILURE after VEND SUCCESS in one session", Blocks: clone(d.trail),
	})
}

// vendSuccess decides a vend (16.4). It does not wait for the reader's ACK: the
// product is out, and machines repeat what is not ACKed.
func (r *Recovery) vendSuccess(d *reader, b *mdb.Block, item uint16) {
	if d.state == vendIdle {
		if d.soldOnce && d.soldItem == item && b.End-d.soldAt < repeatSuccess {
			d.soldAt = b.End
			return
		}
		e := Event{
			Kind: KindIncident, T: b.End, Class: ClassD, Code: "vend_success_without_request", Reader: uint8(d.dev),
			Item: item, ItemKnown: item != mdb.ItemUnknown, Detail: "VEND SUCCESS whose VEND REQUEST was not heard: the price is unknown",
		}
		r.emit(e)
		d.soldOnce, d.soldAt, d.soldItem = true, b.End, item
		return
	}
	d.soldOnce, d.soldAt, d.soldItem = true, b.End, item
	d.note(b)
	if d.doubts&doubtLost != 0 && (item != d.item || item == mdb.ItemUnknown) {
		r.incident(b.End, "vend_success_after_loss", "VEND SUCCESS after lost words names another item than the request before them", d, d.money.amount(int64(d.price)))
		r.endVend(d, b.End)
		return
	}
	class := ClassA
	if d.state != vendApproved || d.doubts != 0 {
		class = ClassB
	}
	r.sellVend(d, b.End, class, "vend_success", item)
}

// A VEND SUCCESS repeated because it was not ACKed follows within the longest
// non-response time of a reader, µs.
const repeatSuccess = 10_000_000

// sellVend emits the vend in progress as a sale or a return.
func (r *Recovery) sellVend(d *reader, t int64, class Class, source string, success uint16) {
	requested := d.money.amount(int64(d.price))
	amount := requested
	detail := ""
	switch {
	case d.state != vendApproved || d.amount == 0 || d.token:
	case d.doubts&doubtSparse != 0 && d.amount > d.price:
		// A missing zero byte makes an amount larger; the request was heard well.
		detail = "the approval may have lost a byte: the requested price is taken"
	default:
		amount = d.money.amount(int64(d.amount))
		if d.amount > d.price {
			detail = "approved amount above the requested price"
		}
	}
	item := d.item
	if item == mdb.ItemUnknown {
		item = success
	} else if success != mdb.ItemUnknown && success != item && source == "vend_success" {
		if detail != "" {
			detail += "; "
		}
		detail += "VEND SUCCESS names another item"
	}
	if !d.fresh || d.money.assumed {
		class = weaker(class, ClassB)
	}
	e := Event{
		Kind: KindSale, T: t, Class: weaker(class, r.cfg.Cap), Source: source, Reader: uint8(d.dev),
		Item: item, ItemKnown: item != mdb.ItemUnknown, Amount: amount, Requested: requested,
		Detail: detail, Blocks: clone(d.trail),
	}
	switch {
	case d.state == vendApproved && d.token:
		r.free(e, "token_vend", "paid with an electronic token: no money")
	case amount.Raw == 0:
		r.gratis(e, "price 0")
	case d.negative:
		e.Kind, e.Detail = KindReturn, "negative vend: goods came back"
		e.Parts = []Part{{Source: d.source(), Kind: "cashless", Amount: amount}}
		r.emit(e)
	default:
		e.Parts = []Part{{Source: d.source(), Kind: "cashless", Amount: amount}}
		d.sold, d.saleT, d.saleOf, d.saleItem = true, t, amount, item
		r.vended(d, e)
	}
	r.activity(t, ActivityVendEnded, d)
	sold := d.sold
	d.idle()
	d.sold = sold
	r.releaseCash(t)
}

// gratis emits a vend that cost nothing. What the goods are listed at stays as
// Requested.
func (r *Recovery) gratis(e Event, detail string) {
	e.Kind, e.Detail, e.Parts = KindFree, detail, nil
	if e.Amount.Raw != 0 && !e.Requested.Known {
		e.Requested = e.Amount
	}
	e.Amount.Raw = 0
	if !e.Amount.Known { // nothing is nothing in every scale
		e.Amount.Scale, e.Amount.Decimals, e.Amount.Known = 1, 2, true
	}
	r.emit(e)
}

// free emits a vend that was not paid with money as an incident.
func (r *Recovery) free(e Event, code, detail string) {
	e.Kind, e.Class, e.Code, e.Detail = KindIncident, ClassD, code, detail
	r.emit(e)
}

func (d *reader) source() string {
	if d.dev == mdb.Cashless1 {
		return "reader1"
	}
	return "reader2"
}

// resetReader handles RESET by the VMC and a bus break: after VEND APPROVED it
// counts as VEND SUCCESS (mdb 7.4.7).
func (r *Recovery) resetReader(d *reader, t int64) {
	switch {
	case d.state == vendApproved && d.doubts&doubtLost == 0:
		r.sellVend(d, t, ClassB, "reset_inferred", mdb.ItemUnknown)
	case d.state == vendApproved:
		r.incident(t, "vend_outcome_unknown", "RESET after lost words and VEND APPROVED", d, d.money.amount(int64(d.amount)))
		r.endVend(d, t)
	case d.state == vendRequested:
		r.endVend(d, t)
	}
	d.notReady()
}

// notReady is what a reset does to the state of a reader: its set-up has to be
// heard again before it is certain.
func (d *reader) notReady() {
	d.ec, d.session, d.fresh = no, false, false
	d.sold, d.revaluing, d.refunding, d.faulty = false, false, false, false
}

func (r *Recovery) expireReader(d *reader, t int64) {
	if d.state == vendIdle || d.until > t {
		return
	}
	if d.state == vendApproved {
		why := "no success or failure after VEND APPROVED"
		if d.reset {
			why = "the reader reset itself after VEND APPROVED and no VEND SUCCESS came"
		}
		r.incident(t, "vend_outcome_unknown", why, d, d.money.amount(int64(d.amount)))
	}
	r.endVend(d, t)
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }
