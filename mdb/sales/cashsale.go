package sales

import (
	"github.com/chekomat/chekomat/mdb"
)

// cashSale handles CASH SALE (16.3). It comes after the product, so it needs no
// confirmation and no ACK.
func (r *Recovery) cashSale(d *reader, b *mdb.Block, m mdb.CashSale) {
	p := b.Payload()
	last := &d.sale
	same := last.valid && int(last.n) == len(p) && string(last.data[:last.n]) == string(p)
	window := r.cfg.RepeatWindow.Microseconds()
	if !last.acked && !r.cfg.Deaf {
		// Not ACKed: the VMC repeats it until the reader's non-response time ends.
		window = max(5, int64(d.response)) * 1_000_000
	}
	repeated := same && b.End-last.t < window
	*last = announcedCash{valid: true, t: b.End, n: uint8(min(len(p), len(last.data)))}
	copy(last.data[:], p)
	if repeated || r.twin(d, b, p) {
		return
	}
	narrow, wide := mdb.VendForm(5, int(b.N)-3)
	money := d.money
	if m.Currency != 0 && money.known {
		money.currency = m.Currency
	}
	amount := money.amount(int64(m.Price))
	class := ClassA
	if !d.fresh || money.assumed || !narrow && !wide {
		class = ClassB
	}
	item := m.Item
	flags := item & mdb.VendFlags
	if item == mdb.ItemUnknown {
		flags = 0
	}
	e := Event{
		Kind: KindSale, T: b.End, Class: weaker(class, r.cfg.Cap), Source: "cash_sale", Reader: uint8(d.dev),
		Item: item &^ flags, ItemKnown: item != mdb.ItemUnknown, Amount: amount, Requested: amount,
		Blocks: append([]byte{byte(b.Line), b.N}, b.Bytes()...),
		Parts:  []Part{{Source: "cash", Kind: "cash", Amount: amount}},
	}
	switch {
	case flags&mdb.FreeVend != 0:
		r.gratis(e, "flagged in CASH SALE")
	case flags&mdb.TestVend != 0:
		r.free(e, "test_vend", "CASH SALE flagged test vend: no money")
	case flags&mdb.TokenVend != 0:
		r.free(e, "token_vend", "CASH SALE flagged token vend: no money")
	case m.Price == 0:
		r.gratis(e, "price 0")
	case flags&mdb.NegativeVend != 0:
		e.Kind, e.Detail = KindReturn, "CASH SALE flagged negative vend: goods came back, cash was paid out"
		r.emit(e)
	default:
		r.cashAnnounced(e)
	}
}

// twin reports whether the other reader got the same CASH SALE just now.
func (r *Recovery) twin(d *reader, b *mdb.Block, p []byte) bool {
	for i := range r.readers {
		o := &r.readers[i]
		if o == d || !o.sale.valid || b.End-o.sale.t >= r.cfg.TwinWindow.Microseconds() {
			continue
		}
		if int(o.sale.n) == len(p) && len(p) > 1 && string(o.sale.data[1:o.sale.n]) == string(p[1:min(len(p), len(o.sale.data))]) {
			// The pair is spent: the next sale of the item is announced anew.
			o.sale.valid = false
			return true
		}
	}
	return false
}
