package simulate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// play plays a plan that must break nothing.
func play(t *testing.T, p Plan) Result {
	t.Helper()
	r, err := Play(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Wrong) == 0 {
		return r
	}
	s, err := Tell(p, 400)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatalf("seed %d: %s\n%s\nplan: %s", p.Seed, strings.Join(s.Wrong, "\n"), strings.Join(s.Words, "\n"), mustJSON(s.Plan))
	return r
}

// seeds reads the schedules that once failed.
func seeds(t *testing.T) (plans []Plan, why []string) {
	t.Helper()
	f, err := os.Open("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		line, comment, _ := strings.Cut(s.Text(), "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var p Plan
		if seed, err := strconv.ParseUint(line, 10, 64); err == nil {
			p = Draw(seed)
		} else if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("testdata/seeds: %q: %v", line, err)
		}
		if err := p.check(); err != nil {
			t.Fatalf("testdata/seeds: %q: %v", line, err)
		}
		plans, why = append(plans, p), append(why, strings.TrimSpace(comment))
	}
	return plans, why
}

func TestSchedulesThatOnceFailed(t *testing.T) {
	plans, why := seeds(t)
	if len(plans) == 0 {
		t.Fatal("testdata/seeds is empty")
	}
	for i, p := range plans {
		t.Run(strconv.FormatUint(p.Seed, 10)+" "+why[i], func(t *testing.T) { play(t, p) })
	}
}

// TestSchedules is the simulation itself: nothing may be broken.
func TestSchedules(t *testing.T) {
	n := 500
	if testing.Short() {
		n = 50
	}
	rep, err := Many(context.Background(), Options{Seed: 1, Schedules: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d schedules, %d sales, %d receipts, %.0f minutes of virtual time, faults %v, acts %v", rep.Schedules, rep.Sales, rep.Receipts, rep.Minutes, rep.Faults, rep.Acts)
	for _, s := range rep.Stories {
		t.Errorf("%s\n%s\nplan: %s", strings.Join(s.Wrong, "\n"), strings.Join(s.Words, "\n"), mustJSON(s.Plan))
	}
	if rep.Violations > 0 {
		t.Errorf("seeds of violations: %v (keep them in testdata/seeds)", rep.Seeds)
	}
	if rep.Schedules != n || rep.Sales < n || rep.Receipts < rep.Sales {
		t.Errorf("%d schedules, %d sales, %d receipts: too little came to pass", rep.Schedules, rep.Sales, rep.Receipts)
	}
	for _, k := range kinds {
		if rep.Faults[k.kind] == 0 && !testing.Short() {
			t.Errorf("%s never came to anything", k.kind)
		}
	}
	for _, k := range actKinds {
		if rep.Acts[k.kind] == 0 && !testing.Short() {
			t.Errorf("nobody was let: %s", k.kind)
		}
	}
}

func TestEqualSeedsGiveEqualStories(t *testing.T) {
	n := uint64(25)
	if testing.Short() {
		n = 8
	}
	for seed := range n {
		a, b := play(t, Draw(seed)), play(t, Draw(seed))
		for i := range min(len(a.Story), len(b.Story)) {
			if a.Story[i] != b.Story[i] {
				t.Fatalf("seed %d line %d: %q and %q", seed, i, a.Story[i], b.Story[i])
			}
		}
		if a.Digest() != b.Digest() || a.Steps != b.Steps {
			t.Errorf("seed %d: %d steps and %d, %d lines and %d", seed, a.Steps, b.Steps, len(a.Story), len(b.Story))
		}
	}
}

// TestWrongStrategiesAreFound proves that the checks can fail.
func TestWrongStrategiesAreFound(t *testing.T) {
	for _, name := range Breaks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 40
			if testing.Short() {
				tries = 20
			}
			rep, err := Many(context.Background(), Options{Seed: 1, Schedules: 600, Break: name, Tries: tries, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			if rep.Violations == 0 {
				t.Fatal("no schedule of 600 shows that it is wrong")
			}
			s := rep.Stories[0]
			t.Logf("found by schedule %d, shrunk to %d sales and %d faults: %v", rep.Schedules, len(s.Plan.Sales), len(s.Plan.Faults), s.Wrong)
			if len(s.Wrong) == 0 || len(s.Words) < 2 || !strings.Contains(s.Words[len(s.Words)-1], "✗") {
				t.Errorf("a story that tells nothing: %v %v", s.Wrong, s.Words)
			}
			again, err := Play(s.Plan)
			if err != nil || !slices.Equal(again.Wrong, s.Wrong) {
				t.Errorf("played again the shrunk plan breaks %v, not %v (%v)", again.Wrong, s.Wrong, err)
			}
		})
	}
}

// TestEachFaultAlone: one fault in the middle of a few sales.
func TestEachFaultAlone(t *testing.T) {
	for _, k := range kinds {
		t.Run(string(k.kind), func(t *testing.T) {
			t.Parallel()
			for i, at := range []int64{9000, 11_800, 12_900} { // before a sale, while it is on its way, while it is printed
				p := Plan{Seed: uint64(i), Machines: 1, Lanes: 1,
					Sales:  []Sale{{At: 4000, Column: 1}, {At: 10_000, Column: 2}, {At: 14_000, Column: 1, Cash: true}},
					Faults: []Fault{{At: at, Kind: k.kind, N: 3 + 4*i, For: 20_000, Chance: uint64(i) + 1}}}
				if r := play(t, p); r.Sales != 3 || r.Receipts != 3 {
					t.Errorf("%d sales, %d receipts:\n%s", r.Sales, r.Receipts, strings.Join(r.Story, "\n"))
				}
				if w := p.Faults[0].words(); w == string(k.kind) {
					t.Errorf("no words for %s", k.kind)
				}
			}
		})
	}
}

// TestEachActAlone: each act, ordered twice, before the receipt, while it is made
// and after it.
func TestEachActAlone(t *testing.T) {
	for _, k := range actKinds {
		t.Run(string(k.kind), func(t *testing.T) {
			t.Parallel()
			accepted := 0
			for i, at := range []int64{5300, 5900, 12_000} {
				for _, minutes := range []int{0, 1} {
					r := play(t, Plan{Seed: uint64(i), Machines: 1, Lanes: 1, CorrectAfter: minutes, Sales: []Sale{{At: 4000, Column: 1}, {At: 20_000, Column: 2}},
						Faults: []Fault{{At: 4500, Kind: RegisterOff, For: int64(minutes) * 90_000}}, // the receipt becomes a correction
						Acts:   []Act{{At: at, Kind: k.kind, Of: 4000, Again: 5000, Chance: uint64(i)}}})
					accepted += r.Acted[k.kind]
				}
			}
			if accepted == 0 {
				t.Error("it was never let")
			}
		})
	}
}

func TestEveryDrawnPlanCanBeWrittenDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Draw(rapid.Uint64().Draw(t, "seed"))
		if err := p.check(); err != nil {
			t.Fatal(err)
		}
		var q Plan
		if err := json.Unmarshal(mustJSON(p), &q); err != nil || !bytes.Equal(mustJSON(p), mustJSON(q)) {
			t.Fatalf("%s comes back as %s (%v)", mustJSON(p), mustJSON(q), err)
		}
	})
}

