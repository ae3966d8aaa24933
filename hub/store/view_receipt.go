package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// ReceiptFilter says which receipts are looked for.
type ReceiptFilter struct {
	Operator, Machine string
	FN                string
	FD                int64
	Day               time.Time // the date printed on the receipt; zero any
	Sum               *int64    // kopecks
}

const receiptView = `SELECT c.id, c.operator_id, c.seller_id, coalesce(c.machine_id,''), c.lane_id, c.job_id, coalesce(j.record_id,0), j.purpose,
  c.fn, c.fd, c.fp, c.at, c.shift, c.number, c.rnm, c.operation, c.amount, c.qr, c.test, c.made_at, j.document
  FROM receipt c LEFT JOIN job j ON j.id=c.job_id`

type receiptRow struct {
	contract.Receipt
	id int64
}

func scanReceipt(r *sql.Rows) (v receiptRow, err error) {
	var made int64
	var head documentHead
	err = r.Scan(&v.id, &v.Operator, &v.Seller, &v.Machine, &v.Lane, &v.Job, &v.Record, &v.Purpose,
		&v.FN, &v.FD, &v.FP, &v.At, &v.Shift, &v.Number, &v.RNM, &v.Operation, &v.Amount, &v.QR, &v.Test, &made, &head)
	v.MadeAt, v.Serial, v.Item = instant(made), head.serial, head.item
	return v, err
}

// ReceiptsBy finds receipts, newest first. Every combination the API offers is
// answered from an index.
func (s *Store) ReceiptsBy(ctx context.Context, f ReceiptFilter, p Page) (contract.List[contract.Receipt], error) {
	column := "c.id"
	if f.FN != "" || f.Sum != nil || !f.Day.IsZero() {
		column = "+c.id"
	}
	q := filter{}
	if f.Machine == "" {
		q.scope("c.operator_id", f.Operator, f.Sum != nil || !f.Day.IsZero())
	} else {
		q.is("c.operator_id||''", f.Operator) // the machine's index is the narrower one
	}
	q.is("c.machine_id", f.Machine)
	q.is("c.fn", f.FN)
	if f.FD > 0 {
		q.where("c.fd=?", f.FD)
	}
	if f.Sum != nil {
		q.where("c.amount=?", *f.Sum)
	}
	if !f.Day.IsZero() {
		q.where("c.at>=? AND c.at<?", f.Day.Format(time.DateOnly), f.Day.AddDate(0, 0, 1).Format(time.DateOnly))
	}
	p.Asc = false
	order, err := q.after(column, p)
	if err != nil {
		return contract.List[contract.Receipt]{}, err
	}
	rows, err := collect(ctx, s.r, scanReceipt, receiptView+q.String()+order, q.args...)
	if err != nil {
		return contract.List[contract.Receipt]{}, err
	}
	l := page(rows, p, func(v receiptRow) string { return strconv.FormatInt(v.id, 10) })
	out := contract.List[contract.Receipt]{Next: l.Next, Items: make([]contract.Receipt, len(l.Items))}
	for i, v := range l.Items {
		out.Items[i] = v.Receipt
	}
	return out, nil
}

// ReceiptView reads one by FN and FD.
func (s *Store) ReceiptView(ctx context.Context, operator, fn string, fd int64) (contract.Receipt, error) {
	l, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: operator, FN: fn, FD: fd}, Page{Limit: 1})
	return first(l.Items, err, fmt.Sprintf("receipt %s/%d", fn, fd))
}
