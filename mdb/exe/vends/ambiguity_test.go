package vends

import (
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb/sales"
)

// One test for each ambiguity of the protocol (exe 8), in its order.

func TestAmbiguity01BlockBeforeVendIsPriceOrRemainder(t *testing.T) {
	play(t, []scene{
		{"price", holding, "31/00 [60] 32/08 [10] 33/00", "sale A line 8 1000 cash"},
		{"remainder", holding, "31/00 [60] 32/08 [50] 33/00", "sale A line 8 1000 cash"},
		{"neither", holding, "31/00 [60] 32/08 [30] 33/00",
			"sale B line 8 1000 cash (price_mismatch)\nincident bus_price_differs"},
		{"credit again", holding, "31/00 [60] 32/08 [60] 33/00", "sale A line 8 1000 cash"},
	})
}

func TestAmbiguity02KindOfPayment(t *testing.T) {
	card := with(holding, func(c *Config) { c.Payment = PaymentCashless })
	second := with(card, func(c *Config) { c.CashlessSource = "reader2" })
	hint := with(holding, func(c *Config) { c.Payment = PaymentByHint })
	unset := with(holding, func(c *Config) { c.Payment = PaymentUnset })
	const byCard, byCash, unclear = "31/00 [0] 32/08 [10] 33/00", "31/00 [10] 32/08 [10] 33/00", "31/00 32/08 33/00"
	play(t, []scene{
		{"set to cash", holding, byCash, "sale A line 8 1000 cash"},
		{"set to cash, nothing shown", holding, unclear, "sale A line 8 1000 cash"},
		{"set to cash, hint of a card", holding, byCard, "sale A line 8 1000 cash\nincident payment_contradicts"},
		{"set to card", card, byCard, "sale A line 8 1000 reader1"},
		{"set to card, hint of cash", card, byCash, "sale A line 8 1000 reader1\nincident payment_contradicts"},
		{"second reader", second, byCard, "sale A line 8 1000 reader2"},
		{"by hint, card", hint, byCard, "sale A line 8 1000 reader1"},
		{"by hint, cash", hint, byCash, "sale A line 8 1000 cash"},
		{"by hint, nothing shown: no source is guessed", hint, unclear, "sale A line 8 1000"},
		{"by hint, credit too small and not zero", hint, "31/00 [5] 32/08 33/00", "sale A line 8 1000"},
		{"by hint, a block was damaged", hint, "31/00 [0] 38/00 21/00! 32/08 33/00", "sale A line 8 1000"},
		{"not set", unset, byCash, "sale A line 8 1000"},
	})
}

func TestAmbiguity03UnknownOutcome(t *testing.T) {
	play(t, []scene{
		{"price deducted", holding, "31/00 [50] 32/08 33/ @60000 31/00 [40]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence price_deducted)"},
		{"credit restored", holding, "31/00 [50] 32/08 33/ @60000 31/00 [50]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence credit_restored)"},
		{"nothing left: proves nothing", holding, "31/00 [50] 32/08 33/ @60000 31/00 [0]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)"},
		{"exact money and nothing left: proves nothing either", holding, "31/00 [10] 32/08 33/ @60000 31/00 [0]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)"},
		{"a new selection ends the search", holding, "31/00 [50] 32/08 33/ @60000 31/00 32/07 32/FE [40]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)"},
		{"another vend ends the search", holding, "31/00 [50] 32/08 33/ @60000 31/00 33/00",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)\nsale C line ? ? cash (no_selection)"},
		{"evidence after it was told", holding, "31/00 [50] 32/08 33/ @60000 31/00 @2900 31/00 @2900 31/00 @2900 31/00 @2900 31/00 [40]",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)\nincident vend_evidence_late"},
		{"no answer for ever", holding, "31/00 [50] 32/08 33/ @300000",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)"},
		{"damaged answer", holding, "31/00 [50] 32/08 33/00! 31/00 [40]",
			"incident vend_outcome_unknown line 8 1000 cash (parity, evidence price_deducted)"},
		{"damaged failure", holding, "31/00 [50] 32/08 33/80! 31/00 [50]",
			"incident vend_outcome_unknown line 8 1000 cash (parity, evidence credit_restored)"},
		{"words lost while vending", holding, "31/00 [50] 32/08 33/ ?31/00 [40]",
			"incident vend_outcome_unknown line 8 1000 cash (words_lost, evidence price_deducted)"},
		{"line without a price", holding, "31/00 [50] 32/21 33/ 31/00 [50]",
			"incident vend_outcome_unknown line 33 ? cash"},
	})
}

