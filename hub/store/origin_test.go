package store

import (
	"testing"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
)

func reversal(seq, of int64) wire.Record {
	r := record("j", seq, wire.KindReversal, nil)
	r.Of = of
	return r
}

func TestReversal(t *testing.T) {
	for _, c := range []struct {
		name           string
		sale           func(*wire.Sale)
		meanwhile      string // SQL between sale and reversal
		fate           Fate   // of the sale
		reason         string
		reversal       Fate
		reversalReason string
		states         []string // of the jobs
	}{
		{name: "before the attempt", fate: FateNone, reason: NoneReversed, reversal: FateNone, reversalReason: NoneReversal, states: []string{JobVoid}},
		{name: "held by the till, never tried", meanwhile: `UPDATE job SET state='held', reason='x'`, fate: FateNone, reason: NoneReversed, reversal: FateNone, reversalReason: NoneReversal, states: []string{JobVoid}},
		{name: "after Done", meanwhile: `UPDATE job SET state='done', attempts=1`, fate: FateJob, reversal: FateJob, states: []string{JobDone, JobQueued}},
		{name: "on its way", meanwhile: `UPDATE job SET state='in_flight', attempts=1`, fate: FateJob, reversal: FateJob, states: []string{JobInFlight, JobHeld}},
		{name: "being resolved", meanwhile: `UPDATE job SET state='resolving', attempts=1`, fate: FateJob, reversal: FateJob, states: []string{JobResolving, JobHeld}},
		{name: "tried, proven not printed, queued again", meanwhile: `UPDATE job SET attempts=1`, fate: FateJob, reversal: FateJob, states: []string{JobQueued, JobHeld}},
		{name: "void", meanwhile: `UPDATE job SET state='void'`, fate: FateJob, reversal: FateNone, reversalReason: NoneNothing, states: []string{JobVoid}},
		{name: "held sale", sale: func(s *wire.Sale) { s.Class = "C" }, fate: FateNone, reason: NoneReversed, reversal: FateNone, reversalReason: NoneReversal},
		{name: "terminal's sale", meanwhile: ``, sale: func(s *wire.Sale) { s.Amount.Minor, s.Parts = 0, nil }, fate: FateNone, reason: NoneFree, reversal: FateNone, reversalReason: NoneNothing},
	} {
		for _, order := range []string{"in order", "reversal first"} {
			if order == "reversal first" && c.meanwhile != "" {
				continue
			}
			t.Run(c.name+", "+order, func(t *testing.T) {
				sc := newScene(t)
				s := vend()
				if c.sale != nil {
					c.sale(&s)
				}
				if order == "in order" {
					sc.came(record("j", 1, wire.KindSale, &s))
					if c.meanwhile != "" {
						sc.do(c.meanwhile)
					}
					sc.came(reversal(2, 1))
				} else {
					sc.came(reversal(2, 1))
					if f, r := sc.fate(2); f != FateHeld || r != HeldNoSale {
						t.Errorf("reversal without its sale: %s %s", f, r)
					}
					sc.came(record("j", 1, wire.KindSale, &s))
				}
				if f, r := sc.fate(1); f != c.fate || r != c.reason {
					t.Errorf("sale: %s %q, want %s %q", f, r, c.fate, c.reason)
				}
				if f, r := sc.fate(2); f != c.reversal || r != c.reversalReason {
					t.Errorf("reversal: %s %q, want %s %q", f, r, c.reversal, c.reversalReason)
				}
				jobs := sc.jobs()
				if len(jobs) != len(c.states) {
					t.Fatalf("jobs %+v, want %v", jobs, c.states)
				}
				for i, want := range c.states {
					if jobs[i].state != want {
						t.Errorf("job %d is %s, want %s", i, jobs[i].state, want)
					}
				}
				if len(jobs) == 2 {
					if j := jobs[1]; j.purpose != PurposeRefund || j.doc.Operation != fiscal.SellReturn || j.amount != 5000 || j.seq != 2 ||
						(j.state == JobHeld) != (j.reason == WaitsForReceipt) {
						t.Errorf("refund %+v", j)
					}
				}
			})
		}
	}
}

func TestReversedTwiceIsRefundedOnce(t *testing.T) {
	sc := newScene(t)
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.do(`UPDATE job SET state='done'`)
	sc.came(reversal(2, 1))
	sc.came(reversal(3, 1))
	if f, r := sc.fate(3); f != FateNone || r != NoneNothing || len(sc.jobs()) != 2 {
		t.Errorf("second reversal: %s %s, %d jobs", f, r, len(sc.jobs()))
	}
}

func TestEvidenceChanges(t *testing.T) {
	evidence := func(seq, of int64, class string) wire.Record {
		s := vend()
		s.Class = class
		r := record("j", seq, wire.KindEvidence, &s)
		r.Of = of
		return r
	}
	for _, c := range []struct {
		was, now string
		fate     Fate
		incident string
	}{
		{"C", "A", FateJob, ""},
		{"D", "B", FateJob, ""},
		{"D", "C", FateHeld, ""},
		{"A", "D", FateJob, EvidenceFallen},
		{"B", "A", FateJob, ""},
	} {
		sc := newScene(t)
		s := vend()
		s.Class = c.was
		sc.came(record("j", 1, wire.KindSale, &s))
		sc.came(evidence(2, 1, c.now))
		if f, _ := sc.fate(1); f != c.fate {
			t.Errorf("%s to %s: fate %s, want %s", c.was, c.now, f, c.fate)
		}
		if _, open := sc.incidents()["machine:m "+c.incident]; c.incident != "" && !open {
			t.Errorf("%s to %s: incidents %v", c.was, c.now, sc.incidents())
		}
		if jobs := len(sc.jobs()); (jobs == 1) != (c.fate == FateJob) {
			t.Errorf("%s to %s: %d jobs", c.was, c.now, jobs)
		}
	}
}
