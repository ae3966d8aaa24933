package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// Attempt is one try of a job on one lane.
type Attempt struct {
	ID       int64
	Job      Job // as it was when the attempt began or was read
	Number   int
	Lane     string
	Key      kkt.Key
	Wire     kkt.Wire
	Baseline kkt.Baseline
	State    string
	Ref      kkt.Ref
	Started  int64 // ms
}

// Intent is an attempt about to be made: everything that must be durable
// before the first byte leaves.
type Intent struct {
	Job      Job // ID and Attempts as read; New jobs are inserted whole
	New      bool
	Number   int
	Key      kkt.Key
	Wire     kkt.Wire
	Baseline kkt.Baseline
}

// openStates of attempts: the document may exist.
const openStates = ` state IN ('intent','sent','resolving') `

// parkedUnit is the unit of an attempt whose ФН is no longer in the register:
// it blocks that ФН, not the lane.
func parkedUnit(fn string) string { return "fn:" + fn }

// asideUnit is the unit of a cloud's attempt whose outcome is waited for: it
// blocks its job, not the lane.
func asideUnit(a Attempt) string { return "job:" + a.Job.ID }

// AsideAttempts lists the attempts of a cloud's lane that wait for their outcome.
func (s *Store) AsideAttempts(ctx context.Context, lane string) (all []Attempt, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT id, job_id, number, key, wire, baseline, state, ref, started_at FROM attempt
		WHERE lane_id = ? AND`+openStates+`AND unit >= 'job:' AND unit < 'job;' ORDER BY id`, lane)
	if err != nil {
		return nil, fmt.Errorf("store: attempts of lane %s set aside: %w", lane, err)
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanAttempt(rows)
		if err != nil {
			return nil, fmt.Errorf("store: attempts of lane %s set aside: %w", lane, err)
		}
		a.Lane = lane
		all = append(all, a)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("store: attempts of lane %s set aside: %w", lane, err)
	}
	for i := range all {
		if all[i].Job, err = readJob(ctx, s.r, `WHERE id = ?`, all[i].Job.ID); err != nil {
			return nil, fmt.Errorf("store: attempts of lane %s set aside: %w", lane, err)
		}
	}
	return all, nil
}

func scanAttempt(row interface{ Scan(...any) error }) (a Attempt, err error) {
	var wire, base []byte
	err = row.Scan(&a.ID, &a.Job.ID, &a.Number, &a.Key, &wire, &base, &a.State, &a.Ref, &a.Started)
	if err == nil {
		err = errors.Join(json.Unmarshal(wire, &a.Wire), json.Unmarshal(base, &a.Baseline))
	}
	return a, err
}

// BoundError says that the job's document was found on the register before a
// new attempt was made; the job is done with it.
type BoundError struct {
	Job      string
	Released []string // refunds that may go now
}

func (e *BoundError) Error() string { return "the document of job " + e.Job + " already exists" }

// OpenAttempt reads the attempt of the lane that may have been made, that of a
// former ФН too when fn is that ФН. ErrNotFound when there is none.
func (s *Store) OpenAttempt(ctx context.Context, lane, fn string) (Attempt, error) {
	a, err := scanAttempt(s.r.QueryRowContext(ctx, `SELECT id, job_id, number, key, wire, baseline, state, ref, started_at FROM attempt
		WHERE lane_id = ? AND`+openStates+`AND unit IN ('', ?) ORDER BY unit LIMIT 1`, lane, parkedUnit(fn)))
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	if err == nil {
		a.Lane = lane
		a.Job, err = readJob(ctx, s.r, `WHERE id = ?`, a.Job.ID)
	}
	if err != nil {
		return a, fmt.Errorf("store: open attempt of lane %s: %w", lane, err)
	}
	return a, nil
}

// Begin stores an intent: from here on the document may exist. ErrMoved when
// the job was taken, voided or tried elsewhere since it was read; *BoundError
// when its document turns out to exist.
func (s *Store) Begin(ctx context.Context, h Hold, in Intent) (a Attempt, err error) {
	var bound *BoundError
	err = s.held(ctx, h, "begin job "+in.Job.ID, func(tx *sql.Tx, now int64) error {
		bound = nil
		a, err = begin(tx, now, h, in)
		if errors.As(err, &bound) {
			return s.noteHeld(tx, in.Job) // what it bound must stay
		}
		return err
	})
	if err == nil && bound != nil {
		err = bound
	}
	return a, err
}

func begin(tx *sql.Tx, now int64, h Hold, in Intent) (Attempt, error) {
	a := Attempt{Job: in.Job, Number: in.Number, Lane: h.Lane, Key: in.Key, Wire: in.Wire, Baseline: in.Baseline, State: "intent", Started: now}
	if in.New {
		if err := insertJob(tx, now, in.Job); err != nil {
			return a, err
		}
	}
	if bound, err := bindKnown(tx, now, in.Job); err != nil || bound != nil {
		if bound != nil {
			err = bound
		}
		return a, err
	}
	// A shift report that was not made is void until the lane needs it again.
	res, err := tx.Exec(`UPDATE job SET state = 'in_flight', reason = '', lane_id = ?, attempts = ?, updated_at = ?
		WHERE id = ? AND attempts = ? AND (state = 'queued' OR state = 'void' AND origin_kind = 'lane')`,
		h.Lane, in.Number, now, in.Job.ID, in.Job.Attempts)
	if err := one(res, err, ErrMoved); err != nil {
		return a, err
	}
	wire, err := json.Marshal(in.Wire)
	if err != nil {
		return a, err
	}
	base, err := json.Marshal(in.Baseline)
	if err != nil {
		return a, err
	}
	// An attempt that the register turned away untouched goes on as itself: same number, same key.
	err = tx.QueryRow(`INSERT INTO attempt(job_id, number, lane_id, fence, fn, baseline_fd, baseline, key, wire, state, started_at)
		VALUES (?,?,?,?,?,?,?,?,?,'intent',?)
		ON CONFLICT(job_id, number) DO UPDATE SET fence = excluded.fence, fn = excluded.fn, baseline_fd = excluded.baseline_fd,
			baseline = excluded.baseline, wire = excluded.wire, state = 'intent', started_at = excluded.started_at, ended_at = NULL
		WHERE attempt.state = 'not_printed' AND attempt.outcome LIKE 'retry%' AND attempt.lane_id = excluded.lane_id AND attempt.key = excluded.key
		RETURNING id`,
		in.Job.ID, in.Number, h.Lane, h.Fence, in.Baseline.FN, in.Baseline.FD, base, in.Key, wire, now).Scan(&a.ID)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrMoved
	}
	if err != nil {
		return a, err
	}
	a.Job.State, a.Job.Lane, a.Job.Attempts = JobInFlight, h.Lane, in.Number
	return a, history(tx, now, in.Job.ID, JobInFlight, "", fmt.Sprintf("lane %s, attempt %d", h.Lane, in.Number), "till")
}

// insertJob makes a job of the till's own (a shift's document) when it is new.
func insertJob(tx *sql.Tx, now int64, j Job) error {
	doc, err := json.Marshal(j.Document)
	if err != nil {
		return err
	}
	res, err := tx.Exec(`INSERT INTO job(id, operator_id, origin_kind, origin_id, purpose, ordinal, seller_id, state, sold_at, young_till, key, amount, document, created_at, updated_at)
		VALUES (?,?,?,?,?,?,?,'queued',?,0,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		j.ID, j.Operator, j.OriginKind, j.OriginID, j.Purpose, j.Ordinal, j.Seller, j.SoldAt, j.Key, j.Amount, doc, now, now)
	if err := one(res, err, ErrMoved); err != nil {
		return err
	}
	var t tally
	t.job(JobQueued)
	if err := t.add(tx, j.Operator); err != nil {
		return err
	}
	return history(tx, now, j.ID, JobQueued, "", "", "till")
}