func TestAmbiguity04LineWithoutPrice(t *testing.T) {
	allowed := with(holding, func(c *Config) { c.AllowInferred = true })
	play(t, []scene{
		{"held at once, told later", holding, "31/00 [50] 32/21 [15] 33/00 [35]",
			"sale C line 33 ? cash (line_not_in_table)\nincident line_without_price\nincident price_inferred"},
		{"nothing to infer", holding, "31/00 [50] 32/21 33/00 [0]",
			"sale C line 33 ? cash (line_not_in_table)\nincident line_without_price"},
		{"allowed: price shown", allowed, "31/00 [50] 32/21 [15] 33/00 [35]",
			"sale C line 33 1500 cash (line_not_in_table, price inferred)\nincident line_without_price"},
		{"allowed: remainder shown", allowed, "31/00 [50] 32/21 [35] 33/00 [35]",
			"sale C line 33 1500 cash (line_not_in_table, price inferred)\nincident line_without_price"},
		{"allowed: zero after it proves nothing", allowed, "31/00 [50] 32/21 [15] 33/00 [0]",
			"sale C line 33 ? cash (line_not_in_table)\nincident line_without_price"},
		{"allowed: a price of nothing is none", allowed, "31/00 [50] 32/21 [0] 33/00 [50]",
			"sale C line 33 ? cash (line_not_in_table)\nincident line_without_price"},
		{"allowed: no block in time", allowed, "31/00 [50] 32/21 [15] 33/00 31/00 @2900 31/00 @2900 31/00 @2900 31/00 @2900 31/00",
			"sale C line 33 ? cash (line_not_in_table)\nincident line_without_price"},
	})
}

func TestAmbiguity05PriceMismatch(t *testing.T) {
	play(t, []scene{
		{"contract price and an alarm", holding, "31/00 [50] 32/07 [12] 33/00 [38]",
			"sale B line 7 5000 cash (price_mismatch)\nincident bus_price_differs"},
		{"credit unknown: nothing to compare", holding, "31/00 32/07 [12] 33/00", "sale A line 7 5000 cash"},
	})
}

func TestAmbiguity06NoReceiptBeforeTheAnswer(t *testing.T) {
	d := script("31/00 [50] 32/08 [40] 33/5000:80")
	r := New(holding)
	for i, w := range d.ws {
		for _, e := range r.Word(w) {
			if e.Kind == sales.KindSale {
				t.Fatalf("word %d: %s of a vend that fails", i, brief([]sales.Event{e}))
			}
		}
	}
	play(t, []scene{{"failed", holding, "31/00 [50] 32/08 [40] 33/5000:80", ""},
		{"failed, any bit beside bit 7", holding, "31/00 [50] 32/08 [40] 33/FE", ""},
		{"failed without a selection", holding, "31/00 33/80", ""}})
}

func TestAmbiguity07EarlyAnswer(t *testing.T) {
	play(t, []scene{{"busy after the answer is no failure", holding, "31/00 [50] 32/08 33/00 31/40 31/40 31/40 31/00", "sale A line 8 1000 cash"}})
}

