package drill

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// scene is one fault: how it comes, what must be seen of it, how it goes.
type scene struct {
	name string
	run  func(ctx context.Context, s *site) error
}

// steps runs until one fails.
func steps(all ...func() error) error {
	for _, do := range all {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

const (
	soon  = 40 * time.Second // limits, not budgets: a wait ends when what it waits for is there
	later = 2 * time.Minute  // a lost answer alone holds its register for half a minute
)

// registerScenes run one after another on one demo whose machines sell on.
var registerScenes = []scene{
	{"register off for a moment", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "off") },
			func() error {
				return s.laneIs(ctx, soon, "unreachable", "register_unreachable", "register_link_broken", "register_no_answer")
			},
			func() error {
				return s.incident(ctx, soon, "register_unreachable", "register_link_broken", "register_no_answer")
			},
			func() error { return s.waiting(ctx, soon, 2) },
			func() error { return s.fault(ctx, "repair") },
			func() error { return s.laneIs(ctx, soon, "ok") },
			func() error { return s.drained(ctx, later) },
			func() error { return s.noIncident(ctx, soon, "register_unreachable") },
		)
	}},
	{"register busy", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "busy,delay=4s") },
			func() error { return s.laneIs(ctx, soon, "busy", "register_busy") },
			func() error { return s.laneIs(ctx, soon, "ok") },
			func() error { return s.drained(ctx, later) },
		)
	}},
	{"shift expired: 25 hours pass", func(ctx context.Context, s *site) error {
		return s.shiftTurns(ctx, func() error { return s.jump(ctx, 25*time.Hour) })
	}},
	{"shift expired between two commands of a receipt", func(ctx context.Context, s *site) error {
		return s.shiftTurns(ctx, func() error { return s.fault(ctx, "shift_expired@FF45,when=before") })
	}},
	{"FN full", func(ctx context.Context, s *site) error {
		return s.fnStops(ctx, "fn_full", "fn_full", "fn_unsent_limit", "fn_full") // 14h: no room for documents the ОФД has not confirmed
	}},
	{"life of the FN over", func(ctx context.Context, s *site) error {
		return s.fnStops(ctx, "fn_life_over", "fn_life_over", "fn_expired", "fn_expired")
	}},
	{"paper out never means not fiscalized", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "paper_out@FF45,when=after") },
			func() error { return s.laneIs(ctx, soon, "busy", "register_paper_out") },
			func() error { return s.incident(ctx, later, "register_paper_out") },
			func() error { return s.waiting(ctx, soon, 1) },
			func() error { return s.fault(ctx, "repair") },
			func() error { return s.laneIs(ctx, soon, "ok") },
			func() error { return s.drained(ctx, later) },
		)
	}},
	{"another program makes a receipt", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "foreign_document") },
			func() error { return s.incident(ctx, soon, "foreign_document") },
			func() error { return s.drained(ctx, later) },
		)
	}},
	{"FN replaced", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "fn_replaced") },
			func() error { return s.receiptsOnNewFN(ctx) },
			func() error { return s.laneIs(ctx, soon, "ok") },
			func() error { return s.drained(ctx, later) },
		)
	}},
	{"bad records", quarantined},
}

// answerScenes leave it unknown, again and again, whether a receipt was made.
var answerScenes = []scene{
	{"answers of the last command lost, executed late, and the hub killed", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.fault(ctx, "lost_answer:0.4@FF45") },
			func() error { return s.fault(ctx, "late_execution:0.3@FF45,delay=300ms,drop") },
			func() error { return pause(ctx, 4*time.Second) },
			func() error { s.Programs()["hub"].Kill(); return pause(ctx, 3*time.Second) },
			func() error { return s.calm(ctx) },
			func() error { return s.laneIs(ctx, later, "ok") },
			func() error { return s.drained(ctx, later) },
		)
	}},
}

func pause(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}

// shiftTurns lets the shift pass its 24 hours: the lane must close and open it
// by itself, and no one is called.
func (s *site) shiftTurns(ctx context.Context, expire func() error) error {
	closed, err := s.documents(ctx, fn.TypeShiftClose.String())
	if err != nil {
		return err
	}
	return steps(expire,
		func() error {
			return until(ctx, "a shift report", soon, func(ctx context.Context) (string, bool) {
				n, err := s.documents(ctx, fn.TypeShiftClose.String())
				return fmt.Sprintf("%d reports, %d before", n, closed), err == nil && n > closed
			})
		},
		func() error { return s.laneIs(ctx, soon, "ok") },
		func() error { return s.drained(ctx, later) },
	)
}

// receiptsOnNewFN waits until receipts are made on another ФН than the first.
func (s *site) receiptsOnNewFN(ctx context.Context) error {
	return until(ctx, "receipts on the new ФН", soon, func(ctx context.Context) (string, bool) {
		var all []fn.Document
		if err := call(ctx, http.MethodGet, s.Archive+"?tlv=0&type="+fn.TypeReceipt.String(), nil, &all); err != nil {
			return err.Error(), false
		}
		made := map[string]int{}
		for _, d := range all {
			made[d.FN]++
		}
		return fmt.Sprint(made), len(made) == 2
	})
}

// fnStops lets the ФН take no more: sales wait under its name, on dashboard and
// displays, until a person has mended it.
func (s *site) fnStops(ctx context.Context, fault, state, code, reason string) error {
	return steps(
		func() error { return s.fault(ctx, fault) },
		func() error { return s.laneIs(ctx, soon, state, code) },
		func() error { return s.incident(ctx, soon, code) },
		func() error { return s.anyScreen(ctx, soon, "delayed", reason) },
		func() error { return s.waiting(ctx, soon, 1) },
		func() error { return s.fault(ctx, "repair") },
		func() error { return s.resume(ctx) },
		func() error { return s.laneIs(ctx, soon, "ok") },
		func() error { return s.drained(ctx, later) },
		func() error { return s.noIncident(ctx, soon, code) },
	)
}

// silentScenes need minutes of patience, the machines' own rule: they run on a
// demo of their own. The first machine stops after a minute, the second never.
var silentScenes = []scene{
	{"register off for long", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.stopRule(ctx, 0, 1) },
			func() error { return s.fault(ctx, "off") },
			func() error {
				return s.laneIs(ctx, soon, "unreachable", "register_unreachable", "register_link_broken", "register_no_answer")
			},
			func() error { return s.anyScreen(ctx, later+soon, "delayed", "register_silent") },
			func() error { return s.StopSelling(ctx) },
			func() error { return s.screenOf(ctx, 75*time.Second, 0, "out_of_service", "register_silent") },
			func() error { return s.stillSells(ctx, 1) },
			func() error { return s.fault(ctx, "repair") },
			func() error { return s.laneIs(ctx, later, "ok") },
			func() error { return s.Drain(ctx, later) },
			func() error { return s.drained(ctx, soon) },
			func() error { return s.stillSells(ctx, 0) },
		)
	}},
}
