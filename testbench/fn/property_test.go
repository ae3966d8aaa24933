package fn

import (
	"bufio"
	"errors"
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

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever commands, power losses and restarts come, in whatever order: numbers
// have no gap, a document appears exactly when a finish command says so or when
// the power failed between the commit and its answer, counters are the sums of
// the archive, nothing is made after the closing or in a full archive, and a
// restart changes nothing.
func TestOneDocumentPerFinish(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := &model{cfg: Config{Path: filepath.Join(dir, strconv.Itoa(run)), Capacity: 60}, clock: epoch}
		m.cfg.Timer = func() time.Time { return m.clock }
		ffd := rapid.ByteRange(2, 4).Draw(rt, "ffd")
		m.reopen(rt)
		defer func() { _ = m.Close() }()
		begin := func(kinds ...Current) func(*rapid.T) {
			return func(rt *rapid.T) { _ = m.Begin(rapid.SampledFrom(kinds).Draw(rt, "kind"), m.clock) }
		}
		registration := Registration{INN: "7700999990", RNM: "1", FFD: ffd, TaxSystems: 3}
		rt.Repeat(map[string]func(*rapid.T){
			"begin":        begin(CurrentRegistration, CurrentReplacement, CurrentShiftOpen, CurrentReceipt, CurrentCorrection, CurrentState, CurrentShiftClose),
			"begin sale":   begin(CurrentReceipt, CurrentCorrection),
			"begin ending": begin(CurrentChange, CurrentClosing),
			"data":         func(rt *rapid.T) { _ = m.Data(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "tlv")) },
			"tags": func(rt *rapid.T) {
				_ = m.Data(receiptData(rapid.Int64Range(0, 1<<30).Draw(rt, "paid"), "k"))
			},
			"basis":    func(*rapid.T) { _ = m.Data(append(basis(""), item("x", 1)...)) },
			"cancel":   func(*rapid.T) { _ = m.Cancel() },
			"register": func(rt *rapid.T) { m.finish(rt, func() (Document, error) { return m.Register(registration) }) },
			"shift":    func(rt *rapid.T) { m.finish(rt, m.FinishShift) },
			"state":    func(rt *rapid.T) { m.finish(rt, m.FinishState) },
			"close":    func(rt *rapid.T) { m.finish(rt, func() (Document, error) { return m.FinishClose("1") }) },
			"sale": func(rt *rapid.T) {
				operation, sum := rapid.ByteRange(0, 5).Draw(rt, "op"), rapid.Int64Range(-1, 1<<41).Draw(rt, "sum")
				m.finish(rt, func() (Document, error) { return m.FinishReceipt(m.clock, operation, sum) })
			},
			"whole": func(rt *rapid.T) {
				m.whole(rt, rapid.SampledFrom([]Current{CurrentReceipt, CurrentReceipt, CurrentCorrection, CurrentShiftOpen, CurrentShiftClose, CurrentState}).Draw(rt, "kind"), registration)
			},
			"confirm": func(rt *rapid.T) { _, _ = m.Confirm(rapid.IntRange(0, 9).Draw(rt, "n")) },
			"time": func(rt *rapid.T) {
				m.clock = m.clock.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "min")) * time.Minute)
			},
			"trap": func(rt *rapid.T) {
				m.FailPowerAt(rapid.SampledFrom([]Step{StepBegin, StepData, StepFinish, StepAnswer}).Draw(rt, "step"), rapid.IntRange(0, 2).Draw(rt, "part"))
			},
			"full":  func(rt *rapid.T) { _ = m.SetFull(rapid.Bool().Draw(rt, "full")) },
			"power": func(*rapid.T) { m.PowerLoss() },
			"restart": func(rt *rapid.T) {
				before := m.state()
				if err := m.Close(); err != nil {
					rt.Fatal(err)
				}
				m.reopen(rt)
				if d := cmp.Diff(before, m.state()); d != "" {
					rt.Fatalf("the restart changed %s", d)
				}
			},
			"": m.check,
		})
	})
}

// model is a ФН and what it must hold.
type model struct {
	*FN
	cfg      Config
	clock    time.Time
	finished int
}

