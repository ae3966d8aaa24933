package convert

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/testbench/replay"
)

func converted(t *testing.T, from, form string, s Settings) (string, Counts) {
	t.Helper()
	var b bytes.Buffer
	n, err := Run(context.Background(), from, form, s, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), n
}

func replayed(t *testing.T, path string) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := replay.Run(context.Background(), path, replay.Options{JSON: true}, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func put(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// captures of the shared traces, found beside the repository.
func captures(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		dir = "../../../shared/traces"
	}
	var all []string
	for _, p := range []string{"*.words.csv", "*.blocks.txt", "qibixx*.log"} {
		got, err := filepath.Glob(filepath.Join(dir, "mdb", p))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, got...)
	}
	if len(all) == 0 {
		t.Skipf("CHEKOMAT_TRACES absent: no captures in %s", dir)
	}
	return all
}

// A capture written as a trace gives the same events and the same counts.
func TestTracesHoldEverything(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, n := converted(t, path, module.FormTrace, Settings{})
			if n.Dropped != 0 {
				t.Errorf("%d words left out", n.Dropped)
			}
			again := put(t, "again.trace", text)
			if replayed(t, path) != replayed(t, again) {
				t.Error("replayed otherwise")
			}
			same, _ := converted(t, again, module.FormTrace, Settings{})
			if same != text {
				t.Error("a trace converted to a trace is another")
			}
			if strings.HasSuffix(path, ".words.csv") {
				words, _ := converted(t, again, module.FormWords, Settings{})
				if replayed(t, put(t, "again.words.csv", words)) != replayed(t, path) {
					t.Error("words of the trace are replayed otherwise")
				}
			}
			if f, err := trace.Parse(strings.NewReader(text)); err != nil || len(f.Items) == 0 {
				t.Error(err)
			}
		})
	}
}

func TestWhatAFormCannotHoldIsCounted(t *testing.T) {
	in := put(t, "in.trace", "trace 1\nVMC break 110ms\nVMC 112 012\nDEV 100\nlost cable # x\nVMC 112 013\nVMC 110/f 010\nVMC 12\nDEV 00\nVMC ACK\n")
	words, n := converted(t, in, module.FormWords, Settings{})
	if n.Dropped != 3 || !strings.Contains(words, "# lost: cable") {
		t.Errorf("%+v\n%s", n, words)
	}
	blocks, n := converted(t, in, module.FormBlocks, Settings{})
	want := "M 12 12\nS 00\n# lost: cable\n# left out: bad_checksum 12 13\n# left out: framing_error 10 10\nM 12 12\nS 00 00\nM 00\n"
	if !strings.Contains(blocks, want) || n.Blocks != 5 {
		t.Errorf("%+v\n%s", n, blocks)
	}
	if _, err := Run(context.Background(), in, "pcap", Settings{}, &bytes.Buffer{}); err == nil {
		t.Error("an unknown form was written")
	}
	exe := put(t, "exe.trace", "trace 1\nbus exe\nMASTER 31\nSLAVE 00\n")
	if _, err := Run(context.Background(), exe, module.FormBlocks, Settings{}, &bytes.Buffer{}); err == nil {
		t.Error("EXE was written as blocks of MDB")
	}
}

// A recording already open in the place of the result is not lost by a failure.
func TestResultAppearsWhole(t *testing.T) {
	out := put(t, "out.trace", "trace 1\n# precious\n")
	c := Command()
	c.SetArgs([]string{"no-such.trace", out})
	c.SilenceUsage, c.SilenceErrors = true, true
	if err := c.Execute(); err == nil {
		t.Fatal("no error")
	}
	if b, _ := os.ReadFile(out); !strings.Contains(string(b), "precious") {
		t.Error("the old file is gone")
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".convert-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
