package fn

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever order commands come in: numbers have no gaps, a document appears
// exactly when a finish command says so, and a restart changes nothing.
func TestOneDocumentPerFinish(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		cfg := Config{Path: filepath.Join(dir, strconv.Itoa(run)), Capacity: 40}
		clock := epoch
		cfg.Timer = func() time.Time { return clock }
		f, err := New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		finished := 0
		finish := func(d Document, err error) {
			if err == nil {
				finished++
				if d.FD != uint32(finished) {
					rt.Fatalf("ФД %d after %d documents", d.FD, finished-1)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"begin": func(rt *rapid.T) {
				_ = f.Begin(rapid.SampledFrom([]Current{CurrentRegistration, CurrentShiftOpen, CurrentReceipt, CurrentShiftClose}).Draw(rt, "kind"), clock)
			},
			"data":     func(rt *rapid.T) { _ = f.Data(rapid.SliceOf(rapid.Byte()).Draw(rt, "tlv")) },
			"tags":     func(*rapid.T) { _ = f.Data(AppendByte(AppendString(nil, 1036, "VM"), 1209, 4)) },
			"cancel":   func(*rapid.T) { _ = f.Cancel() },
			"register": func(*rapid.T) { finish(f.Register(Registration{INN: "7700999990", RNM: "1", FFD: 4})) },
			"shift":    func(*rapid.T) { finish(f.FinishShift()) },
			"receipt": func(rt *rapid.T) {
				finish(f.FinishReceipt(clock, rapid.ByteRange(0, 5).Draw(rt, "op"), rapid.Int64Range(-1, 1<<41).Draw(rt, "sum")))
			},
			"confirm": func(rt *rapid.T) { _, _ = f.Confirm(rapid.IntRange(0, 3).Draw(rt, "n")) },
			"time": func(rt *rapid.T) {
				clock = clock.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "min")) * time.Minute)
			},
			"power": func(*rapid.T) { f.PowerLoss() },
			"restart": func(rt *rapid.T) {
				if err := f.Close(); err != nil {
					rt.Fatal(err)
				}
				if f, err = New(cfg); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				if f.Len() != finished || int(f.Status().LastFD) != finished {
					rt.Fatalf("%d documents in the archive, %d finished", f.Len(), finished)
				}
				for i, d := range f.Documents(1, 0) {
					if d.FD != uint32(i+1) {
						rt.Fatalf("ФД %d at place %d", d.FD, i)
					}
				}
			},
		})
	})
}

const childPath = "CHEKOMAT_FN_CHILD"

// TestMain lets the test binary be the process that SIGKILL ends.
func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := makeReceipts(path, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// makeReceipts makes receipts until it is killed and says each ФД once the
// document exists.
func makeReceipts(path string, out io.Writer) error {
	f, err := New(Config{Path: path})
	if err != nil {
		return err
	}
	b := &bench{FN: f, t: panics{}, clock: time.Now()}
	if f.Status().Phase == PhaseReady {
		b.register()
	}
	if !f.Status().Open {
		b.shiftOpen()
	}
	for {
		d := b.receipt(100, fmt.Sprint("key-", f.Len()+1))
		if _, err := fmt.Fprintln(out, d.FD); err != nil {
			return err
		}
		if _, err := f.Confirm(1); err != nil {
			return err
		}
	}
}

// panics is a testing.TB for the child, which has no test.
type panics struct{ testing.TB }

func (panics) Helper()           {}
func (panics) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// The process is killed at random moments; every document it spoke of is there,
// at most one more, and the numbers have no gap.
func TestArchiveSurvivesSIGKILL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fn.log")
	rnd := rand.New(rand.NewPCG(1, 2))
	had := 0
	for round := range 25 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childPath+"="+path)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed after a random number of answers, not after a random time:
		// the test does not depend on the machine's speed.
		said, limit := 0, 1+rnd.IntN(200)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fd, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
			if err != nil {
				t.Fatalf("child said %q", lines.Text())
			}
			said = fd
			if limit--; limit == 0 {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		f, err := New(Config{Path: path})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		docs := f.Documents(1, 0)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if len(docs) < said || len(docs) > said+1 || len(docs) <= had {
			t.Fatalf("round %d: %d documents, the child spoke of %d, before %d", round, len(docs), said, had)
		}
		for i, d := range docs {
			if d.FD != uint32(i+1) {
				t.Fatalf("round %d: ФД %d at place %d", round, d.FD, i)
			}
		}
		had = len(docs)
	}
	t.Logf("%d documents over 25 kills", had)
}

func FuzzDecode(f *testing.F) {
	b := newBench(f, Config{})
	b.register()
	b.shiftOpen()
	f.Add([]byte(b.receipt(8500, "k").TLV))
	f.Add([]byte(b.shiftClose().TLV))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Decode(in)
		if err == nil && int(d.Type) != int(in[0])|int(in[1])<<8 {
			t.Fatalf("type %d", d.Type)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0xd3, 0xd9, 0x9e, 0x83, 2})
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, body, n := parseRecord(in); n > len(in) || len(body) > n {
			t.Fatalf("%d bytes of %d", n, len(in))
		}
	})
}

func BenchmarkReceipt(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{{"memory", Config{}}, {"file", Config{Path: filepath.Join(b.TempDir(), "f")}}, {"fsync", Config{Path: filepath.Join(b.TempDir(), "s"), Sync: true}}} {
		b.Run(c.name, func(b *testing.B) {
			c.cfg.Capacity = 1 << 30
			if c.cfg.Path != "" {
				c.cfg.Path += strconv.Itoa(b.N)
			}
			f := newBench(b, c.cfg)
			f.register()
			f.shiftOpen()
			b.ReportAllocs()
			for b.Loop() {
				f.receipt(8500, "k")
			}
		})
	}
}
