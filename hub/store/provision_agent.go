package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// CreateAgent makes an agent of n.Operator and binds it when a machine is
// named. The secret is kept as a hash only.
func (s *Store) CreateAgent(ctx context.Context, n contract.NewAgent) (contract.AgentSecret, error) {
	a := contract.AgentSecret{Operator: n.Operator, ID: n.ID, Secret: NewSecret(), Machine: n.Machine}
	err := s.change(ctx, "make agent "+n.ID, func(tx *sql.Tx) error {
		if a.ID = n.ID; a.ID == "" {
			a.ID = sortableID(s.Now())
		}
		if err := hasOperator(tx, n.Operator); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES (?,?,?,?)`,
			a.ID, n.Operator, HashSecret(a.Secret), s.Now()); err != nil {
			return unique(err)
		}
		if n.Machine == "" {
			return nil
		}
		return bindAgent(tx, n.Operator, a.ID, n.Machine, s.from(n.ValidFrom))
	})
	a.Username = wire.Username(a.Operator, a.ID)
	return a, err
}

// RenewSecret gives the agent a new secret; the old one ends at once. A
// revoked agent is taken back.
func (s *Store) RenewSecret(ctx context.Context, operator, agent string) (contract.AgentSecret, error) {
	a := contract.AgentSecret{Operator: operator, ID: agent, Username: wire.Username(operator, agent), Secret: NewSecret()}
	err := s.change(ctx, "renew secret of agent "+a.Username, func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE agent SET secret_hash=?, revoked_at=NULL WHERE operator_id=? AND id=?`, HashSecret(a.Secret), operator, agent))
	})
	return a, err
}

// RevokeAgent refuses the agent from now on.
func (s *Store) RevokeAgent(ctx context.Context, operator, agent string) error {
	return s.change(ctx, "revoke agent "+wire.Username(operator, agent), func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE agent SET revoked_at=coalesce(revoked_at,?) WHERE operator_id=? AND id=?`, s.Now(), operator, agent))
	})
}

// BindAgent puts the agent into a machine from a date on; no machine: out of any.
func (s *Store) BindAgent(ctx context.Context, operator, agent string, b contract.BindingChange) error {
	return s.change(ctx, "bind agent "+wire.Username(operator, agent), func(tx *sql.Tx) error {
		if err := exists(tx, `SELECT 1 FROM agent WHERE operator_id=? AND id=?`, operator, agent); err != nil {
			return err
		}
		return bindAgent(tx, operator, agent, b.Machine, s.from(b.ValidFrom))
	})
}

func bindAgent(tx *sql.Tx, operator, agent, machine string, at int64) error {
	if machine != "" {
		if err := exists(tx, `SELECT 1 FROM machine WHERE id=? AND operator_id=?`, machine, operator); err != nil {
			return &FieldError{Field: "machine", Err: err}
		}
	}
	same := exists(tx, `SELECT 1 FROM (SELECT * FROM binding WHERE operator_id=? AND agent_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1) b
		WHERE coalesce(machine_id,'')=?`, operator, agent, at, machine)
	if !errors.Is(same, ErrNotFound) {
		return same
	}
	_, err := tx.Exec(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES (?,?,NULLIF(?,''),?)
		ON CONFLICT(operator_id,agent_id,valid_from) DO UPDATE SET machine_id=excluded.machine_id`, operator, agent, machine, at)
	return err
}
