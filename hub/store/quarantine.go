package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// keep puts a message into quarantine, byte for byte; one that is there
// already is not kept twice.
func (in *intake) keep(a *Arrival, code, detail string) error {
	hash := a.hash()
	var known bool
	err := in.tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM quarantine WHERE operator_id=? AND agent_id=? AND hash=? AND journal_id=? AND seq=?)`,
		in.operator, in.agent, hash, a.Journal, a.Seq).Scan(&known)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if known {
		in.taken.Again++
		return nil
	}
	_, err = in.tx.Exec(`INSERT INTO quarantine(operator_id,agent_id,topic,journal_id,seq,reason,detail,raw,received_at,hash) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		in.operator, in.agent, a.Topic, a.Journal, a.Seq, code, detail, a.Raw, a.Received, hash)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	in.taken.Kept++
	_, err = in.s.Raise(in.tx, in.operator, AboutAgent(in.operator, in.agent), Quarantined, Alarm, code+": "+detail)
	return err
}

// KeepMessage puts a message that is no record into quarantine.
func (s *Store) KeepMessage(ctx context.Context, operator, agent string, a Arrival) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		return s.intakeOf(tx, operator, agent).keep(&a, a.Code, a.Detail)
	})
	if err != nil {
		return fmt.Errorf("store: keep a message of %s/%s: %w", operator, agent, err)
	}
	return nil
}

// Quarantine is a message that was refused, as it came.
type Quarantine struct {
	ID              int64
	Operator, Agent string
	Topic           string
	Raw             []byte
	Received        int64 // hub's clock, ms
	Reason, Detail  string
	Resolved        bool
}

// QuarantineByID reads one message.
func (s *Store) QuarantineByID(ctx context.Context, id int64) (Quarantine, error) {
	q := Quarantine{ID: id}
	err := s.r.QueryRowContext(ctx, `SELECT operator_id, agent_id, topic, raw, received_at, reason, detail, resolved_at IS NOT NULL FROM quarantine WHERE id=?`, id).
		Scan(&q.Operator, &q.Agent, &q.Topic, &q.Raw, &q.Received, &q.Reason, &q.Detail, &q.Resolved)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return q, fmt.Errorf("store: quarantine %d: %w", id, err)
	}
	return q, nil
}

// ErrStillRefused says that a message of the quarantine can't be taken in yet.
var ErrStillRefused = errors.New("still refused")

// Retake stores a message of the quarantine that is understood now: a is the
// message read anew, with the time it was received then.
func (s *Store) Retake(ctx context.Context, id int64, a Arrival, actor string) (Taken, error) {
	var t Taken
	err := s.Write(ctx, func(tx *sql.Tx) error {
		var operator, agent string
		err := tx.QueryRow(`SELECT operator_id, agent_id FROM quarantine WHERE id=? AND resolved_at IS NULL`, id).Scan(&operator, &agent)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		in := s.intakeOf(tx, operator, agent)
		if a.Code == "" {
			if err := in.take(&a, true); err != nil {
				return err
			}
		}
		switch {
		case a.Code != "":
			return fmt.Errorf("%w: %s: %s", ErrStillRefused, a.Code, a.Detail)
		case len(in.refused) > 0:
			for _, r := range in.refused {
				return fmt.Errorf("%w: %s", ErrStillRefused, r[0].Code)
			}
		}
		if t, err = in.finish(); err != nil {
			return err
		}
		return resolveQuarantine(tx, id, in.now, "taken in by "+actor)
	})
	if err != nil {
		return Taken{}, fmt.Errorf("store: take quarantine %d in: %w", id, err)
	}
	return t, nil
}

// PutAside closes a message of the quarantine without taking it in. operator ""
// means any.
func (s *Store) PutAside(ctx context.Context, operator string, id int64, why, actor string) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		var open bool
		err := tx.QueryRow(`SELECT resolved_at IS NULL FROM quarantine WHERE id=?1 AND ?2 IN ('', operator_id)`, id, operator).Scan(&open)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !open {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return resolveQuarantine(tx, id, s.Now(), "put aside by "+actor+": "+why)
	})
	if err != nil {
		return fmt.Errorf("store: put quarantine %d aside: %w", id, err)
	}
	return nil
}

func resolveQuarantine(tx *sql.Tx, id, now int64, how string) error {
	var operator, agent string
	if err := tx.QueryRow(`UPDATE quarantine SET resolved_at=?, resolution=? WHERE id=? RETURNING operator_id, agent_id`, now, how, id).Scan(&operator, &agent); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE incident SET closed_at=? WHERE subject=? AND code=? AND closed_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM quarantine WHERE operator_id=? AND agent_id=? AND resolved_at IS NULL)`,
		now, AboutAgent(operator, agent), Quarantined, operator, agent)
	return err
}
