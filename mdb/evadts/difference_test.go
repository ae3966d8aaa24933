package evadts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// audit makes a sealed report of data lines and reads it.
func audit(t testing.TB, lines ...string) Audit {
	t.Helper()
	text := "DXS*FSC0000001*VA*V0/6*1\r\nST*001*0001\r\n"
	if !strings.HasPrefix(lines[0], "ID1") {
		text += "ID1*FSC0000042\r\nID4*2*1643*RUB\r\n"
	}
	return Read(parseOne(t, text+strings.Join(lines, "\r\n")+"\r\n").Sealed())
}

func codes(d Difference) string {
	var s []string
	for _, c := range d.Flags {
		s = append(s, string(c))
	}
	return strings.Join(s, " ")
}

func show(d Delta) string {
	b, _ := json.Marshal(d)
	return string(b)
}

func TestWorkedPair(t *testing.T) {
	known(t, "jofemar-g250-20160113-1430.eva")
	known(t, "jofemar-g250-20160113-1545.eva")
	d := Diff(readOne(t, "jofemar-g250-20160113-1430.eva"), readOne(t, "jofemar-g250-20160113-1545.eva"), Conditions{KnownReads: 1})
	if d.Outcome != Counted || codes(d) != "interval_counters_reset_between_reads reads_by_others sentinel_4294967295" {
		t.Errorf("%s: %s", d.Outcome, codes(d))
	}
	if len(d.ByProduct) != 1 || d.ByProduct[0].PriceNew.N != 250 || d.CashIn.N-d.CashOutChange.N != d.Total.Value.N {
		t.Errorf("%+v", d)
	}
}

