package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

// silences decides what machines are told of their sellers' registers: nothing
// while one lane works, why when none does. It is pure: now comes from outside.
type silences struct {
	grace int64            // ms a trouble that may pass by itself is kept back
	since map[string]int64 // seller → when its last lane stopped, ms
}

// news is what the machines of a seller are to be told.
type news struct {
	operator, seller string
	reason           string // "": receipts are made again
	since            int64
}

// order of reasons from the one that passes soonest: of several lanes that
// stand, the buyer hears of the one that will work first.
var order = []string{store.LateBusy, store.LateShift, store.LateSilent, store.LateOFD, store.LateFNFull, store.LateFNOver, store.LateFault}

// judge looks at all pools. Lanes that are starting say nothing: what was told
// before stays true until they work or fail, or the grace is over.
func (q *silences) judge(now int64, pools []store.Pool) (out []news) {
	for _, p := range pools {
		reason, passes := standing(p.Lanes)
		if reason == "" {
			delete(q.since, p.Seller)
			if p.Told != "" {
				out = append(out, news{p.Operator, p.Seller, "", 0})
			}
			continue
		}
		since, known := q.since[p.Seller]
		if !known {
			if since = now; p.Told != "" {
				since = p.Since
			}
			q.since[p.Seller] = since
		}
		switch {
		case reason == starting && p.Told != "":
			continue
		case passes && p.Told == "" && now-since < q.grace:
			continue
		case reason == starting:
			reason = store.LateSilent
		}
		if reason != p.Told {
			out = append(out, news{p.Operator, p.Seller, reason, since})
		}
	}
	return out
}

// starting is no reason to tell: a lane has not found out yet.
const starting = "starting"

// standing says why no lane works; "" when one does. passes: it may pass by
// itself.
func standing(lanes []store.LaneDoes) (reason string, passes bool) {
	if len(lanes) == 0 {
		return store.LateNoLanes, true
	}
	best := len(order)
	for _, l := range lanes {
		why, may := stands(l)
		passes = passes || may
		switch at := slices.Index(order, why); {
		case why == "":
			return "", false
		case why == starting:
			reason, best = starting, -1 // what it will find out may be better news than any other's
		case at < best:
			reason, best = why, at
		}
	}
	return reason, passes
}

// stands says why one lane makes no receipts, by the till's states.
func stands(l store.LaneDoes) (why string, passes bool) {
	why, known := store.LateFor(l.Fault)
	if !known {
		why = store.LateFault
	}
	switch l.State {
	case "ok":
		return "", false
	case "", "starting", "disabled": // disabled and yet enabled: it will start
		return starting, true
	case "busy", "ambiguous", "unreachable":
		return why, true
	case "shift":
		return store.LateShift, true
	}
	return why, false
}

// lookAtLanes tells machines when no register can make their receipts, and
// when one can again.
func (i *Ingest) lookAtLanes(ctx context.Context, q *silences) error {
	pools, err := i.store.Pools(ctx)
	if err != nil {
		return err
	}
	for _, n := range q.judge(i.store.Now(), pools) {
		if err := i.store.TellSilence(ctx, n.seller, n.reason, n.since); err != nil {
			return err
		}
		i.o.Log.Info("ingest: machines are told of their registers", "seller", n.seller, "late", n.reason)
		i.FleetChanged(n.operator)
	}
	return nil
}

// lanesEvery bounds how often lanes are looked at while much is committed.
const lanesEvery = 250 * time.Millisecond

// watchLanes looks at the lanes after commits, and at times without any: a
// grace ends.
func (i *Ingest) watchLanes(ctx context.Context) {
	q := &silences{grace: i.o.LaneGrace.Milliseconds(), since: map[string]int64{}}
	changed, stop := i.store.Changed()
	defer stop()
	for {
		if err := i.lookAtLanes(ctx, q); err != nil && ctx.Err() == nil {
			i.o.Log.Error("ingest: look at the lanes", "err", err)
		}
		select { // at most so often
		case <-ctx.Done():
			return
		case <-time.After(lanesEvery):
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}
