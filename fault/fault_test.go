package fault

import "testing"

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in    string
		point string
		nth   int64
		ok    bool
	}{
		{"", "", 1, true},
		{"till.afterIntent", "till.afterIntent", 1, true},
		{"till.afterIntent:3", "till.afterIntent", 3, true},
		{"till.afterIntent:0", "", 0, false},
		{"till.afterIntent:x", "", 0, false},
		{":2", "", 0, false},
	} {
		point, nth, err := parse(c.in)
		if point != c.point || nth != c.nth || (err == nil) != c.ok {
			t.Errorf("parse(%q) = %q, %d, %v; want %q, %d, ok %v", c.in, point, nth, err, c.point, c.nth, c.ok)
		}
	}
}