// TestEachAnomalyHasItsCode has a row for each way a pair goes wrong (evadts 6).
func TestEachAnomalyHasItsCode(t *testing.T) {
	base := []string{"VA1*1000*10*0*0", "CA2*1000*10*0*0", "EA3*****" + "****5*1"}
	with := func(lines ...string) []string { return lines }
	for _, c := range []struct {
		name     string
		old, new []string
		cond     Conditions
		outcome  Outcome
		total    string
		flags    string
	}{
		{"nothing sold", base, base, Conditions{}, Counted, `{"count":0,"value":0}`, "same_report"},
		{"two sold", base, with("VA1*1500*12*0*0", "CA2*1500*12*0*0", "EA3*********6*1"), Conditions{}, Counted, `{"count":2,"value":500}`, ""},
		{"counts wrap at 16 bits", with("VA1*1000*65435", "CA2*1000*65435"), with("VA1*5000*31", "CA2*5000*31"), Conditions{},
			Counted, `{"count":132,"value":4000}`, "counter_wrapped"},
		{"value wraps at 10⁸", with("VA1*99999900*10"), with("VA1*400*12"), Conditions{}, Counted, `{"count":2,"value":500}`, "counter_wrapped"},
		{"value wraps at 10⁶", with("VA1*999900*10"), with("VA1*400*12"), Conditions{}, Counted, `{"count":2,"value":500}`, "counter_wrapped"},
		{"value wraps at 2³²", with("VA1*4294967200*10"), with("VA1*404*12"), Conditions{}, Counted, `{"count":2,"value":500}`, "counter_wrapped"},
		{"wrap at 8 bits that the interval counter proves", with("VA1*1000*250*0*3"), with("VA1*2000*4*0*13"), Conditions{},
			Counted, `{"count":10,"value":1000}`, "counter_wrapped"},
		{"wrap at 8 bits without a witness", with("VA1*1000*250"), with("VA1*2000*4"), Conditions{}, Counted, `{"count":null,"value":1000}`, "counter_fell"},
		{"fell for no reason", with("VA1*1000*40000"), with("VA1*2000*30000"), Conditions{}, Counted, `{"count":null,"value":1000}`, "counter_fell"},
		{"another machine", with("ID1*A1", "VA1*1000*10"), with("ID1*B2", "VA1*2000*20"), Conditions{}, NoResult, `{"count":null,"value":null}`, "machine_changed"},
		{"another machine by asset number", with("ID1*0*****A1", "VA1*1*1"), with("ID1******A2", "VA1*2*2"), Conditions{}, NoResult, `{"count":null,"value":null}`, "machine_changed"},
		{"nobody knows which machine", with("ID1*0", "VA1*1*1"), with("ID1*0", "VA1*2*2"), Conditions{}, ForViewing, `{"count":1,"value":1}`, "identity_unknown"},
		{"the port knows which machine", with("ID1*0", "VA1*1*1"), with("ID1*0", "VA1*2*2"), Conditions{PortIsIdentity: true}, Counted, `{"count":1,"value":1}`, ""},
		{"a witness knows which machine", with("ID1*0", "CA1*X1", "VA1*1*1"), with("ID1*0", "CA1*X1", "VA1*2*2"), Conditions{}, Counted, `{"count":1,"value":1}`, ""},
		{"scale changed", with("ID1*A", "ID4*1*1643", "VA1*1*1"), with("ID1*A", "ID4*2*1643", "VA1*10*2"), Conditions{}, NoResult, `{"count":null,"value":null}`, "scale_changed"},
		{"currency changed", with("ID1*A", "ID4*2*1978", "VA1*1*1"), with("ID1*A", "ID4*2*1643", "VA1*10*2"), Conditions{}, NoResult, `{"count":null,"value":null}`, "scale_changed"},
		{"controller replaced", with("CB1*C1", "VA1*1000*10"), with("CB1*C2", "VA1*300*2"), Conditions{}, NewChain, `{"count":2,"value":300}`, "controller_changed"},
		{"controller replaced by a used one", with("CB1*C1", "VA1*1000*10"), with("CB1*C2", "VA1*3000*20"), Conditions{}, NoResult, `{"count":null,"value":null}`, "controller_changed"},
		{"cleared: reads began anew", with("VA1*1000*10", "EA3*********9*9"), with("VA1*300*2", "EA3*********1*0"), Conditions{}, NewChain, `{"count":2,"value":300}`, "counters_restarted reads_went_back"},
		{"all fell, no reason", with("VA1*1000*10"), with("VA1*300*2"), Conditions{}, NoResult, `{"count":null,"value":null}`, "all_counters_fell"},
		{"files in the wrong order", with("VA1*1000*10", "EA3**20250102*1200******9*9"), with("VA1*300*2", "EA3**20250101*1200******8*8"), Conditions{},
			NoResult, `{"count":null,"value":null}`, "all_counters_fell reads_went_back"},
		{"changer replaced", with("CA1*X1", "VA1*1000*10"), with("CA1*X2", "VA1*1500*12"), Conditions{}, Counted, `{"count":2,"value":500}`, "changer_changed"},
		{"interval counters cleared, resets counted", with("VA1*1000*10*9*9", "EA3*********1*0"), with("VA1*1500*12*0*0", "EA3*********2*1"), Conditions{},
			Counted, `{"count":2,"value":500}`, "interval_counters_reset_between_reads"},
		{"interval counters cleared, resets not counted", with("VA1*1000*10*900*9"), with("VA1*1500*12*0*0"), Conditions{}, Counted, `{"count":2,"value":500}`, "interval_counters_reset_between_reads"},
		{"somebody else read", with("VA1*1*1", "EA3*********1*0"), with("VA1*1*1", "EA3*********5*0"), Conditions{KnownReads: 1}, Counted, `{"count":0,"value":0}`, "reads_by_others"},
		{"kinds do not add up", with("VA1*1*1", "CA2*1*1"), with("VA1*5*3", "CA2*3*2"), Conditions{}, Counted, `{"count":2,"value":4}`, "kinds_differ_from_paid"},
		{"money without a vend", with("VA1*1*1"), with("VA1*5*1"), Conditions{}, Counted, `{"count":0,"value":4}`, "money_without_vends"},
		{"a total appears", with("VA1*1*1"), with("VA1*1*1", "DA2*5*5"), Conditions{}, Counted, `{"count":0,"value":0}`, "total_appeared"},
		{"a total vanishes", with("VA1*1*1", "DA2*5*5"), with("VA1*1*1"), Conditions{}, Counted, `{"count":0,"value":0}`, "total_vanished"},
		{"a product appears", with("VA1*1*1", "PA1*1*1", "PA2*1*1"), with("VA1*2*2", "PA1*1*1", "PA2*1*1", "PA1*2*1", "PA2*1*1"), Conditions{}, Counted, `{"count":1,"value":1}`, "product_appeared"},
		{"a product vanishes", with("VA1*1*1", "PA1*1*1", "PA2*1*1"), with("VA1*2*2"), Conditions{}, Counted, `{"count":1,"value":1}`, "product_vanished"},
		{"products count more", with("VA1*1*1", "PA1*1*1", "PA2*1*1"), with("VA1*2*2", "PA1*1*1", "PA2*3*3"), Conditions{}, Counted, `{"count":1,"value":1}`, "products_exceed_paid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Diff(audit(t, c.old...), audit(t, c.new...), c.cond)
			if d.Outcome != c.outcome || show(d.Total) != c.total || codes(d) != c.flags {
				t.Errorf("%s %s [%s]\nwant %s %s [%s]", d.Outcome, show(d.Total), codes(d), c.outcome, c.total, c.flags)
			}
			for _, f := range d.Findings {
				if f.Code.Describe("ru") == string(f.Code) || f.Code.Describe("en") == string(f.Code) {
					t.Errorf("%s has no text", f.Code)
				}
			}
		})
	}
}

