package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Several hubs may share a PostgreSQL database. Their writes follow one another
// (package postgres); what each keeps for itself is told apart here by the
// hub's name: the connections of agents, and whose turn it is to tell them.

// hubGone is how long a hub may be silent before its agents count as offline.
const hubGone = 30 * time.Second

// Serve says that this store is of a hub at work under a name, which no other
// hub of the database may have: postgres.ErrNameTaken. On SQLite the name is
// noted only: the data folder has a lock.
func (s *Store) Serve(ctx context.Context, name string) error {
	if s.listener != nil {
		if err := s.listener.Claim(ctx, name); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		if s.db.shared() { // what this session writes carries the name, see 0008_hubs.sql
			if _, err := tx.Exec(`SELECT set_config('application_name', ?, false)`, name); err != nil {
				return err
			}
		}
		return s.seen(tx, name)
	})
	if err != nil {
		return fmt.Errorf("store: serve as hub %q: %w", name, err)
	}
	s.name.Store(&name)
	return nil
}

// ServerClock makes leases run by the database server's clock, so that hubs
// whose clocks differ agree on when one ends.
func (s *Store) ServerClock() { s.byServer.Store(s.db.shared()) }

// leaseNow is the clock leases run by, ms; inside a write.
func (s *Store) leaseNow() int64 {
	if s.byServer.Load() {
		return s.Now() + s.ahead.Load()
	}
	return s.Now()
}

// hub is the name served under; "" none.
func (s *Store) hub() string {
	if p := s.name.Load(); p != nil {
		return *p
	}
	return ""
}

// here narrows agent_state to the agents of this hub, where there may be others.
func (s *Store) here() string {
	if name := s.hub(); s.db.shared() && name != "" {
		return " AND hub='" + strings.ReplaceAll(name, "'", "''") + "'"
	}
	return ""
}

// Neighbours says whether other hubs may work with this database, and why they
// are not heard of now.
func (s *Store) Neighbours() (shared bool, err error) {
	if s.listener == nil {
		return false, nil
	}
	return true, s.listener.Err()
}

// Durable says why a commit might not outlive a power cut at the server; nil: it
// does. SQLite syncs itself.
func (s *Store) Durable(ctx context.Context) error {
	if !s.db.shared() {
		return nil
	}
	for _, setting := range []string{"fsync", "full_page_writes"} {
		var v string
		if err := s.r.QueryRowContext(ctx, "SHOW "+setting).Scan(&v); err != nil {
			return fmt.Errorf("store: ask for %s: %w", setting, err)
		}
		if v != "on" {
			return fmt.Errorf("store: the server runs with %s=%s", setting, v)
		}
	}
	return nil
}

// seen notes that a hub lives.
func (s *Store) seen(tx *sql.Tx, name string) error {
	_, err := tx.Exec(`INSERT INTO hub(name,seen_at) VALUES (?,?) ON CONFLICT(name) DO UPDATE SET seen_at=excluded.seen_at`, name, s.Now())
	return err
}

// lookAfterHubs notes that this one lives, and takes agents offline whose hub
// has not been seen for long. Without other hubs there is nothing to do.
func (s *Store) lookAfterHubs(ctx context.Context) error {
	if !s.db.shared() || s.hub() == "" {
		return nil
	}
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		if err := s.seen(tx, s.hub()); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE agent_state SET online=0 WHERE online=1 AND hub<>'' AND hub<>?
			AND NOT EXISTS (SELECT 1 FROM hub h WHERE h.name=agent_state.hub AND h.seen_at>?)`, s.hub(), s.Now()-hubGone.Milliseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: look after other hubs: %w", err)
	}
	return nil
}

// Moved lists the jobs of agents connected here that another hub has moved since
// entry after of the histories of all jobs, each once; last is the newest entry
// looked at.
func (s *Store) Moved(ctx context.Context, after int64) (jobs []string, last int64, err error) {
	last = after
	seen := map[string]bool{}
	_, err = listOf(ctx, s.r, func(r *sql.Rows, _ *struct{}) error {
		var job string
		if err := r.Scan(&last, &job); err != nil {
			return err
		}
		if job != "" && !seen[job] {
			seen[job] = true
			jobs = append(jobs, job)
		}
		return nil
	}, `SELECT h.id, CASE WHEN h.hub<>?1 AND EXISTS (SELECT 1 FROM job j JOIN agent_state a ON a.operator_id=j.operator_id AND a.agent_id=j.agent_id
			WHERE j.id=h.job_id AND a.online=1 AND a.hub=?1) THEN h.job_id ELSE '' END
		FROM job_history h WHERE h.id>?2 ORDER BY h.id`, s.hub(), after)
	if err != nil {
		return nil, after, fmt.Errorf("store: jobs moved by other hubs: %w", err)
	}
	return jobs, last, nil
}

// Barred lists agents connected here, as operator and agent, that were revoked
// or whose secret was renewed since they said hello: through another hub, or
// another program.
func (s *Store) Barred(ctx context.Context) ([][2]string, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, a *[2]string) error { return r.Scan(&a[0], &a[1]) },
		`SELECT a.operator_id, a.agent_id FROM agent_state a JOIN agent g ON g.operator_id=a.operator_id AND g.id=a.agent_id
		WHERE a.online=1 AND a.hub=? AND (g.revoked_at IS NOT NULL OR a.secret_hash<>'' AND a.secret_hash<>g.secret_hash)`, s.hub())
	if err != nil {
		return nil, fmt.Errorf("store: agents that may no longer speak: %w", err)
	}
	return all, nil
}
