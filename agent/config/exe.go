package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/exe/vends"
)

// Protocols of the bus.
const (
	MDB       = "mdb"
	Executive = "exe"
)

// EXE is what an Executive bus does not say of its machine. Prices of a
// price-holding machine are those of the hub's plan.
type EXE struct {
	Mode           string           `yaml:"mode,omitempty"`            // price_holding, price_display ("standard")
	Payment        string           `yaml:"payment,omitempty"`         // cash, cashless, by_hint; "" not decided
	CashlessSource string           `yaml:"cashless_source,omitempty"` // reader1, reader2
	Scale          uint8            `yaml:"scale,omitempty"`
	Decimals       uint8            `yaml:"decimals,omitempty"`
	OddReply       string           `yaml:"odd_reply,omitempty"` // sold, failed; "" asks
	AnyVendReplyOK bool             `yaml:"any_vend_reply_ok,omitempty"`
	AllowInferred  bool             `yaml:"allow_inferred,omitempty"`
	PriceAsColumn  bool             `yaml:"price_as_column,omitempty"` // price_display: the price in base units is the column
	Columns        map[uint8]uint16 `yaml:"columns,omitempty"`         // line → column of the plan, where they differ
	FreeLines      []uint8          `yaml:"free_lines,omitempty"`      // a plan's price of 0 alone does not make goods free
}

// Recovery is the configuration of the recovery of vends, prices left out.
func (e EXE) Recovery() (vends.Config, error) {
	mode, err := vends.ParseMode(e.Mode)
	if err != nil {
		return vends.Config{}, err
	}
	switch e.CashlessSource {
	case "", wire.SourceReader1, wire.SourceReader2:
	default:
		return vends.Config{}, fmt.Errorf("exe cashless source %q: known are %s and %s", e.CashlessSource, wire.SourceReader1, wire.SourceReader2)
	}
	if e.Scale == 0 && e.Decimals != 0 {
		return vends.Config{}, fmt.Errorf("exe decimals %d without a scale", e.Decimals)
	}
	c := vends.Config{
		Mode: mode, Payment: vends.Payment(e.Payment), CashlessSource: e.CashlessSource, Scale: e.Scale, Decimals: e.Decimals,
		Odd: vends.OddReply(e.OddReply), AnyVendReplyOK: e.AnyVendReplyOK, AllowInferred: e.AllowInferred, PriceAsColumn: e.PriceAsColumn,
	}
	c.Prices, c.Columns = e.Tables(nil)
	return c, c.Validate()
}

// Tables are the prices of the lines by the hub's plan, in kopecks, and the
// columns of lines that have another number there. A plan's 0 is a price not
// decided: taking it for free would forget sales silently.
func (e EXE) Tables(plan []wire.Column) (prices map[uint8]int64, columns map[uint8]uint16) {
	of := make(map[int]int64, len(plan))
	for _, c := range plan {
		of[c.Column] = c.Minor
	}
	prices = map[uint8]int64{}
	for line := range exe.MaxRequest + 1 {
		column := int(line)
		if c, ok := e.Columns[line]; ok {
			column = int(c)
		}
		if p := of[column]; p > 0 {
			prices[line] = p
		}
	}
	for _, line := range e.FreeLines {
		prices[line] = 0
	}
	return prices, e.Columns
}

// busOptions are the settings of the bus's protocol.
var busOptions = []Option{
	{Name: "bus-protocol", RU: "протокол шины: mdb или exe", EN: "protocol of the bus: mdb or exe", Set: text(func(c *Config) *string { return &c.Bus.Protocol })},
	{Name: "exe-mode", RU: "EXE: у кого цены: price_holding (монетник) или price_display (автомат)",
		EN: "EXE: who holds the prices: price_holding (payment device) or price_display (machine)", Set: text(func(c *Config) *string { return &c.Bus.EXE.Mode })},
	{Name: "exe-payment", RU: "EXE: чем платят: cash, cashless или by_hint", EN: "EXE: how it is paid: cash, cashless or by_hint",
		Set: text(func(c *Config) *string { return &c.Bus.EXE.Payment })},
	{Name: "exe-cashless-source", RU: "EXE: источник безналичной оплаты: reader1, reader2", EN: "EXE: source of cashless payments: reader1, reader2",
		Set: text(func(c *Config) *string { return &c.Bus.EXE.CashlessSource })},
	{Name: "exe-scale", RU: "EXE: множитель, пока блок данных не услышан", EN: "EXE: scale until a data block was heard", Set: small(func(c *Config) *uint8 { return &c.Bus.EXE.Scale })},
	{Name: "exe-decimals", RU: "EXE: знаков после запятой, пока блок данных не услышан", EN: "EXE: decimals until a data block was heard",
		Set: small(func(c *Config) *uint8 { return &c.Bus.EXE.Decimals })},
	{Name: "exe-odd-reply", RU: "EXE: что значит необычный ответ на VEND: sold или failed", EN: "EXE: what an odd answer to VEND means: sold or failed",
		Set: text(func(c *Config) *string { return &c.Bus.EXE.OddReply })},
	{Name: "exe-any-vend-reply", RU: "EXE: любой ответ на VEND — выдано (true)", EN: "EXE: any answer to VEND means delivered (true)",
		Set: yes(func(c *Config) *bool { return &c.Bus.EXE.AnyVendReplyOK })},
	{Name: "exe-inferred", RU: "EXE: цену строки, которой нет в плане, брать из показанного, класс C (true)",
		EN: "EXE: take the price of a line the plan lacks from what was shown, class C (true)", Set: yes(func(c *Config) *bool { return &c.Bus.EXE.AllowInferred })},
}

func small(field func(*Config) *uint8) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.ParseUint(v, 10, 8)
		*field(c) = uint8(n)
		return err
	}
}

func yes(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) (err error) { *field(c), err = strconv.ParseBool(v); return err }
}

// check says what of the protocol's settings makes no sense.
func (b Bus) check() []error {
	switch b.Protocol {
	case "", MDB:
		if b.EXE.set() {
			return []error{errors.New("bus.exe: settings of EXE, but bus.protocol is not exe")}
		}
	case Executive:
		if b.AssumeScale != 0 || b.AssumeDecimals != 0 || b.StartsIdle {
			return []error{errors.New("bus.assume_scale, assume_decimals and starts_idle are of MDB: bus.exe has its own")}
		}
		if len(b.Role) > 0 {
			return []error{errors.New("bus.role: on an Executive bus the module only listens")}
		}
		if _, err := b.EXE.Recovery(); err != nil {
			return []error{fmt.Errorf("bus.exe: %w", err)}
		}
	default:
		return []error{fmt.Errorf("bus.protocol %q: mdb or exe", b.Protocol)}
	}
	return nil
}

func (e EXE) set() bool {
	return e.Mode != "" || e.Payment != "" || e.CashlessSource != "" || e.Scale != 0 || e.Decimals != 0 || e.OddReply != "" ||
		e.AnyVendReplyOK || e.AllowInferred || e.PriceAsColumn || len(e.Columns) > 0 || len(e.FreeLines) > 0
}
