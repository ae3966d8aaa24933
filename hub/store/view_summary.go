package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// Summary is how an operator ("" all) does now. Every figure comes from a
// running count or a partial index: its cost does not grow with the archive.
func (s *Store) Summary(ctx context.Context, operator string) (sum contract.Summary, err error) {
	sum.At = s.now().UTC()
	ops, err := s.Operators(ctx, operator)
	if err != nil {
		return sum, err
	}
	sum.Operators = make([]contract.OperatorSummary, len(ops))
	for i, o := range ops {
		if sum.Operators[i], err = s.operatorSummary(ctx, o); err != nil {
			return sum, err
		}
	}
	sum.Lanes, err = collect(ctx, s.r, func(r *sql.Rows) (contract.LaneShort, error) {
		l, err := scanLaneView(r)
		v := contract.LaneShort{ID: l.ID, Operator: l.Operator, Name: l.Name, State: l.State, Since: l.Since}
		if l.Fault != nil {
			v.Fault = l.Fault.Code
		}
		return v, err
	}, laneView+` WHERE ?1='' OR l.operator_id=?1 ORDER BY l.operator_id, l.id`, operator)
	return sum, err
}

func (s *Store) operatorSummary(ctx context.Context, o contract.Operator) (v contract.OperatorSummary, err error) {
	v = contract.OperatorSummary{ID: o.ID, Name: o.Name, Zone: o.Zone}
	fail := func(err error) (contract.OperatorSummary, error) {
		return v, fmt.Errorf("store: summary of %s: %w", o.ID, err)
	}
	day, from, to := s.today(o.Zone)
	v.Day = day
	err = s.r.QueryRowContext(ctx, `SELECT `+takingsSums+` FROM takings WHERE operator_id=? AND quarter>=? AND quarter<?`, o.ID, from, to).
		Scan(takingsDest(&v.Today)...)
	if err != nil {
		return fail(err)
	}
	n, err := s.Tally(ctx, o.ID)
	if err != nil {
		return fail(err)
	}
	v.Records, v.Sales, v.HeldRecords, v.Receipts = n["record"], n["sale"], n["held"], n["receipt"]
	q := &v.Queue
	q.Queued, q.InFlight, q.Resolving = n["job:queued"], n["job:in_flight"], n["job:resolving"]
	q.Held, q.Done, q.Void = n["job:held"], n["job:done"], n["job:void"]
	now := s.Now()
	var oldest int64
	err = s.r.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM machine WHERE operator_id=?1),
		(SELECT count(*) FROM agent g WHERE operator_id=?1 AND revoked_at IS NULL AND
			(SELECT machine_id FROM binding WHERE operator_id=?1 AND agent_id=g.id AND valid_from<=?2 ORDER BY valid_from DESC LIMIT 1) IS NOT NULL),
		(SELECT count(*) FROM agent_state a JOIN agent g ON g.operator_id=a.operator_id AND g.id=a.agent_id
			WHERE a.operator_id=?1 AND a.online=1 AND g.revoked_at IS NULL),
		(SELECT count(*) FROM incident WHERE operator_id=?1 AND closed_at IS NULL),
		(SELECT count(*) FROM incident WHERE operator_id=?1 AND closed_at IS NULL AND severity='alarm'),
		(SELECT count(*) FROM quarantine WHERE operator_id=?1 AND resolved_at IS NULL),
		(SELECT coalesce(sum(last-first+1),0) FROM hole WHERE operator_id=?1),
		(SELECT count(*) FROM job WHERE operator_id=?1 AND state='queued' AND state <> 'done' AND young_till>?2),
		(SELECT coalesce(min(sold_at),0) FROM job WHERE operator_id=?1 AND state IN ('queued','in_flight','resolving') AND state <> 'done')`, o.ID, now).
		Scan(&v.Machines, &v.Agents, &v.AgentsOnline, &v.Incidents, &v.Alarms, &v.Quarantine, &v.Missing, &q.Young, &oldest)
	if err != nil {
		return fail(err)
	}
	q.OldestAt = instant(oldest)
	return v, nil
}

// Tally is the running counts of an operator, or of all together.
func (s *Store) Tally(ctx context.Context, operator string) (map[string]int64, error) {
	m := map[string]int64{}
	_, err := collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var what string
		var n int64
		err := r.Scan(&what, &n)
		m[what] = n
		return struct{}{}, err
	}, `SELECT what, sum(n) FROM tally WHERE ?1='' OR operator_id=?1 GROUP BY what`, operator)
	return m, err
}
