// Package simulate runs agents, a broker, the hub and registers in one process
// on virtual time, from one seed, with faults at every seam (design.md §6), and
// holds what is left against what happened: the invariants of reliability.md
// C.3.4. Equal seeds give equal stories, byte for byte.
//
// What runs is the real thing as far as it has seams: mdb/sales and agent/listen
// on the words of a virtual machine, agent/journal and hub/store on SQLite above
// testbench/powercut, agent/uplink's own decisions, agent/screen's machine,
// hub/ingest and hub/till's workers. A register is a virtual ФН (testbench/fn)
// behind a driver without a wire protocol: what becomes of bytes on a wire is
// the conformance suite's to prove.
//
// One schedule runs in one goroutine: processes are coroutines, of which one is
// awake, and a queue of events says which. docs/simulation.md tells how to read
// a story and how to add a fault.
package simulate

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// start is when every schedule begins, UTC.
var start = time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)

var moscow = time.FixedZone("MSK", 3*3600)

// world is one schedule under way.
type world struct {
	plan  Plan
	now   int64 // ms since start
	queue events
	order int64
	story []line
	calm  bool // the faults are over: everything has healed

	machines []*machine
	agents   []*agent
	broker   *broker
	hubs     []*hub
	regs     []*register
	stock    *stock
	kept     *kept // what the hub's disk held when its backup was made
	wrong    []string
	steps    int
	seen     map[Kind]int // faults that came to something
	acted    map[ActKind]int
	orders   int // of people, not answered yet
}

// line of the story.
type line struct {
	at   int64
	text string
}

// tell adds to the story.
func (w *world) tell(format string, args ...any) {
	w.story = append(w.story, line{w.now, fmt.Sprintf(format, args...)})
}

// violated notes a broken invariant.
func (w *world) violated(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.wrong = append(w.wrong, text)
	w.tell("✗ %s", text)
}

// time is the true time.
func (w *world) time() time.Time { return start.Add(time.Duration(w.now) * time.Millisecond) }

// rng draws for one purpose: what is drawn for another never moves it, so that a
// story from which a fault was taken away stays what it was up to there.
func (w *world) rng(purpose string, n ...int) *rand.Rand { return stream(w.plan.Seed, purpose, n...) }

func stream(seed uint64, purpose string, n ...int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, purpose, n)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// event is something that happens at a time.
type event struct {
	at, order int64
	do        func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return e[i].at < e[k].at || e[i].at == e[k].at && e[i].order < e[k].order
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return x
}

// after lets something happen in so many ms.
func (w *world) after(ms int64, do func()) {
	w.order++
	heap.Push(&w.queue, event{w.now + max(ms, 0), w.order, do})
}

// run lets everything happen up to a time.
func (w *world) run(until int64) {
	for len(w.queue) > 0 && w.queue[0].at <= until && len(w.wrong) == 0 {
		e := heap.Pop(&w.queue).(event)
		w.now = max(w.now, e.at)
		w.steps++
		e.do()
	}
	w.now = max(w.now, until)
}

// died is how a process of the simulation ends at a kill point; it is thrown.
type died struct{ point string }

// dies runs a process's step and tells whether, and where, it died in it.
func dies(do func()) (where string, dead bool) {
	defer func() {
		if r := recover(); r != nil {
			d, ok := r.(died)
			if !ok {
				panic(r)
			}
			where, dead = d.point, true
		}
	}()
	do()
	return "", false
}

// clockOf writes a time of the story.
func clockOf(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	return fmt.Sprintf("%02d:%02d.%03d", int(d.Minutes()), int(d.Seconds())%60, ms%1000)
}
