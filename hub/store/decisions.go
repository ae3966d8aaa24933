package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// ErrMayExist says that an attempt of the job may have been made: it can only
// be bound to a document, or declared not made by a person who looked.
var ErrMayExist = errors.New("an attempt of the job may have been made")

// decide runs a person's decision about a job.
func (s *Store) decide(ctx context.Context, job, what string, fn func(tx *sql.Tx, now int64, j Job) error) error {
	var state string
	err := s.Write(ctx, func(tx *sql.Tx) error {
		j, err := readJob(ctx, tx, `WHERE id = ?`, job)
		if err != nil {
			return err
		}
		state = ", which is " + j.State
		return fn(tx, s.Now(), j)
	})
	if err != nil {
		return fmt.Errorf("store: %s job %s%s: %w", what, job, state, err)
	}
	return nil
}

// openAttemptOf gives the id of the job's attempt that may have been made; 0 none.
func openAttemptOf(tx *sql.Tx, job string) (id int64, err error) {
	err = tx.QueryRow(`SELECT id FROM attempt WHERE job_id = ? AND`+openStates+`LIMIT 1`, job).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

func noOpenAttempt(tx *sql.Tx, job string) error {
	open, err := openAttemptOf(tx, job)
	if err == nil && open != 0 {
		err = ErrMayExist
	}
	return err
}

// RetryJob puts a held job back into the queue. ErrMayExist while an attempt
// of it may have been made, ErrMoved when it is not held.
func (s *Store) RetryJob(ctx context.Context, job, actor, why string) error {
	return s.decide(ctx, job, "retry", func(tx *sql.Tx, now int64, j Job) error {
		if err := noOpenAttempt(tx, job); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE job SET next_at = 0 WHERE id = ?`, job); err != nil {
			return err
		}
		if err := moveJob(tx, now, job, JobQueued, ByPerson, why, actor, JobHeld); err != nil {
			return err
		}
		return s.noteHeld(tx, j)
	})
}

// DropJob decides that a document is not to be made. ErrMayExist and ErrMoved
// as RetryJob; a queued job may be dropped too, and one whose attempt can't be
// settled because its ФН has left the register: should the document turn up
// after all, it is bound to the job.
func (s *Store) DropJob(ctx context.Context, job, actor, why string) (alsoVoid []string, err error) {
	err = s.decide(ctx, job, "drop", func(tx *sql.Tx, now int64, j Job) error {
		if _, err := tx.Exec(`UPDATE attempt SET state = 'not_printed', outcome = 'dropped by a person', ended_at = ?
			WHERE job_id = ? AND unit >= 'fn:' AND unit < 'fn;' AND`+openStates, now, job); err != nil {
			return err
		}
		if err := errors.Join(noOpenAttempt(tx, job), notFound(tx, j)); err != nil {
			return err
		}
		if err := moveJob(tx, now, job, JobVoid, ByPerson, why, actor, JobHeld, JobQueued); err != nil {
			return err
		}
		if err := s.noteHeld(tx, j); err != nil {
			return err
		}
		alsoVoid, err = moveRefund(tx, now, job, JobVoid, NeverPrinted)
		return err
	})
	return alsoVoid, err
}

// BindJob decides that a document recorded as foreign is this job's. The
// person answers for it; amount and operation must still agree.
func (s *Store) BindJob(ctx context.Context, job, fn string, fd uint32, actor, why string) (released []string, err error) {
	err = s.decide(ctx, job, "bind", func(tx *sql.Tx, now int64, j Job) error {
		if j.State == JobDone || j.State == JobVoid {
			return ErrMoved
		}
		var d kkt.Stored
		var lane string
		var receipt []byte
		err := tx.QueryRow(`SELECT lane_id, key, tlv, receipt FROM foreign_document WHERE fn = ? AND fd = ? AND job_id IS NULL`, fn, fd).
			Scan(&lane, &d.Key, &d.Document, &receipt)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("document %s/%d: %w", fn, fd, ErrNotFound)
		}
		if err == nil {
			err = json.Unmarshal(receipt, &d.Receipt)
		}
		if err != nil {
			return err
		}
		if r := d.Receipt; r.Total != j.Amount || r.Operation != j.Document.Operation || r.FN != fn {
			return fmt.Errorf("document %s/%d has amount %d and operation %d: %w", fn, fd, r.Total, r.Operation, ErrMismatch)
		}
		if d.Key.Base() != j.Key { // not ours by key: the person's word counts, for the newest attempt
			d.Key = ""
		}
		if released, err = bind(tx, now, lane, j, d.Key, d.Receipt, d.Document, actor, why); err != nil {
			return err
		}
		if _, err = tx.Exec(`UPDATE foreign_document SET job_id = ? WHERE fn = ? AND fd = ?`, job, fn, fd); err != nil {
			return err
		}
		return s.noteHeld(tx, j)
	})
	return released, err
}

// DeclareMade decides that a document which no register can be asked for any
// more is this job's: r is typed by a person from the OFD's data, of an ФН that
// was taken out or of an archive that can't be read. ФН, ФД and ФПД are needed;
// amount and operation must be those of the job.
func (s *Store) DeclareMade(ctx context.Context, job string, r fiscal.Receipt, actor, why string) (released []string, err error) {
	err = s.decide(ctx, job, "declare made", func(tx *sql.Tx, now int64, j Job) error {
		if j.State == JobDone || j.State == JobVoid {
			return ErrMoved
		}
		if r.FN == "" || r.FD == 0 || r.FP == 0 || !shiftReport(j.Purpose) && (r.Total != j.Amount || r.Operation != j.Document.Operation) {
			return fmt.Errorf("document %s/%d has amount %d and operation %d: %w", r.FN, r.FD, r.Total, r.Operation, ErrMismatch)
		}
		lane := j.Lane
		if lane == "" {
			err := tx.QueryRow(`SELECT u.lane_id FROM fn_period p JOIN unit u ON u.id = p.unit_id WHERE p.fn = ? ORDER BY p.seen_to DESC LIMIT 1`, r.FN).Scan(&lane)
			if errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("ФН %s was never seen on a lane: %w", r.FN, ErrNotFound)
			}
			if err != nil {
				return err
			}
		}
		released, err = bind(tx, now, lane, j, "", r, nil, actor, why)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE foreign_document SET job_id = ? WHERE fn = ? AND fd = ? AND job_id IS NULL`, job, r.FN, r.FD); err != nil {
			return err
		}
		return s.noteHeld(tx, j)
	})
	return released, err
}

