package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
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
	now := s.Now()
	if err := s.lookAfterHubs(ctx); err != nil {
		return Watched{}, err
	}
	gaps, err := s.gaps(ctx, now-p.Gap.Milliseconds())
	if err != nil {
		return Watched{}, fmt.Errorf("store: look for holes: %w", err)
	}
	silent, err := s.silent(ctx, now, now-p.Silence.Milliseconds())
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

// trouble is what an agent's incident says.
type trouble struct{ operator, agent, detail string }

// gaps finds journals with seqs that are missing since then, and those whose
// agent is here and has written more than has come.
func (s *Store) gaps(ctx context.Context, since int64) ([]trouble, error) {
	holes, err := listOf(ctx, s.r, func(r *sql.Rows, t *trouble) error {
		var journal string
		var missing, first, last int64
		err := r.Scan(&t.operator, &t.agent, &journal, &missing, &first, &last)
		t.detail = fmt.Sprintf("journal %s: %d records missing from %d to %d", journal, missing, first, last)
		return err
	}, `SELECT operator_id, agent_id, journal_id, sum(last-first+1), min(first), max(last)
		FROM hole WHERE since<=? AND gone=0 GROUP BY operator_id, agent_id, journal_id`, since)
	if err != nil {
		return nil, err
	}
	tails, err := listOf(ctx, s.r, func(r *sql.Rows, t *trouble) error {
		var journal, hello string
		var head, top int64
		if err := r.Scan(&t.operator, &t.agent, &journal, &head, &top, &hello); err != nil {
			return err
		}
		var h wire.Hello
		if json.Unmarshal([]byte(hello), &h) == nil && h.Journal == journal { // an older one drains as it can
			t.detail = fmt.Sprintf("journal %s: written to %d, come to %d", journal, head, top)
		}
		return nil
	}, `SELECT j.operator_id, j.agent_id, j.id, j.head, j.top, a.hello
		FROM journal j JOIN agent_state a ON a.operator_id=j.operator_id AND a.agent_id=j.agent_id
		WHERE j.head>j.top AND j.last_at<=? AND a.online=1`, since)
	return append(holes, slices.DeleteFunc(tails, func(t trouble) bool { return t.detail == "" })...), err
}

// silent finds agents of machines that have not been heard since then.
func (s *Store) silent(ctx context.Context, now, since int64) ([]trouble, error) {
	return listOf(ctx, s.r, func(r *sql.Rows, t *trouble) error {
		var seen, came int64
		err := r.Scan(&t.operator, &t.agent, &seen, &came)
		t.detail = "last heard " + time.UnixMilli(max(seen, came)).UTC().Format(time.RFC3339)
		return err
	}, `SELECT a.operator_id, a.agent_id, a.seen_at,
			coalesce((SELECT max(last_at) FROM journal j WHERE j.operator_id=a.operator_id AND j.agent_id=a.agent_id),0)
		FROM agent_state a JOIN agent g ON g.operator_id=a.operator_id AND g.id=a.agent_id
		WHERE a.seen_at>0 AND g.revoked_at IS NULL AND a.seen_at<=?1
			AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.operator_id=a.operator_id AND j.agent_id=a.agent_id AND j.last_at>?1)
			AND (SELECT machine_id FROM binding b WHERE b.operator_id=a.operator_id AND b.agent_id=a.agent_id AND b.valid_from<=?2
				ORDER BY valid_from DESC LIMIT 1) IS NOT NULL`, since, now)
}

// AgentsOnline lists the agents with a connection to this hub, as operator and
// agent.
func (s *Store) AgentsOnline(ctx context.Context) ([][2]string, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, a *[2]string) error { return r.Scan(&a[0], &a[1]) },
		`SELECT operator_id, agent_id FROM agent_state WHERE online=1`+s.here())
	if err != nil {
		return nil, fmt.Errorf("store: agents online: %w", err)
	}
	return all, nil
}