// TestFewer: delta debugging comes down to what is needed and nothing else.
func TestFewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 30).Draw(t, "all")
		needed := rapid.IntRange(0, 20).Draw(t, "needed")
		want := 0
		for _, x := range all {
			if x == needed {
				want = 1
			}
		}
		left := all
		err := fewer(len(all), func(keep func(int) bool) (bool, error) {
			q := without(left, keep)
			if want == 1 && !slices.Contains(q, needed) {
				return false, nil
			}
			left = q
			return true, nil
		}, func() int { return len(left) })
		if err != nil || len(left) != want {
			t.Fatalf("%v left of %v, %d needed (%v)", left, all, needed, err)
		}
	})
}

// TestProgress: who watches sees a bar, a log gets a line now and then.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		bar  bool
		want string
	}{{false, "simulate: 500 of 2000 schedules, 50.0 a second, 30s left\nsimulate: 1000 of 2000 schedules, 50.0 a second, 20s left, 2 broken\n"},
		{true, "\r[███████·······················] 500 of 2000 schedules, 50.0 a second, 30s left\033[K" +
			"\r[███████████████···············] 1000 of 2000 schedules, 50.0 a second, 20s left, 2 broken\033[K\r\033[K"}} {
		var out bytes.Buffer
		at := time.Unix(0, 0)
		p := &progress{to: &out, bar: c.bar, now: func() time.Time { return at }, began: at, told: at}
		p.step(1, 2000, 0)
		at = at.Add(10 * time.Second)
		p.step(500, 2000, 0)
		p.step(501, 2000, 0)
		at = at.Add(10 * time.Second)
		p.step(1000, 2000, 2)
		p.end()
		if out.String() != c.want {
			t.Errorf("%q", out.String())
		}
	}
	if got := told(0, 10, 0, 0); got != "0 of 10 schedules" {
		t.Error(got)
	}
}

func TestCommand(t *testing.T) {
	run := func(in string, args ...string) (out bytes.Buffer, err error) {
		cmd := Command()
		cmd.SetOut(&out)
		cmd.SetErr(io.Discard)
		cmd.SetIn(strings.NewReader(in))
		cmd.SetArgs(args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err = cmd.ExecuteContext(context.Background())
		return out, err
	}
	if _, err := run("", "--break", "no-such"); err == nil || !strings.Contains(err.Error(), RetryBlindly) {
		t.Errorf("an unknown strategy: %v", err)
	}
	for name, plan := range map[string]string{"no JSON": "x", "no machine": `{"lanes":1}`, "no such machine": `{"machines":1,"lanes":1,"sales":[{"machine":1,"column":1}]}`,
		"no such fault": `{"machines":1,"lanes":1,"faults":[{"kind":"x"}]}`, "no such act": `{"machines":1,"lanes":1,"acts":[{"kind":"x"}]}`,
		"no such limit": `{"machines":1,"lanes":1,"correct_after":99}`} {
		if _, err := run(plan, "--replay", "-"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	help, err := run("", "--help")
	if err != nil {
		t.Error(err)
	}
	for _, b := range breaks {
		if !strings.Contains(help.String(), b.name) || !strings.Contains(help.String(), b.en) || !strings.Contains(help.String(), b.ru) {
			t.Errorf("--help does not teach %s", b.name)
		}
	}
	var found Report
	out, err := run("", "--break", OlderReceipt, "--schedules", "100", "--tries", "1", "--workers", "1", "--json")
	if !errors.Is(err, ErrViolated) {
		t.Errorf("a wrong strategy: %v", err)
	}
	if err := json.NewDecoder(&out).Decode(&found); err != nil || found.Violations != 1 || len(found.Stories) != 1 || found.PerSecond <= 0 {
		t.Errorf("%+v %v", found, err)
	}
	plan := mustJSON(Plan{Seed: 1, Machines: 1, Lanes: 1, Sales: []Sale{{At: 4000, Column: 1}}})
	out, err = run(string(plan), "--replay", "-", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var rep Report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil || rep.Schedules != 1 || rep.Sales != 1 || rep.Receipts != 1 || len(rep.Stories) != 1 {
		t.Errorf("%s (%v)", out.String(), err)
	}
}
