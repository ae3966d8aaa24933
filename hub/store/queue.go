package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
)

// Candidate is what picking the next job needs to know of it.
type Candidate struct {
	ID, Machine               string
	SoldAt, YoungTill, NextAt int64 // ms
	QueuedAt                  int64 // when it came into the queue last, ms
	Amount                    int64
	TaxSystem                 fiscal.TaxSystem
	Test                      bool
	Zone                      string // of the machine at the time of the sale; "" not known
}

// Waiting is a part of a seller's queue.
type Waiting struct {
	Jobs []Candidate
	Next string // machine after which the next call may begin
	More bool   // others wait besides
}

// needs are the parts of a job's document that say which lanes can make it.
type needs struct {
	TaxSystem fiscal.TaxSystem `json:"tax_system"`
	Test      bool             `json:"test"`
}

// candidates reads in the order of scanCandidate.
const candidates = `SELECT id, COALESCE(machine_id,''), sold_at, young_till, next_at, updated_at, amount, document,
	COALESCE((SELECT p.zone FROM machine_period p WHERE p.machine_id = job.machine_id AND p.valid_from <= job.sold_at
		ORDER BY p.valid_from DESC LIMIT 1), '') FROM job `

// due is what may be tried now, beside queuedOnly.
const due = `AND (next_at <= ? OR next_at > ?) AND sold_at > ? `

func scanCandidate(rows *sql.Rows, c *Candidate) error {
	var doc []byte
	if err := rows.Scan(&c.ID, &c.Machine, &c.SoldAt, &c.YoungTill, &c.NextAt, &c.QueuedAt, &c.Amount, &doc, &c.Zone); err != nil {
		return err
	}
	return c.needs(doc)
}

func (c *Candidate) needs(doc []byte) error {
	if len(doc) == 0 {
		return nil
	}
	var n needs
	if err := json.Unmarshal(doc, &n); err != nil {
		return fmt.Errorf("document of job %s: %w", c.ID, err)
	}
	c.TaxSystem, c.Test = n.TaxSystem, n.Test
	return nil
}

// clockBack is how far ahead a time may lie that the till itself set for a next
// try: what lies farther was written before the hub's clock was put back, and is due.
const clockBack = 600_000 // ms

// Candidates lists jobs of the seller to choose from, in no particular order
// and without repeats: up to n whose buyer still waits, up to n of the oldest,
// and when the backlog is longer, of each of up to n machines its oldest, those
// that follow machine after in the order of ids first: a machine with a long
// backlog hides no other. One job that is not to be tried before a later time
// may be among them. Sales up to from (ms) are left out.
func (s *Store) Candidates(ctx context.Context, seller, after string, from int64, n int) (w Waiting, err error) {
	q := queueReader{s: s, ctx: ctx, seller: seller, from: from, now: s.Now(), seen: map[string]bool{}}
	const young = candidates + `INDEXED BY job_young WHERE seller_id = ? AND` + queuedOnly
	const oldest = candidates + `INDEXED BY job_queue WHERE seller_id = ? AND` + queuedOnly
	waiting, err := q.read(young+`AND young_till > ? AND sold_at > ? ORDER BY young_till LIMIT ?`, seller, q.now, from, n)
	backlog := 0
	if err == nil {
		backlog, err = q.read(oldest+due+`ORDER BY sold_at LIMIT ?`, seller, q.now, q.now+clockBack, from, n)
	}
	if err == nil && backlog >= n {
		w.Next, err = q.machines(after, n)
	}
	if err == nil {
		_, err = q.read(oldest+`AND next_at > ? AND next_at <= ? ORDER BY next_at LIMIT 1`, seller, q.now, q.now+clockBack)
	}
	if err != nil {
		return Waiting{}, fmt.Errorf("store: queue of seller %s: %w", seller, err)
	}
	w.Jobs, w.More = q.all, waiting >= n || backlog >= n
	return w, nil
}

type queueReader struct {
	s      *Store
	ctx    context.Context
	seller string
	from   int64
	now    int64
	all    []Candidate
	seen   map[string]bool
}

// read adds what a query finds; n counts what is there already too.
func (q *queueReader) read(query string, args ...any) (n int, err error) {
	rows, err := q.s.r.QueryContext(q.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Candidate
		if err := scanCandidate(rows, &c); err != nil {
			return n, err
		}
		n++
		if !q.seen[c.ID] {
			q.seen[c.ID] = true
			q.all = append(q.all, c)
		}
	}
	return n, rows.Err()
}

