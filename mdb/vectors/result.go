package vectors

import (
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
)

func number(m map[string]any, key string) (int64, bool) {
	f, ok := m[key].(float64)
	return int64(f), ok
}

// setups turns a vector's context into what the recovery knows beforehand.
func (v *vector) setups() []sales.Setup {
	var out []sales.Setup
	talk := dialects(v.Context)
	for _, dev := range []mdb.Device{
		mdb.Cashless1, mdb.Cashless2, mdb.Changer, mdb.Validator, mdb.Gateway, mdb.Hopper1, mdb.Hopper2,
	} {
		c, ok := v.Context[dev.String()].(map[string]any)
		if !ok {
			continue
		}
		dl := talk.Of(dev)
		s := sales.Setup{Device: dev, Level: dl.Level, Wide: dl.EC}
		n, _ := number(c, "scale")
		s.Scale = uint32(n)
		n, _ = number(c, "decimals")
		s.Decimals = uint8(n)
		if o, ok := c["currency"].(string); ok {
			s.Currency = uint16(hexNumber(o))
		}
		if o, ok := c["options"].(string); ok {
			s.Options = uint8(hexNumber(o))
		}
		if list, ok := c["credits"].([]any); ok {
			for i, x := range list[:min(len(list), 16)] {
				switch x := x.(type) {
				case float64:
					s.Credits[i] = uint8(x)
				case string: // "token"
					s.Credits[i] = mdb.CreditToken
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// hexNumber reads "1643"; 0 where it is none.
func hexNumber(s string) uint64 {
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0
	}
	return n
}

// checkResult runs the words through recovery and compares what they mean.
func (v *vector) checkResult(ws []mdb.Word) error {
	for key, dev := range map[string]mdb.Device{"coins_credited": mdb.Changer, "bills_credited": mdb.Validator} {
		if want, ok := v.Result[key].([]any); ok {
			if err := credited(ws, dev, want); err != nil {
				return err
			}
		}
	}
	want, ok := v.Result["sales"].([]any)
	if !ok {
		return nil
	}
	rec := sales.New(sales.Config{StartsIdle: true, Setups: v.setups()})
	var got []sales.Event
	short := int64(0)
	take := func(es []sales.Event) {
		for _, e := range es {
			switch {
			case e.Kind == sales.KindSale:
				got = append(got, e)
			case e.Code == "payout_short":
				short, _ = e.Amount.Minor()
			}
		}
	}
	for _, w := range ws {
		take(rec.Word(w))
	}
	take(rec.Advance(ws[len(ws)-1].T + 300_000_000))
	if len(got) != len(want) {
		return fmt.Errorf("%d sales, want %d: %s", len(got), len(want), compact(got))
	}
	for i := range want {
		w, ok := want[i].(map[string]any)
		if !ok {
			return fmt.Errorf("sale %d of the vector is no object", i)
		}
		if err := sale(got[i], w, short); err != nil {
			return fmt.Errorf("sale %d: %w", i, err)
		}
	}
	return nil
}

// credited checks which coins or bills became money: type by type, with a credit
// for that type alone.
func credited(ws []mdb.Word, dev mdb.Device, want []any) error {
	var got, expect [16]int64
	for _, x := range want {
		f, ok := x.(float64)
		if !ok || f < 0 || f > 15 {
			return fmt.Errorf("%v is no type of a coin or bill", x)
		}
		expect[int(f)]++
	}
	for typ := range got {
		s := sales.Setup{Device: dev, Scale: 1, Decimals: 2}
		s.Credits[typ] = 1
		rec := sales.New(sales.Config{StartsIdle: true, Setups: []sales.Setup{s}})
		for _, w := range ws {
			rec.Word(w)
		}
		rec.Advance(ws[len(ws)-1].T + 1_000_000)
		for _, e := range rec.Undecided() {
			got[typ] += e.Amount.Raw
		}
	}
	if got != expect {
		return fmt.Errorf("credited by type %v, want %v", got, expect)
	}
	return nil
}

// sale compares one sale; only what the vector names is compared.
func sale(e sales.Event, want map[string]any, short int64) error {
	got := map[string]any{}
	got["amount"] = e.Amount.Decimal()
	got["price_scaled"] = e.Amount.Raw
	got["requested_scaled"] = e.Requested.Raw
	got["requested"] = e.Requested.Decimal()
	got["class"] = e.Class
	got["source"] = e.Source
	got["currency"] = e.Amount.Currency
	got["item"] = "unknown"
	if e.ItemKnown {
		got["item"] = e.Item
	}
	got["payment"] = "mixed"
	if len(e.Parts) == 1 {
		got["payment"] = source(e.Parts[0])
	}
	for _, p := range e.Parts {
		got[source(p)] = p.Amount.Decimal()
		if _, scaled := want[source(p)].(string); !scaled {
			got[source(p)] = p.Amount.Raw
		}
	}
	got["inferred"] = e.Source == "reset_inferred"
	if e.Tendered.Known {
		got["tendered"] = e.Tendered.Decimal()
		paid := e.Change
		got["change_requested"] = paid.Decimal()
		paid.Raw -= short
		got["change"] = paid.Decimal()
	}
	for k, w := range want {
		if compact(got[k]) != compact(w) {
			return fmt.Errorf("%s is %s, want %s", k, compact(got[k]), compact(w))
		}
	}
	return nil
}

func source(p sales.Part) string {
	switch p.Source {
	case "reader1":
		return "cashless1"
	case "reader2":
		return "cashless2"
	}
	return p.Source
}
