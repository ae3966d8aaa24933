// Package crash kills the programs of a running demo and counts what is left:
// nothing may be lost and nothing doubled.
package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/demo"
)

// These tests run whole demos for minutes; make crash (and so make test) asks
// for them.
func asked(t *testing.T) {
	t.Helper()
	if os.Getenv("CHEKOMAT_CRASH") == "" {
		t.Skip("CHEKOMAT_CRASH is not set: make crash runs this")
	}
}

// build makes the three programs with tags in a folder of the test's.
func build(t *testing.T, tags string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"hub", "agent", "testbench"} {
		cmd := exec.Command("go", "build", "-tags", tags, "-o", filepath.Join(dir, name), "./"+name)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return dir
}

// finish stops the selling, waits for what is on its way, and counts.
func finish(t *testing.T, d *demo.Demo) demo.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := d.StopSelling(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Drain(ctx, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	r, err := d.Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("vends %d, journaled %d, in hub %d, receipts %d, shown %d, not shown %v, held %v, unheard %d, restarts %v",
		r.Vends, r.Journaled, r.InHub, r.Receipts, r.Shown, r.NotShown, r.Held, r.Unheard, r.Restarts)
	if r.Lost != 0 || r.Duplicated != 0 {
		t.Errorf("lost %d, duplicated %d:\n%s", r.Lost, r.Duplicated, strings.Join(r.Problems, "\n"))
	}
	if r.Receipts == 0 {
		t.Error("no receipt was made")
	}
	return r
}

func fast(t *testing.T, bin string, machines int) demo.Config {
	return demo.Config{Bin: bin, Data: t.TempDir(), Machines: machines, Every: 700 * time.Millisecond, VendTime: 200 * time.Millisecond, Service: 60 * time.Millisecond}
}

// kills is how many times the random test kills.
const kills = 60

func TestKilledAtRandomMoments(t *testing.T) {
	asked(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	d, err := demo.Start(context.Background(), fast(t, build(t, ""), 4))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	programs := d.Programs()
	names := make([]string, 0, len(programs))
	for name := range programs {
		names = append(names, name)
	}
	sort.Strings(names)
	for range kills {
		time.Sleep(time.Duration(200+rng.IntN(700)) * time.Millisecond)
		name := names[rng.IntN(len(names))]
		if rng.IntN(3) == 0 {
			name = "hub" // most of the state to lose
		}
		programs[name].Kill()
	}
	r := finish(t, d)
	n := 0
	for _, starts := range r.Restarts {
		n += starts
	}
	if n < kills*3/4 { // a program killed while it was already dead starts once
		t.Errorf("%d restarts after %d kills", n, kills)
	}
}

// points lists the kill points named in the sources of a program.
func points(t *testing.T, dirs ...string) []string {
	t.Helper()
	named := regexp.MustCompile(`(?:fault\.Point|[pP]oint)\("([a-z]+\.[A-Za-z]+)"\)`)
	found := map[string]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				found[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	list := make([]string, 0, len(found))
	for p := range found {
		list = append(list, p)
	}
	sort.Strings(list)
	return list
}

// TestKilledAtEachPoint runs a demo for each of the hub's kill points and arms
// an agent with one of its own beside it, until every point was had.
func TestKilledAtEachPoint(t *testing.T) {
	asked(t)
	bin := build(t, "killpoints")
	hub, agent := points(t, "hub", "fiscal"), points(t, "agent")
	if len(hub) == 0 || len(agent) == 0 {
		t.Fatalf("kill points found: hub %v, agent %v", hub, agent)
	}
	const machines = 3
	next := 0
	for _, point := range hub {
		arm := map[string]string{"hub": fmt.Sprintf("%s:%d", point, 2)}
		for n := range machines {
			if next < len(agent) {
				arm[fmt.Sprintf("agent-VM-%04d", n+1)] = agent[next] + ":2"
				next++
			}
		}
		runArmed(t, bin, machines, arm)
	}
	for next < len(agent) {
		arm := map[string]string{}
		for n := 0; n < machines && next < len(agent); n++ {
			arm[fmt.Sprintf("agent-VM-%04d", n+1)] = agent[next] + ":2"
			next++
		}
		runArmed(t, bin, machines, arm)
	}
}

func runArmed(t *testing.T, bin string, machines int, arm map[string]string) {
	names := make([]string, 0, len(arm))
	for program, point := range arm {
		names = append(names, program+"@"+strings.TrimSuffix(point, ":2"))
	}
	sort.Strings(names)
	t.Run(strings.Join(names, ","), func(t *testing.T) {
		cfg := fast(t, bin, machines)
		cfg.Arm = arm
		d, err := demo.Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		time.Sleep(4 * time.Second)
		r := finish(t, d)
		for program := range arm {
			if r.Restarts[program] == 0 {
				t.Logf("%s never came to its point %s", program, arm[program])
			}
		}
	})
}
