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

// Purposes of jobs.
const (
	PurposeReceipt    = "receipt"
	PurposeRefund     = "refund"
	PurposeCorrection = "correction"
	PurposeShiftOpen  = "shift_open"
	PurposeShiftClose = "shift_close"
)

// States of jobs.
const (
	JobQueued    = "queued"
	JobInFlight  = "in_flight"
	JobResolving = "resolving"
	JobDone      = "done"
	JobHeld      = "held"
	JobVoid      = "void"
)

// Reasons of jobs that the till gives; a fault's code of package fiscal/fault
// is a reason too.
const (
	ReceiptMismatch = "receipt_mismatch" // the document found with the job's key is not what was asked for
	NeverPrinted    = "never_printed"    // a refund whose receipt was never made
	ByPerson        = "by_person"
)

// queuedOnly must repeat the condition of the indexes job_queue and job_young
// word for word.
const queuedOnly = ` state = 'queued' AND purpose <> 'shift_open' AND purpose <> 'shift_close' `

// Job is one document to be made.
type Job struct {
	ID, Operator, Seller         string
	OriginKind, OriginID         string
	Purpose                      string
	Ordinal                      int
	Machine, Agent, Journal      string
	Seq                          int64
	Lane, State, Reason          string
	SoldAt, YoungTill, CreatedAt int64
	Key                          kkt.Key
	Attempts                     int
	Amount                       int64
	Document                     fiscal.Document
	record                       int64  // of the sale; 0 none
	Again                        string // lane whose last attempt was turned away untouched: there the same attempt goes on
}

const jobColumns = `SELECT id, operator_id, seller_id, origin_kind, origin_id, purpose, ordinal, COALESCE(machine_id,''),
	agent_id, journal_id, seq, COALESCE(lane_id,''), state, reason, sold_at, young_till, created_at, key, attempts, amount, document, COALESCE(record_id,0),
	COALESCE((SELECT a.lane_id FROM attempt a WHERE a.job_id = job.id AND a.number = job.attempts
		AND a.state = 'not_printed' AND a.outcome LIKE 'retry%'),'') FROM job `

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readJob(ctx context.Context, q queryer, where string, args ...any) (Job, error) {
	var j Job
	var doc []byte
	err := q.QueryRowContext(ctx, jobColumns+where, args...).Scan(&j.ID, &j.Operator, &j.Seller, &j.OriginKind, &j.OriginID,
		&j.Purpose, &j.Ordinal, &j.Machine, &j.Agent, &j.Journal, &j.Seq, &j.Lane, &j.State, &j.Reason, &j.SoldAt, &j.YoungTill,
		&j.CreatedAt, &j.Key, &j.Attempts, &j.Amount, &doc, &j.record, &j.Again)
	if errors.Is(err, sql.ErrNoRows) {
		return j, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(doc, &j.Document)
	}
	return j, err
}

// Job reads one job; ErrNotFound when there is none.
func (s *Store) Job(ctx context.Context, id string) (Job, error) {
	j, err := readJob(ctx, s.r, `WHERE id = ?`, id)
	if err != nil {
		return j, fmt.Errorf("store: job %s: %w", id, err)
	}
	return j, nil
}

// JobOf reads the job of an origin; ErrNotFound when there is none.
func (s *Store) JobOf(ctx context.Context, originKind, originID, purpose string) (Job, error) {
	j, err := readJob(ctx, s.r, `WHERE origin_kind = ? AND origin_id = ? AND purpose = ? AND ordinal = 0`, originKind, originID, purpose)
	if err != nil {
		return j, fmt.Errorf("store: %s job of %s %s: %w", purpose, originKind, originID, err)
	}
	return j, nil
}

// history writes one change of a job.
func history(tx *sql.Tx, now int64, job, state, reason, detail, actor string) error {
	_, err := tx.Exec(`INSERT INTO job_history(job_id, at, state, reason, detail, actor) VALUES (?,?,?,?,?,?)`,
		job, now, state, reason, detail, actor)
	return err
}

// moveJob changes a job's state when it is in one of from, and writes it down.
func moveJob(tx *sql.Tx, now int64, job, state, reason, detail, actor string, from ...string) error {
	places, args := among(from)
	res, err := tx.Exec(`UPDATE job SET state = ?, reason = ?, updated_at = ? WHERE id = ? AND state IN `+places,
		append([]any{state, reason, now, job}, args...)...)
	if err := one(res, err, ErrMoved); err != nil {
		return err
	}
	return history(tx, now, job, state, reason, detail, actor)
}

// moveRefund queues what waited for this job's receipt (state queued), or voids
// it when the receipt was never made: the refund of a sale, the second document
// of a repair. It names what it moved.
func moveRefund(tx *sql.Tx, now int64, job, state, reason string) ([]string, error) {
	rows, err := tx.Query(`SELECT r.id FROM job j JOIN job r ON r.origin_kind = j.origin_kind AND r.origin_id = j.origin_id AND r.state = 'held'
		WHERE j.id = ? AND ((j.purpose = 'receipt' OR j.purpose = 'correction') AND r.purpose = 'refund' AND r.reason = ?
				AND (j.origin_kind = 'record' OR r.ordinal = j.ordinal)
			OR j.purpose = 'correction' AND r.purpose = 'correction' AND r.ordinal = j.ordinal + 1 AND r.reason = ?)`, job, WaitsForReceipt, WaitsForPair)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := moveJob(tx, now, id, state, reason, "", "till", JobHeld); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
