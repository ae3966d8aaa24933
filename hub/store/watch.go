package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Patience is how long ingest waits before it calls a person.
type Patience struct {
	Gap     time.Duration // a hole in a journal, or a tail that does not come
	Silence time.Duration // an agent not heard
}

// Watched counts the incidents a look has opened or found open.
type Watched struct{ Gaps, Silent int }

// Watch raises incidents for holes older than p.Gap and agents silent longer
// than p.Silence, and clears those of holes that are filled.
func (s *Store) Watch(ctx context.Context, p Patience) (Watched, error) {
	type trouble struct{ operator, agent, detail string }
	now := s.Now()
	scan := func(r *sql.Rows, t *trouble) error { return r.Scan(&t.operator, &t.agent, &t.detail) }
	gaps, err := listOf(ctx, s.r, scan, `SELECT operator_id, agent_id, 'journal '||journal_id||': '||sum(last-first+1)||' records missing from '||min(first)||' to '||max(last)
		FROM hole WHERE since<=?1 AND gone=0 GROUP BY operator_id, agent_id, journal_id
		UNION ALL SELECT j.operator_id, j.agent_id, 'journal '||j.id||': written to '||head||', come to '||top
		FROM journal j JOIN agent_state a ON a.operator_id=j.operator_id AND a.agent_id=j.agent_id
		WHERE head>top AND last_at<=?1 AND online=1 AND json_extract(a.hello,'$.journal')=j.id`, now-p.Gap.Milliseconds())
	if err != nil {
		return Watched{}, fmt.Errorf("store: look for holes: %w", err)
	}
	silent, err := listOf(ctx, s.r, scan, `SELECT a.operator_id, a.agent_id, 'last heard '||strftime('%Y-%m-%dT%H:%M:%SZ',max(a.seen_at,
			coalesce((SELECT max(last_at) FROM journal j WHERE j.operator_id=a.operator_id AND j.agent_id=a.agent_id),0))/1000,'unixepoch') AS heard
		FROM agent_state a JOIN agent g ON g.operator_id=a.operator_id AND g.id=a.agent_id
		WHERE a.seen_at>0 AND g.revoked_at IS NULL AND a.seen_at<=?1
			AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.operator_id=a.operator_id AND j.agent_id=a.agent_id AND j.last_at>?1)
			AND (SELECT machine_id FROM binding b WHERE b.operator_id=a.operator_id AND b.agent_id=a.agent_id AND b.valid_from<=?2
				ORDER BY valid_from DESC LIMIT 1) IS NOT NULL`, now-p.Silence.Milliseconds(), now)
	if err != nil {
		return Watched{}, fmt.Errorf("store: look for silent agents: %w", err)
	}
	w := Watched{Gaps: len(gaps), Silent: len(silent)}
	var open int
	if err := s.r.QueryRowContext(ctx, `SELECT count(*) FROM incident WHERE code IN (?,?) AND closed_at IS NULL`, RecordGap, AgentSilent).Scan(&open); err != nil {
		return w, fmt.Errorf("store: open incidents: %w", err)
	}
	if len(gaps)+len(silent)+open == 0 {
		return w, nil
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		keep := map[string]bool{}
		raise := func(all []trouble, code string, severity Severity) error {
			for _, t := range all {
				about := AboutAgent(t.operator, t.agent)
				keep[code+about] = true
				if _, err := s.Hold(tx, t.operator, about, code, severity, t.detail); err != nil {
					return err
				}
			}
			return nil
		}
		if err := raise(gaps, RecordGap, Alarm); err != nil {
			return err
		}
		if err := raise(silent, AgentSilent, Alarm); err != nil {
			return err
		}
		type open struct{ subject, code string }
		all, err := list(tx, func(r *sql.Rows, o *open) error { return r.Scan(&o.subject, &o.code) },
			`SELECT subject, code FROM incident WHERE code IN (?,?) AND closed_at IS NULL`, RecordGap, AgentSilent)
		if err != nil {
			return err
		}
		for _, o := range all {
			if keep[o.code+o.subject] {
				continue
			}
			if _, err := s.Clear(tx, o.subject, o.code); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return w, fmt.Errorf("store: incidents of journals: %w", err)
	}
	return w, nil
}

// AgentsOnline lists the agents with a connection, as operator and agent.
func (s *Store) AgentsOnline(ctx context.Context) ([][2]string, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, a *[2]string) error { return r.Scan(&a[0], &a[1]) },
		`SELECT operator_id, agent_id FROM agent_state WHERE online=1`)
	if err != nil {
		return nil, fmt.Errorf("store: agents online: %w", err)
	}
	return all, nil
}
