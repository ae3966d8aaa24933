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

// Candidate is what picking the next job needs to know of it.
type Candidate struct {
	ID, Machine               string
	SoldAt, YoungTill, NextAt int64 // ms
	Amount                    int64
	TaxSystem                 fiscal.TaxSystem
	Test                      bool
}

// Candidates lists up to n jobs of the seller whose buyer still waits and up to
// n of its oldest, in no particular order and without repeats. Jobs that are not
// to be tried before a later time are among them.
func (s *Store) Candidates(ctx context.Context, seller string, n int) ([]Candidate, error) {
	const columns = `SELECT id, COALESCE(machine_id,''), sold_at, young_till, next_at, amount,
		COALESCE(json_extract(document,'$.tax_system'),0), COALESCE(json_extract(document,'$.test'),0) FROM job `
	var all []Candidate
	seen := map[string]bool{}
	read := func(query string, args ...any) error {
		rows, err := s.r.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Candidate
			if err := rows.Scan(&c.ID, &c.Machine, &c.SoldAt, &c.YoungTill, &c.NextAt, &c.Amount, &c.TaxSystem, &c.Test); err != nil {
				return err
			}
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, c)
			}
		}
		return rows.Err()
	}
	now := s.Now()
	err := read(columns+`INDEXED BY job_young WHERE seller_id = ? AND`+queuedOnly+`AND young_till > ? ORDER BY young_till LIMIT ?`, seller, now, n)
	if err == nil {
		err = read(columns+`INDEXED BY job_queue WHERE seller_id = ? AND`+queuedOnly+`AND next_at <= ? ORDER BY sold_at LIMIT ?`, seller, now, n)
	}
	if err == nil {
		err = read(columns+`INDEXED BY job_queue WHERE seller_id = ? AND`+queuedOnly+`AND next_at > ? ORDER BY next_at LIMIT 1`, seller, now)
	}
	if err != nil {
		return nil, fmt.Errorf("store: queue of seller %s: %w", seller, err)
	}
	return all, nil
}

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
	Again                        string // lane whose last attempt was turned away untouched: there the same attempt goes on
}

const jobColumns = `SELECT id, operator_id, seller_id, origin_kind, origin_id, purpose, ordinal, COALESCE(machine_id,''),
	agent_id, journal_id, seq, COALESCE(lane_id,''), state, reason, sold_at, young_till, created_at, key, attempts, amount, document,
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
		&j.CreatedAt, &j.Key, &j.Attempts, &j.Amount, &doc, &j.Again)
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

// Queued is a job that came into the queue.
type Queued struct{ Job, Seller, Machine string }

// QueuedSince lists the jobs that came into the queue after entry after of the
// histories of all jobs; last is the newest entry looked at.
func (s *Store) QueuedSince(ctx context.Context, after int64) (list []Queued, last int64, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT h.id, COALESCE(j.id,''), COALESCE(j.seller_id,''), COALESCE(j.machine_id,'')
		FROM job_history h LEFT JOIN job j ON j.id = h.job_id AND h.state = 'queued' WHERE h.id > ? ORDER BY h.id`, after)
	if err != nil {
		return nil, after, fmt.Errorf("store: jobs queued since %d: %w", after, err)
	}
	defer rows.Close()
	last = after
	for rows.Next() {
		var q Queued
		if err := rows.Scan(&last, &q.Job, &q.Seller, &q.Machine); err != nil {
			return nil, after, fmt.Errorf("store: jobs queued since %d: %w", after, err)
		}
		if q.Job != "" {
			list = append(list, q)
		}
	}
	return list, last, rows.Err()
}

// LastHistory is the newest entry of the histories of all jobs.
func (s *Store) LastHistory(ctx context.Context) (id int64, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT COALESCE(MAX(id),0) FROM job_history`).Scan(&id)
	if err != nil {
		err = fmt.Errorf("store: newest entry of job histories: %w", err)
	}
	return id, err
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

// moveRefund queues the refund that waited for this origin's receipt (state
// queued), or voids it when the receipt was never made. It names what it moved.
func moveRefund(tx *sql.Tx, now int64, receiptJob, state, reason string) ([]string, error) {
	rows, err := tx.Query(`SELECT r.id FROM job j JOIN job r ON r.origin_kind = j.origin_kind AND r.origin_id = j.origin_id AND r.purpose = 'refund'
		WHERE j.id = ? AND j.purpose = 'receipt' AND r.state = 'held' AND r.reason = ?`, receiptJob, WaitsForReceipt)
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