func TestAmbiguity08OddAnswer(t *testing.T) {
	const say = "31/00 [50] 32/08 33/01 32/08 33/7F"
	sold := with(holding, func(c *Config) { c.Odd = OddSold })
	failed := with(holding, func(c *Config) { c.Odd = OddFailed })
	anything := with(holding, func(c *Config) { c.AnyVendReplyOK = true })
	play(t, []scene{
		{"not chosen yet: told once", holding, say,
			"sale C line 8 1000 cash (odd_vend_reply)\nincident odd_vend_reply\nsale C line 8 1000 cash (odd_vend_reply)"},
		{"chosen: sold", sold, say, "sale B line 8 1000 cash (odd_vend_reply)\nsale B line 8 1000 cash (odd_vend_reply)"},
		{"chosen: failed", failed, say, ""},
		{"meaningless answers", anything, "31/00 [50] 32/08 33/80", "sale B line 8 1000 cash (odd_vend_reply)"},
		{"meaningless answers, 00h", anything, "31/00 [50] 32/08 33/00", "sale B line 8 1000 cash"},
		{"meaningless answers, FFh", anything, "31/00 [50] 32/08 33/FF", "sale B line 8 1000 cash (odd_vend_reply)"},
		{"meaningless answers, damaged", anything, "31/00 [50] 32/08 33/80!", "sale C line 8 1000 cash (odd_vend_reply, parity)"},
		{"meaningless answers, none at all", anything, "31/00 [50] 32/08 33/ 31/00",
			"incident vend_outcome_unknown line 8 1000 cash (no_reply, evidence none)"},
	})
}

func TestAmbiguity09StandardModeKnowsNoProduct(t *testing.T) {
	standard := Config{Mode: Standard, Payment: PaymentCash}
	byPrice := with(standard, func(c *Config) { c.PriceAsColumn = true })
	mapped := with(byPrice, func(c *Config) { c.Columns = map[uint8]uint16{45: 12} })
	play(t, []scene{
		{"no column", standard, "31/00 [50] 32/2D [5] 33/00", "sale A line ? 4500 cash"},
		{"column by price", byPrice, "31/00 [50] 32/2D [5] 33/00", "sale A line 45 4500 cash"},
		{"column by a table of prices", mapped, "31/00 [50] 32/2D [5] 33/00", "sale A line 12 4500 cash"},
		{"scale of the bus", standard, "31/00 [20,5,0] 32/09 33/00", "sale A line ? 4500 cash"},
		{"scale assumed", with(standard, func(c *Config) { c.Scale = 5 }), "31/00 32/09 33/00", "sale B line ? 4500 cash"},
		{"a block that may have changed the scale was damaged", standard, "31/00 [50] 38/00 21/00! 32/09 33/00", "sale C line ? 900 cash"},
		{"price of nothing", standard, "31/00 [50] 32/00 33/00", "free A line ? 0 (zero_price)"},
		{"no whole kopeck", standard, "31/00 [10,1,3] 32/09 33/00", "sale C line ? ? cash"},
	})
}

// The mode is a setting that nothing on the bus confirms (exe 2).
func TestModeIsCheckedByPlausibility(t *testing.T) {
	standard := Config{Mode: Standard, Payment: PaymentCash}
	both := with(holding, func(c *Config) { c.Prices = map[uint8]int64{45: 9000} })
	play(t, []scene{
		{"set to standard, but a line was said", standard, "31/00 [50] 32/08 [10] 33/00", "sale C line ? 800 cash\nincident mode_implausible"},
		{"set to standard, the credit does not pay", standard, "31/00 [5] 32/2D 33/00", "sale C line ? 4500 cash\nincident mode_implausible"},
		{"set to standard, by card", standard, "31/00 [0] 32/2D [45] 33/00", "sale A line ? 4500 cash\nincident payment_contradicts"},
		{"set to price holding, but a price was said", both, "31/00 [100] 32/2D [55] 33/00",
			"sale C line 45 9000 cash (price_mismatch)\nincident bus_price_differs\nincident mode_implausible"},
	})
}

