package simulate

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestOne(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	b := time.Now()
	bad := 0
	for seed := from; seed < from+n; seed++ {
		p := Draw(uint64(seed))
		p.Break = os.Getenv("BREAK")
		r, err := Play(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Wrong) > 0 {
			bad++
			if os.Getenv("V") != "" {
				t.Logf("%d: %d sales %d receipts, %d steps\n%s", seed, r.Sales, r.Receipts, r.Steps, strings.Join(r.Story, "\n"))
			} else {
				t.Logf("%d: %s", seed, r.Wrong)
			}
		}
	}
	t.Log(bad, "bad,", float64(n)/time.Since(b).Seconds(), "a second")
}

func TestEqualSeedsGiveEqualStories(t *testing.T) {
	for seed := range uint64(40) {
		a, err := Play(Draw(seed))
		if err != nil {
			t.Fatal(err)
		}
		b, err := Play(Draw(seed))
		if err != nil {
			t.Fatal(err)
		}
		if a.Digest() != b.Digest() || a.Steps != b.Steps {
			for i := range min(len(a.Story), len(b.Story)) {
				if a.Story[i] != b.Story[i] {
					t.Errorf("seed %d line %d: %q and %q", seed, i, a.Story[i], b.Story[i])
					break
				}
			}
			t.Errorf("seed %d: %d steps and %d, %d lines and %d", seed, a.Steps, b.Steps, len(a.Story), len(b.Story))
		}
	}
}
