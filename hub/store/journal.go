package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// journal is one agent's journal as a transaction works on it. Which seqs have
// come is kept as top and the holes below it, so that a record in order costs
// one update a batch, however long the journal is.
type journal struct {
	operator, agent, id string
	machine             sql.NullString
	upto, head, top     int64
	holes               bool // rows in hole
	whole               bool // nothing was missing when it was loaded
	stale               bool // holes changed: upto must be computed anew
	fresh               bool // made by this transaction
	landed              bool // some of its records wait to be settled
	foreign             bool // belongs to another agent: nothing may be stored under it
}

// openJournal loads the journal, or makes it with the machine the agent is
// bound to now: it drains there, wherever the agent is mounted later.
func (s *Store) openJournal(tx *sql.Tx, operator, agent, id string, now int64) (*journal, error) {
	j := &journal{operator: operator, agent: agent, id: id}
	err := tx.QueryRow(`SELECT machine_id, upto, head, top,
			EXISTS(SELECT 1 FROM hole h WHERE h.operator_id=j.operator_id AND h.agent_id=j.agent_id AND h.journal_id=j.id),
			EXISTS(SELECT 1 FROM landed l WHERE l.operator_id=j.operator_id AND l.agent_id=j.agent_id AND l.journal_id=j.id)
		FROM journal j WHERE operator_id=? AND agent_id=? AND id=?`, operator, agent, id).
		Scan(&j.machine, &j.upto, &j.head, &j.top, &j.holes, &j.landed)
	j.whole = j.upto == j.top
	if err == nil && j.machine.Valid {
		return j, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("journal %s: %w", id, err)
	}
	known := err == nil
	machine, err := boundTo(tx, operator, agent, now)
	if err != nil {
		return nil, err
	}
	if known { // seen before the agent was bound anywhere
		if machine == "" {
			return j, nil
		}
		j.machine = sql.NullString{String: machine, Valid: true}
		_, err := tx.Exec(`UPDATE journal SET machine_id=? WHERE operator_id=? AND agent_id=? AND id=?`, machine, operator, agent, id)
		return j, err
	}
	var owner, ownerAgent string
	err = tx.QueryRow(`SELECT operator_id, agent_id FROM journal WHERE id=? LIMIT 1`, id).Scan(&owner, &ownerAgent)
	switch {
	case err == nil:
		j.foreign = true
		_, err = s.Hold(tx, operator, AboutAgent(operator, agent), JournalCloned, Alarm, "journal "+id+" belongs to another agent: copied disk")
		if err == nil && owner == operator {
			_, err = s.Hold(tx, owner, AboutAgent(owner, ownerAgent), JournalCloned, Alarm, "journal "+id+" also comes from agent "+agent)
		}
		return j, err
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("journal %s: %w", id, err)
	}
	j.machine = sql.NullString{String: machine, Valid: machine != ""}
	j.fresh = true
	_, err = tx.Exec(`INSERT INTO journal(operator_id,agent_id,id,machine_id,first_at,last_at) VALUES (?,?,?,?,?,?)`,
		operator, agent, id, j.machine, now, now)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", id, err)
	}
	return j, nil
}

// boundTo gives the machine an agent sits in at a moment; "" none.
func boundTo(tx *sql.Tx, operator, agent string, at int64) (string, error) {
	var machine sql.NullString
	err := tx.QueryRow(`SELECT machine_id FROM binding WHERE operator_id=? AND agent_id=? AND valid_from<=?
		ORDER BY valid_from DESC LIMIT 1`, operator, agent, at).Scan(&machine)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("binding of %s/%s: %w", operator, agent, err)
	}
	return machine.String, nil
}

// place marks seq as come (stored or refused).
func (j *journal) place(tx *sql.Tx, seq, now int64) error {
	switch {
	case seq == j.top+1:
		j.top = seq
	case seq > j.top:
		if err := j.open(tx, j.top+1, seq-1, now); err != nil {
			return err
		}
		j.top = seq
	case j.holes:
		return j.fill(tx, seq)
	}
	return nil
}

