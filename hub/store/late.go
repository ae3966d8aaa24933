package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// TooOld is why a receipt's job is void: its sale is older than the operator
// lets an ordinary receipt be (54-FZ art. 1.2: at the moment of settlement), so
// a correction takes its place.
const TooOld = "too_old"

// lateMost is how many late jobs one transaction turns.
const lateMost = 100

// CorrectLate turns the receipts that wait for longer than their operators'
// limits into corrections; it gives how many. A receipt that may have been
// printed is not touched. Call again at once while it gives any.
func (s *Store) CorrectLate(ctx context.Context) (n int, err error) {
	now := s.Now()
	var late bool
	err = s.r.QueryRowContext(ctx, `SELECT EXISTS(SELECT 1 FROM operator o WHERE o.correct_after_m > 0 AND EXISTS(SELECT 1 FROM job j
		WHERE j.operator_id = o.id AND j.state = 'queued' AND j.purpose = 'receipt' AND j.sold_at < ? - o.correct_after_m * 60000))`, now).Scan(&late)
	if err != nil {
		return 0, fmt.Errorf("store: look for late sales: %w", err)
	}
	if !late {
		return 0, nil
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		n = 0
		ids, err := list(tx, func(r *sql.Rows, id *string) error { return r.Scan(id) },
			`SELECT j.id FROM operator o JOIN job j ON j.operator_id = o.id AND j.state = 'queued' AND j.purpose = 'receipt'
				AND j.sold_at < ? - o.correct_after_m * 60000 WHERE o.correct_after_m > 0 ORDER BY j.sold_at LIMIT ?`, now, lateMost)
		if err != nil {
			return err
		}
		for _, id := range ids {
			switch err := correctLate(ctx, tx, now, id); {
			case errors.Is(err, ErrMoved): // another hub was first
			case err != nil:
				return fmt.Errorf("job %s: %w", id, err)
			default:
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("store: correct late sales: %w", err)
	}
	return n, nil
}

// correctLate voids a queued receipt and queues a correction of the same sale.
// What waits for the receipt (a refund) then waits for the correction.
func correctLate(ctx context.Context, tx *sql.Tx, now int64, id string) error {
	j, err := readJob(ctx, tx, `WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if err := notFound(tx, j); errors.Is(err, ErrMayExist) {
		return ErrMoved // it is made, and bound at its turn
	} else if err != nil {
		return err
	}
	if err := moveJob(tx, now, id, JobVoid, TooOld, "", "till", JobQueued); err != nil {
		return err
	}
	j.Document = correctionOf(j.Document, Order{}, 0)
	j.Purpose, j.State, j.Reason, j.YoungTill = PurposeCorrection, JobQueued, TooOld, 0
	return insertSibling(tx, now, j, "till", "instead of job "+id)
}

// insertSibling makes another job of a job's origin.
func insertSibling(tx *sql.Tx, now int64, j Job, actor, detail string) error {
	if err := tx.QueryRow(`SELECT COUNT(*) FROM job WHERE origin_kind = ? AND origin_id = ? AND purpose = ?`,
		j.OriginKind, j.OriginID, j.Purpose).Scan(&j.Ordinal); err != nil {
		return err
	}
	j.Key = kkt.NewKey(j.OriginKind, j.OriginID, j.Purpose, fmt.Sprint(j.Ordinal))
	j.ID = jobID(now, j.Key)
	var t tally
	if err := putJob(tx, now, j, &t, actor, detail); err != nil {
		return err
	}
	return t.add(tx, j.Operator)
}

// late says whether a sale is too old for an ordinary receipt.
func (in *intake) late(at int64) (bool, error) {
	m, err := in.facts.correctAfter(in.operator)
	return m > 0 && at < in.now-m*60_000, err
}

// documentOf is what is due for a sale now: its receipt, or its correction.
func (in *intake) documentOf(e *entry, d fiscal.Document) (purpose string, due fiscal.Document, err error) {
	if d.Operation != fiscal.Sell {
		return PurposeRefund, d, nil
	}
	late, err := in.late(e.at)
	if err != nil || !late {
		return PurposeReceipt, d, err
	}
	return PurposeCorrection, correctionOf(d, Order{}, 0), nil
}
