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
	"github.com/chekomat/chekomat/testbench/process"
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
	if err := d.Drain(ctx, time.Minute); err != nil {
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

// folder is a demo's data, kept when the test failed.
func folder(t *testing.T) string {
	dir, err := os.MkdirTemp("", "chekomat-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("data and logs: %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}

func fast(t *testing.T, bin string, machines int) demo.Config {
	return demo.Config{Bin: bin, Data: folder(t), Machines: machines, Every: 700 * time.Millisecond, VendTime: 200 * time.Millisecond, Service: 60 * time.Millisecond}
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

// patience is how long a program may live without coming to its point.
const patience = 6 * time.Second

// TestKilledAtEachPoint gives the hub and the agents a kill point for each of
// their lives. A program that does not come to its point in time is killed
// where it stands, so that the next point has its turn.
func TestKilledAtEachPoint(t *testing.T) {
	asked(t)
	hub, agent := points(t, "hub", "fiscal"), points(t, "agent")
	if len(hub) == 0 || len(agent) == 0 {
		t.Fatalf("kill points found: hub %v, agent %v", hub, agent)
	}
	cfg := fast(t, build(t, "killpoints"), 3)
	cfg.Faults = []string{"cut:0.25@FF45", "late_execution:0.1@FF45"} // so that there is something to settle
	cfg.Arm = map[string][]string{"hub": hub}
	for i, point := range agent {
		name := fmt.Sprintf("agent-VM-%04d", i%cfg.Machines+1)
		cfg.Arm[name] = append(cfg.Arm[name], point)
	}
	d, err := demo.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	missed := outlive(d.Programs(), cfg.Arm)
	finish(t, d)
	t.Logf("%d points; never came to %v", len(hub)+len(agent), missed)
	if len(missed) > (len(hub)+len(agent))/3 {
		t.Error("too few points were come to for this to say much")
	}
}

// outlive waits until each program has died once for each of its points and
// tells which points it had to be helped over.
func outlive(programs map[string]*process.Process, arm map[string][]string) (missed []string) {
	type life struct {
		starts int
		since  time.Time
	}
	lives := map[string]life{}
	for left := true; left; time.Sleep(50 * time.Millisecond) {
		left = false
		for name, of := range arm {
			p, l := programs[name], lives[name]
			if n := p.Starts(); n != l.starts {
				l = life{n, time.Now()}
			}
			lives[name] = l
			if l.starts > len(of) {
				continue
			}
			left = true
			if time.Since(l.since) > patience {
				missed = append(missed, name+"@"+of[l.starts-1])
				p.Kill()
				lives[name] = life{l.starts, time.Now()}
			}
		}
	}
	return missed
}
