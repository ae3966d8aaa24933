package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// ErrCursor says that a cursor is none this list gave.
var ErrCursor = errors.New("not a cursor of this list")

// Page narrows a list.
type Page struct {
	Limit  int
	Cursor string // what List.Next gave; "" from the start
	Asc    bool
}

// filter gathers the conditions of a query.
type filter struct {
	terms []string
	args  []any
}

// where adds a condition; its "?" stand for args.
func (f *filter) where(term string, args ...any) {
	f.terms = append(f.terms, term)
	f.args = append(f.args, args...)
}

// is adds column = value unless the value is "".
func (f *filter) is(column, value string) {
	if value != "" {
		f.where(column+"=?", value)
	}
}

// scope narrows to an operator. indexed names all operators where none is
// given, for indexes that begin with the operator.
func (f *filter) scope(column, operator string, indexed bool) {
	switch {
	case operator != "":
		f.where(column+"=?", operator)
	case indexed:
		f.where(column + " IN (SELECT id FROM operator)")
	}
}

// among is a list of places for values after IN, and the values: of few
// lengths, so that there are few queries to prepare; the last value fills up.
func among[T any](values []T) (places string, args []any) {
	if len(values) == 0 {
		return "(NULL)", nil
	}
	n := 4
	for n < len(values) {
		n *= 2
	}
	args = make([]any, n)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return "(?" + strings.Repeat(",?", n-1) + ")", args
}

// String is the WHERE clause.
func (f *filter) String() string {
	if len(f.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.terms, " AND ")
}

// after continues a list ordered by a number. A "+" before the column (||” after
// a text) keeps SQLite from walking the whole table in that order instead of
// using the index of the filter.
func (f *filter) after(column string, p Page) (order string, err error) {
	order = " ORDER BY " + column + " DESC"
	cmp := "<?"
	if p.Asc {
		order, cmp = " ORDER BY "+column, ">?"
	}
	if p.Cursor != "" {
		n, err := strconv.ParseInt(p.Cursor, 10, 64)
		if err != nil {
			return "", fmt.Errorf("store: %q: %w", p.Cursor, ErrCursor)
		}
		f.where(column+cmp, n)
	}
	return order + " LIMIT " + strconv.Itoa(p.Limit+1), nil
}

// afterText continues a list ordered by a text id.
func (f *filter) afterText(column string, p Page) (order string) {
	order, cmp := " ORDER BY "+column+" DESC", "<?"
	if p.Asc {
		order, cmp = " ORDER BY "+column, ">?"
	}
	if p.Cursor != "" {
		f.where(column+cmp, p.Cursor)
	}
	return order + " LIMIT " + strconv.Itoa(p.Limit+1)
}

// page cuts the row too many and makes the cursor of the last one kept.
func page[T any](all []T, p Page, cursor func(T) string) contract.List[T] {
	l := contract.List[T]{Items: all}
	if len(all) > p.Limit {
		l.Items = all[:p.Limit]
		l.Next = cursor(l.Items[p.Limit-1])
	}
	return l
}

// zoneOf loads an operator's zone; a name that is none counts as UTC.
func zoneOf(name string) *time.Location {
	if z, err := time.LoadLocation(name); err == nil {
		return z
	}
	return time.UTC
}

// quarterMS is the width of a row of takings: midnights of all zones fall on
// multiples of it.
const quarterMS = 15 * 60 * 1000

// today is the local day of now in the zone and its bounds in quarters.
func (s *Store) today(zone string) (day string, from, to int64) {
	now := s.now().In(zoneOf(zone))
	y, m, d := now.Date()
	start := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	end := time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
	return now.Format(time.DateOnly), start.UnixMilli() / quarterMS, end.UnixMilli() / quarterMS
}

const takingsSums = `coalesce(sum(sales),0),coalesce(sum(amount),0),coalesce(sum(cash),0),coalesce(sum(reversals),0),coalesce(sum(reversed),0),
	coalesce(sum(receipts),0),coalesce(sum(receipted),0),coalesce(sum(refunds),0),coalesce(sum(refunded),0)`

func takingsDest(t *contract.Takings) []any {
	return []any{&t.Sales, &t.Amount, &t.Cash, &t.Reversals, &t.Reversed, &t.Receipts, &t.Receipted, &t.Refunds, &t.Refunded}
}

// todayByMachine is today's money of an operator's machines, or of those named.
func (s *Store) todayByMachine(ctx context.Context, operator, zone string, machines []string) (map[string]contract.Takings, error) {
	_, from, to := s.today(zone)
	f := filter{}
	if machines == nil {
		f.where("operator_id=?", operator)
	} else {
		places, ids := among(machines)
		f.where("machine_id IN "+places+" AND operator_id||''=?", append(ids, operator)...)
	}
	f.where("quarter>=? AND quarter<?", from, to)
	type row struct {
		machine string
		t       contract.Takings
	}
	rows, err := collect(ctx, s.r, func(r *sql.Rows) (v row, err error) {
		return v, r.Scan(append([]any{&v.machine}, takingsDest(&v.t)...)...)
	}, `SELECT machine_id,`+takingsSums+` FROM takings`+f.String()+` GROUP BY machine_id`, f.args...)
	if err != nil {
		return nil, err
	}
	m := make(map[string]contract.Takings, len(rows))
	for _, v := range rows {
		m[v.machine] = v.t
	}
	return m, nil
}

// Takings is money of an operator, or of one of its machines, by hour or day
// of the operator's zone; from and to are local days, both included.
func (s *Store) Takings(ctx context.Context, operator, machine, zone, step string, from, to time.Time) (contract.TakingsSeries, error) {
	series := contract.TakingsSeries{Zone: zone, Step: step, Items: []contract.TakingsBucket{}}
	z := zoneOf(zone)
	local := func(t time.Time, days int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, z)
	}
	end := local(to, 1)
	for at := local(from, 0); at.Before(end); {
		series.Items = append(series.Items, contract.TakingsBucket{From: at.UTC()})
		if step == "hour" {
			at = at.Add(time.Hour)
		} else {
			at = local(at, 1)
		}
	}
	f := filter{}
	if machine == "" {
		f.where("operator_id=?", operator)
	} else {
		f.where("machine_id=? AND operator_id||''=?", machine, operator) // the machine's index is the narrower one
	}
	f.where("quarter>=?", local(from, 0).UnixMilli()/quarterMS)
	f.where("quarter<?", end.UnixMilli()/quarterMS)
	i := 0
	_, err := collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var quarter int64
		var t contract.Takings
		if err := r.Scan(append([]any{&quarter}, takingsDest(&t)...)...); err != nil {
			return struct{}{}, err
		}
		for i+1 < len(series.Items) && series.Items[i+1].From.UnixMilli() <= quarter*quarterMS {
			i++
		}
		series.Items[i].Takings = series.Items[i].Takings.Add(t)
		return struct{}{}, nil
	}, `SELECT quarter,`+takingsSums+` FROM takings`+f.String()+` GROUP BY quarter ORDER BY quarter`, f.args...)
	return series, err
}

// object is JSON as it is kept; what is none becomes {}.
func object(b []byte) json.RawMessage {
	if !json.Valid(b) || len(b) == 0 || b[0] != '{' {
		return json.RawMessage("{}")
	}
	return b
}
