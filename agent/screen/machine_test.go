package screen

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
)

var plan = wire.Config{Version: 1, Serial: "A-17", Seller: "ООО Ромашка", Lang: "ru", ShowSec: 60,
	Columns: []wire.Column{{Column: 7, Name: "Вода", Minor: 5000}}}

func sold(seq, at int64) Sold { return Sold{Journal: "j", Seq: seq, At: at, Column: 7, Minor: 5000} }

func told(seq int64, state, reason string) Told {
	r := wire.Receipt{Journal: "j", Seq: seq, State: state, Reason: reason}
	if state == wire.FiscalDone {
		r.QR, r.FD, r.At = fmt.Sprintf("qr%d", seq), uint32(seq), "2026-01-15T14:32"
	}
	return Told{r}
}

// drawnNow confirms the frame that stands.
type drawnNow struct{ Drawn }

func TestScreens(t *testing.T) {
	type at struct {
		ms    int64
		in    Input
		want  string // "state", "state reason" or "receipt qr"
		shown string // results reported, "seq=result" joined with " "
	}
	stopping := plan
	stopping.StopAfterM = 2
	panelNeeded := plan
	panelNeeded.NeedPanel = true
	broken := plan
	broken.OffReason = "fn_full"
	late := plan
	late.LateReason = "register_silent"
	cases := []struct {
		name  string
		steps []at
	}{
		{"the register is away: the buyer is told at once, selling goes on", []at{
			{0, Policy{plan}, "idle", ""},
			{1, Link{true}, "idle", ""},
			{2, Policy{late}, "idle", ""},
			{10, VendStarted{7}, "vending", ""},
			{20, sold(1, 20), "delayed register_silent", ""},
			{30, Policy{plan}, "forming", ""},
			{20_020, Tick{}, "delayed queue", ""},
			{20_030, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
		}},
		{"out of service warns the next buyer while the last one's receipt is late", []at{
			{0, Policy{plan}, "idle", ""},
			{20, sold(1, 20), "forming", ""},
			{30, Policy{broken}, "forming", ""},
			{20_020, Tick{}, "delayed hub_silent", ""},
			{60_019, Tick{}, "delayed hub_silent", ""},
			{60_020, Tick{}, "out_of_service fn_full", ""},
			{70_000, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
			{70_010, drawnNow{}, "receipt qr1", "1=shown"},
			{130_010, Tick{}, "out_of_service fn_full", ""},
		}},
		{"without a link what the hub said of registers is old", []at{
			{0, Policy{late}, "idle", ""},
			{20, sold(1, 20), "forming", ""},
			{20_020, Tick{}, "delayed hub_silent", ""},
			{20_030, Link{true}, "delayed register_silent", ""},
			{20_040, told(1, wire.FiscalHeld, "x"), "delayed held", ""},
			{20_050, Policy{plan}, "delayed held", ""},
		}},
		{"a sale from button to QR", []at{
			{0, Policy{plan}, "idle", ""},
			{100, Link{true}, "idle", ""},
			{1000, VendStarted{7}, "vending", ""},
			{2000, VendEnded{}, "idle", ""},
			{2001, sold(1, 1990), "forming", ""},
			{2900, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
			{2950, drawnNow{}, "receipt qr1", "1=shown"},
			{62949, Tick{}, "receipt qr1", ""},
			{62950, Tick{}, "idle", ""},
		}},
		{"the next buyer takes the screen", []at{
			{0, Policy{plan}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
			{30, drawnNow{}, "receipt qr1", "1=shown"},
			{40, VendStarted{7}, "vending", ""},
			{50, VendEnded{}, "idle", ""}, // the first buyer saw it: it does not come back
		}},
		{"a receipt during the next try comes when the try is given up", []at{
			{0, Policy{plan}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, VendStarted{7}, "vending", ""},
			{30, told(1, wire.FiscalDone, ""), "vending", ""},
			{40, VendEnded{}, "receipt qr1", ""},
			{50, drawnNow{}, "receipt qr1", "1=shown"},
		}},
		{"an older receipt is never shown", []at{
			{0, Policy{plan}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, sold(2, 20), "forming", ""},
			{30, told(1, wire.FiscalDone, ""), "forming", "1=superseded"},
			{40, told(2, wire.FiscalDone, ""), "receipt qr2", ""},
			{50, told(1, wire.FiscalDone, ""), "receipt qr2", "1=superseded"},
		}},
		{"a receipt not drawn yet is superseded by a sale", []at{
			{0, Policy{plan}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
			{30, sold(2, 30), "forming", "1=superseded"},
		}},
		{"late: the buyer has gone", []at{
			{0, Policy{plan}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20_010, Tick{}, "delayed hub_silent", ""},
			{20_020, Link{true}, "delayed unknown", ""},
			{20_030, told(1, wire.FiscalPending, "shift"), "delayed shift", ""},
			{180_010, Tick{}, "idle", ""},
			{180_020, told(1, wire.FiscalDone, ""), "idle", "1=late"},
		}},
		{"a pending word with a reason does not hurry the delay", []at{
			{0, Policy{plan}, "idle", ""},
			{1, Link{true}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, told(1, wire.FiscalPending, "register_busy"), "forming", ""},
			{20_010, Tick{}, "delayed register_busy", ""},
			{20_500, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
		}},
		{"held says so at once, none says nothing", []at{
			{0, Policy{plan}, "idle", ""},
			{1, Link{true}, "idle", ""},
			{10, sold(1, 10), "forming", ""},
			{20, told(1, wire.FiscalHeld, "no_plan_name"), "delayed held", ""},
			{60_020, Tick{}, "idle", ""},
			{60_030, sold(2, 60_030), "forming", ""},
			{60_040, told(2, wire.FiscalNone, "free"), "idle", ""},
		}},
		{"dead display", []at{
			{0, Policy{panelNeeded}, "idle", ""},
			{10, Display{false}, "out_of_service display_dead", ""},
			{20, sold(1, 20), "forming", ""},
			{30, told(1, wire.FiscalDone, ""), "receipt qr1", ""},
			{60_030, Tick{}, "out_of_service display_dead", "1=display_dead"},
			{60_040, Display{true}, "idle", ""},
		}},
		{"silent hub stops the machine, the buyer's screen goes first", []at{
			{0, Policy{stopping}, "idle", ""},
			{119_000, sold(1, 119_000), "delayed hub_silent", ""}, // no link for long: nobody is told to stay for nothing
			{178_999, Tick{}, "delayed hub_silent", ""},
			{179_000, Tick{}, "out_of_service hub_silent", ""},
			{299_100, Heard{}, "idle", ""},
		}},
		{"the hub's own trouble", []at{
			{0, Policy{broken}, "out_of_service fn_full", ""},
			{5, VendStarted{7}, "out_of_service fn_full", ""},
			{10, Policy{plan}, "vending", ""},
		}},
		{"trouble with the disk and the bus", []at{
			{0, Policy{plan}, "idle", ""},
			{5, Trouble{"storage"}, "out_of_service storage", ""},
			{10, Trouble{}, "idle", ""},
			{20, Bus{false}, "idle", ""},
			{10_020, Tick{}, "out_of_service bus_silent", ""},
			{10_030, Bus{true}, "idle", ""},
		}},
		{"no catalogue yet", []at{{0, Tick{}, "out_of_service config", ""}, {5, Policy{plan}, "idle", ""}}},
		{"after a restart", []at{
			{0, Policy{plan}, "idle", ""},
			{10, Sold{Journal: "j", Seq: 9, At: -5000, Column: 7, Settled: true}, "idle", ""},
			{20, Sold{Journal: "j", Seq: 9, At: -5000, Column: 7}, "forming", ""},
			{30, told(8, wire.FiscalDone, ""), "forming", "8=superseded"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := New(0)
			for i, s := range c.steps {
				in := s.in
				if _, ok := in.(drawnNow); ok {
					_, n := m.Screen()
					in = Drawn{Frame: n}
				}
				var results []string
				for _, r := range m.Step(s.ms, in) {
					results = append(results, fmt.Sprintf("%d=%s", r.Seq, r.Result))
				}
				sc, _ := m.Screen()
				got := strings.TrimSpace(string(sc.State) + " " + sc.Reason + sc.QR)
				if got != s.want || strings.Join(results, " ") != s.shown {
					t.Fatalf("step %d %#v: %q reports %q, want %q %q", i, s.in, got, results, s.want, s.shown)
				}
			}
		})
	}
}

func TestReceiptScreenSaysWhat(t *testing.T) {
	m := New(0)
	m.Step(0, Policy{plan})
	m.Step(1, sold(57, 1))
	s, _ := m.Screen()
	if s.Item != "Вода" || s.Amount != 5000 || s.Machine != "A-17" || s.Seller != "ООО Ромашка" {
		t.Errorf("forming: %+v", s)
	}
	r := told(57, wire.FiscalDone, "")
	r.Receipt.Item, r.Receipt.Minor, r.Receipt.Test = "Вода 0,5", 4900, true
	m.Step(2, r)
	s, _ = m.Screen()
	if s.Receipt != "ФД 57 · 15.01.2026 14:32" || s.Item != "Вода 0,5" || s.Amount != 4900 || !s.Test {
		t.Errorf("receipt: %+v", s)
	}
}

func TestAfterMSCountsFromTheDecidingWord(t *testing.T) {
	m := New(1000)
	m.Step(1000, sold(1, 940))
	m.Step(1300, told(1, wire.FiscalDone, ""))
	_, n := m.Screen()
	out := m.Step(1440, Drawn{Frame: n})
	if len(out) != 1 || out[0].AfterMS != 500 {
		t.Fatalf("shown %+v", out)
	}
}

// TestQRIsOfTheNewestSale is invariant I8 under any order of events, with
// these beside it: no receipt gets two results, a receipt of a finished sale
// gets one, and Due never leaves a screen standing past its time.
func TestQRIsOfTheNewestSale(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := int64(0)
		m := New(now)
		cfg := plan
		cfg.StopAfterM = rapid.IntRange(0, 2).Draw(rt, "stop")
		m.Step(now, Policy{cfg})
		newest := int64(0)
		done := map[int64]bool{}
		results := map[int64]string{}
		steps := rapid.IntRange(1, 60).Draw(rt, "steps")
		for range steps {
			now += rapid.Int64Range(0, 50_000).Draw(rt, "dt")
			seq := rapid.Int64Range(1, newest+1).Draw(rt, "seq")
			var in Input
			switch rapid.IntRange(0, 10).Draw(rt, "what") {
			case 0:
				in = VendStarted{7}
			case 1:
				in = VendEnded{}
			case 2, 3:
				newest++
				in = sold(newest, now)
			case 4, 5:
				if seq > newest {
					continue
				}
				done[seq] = true
				in = told(seq, wire.FiscalDone, "")
			case 6:
				if seq > newest || done[seq] {
					continue
				}
				in = told(seq, rapid.SampledFrom([]string{wire.FiscalPending, wire.FiscalHeld, wire.FiscalNone}).Draw(rt, "state"), "x")
			case 7:
				in = Display{rapid.Bool().Draw(rt, "alive")}
			case 8:
				_, n := m.Screen()
				in = Drawn{Frame: n - rapid.Int64Range(0, min(n-1, 3)).Draw(rt, "behind")}
			case 9:
				in = Link{rapid.Bool().Draw(rt, "up")}
			default:
				in = Tick{}
			}
			vendingBefore := m.vending
			for _, r := range m.Step(now, in) {
				if was, ok := results[r.Seq]; ok && was != ResultSuperseded {
					// A repeated receipt of an old sale may be reported again: the journal keeps the first word.
					if r.Result == ResultShown || r.Seq == newest {
						rt.Fatalf("receipt %d is %s after it was %s", r.Seq, r.Result, was)
					}
				}
				if !done[r.Seq] {
					rt.Fatalf("a result for sale %d that has no receipt", r.Seq)
				}
				results[r.Seq] = r.Result
			}
			s, _ := m.Screen()
			if s.QR != "" && (s.State != display.ReceiptReady || s.QR != fmt.Sprintf("qr%d", newest) || !done[newest]) {
				rt.Fatalf("newest sale %d, screen %+v", newest, s)
			}
			if _, ok := in.(VendStarted); ok && s.QR != "" {
				rt.Fatalf("a QR stands while the next vend runs (before: %v)", vendingBefore)
			}
			if at, ok := m.Due(); ok && at < now {
				rt.Fatalf("due %d is in the past of %d", at, now)
			}
		}
		// Let time pass by Due alone: all done receipts get their result, screens end.
		for _, r := range m.Step(now, VendEnded{}) {
			results[r.Seq] = r.Result
		}
		for i := 0; ; i++ {
			at, ok := m.Due()
			if !ok || i > 20 {
				break
			}
			now = max(now, at)
			for _, r := range m.Step(now, Tick{}) {
				results[r.Seq] = r.Result
			}
		}
		for seq := range done {
			if results[seq] == "" {
				rt.Fatalf("receipt %d has no result; newest %d", seq, newest)
			}
		}
		if s, _ := m.Screen(); s.State != display.Idle && s.State != display.OutOfService {
			rt.Fatalf("the screen stands for ever: %+v", s)
		}
	})
}