// JobHeldCode is the incident of a machine, or of a seller, jobs of which wait
// for a person.
const JobHeldCode = "job_held"

// noteHeld keeps the incident of held jobs equal to what is held of the job's
// machine; called whenever a job comes to be held or ceases to be.
func (s *Store) noteHeld(tx *sql.Tx, j Job) error {
	about := AboutSeller(j.Seller)
	if j.Machine != "" {
		about = AboutMachine(j.Machine)
	}
	var n int
	var newest string
	err := tx.QueryRow(`SELECT COUNT(*), COALESCE(MAX(id || ' ' || reason), '') FROM job
		WHERE operator_id = ? AND state = 'held' AND reason <> ? AND reason <> ? AND seller_id = ? AND COALESCE(machine_id, '') = ?`,
		j.Operator, WaitsForReceipt, WaitsForPair, j.Seller, j.Machine).Scan(&n, &newest)
	switch {
	case err != nil:
		return err
	case n == 0:
		_, err = s.Clear(tx, about, JobHeldCode)
	default:
		_, err = s.Hold(tx, j.Operator, about, JobHeldCode, Warn, fmt.Sprintf("%d, job %s", n, newest))
	}
	return err
}

// ErrMismatch says that a document is not what the job asked for.
var ErrMismatch = errors.New("the document is not what the job asks for")

// DeclareNotMade closes the open attempt of a job on a person's word that the
// register has no document of it, and queues the job anew.
func (s *Store) DeclareNotMade(ctx context.Context, job, actor, why string) error {
	return s.decide(ctx, job, "declare not made", func(tx *sql.Tx, now int64, j Job) error {
		open, err := openAttemptOf(tx, job)
		if err != nil {
			return err
		}
		if open == 0 {
			return ErrMoved
		}
		if err := notMade(tx, now, open, job, "not made by a person's word", false, ByPerson, 0, actor, why); err != nil {
			return err
		}
		return s.noteHeld(tx, j)
	})
}
