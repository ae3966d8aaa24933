// Package flight is the agent's flight recorder: it keeps the last words of the
// bus and writes what surrounds an incident or a disputed sale as a *.trace file
// (package mdb/trace), with the state recovery was in before, so that the same
// can be replayed anywhere.
package flight

import (
	"log/slog"
	"sync"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
)

// Config of a Recorder. Zero values take the defaults named.
type Config struct {
	Dir      string                    // folder of the files; made when the first is written
	Words    int                       // kept in memory, 65536: 512 KiB
	Before   time.Duration             // what a file holds before the event, 30 s
	After    time.Duration             // and after it, 10 s
	MaxFiles int                       // 64
	MaxBytes int64                     // of all files, 8 MiB
	Assume   func() []trace.Assumption // what recovery is told, as of now; nil: nothing
	Logger   *slog.Logger
}

func (c Config) defaults() Config {
	if c.Words <= 0 {
		c.Words = 64 << 10
	}
	if c.Before == 0 {
		c.Before = 30 * time.Second
	}
	if c.After == 0 {
		c.After = 10 * time.Second
	}
	if c.MaxFiles <= 0 {
		c.MaxFiles = 64
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 8 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Recorder takes what the listener hears, from its goroutine; Now, Saved and
// Read may be called from any.
type Recorder struct {
	cfg Config

	mu       sync.Mutex
	ring     ring
	fidelity module.Fidelity
	states   []stand
	holes    []hole
	floor    uint64 // where the source's present clock began
	busNow   int64
	at       clock.Reading
	marks    []mark // of the slice to be written
	until    int64  // bus time when it is whole
	writing  bool
	done     sync.WaitGroup
}

// stand is recovery's checkpoint after all words before seq.
type stand struct {
	seq   uint64
	state []byte
}

// hole says that words are missing before the word of that number.
type hole struct {
	seq  uint64
	note string
}

// mark is what a slice is written for.
type mark struct {
	t    int64
	text string
}

const (
	maxStates = 8
	maxHoles  = 64
	maxMarks  = 32
)

// New makes a recorder that has heard nothing. Its memory is taken at once: a
// box must not run out of it later.
func New(cfg Config) *Recorder {
	cfg = cfg.defaults()
	return &Recorder{cfg: cfg, ring: ring{buf: make([]uint64, cfg.Words)}}
}

// Begin says that a source was opened.
func (r *Recorder) Begin(f module.Fidelity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fidelity = f
}

// Lost says that words are missing before the next one. The source may have a
// new clock from here: what is to be written is written now.
func (r *Recorder) Lost(note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holes = append(r.holes, hole{r.ring.next, note}); len(r.holes) > maxHoles {
		r.holes = r.holes[1:]
	}
	r.save(true)
	r.floor = r.ring.next
	r.states = r.states[:0]
}

// Words takes what was heard up to now, µs of the source's clock.
func (r *Recorder) Words(ws []mdb.Word, now int64, at clock.Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range ws {
		r.ring.add(w)
	}
	r.busNow, r.at = now, at
	r.save(false)
}

// State takes recovery's checkpoint after the words so far. It keeps b.
func (r *Recorder) State(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.states) > 0 && r.states[0].seq < r.ring.oldest() {
		r.states = r.states[1:]
	}
	s := stand{r.ring.next, b}
	n := len(r.states)
	switch {
	case n > 1 && r.ring.next > 0 && s.seq > r.states[n-2].seq && r.near(r.states[n-2].seq, s.seq):
		r.states[n-1] = s
	case n == maxStates:
		copy(r.states, r.states[1:])
		r.states[n-1] = s
	default:
		r.states = append(r.states, s)
	}
}

func (r *Recorder) near(a, b uint64) bool {
	if a < r.ring.oldest() || a >= r.ring.next {
		return false
	}
	// A state from before the slice must still be there when it is written.
	span := r.cfg.Before + 3*r.cfg.After
	return r.ring.time(b-1)-r.ring.time(a) < span.Microseconds()/(maxStates-2)
}

// Event takes what recovery says. What a person may ask about later begins a
// slice.
func (r *Recorder) Event(ev sales.Event) {
	text, worth := Worth(ev)
	if !worth {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.marks) < maxMarks {
		r.marks = append(r.marks, mark{ev.T, text})
	}
	after := r.cfg.After.Microseconds()
	if len(r.marks) == 1 {
		r.until = ev.T + after
	}
	// What happens soon after belongs to the same slice, up to a bound.
	r.until = min(max(r.until, ev.T+after), r.marks[0].t+3*after)
}

// Worth says whether an event is worth a slice, and names it: an incident, a
// reversal, a sale of class C or D or of unknown amount.
func Worth(ev sales.Event) (text string, worth bool) {
	switch ev.Kind {
	case sales.KindIncident:
		return "incident " + ev.Code, true
	case sales.KindReversal:
		return "reversal", true
	case sales.KindSale, sales.KindReturn, sales.KindTopUp:
		text = string(ev.Kind) + " class " + string(ev.Class)
		if !ev.Amount.Known {
			return text + " amount unknown", true
		}
		return text, ev.Class >= sales.ClassC
	}
	return "", false
}

// save writes the slice when it is whole, or now.
func (r *Recorder) save(now bool) {
	if len(r.marks) == 0 || r.writing || !now && r.busNow < r.until {
		return
	}
	j := r.job(r.marks[0].t-r.cfg.Before.Microseconds(), r.marks)
	if r.marks = nil; len(j.words) == 0 {
		return
	}
	r.writing = true
	r.done.Go(func() {
		_, err := r.write(j)
		r.mu.Lock()
		r.writing = false
		r.mu.Unlock()
		if err != nil {
			r.cfg.Logger.Warn("the flight recorder can't write", "err", err)
		}
	})
}

// job is a slice on its way to a file.
type job struct {
	header trace.Header
	first  uint64 // number of the first word
	words  []uint64
	holes  []hole
	marks  []mark
	at     time.Time
	now    int64 // bus time at the end
}

// job copies what is there since a time of the bus, from a known state of
// recovery on if there is one.
func (r *Recorder) job(since int64, marks []mark) job {
	// Half of what was wanted with a state to begin from is worth more than all of
	// it without.
	half := since + (marks[0].t-since)/2
	from, state := r.start(r.ring.since(since, r.floor), r.ring.since(min(half, since+r.cfg.Before.Microseconds()/2), r.floor))
	j := job{first: from, words: r.ring.copy(from), marks: marks, at: r.at.Wall, now: r.busNow}
	for _, h := range r.holes {
		if h.seq > from && h.seq <= r.ring.next {
			j.holes = append(j.holes, h)
		}
	}
	f, bus := r.fidelity, "mdb"
	if len(j.words) > 0 && unpack(j.words[0]).Line >= mdb.EXEMaster {
		bus = "exe"
	}
	j.header = trace.Header{Bus: bus, State: state, ClockT: r.busNow,
		Fidelity: trace.Fidelity{ModeBits: f.ModeBits, Checksums: f.Checksums, Times: f.Times, BothLines: f.BothLines}}
	if r.cfg.Assume != nil {
		j.header.Assume = r.cfg.Assume()
	}
	if !r.at.Wall.IsZero() {
		j.header.Clock = r.at.Wall.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
	}
	return j
}

// start gives where a slice begins and what recovery's state was there: the
// newest state before what is wanted, or else the first up to the latest word a
// slice may begin with.
func (r *Recorder) start(wanted, latest uint64) (from uint64, state []byte) {
	from = wanted
	for _, s := range r.states {
		switch {
		case s.seq < r.ring.oldest() || s.seq < r.floor:
		case s.seq <= wanted, state == nil && s.seq <= latest:
			from, state = s.seq, s.state
		}
	}
	return from, state
}

// Now writes what was heard in the last while, because somebody asks.
func (r *Recorder) Now(last time.Duration, why string) (Flight, error) {
	r.mu.Lock()
	j := r.job(r.busNow-last.Microseconds(), []mark{{r.busNow, why}})
	r.mu.Unlock()
	return r.write(j)
}

// Close writes what is still to be written.
func (r *Recorder) Close() {
	r.done.Wait()
	r.mu.Lock()
	r.save(true)
	r.mu.Unlock()
	r.done.Wait()
}