func TestAmbiguity10RepeatedVend(t *testing.T) {
	play(t, []scene{
		{"within 2 s", holding, "31/00 [50] 32/08 33/00 33/00", "sale A line 8 1000 cash"},
		{"thrice within 2 s", holding, "31/00 [50] 32/08 33/00 33/00 33/00", "sale A line 8 1000 cash"},
		{"later: counted and held", holding, "31/00 [50] 32/08 33/00 @2000 33/00", "sale A line 8 1000 cash\nsale C line ? ? cash (no_selection)"},
		{"with a selection: a second sale", holding, "31/00 [50] 32/08 33/00 32/08 33/00", "sale A line 8 1000 cash\nsale A line 8 1000 cash"},
		{"not understood, then done", holding, "31/00 [50] 32/08 33/FF 33/FF 33/00", "sale A line 8 1000 cash"},
		{"not answered, then done", holding, "31/00 [50] 32/08 33/ @3000 33/00", "sale A line 8 1000 cash"},
		{"not understood and given up", holding, "31/00 [50] 32/08 33/FF 31/00 [50]", ""},
		{"not understood, the repetition damaged", holding, "31/00 [50] 32/08 33/FF 33!/00 31/00",
			"incident vend_outcome_unknown line 8 1000 cash (pnak, parity, evidence none)"},
		{"not understood, the repetition not heard", holding, "31/00 [50] 32/08 33/FF /00 31/00",
			"incident vend_outcome_unknown line 8 1000 cash (pnak, words_lost, evidence none)"},
		{"failed, then repeated at once", holding, "31/00 [50] 32/08 33/80 33/80", ""},
	})
}

func TestAmbiguity11DamagedVendByte(t *testing.T) {
	play(t, []scene{
		{"one bit off and answered", holding, "31/00 [50] 32/08 23!/00 31/40 31/00 32/FE",
			"incident vend_maybe_missed line 8 1000 (line 8: a damaged byte may have been its VEND)"},
		{"parity bit off", holding, "31/00 [50] 32/08 33!/00 31/40 31/00 32/FE",
			"incident vend_maybe_missed line 8 1000 (line 8: a damaged byte may have been its VEND)"},
		{"two bits off: another command", holding, "31/00 [50] 32/08 30!/00 32/FE", ""},
		{"not understood by the machine either", holding, "31/00 [50] 32/08 33!/FF 33/00", "sale C line 8 1000 cash"},
		{"VEND came after all", holding, "31/00 [50] 32/08 33!/00 33/00", "sale C line 8 1000 cash"},
		{"no selection", holding, "31/00 [50] 33!/00 31/00 32/FE", ""},
	})
	r := New(holding)
	script("31/00 [50] 32/08 33!/00 31/00").feed(r)
	if s := r.Stats(); s.Suspects != 1 || s.Parity != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestAmbiguity12DiscountsAreNotOnTheBus(t *testing.T) {
	cheap := with(holding, func(c *Config) { c.Prices = map[uint8]int64{8: 900} })
	play(t, []scene{
		{"one price a line", holding, "31/00 [10] 32/08 [9] 33/00 [1]", "sale B line 8 1000 cash (price_mismatch)\nincident bus_price_differs"},
		{"the table says which", cheap, "31/00 [10] 32/08 [9] 33/00 [1]", "sale A line 8 900 cash"},
	})
	r := New(holding)
	r.SetPrices(map[uint8]int64{8: 1200}, map[uint8]uint16{8: 80})
	if got := strings.TrimSpace(brief(script("31/00 [20] 32/08 33/00").feed(r))); got != "sale A line 80 1200 cash" {
		t.Errorf("after new prices: %s", got)
	}
}

func TestAmbiguity13CreditAbovePriceIsNoPartOfTheSum(t *testing.T) {
	for _, e := range script("31/00 [500] 32/08 [490] 33/00 [490] 31/00 [0]").run(holding) {
		if e.Kind == sales.KindSale && (e.Amount.Raw != 1000 || e.Tendered.Known || e.Change.Known) {
			t.Errorf("%+v", e)
		}
	}
}

func TestAmbiguity14TimeIsThatOfTheAnswer(t *testing.T) {
	d := script("31/00 [50] 32/08 33/170000:00")
	for _, e := range d.run(holding) {
		if e.Kind == sales.KindSale && e.T != d.t {
			t.Errorf("sale at %d, VEND answered at %d", e.T, d.t)
		}
	}
	// Also of one that waits for an inferred price.
	allowed := with(holding, func(c *Config) { c.AllowInferred, c.Wait = true, time.Minute })
	for _, e := range script("31/00 [50] 32/21 [15] 33/00 @2000 [35]").run(allowed) {
		if at := script("31/00 [50] 32/21 [15] 33/00").t; e.Kind == sales.KindSale && e.T != at {
			t.Errorf("sale at %d, VEND answered at %d", e.T, at)
		}
	}
}
