package simulate

import (
	"context"
	"runtime"
	"sort"
	"sync"
	"time"
)

// Options of a run over many schedules.
type Options struct {
	Seed      uint64 // of the first schedule; the others follow
	Schedules int
	Break     string // a wrong strategy; the run ends at the first violation
	Workers   int    // 0: as many as there are processors
	Tries     int    // to shrink a failing schedule, 400
	Progress  func(done, all, wrong int)
	Shrinking func(seed uint64) // before a failing schedule is shrunk
}

// Report is what a run gives.
type Report struct {
	Seed       uint64          `json:"seed"`
	Schedules  int             `json:"schedules"` // played
	Sales      int             `json:"sales"`
	Receipts   int             `json:"receipts"`
	Minutes    float64         `json:"virtual_minutes"`
	Faults     map[Kind]int    `json:"faults"` // that came to something
	Acts       map[ActKind]int `json:"acts"`   // that were accepted
	Invariants []string        `json:"invariants"`
	Break      string          `json:"break,omitempty"`
	Violations int             `json:"violations"`
	Seeds      []uint64        `json:"seeds"` // of schedules with violations
	Stories    []Story         `json:"stories,omitempty"`
	Seconds    float64         `json:"seconds"`
	PerSecond  float64         `json:"schedules_per_second"`
}

// Story is a violation, shrunk.
type Story struct {
	Seed  uint64   `json:"seed"`
	Wrong []string `json:"wrong"`
	Plan  Plan     `json:"plan"` // give it to --replay
	Words []string `json:"story"`
}

// storiesMost are shrunk and told; the others are named by their seed.
const storiesMost = 3

// Many plays schedules side by side and shrinks those that break something.
func Many(ctx context.Context, o Options) (Report, error) {
	rep := Report{Seed: o.Seed, Faults: map[Kind]int{}, Acts: map[ActKind]int{}, Invariants: Invariants, Break: o.Break, Seeds: []uint64{}}
	if err := checkBreak(o.Break); err != nil {
		return rep, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Tries == 0 {
		o.Tries = 400
	}
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var failed error
	var bad []Plan
	next := 0
	var group sync.WaitGroup
	for range o.Workers {
		group.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= o.Schedules || ctx.Err() != nil {
					return
				}
				p := Draw(o.Seed + uint64(i))
				p.Break = o.Break
				r, err := Play(p)
				mu.Lock()
				if err != nil {
					failed = err
					stop()
				}
				rep.add(r)
				if len(r.Wrong) > 0 {
					bad = append(bad, p)
					if o.Break != "" {
						stop()
					}
				}
				if o.Progress != nil {
					o.Progress(rep.Schedules, o.Schedules, rep.Violations)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	rep.Seconds = time.Since(began).Seconds()
	rep.PerSecond = float64(rep.Schedules) / rep.Seconds
	if failed != nil {
		return rep, failed
	}
	sort.Slice(bad, func(i, k int) bool { return bad[i].Seed < bad[k].Seed })
	for i, p := range bad {
		rep.Seeds = append(rep.Seeds, p.Seed)
		if i >= storiesMost {
			continue
		}
		if o.Shrinking != nil {
			o.Shrinking(p.Seed)
		}
		s, err := Tell(p, o.Tries)
		if err != nil {
			return rep, err
		}
		rep.Stories = append(rep.Stories, s)
	}
	return rep, nil
}

func (rep *Report) add(r Result) {
	rep.Schedules++
	rep.Sales += r.Sales
	rep.Receipts += r.Receipts
	rep.Minutes += r.Minutes
	for k, n := range r.Seen {
		rep.Faults[k] += n
	}
	for k, n := range r.Acted {
		rep.Acts[k] += n
	}
	if len(r.Wrong) > 0 {
		rep.Violations++
	}
}

// Tell shrinks a failing plan and tells its story.
func Tell(p Plan, tries int) (Story, error) {
	q, r, err := Shrink(p, tries)
	return Story{Seed: p.Seed, Wrong: r.Wrong, Plan: q, Words: r.Words()}, err
}
