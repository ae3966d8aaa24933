package vends

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// The rules of exe 7.3 to 7.5 as events; the vectors of the traces hold the
// rest, with states and anomalies.
func TestRules(t *testing.T) {
	play(t, []scene{
		{"line changed before VEND", holding, "31/00 [50] 32/01 32/07 33/00", "sale A line 7 5000 cash"},
		{"line changed by an answer that was damaged", holding, "31/00 [50] 32/01 32/07! 33/00", "sale C line 1 2500 cash"},
		{"line changed by an answer nobody heard", holding, "31/00 [50] 32/01 32/ 33/00", "sale C line 1 2500 cash"},
		{"the line said once more clears the doubt", holding, "31/00 [50] 32/01 32/07! 32/07 33/00", "sale A line 7 5000 cash"},
		{"line changed by an answer that was damaged, then withdrawn", holding, "31/00 [50] 32/01 32/07! 32/FE 33/00", "sale C line 1 2500 cash (stale_selection)"},
		{"withdrawn, then VEND", holding, "31/00 [50] 32/08 32/FE 33/00", "sale B line 8 1000 cash (stale_selection)"},
		{"withdrawn, then the same line", holding, "31/00 [50] 32/08 32/FE 32/08 33/00", "sale A line 8 1000 cash"},
		{"free line", holding, "31/00 [0] 32/09 33/00", "free A line 9 0 (zero_price)"},
		{"free line, failed", holding, "31/00 [0] 32/09 33/80", ""},
		{"machine vends free", holding, "31/80 32/08 33/00", "free A line 8 0 (free_vend_status)"},
		{"machine vends free no longer", holding, "31/80 31/00 32/08 33/00", "sale A line 8 1000 cash"},
		{"inhibited wins over free", holding, "31/80 31/C0 32/08 33/00", "sale A line 8 1000 cash"},
		{"free by a state that may be old", holding, "31/80 31/00! 32/08 33/00", "incident vend_outcome_unknown line 8 1000 (free_vend_status)"},
		{"paid by a state that may be old", holding, "31/00 31/80! 32/08 33/00", "sale C line 8 1000 cash"},
		{"free by a line that may be old", holding, "31/00 32/09 32/08! 33/00", "incident vend_outcome_unknown line 9 0 (zero_price)"},
		{"no STATUS was heard", holding, "32/08 33/00", "sale B line 8 1000 cash"},
		{"VEND to another device", holding, "31/00 32/08 53/00 73/00", ""},
		{"VEND inside a block", holding, "31/00 [50] 32/08 38/00 21/00 33/00", "sale A line 8 1000 cash"},
		{"answer above the highest line", holding, "31/00 32/FB 33/00", "sale C line ? ? cash (no_selection)"},
		{"silence ends a selection", holding, "31/00 [50] 32/08 @201000 33/00", "sale C line ? ? cash (no_selection)"},
		{"a card takes its time", holding, "31/00 [0] 32/08 [10] @199000 33/00", "sale A line 8 1000 cash\nincident payment_contradicts"},
		{"words were lost before VEND", holding, "31/00 [50] 32/08 ?31/00 33/00", "sale C line 8 1000 cash"},
		{"a source that hears no parity", Config{Prices: table}.ForSource(module.Fidelity{Times: true, BothLines: true}),
			"31/00! [50] 32/08! 33/00!", "sale B line 8 1000"},
		{"mapped column", with(holding, func(c *Config) { c.Columns = map[uint8]uint16{8: 4001} }), "31/00 32/08 33/00", "sale A line 4001 1000 cash"},
		{"service commands change nothing", holding, "31/00 [50] 32/08 34/12 35/01 36/7F 37/AA 3F/00 33/00", "sale A line 8 1000 cash"},
		{"a command nobody knows", holding, "31/00 [50] 32/08 3D/12 33/00", "sale A line 8 1000 cash"},
	})
}

