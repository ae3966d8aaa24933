package decode

import (
	"fmt"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/trace/check"
	"github.com/chekomat/chekomat/mdb/vectors"
)

// book keeps what devices said of themselves: without it amounts are numbers.
type book struct {
	devices map[mdb.Device]*device
	talk    mdb.Dialects
	any     *sales.Amount // assumed of all that said nothing
	pending []string
}

type device struct {
	known    bool
	assumed  bool
	scale    uint32
	decimals uint8
	currency uint16
	credits  []uint8
	warned   bool
}

func newBook(h trace.Header) book {
	b := book{devices: map[mdb.Device]*device{}}
	c := check.MDB(h)
	if c.Scale != 0 {
		b.any = &sales.Amount{Scale: c.Scale, Decimals: c.Decimals, Currency: fmt.Sprintf("%04X", c.Currency), Known: true}
	}
	for _, s := range c.Setups {
		d := b.of(s.Device)
		d.known, d.assumed = s.Scale != 0, true
		d.scale, d.decimals, d.currency = s.Scale, s.Decimals, s.Currency
		b.talk.Know(s.Device, mdb.Dialect{Level: s.Level, EC: s.Wide})
		d.credits = s.Credits[:]
	}
	return b
}

func (b *book) of(dev mdb.Device) *device {
	d := b.devices[dev]
	if d == nil {
		d = &device{}
		b.devices[dev] = d
	}
	return d
}

// guess sees by a command's length that expanded currency mode is on though
// nobody was heard turning it on.
func (b *book) guess(blk *mdb.Block) {
	if b.talk.Command(blk) {
		b.pending = append(b.pending, "expanded currency mode is on, by the length of this command: 32-bit amounts assumed from here")
	}
}

// notes gives what was assumed since the last call.
func (b *book) notes() []string {
	n := b.pending
	b.pending = nil
	return n
}

// learn takes what a message says of its device.
func (b *book) learn(dev mdb.Device, m vectors.Message) {
	d := b.of(dev)
	set := func(scale uint32, decimals uint8, currency uint16) {
		d.known, d.assumed = scale != 0 && decimals <= 9, false
		d.scale, d.decimals = scale, decimals
		if currency != 0 {
			d.currency = currency
		}
	}
	switch c := m.Command.(type) {
	case mdb.GatewaySetup:
		set(uint32(c.Scale), c.Decimals, 0)
	case mdb.ReportCurrency:
		d.currency = c.Currency
	case mdb.SatelliteSetup:
		set(uint32(c.Scale), c.Decimals, 0)
	}
	if m.Answer != nil {
		b.talk.Answer(dev, m.Answer)
	}
	switch a := m.Answer.(type) {
	case mdb.ReaderConfig:
		set(uint32(a.Scale), a.Decimals, a.Currency)
	case mdb.ChangerSetup:
		set(uint32(a.Scale), a.Decimals, a.Currency)
		d.credits = append([]uint8{}, a.Credits[:a.N]...)
	case mdb.ValidatorSetup:
		set(uint32(a.Scale), a.Decimals, a.Currency)
		d.credits = append([]uint8{}, a.Credits[:a.N]...)
	case mdb.HopperSetup:
		set(uint32(a.Scale), a.Decimals, a.Currency)
		d.credits = append([]uint8{}, a.Credits[:a.N]...)
	}
}

// sums are the fields that hold money.
var sums = map[string]bool{
	"price": true, "max": true, "min": true, "amount": true, "funds": true, "value": true, "cash_in_tubes": true, "cash_in_cashbox": true,
	"cash_in_bills": true, "in_cashless1": true, "in_cashless2": true, "revalue1": true, "revalue2": true, "cash_out": true,
	"discount": true, "surcharge": true, "max_price": true,
}

// Sum is a scaled amount of the bus; Raw alone where the scale is not known.
type Sum struct {
	Raw      uint32 `json:"raw"`
	Amount   string `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
}

func (s Sum) String() string {
	if s.Amount == "" {
		return fmt.Sprintf("%d (raw)", s.Raw)
	}
	if s.Currency == "" {
		return s.Amount
	}
	return s.Amount + " " + s.Currency
}

// scale gives a message's fields with money instead of numbers.
func (b *book) scale(dev mdb.Device, m vectors.Message) []vectors.Field {
	out := make([]vectors.Field, 0, len(m.Fields)+1)
	for _, f := range m.Fields {
		if v, ok := asUint(f.Value); ok && sums[f.Name] {
			f.Value = b.sum(dev, v)
		}
		out = append(out, f)
	}
	if typ, ok := cashType(m.Answer); ok {
		if c := b.of(dev).credits; int(typ) < len(c) && c[typ] != 0 && c[typ] != mdb.CreditToken {
			out = append(out, vectors.Field{Name: "worth", Value: b.sum(dev, uint32(c[typ]))})
		}
	}
	return out
}

func cashType(m mdb.AnswerMessage) (uint8, bool) {
	switch m := m.(type) {
	case mdb.ChangerEvent:
		return m.Type, m.Kind == mdb.CoinDeposited || m.Kind == mdb.CoinsDispensedManually
	case mdb.BillEvent:
		return m.Type, m.Kind == mdb.Bill
	}
	return 0, false
}

func asUint(v any) (uint32, bool) {
	switch v := v.(type) {
	case uint8:
		return uint32(v), true
	case uint16:
		return uint32(v), true
	case uint32:
		return v, true
	}
	return 0, false
}

func (b *book) sum(dev mdb.Device, raw uint32) Sum {
	d := b.of(dev)
	a := sales.Amount{Raw: int64(raw), Scale: d.scale, Decimals: d.decimals, Known: d.known}
	currency := ""
	if d.known && d.currency != 0 {
		currency = trace.CurrencyName(fmt.Sprintf("%04X", d.currency))
	}
	if !d.known && b.any != nil {
		a = *b.any
		a.Raw = int64(raw)
		if a.Currency != "0000" {
			currency = trace.CurrencyName(a.Currency)
		}
	}
	if !a.Known {
		if !d.warned {
			d.warned = true
			b.pending = append(b.pending, "the set-up was not heard: amounts are raw numbers of the bus")
		}
		return Sum{Raw: raw}
	}
	return Sum{Raw: raw, Amount: a.Decimal(), Currency: currency}
}
