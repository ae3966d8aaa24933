package conformance

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// count is how many schedules a test tries of each subject;
// CHEKOMAT_CONFORMANCE overrides it.
func count(t *testing.T, short, long int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("CHEKOMAT_CONFORMANCE")); err == nil {
		return n
	}
	if testing.Short() {
		return short
	}
	return long
}

// makesNone are the documents a driver refuses, by the beginning of its name.
var makesNone = map[string][]string{
	"pirit": {"correction", "correction_by_order", "correction_in_sums", "correction_of_a_receipt"},
}

// Every driver on every link, each document under a sample of everything.
func TestConformance(t *testing.T) {
	t.Parallel()
	subs, err := Subjects("all")
	if err != nil {
		t.Fatal(err)
	}
	rs, err := Run(t.Context(), Options{Subjects: subs, Schedules: count(t, 80, 1000), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		t.Run(r.Subject, func(t *testing.T) {
			t.Logf("%d schedules, %d documents in %.1f s, held %d\n%v", r.Schedules, r.Made, r.Seconds, r.Held, r.Faults)
			family, _, _ := strings.Cut(r.Subject, "-")
			if d := cmp.Diff(makesNone[family], slices.Sorted(maps.Keys(r.Refused)), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("documents it does not make: %s", d)
			}
			for _, f := range r.Failures {
				t.Errorf("%s\n%+v\n%s", f.Schedule, f.Verdict, strings.Join(f.Story, "\n"))
			}
			if r.Bad() {
				t.Errorf("lost %d, duplicated %d, wrong %d, stuck %d", r.Lost, r.Duplicated, r.Wrong, r.Stuck)
			}
		})
	}
}