// machines adds the oldest jobs of machines that have a backlog, and takes from
// each machine only its share of the oldest, so that the list is fair. next is
// the machine after which the next call begins.
func (q *queueReader) machines(after string, n int) (next string, err error) {
	ids, err := q.waiting(after, n)
	if len(ids) == n {
		next = ids[n-1]
	}
	if err == nil && len(ids) < n && after != "" { // round the corner
		var first []string
		first, err = q.waiting("", n-len(ids))
		for _, id := range first {
			if id <= after {
				ids = append(ids, id)
			}
		}
	}
	if err != nil || len(ids) == 0 || len(ids) == 1 && !q.others(ids[0]) {
		return next, err
	}
	share := max(2, n/len(ids))
	left := map[string]int{}
	kept := q.all[:0]
	for _, c := range q.all {
		if c.Machine == "" || c.YoungTill > q.now || left[c.Machine] < share {
			kept = append(kept, c)
		} else {
			delete(q.seen, c.ID)
		}
		left[c.Machine]++
	}
	q.all = kept
	const of = candidates + `INDEXED BY job_machine_queue WHERE seller_id = ? AND`
	for _, id := range ids {
		if left[id] >= share {
			continue
		}
		if _, err := q.read(of+` machine_id = ? AND`+queuedOnly+due+`ORDER BY sold_at LIMIT ?`, q.seller, id, q.now, q.now+clockBack, q.from, share); err != nil {
			return next, err
		}
	}
	if left[""] < share {
		_, err = q.read(of+` machine_id IS NULL AND`+queuedOnly+due+`ORDER BY sold_at LIMIT ?`, q.seller, q.now, q.now+clockBack, q.from, share)
	}
	return next, err
}

func (q *queueReader) others(machine string) bool {
	for _, c := range q.all {
		if c.Machine != machine {
			return true
		}
	}
	return false
}

// waiting lists up to n machines with queued jobs whose ids follow after: one
// step of an index a machine, however many jobs each has.
func (q *queueReader) waiting(after string, n int) ([]string, error) {
	rows, err := q.s.r.QueryContext(q.ctx, `WITH RECURSIVE m(id, n) AS (
			SELECT (SELECT MIN(machine_id) FROM job WHERE seller_id = ? AND machine_id > ? AND`+queuedOnly+`), 1
			UNION ALL
			SELECT (SELECT MIN(machine_id) FROM job WHERE seller_id = ? AND machine_id > m.id AND`+queuedOnly+`), m.n + 1
			FROM m WHERE m.id IS NOT NULL AND m.n < ?)
		SELECT id FROM m WHERE id IS NOT NULL`, q.seller, after, q.seller, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Queued is a job that came into the queue. Job is whole only while its buyer
// waits; of a backlog the seller alone is told.
type Queued struct {
	Seller string
	Job    Candidate
	Young  bool
}

// QueuedSince lists the jobs that came into the queue after entry after of the
// histories of all jobs; last is the newest entry looked at.
func (s *Store) QueuedSince(ctx context.Context, after int64) (list []Queued, last int64, err error) {
	last = after
	rows, err := s.r.QueryContext(ctx, `SELECT h.id, j.seller_id, j.id, COALESCE(j.machine_id,''), j.sold_at, j.young_till, j.next_at, j.updated_at, j.amount,
			CASE WHEN j.young_till > ? THEN j.document END,
			CASE WHEN j.young_till > ? THEN (SELECT p.zone FROM machine_period p WHERE p.machine_id = j.machine_id AND p.valid_from <= j.sold_at
				ORDER BY p.valid_from DESC LIMIT 1) END
		FROM job_history h LEFT JOIN job j ON j.id = h.job_id AND h.state = 'queued' AND j.state = 'queued' WHERE h.id > ? ORDER BY h.id`,
		s.Now(), s.Now(), after)
	if err != nil {
		return nil, after, fmt.Errorf("store: jobs queued since %d: %w", after, err)
	}
	defer rows.Close()
	for rows.Next() {
		var seller, id, machine, zone sql.NullString
		var sold, young, next, queued, amount sql.NullInt64
		var doc []byte
		if err := rows.Scan(&last, &seller, &id, &machine, &sold, &young, &next, &queued, &amount, &doc, &zone); err != nil {
			return nil, after, fmt.Errorf("store: jobs queued since %d: %w", after, err)
		}
		if !id.Valid {
			continue
		}
		q := Queued{Seller: seller.String, Young: doc != nil, Job: Candidate{ID: id.String, Machine: machine.String, SoldAt: sold.Int64,
			YoungTill: young.Int64, NextAt: next.Int64, QueuedAt: queued.Int64, Amount: amount.Int64, Zone: zone.String}}
		if err := q.Job.needs(doc); err != nil {
			return nil, after, fmt.Errorf("store: jobs queued since %d: %w", after, err)
		}
		list = append(list, q)
	}
	return list, last, rows.Err()
}

// LastHistory is the newest entry of the histories of all jobs.
func (s *Store) LastHistory(ctx context.Context) (id int64, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT COALESCE(MAX(id),0) FROM job_history`).Scan(&id)
	if err != nil {
		err = fmt.Errorf("store: newest entry of job histories: %w", err)
	}
	return id, err
}
