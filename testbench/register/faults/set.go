package faults

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Set holds the faults that wait for their command. It is safe for concurrent
// use; equal seeds and equal commands strike equally.
type Set struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	list   []*waiting
	struck map[Kind]int
}

type waiting struct {
	Fault
	hits, left int // left strikes; 0 has no end
}

// NewSet makes an empty set.
func NewSet(seed uint64) *Set {
	return &Set{rnd: rand.New(rand.NewPCG(seed, 0x4641_554C_54)), struck: map[Kind]int{}}
}

// Add arms a checked fault.
func (s *Set) Add(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &waiting{Fault: f, left: f.Times}
	if f.Times == 0 && f.Rate == 0 && (f.Kind != Slow || f.Nth > 0) {
		w.left = 1
	}
	s.list = append(s.list, w)
}

// Count notes a fault that struck without a command.
func (s *Set) Count(k Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.struck[k]++
}

// Clear disarms all.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

// All lists the armed faults; Times is what is left of them.
func (s *Set) All() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, w := range s.list {
		f := w.Fault
		f.Times = w.left
		out = append(out, f)
	}
	return out
}

// Struck counts what struck since the start, by kind.
func (s *Set) Struck() map[Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[Kind]int{}
	for k, n := range s.struck {
		out[k] = n
	}
	return out
}

// Match counts a command for every armed fault that names it and returns the
// first that strikes. names are the command's code and its generic names;
// letters of either case are equal.
func (s *Set) Match(names ...string) (struck Fault, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.list); i++ {
		w := s.list[i]
		if w.Command != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, w.Command) }) {
			continue
		}
		w.hits++
		if ok || w.Nth > 0 && w.hits < w.Nth || w.Rate > 0 && s.rnd.Float64() >= w.Rate {
			continue
		}
		struck, ok = w.Fault, true
		s.struck[w.Kind]++
		if w.left > 0 {
			if w.left--; w.left == 0 {
				s.list = slices.Delete(s.list, i, i+1)
				i--
			}
		}
	}
	return struck, ok
}
