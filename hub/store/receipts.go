package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// ErrTaken says that the document's number is that of another job's receipt.
var ErrTaken = errors.New("another job has a document of this number")

// storeReceipt stores the receipt of a job and all that follows from it.
func storeReceipt(tx *sql.Tx, now int64, j Job, attempt int64, lane string, r fiscal.Receipt, tlv []byte, actor, detail string) ([]string, error) {
	res, err := tx.Exec(`UPDATE job SET state = 'done', reason = '', lane_id = ?, updated_at = ? WHERE id = ? AND state <> 'done'`, lane, now, j.ID)
	if err := one(res, err, ErrMoved); err != nil {
		return nil, err
	}
	var owner string
	err = tx.QueryRow(`SELECT job_id FROM receipt WHERE fn = ? AND fd = ?`, r.FN, r.FD).Scan(&owner)
	if err == nil {
		return nil, fmt.Errorf("receipt %s/%d is that of job %s: %w", r.FN, r.FD, owner, ErrTaken)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	operation := r.Operation
	if j.Purpose == PurposeShiftOpen || j.Purpose == PurposeShiftClose {
		operation = 0
	}
	// The law of the house, stated by the schema: one receipt a job, one job a document.
	if _, err := tx.Exec(`INSERT INTO receipt(job_id, attempt_id, operator_id, seller_id, machine_id, lane_id, fn, fd, fp, at, shift, number,
		rnm, operation, amount, qr, test, tlv, made_at) VALUES (?,?,?,?,NULLIF(?,''),?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		j.ID, attempt, j.Operator, j.Seller, j.Machine, lane, r.FN, r.FD, r.FP, r.At.Format(fiscal.WallLayout), r.Shift, r.Number,
		r.RegNumber, operation, r.Total, r.QR(), r.Test || fiscal.TestFN(r.FN), tlv, now); err != nil {
		return nil, fmt.Errorf("receipt %s/%d: %w", r.FN, r.FD, err)
	}
	if detail == "" {
		detail = fmt.Sprintf("ФН %s ФД %d", r.FN, r.FD)
	}
	if err := history(tx, now, j.ID, JobDone, "", detail, actor); err != nil {
		return nil, err
	}
	// Only the next document moves the mark: what lies between has to be looked at.
	if err := followLastFD(tx, r.FN, r.FD); err != nil {
		return nil, err
	}
	return moveRefund(tx, now, j.ID, JobQueued, "")
}

// Verdict says whose a document found on a register is.
type Verdict string

// Verdicts.
const (
	DocumentOurs     Verdict = "ours"     // its receipt is stored already
	DocumentBound    Verdict = "bound"    // it has just become the receipt of its job
	DocumentForeign  Verdict = "foreign"  // no job of ours made it
	DocumentDoubled  Verdict = "doubled"  // its job has another receipt
	DocumentMismatch Verdict = "mismatch" // it has a job's key and another content
	DocumentOther    Verdict = "other"    // a job has another document under its number: this is not the ФН that made that one
)

// FoundDocument is what became of a document found on a register.
type FoundDocument struct {
	Verdict  Verdict
	Job      string
	Released []string
}

// TakeDocument accounts for a document read from the register's ФН: binds it
// by its key (a shift report by ФН and shift number) to its job when that has
// no receipt, or keeps it as foreign. next says that all documents before it
// are accounted for.
func (s *Store) TakeDocument(ctx context.Context, h Hold, d kkt.Stored, next bool) (found FoundDocument, err error) {
	r := d.Receipt
	err = s.held(ctx, h, fmt.Sprintf("account for document %s/%d", r.FN, r.FD), func(tx *sql.Tx, now int64) error {
		found, err = s.takeDocument(tx, now, h, d)
		if err == nil && next {
			err = followLastFD(tx, r.FN, r.FD)
		}
		return err
	})
	return found, err
}

func (s *Store) takeDocument(tx *sql.Tx, now int64, h Hold, d kkt.Stored) (FoundDocument, error) {
	r := d.Receipt
	var owner string
	var sign uint32
	err := tx.QueryRow(`SELECT job_id, fp FROM receipt WHERE fn = ? AND fd = ?`, r.FN, r.FD).Scan(&owner, &sign)
	switch {
	case err == nil && r.FP != 0 && sign != 0 && r.FP != sign:
		return FoundDocument{Verdict: DocumentOther, Job: owner}, nil
	case err == nil:
		return FoundDocument{Verdict: DocumentOurs, Job: owner}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return FoundDocument{}, err
	}
	j, err := jobOfDocument(tx, h.Lane, d)
	if errors.Is(err, ErrNotFound) {
		return FoundDocument{Verdict: DocumentForeign}, keepForeign(tx, now, h.Lane, d)
	}
	if err != nil {
		return FoundDocument{}, err
	}
	f := FoundDocument{Job: j.ID}
	doubled := j.State == JobDone
	if !doubled && !shiftReport(j.Purpose) && (j.Amount != r.Total || j.Document.Operation != r.Operation) {
		f.Verdict = DocumentMismatch
		if err := keepForeign(tx, now, h.Lane, d); err != nil {
			return f, err
		}
		if err := moveJob(tx, now, j.ID, JobHeld, ReceiptMismatch, fmt.Sprintf("%s has its key, amount %d", document(r), r.Total),
			"till", JobQueued, JobInFlight, JobResolving, JobVoid); err != nil && !errors.Is(err, ErrMoved) {
			return f, err
		}
		return f, s.noteHeld(tx, j)
	}
	if j.State == JobVoid {
		if doubled, err = giveWay(tx, now, j); err != nil {
			return f, err
		}
	}
	if doubled {
		f.Verdict = DocumentDoubled
		return f, keepForeign(tx, now, h.Lane, d)
	}
	f.Verdict = DocumentBound
	f.Released, err = bind(tx, now, h.Lane, j, d.Key, r, d.Document, "till", "found on the register: "+document(r))
	if err == nil && j.State == JobHeld {
		err = s.noteHeld(tx, j)
	}
	return f, err
}

func shiftReport(purpose string) bool {
	return purpose == PurposeShiftOpen || purpose == PurposeShiftClose
}

// FFD codes of the documents the till looks at.
const (
	codeShiftOpen  = 2
	codeShiftClose = 5
)

// ShiftOrigin is the origin of a shift report's job: lane, ФН and shift number.
func ShiftOrigin(lane, fn string, shift uint32) string {
	return lane + "/" + fn + "/" + strconv.FormatUint(uint64(shift), 10)
}

func jobOfDocument(tx *sql.Tx, lane string, d kkt.Stored) (Job, error) {
	ctx := context.Background()
	switch {
	case d.Key != "":
		return readJob(ctx, tx, `WHERE key = ?`, d.Key.Base())
	case d.Type == codeShiftOpen || d.Type == codeShiftClose:
		purpose := PurposeShiftOpen
		if d.Type == codeShiftClose {
			purpose = PurposeShiftClose
		}
		return readJob(ctx, tx, `WHERE origin_kind = 'lane' AND origin_id = ? AND purpose = ? AND ordinal = 0`,
			ShiftOrigin(lane, d.Receipt.FN, d.Receipt.Shift), purpose)
	}
	return Job{}, ErrNotFound
}

func keepForeign(tx *sql.Tx, now int64, lane string, d kkt.Stored) error {
	r := d.Receipt
	receipt, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO foreign_document(fn, fd, lane_id, kind, amount, at, key, tlv, found_at, receipt) VALUES (?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT DO NOTHING`, r.FN, r.FD, lane, d.Type, r.Total, r.At.Format(fiscal.WallLayout), d.Key, d.Document, now, receipt)
	return err
}

// bind makes a document the receipt of a job that has none. Its attempt is
// written down when the database has lost it; others of the job can't be made.
func bind(tx *sql.Tx, now int64, lane string, j Job, key kkt.Key, r fiscal.Receipt, tlv []byte, actor, detail string) ([]string, error) {
	number := attemptNumber(key)
	if number == 0 {
		number = max(j.Attempts, 1)
		key = j.Key.Attempt(number)
	}
	if _, err := tx.Exec(`UPDATE attempt SET state = 'not_printed', outcome = 'made by another attempt', ended_at = ? WHERE job_id = ? AND number <> ? AND`+openStates,
		now, j.ID, number); err != nil {
		return nil, err
	}
	var attempt int64
	err := tx.QueryRow(`INSERT INTO attempt(job_id, number, lane_id, unit, fn, baseline_fd, baseline, key, wire, state, outcome, started_at, ended_at)
		VALUES (?,?,?,'',?,?,'{}',?,'{}','done','done: found on the register',?,?)
		ON CONFLICT(job_id, number) DO UPDATE SET state = 'done', outcome = excluded.outcome, ended_at = excluded.ended_at
		RETURNING id`, j.ID, number, lane, r.FN, r.FD-1, key, now, now).Scan(&attempt)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`UPDATE job SET attempts = ?1 WHERE id = ?2 AND attempts < ?1`, number, j.ID); err != nil {
		return nil, err
	}
	released, err := storeReceipt(tx, now, j, attempt, lane, r, tlv, actor, detail)
	if err == nil && j.State == JobVoid && j.Reason == NoneReversed {
		err = refundReversed(tx, now, j)
	}
	return released, err
}

