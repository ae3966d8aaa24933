package conformance

import (
	"context"
	"testing"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// The four mistakes drivers are known to make (reliability C.2, C.3.1). The
// suite must catch each, or it would catch nothing.

// broken passes everything on but what a mistake changes.
type broken struct {
	kkt.Driver
	submit func(kkt.Driver, context.Context, kkt.Wire, kkt.Baseline) kkt.Outcome
	settle func(kkt.Driver, context.Context, kkt.Wire, kkt.Key, kkt.Baseline, kkt.Ref) kkt.Outcome
}

func (b broken) Submit(ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	if b.submit == nil {
		return b.Driver.Submit(ctx, w, base)
	}
	return b.submit(b.Driver, ctx, w, base)
}

func (b broken) Settle(ctx context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, ref kkt.Ref) kkt.Outcome {
	if b.settle == nil {
		return b.Driver.Settle(ctx, w, key, base, ref)
	}
	return b.settle(b.Driver, ctx, w, key, base, ref)
}

// Close is a part of what a hub does with drivers.
func (b broken) Close() error {
	if c, ok := b.Driver.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

var mistakes = map[string]broken{
	"a timeout is taken for a failure: a new key": {submit: func(d kkt.Driver, ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
		out := d.Submit(ctx, w, base)
		if out.Kind == kkt.Ambiguous {
			out.Kind = kkt.Failed
		}
		return out
	}},
	"a blind retry": {submit: func(d kkt.Driver, ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
		out := d.Submit(ctx, w, base)
		for try := 0; out.Kind == kkt.Ambiguous && try < 3; try++ {
			if now, err := d.Ready(ctx); err == nil {
				out = d.Submit(ctx, w, now)
			}
		}
		return out
	}},
	"a paper error is taken for not made": {submit: func(d kkt.Driver, ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
		out := d.Submit(ctx, w, base)
		if out.Kind == kkt.Ambiguous && out.Fault.Code == fault.PaperOut {
			out.Kind = kkt.Failed
		}
		return out
	}},
	"the newest document is taken for ours": {settle: func(d kkt.Driver, ctx context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, _ kkt.Ref) kkt.Outcome {
		unknown := func(code fault.Code) kkt.Outcome {
			f := fault.New(code, "")
			return kkt.Outcome{Kind: kkt.Ambiguous, Fault: &f}
		}
		if key == "" {
			return d.Settle(ctx, w, key, base, "") // reports have no key to compare
		}
		now, err := d.Ready(ctx)
		if err != nil || now.FN != base.FN {
			return unknown(fault.FNReplaced)
		}
		if now.FD == base.FD {
			f := fault.New(fault.NotMade, "")
			return kkt.Outcome{Kind: kkt.Failed, Fault: &f}
		}
		st, err := d.(kkt.DocumentReader).ReadDocument(ctx, now.FN, now.FD)
		if err != nil {
			return unknown(fault.DocumentUnread)
		}
		return kkt.Outcome{Kind: kkt.Done, Receipt: &st.Receipt}
	}},
}

// telling picks the schedules one of which each mistake cannot pass: an answer or
// a request lost where it decides, with and without another host's document, and
// a paper error.
func telling(s Schedule) bool {
	if len(s.Line) > 0 || len(s.Dies) > 0 || len(s.Register) == 0 || s.Register[0].Command != faults.CommandClose {
		return false
	}
	switch s.Register[0].Kind {
	case faults.LostAnswer, faults.LostRequest:
		return s.Register[1].Kind == faults.ForeignDocument
	case faults.ErrorCode:
		return s.Register[0].Code != 0
	}
	return false
}

func TestTheSuiteCanFail(t *testing.T) {
	for _, name := range []string{"shtrih-v1-tcp", "shtrih-v2-serial", "pirit-tcp"} {
		if name != "shtrih-v1-tcp" && testing.Short() {
			continue
		}
		subs, err := Subjects(name)
		if err != nil {
			t.Fatal(err)
		}
		for mistake, b := range mistakes {
			t.Run(name+"/"+mistake, func(t *testing.T) {
				t.Parallel()
				rs, err := Run(t.Context(), Options{
					Subjects: subs, Documents: "receipt_card", Seed: 7, Workers: 4, pick: telling,
					Wrap: func(d kkt.Driver) kkt.Driver { b := b; b.Driver = d; return b },
				})
				if err != nil {
					t.Fatal(err)
				}
				r := rs[0]
				if !r.Bad() || len(r.Failures) == 0 {
					t.Fatalf("%d schedules, nothing found; faults %v", r.Schedules, r.Faults)
				}
				t.Logf("%d schedules: lost %d, duplicated %d, wrong %d, stuck %d; the first: %s", r.Schedules, r.Lost, r.Duplicated, r.Wrong, r.Stuck, r.Failures[0].Schedule)
			})
		}
	}
}
