package till

import (
	"context"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

// unmetAfter is how long a job waits before it is asked whether any lane can
// make it.
const unmetAfter = 10 * time.Second

// whyUnmet says why none of a seller's lanes can make a job; "" one can.
func whyUnmet(lanes []store.Lane, c store.Candidate) Why {
	real, why := false, WhyNoLane
	for _, l := range lanes {
		real = real || l.Enabled && !l.Test
	}
	for _, l := range lanes {
		if !l.Enabled {
			continue
		}
		w := unable(l, c, real)
		if w == "" {
			if l.State != string(Config) || l.Fault != string(FaultFFD) {
				return ""
			}
			w = WhyFFD
		}
		if rank(w) > rank(why) {
			why = w
		}
	}
	return why
}

// rank orders reasons by how near a lane came to making the job: the nearest is
// what a person mends first.
func rank(w Why) int {
	for i, x := range []Why{WhyNoLane, WhyTaxSystem, WhyTest, WhyZone, WhyFFD} {
		if x == w {
			return i
		}
	}
	return -1
}

// noteUnmet keeps the incidents of sellers equal to the jobs that no lane can make.
func (t *Till) noteUnmet(ctx context.Context) error {
	sellers, err := t.store.WaitingSellers(ctx, t.set.Now().Add(-unmetAfter).UnixMilli())
	if err != nil || len(sellers) == 0 {
		return err
	}
	all, err := t.store.Lanes(ctx)
	if err != nil {
		return err
	}
	lanes := map[string][]store.Lane{}
	for _, l := range all {
		lanes[l.Seller] = append(lanes[l.Seller], l)
	}
	for _, s := range sellers {
		codes := map[string]string{}
		if s.Waits {
			w, err := t.store.Candidates(ctx, s.Seller, "", 0, 30)
			if err != nil {
				return err
			}
			for _, c := range w.Jobs {
				if why := whyUnmet(lanes[s.Seller], c); why != "" && codes[string(why)] == "" {
					codes[string(why)] = fmt.Sprintf("job %s", c.ID)
				}
			}
		}
		if err := t.store.NoteUnmet(ctx, s, codes); err != nil {
			return err
		}
	}
	return nil
}
