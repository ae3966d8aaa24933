package replay

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace/check"
	"github.com/chekomat/chekomat/testbench/decode"
)

// recovery of either bus.
type recovery interface {
	Word(mdb.Word) []sales.Event
	Advance(t int64) []sales.Event
	Lost(note string) []sales.Event
	Undecided() []sales.Event
	Restore([]byte) error
}

// EXE is what the operator says of a machine on EXE; the bus does not. What is
// not given stays as the trace says.
type EXE struct {
	Mode          string
	Prices        string // JSON file of [{"line":8,"price":4500}] in kopecks; "column" is a line too
	Payment       string
	Scale         uint8
	Decimals      uint8
	OddReply      string
	AnyReply      bool
	AllowInferred bool
}

func (e *EXE) flags(f *pflag.FlagSet) {
	f.StringVar(&e.Mode, "exe-mode", "", "EXE: who holds the prices: price_holding (the payment device; default) or price_display (the machine)")
	f.StringVar(&e.Prices, "exe-prices", "", `EXE: JSON file of prices in kopecks: [{"line":8,"price":4500}]`)
	f.StringVar(&e.Payment, "exe-payment", "", "EXE: how it was paid: cash, cashless or by_hint; default: not decided")
	f.Uint8Var(&e.Scale, "exe-scale", 0, "EXE: scale until a data block was heard")
	f.Uint8Var(&e.Decimals, "exe-decimals", 0, "EXE: decimals until a data block was heard")
	f.StringVar(&e.OddReply, "exe-odd-reply", "", "EXE: what an odd answer to VEND means: sold or failed; default: class C and an incident")
	f.BoolVar(&e.AnyReply, "exe-any-reply", false, "EXE: any answer to VEND means that it was delivered")
	f.BoolVar(&e.AllowInferred, "exe-inferred", false, "EXE: a sale of a line without a price takes the one the blocks suggest, as class C")
}

// over lays the settings over those of a trace.
func (e EXE) over(c *vends.Config) error {
	if e.Mode != "" {
		m, err := vends.ParseMode(e.Mode)
		if err != nil {
			return err
		}
		c.Mode = m
	}
	if e.Prices != "" {
		prices, err := readPrices(e.Prices)
		if err != nil {
			return err
		}
		c.Prices = prices
	}
	if e.Payment != "" {
		c.Payment = vends.Payment(e.Payment)
	}
	if e.Scale != 0 {
		c.Scale, c.Decimals = e.Scale, e.Decimals
	}
	if e.OddReply != "" {
		c.Odd = vends.OddReply(e.OddReply)
	}
	c.AnyVendReplyOK = c.AnyVendReplyOK || e.AnyReply
	c.AllowInferred = c.AllowInferred || e.AllowInferred
	return c.Validate()
}

func readPrices(path string) (map[uint8]int64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the prices: %w", err)
	}
	var rows []struct {
		Line   *uint8 `json:"line"`
		Column *uint8 `json:"column"`
		Price  *int64 `json:"price"`
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, fmt.Errorf("read the prices in %s: %w", path, err)
	}
	prices := map[uint8]int64{}
	for i, r := range rows {
		if r.Line == nil {
			r.Line = r.Column
		}
		if r.Line == nil || r.Price == nil {
			return nil, fmt.Errorf("read the prices in %s: row %d lacks a line or a price", path, i+1)
		}
		prices[*r.Line] = *r.Price
	}
	return prices, nil
}

// recover makes the recovery for a source and the strongest class it can give:
// the first word tells the bus, a written trace what may be assumed and where
// recovery stood.
func (o *Options) recover(src module.Source, first mdb.Word) (rec recovery, strongest sales.Class, err error) {
	h, err := decode.HeaderOf(src, first.Line >= mdb.EXEMaster, nil)
	if err != nil {
		return nil, "", err
	}
	if h.Bus == "exe" {
		c := check.EXE(h)
		if err := o.EXE.over(&c); err != nil {
			return nil, "", err
		}
		rec, strongest = vends.New(c), c.Defaults().Cap
	} else {
		c := check.MDB(h)
		o.StartsIdle = c.StartsIdle || o.StartsIdle
		c.StartsIdle = o.StartsIdle
		rec, strongest = sales.New(c), c.Cap
	}
	if h.State != nil {
		if err := rec.Restore(h.State); err != nil {
			return nil, "", fmt.Errorf("take up the state of the trace: %w", err)
		}
	}
	return rec, strongest, nil
}

func summarize(r recovery) sales.Summary {
	switch r := r.(type) {
	case *vends.Recovery:
		return r.Stats().Summary()
	case *sales.Recovery:
		return sales.Summarize(r.Stats())
	}
	return sales.Summary{Kind: "summary"}
}
