package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// goBench names benchmarks of one package of this module.
type goBench struct {
	pkg     string // ./mdb
	pattern string // as go test -bench takes it
	time    string // -benchtime of a whole run
	quick   string // and of a quick one
	count   int    // repetitions of a whole run, of which the median counts; 0 is 1
}

// results are metrics by benchmark and unit: results["FramerPolls"]["words/s"].
// Names are without "Benchmark" and the number of processors.
type results map[string]map[string]float64

var processors = regexp.MustCompile(`-\d+$`)

// parseBench reads what go test -bench prints. Of a benchmark run several
// times the median of each metric counts. Lines of other kinds are passed
// over; a line of a benchmark that cannot be understood is an error.
func parseBench(r io.Reader) (results, error) {
	all := map[string]map[string][]float64{}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 2 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.ParseUint(f[1], 10, 64); err != nil {
			continue // a log line that begins with the name
		}
		if len(f)%2 != 0 {
			return nil, fmt.Errorf("bench: line %q: a value without a unit", sc.Text())
		}
		name := processors.ReplaceAllString(strings.TrimPrefix(f[0], "Benchmark"), "")
		if all[name] == nil {
			all[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("bench: line %q: value %q: %w", sc.Text(), f[i], err)
			}
			all[name][f[i+1]] = append(all[name][f[i+1]], v)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("bench: read benchmark output: %w", err)
	}
	out := results{}
	for name, units := range all {
		out[name] = map[string]float64{}
		for unit, vs := range units {
			out[name][unit] = median(vs)
		}
	}
	return out, nil
}

func median(vs []float64) float64 {
	if len(vs) == 0 {
		return 0
	}
	slices.Sort(vs)
	if n := len(vs); n%2 == 0 {
		return (vs[n/2-1] + vs[n/2]) / 2
	}
	return vs[len(vs)/2]
}

// get is a metric that must be there.
func (r results) get(name, unit string) (float64, error) {
	v, ok := r[name][unit]
	if !ok {
		return 0, fmt.Errorf("bench: no %s of Benchmark%s in the output", unit, name)
	}
	return v, nil
}

// perSecond is operations a second.
func (r results) perSecond(name string) (float64, error) {
	ns, err := r.get(name, "ns/op")
	if err != nil || ns == 0 {
		return 0, errors.Join(err, errors.New("bench: no time taken"))
	}
	return 1e9 / ns, nil
}

// run runs the benchmarks, with nothing else of ours beside them.
func (b *bench) run(ctx context.Context, g goBench) (results, error) {
	root, err := b.sources()
	if err != nil {
		return nil, err
	}
	t, count := g.time, max(1, g.count)
	if b.quick {
		t, count = g.quick, 1
	}
	args := []string{"test", "-vet=off", "-run", "^$", "-bench", g.pattern, "-benchmem", "-benchtime", t, "-count", strconv.Itoa(count), g.pkg}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // the test binary too
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("bench: go %s: %w\n%s", strings.Join(args, " "), err, tail(out, 12))
	}
	return parseBench(bytes.NewReader(out))
}

// sources is the module's root: benchmarks of packages are built from there.
func (b *bench) sources() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("bench: where we are: %w", err)
	}
	for {
		raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.Contains(raw, []byte("module github.com/chekomat/chekomat\n")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("bench: this figure is made from the sources: run it in the repository, with Go installed")
		}
		dir = up
	}
}

// tail is the last lines of an output.
func tail(out []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
