package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Options of Run.
type Options struct {
	Subjects  []Subject
	Documents string // name of a kind or its beginning; "" all
	// Schedules is how many are tried of each subject; 0 is all there are.
	Schedules int
	Seed      uint64
	Mixed     int // mixed schedules for each document, 60 by default
	Workers   int // schedules at the same time at most, 48 a core by default: most of them wait; fewer on a busy machine
	Wrap      Wrap
	Progress  func(done, all int)

	pick func(Schedule) bool // schedules to try; nil all
}

// Result is what a subject did.
type Result struct {
	Subject    string            `json:"driver"`
	Schedules  int               `json:"schedules"` // tried
	Planned    int               `json:"planned"`   // how many there are with this seed
	Faults     map[string]int    `json:"faults"`    // those that struck, by kind; the hub's deaths among them
	Documents  map[string]int    `json:"documents"` // made, by kind
	Made       int               `json:"made"`
	Held       int               `json:"held"` // attempts that ended with a person: the ФН or the register was replaced
	Lost       int               `json:"lost"`
	Duplicated int               `json:"duplicated"`
	Wrong      int               `json:"wrong"`
	Stuck      int               `json:"stuck"`
	Refused    map[string]string `json:"refused,omitempty"`  // kinds of documents the driver does not make, with its fault
	Unknown    []string          `json:"unknown,omitempty"`  // faults the emulator does not know
	Seconds    float64           `json:"seconds"`            // from its first schedule to its last; others ran beside it
	Failures   []Failure         `json:"failures,omitempty"` // the first of them
}

// Failure is a schedule a driver did not pass.
type Failure struct {
	Schedule Schedule `json:"schedule"`
	Verdict  Verdict  `json:"verdict"`
	Story    []string `json:"story,omitempty"`
}

// maxFailures bounds what a report tells of one subject.
const maxFailures = 10

// Bad says that the subject failed.
func (r Result) Bad() bool { return r.Lost+r.Duplicated+r.Wrong+r.Stuck > 0 }

// life is how many schedules an emulator serves before a new one takes its
// place: archives are read whole.
const life = 60

// Run tries the subjects side by side.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if o.Workers == 0 {
		o.Workers = 48 * runtime.GOMAXPROCS(0)
	}
	if o.Mixed == 0 {
		o.Mixed = 60
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &runner{o: o, pace: newPace(o.Workers), kinds: map[string]Kind{}, shares: make([]share, len(o.Subjects)), results: make([]Result, len(o.Subjects)), cancel: cancel}
	for _, k := range Kinds() {
		r.kinds[k.Name] = k
	}
	go r.pace.watch(ctx)
	for i, sub := range o.Subjects {
		r.results[i] = Result{Subject: sub.Name, Faults: map[string]int{}, Documents: map[string]int{}, Refused: map[string]string{}}
		r.group.Go(func() {
			r.pace.enter()
			defer r.pace.leave()
			plan, err := prepare(ctx, sub, o, &r.results[i])
			if err != nil {
				r.fail(fmt.Errorf("%s: %w", sub.Name, err))
			}
			r.shares[i].plan = plan
		})
	}
	r.group.Wait()
	if r.failed != nil {
		return nil, r.failed
	}
	for i := range r.shares {
		r.all += len(r.shares[i].plan)
	}
	for range min(o.Workers, r.all) {
		r.group.Go(func() { r.work(ctx) })
	}
	r.group.Wait()
	for i := range r.shares {
		for _, b := range r.shares[i].idle {
			b.close()
		}
		slices.Sort(r.results[i].Unknown)
		r.results[i].Unknown = slices.Compact(r.results[i].Unknown)
	}
	if r.failed == nil {
		r.failed = context.Cause(ctx)
	}
	return r.results, r.failed
}

// runner gives out the schedules of all subjects in turns.
type runner struct {
	o       Options
	pace    *pace
	kinds   map[string]Kind
	results []Result
	group   sync.WaitGroup
	cancel  context.CancelFunc

	mu     sync.Mutex
	shares []share // of each subject
	given  int     // over all of them
	done   int
	all    int
	failed error
}

// share is what is left of a subject's plan, and its benches nobody uses now.
type share struct {
	plan  []Schedule
	idle  []*bench
	began time.Time
}

// fail ends the run with its first error.
func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil && !errors.Is(err, context.Canceled) {
		r.failed = err
	}
	r.cancel()
}