func TestUnprovenReportsAreForViewing(t *testing.T) {
	whole := audit(t, "VA1*1*1")
	damaged, unsealed := whole, whole
	damaged.Seal.Status, unsealed.Seal.Status = SealMismatch, SealAbsent
	for _, c := range []struct {
		old, new Audit
		proved   bool
		want     Outcome
		flags    string
	}{
		{damaged, whole, true, ForViewing, "old_not_whole"},
		{whole, damaged, true, ForViewing, "new_not_whole"},
		{unsealed, whole, false, ForViewing, "old_not_whole"},
		{unsealed, whole, true, Counted, ""},
	} {
		d := Diff(c.old, c.new, Conditions{TransportProved: c.proved})
		if d.Outcome != c.want || codes(d) != c.flags || d.Total.Count.N != 0 {
			t.Errorf("%s [%s], want %s [%s]", d.Outcome, codes(d), c.want, c.flags)
		}
	}
}

// TestMixedPaymentCountsOnce: a vend paid in two ways is in PA7 twice (evadts 6.2).
func TestMixedPaymentCountsOnce(t *testing.T) {
	o := audit(t, "VA1*0*0", "CA2*0*0", "DA2*0*0", "PA1*1*500", "PA7*1*CA*0*500*1*500", "PA7*1*DA*1*500*0*0", "PA8*0*0*0*0")
	n := audit(t, "VA1*500*1", "CA2*200*1", "DA2*300*1", "PA1*1*500", "PA7*1*CA*0*500*2*700", "PA7*1*DA*1*500*1*300", "PA8*1*200*0*0")
	d := Diff(o, n, Conditions{})
	if show(d.Unattributed) != `{"count":0,"value":0}` || codes(d) != "" || d.Mixed.Count.N != 1 {
		t.Errorf("%s [%s] %+v", show(d.Unattributed), codes(d), d.Mixed)
	}
}

