package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/exe/vends"
)

const goodEXE = "operator: a\nagent: b\nsecret: s\nhub: {url: mqtt://h:1}\nbus:\n  url: x\n  protocol: exe\n"

func TestEXESettingsAreTaken(t *testing.T) {
	body := goodEXE + "  exe: {mode: standard, payment: by_hint, cashless_source: reader2, scale: 5, decimals: 2, odd_reply: failed, any_vend_reply_ok: true, " +
		"allow_inferred: true, price_as_column: true, columns: {8: 12}, free_lines: [5]}\n"
	c, err := Load(write(t, "agent.yaml", body), none, map[string]string{"exe-payment": "cash", "exe-decimals": "1", "exe-any-vend-reply": "false"})
	if err != nil || c.Check() != nil {
		t.Fatal(err, c.Check())
	}
	got, err := c.Bus.EXE.Recovery()
	if err != nil {
		t.Fatal(err)
	}
	if got.Mode != vends.Standard || got.Payment != vends.PaymentCash || got.CashlessSource != "reader2" || got.Scale != 5 || got.Decimals != 1 ||
		got.Odd != vends.OddFailed || got.AnyVendReplyOK || !got.AllowInferred || !got.PriceAsColumn || got.Columns[8] != 12 || len(got.Prices) != 1 {
		t.Errorf("%+v", got)
	}
}

// Prices come from the plan by line or by the column a line is mapped to; no
// line is free because nobody told its price.
func TestPricesComeFromThePlan(t *testing.T) {
	e := EXE{Columns: map[uint8]uint16{8: 300, 9: 7}, FreeLines: []uint8{5}}
	prices, columns := e.Tables([]wire.Column{
		{Column: -1, Minor: 100}, {Column: 1, Minor: 4500}, {Column: 2}, {Column: 5, Minor: 700}, {Column: 8, Minor: 9}, {Column: 300, Minor: 6000},
		{Column: 250, Minor: 25000}, {Column: 251, Minor: 1}, {Column: 7, Minor: 1},
	})
	want := map[uint8]int64{1: 4500, 5: 0, 8: 6000, 9: 1, 7: 1, 250: 25000}
	if !maps.Equal(prices, want) || columns[8] != 300 {
		t.Errorf("%v %v, want %v", prices, columns, want)
	}
}

func TestWrongEXESettingsAreNamed(t *testing.T) {
	for body, want := range map[string]string{
		strings.Replace(goodEXE, "protocol: exe", "protocol: ccv", 1):                    "bus.protocol",
		strings.Replace(goodEXE, "protocol: exe", "exe: {payment: cash}", 1):             "bus.protocol is not exe",
		goodEXE + "  assume_scale: 1\n":                                                  "of MDB",
		goodEXE + "  role: [reader2]\n":                                                  "only listens",
		goodEXE + "  exe: {mode: both}\n":                                                "mode",
		goodEXE + "  exe: {payment: gold}\n":                                             "payment",
		goodEXE + "  exe: {odd_reply: x}\n":                                              "odd reply",
		goodEXE + "  exe: {cashless_source: app}\n":                                      "cashless source",
		goodEXE + "  exe: {decimals: 2}\n":                                               "without a scale",
		goodEXE + "  exe: {scale: 1, decimals: 4}\n":                                     "decimals",
		goodEXE + "  exe: {free_lines: [251]}\n":                                         "line 251",
		goodEXE + "  exe: {columns: {300: 1}}\n":                                         "300",
		strings.Replace(goodEXE, "protocol: exe", "protocol: mdb\n  exe: {scale: 1}", 1): "bus.protocol is not exe",
	} {
		c, err := Load(write(t, "agent.yaml", body), none, nil)
		if err == nil {
			bad := c.Check()
			if len(bad) != 1 {
				t.Errorf("%s: found %v", body, bad)
				continue
			}
			err = bad[0]
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: says %q", body, err)
		}
	}
	if _, err := Load("", none, map[string]string{"exe-scale": "256"}); err == nil {
		t.Error("a scale of 256 was taken")
	}
}