// next takes the next schedule of the subject whose turn it is; i < 0 when there
// is none left.
func (r *runner) next() (i int, s Schedule, b *bench) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range r.shares {
		i = r.given % len(r.shares)
		r.given++
		sh := &r.shares[i]
		if len(sh.plan) == 0 {
			continue
		}
		if sh.began.IsZero() {
			sh.began = time.Now()
		}
		s, sh.plan = sh.plan[0], sh.plan[1:]
		if n := len(sh.idle); n > 0 {
			b, sh.idle = sh.idle[n-1], sh.idle[:n-1]
			return i, s, b
		}
		return i, s, &bench{sub: r.o.Subjects[i], wrap: r.o.Wrap}
	}
	return -1, s, nil
}

func (r *runner) work(ctx context.Context) {
	for ctx.Err() == nil {
		r.pace.enter()
		i, s, b := r.next()
		if i < 0 {
			r.pace.leave()
			return
		}
		t, err := b.try(ctx, s, r.kinds[s.Document])
		r.pace.leave()
		if err != nil {
			b.close()
			r.fail(fmt.Errorf("%s: %w", s, err))
			return
		}
		r.mu.Lock()
		r.shares[i].idle = append(r.shares[i].idle, b)
		r.results[i].take(s, t)
		r.results[i].Seconds = float64(time.Since(r.shares[i].began).Milliseconds()) / 1000
		r.done++
		done := r.done
		r.mu.Unlock()
		if r.o.Progress != nil {
			r.o.Progress(done, r.all)
		}
	}
}

// prepare measures how many places each document has and plans its schedules.
func prepare(ctx context.Context, sub Subject, o Options, res *Result) (out []Schedule, err error) {
	b := &bench{sub: sub, wrap: nil}
	defer b.close()
	rnd := rand.New(rand.NewPCG(o.Seed, 0x706c616e))
	var each [][]Schedule
	for _, k := range kindsOf(o.Documents) {
		s := Schedule{Subject: sub.Name, Document: k.Name}
		t, err := b.try(ctx, s, k)
		if err != nil {
			return nil, fmt.Errorf("make %s undisturbed: %w", k.Name, err)
		}
		if out := t.judged.out; out.Kind == kkt.Config || out.Kind == kkt.Rejected {
			res.Refused[k.Name] = fmt.Sprint(out.Fault)
			continue
		}
		if t.verdict.Bad() {
			return nil, fmt.Errorf("make %s undisturbed: %s\n%s", k.Name, strings.Join(t.verdict.Wrong, "; "), strings.Join(t.log, "\n"))
		}
		ss := plan(sub, k, t.places, o.Mixed, rnd)
		if o.pick != nil {
			ss = slices.DeleteFunc(ss, func(s Schedule) bool { return !o.pick(s) })
		}
		each = append(each, ss)
	}
	// Documents take turns, so that a part of the plan has some of each.
	for i, more := 0, true; more; i++ {
		more = false
		for _, ss := range each {
			if i < len(ss) {
				out, more = append(out, ss[i]), true
			}
		}
	}
	res.Planned = len(out)
	if o.Schedules > 0 && len(out) > o.Schedules {
		out = out[:o.Schedules]
	}
	return out, nil
}

// take counts a schedule.
func (r *Result) take(s Schedule, t trial) {
	v := t.verdict
	r.Schedules++
	for k, n := range t.struck {
		r.Faults[k] += n
	}
	r.Unknown = append(r.Unknown, t.unknown...)
	r.Made += v.Made
	r.Documents[s.Document] += v.Made
	if v.Held != "" && !v.Stuck {
		r.Held++
	}
	for _, c := range []struct {
		is bool
		to *int
	}{{v.Lost, &r.Lost}, {v.Duplicated, &r.Duplicated}, {v.Stuck, &r.Stuck}, {len(v.Wrong) > 0 && !v.Lost && !v.Duplicated && !v.Stuck, &r.Wrong}} {
		if c.is {
			*c.to++
		}
	}
	if v.Bad() && len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, Failure{s, v, t.log})
	}
}

// bench is a worker: an emulator of each version of FFD, replaced now and then.
type bench struct {
	sub  Subject
	wrap Wrap
	regs map[kkt.FFD]*served
}

type served struct {
	Register
	unit kkt.Registration // as the first driver read it
	uses int
}

// seeds gives each emulator another seed and each job another key.
var seeds atomic.Uint64

