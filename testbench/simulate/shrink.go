package simulate

import "fmt"

// Shrink looks for the smallest part of a plan that still breaks an invariant:
// first of its faults, then of its acts, then of its sales. tries bounds how often a schedule is played. A plan that breaks
// nothing comes back as it was.
func Shrink(p Plan, tries int) (Plan, Result, error) {
	best, err := Play(p)
	if err != nil || len(best.Wrong) == 0 {
		return p, best, err
	}
	fails := func(q Plan) (bool, error) {
		if tries--; tries < 0 {
			return false, nil
		}
		r, err := Play(q)
		if err != nil || len(r.Wrong) == 0 {
			return false, err
		}
		p, best = q, r
		return true, nil
	}
	for before := -1; before != size(p) && tries > 0; {
		before = size(p)
		if err := fewer(len(p.Faults), func(keep func(int) bool) (bool, error) {
			q := p
			q.Faults = without(p.Faults, keep)
			return fails(q)
		}, func() int { return len(p.Faults) }); err != nil {
			return p, best, err
		}
		if err := fewer(len(p.Acts), func(keep func(int) bool) (bool, error) {
			q := p
			q.Acts = without(p.Acts, keep)
			return fails(q)
		}, func() int { return len(p.Acts) }); err != nil {
			return p, best, err
		}
		if err := fewer(len(p.Sales), func(keep func(int) bool) (bool, error) {
			q := p
			q.Sales = without(p.Sales, keep)
			return fails(q)
		}, func() int { return len(p.Sales) }); err != nil {
			return p, best, err
		}
	}
	return p, best, nil
}

func size(p Plan) int { return len(p.Faults) + len(p.Acts) + len(p.Sales) }

func without[T any](all []T, keep func(int) bool) []T {
	out := []T{}
	for i, x := range all {
		if keep(i) {
			out = append(out, x)
		}
	}
	return out
}

// fewer is delta debugging: it tries to do without ever smaller parts of n
// things. try keeps what it is told to; left counts what there still is.
func fewer(n int, try func(keep func(int) bool) (bool, error), left func() int) error {
	for part := (n + 1) / 2; part > 0; part /= 2 {
		for from := 0; from < left(); {
			ok, err := try(func(i int) bool { return i < from || i >= from+part })
			if err != nil {
				return err
			}
			if !ok {
				from += part
			}
		}
	}
	return nil
}

// Words tells a failing schedule to a person: what was drawn, then what
// happened, step by step.
func (r Result) Words() []string {
	out := []string{fmt.Sprintf("seed %d: %d machines, %d registers, %d buyers, %d acts, %d faults", r.Plan.Seed, r.Plan.Machines, r.Plan.Lanes, len(r.Plan.Sales),
		len(r.Plan.Acts), len(r.Plan.Faults))}
	for i, s := range r.Story {
		out = append(out, fmt.Sprintf("%3d. %s", i+1, s))
	}
	return out
}
