package postgres

import (
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		ints           []int
	}{
		{"bare", `SELECT 1 WHERE a=? AND b=?`, `SELECT 1 WHERE a=$1 AND b=$2`, nil},
		{"numbered", `UPDATE t SET a=?2 WHERE b=?1 AND a<?2`, `UPDATE t SET a=$2 WHERE b=$1 AND a<$2`, nil},
		{"a bare one counts on", `SELECT ?3, ?`, `SELECT $3, $4`, nil},
		{"integers are typed", `SELECT ?1-1000, ?2`, `SELECT $1::bigint-1000, $2`, []int{1}},
		{"strings", `SELECT '?', 'it''s ?', "a?b", ?`, `SELECT '?', 'it''s ?', "a?b", $1`, nil},
		{"comments", "SELECT ? -- why?\n, ? /* ? */", "SELECT $1 -- why?\n, $2 /* ? */", nil},
		{"advice to SQLite", "FROM job INDEXED BY job_young WHERE a=?", "FROM job  WHERE a=$1", nil},
		{"a column called indexed", `SELECT indexed, by FROM t`, `SELECT indexed, by FROM t`, nil},
		{"cut off", `SELECT 'x`, `SELECT 'x`, nil},
		{"cut comment", `SELECT /* ?`, `SELECT /* ?`, nil},
		{"Russian", `SELECT 'ФН ?', ?`, `SELECT 'ФН ?', $1`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m ints
			for _, n := range c.ints {
				m.set(n)
			}
			if got := Rewrite(c.in, m.has); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := rewritten(c.in, m); got != c.want {
				t.Errorf("kept: got %s", got)
			}
		})
	}
}

func TestParametersBeyondTheMarksAreLeftAlone(t *testing.T) {
	var m ints
	m.set(0)
	m.set(256)
	m.set(257)
	if !m.has(256) || m.has(257) || m.has(0) || m.has(1) {
		t.Errorf("marks %v", m)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`SELECT 'a', ?1, ? FROM t INDEXED BY x -- ?`)
	f.Add(`INDEXED`)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, q string) {
		got := Rewrite(q, func(int) bool { return false })
		if !strings.Contains(q, "?") && !strings.Contains(strings.ToUpper(q), "INDEXED") && got != q {
			t.Errorf("%q became %q without need", q, got)
		}
	})
}