func (b *bench) register(v kkt.FFD) (*served, error) {
	if r := b.regs[v]; r != nil {
		if r.uses++; r.uses < life {
			return r, nil
		}
		b.drop(v)
	}
	r, err := b.sub.Start(Start{FFD: v, Seed: seeds.Add(1)})
	if err != nil {
		return nil, fmt.Errorf("start an emulator: %w", err)
	}
	if b.regs == nil {
		b.regs = map[kkt.FFD]*served{}
	}
	b.regs[v] = &served{Register: r}
	return b.regs[v], nil
}

func (b *bench) drop(v kkt.FFD) {
	if r := b.regs[v]; r != nil {
		_ = r.Close()
		delete(b.regs, v)
	}
}

func (b *bench) close() {
	for v := range b.regs {
		b.drop(v)
	}
}

// trial is a schedule that was tried.
type trial struct {
	judged  judged
	verdict Verdict
	places  places
	struck  map[string]int
	unknown []string
	log     []string
}

// deadline bounds one schedule: far beyond what any needs, even on a machine
// that does much else.
const deadline = 3 * time.Minute

// try runs one schedule. An error says that the bench itself failed.
func (b *bench) try(parent context.Context, s Schedule, k Kind) (t trial, err error) {
	ctx, cancel := context.WithTimeout(parent, deadline)
	defer cancel()
	reg, err := b.register(k.FFD)
	if err != nil {
		return t, err
	}
	n := int(seeds.Add(1))
	doc, key := k.Make(n), kkt.NewKey("conformance", b.sub.Name, fmt.Sprint(n))
	h := &hub{reg: reg, line: &line{}, wrap: b.wrap}
	defer func() {
		if h.driver != nil {
			h.close()
		}
	}()
	if err := h.open(); err != nil {
		return t, err
	}
	h.attend()
	if err := h.warm(ctx, &reg.unit); err != nil {
		return t, fmt.Errorf("read the register: %w", err)
	}
	if err := h.shift(ctx, doc.Kind); err != nil {
		return t, fmt.Errorf("bring the shift to where %s begins: %w", s.Document, err)
	}
	h.reports, h.log, h.step = nil, nil, 0
	before := len(reg.Archive())
	struckBefore := reg.Struck()
	h.dies = map[int]bool{}
	for _, at := range s.Dies {
		h.dies[at] = true
	}
	h.line.arm(s.Line)
	for _, f := range s.Register {
		if err := reg.Inject(f); err != nil {
			t.unknown = append(t.unknown, string(f.Kind))
		}
	}
	out, err := h.make(ctx, doc, key)
	if parent.Err() != nil {
		return t, parent.Err()
	}
	t.places = h.line.places()
	onLine := h.line.disarm()
	reg.Disarm()
	settle(s)
	t.struck = map[string]int{}
	for kind, n := range onLine {
		t.struck[string(kind)] += n
	}
	onRegister := map[faults.Kind]int{}
	for kind, n := range reg.Struck() {
		if n -= struckBefore[kind]; n > 0 && kind != faults.Repair && kind != faults.PaperIn {
			onRegister[kind] = n
			t.struck[string(kind)] += n
		}
	}
	if h.deaths > 0 {
		t.struck["hub_death"] += h.deaths
	}
	t.judged = judged{doc: doc, key: key, out: out, err: err, news: slices.Clone(reg.Archive()[before:]), reports: h.reports, struck: onRegister}
	t.verdict = judge(t.judged)
	t.log = append([]string{s.String()}, h.log...)
	if lasting(onRegister) || t.verdict.Bad() {
		b.drop(k.FFD)
	}
	return t, nil
}

// settle waits for what may still happen in the register: a command that runs
// late must be counted, too.
func settle(s Schedule) {
	for _, f := range s.Register {
		if f.Kind == faults.LateExecution {
			time.Sleep(2 * f.Wait())
		}
	}
}

// lasting says that a fault leaves the register in a state the next schedule
// should not begin in, or something it will do later.
func lasting(struck map[faults.Kind]int) bool {
	for _, k := range []faults.Kind{faults.FNReplaced, faults.RegisterReplaced, faults.ShiftExpired, faults.FNFull, faults.FNLifeOver, faults.FNFailure, faults.SecondHost, faults.DelayedAnswer, faults.ForeignDocument, faults.AutoShift} {
		if struck[k] > 0 {
			return true
		}
	}
	return false
}
