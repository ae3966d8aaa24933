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

// Documents found on a register before their jobs were known, or after they had
// been given up: a database restored from a backup does not know of them.

// ReceiptFound is why a job is void: the sale's document stood on a register
// already, made for the job in whose place this one is.
const ReceiptFound = "receipt_found"

// found is a document that waits for its job.
type found struct {
	lane string
	of   Job // the job it was made for: with purpose, ordinal and key
	doc  kkt.Stored
}

// tuples are the jobs whose document may be that of a sale's job: itself and,
// since a correction takes the place of a receipt, the others of its record.
func tuples(j Job) []Job {
	all := []Job{j}
	if j.OriginKind != originRecord || j.Purpose != PurposeReceipt && j.Purpose != PurposeCorrection {
		return all
	}
	other := j
	other.ID, other.Attempts = "", 0
	for _, t := range []struct {
		purpose string
		ordinal int
	}{{PurposeReceipt, 0}, {PurposeCorrection, 0}, {PurposeCorrection, 1}} {
		if t.purpose != j.Purpose || t.ordinal != j.Ordinal {
			other.Purpose, other.Ordinal = t.purpose, t.ordinal
			all = append(all, other.keyed())
		}
	}
	return all
}

// findDocument looks for the document of a job among those nobody's job made.
func findDocument(tx *sql.Tx, j Job) (f found, ok bool, err error) {
	for _, f.of = range tuples(j) {
		var receipt []byte
		err = tx.QueryRow(`SELECT lane_id, key, tlv, receipt FROM foreign_document WHERE key <> '' AND key >= ?1 || '-a' AND key < ?1 || '-b'
			AND job_id IS NULL ORDER BY fd LIMIT 1`, f.of.Key).Scan(&f.lane, &f.doc.Key, &f.doc.Document, &receipt)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(receipt, &f.doc.Receipt)
		}
		if err != nil {
			return f, false, fmt.Errorf("document of job %s: %w", j.ID, err)
		}
		return f, true, nil
	}
	return f, false, nil
}

// notFound is ErrMayExist while a document of the job waits to be bound: that is
// done when the job's turn comes, so it must not be given up.
func notFound(tx *sql.Tx, j Job) error {
	_, found, err := findDocument(tx, j)
	if err == nil && found {
		err = ErrMayExist
	}
	return err
}

// bindKnown looks whether the job's document was found on a register before
// the job was known, and binds it.
func bindKnown(tx *sql.Tx, now int64, j Job) (*BoundError, error) {
	f, ok, err := findDocument(tx, j)
	if err != nil || !ok {
		return nil, err
	}
	r := f.doc.Receipt
	if r.Total != j.Amount || r.Operation != j.Document.Operation {
		return &BoundError{Job: j.ID}, moveJob(tx, now, j.ID, JobHeld, ReceiptMismatch,
			fmt.Sprintf("ФН %s ФД %d has its key, amount %d", r.FN, r.FD, r.Total), "till", JobQueued)
	}
	if f.of.Key != j.Key {
		if err := moveJob(tx, now, j.ID, JobVoid, ReceiptFound, document(r), "till", JobQueued); err != nil {
			return nil, err
		}
		if j, err = jobFound(tx, now, f.of); err != nil {
			return nil, err
		}
	}
	released, err := bind(tx, now, f.lane, j, f.doc.Key, r, f.doc.Document, "till", "was on the register already: "+document(r))
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`UPDATE foreign_document SET job_id = ? WHERE fn = ? AND fd = ?`, j.ID, r.FN, r.FD)
	return &BoundError{Job: j.ID, Released: released}, err
}

func document(r fiscal.Receipt) string { return fmt.Sprintf("ФН %s ФД %d", r.FN, r.FD) }

// jobFound is the job a document was made for, made anew when the database has
// lost it.
func jobFound(tx *sql.Tx, now int64, j Job) (Job, error) {
	known, err := readJob(context.Background(), tx, `WHERE key = ?`, j.Key)
	if !errors.Is(err, ErrNotFound) {
		return known, err
	}
	if j.Purpose == PurposeReceipt {
		j.Document.Kind, j.Document.Correction = fiscal.KindReceipt, nil
	} else {
		j.Document = correctionOf(j.Document, Order{}, 0)
	}
	j.ID, j.State, j.Reason, j.YoungTill = jobID(now, j.Key), JobQueued, "", 0
	var t tally
	if err := putJob(tx, now, j, &t, "till", "its document was found"); err != nil {
		return j, err
	}
	return j, t.add(tx, j.Operator)
}

// giveWay ends what was to take the place of a void job whose document turns up
// after all. made says that it may be made already: then there are two.
func giveWay(tx *sql.Tx, now int64, j Job) (made bool, err error) {
	if j.OriginKind != originRecord || j.Purpose != PurposeReceipt && j.Purpose != PurposeCorrection {
		return false, nil
	}
	others, err := list(tx, func(r *sql.Rows, o *struct{ id, state string }) error { return r.Scan(&o.id, &o.state) },
		`SELECT id, state FROM job WHERE origin_kind = ? AND origin_id = ? AND id <> ? AND state <> 'void'
			AND (purpose = 'receipt' OR purpose = 'correction')`, j.OriginKind, j.OriginID, j.ID)
	if err != nil {
		return false, err
	}
	for _, o := range others {
		err := noOpenAttempt(tx, o.id)
		if err == nil {
			err = moveJob(tx, now, o.id, JobVoid, ReceiptFound, "", "till", JobQueued, JobHeld)
		}
		if errors.Is(err, ErrMayExist) || errors.Is(err, ErrMoved) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