// refundReversed takes the document of a job back that was void because its sale
// was taken back in time, as it seemed: a database restored from a backup does
// not know of the attempt that has made it.
func refundReversed(tx *sql.Tx, now int64, j Job) error {
	var reversal, seq int64
	err := tx.QueryRow(`SELECT id, seq FROM record WHERE operator_id = ? AND agent_id = ? AND journal_id = ? AND of_seq = ? AND kind = 'reversal'
		AND fate = 'none' AND reason = ? ORDER BY seq LIMIT 1`, j.Operator, j.Agent, j.Journal, j.Seq, NoneReversal).Scan(&reversal, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reversal of job %s: %w", j.ID, err)
	}
	if _, err := tx.Exec(`UPDATE record SET fate = 'job', reason = '' WHERE id = ? OR id = ?`, j.record, reversal); err != nil {
		return fmt.Errorf("fate of record %d: %w", j.record, err)
	}
	j.State = JobDone
	back := refundOf(j, reversal, seq)
	back.ID = jobID(now, back.Key)
	var t tally
	if err := putJob(tx, now, back, &t, "till", "the receipt was made after all"); err != nil && !errors.Is(err, ErrMoved) {
		return err
	}
	return t.add(tx, j.Operator)
}

// attemptNumber reads the suffix of an attempt's key; 0 when there is none.
func attemptNumber(k kkt.Key) int {
	_, n, _ := strings.Cut(string(k), "-a")
	number, err := strconv.Atoi(n)
	if err != nil || number < 1 {
		return 0
	}
	return number
}
