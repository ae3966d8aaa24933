package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

const agentQuery = `SELECT g.operator_id, g.id, coalesce((SELECT machine_id FROM binding WHERE operator_id=g.operator_id AND agent_id=g.id
    AND valid_from<=?1 ORDER BY valid_from DESC LIMIT 1),''), g.created_at, coalesce(g.revoked_at,0),
  coalesce(a.online,0), coalesce(a.seen_at,0), coalesce(a.hello,''), coalesce(a.state,''),
  (SELECT coalesce(sum(last-first+1),0) FROM hole WHERE operator_id=g.operator_id AND agent_id=g.id)
  FROM agent g LEFT JOIN agent_state a ON a.operator_id=g.operator_id AND a.agent_id=g.id`

type agentRow struct {
	contract.Agent
	hello, state string
}

func scanAgent(r *sql.Rows) (v agentRow, err error) {
	var created, revoked, seen int64
	a := &v.Agent
	err = r.Scan(&a.Operator, &a.ID, &a.Machine, &created, &revoked, &a.Online, &seen, &v.hello, &v.state, &a.Missing)
	a.CreatedAt, a.RevokedAt, a.SeenAt = instant(created), instant(revoked), instant(seen)
	var h wire.Hello
	if json.Unmarshal([]byte(v.hello), &h) == nil {
		a.Software = h.Software
	}
	var st wire.State
	if json.Unmarshal([]byte(v.state), &st) == nil {
		a.Unacked = st.Unacked
	}
	return v, err
}

// Agents lists agents of an operator, or all.
func (s *Store) Agents(ctx context.Context, operator string) ([]contract.Agent, error) {
	return collect(ctx, s.r, func(r *sql.Rows) (contract.Agent, error) {
		v, err := scanAgent(r)
		return v.Agent, err
	}, agentQuery+` WHERE ?2='' OR g.operator_id=?2 ORDER BY g.operator_id, g.id`, s.Now(), operator)
}

// Agent reads one with where it sat and what it wrote.
func (s *Store) Agent(ctx context.Context, operator, id string) (d contract.AgentDetail, err error) {
	all, err := collect(ctx, s.r, scanAgent, agentQuery+` WHERE g.operator_id=?2 AND g.id=?3`, s.Now(), operator, id)
	v, err := first(all, err, "agent "+wire.Username(operator, id))
	if err != nil {
		return d, err
	}
	d.Agent, d.State, d.Hello = v.Agent, object([]byte(v.state)), object([]byte(v.hello))
	d.Bindings, err = collect(ctx, s.r, func(r *sql.Rows) (b contract.Binding, err error) {
		var from int64
		err = r.Scan(&from, &b.Machine)
		b.ValidFrom = instant(from)
		return b, err
	}, `SELECT valid_from, coalesce(machine_id,'') FROM binding WHERE operator_id=? AND agent_id=? ORDER BY valid_from DESC`, operator, id)
	if err != nil {
		return d, err
	}
	d.Journals, err = collect(ctx, s.r, func(r *sql.Rows) (j contract.Journal, err error) {
		var firstAt, lastAt int64
		err = r.Scan(&j.ID, &j.Machine, &j.Upto, &j.Head, &firstAt, &lastAt, &j.Missing)
		j.FirstAt, j.LastAt = instant(firstAt), instant(lastAt)
		return j, err
	}, `SELECT id, coalesce(machine_id,''), upto, head, first_at, last_at,
		(SELECT coalesce(sum(last-first+1),0) FROM hole h WHERE h.operator_id=j.operator_id AND h.agent_id=j.agent_id AND h.journal_id=j.id)
		FROM journal j WHERE operator_id=? AND agent_id=? ORDER BY last_at DESC, id`, operator, id)
	if err != nil {
		return d, fmt.Errorf("store: journals of agent %s: %w", id, err)
	}
	return d, nil
}
