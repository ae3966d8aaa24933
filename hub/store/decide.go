package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// ErrNotHeld says that a record is not (or no longer) one a person can decide.
var ErrNotHeld = errors.New("the record does not wait for a decision")

// Redecide judges one held record anew by the facts as they stand now for the
// time of its sale: after the operator has put the catalogue right. vouched
// says that a person vouches that it was a sale; that lets class C and D and
// barred goods go. actor stands in the job's history. operator "" means any;
// ErrNotFound, ErrNotHeld.
func (s *Store) Redecide(ctx context.Context, operator string, record int64, vouched bool, actor string) (Taken, error) {
	return s.onRecord(ctx, operator, record, func(in *intake, st *stored) error {
		if st.fate != FateHeld && (st.fate != FateNote || !vouched) || !sellable(&st.record) {
			return ErrNotHeld
		}
		v, err := judge(in.facts, claim{operator: in.operator, machine: st.machine(), kind: st.record.Kind, sale: *st.record.Sale, at: st.at, vouched: vouched})
		if err != nil {
			return err
		}
		if err := in.setFate(st.id, v.fate, v.reason); err != nil {
			return err
		}
		if v.fate == FateHeld && v.reason == st.reason {
			return nil
		}
		return in.settle(&st.entry, v, actor)
	})
}

// Drop closes a held or unexplained record: a person decides that no receipt
// is due, and says why.
func (s *Store) Drop(ctx context.Context, operator string, record int64, why, actor string) (Taken, error) {
	return s.onRecord(ctx, operator, record, func(in *intake, st *stored) error {
		if st.fate != FateHeld && st.fate != FateNote {
			return ErrNotHeld
		}
		if _, err := s.Raise(in.tx, in.operator, in.about(&st.entry), "record_dropped", Info, fmt.Sprintf("record %d by %s: %s", st.id, actor, why)); err != nil {
			return err
		}
		in.tell(st.journal.id, st.record.Seq, FateNone, NoneDropped, st.record.Sale)
		return in.setFate(st.id, FateNone, NoneDropped)
	})
}

// sellable makes a class D incident the sale it may have been.
func sellable(r *wire.Record) bool {
	if r.Kind == wire.KindIncident && r.Incident != nil && r.Incident.Sale != nil {
		r.Kind, r.Sale = wire.KindSale, r.Incident.Sale
	}
	switch r.Kind {
	case wire.KindSale, wire.KindReturn, wire.KindTopUp:
		return r.Sale != nil
	}
	return false
}

func (s *Store) onRecord(ctx context.Context, operator string, record int64, fn func(*intake, *stored) error) (Taken, error) {
	var t Taken
	err := s.Write(ctx, func(tx *sql.Tx) error {
		var agent, id string
		err := tx.QueryRow(`SELECT operator_id, agent_id, journal_id FROM record WHERE id=?1 AND ?2 IN ('', operator_id)`, record, operator).
			Scan(&operator, &agent, &id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		in := s.intakeOf(tx, operator, agent)
		j, err := s.openJournal(tx, operator, agent, id, in.now)
		if err != nil {
			return err
		}
		st, err := in.scanStored(j, tx.QueryRow(`SELECT `+storedColumns+` FROM record r WHERE id=?`, record))
		if err != nil {
			return err
		}
		if err := fn(in, st); err != nil {
			return err
		}
		t = in.taken
		t.Operator, t.Agent = in.operator, in.agent
		if err := in.tally.add(tx, in.operator); err != nil {
			return err
		}
		return in.sync(st, record)
	})
	if err != nil {
		return Taken{}, fmt.Errorf("store: decide record %d: %w", record, err)
	}
	return t, nil
}

// sync puts the machine on a record that was stored before its agent was bound,
// and ends the call for a person when nothing of the machine waits any more.
func (in *intake) sync(st *stored, record int64) error {
	if _, err := in.tx.Exec(`UPDATE record SET machine_id=? WHERE id=? AND machine_id IS NULL`, st.journal.machine, record); err != nil {
		return err
	}
	var waits bool
	if err := in.tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM record WHERE machine_id=? AND fate='held')`, st.journal.machine).Scan(&waits); err != nil || waits {
		return err
	}
	_, err := in.s.Clear(in.tx, in.about(&st.entry), SaleHeld)
	return err
}
