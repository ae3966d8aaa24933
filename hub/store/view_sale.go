package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// SaleFilter narrows the sales feed.
type SaleFilter struct {
	Operator, Machine string
	Kind              string // of a record; "money": what touches money; "all"
	Fate, Reason      string
	From, To          time.Time
	IDs               []int64 // nil: all
}

// The first job of a record that is not void is its receipt, the correction in
// its place, or the refund of its own.
const saleQuery = `SELECT r.id, r.operator_id, coalesce(r.machine_id,''), r.agent_id, r.journal_id, r.seq, r.of_seq, r.kind, r.class, r.amount, r.col, r.source,
  r.at, r.received_at, r.fate, r.reason,
  coalesce((SELECT serial FROM machine_period WHERE machine_id=r.machine_id AND valid_from<=r.at ORDER BY valid_from DESC LIMIT 1),''), j.document,
  coalesce(j.id,''), coalesce(j.purpose,''), coalesce(j.state,''), coalesce(j.reason,''), coalesce(j.lane_id,''), coalesce(j.attempts,0),
  coalesce(c.fn,''), coalesce(c.fd,0), coalesce(c.fp,0), coalesce(c.at,''), coalesce(c.qr,''), coalesce(c.test,0), coalesce(c.made_at,0),
  coalesce(h.result,''), coalesce(h.after_ms,0), coalesce(h.told_at,0)
  FROM record r LEFT JOIN job j ON j.id=(SELECT id FROM job WHERE record_id=r.id ORDER BY CASE WHEN state='void' THEN 1 ELSE 0 END, created_at, id LIMIT 1)
  LEFT JOIN receipt c ON c.job_id=j.id LEFT JOIN shown h ON h.job_id=j.id`

func scanSale(r *sql.Rows) (v contract.Sale, err error) {
	var at, received, made, told int64
	var col int
	var j contract.SaleJob
	var c contract.ReceiptShort
	var h contract.Shown
	var head documentHead
	err = r.Scan(&v.ID, &v.Operator, &v.Machine, &v.Agent, &v.Journal, &v.Seq, &v.OfSeq, &v.Kind, &v.Class, &v.Amount, &col, &v.Source,
		&at, &received, &v.Fate, &v.Reason, &v.Serial, &head,
		&j.ID, &j.Purpose, &j.State, &j.Reason, &j.Lane, &j.Attempts,
		&c.FN, &c.FD, &c.FP, &c.At, &c.QR, &c.Test, &made, &h.Result, &h.AfterMS, &told)
	v.At, v.ReceivedAt, c.MadeAt, h.ToldAt = instant(at), instant(received), instant(made), instant(told)
	if col >= 0 {
		v.Column = &col
	}
	if v.Item = head.item; head.serial != "" { // as it stands, or will, on the receipt
		v.Serial = head.serial
	}
	if j.ID != "" {
		v.Job = &j
	}
	if c.FN != "" {
		v.Receipt = &c
	}
	if told != 0 {
		v.Shown = &h
	}
	return v, err
}

// Sales is the feed in order of arrival, newest first unless p.Asc.
func (s *Store) Sales(ctx context.Context, f SaleFilter, p Page) (contract.List[contract.Sale], error) {
	q := filter{}
	column := "r.id"
	if f.Fate == string(FateHeld) || !f.From.IsZero() || !f.To.IsZero() {
		column = "+r.id"
	}
	q.scope("r.operator_id", f.Operator, column != "r.id")
	q.is("r.machine_id", f.Machine)
	q.is("r.reason", f.Reason)
	switch {
	case f.Fate == string(FateHeld): // word for word as the partial indexes have it
		q.where("r.fate = 'held'")
	default:
		q.is("r.fate", f.Fate)
	}
	switch f.Kind {
	case "", "money":
		q.where("r.kind IN ('sale','reversal','return','topup')")
	case "all":
	default:
		q.is("r.kind", f.Kind)
	}
	if !f.From.IsZero() {
		q.where("r.at>=?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q.where("r.at<?", f.To.UnixMilli())
	}
	if f.IDs != nil {
		places, ids := among(f.IDs)
		q.where("r.id IN "+places, ids...)
	}
	order, err := q.after(column, p)
	if err != nil {
		return contract.List[contract.Sale]{}, err
	}
	all, err := collect(ctx, s.r, scanSale, saleQuery+q.String()+order, q.args...)
	return page(all, p, func(v contract.Sale) string { return strconv.FormatInt(v.ID, 10) }), err
}

// Sale reads one record with its body and all its jobs.
func (s *Store) Sale(ctx context.Context, operator string, id int64) (d contract.SaleDetail, err error) {
	l, err := s.Sales(ctx, SaleFilter{Operator: operator, Kind: "all", IDs: []int64{id}}, Page{Limit: 1})
	if d.Sale, err = first(l.Items, err, "record "+strconv.FormatInt(id, 10)); err != nil {
		return d, err
	}
	var body []byte
	if err = s.r.QueryRowContext(ctx, `SELECT body FROM record WHERE id=?`, id).Scan(&body); err != nil {
		return d, err
	}
	d.Body = object(body)
	d.Jobs, err = collect(ctx, s.r, scanJobView, jobView+` WHERE j.record_id=? ORDER BY j.created_at, j.id`, id)
	return d, err
}
