// Package check holds a hub's database against what must always be true of it
// (reference reliability.md, C.3.4): every sale has exactly one receipt or is on
// its way, held or none with a reason; every document of a register is bound to
// one job or is foreign; nothing acknowledged is missing. It only reads, in
// short transactions and a page at a time, so it may run beside a working hub.
package check

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Shown is how many violations of an invariant are kept by name; all are counted.
const Shown = 20

// page is how many rows one short transaction looks at.
const page = 2000

// Options of a run.
type Options struct {
	// Now is the hub's clock, for ages; default time.Now.
	Now func() time.Time
	// Gentle rests after each page as long as it took, so that a working hub
	// keeps half of the disk and of a core.
	Gentle bool
	// Progress is told after each page; nil: nobody is.
	Progress func(Progress)
}

// Progress says how far a run is.
type Progress struct {
	Invariant string
	Number    int   // of the invariant, from 1
	Of        int   // invariants in all
	Checked   int64 // rows of it so far
}

// Violation is one thing that must not be.
type Violation struct {
	Code   string `json:"code"` // stable; its words: Say
	ID     string `json:"id"`   // of what it is about: record, job, document…
	Detail string `json:"detail,omitempty"`
}

// Result is one invariant's.
type Result struct {
	Invariant  string        `json:"invariant"`
	Title      string        `json:"title,omitempty"` // in a language, see Report.Explain
	Checked    int64         `json:"checked"`         // things looked at
	Unknown    int64         `json:"unknown"`         // of them, nothing could be said
	Waiting    int64         `json:"waiting"`         // on their way, held or missing so far: no violation
	OldestAge  time.Duration `json:"-"`               // of what waits
	OldestAgeS int64         `json:"oldest_age_s,omitempty"`
	Violated   int64         `json:"violated"`
	Violations []Violation   `json:"violations"` // the first Shown
	Seconds    float64       `json:"seconds"`
}

// Report is what a run found.
type Report struct {
	OK      bool     `json:"ok"`
	Results []Result `json:"results"`
	Seconds float64  `json:"seconds"`
}

// Violated counts violations of all invariants.
func (r Report) Violated() (n int64) {
	for _, v := range r.Results {
		n += v.Violated
	}
	return n
}

// Unknown counts what nothing could be said of.
func (r Report) Unknown() (n int64) {
	for _, v := range r.Results {
		n += v.Unknown
	}
	return n
}

// invariant is one check; what it says stands in texts.go.
type invariant struct {
	id  string
	run func(*checker) error
}

var invariants = []invariant{
	{"I2", (*checker).journals},
	{"I3", (*checker).sales},
	{"I4", (*checker).documents},
	{"I5", (*checker).contents},
	{"I7", (*checker).shifts},
	{"I8", (*checker).shown},
	{"I9", (*checker).acknowledged},
	{"jobs", (*checker).jobs},
	{"histories", (*checker).histories},
	{"attempts", (*checker).attempts},
	{"counts", (*checker).counts},
	{"references", (*checker).references},
}

// Run checks all invariants over the database of a hub. db may be the hub's own
// pool for reading or one opened by store.OpenReading. The error is of the
// database or of ctx; what is wrong with the data is in the report.
func Run(ctx context.Context, db *sql.DB, o Options) (Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	began := time.Now()
	r := Report{OK: true}
	for i, v := range invariants {
		c := &checker{ctx: ctx, db: db, o: o, now: o.Now().UnixMilli(), number: i + 1, of: len(invariants), r: Result{Invariant: v.id, Violations: []Violation{}}}
		at := time.Now()
		if err := v.run(c); err != nil {
			return r, fmt.Errorf("check %s: %w", v.id, err)
		}
		c.r.Seconds = time.Since(at).Seconds()
		c.r.OldestAgeS = int64(c.r.OldestAge / time.Second)
		r.OK = r.OK && c.r.Violated == 0
		r.Results = append(r.Results, c.r)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// checker works on one invariant.
type checker struct {
	ctx    context.Context
	db     *sql.DB
	o      Options
	now    int64 // ms
	number int
	of     int
	r      Result
}

// bad notes a violation.
func (c *checker) bad(code, id, format string, args ...any) {
	c.r.Violated++
	if len(c.r.Violations) < Shown {
		c.r.Violations = append(c.r.Violations, Violation{code, id, fmt.Sprintf(format, args...)})
	}
}

// waits notes something on its way since then, ms.
func (c *checker) waits(since int64) {
	c.r.Waiting++
	c.r.OldestAge = max(c.r.OldestAge, time.Duration(c.now-since)*time.Millisecond)
}

// snapshot reads in one transaction, in which all queries see the same.
func (c *checker) snapshot(fn func(tx *sql.Tx) error) (err error) {
	began := time.Now()
	tx, err := c.db.BeginTx(c.ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	err = fn(tx)
	if back := tx.Rollback(); err == nil && !errors.Is(back, sql.ErrTxDone) {
		err = back
	}
	if err != nil {
		return err
	}
	if c.o.Progress != nil {
		c.o.Progress(Progress{c.r.Invariant, c.number, c.of, c.r.Checked})
	}
	if !c.o.Gentle {
		return nil
	}
	timer := time.NewTimer(min(time.Since(began), time.Second))
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
		return c.ctx.Err()
	case <-timer.C:
		return nil
	}
}

// queryer is a transaction, or the pool.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each gives the rows of a query to scan and returns how many there were.
func (c *checker) each(q queryer, scan func(*sql.Rows) error, query string, args ...any) (n int, err error) {
	rows, err := q.QueryContext(c.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
		if err := scan(rows); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// pages walks a query page by page: fn reads rows after its mark and says how
// many there were; fewer than a page ends it.
func (c *checker) pages(fn func(tx *sql.Tx) (n int, err error)) error {
	for {
		var n int
		err := c.snapshot(func(tx *sql.Tx) (err error) {
			n, err = fn(tx)
			return err
		})
		if err != nil || n < page {
			return err
		}
	}
}
