package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
)

const jobColumnsView = `SELECT j.id, j.operator_id, j.seller_id, coalesce(j.machine_id,''), coalesce(j.record_id,0), j.origin_kind, j.origin_id, j.purpose, j.state, j.reason,
  coalesce(j.lane_id,''), j.key, j.attempts, j.amount, j.sold_at, j.next_at, j.created_at, j.updated_at,
  j.document,
  coalesce(c.id,0), coalesce(c.fn,''), coalesce(c.fd,0), coalesce(c.fp,0), coalesce(c.at,''), coalesce(c.qr,''), coalesce(c.test,0), coalesce(c.made_at,0)`

const jobView = jobColumnsView + ` FROM job j LEFT JOIN receipt c ON c.job_id=j.id`

// doneView lists by receipts: the index of jobs by state leaves out what is
// done. LEFT JOIN keeps SQLite from beginning with the jobs.
const doneView = jobColumnsView + ` FROM receipt c LEFT JOIN job j ON j.id=c.job_id`

// documentHead is what lists show of a job's document.
type documentHead struct{ serial, item string }

// Scan reads the document's JSON; of one that can't be read nothing is shown.
func (h *documentHead) Scan(src any) error {
	*h = documentHead{}
	var b []byte
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		b = []byte(v)
	case []byte:
		b = v
	default:
		return fmt.Errorf("document of type %T", src)
	}
	var d struct {
		Machine struct {
			Serial string `json:"serial"`
		} `json:"machine"`
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	}
	_ = json.Unmarshal(b, &d) // of another version: what is read counts
	h.serial = d.Machine.Serial
	if len(d.Items) > 0 {
		h.item = d.Items[0].Name
	}
	return nil
}

type jobRow struct {
	contract.Job
	receiptID int64
}

func scanJobRow(r *sql.Rows) (v jobRow, err error) {
	var sold, next, created, updated, made int64
	var c contract.ReceiptShort
	var head documentHead
	err = r.Scan(&v.ID, &v.Operator, &v.Seller, &v.Machine, &v.Record, &v.OriginKind, &v.OriginID, &v.Purpose, &v.State, &v.Reason,
		&v.Lane, &v.Key, &v.Attempts, &v.Amount, &sold, &next, &created, &updated, &head,
		&v.receiptID, &c.FN, &c.FD, &c.FP, &c.At, &c.QR, &c.Test, &made)
	v.SoldAt, v.NextAt, v.CreatedAt, v.UpdatedAt, c.MadeAt = instant(sold), instant(next), instant(created), instant(updated), instant(made)
	v.Serial, v.Item = head.serial, head.item
	if c.FN != "" {
		v.Receipt = &c
	}
	return v, err
}

func scanJobView(r *sql.Rows) (contract.Job, error) {
	v, err := scanJobRow(r)
	return v.Job, err
}

// JobsIn lists jobs of a state: by id, which sorts by birth; those done by
// when their receipt was made.
func (s *Store) JobsIn(ctx context.Context, operator, state string, p Page) (contract.List[contract.Job], error) {
	q := filter{}
	if state == JobDone {
		q.is("c.operator_id", operator)
		order, err := q.after("c.id", p)
		if err != nil {
			return contract.List[contract.Job]{}, err
		}
		rows, err := collect(ctx, s.r, scanJobRow, doneView+q.String()+order, q.args...)
		if err != nil {
			return contract.List[contract.Job]{}, err
		}
		l := page(rows, p, func(v jobRow) string { return strconv.FormatInt(v.receiptID, 10) })
		jobs := contract.List[contract.Job]{Next: l.Next, Items: make([]contract.Job, len(l.Items))}
		for i, v := range l.Items {
			jobs.Items[i] = v.Job
		}
		return jobs, nil
	}
	q.scope("j.operator_id", operator, true)
	q.where("j.state=? AND j.state <> 'done'", state) // word for word as the partial index has it
	order := q.afterText("j.id", p)
	all, err := collect(ctx, s.r, scanJobView, jobView+q.String()+order, q.args...)
	return page(all, p, func(v contract.Job) string { return v.ID }), err
}

// JobView reads one job with all that happened to it.
func (s *Store) JobView(ctx context.Context, operator, id string) (d contract.JobDetail, err error) {
	all, err := collect(ctx, s.r, scanJobView, jobView+` WHERE j.id=?1 AND (?2='' OR j.operator_id=?2)`, id, operator)
	if d.Job, err = first(all, err, "job "+id); err != nil {
		return d, err
	}
	var document []byte
	if err = s.r.QueryRowContext(ctx, `SELECT document FROM job WHERE id=?`, id).Scan(&document); err != nil {
		return d, fmt.Errorf("store: document of job %s: %w", id, err)
	}
	d.Document = object(document)
	d.History, err = collect(ctx, s.r, func(r *sql.Rows) (h contract.JobChange, err error) {
		var at int64
		err = r.Scan(&at, &h.State, &h.Reason, &h.Detail, &h.Actor)
		h.At = instant(at)
		return h, err
	}, `SELECT at,state,reason,detail,actor FROM job_history WHERE job_id=? ORDER BY id`, id)
	if err != nil {
		return d, err
	}
	d.Attempts, err = collect(ctx, s.r, func(r *sql.Rows) (a contract.Attempt, err error) {
		var started, ended int64
		var bytes []byte
		var w kkt.Wire
		err = r.Scan(&a.Number, &a.Lane, &a.FN, &a.BaselineFD, &a.Key, &a.State, &a.Outcome, &bytes, &started, &ended)
		a.StartedAt, a.EndedAt = instant(started), instant(ended)
		_ = json.Unmarshal(bytes, &w) // of another version: no summary
		a.Summary = w.Summary
		return a, err
	}, `SELECT number,lane_id,fn,baseline_fd,key,state,outcome,wire,started_at,coalesce(ended_at,0) FROM attempt WHERE job_id=? ORDER BY number`, id)
	return d, err
}
