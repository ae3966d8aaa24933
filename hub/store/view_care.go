package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/chekomat/chekomat/hub/api/contract"
)

const quarantineView = `SELECT id,operator_id,agent_id,topic,journal_id,seq,reason,detail,length(raw),received_at,coalesce(resolved_at,0),resolution FROM quarantine`

func scanQuarantine(r *sql.Rows) (v contract.Quarantine, err error) {
	var received, resolved int64
	err = r.Scan(&v.ID, &v.Operator, &v.Agent, &v.Topic, &v.Journal, &v.Seq, &v.Reason, &v.Detail, &v.Size, &received, &resolved, &v.Resolution)
	v.ReceivedAt, v.ResolvedAt = instant(received), instant(resolved)
	return v, err
}

// QuarantineBy lists messages that could not be taken in, newest first.
func (s *Store) QuarantineBy(ctx context.Context, operator string, open bool, p Page) (contract.List[contract.Quarantine], error) {
	q := filter{}
	column := "id"
	if open {
		column = "+id"
		q.where("resolved_at IS NULL")
	}
	q.scope("operator_id", operator, open)
	p.Asc = false
	order, err := q.after(column, p)
	if err != nil {
		return contract.List[contract.Quarantine]{}, err
	}
	all, err := collect(ctx, s.r, scanQuarantine, quarantineView+q.String()+order, q.args...)
	return page(all, p, func(v contract.Quarantine) string { return strconv.FormatInt(v.ID, 10) }), err
}

// QuarantineView reads one with its bytes.
func (s *Store) QuarantineView(ctx context.Context, operator string, id int64) (d contract.QuarantineDetail, err error) {
	all, err := collect(ctx, s.r, scanQuarantine, quarantineView+` WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator)
	if d.Item, err = first(all, err, fmt.Sprintf("quarantined message %d", id)); err != nil {
		return d, err
	}
	if err = s.r.QueryRowContext(ctx, `SELECT raw FROM quarantine WHERE id=?`, id).Scan(&d.Raw); err != nil {
		return d, fmt.Errorf("store: quarantined message %d: %w", id, err)
	}
	if d.Raw == nil {
		d.Raw = []byte{}
	}
	if utf8.Valid(d.Raw) {
		d.Text = string(d.Raw)
	}
	return d, nil
}

// IncidentFilter narrows the list of incidents.
type IncidentFilter struct {
	Operator, Subject string
	Open              bool
}

const incidentView = `SELECT id,coalesce(operator_id,''),subject,code,severity,detail,opened_at,last_at,count,coalesce(closed_at,0) FROM incident`

func scanIncident(r *sql.Rows) (v contract.Incident, err error) {
	var opened, last, closed int64
	err = r.Scan(&v.ID, &v.Operator, &v.Subject, &v.Code, &v.Severity, &v.Detail, &opened, &last, &v.Count, &closed)
	v.OpenedAt, v.LastAt, v.ClosedAt = instant(opened), instant(last), instant(closed)
	return v, err
}

// Incidents lists what a person should know of, newest first.
func (s *Store) Incidents(ctx context.Context, f IncidentFilter, p Page) (contract.List[contract.Incident], error) {
	q := filter{}
	q.is("operator_id", f.Operator)
	q.is("subject", f.Subject)
	column := "id"
	if f.Open {
		column = "+id"
		q.where("closed_at IS NULL")
	}
	p.Asc = false
	order, err := q.after(column, p)
	if err != nil {
		return contract.List[contract.Incident]{}, err
	}
	all, err := collect(ctx, s.r, scanIncident, incidentView+q.String()+order, q.args...)
	return page(all, p, func(v contract.Incident) string { return strconv.FormatInt(v.ID, 10) }), err
}

// CloseIncident says that a person has seen to it.
func (s *Store) CloseIncident(ctx context.Context, operator string, id int64) (contract.Incident, error) {
	what := fmt.Sprintf("incident %d", id)
	err := s.change(ctx, "close "+what, func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE incident SET closed_at=coalesce(closed_at,?3) WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator, s.Now()))
	})
	if err != nil {
		return contract.Incident{}, err
	}
	all, err := collect(ctx, s.r, scanIncident, incidentView+` WHERE id=?`, id)
	return first(all, err, what)
}

// RecordOwner is the operator of a record the caller may see.
func (s *Store) RecordOwner(ctx context.Context, operator string, id int64) (owner string, err error) {
	return s.owner(ctx, "record", operator, id)
}

// JobOwner is the operator of a job the caller may see.
func (s *Store) JobOwner(ctx context.Context, operator, id string) (owner string, err error) {
	return s.owner(ctx, "job", operator, id)
}

// owner reads operator_id of a row; table is never a caller's text.
func (s *Store) owner(ctx context.Context, table, operator string, id any) (owner string, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT operator_id FROM `+table+` WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("store: %s %v: %w", table, id, err)
	}
	return owner, nil
}