func (j *journal) open(tx *sql.Tx, first, last, since int64) error {
	j.holes, j.stale = true, true
	_, err := tx.Exec(`INSERT INTO hole(operator_id,agent_id,journal_id,first,last,since) VALUES (?,?,?,?,?,?)`,
		j.operator, j.agent, j.id, first, last, since)
	if err != nil {
		return fmt.Errorf("hole %d..%d of journal %s: %w", first, last, j.id, err)
	}
	return nil
}

func (j *journal) fill(tx *sql.Tx, seq int64) error {
	var first, last, since int64
	err := tx.QueryRow(`SELECT first, last, since FROM hole WHERE operator_id=? AND agent_id=? AND journal_id=? AND first<=?
		ORDER BY first DESC LIMIT 1`, j.operator, j.agent, j.id, seq).Scan(&first, &last, &since)
	if errors.Is(err, sql.ErrNoRows) || err == nil && last < seq {
		return nil
	}
	if err == nil {
		_, err = tx.Exec(`DELETE FROM hole WHERE operator_id=? AND agent_id=? AND journal_id=? AND first=?`, j.operator, j.agent, j.id, first)
	}
	if err != nil {
		return fmt.Errorf("hole %d..%d of journal %s: %w", first, last, j.id, err)
	}
	j.stale = true
	if first < seq {
		err = j.open(tx, first, seq-1, since)
	}
	if err == nil && seq < last {
		err = j.open(tx, seq+1, last, since)
	}
	return err
}

// save writes what changed.
func (j *journal) save(tx *sql.Tx, now int64) error {
	if j.foreign {
		return nil
	}
	j.head = max(j.head, j.top)
	if j.whole {
		j.upto = j.top
	}
	if j.stale {
		var first sql.NullInt64
		if err := tx.QueryRow(`SELECT min(first) FROM hole WHERE operator_id=? AND agent_id=? AND journal_id=? AND gone=0`,
			j.operator, j.agent, j.id).Scan(&first); err != nil {
			return fmt.Errorf("holes of journal %s: %w", j.id, err)
		}
		j.upto = j.top
		if first.Valid {
			j.upto = first.Int64 - 1
		}
	}
	if _, err := tx.Exec(`UPDATE journal SET upto=?1, head=CASE WHEN head<?2 THEN ?2 ELSE head END, top=?3, last_at=?4 WHERE operator_id=?5 AND agent_id=?6 AND id=?7`,
		j.upto, j.head, j.top, now, j.operator, j.agent, j.id); err != nil {
		return fmt.Errorf("journal %s: %w", j.id, err)
	}
	return nil
}

const (
	ackRanges  = 100 // of Ack.Missing, see wire.Ack
	ackRefused = 100
)

// ack says what is here, after save.
func (j *journal) ack(tx *sql.Tx) (wire.Ack, error) {
	a := wire.Ack{V: wire.Version, Journal: j.id, Upto: j.top}
	if j.foreign || j.upto == j.top {
		return a, nil
	}
	rows, err := tx.Query(`SELECT first, last FROM hole WHERE operator_id=? AND agent_id=? AND journal_id=? AND gone=0 ORDER BY first LIMIT ?`,
		j.operator, j.agent, j.id, ackRanges+1)
	if err != nil {
		return a, fmt.Errorf("holes of journal %s: %w", j.id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r wire.Range
		if err := rows.Scan(&r[0], &r[1]); err != nil {
			return a, err
		}
		if len(a.Missing) == ackRanges {
			a.Upto = r[0] - 1
			break
		}
		a.Missing = append(a.Missing, r)
	}
	return a, rows.Err()
}

// refusals gives the newest refused records from seq oldest on that are still
// in quarantine.
func (j *journal) refusals(tx *sql.Tx, oldest int64) ([]wire.Refusal, error) {
	rows, err := tx.Query(`SELECT seq, reason FROM quarantine WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq>=?
		AND resolved_at IS NULL ORDER BY seq DESC LIMIT ?`, j.operator, j.agent, j.id, max(oldest, 1), ackRefused)
	if err != nil {
		return nil, fmt.Errorf("refusals of journal %s: %w", j.id, err)
	}
	defer rows.Close()
	var all []wire.Refusal
	for rows.Next() {
		var r wire.Refusal
		if err := rows.Scan(&r.Seq, &r.Code); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
