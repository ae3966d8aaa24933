package sales

import (
	"github.com/chekomat/chekomat/mdb"
)

// gateway is what is known of the communications gateway, the best source of
// sales where a machine has one (16.7, 16.9).
type gateway struct {
	money    scaling
	reported bool // a REPORT type 01 was heard: other sources only confirm
	acked    bool // the last REPORT was ACKed
	at       int64
	n        uint8
	last     [mdb.MaxBlock]byte
}

// A REPORT that was not ACKed is repeated within the gateway's non-response
// time, µs (mdb 8: 5 s unless the gateway says more).
const repeatReport = 10_000_000

func (r *Recovery) gatewayCommand(b *mdb.Block) {
	m, err := mdb.ParseCommand(b.Payload(), mdb.Dialect{})
	if err != nil {
		r.stats.Unreadable++
		return
	}
	g := &r.gate
	switch m := m.(type) {
	case mdb.GatewaySetup:
		g.money.set(uint32(m.Scale), m.Decimals, g.money.currency)
	case mdb.ReportCurrency:
		g.money.set(uint32(m.Scale), m.Decimals, m.Currency)
	case mdb.GatewayControl:
		if m.Action == 0 {
			g.reported = false
		}
	case mdb.Report:
		p := b.Payload()
		same := g.n == uint8(len(p)) && string(g.last[:g.n]) == string(p)
		window := r.cfg.RepeatWindow.Microseconds()
		if !g.acked && !r.cfg.Deaf {
			window = repeatReport
		}
		repeated := same && b.End-g.at < window
		g.n, g.at, g.acked = uint8(copy(g.last[:], p)), b.End, false
		if !repeated {
			r.report(b, m)
		}
	}
}

// report takes one transaction.
func (r *Recovery) report(b *mdb.Block, m mdb.Report) {
	g := &r.gate
	if g.money.currency == 0 && g.money.known {
		g.money.currency = r.anyCurrency()
	}
	first := !g.reported
	g.reported = true
	paid := int64(m.Price) - int64(m.Discount) + int64(m.Surcharge)
	cash := int64(m.Tubes) + int64(m.CashBox) + int64(m.Bills) - int64(m.CashOut)
	e := Event{
		Kind: KindSale, T: b.End, Class: weaker(ClassA, r.cfg.Cap), Source: "report",
		Item: m.Item, ItemKnown: m.Item != mdb.ItemUnknown,
		Amount: g.money.amount(paid), Requested: g.money.amount(int64(m.Price)),
		Blocks: append([]byte{byte(b.Line), b.N}, b.Bytes()...),
	}
	switch m.Kind {
	case mdb.ReportPaid:
	case mdb.ReportNegative:
		e.Kind, e.Detail = KindReturn, "REPORT of a negative vend"
		r.emit(e)
		return
	case mdb.ReportToken:
		r.free(e, "token_vend", "REPORT of a token vend: no money")
		return
	case mdb.ReportFree:
		r.gratis(e, "by REPORT")
		return
	case mdb.ReportTest:
		r.free(e, "test_vend", "REPORT of a test vend: no money")
		return
	default:
		return
	}
	if paid <= 0 {
		r.free(e, "free_vend", "REPORT of a vend without money")
		return
	}
	e.Parts = r.split(m, paid, cash, &e)
	// Money a CASH SALE of the same vend has explained is not explained twice.
	explained := cash <= 0
	confirmed := false
	for i := 0; i < len(r.held); {
		h := r.held[i].ev
		if h.ItemKnown && h.Item == e.Item || equal(h.Amount, e.Amount) {
			for _, p := range h.Parts {
				explained = explained || p.Source == "cash"
			}
			r.drop(i)
			confirmed = true
			continue
		}
		i++
	}
	if first {
		for i := range r.recent {
			a := &r.recent[i]
			if a.t != 0 && !a.spent && e.T-a.t < r.cfg.PairWindow.Microseconds() && (a.known && a.item == e.Item || equal(a.amount, e.Amount)) {
				a.spent = true
				if !explained && a.source != "cash_sale" && a.source != "ledger" {
					r.explain(g.money.amount(min(cash, paid)), true)
				}
				return
			}
		}
	}
	if !explained {
		r.explain(g.money.amount(min(cash, paid)), true)
	}
	r.settleSale(e)
	if confirmed {
		// Its other announcement came before: the next one is another sale.
		r.recent[(r.recentN+len(r.recent)-1)%len(r.recent)].spent = true
	}
}

// split gives the parts of a reported sale. Where they do not add up, price,
// discount and surcharge are trusted and the largest kind takes it all (16.7).
func (r *Recovery) split(m mdb.Report, paid, cash int64, e *Event) []Part {
	var parts []Part
	money := r.gate.money
	add := func(source, kind string, v int64) {
		if v > 0 {
			parts = append(parts, Part{Source: source, Kind: kind, Amount: money.amount(v)})
		}
	}
	c1, c2 := int64(m.Cashless1), int64(m.Cashless2)
	if cash+c1+c2 == paid && cash >= 0 {
		add("cash", "cash", cash)
		add("reader1", "cashless", c1)
		add("reader2", "cashless", c2)
	} else {
		e.Detail = "the reported split does not add up to the price"
		switch {
		case c1 >= c2 && c1 >= cash && c1 > 0:
			add("reader1", "cashless", paid)
		case c2 >= cash && c2 > 0:
			add("reader2", "cashless", paid)
		default:
			add("cash", "cash", paid)
		}
	}
	for _, p := range parts {
		switch p.Source {
		case "reader1":
			e.Reader = uint8(mdb.Cashless1)
		case "reader2":
			e.Reader = uint8(mdb.Cashless2)
		}
	}
	return parts
}

// anyCurrency gives a currency another device named.
func (r *Recovery) anyCurrency() uint16 {
	for _, s := range []scaling{r.cash.coin.money, r.cash.bill.money, r.readers[0].money, r.readers[1].money} {
		if s.known && s.currency != 0 && s.currency != 0xFFFF {
			return s.currency
		}
	}
	return 0
}
