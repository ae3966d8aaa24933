package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// Cursor is how far a reader of changes has come.
type Cursor struct {
	record, history, shown int64
	agents                 map[[2]string][2]int64 // operator, agent: online, seen
	incidents              map[int64][2]int64     // open: last_at, count
}

// deltaSales is the most sales told of at once; of more, the newest.
const deltaSales = 200

// Delta is what has changed since a cursor.
type Delta struct {
	Sales     []contract.Sale // oldest first
	Machines  []contract.Machine
	Incidents []contract.Incident
}

// CursorNow begins to read changes from now on.
func (s *Store) CursorNow(ctx context.Context) (*Cursor, error) {
	c := &Cursor{}
	err := s.r.QueryRowContext(ctx, `SELECT coalesce((SELECT max(id) FROM record),0), coalesce((SELECT max(id) FROM job_history),0),
		coalesce((SELECT max(told_at) FROM shown),0)`).Scan(&c.record, &c.history, &c.shown)
	if err != nil {
		return nil, fmt.Errorf("store: begin to read changes: %w", err)
	}
	if c.agents, err = s.agentMarks(ctx); err != nil {
		return nil, err
	}
	c.incidents, err = s.incidentMarks(ctx)
	return c, err
}

func (s *Store) agentMarks(ctx context.Context) (map[[2]string][2]int64, error) {
	m := map[[2]string][2]int64{}
	_, err := collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var k [2]string
		var v [2]int64
		err := r.Scan(&k[0], &k[1], &v[0], &v[1])
		m[k] = v
		return struct{}{}, err
	}, `SELECT operator_id, agent_id, online, seen_at FROM agent_state`)
	return m, err
}

func (s *Store) incidentMarks(ctx context.Context) (map[int64][2]int64, error) {
	m := map[int64][2]int64{}
	_, err := collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var id int64
		var v [2]int64
		err := r.Scan(&id, &v[0], &v[1])
		m[id] = v
		return struct{}{}, err
	}, `SELECT id, last_at, count FROM incident WHERE closed_at IS NULL`)
	return m, err
}

// Changes reads what has changed since the cursor and moves it on. machines
// are ids to be told of whether changed or not.
func (s *Store) Changes(ctx context.Context, c *Cursor, machines []string) (d Delta, err error) {
	records, err := s.changedRecords(ctx, c)
	if err != nil {
		return d, err
	}
	if len(records) > 0 {
		l, err := s.Sales(ctx, SaleFilter{IDs: records}, Page{Limit: deltaSales})
		if err != nil {
			return d, err
		}
		d.Sales = l.Items
		slices.Reverse(d.Sales)
	}
	for _, v := range d.Sales {
		machines = append(machines, v.Machine)
	}
	moved, err := s.movedMachines(ctx, c)
	if err != nil {
		return d, err
	}
	machines = append(machines, moved...)
	if slices.Sort(machines); len(machines) > 0 {
		l, err := s.Machines(ctx, MachineFilter{IDs: slices.Compact(machines)}, Page{Limit: 1000})
		if err != nil {
			return d, err
		}
		d.Machines = l.Items
	}
	d.Incidents, err = s.changedIncidents(ctx, c)
	return d, err
}

// changedRecords are records that are new, whose job moved, or whose receipt
// was shown.
func (s *Store) changedRecords(ctx context.Context, c *Cursor) ([]int64, error) {
	type change struct{ record, id int64 }
	scan := func(r *sql.Rows) (v change, err error) { return v, r.Scan(&v.record, &v.id) }
	var ids []int64
	for _, q := range []struct {
		query string
		last  *int64
	}{
		{`SELECT id, id FROM record WHERE id>? ORDER BY id DESC LIMIT ` + strconv.Itoa(deltaSales), &c.record},
		{`SELECT coalesce(j.record_id,0), h.id FROM job_history h JOIN job j ON j.id=h.job_id WHERE h.id>? ORDER BY h.id DESC LIMIT ` +
			strconv.Itoa(4*deltaSales), &c.history},
		{`SELECT coalesce(j.record_id,0), h.told_at FROM shown h JOIN job j ON j.id=h.job_id WHERE h.told_at>=? ORDER BY h.told_at DESC LIMIT ` +
			strconv.Itoa(deltaSales), &c.shown},
	} {
		all, err := collect(ctx, s.r, scan, q.query, *q.last)
		if err != nil {
			return nil, err
		}
		for _, v := range all {
			ids = append(ids, v.record)
			*q.last = max(*q.last, v.id)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[max(0, len(ids)-deltaSales):], nil
}

// movedMachines are machines whose agent came, went or spoke.
func (s *Store) movedMachines(ctx context.Context, c *Cursor) ([]string, error) {
	marks, err := s.agentMarks(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for k, v := range marks {
		if c.agents[k] == v {
			continue
		}
		all, err := collect(ctx, s.r, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) },
			`SELECT coalesce(machine_id,'') FROM binding WHERE operator_id=? AND agent_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1`,
			k[0], k[1], s.Now())
		if err != nil {
			return nil, err
		}
		ids = append(ids, all...)
	}
	c.agents = marks
	return ids, nil
}

func (s *Store) changedIncidents(ctx context.Context, c *Cursor) ([]contract.Incident, error) {
	marks, err := s.incidentMarks(ctx)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for id, v := range marks {
		if c.incidents[id] != v {
			ids = append(ids, id)
		}
	}
	for id := range c.incidents {
		if _, open := marks[id]; !open {
			ids = append(ids, id)
		}
	}
	c.incidents = marks
	slices.Sort(ids)
	var all []contract.Incident
	for _, id := range ids {
		v, err := collect(ctx, s.r, scanIncident, incidentView+` WHERE id=?`, id)
		if err != nil {
			return nil, err
		}
		all = append(all, v...)
	}
	return all, nil
}

// Made is a receipt as it is measured.
type Made struct {
	ID             int64
	Operator, Lane string
	SinceSale      int64 // ms from the sale
	SinceArrival   int64 // ms from the job's birth
	Register       int64 // ms the attempt took; -1 unknown
}

// MadeSince lists receipts and refunds made after the one of that id, oldest
// first; at most n. Shift reports are left out.
func (s *Store) MadeSince(ctx context.Context, id int64, n int) ([]Made, error) {
	return collect(ctx, s.r, func(r *sql.Rows) (m Made, err error) {
		return m, r.Scan(&m.ID, &m.Operator, &m.Lane, &m.SinceSale, &m.SinceArrival, &m.Register)
	}, `SELECT c.id, c.operator_id, c.lane_id, c.made_at-j.sold_at, c.made_at-j.created_at, coalesce(a.ended_at-a.started_at,-1)
		FROM receipt c LEFT JOIN job j ON j.id=c.job_id LEFT JOIN attempt a ON a.id=c.attempt_id
		WHERE c.id>? AND c.operation>0 ORDER BY c.id LIMIT ?`, id, n)
}

// LastReceipt is the id of the newest receipt; 0 none.
func (s *Store) LastReceipt(ctx context.Context) (id int64, err error) {
	if err = s.r.QueryRowContext(ctx, `SELECT coalesce(max(id),0) FROM receipt`).Scan(&id); err != nil {
		err = fmt.Errorf("store: newest receipt: %w", err)
	}
	return id, err
}
