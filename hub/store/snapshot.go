package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// Snapshot makes the catalogue as of now for an agent. Its version grows with
// each change; changed says whether this call made a new one.
// It writes only when there is something new.
func (s *Store) Snapshot(ctx context.Context, operator, agent string) (cfg wire.Config, changed bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("store: snapshot for %s/%s: %w", operator, agent, err)
		}
	}()
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return cfg, false, err
	}
	cfg, _, changed, err = nextConfig(tx, operator, agent, s.Now())
	if err = errors.Join(err, tx.Rollback()); err != nil || !changed {
		return cfg, false, err
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		cfg, changed, err = s.snapshot(tx, operator, agent, s.Now())
		return err
	})
	return cfg, changed, err
}

// AgentsOf lists the agents bound to a machine now, as operator and agent.
func (s *Store) AgentsOf(ctx context.Context, machine string) ([][2]string, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, a *[2]string) error { return r.Scan(&a[0], &a[1]) },
		`SELECT operator_id, agent_id FROM binding b WHERE machine_id=? AND valid_from=
			(SELECT max(valid_from) FROM binding n WHERE n.operator_id=b.operator_id AND n.agent_id=b.agent_id AND n.valid_from<=?)
			AND NOT EXISTS (SELECT 1 FROM agent_state a WHERE a.operator_id=b.operator_id AND a.agent_id=b.agent_id AND NOT (TRUE`+s.here()+`))`, machine, s.Now())
	if err != nil {
		return nil, fmt.Errorf("store: agents of machine %s: %w", machine, err)
	}
	return all, nil
}

// snapshot composes the config and keeps it when it differs from the last one
// made.
func (s *Store) snapshot(tx *sql.Tx, operator, agent string, now int64) (wire.Config, bool, error) {
	cfg, body, changed, err := nextConfig(tx, operator, agent, now)
	if err != nil || !changed {
		return cfg, false, err
	}
	_, err = tx.Exec(`INSERT INTO agent_state(operator_id,agent_id,config,config_body) VALUES (?,?,?,?)
		ON CONFLICT(operator_id,agent_id) DO UPDATE SET config=excluded.config, config_body=excluded.config_body`, operator, agent, cfg.Version, body)
	return cfg, true, err
}

// nextConfig composes the config with the version it has, or is to get.
func nextConfig(tx *sql.Tx, operator, agent string, now int64) (cfg wire.Config, body string, changed bool, err error) {
	if cfg, err = compileConfig(tx, operator, agent, now); err != nil {
		return cfg, "", false, err
	}
	b, err := json.Marshal(cfg)
	if err != nil {
		return cfg, "", false, err
	}
	var old string
	err = tx.QueryRow(`SELECT config, config_body FROM agent_state WHERE operator_id=? AND agent_id=?`, operator, agent).Scan(&cfg.Version, &old)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return cfg, "", false, err
	}
	if cfg.Version > 0 && old == string(b) {
		return cfg, old, false, nil
	}
	cfg.Version = max(cfg.Version+1, now) // grows even when the database was restored from a backup
	return cfg, string(b), true, nil
}

func compileConfig(tx *sql.Tx, operator, agent string, now int64) (wire.Config, error) {
	cfg := wire.Config{V: wire.Version, Lang: "ru", ShowSec: 60}
	machine, err := boundTo(tx, operator, agent, now)
	if err != nil {
		return cfg, err
	}
	if machine == "" {
		cfg.OffReason = LateNoLanes // displays know it as "not set up yet"
		return cfg, nil
	}
	err = tx.QueryRow(`SELECT stop_after_m, need_display, show_sec, currency, lang FROM machine_rule WHERE machine_id=?`, machine).
		Scan(&cfg.StopAfterM, &cfg.NeedPanel, &cfg.ShowSec, &cfg.Assume, &cfg.Lang)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return cfg, fmt.Errorf("rules of machine %s: %w", machine, err)
	}
	f := factsOf(tx)
	p, ok, err := f.period(machine, now)
	if err != nil {
		return cfg, err
	}
	if !ok {
		cfg.OffReason = LateNoLanes
		return cfg, nil
	}
	cfg.Serial, cfg.Address, cfg.Place, cfg.Zone = p.serial, p.address, p.place, p.zoneID
	if err := tx.QueryRow(`SELECT name FROM seller WHERE id=?`, p.seller).Scan(&cfg.Seller); err != nil {
		return cfg, fmt.Errorf("seller %s: %w", p.seller, err)
	}
	cfg.Columns, err = list(tx, func(r *sql.Rows, c *wire.Column) error { return r.Scan(&c.Column, &c.Name, &c.Minor) },
		`SELECT col, name, price FROM plan_column p WHERE machine_id=? AND col>=0 AND name<>'' AND valid_from=
			(SELECT max(valid_from) FROM plan_column n WHERE n.machine_id=p.machine_id AND n.col=p.col AND n.valid_from<=?) ORDER BY col`, machine, now)
	if err != nil {
		return cfg, fmt.Errorf("plan of machine %s: %w", machine, err)
	}
	late, stop, err := silence(tx, f, machine, p.seller, cfg.StopAfterM, now)
	if cfg.LateReason = late; stop {
		cfg.OffReason = late
	}
	return cfg, err
}