func (m *model) reopen(rt *rapid.T) {
	f, err := New(m.cfg)
	if err != nil {
		rt.Fatal(err)
	}
	m.FN = f
}

// state is what outlives a restart.
func (m *model) state() (s struct {
	Phase            Phase
	Shift            Shift
	Registered       Registration
	Life, Of, Unsent Counters
	Documents        int
	Queue            Queue
	Left             Resource
	Notes            []Notification
}) {
	s.Phase, s.Shift, s.Documents, s.Queue, s.Left, s.Notes = m.Status().Phase, m.ShiftState(), m.Len(), m.Queue(), m.Resource(), m.Notifications()
	s.Registered, _ = m.Registered()
	s.Of, s.Life, s.Unsent = m.Totals()
	return s
}

// whole makes one document from its beginning, the registration before it.
func (m *model) whole(rt *rapid.T, kind Current, r Registration) {
	if m.Status().Phase == PhaseReady {
		kind = CurrentRegistration
	}
	if m.Begin(kind, m.clock) != nil {
		return
	}
	switch kind {
	case CurrentRegistration:
		m.finish(rt, func() (Document, error) { return m.Register(r) })
	case CurrentState:
		m.finish(rt, m.FinishState)
	case CurrentShiftOpen, CurrentShiftClose:
		m.finish(rt, m.FinishShift)
	default:
		sum := rapid.Int64Range(0, 1<<30).Draw(rt, "sum")
		_ = m.Data(append(append(receiptData(sum, "k"), item("x", sum)...), basis("")...))
		m.finish(rt, func() (Document, error) { return m.FinishReceipt(m.clock, 1+2*byte(sum&1), sum) })
	}
}

func (m *model) finish(rt *rapid.T, do func() (Document, error)) {
	open, phase, dark := m.Status().Current, m.Status().Phase, m.Dark()
	before := m.Len()
	d, err := do()
	switch made := m.Len() - before; {
	case err == nil && made == 1 && d.FD == uint32(m.finished+1):
		m.finished++
	case errors.Is(err, ErrDark) && !dark && made == 1:
		m.finished++ // the power failed after the commit
	case err != nil && made == 0:
	default:
		rt.Fatalf("%d documents made, ФД %d, %v", made, d.FD, err)
	}
	if m.Len() > before && (open == CurrentNone || phase > PhaseWork) {
		rt.Fatalf("a document out of nothing, or after the closing: open %02X, phase %d", open, phase)
	}
}

func (m *model) check(rt *rapid.T) {
	if m.Len() != m.finished || int(m.Status().LastFD) != m.finished || m.Len() > m.cfg.Capacity+archiveReserve {
		rt.Fatalf("%d documents in the archive, %d finished", m.Len(), m.finished)
	}
	var shift, life, unsent Counters
	var number uint32
	var receipts uint16
	confirmed := m.finished - m.Queue().Unsent
	for i, d := range m.Documents(1, 0) {
		if d.FD != uint32(i+1) || d.Confirmed != (i < confirmed) {
			rt.Fatalf("ФД %d at place %d, confirmed %v", d.FD, i, d.Confirmed)
		}
		switch d.Type {
		case TypeShiftOpen:
			shift, receipts = Counters{}, 0
			if number++; d.Shift != number {
				rt.Fatalf("shift %d after %d", d.Shift, number-1)
			}
		case TypeReceipt, TypeCorrection:
			if receipts++; d.Receipt != uint32(receipts) || d.Shift != number {
				rt.Fatalf("receipt %d of shift %d, want %d of %d", d.Receipt, d.Shift, receipts, number)
			}
		}
		shift.Add(d)
		life.Add(d)
		if i >= confirmed {
			unsent.Add(d)
		}
	}
	gotShift, gotLife, gotUnsent := m.Totals()
	if gotShift != shift || gotLife != life || gotUnsent != unsent {
		rt.Fatalf("counters differ from the archive")
	}
	if s := m.Status(); (s.Current == CurrentNone) != (m.draft == nil) || m.Dark() && s.Current != CurrentNone {
		rt.Fatalf("%+v", s)
	}
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
