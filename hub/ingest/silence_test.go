package ingest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/hub/store"
)

func does(state, fault string) store.LaneDoes { return store.LaneDoes{State: state, Fault: fault} }

func TestMachinesAreToldOfTheirRegisters(t *testing.T) {
	type look struct {
		at    int64
		lanes []store.LaneDoes
		told  string // reason told at this look; "-" nothing new, "" that all is well
		since int64
	}
	cases := []struct {
		name  string
		looks []look
	}{
		{"a short absence is not told", []look{
			{0, []store.LaneDoes{does("ok", "")}, "-", 0},
			{1000, []store.LaneDoes{does("unreachable", "register_unreachable")}, "-", 0},
			{20_000, []store.LaneDoes{does("unreachable", "register_no_answer")}, "-", 0},
			{20_500, []store.LaneDoes{does("ok", "")}, "-", 0},
			{21_000, []store.LaneDoes{does("unreachable", "register_unreachable")}, "-", 0},
			{40_999, []store.LaneDoes{does("unreachable", "register_unreachable")}, "-", 0},
			{41_000, []store.LaneDoes{does("unreachable", "register_unreachable")}, "register_silent", 21_000},
			{42_000, []store.LaneDoes{does("busy", "register_busy")}, "register_busy", 21_000},
			{43_000, []store.LaneDoes{does("starting", "")}, "-", 0},
			{44_000, []store.LaneDoes{does("ok", "")}, "", 0},
		}},
		{"what does not pass is told at once", []look{
			{0, []store.LaneDoes{does("fn_full", "fn_full")}, "fn_full", 0},
			{10, []store.LaneDoes{does("fn_life_over", "fn_expired")}, "fn_expired", 0},
			{20, []store.LaneDoes{does("fn_full", "fn_unsent_limit")}, "fn_full", 0},
			{30, []store.LaneDoes{does("config", "seller_mismatch")}, "register_fault", 0},
			{40, []store.LaneDoes{does("manual", "document_doubled")}, "-", 0},
		}},
		{"one lane that works is enough; of several that stand the best counts", []look{
			{0, []store.LaneDoes{does("fn_full", "fn_full"), does("ok", "")}, "-", 0},
			{10, []store.LaneDoes{does("fn_full", "fn_full"), does("unreachable", "register_unreachable")}, "-", 0},
			{20_010, []store.LaneDoes{does("fn_full", "fn_full"), does("unreachable", "register_unreachable")}, "register_silent", 10},
			{20_020, []store.LaneDoes{does("fn_full", "fn_full"), does("starting", "")}, "-", 0},
			{20_030, []store.LaneDoes{does("fn_full", "fn_full"), does("ok", "")}, "", 0},
		}},
		{"no lane at all, after a while for setting up", []look{
			{0, nil, "-", 0},
			{20_000, nil, "config", 0},
		}},
		{"paper is the register's fault, and a lane that never starts is silent", []look{
			{0, []store.LaneDoes{does("busy", "register_paper_out")}, "-", 0},
			{20_000, []store.LaneDoes{does("busy", "register_paper_out")}, "register_fault", 0},
			{20_001, []store.LaneDoes{does("ok", "")}, "", 0},
			{30_000, []store.LaneDoes{does("starting", "lane_leased")}, "-", 0},
			{50_000, []store.LaneDoes{does("starting", "lane_leased")}, "register_silent", 30_000},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			q := &silences{grace: 20_000, since: map[string]int64{}}
			p := store.Pool{Operator: "op", Seller: "s"}
			for _, l := range c.looks {
				p.Lanes = l.lanes
				got := q.judge(l.at, []store.Pool{p})
				if l.told == "-" {
					if len(got) != 0 {
						t.Fatalf("at %d: told %+v", l.at, got)
					}
					continue
				}
				if len(got) != 1 || got[0] != (news{"op", "s", l.told, l.since}) {
					t.Fatalf("at %d: told %+v, want %q since %d", l.at, got, l.told, l.since)
				}
				p.Told, p.Since = got[0].reason, got[0].since
			}
		})
	}
}

// Whatever lanes do and however often the hub starts anew, machines are never
// left believing in a silence while a lane works, nor in work when none has
// worked for longer than the grace.
func TestWhatMachinesBelieveFollowsTheLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const grace = 20_000
		q := &silences{grace: grace, since: map[string]int64{}}
		p := store.Pool{Operator: "op", Seller: "s", Lanes: make([]store.LaneDoes, rapid.IntRange(1, 3).Draw(t, "lanes"))}
		states := rapid.SampledFrom([]store.LaneDoes{does("ok", ""), does("unreachable", "register_unreachable"), does("busy", "register_busy"),
			does("fn_full", "fn_full"), does("shift", "shift_expired"), does("manual", "key_twice")})
		now, stood := int64(0), int64(-1)
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += rapid.Int64Range(1, 30_000).Draw(t, fmt.Sprint("wait ", n))
			works := false
			for i := range p.Lanes {
				p.Lanes[i] = states.Draw(t, "state")
				works = works || p.Lanes[i].State == "ok"
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				if q.since = map[string]int64{}; p.Told == "" {
					stood = -1 // a grace begun anew
				}
			}
			switch {
			case works:
				stood = -1
			case stood < 0:
				stood = now
			}
			for _, told := range q.judge(now, []store.Pool{p}) {
				p.Told, p.Since = told.reason, told.since
			}
			if works && p.Told != "" {
				t.Fatalf("a lane works, machines believe %q", p.Told)
			}
			if !works && now-stood >= grace && p.Told == "" {
				t.Fatalf("nothing works for %d ms, machines believe all is well", now-stood)
			}
		}
	})
}
