package panel

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chekomat/chekomat/display"
)

// Many shows every screen on several panels at once, so that a slow one does
// not delay the others. It fails when any of them fails: a dead display behind
// a working copy must be noticed. Its Health is that of its worst panel, its
// Report that of the first panel that has one.
func Many(ps ...Panel) Panel {
	if len(ps) == 1 {
		return ps[0]
	}
	return many(ps)
}

type many []Panel

var (
	_ Health    = many(nil)
	_ Confirmer = many(nil)
	_ Reporter  = many(nil)
)

func (m many) each(what string, do func(Panel) error) error {
	errs := make([]error, len(m))
	var wg sync.WaitGroup
	for i, p := range m {
		wg.Go(func() {
			if err := do(p); err != nil {
				errs[i] = fmt.Errorf("%s panel %d of %d: %w", what, i+1, len(m), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (m many) Show(s display.Screen) error {
	return m.each("showing on", func(p Panel) error { return p.Show(s) })
}

func (m many) Close() error { return m.each("closing", Panel.Close) }

func (m many) Confirm(ctx context.Context) error {
	return m.each("waiting for", func(p Panel) error {
		if c, ok := p.(Confirmer); ok {
			return c.Confirm(ctx)
		}
		return nil
	})
}

func (m many) Health() Status {
	if len(m) == 0 {
		return Status{Why: WhyNothingShown}
	}
	worst := HealthOf(m[0])
	for _, p := range m[1:] {
		s := HealthOf(p)
		if worst.Alive && !s.Alive {
			s.Confirmed = s.Confirmed && worst.Confirmed
			worst = s
			continue
		}
		worst.Confirmed = worst.Confirmed && s.Confirmed
	}
	return worst
}

func (m many) Report() display.Report {
	for _, p := range m {
		if r, ok := p.(Reporter); ok {
			return r.Report()
		}
	}
	return display.Report{}
}