// Finished is what a done attempt set free.
type Finished struct {
	Next     *Attempt // the intent stored in the same transaction; nil when its job had moved
	Bound    *BoundError
	Released []string // refunds that may go now
}

// Finish stores the receipt of an attempt, and in the same transaction the
// intent of the next one, when there is one: so a register that always has work
// waits for one commit a document. ErrNotOpen when a person was faster.
func (s *Store) Finish(ctx context.Context, h Hold, a Attempt, out kkt.Outcome, next *Intent) (f Finished, err error) {
	err = s.held(ctx, h, "finish job "+a.Job.ID, func(tx *sql.Tx, now int64) error {
		f = Finished{}
		res, err := tx.Exec(`UPDATE attempt SET state = 'done', outcome = ?, ref = COALESCE(NULLIF(?,''), ref), ended_at = ? WHERE id = ? AND`+openStates,
			outcomeText(out), out.Ref, now, a.ID)
		if err := one(res, err, ErrNotOpen); err != nil {
			return err
		}
		f.Released, err = storeReceipt(tx, now, a.Job, a.ID, h.Lane, *out.Receipt, out.Document, "till", "")
		if err != nil || next == nil {
			return err
		}
		if _, err := tx.Exec("SAVEPOINT next"); err != nil {
			return err
		}
		n, err := begin(tx, now, h, *next)
		switch {
		case err == nil:
			f.Next = &n
		case errors.As(err, &f.Bound):
			if err := s.noteHeld(tx, next.Job); err != nil {
				return err
			}
		case errors.Is(err, ErrMoved):
			if _, err := tx.Exec("ROLLBACK TO next"); err != nil {
				return err
			}
		default:
			return err
		}
		_, err = tx.Exec("RELEASE next")
		return err
	})
	return f, err
}