// TestSentinelIsNotMoney: a row whose value is not available counts its vends,
// and nobody pretends to know the money (evadts 6.5).
func TestSentinelIsNotMoney(t *testing.T) {
	o := audit(t, "VA1*0*0", "PA1*1*500", "PA7*1*CA*0*500*1*4294967295", "PA7*1*TA*0*500*0*4294967295")
	n := audit(t, "VA1*500*1", "PA1*1*500", "PA7*1*CA*0*500*2*4294967295", "PA7*1*TA*0*500*0*4294967295")
	d := Diff(o, n, Conditions{})
	if len(d.ByProduct) != 1 || d.ByProduct[0].Value.Known || show(d.Unattributed) != `{"count":0,"value":null}` || codes(d) != "sentinel_4294967295" {
		t.Errorf("%+v [%s]", d, codes(d))
	}
}

// TestProductPrintedTwice keeps the two blocks of one id apart.
func TestProductPrintedTwice(t *testing.T) {
	o := audit(t, "VA1*0*0", "PA1*1*5", "PA2*10*50", "PA1*1*5", "PA2*1*5")
	n := audit(t, "VA1*15*3", "PA1*1*5", "PA2*12*60", "PA1*1*5", "PA2*2*10")
	d := Diff(o, n, Conditions{})
	if len(d.ByProduct) != 2 || show(d.Unattributed) != `{"count":0,"value":0}` {
		t.Errorf("%+v", d.ByProduct)
	}
}

// TestListsCountSales: LA105 tells sales per price list where PA2 cannot.
func TestListsCountSales(t *testing.T) {
	o := audit(t, "VA1*0*0", "PA1*1*5", "PA2*1*5", "LA1*0*1*5*0*1", "LA1*1*1*4*0*0")
	n := audit(t, "VA1*14*3", "PA1*1*5", "PA2*4*19", "LA1*0*1*5*0*3", "LA1*1*1*4*0*1")
	if d := Diff(o, n, Conditions{}); !slices.Equal(d.ByList, []ListDelta{{"1", "0", 2}, {"1", "1", 1}}) {
		t.Errorf("%+v", d.ByList)
	}
}

// TestWrapInsideOneReport has Necta's lines, and one that fell below.
func TestWrapInsideOneReport(t *testing.T) {
	for _, c := range []struct{ line, keys string }{
		{"CA2*2878109*125903*2878109*60367", "CA202"}, {"VA1*19653850*131315*2876634*131315", "VA101"},
		{"VA1*1000*5*900*65000", "VA102"}, {"VA1*1000*65546*900*10", ""}, {"VA1*0*65536*0*0", ""}, {"VA1*5*5*5*5", ""},
	} {
		var keys []string
		for _, n := range audit(t, c.line).Notes {
			if n.Code == CodeWrapInside {
				keys = append(keys, n.Key)
			}
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%s: %q, want %q", c.line, got, c.keys)
		}
	}
}

// TestWrapsAreUndone: whatever limit a counter wraps at within the rules, few
// vends since give the true difference; a counter that fell otherwise never
// gives a number that is too small to be one.
func TestWrapsAreUndone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.SampledFrom(bindingLimits[:]).Draw(rt, "limit")
		before := limit - rapid.Int64Range(2, limit/closeBelow).Draw(rt, "below")
		sold := rapid.Int64Range(1, limit/closeBelow).Draw(rt, "sold")
		if (before+sold)%limit == Sentinel {
			return // says "not available"
		}
		o := audit(t, fmt.Sprintf("VA1*5*%d", before))
		n := audit(t, fmt.Sprintf("VA1*6*%d", (before+sold)%limit))
		if d := Diff(o, n, Conditions{}); !d.Total.Count.Known || d.Total.Count.N != sold {
			rt.Fatalf("%d + %d of %d: %+v", before, sold, limit, d.Total)
		}
	})
}

