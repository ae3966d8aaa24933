package conformance

import (
	"os"
	"strconv"
	"testing"
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

func TestConformance(t *testing.T) {
	subs, err := Subjects("all")
	if err != nil {
		t.Fatal(err)
	}
	rs, err := Run(t.Context(), Options{Subjects: subs, Schedules: count(t, 300, 2000), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		t.Logf("%s: %d schedules, %d documents in %.1f s, held %d, refused %v, unknown %v\n%v", r.Subject, r.Schedules, r.Made, r.Seconds, r.Held, r.Refused, r.Unknown, r.Faults)
		for _, f := range r.Failures {
			t.Errorf("%s\n%+v\n", f.Schedule, f.Verdict)
			for _, l := range f.Story {
				t.Log(l)
			}
		}
		if r.Bad() {
			t.Errorf("%s: lost %d, duplicated %d, wrong %d, stuck %d", r.Subject, r.Lost, r.Duplicated, r.Wrong, r.Stuck)
		}
	}
}