// outcomeText is how an outcome stands in an attempt: "kind" or "kind:fault".
func outcomeText(o kkt.Outcome) string {
	if o.Fault == nil {
		return string(o.Kind)
	}
	return string(o.Kind) + ":" + o.Fault.Error()
}

// Resolving says that it is unknown, or not yet known, whether the attempt was
// made. aside: the lane, a cloud's, goes on with other jobs meanwhile.
func (s *Store) Resolving(ctx context.Context, h Hold, a Attempt, out kkt.Outcome, reason string, aside bool) error {
	unit := ""
	if aside {
		unit = asideUnit(a)
	}
	return s.held(ctx, h, "resolve job "+a.Job.ID, func(tx *sql.Tx, now int64) error {
		res, err := tx.Exec(`UPDATE attempt SET state = 'resolving', unit = ?, outcome = ?, ref = COALESCE(NULLIF(?,''), ref) WHERE id = ? AND`+openStates,
			unit, outcomeText(out), out.Ref, a.ID)
		if err := one(res, err, ErrNotOpen); err != nil {
			return err
		}
		err = moveJob(tx, now, a.Job.ID, JobResolving, reason, outcomeText(out), "till", JobInFlight)
		if errors.Is(err, ErrMoved) { // it is resolving, or held, already
			return nil
		}
		return err
	})
}

// NotMade closes an attempt that was certainly not made. The job goes back to
// the queue, not before nextAt (ms), or is held for a person.
func (s *Store) NotMade(ctx context.Context, h Hold, a Attempt, out kkt.Outcome, hold bool, reason string, nextAt int64) error {
	return s.held(ctx, h, "give back job "+a.Job.ID, func(tx *sql.Tx, now int64) error {
		if err := notMade(tx, now, a.ID, a.Job.ID, outcomeText(out), hold, reason, nextAt, "till", outcomeText(out)); err != nil || !hold {
			return err
		}
		return s.noteHeld(tx, a.Job)
	})
}

func notMade(tx *sql.Tx, now, attempt int64, job, outcome string, hold bool, reason string, nextAt int64, actor, detail string) error {
	res, err := tx.Exec(`UPDATE attempt SET state = 'not_printed', outcome = ?, ended_at = ? WHERE id = ? AND`+openStates, outcome, now, attempt)
	if err := one(res, err, ErrNotOpen); err != nil {
		return err
	}
	var origin string
	if err := tx.QueryRow(`UPDATE job SET lane_id = NULL, next_at = ? WHERE id = ? RETURNING origin_kind`, nextAt, job).Scan(&origin); err != nil {
		return err
	}
	state := JobQueued
	switch {
	case origin == "lane": // the lane asks for its shift report again when it needs one; nobody waits for it
		state = JobVoid
	case hold:
		state = JobHeld
	}
	return moveJob(tx, now, job, state, reason, detail, actor, JobInFlight, JobResolving, JobHeld)
}

// Park puts aside an attempt that can't be settled because its ФН is no longer
// in the register: the job is held for a person, the lane goes on, and when the
// ФН comes back the attempt is settled.
func (s *Store) Park(ctx context.Context, h Hold, a Attempt, out kkt.Outcome, reason string) error {
	return s.held(ctx, h, "put aside job "+a.Job.ID, func(tx *sql.Tx, now int64) error {
		res, err := tx.Exec(`UPDATE attempt SET state = 'resolving', unit = ?, outcome = ? WHERE id = ? AND`+openStates,
			parkedUnit(a.Baseline.FN), outcomeText(out), a.ID)
		if err := one(res, err, ErrNotOpen); err != nil {
			return err
		}
		err = moveJob(tx, now, a.Job.ID, JobHeld, reason, outcomeText(out), "till", JobInFlight, JobResolving)
		if errors.Is(err, ErrMoved) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.noteHeld(tx, a.Job)
	})
}

// HoldJob holds a queued job that no lane can make as it is: nothing was sent.
func (s *Store) HoldJob(ctx context.Context, h Hold, job Job, reason, detail string) error {
	return s.held(ctx, h, "hold job "+job.ID, func(tx *sql.Tx, now int64) error {
		if err := moveJob(tx, now, job.ID, JobHeld, reason, detail, "till", JobQueued); err != nil {
			return err
		}
		return s.noteHeld(tx, job)
	})
}