// TestDifferenceNeverInvents: of any two reports no known difference is
// negative, and a known one of a counter that rose is exactly what it rose.
func TestDifferenceNeverInvents(t *testing.T) {
	number := rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(65000, 66000), rapid.Int64Range(0, 1<<33))
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) Audit {
			return audit(t, fmt.Sprintf("VA1*%d*%d*%d*%d", number.Draw(rt, label), number.Draw(rt, label), number.Draw(rt, label), number.Draw(rt, label)),
				fmt.Sprintf("CA2*%d*%d", number.Draw(rt, label), number.Draw(rt, label)),
				fmt.Sprintf("EA3*********%d*%d", rapid.Int64Range(0, 9).Draw(rt, label), rapid.Int64Range(0, 9).Draw(rt, label)))
		}
		o, n := draw("old"), draw("new")
		d := Diff(o, n, Conditions{})
		for _, c := range []struct {
			is       Change
			old, new Counter
		}{{d.Total.Count, o.Totals.Paid.Cumulative.Count, n.Totals.Paid.Cumulative.Count},
			{d.Total.Value, o.Totals.Paid.Cumulative.Value, n.Totals.Paid.Cumulative.Value}} {
			switch {
			case !c.is.Known:
			case c.is.N < 0:
				rt.Fatalf("negative: %+v", d)
			case d.Outcome == NewChain && c.is.N != c.new.N, d.Outcome != NewChain && c.new.N >= c.old.N && c.is.N != c.new.N-c.old.N:
				rt.Fatalf("%d → %d gave %d", c.old.N, c.new.N, c.is.N)
			}
		}
	})
}

// TestDisagreements: the check of pairs.jsonl itself can fail.
func TestDisagreements(t *testing.T) {
	got := json.RawMessage(`{"total":{"count":2,"value":500},"by_device":{"CA":{"count":2,"value":500}},"by_product":[{"product":"1","count":2,"value":500}],"flags":[]}`)
	for want, n := range map[string]int{
		`{"total":{"count":2,"value":500},"by_device":{"CA":{"count":2}},"by_product":[{"product":"1"}],"flags":[]}`: 0,
		`{"total":{"count":1,"value":500}}`: 1, `{"by_device":{}}`: 1, `{"by_device":{"DA":{"count":1}}}`: 2,
		`{"by_product":[]}`: 1, `{"by_product":[{"product":"2"}]}`: 1, `{"flags":["x"]}`: 1, `{"other":1}`: 1, `[`: 1,
	} {
		if miss := Disagreements(json.RawMessage(want), got); len(miss) != n {
			t.Errorf("%s: %v", want, miss)
		}
	}
}

func TestEveryCodeHasBothTexts(t *testing.T) {
	for c, d := range descriptions {
		if d[0] == "" || d[1] == "" || c.Describe("ru") == c.Describe("en") {
			t.Errorf("%s: %v", c, d)
		}
	}
	if Code("x").Describe("ru") != "x" {
		t.Error("an unknown code is not itself")
	}
}

// FuzzDiff compares any two files: no panic, nothing negative.
func FuzzDiff(f *testing.F) {
	f.Add([]byte(worked), []byte(strings.Replace(worked, "VA1*12500*3", "VA1*17500*4", 1)))
	f.Add([]byte("DXS*A\nPA1*1\nPA2*5*5\nPA1*1\nPA2*1\nPA8*1*1\nLA1*0*1*5*0*1"), []byte("DXS*A\nPA1*1\nPA2*3*9\nPA8*3*1\nPA7*1*CA*0*5*9\nLA1*0*1*5*0*9"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		older, err := Parse(a)
		if err != nil {
			return
		}
		newer, err := Parse(b)
		if err != nil {
			return
		}
		d := Diff(Read(older[0]), Read(newer[0]), Conditions{TransportProved: true, PortIsIdentity: true})
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		deltas := []Delta{d.Total, d.TestVends, d.FreeVends, d.Mixed}
		for _, k := range d.ByDevice {
			deltas = append(deltas, k)
		}
		for _, p := range slices.Concat(d.ByProduct, d.FreeByProduct, d.TestByProduct) {
			deltas = append(deltas, p.Delta)
		}
		for _, x := range deltas {
			if x.Count.N < 0 || x.Value.N < 0 || !x.Count.Known && x.Count.N != 0 || !x.Value.Known && x.Value.N != 0 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
