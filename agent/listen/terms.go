package listen

import (
	"encoding/hex"
	"strings"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/sales"
)

// Rouble is the ISO 4217 numeric code of the Russian rouble.
const Rouble = "643"

// Terms are what the bus does not say of an amount, by the hub's catalogue and
// the agent's own file.
type Terms struct {
	Bus    string // "mdb" or "exe"
	Assume string // ISO numeric taken where the bus names no currency; "" nothing is assumed
	Force  string // ISO numeric taken whatever the bus says; "" the bus is believed
}

// Currency turns the bus field (4 hex digits, mdb 7.4.2: "1" and ISO 4217
// numeric, or "0" and a telephone prefix) into ISO numeric. 1810 is the rouble
// before 1998 and 0007 Russia's prefix: devices in the field use both for the
// rouble. A field that is neither is given as it stands, so that it can't pass
// for roubles.
func (t Terms) Currency(field string) string {
	if t.Force != "" {
		return t.Force
	}
	switch {
	case field == "":
		return t.Assume
	case field == "1643", field == "1810", field == "0007":
		return Rouble
	case len(field) == 4 && field[0] == '1':
		return field[1:]
	}
	return field
}

// Bounds beyond which an amount is noise: a 32-bit field in any sane scale
// stays within int64 kopecks.
const (
	maxRaw      = 1 << 32
	maxFactor   = 1 << 16
	maxDecimals = 9
)

// Money of a bus amount. Known is false when the scale is not known, the sum
// is not whole kopecks, or the numbers make no sense.
func (t Terms) Money(a sales.Amount) wire.Money {
	m := wire.Money{Raw: a.Raw, Currency: t.Currency(a.Currency)}
	if !a.Known {
		return m
	}
	m.Scale, m.Decimals = a.Scale, a.Decimals
	if a.Raw < 0 || a.Raw > maxRaw || a.Scale > maxFactor || a.Decimals > maxDecimals {
		return m
	}
	m.Minor, m.Known = a.Minor()
	return m
}

// kinds of records made of events; an activity makes none.
var kinds = map[sales.Kind]wire.RecordKind{
	sales.KindSale:     wire.KindSale,
	sales.KindReversal: wire.KindReversal,
	sales.KindReturn:   wire.KindReturn,
	sales.KindFree:     wire.KindSale, // of 0: the hub makes no receipt of it
	sales.KindTopUp:    wire.KindTopUp,
	sales.KindIncident: wire.KindIncident,
}

// Entry makes the record of an event that happened at; ok is false for an
// activity.
func (t Terms) Entry(ev sales.Event, at clock.Reading) (e journal.Entry, ok bool) {
	kind, ok := kinds[ev.Kind]
	if !ok {
		return e, false
	}
	e.Record = dated(kind, at)
	switch kind {
	case wire.KindIncident:
		e.Record.Incident = &wire.Incident{Code: ev.Code, Detail: ev.Detail}
		if ev.Amount.Raw != 0 || ev.ItemKnown {
			e.Record.Incident.Sale = t.sale(ev)
		}
	case wire.KindReversal:
		of := ev.Of
		e.OfBus = &of
		e.Record.Sale = t.sale(ev)
	default:
		e.Record.Sale = t.sale(ev)
	}
	return e, true
}

func dated(kind wire.RecordKind, at clock.Reading) wire.Record {
	return wire.Record{Kind: kind, Wall: at.Wall.Truncate(1e6), Synced: at.Synced, Boot: at.Boot, MonoMS: at.MonoMS}
}

func (t Terms) sale(ev sales.Event) *wire.Sale {
	s := &wire.Sale{
		Class: string(ev.Class), Evidence: ev.Source,
		Amount:  t.Money(ev.Amount),
		Channel: "device", Bus: t.Bus, BusUS: ev.T,
		Words: hex.EncodeToString(ev.Blocks),
	}
	if ev.ItemKnown {
		s.Column, s.ColKnown = int(ev.Item), true
	}
	if ev.Requested.Known || ev.Requested.Raw != 0 {
		if r := t.Money(ev.Requested); r != s.Amount { // bytes: the usual vend asks what it charges
			s.Requested = &r
		}
	}
	t.parts(s, ev)
	return s
}

// parts divides the amount among its sources. Where the parts do not make up
// the amount, the amount is not known: the hub holds such a sale for a person.
func (t Terms) parts(s *wire.Sale, ev sales.Event) {
	in := ev.Parts
	if len(in) == 0 {
		source, kind := reader(ev.Reader)
		if source == "" {
			return
		}
		in = []sales.Part{{Source: source, Kind: kind, Amount: ev.Amount}}
	}
	var sum int64
	known := s.Amount.Known
	for _, p := range in {
		m := t.Money(p.Amount)
		known = known && m.Known
		sum += m.Minor
		s.Parts = append(s.Parts, wire.Part{Source: p.Source, Kind: p.Kind, Minor: m.Minor})
	}
	if !known || sum != s.Amount.Minor {
		s.Amount.Known, s.Amount.Minor = false, 0
		for i := range s.Parts {
			s.Parts[i].Minor = 0
		}
	}
}

func reader(address uint8) (source, kind string) {
	switch address {
	case 0x10:
		return wire.SourceReader1, "cashless"
	case 0x60:
		return wire.SourceReader2, "cashless"
	}
	return "", ""
}

// ISO takes a currency as people write it ("RUB", "643", "EUR") and gives its
// numeric code; ok is false for what it does not know.
func ISO(name string) (code string, ok bool) {
	if code, ok := letters[strings.ToUpper(name)]; ok {
		return code, true
	}
	if len(name) != 3 {
		return "", false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	return name, true
}

var letters = map[string]string{
	"RUB": Rouble, "RUR": Rouble, "BYN": "933", "KZT": "398", "AMD": "051", "KGS": "417",
	"UZS": "860", "EUR": "978", "USD": "840", "CNY": "156",
}