// A restart with a VEND open whose words could not be had again.
func TestRestartWithOpenVend(t *testing.T) {
	r := New(holding)
	for _, w := range script("31/00 [50] 32/08 33/").ws {
		r.Word(w)
	}
	again := New(holding)
	if err := again.Restore(r.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	var es []sales.Event
	es = append(es, again.Lost("module restarted")...)
	es = append(es, script("31/00 [40] 31/00").feed(again)...)
	want := "incident vend_outcome_unknown line 8 1000 cash (restart, evidence price_deducted)"
	if got := strings.TrimSpace(brief(es)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	es = append([]sales.Event(nil), r.Undecided()...)
	if got := strings.TrimSpace(brief(es)); got != strings.Replace(want, "price_deducted", "none", 1) {
		t.Errorf("at the end: %s", got)
	}
}

// After words were lost nothing of before them makes a receipt.
func TestLostForgetsSelection(t *testing.T) {
	r := New(holding)
	for _, w := range script("31/00 [50] 32/08").ws {
		r.Word(w)
	}
	r.Lost("ring overrun")
	if got := strings.TrimSpace(brief(script("33/00").feed(r))); got != "sale C line ? ? cash (no_selection)" {
		t.Error(got)
	}
}

func TestActivity(t *testing.T) {
	var got []string
	for _, e := range script("31/00 [50] 32/08 33/00 32/07 33/80").run(holding) {
		switch e.Kind {
		case sales.KindActivity:
			got = append(got, e.Code)
		default:
			got = append(got, string(e.Kind))
		}
	}
	if s := strings.Join(got, " "); s != "vend_started sale vend_ended vend_started vend_ended" {
		t.Error(s)
	}
}

func TestEventHoldsTheDecidingBytes(t *testing.T) {
	for _, e := range script("31/00 [50] 32/08 33/00").run(holding) {
		if e.Kind == sales.KindSale && (!bytes.Equal(e.Blocks, []byte{0x32, 8, 0x33, 0}) || e.Source != "exe_vend") {
			t.Errorf("% X, source %s", e.Blocks, e.Source)
		}
	}
}

func TestWordsOfAnotherBusAreNotOurs(t *testing.T) {
	r := New(holding)
	for v := range uint16(0x200) {
		for _, line := range []mdb.Line{mdb.Master, mdb.Slave} {
			if es := r.Word(mdb.Word{T: int64(v) * 2000, V: v, Line: line}); len(es) > 0 {
				t.Fatal(brief(es))
			}
		}
	}
	if s := r.Stats(); s.Foreign != 0x400 || s.Pairs != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRestoreRefuses(t *testing.T) {
	r := New(holding)
	cp := r.Checkpoint()
	other := append([]byte{1}, cp[1:]...)
	if err := r.Restore(other); !errors.Is(err, ErrVersion) {
		t.Errorf("another bus's checkpoint: %v", err)
	}
	for i := range cp {
		if err := r.Restore(cp[:i]); err == nil {
			t.Errorf("a checkpoint cut at %d was taken", i)
		}
	}
	if err := r.Restore(append(cp, 0)); err == nil {
		t.Error("bytes behind a checkpoint were taken")
	}
}

// A tap whose two inputs were swapped says so once, and sells nothing.
func TestCrossedLines(t *testing.T) {
	d := script(strings.Repeat("31/00 32/FE 31/40 ", 60) + "31/00 32/08 33/00")
	for i := range d.ws {
		d.ws[i].Line ^= mdb.EXEMaster ^ mdb.EXESlave
	}
	if got := brief(d.run(holding)); got != "incident exe_lines_crossed\n" {
		t.Error(got)
	}
}

func TestConfigValidate(t *testing.T) {
	for _, c := range []Config{{}, holding, {Mode: Standard, Payment: PaymentByHint, Odd: OddFailed, Decimals: 3}} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []Config{{Mode: "x"}, {Payment: "x"}, {Odd: "x"}, {Decimals: 4}, {Prices: map[uint8]int64{251: 1}}, {Prices: map[uint8]int64{1: -1}}} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v passed", c)
		}
	}
}

// Both recoveries serve whoever listens.
var _ interface {
	Word(mdb.Word) []sales.Event
	Advance(t int64) []sales.Event
	Lost(note string) []sales.Event
	Checkpoint() []byte
	Restore([]byte) error
	Undecided() []sales.Event
} = (*Recovery)(nil)
