package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// Audits lists the readings of a machine's counters, newest first.
func (s *Store) Audits(ctx context.Context, operator, machine string, p Page) (contract.List[contract.Audit], error) {
	if _, err := s.machineOwner(ctx, operator, machine); err != nil {
		return contract.List[contract.Audit]{}, err
	}
	q := filter{}
	q.is("machine_id", machine)
	p.Asc = false
	order, err := q.after("record_id", p)
	if err != nil {
		return contract.List[contract.Audit]{}, err
	}
	all, err := collect(ctx, s.r, scanAudit, `SELECT record_id,operator_id,machine_id,agent_id,journal_id,seq,at,body FROM audit`+q.String()+order, q.args...)
	return page(all, p, func(a contract.Audit) string { return strconv.FormatInt(a.Record, 10) }), err
}

func scanAudit(r *sql.Rows) (v contract.Audit, err error) {
	var at int64
	var body []byte
	if err = r.Scan(&v.Record, &v.Operator, &v.Machine, &v.Agent, &v.Journal, &v.Seq, &at, &body); err != nil {
		return v, err
	}
	var a wire.Audit
	if err = json.Unmarshal(body, &a); err != nil {
		return v, fmt.Errorf("audit %d: %w", v.Record, err)
	}
	v.At, v.Protocol, v.TookMS, v.Currency, v.Seal, v.Bytes = instant(at), a.Protocol, a.TookMS, a.Currency, a.Seal, a.Bytes
	v.Serial, v.Model, v.Asset, v.Controller = a.Machine.Serial, a.Machine.Model, a.Machine.Asset, a.Machine.Controller
	v.Totals, v.Flags = auditTotals(a.Totals), auditFlags(a.Flags)
	if c := a.Since; c != nil {
		v.Since = &contract.AuditChange{Journal: c.Journal, Seq: c.Seq, Outcome: c.Outcome, Flags: auditFlags(c.Flags), Totals: auditTotals(c.Totals)}
	}
	return v, nil
}

func auditFlags(all []string) []string { return append([]string{}, all...) }

func auditTotals(all []wire.AuditTotal) []contract.AuditTotal {
	out := make([]contract.AuditTotal, len(all))
	for i, t := range all {
		out[i] = contract.AuditTotal{Kind: t.Kind, AuditFigure: contract.AuditFigure{Vends: t.Vends, Minor: t.Minor}}
	}
	return out
}

// ReconciliationFilter narrows the list of periods.
type ReconciliationFilter struct{ Operator, Machine, Outcome string }

// Reconciliations lists what bus and counters say of each period and kind of
// payment, newest first. A period that is compared anew comes again as new.
func (s *Store) Reconciliations(ctx context.Context, f ReconciliationFilter, p Page) (contract.List[contract.Reconciliation], error) {
	if f.Machine != "" {
		if _, err := s.machineOwner(ctx, f.Operator, f.Machine); err != nil {
			return contract.List[contract.Reconciliation]{}, err
		}
	}
	q := filter{}
	if f.Machine != "" {
		q.is("machine_id", f.Machine) // its owner has been asked for
	} else {
		q.is("operator_id", f.Operator)
	}
	q.is("outcome", f.Outcome)
	p.Asc = false
	order, err := q.after("id", p)
	if err != nil {
		return contract.List[contract.Reconciliation]{}, err
	}
	all, err := collect(ctx, s.r, scanReconciliation, `SELECT id,operator_id,machine_id,audit_id,kind,from_at,to_at,bus_vends,bus_minor,counted_vends,counted_minor,outcome,reason,made_at
		FROM reconciliation`+q.String()+order, q.args...)
	return page(all, p, func(v contract.Reconciliation) string { return strconv.FormatInt(v.ID, 10) }), err
}

func scanReconciliation(r *sql.Rows) (v contract.Reconciliation, err error) {
	var from, to, made int64
	err = r.Scan(&v.ID, &v.Operator, &v.Machine, &v.Audit, &v.Kind, &from, &to, &v.Bus.Vends, &v.Bus.Minor, &v.Counted.Vends, &v.Counted.Minor, &v.Outcome, &v.Reason, &made)
	v.From, v.To, v.MadeAt = instant(from), instant(to), instant(made)
	v.Difference = contract.AuditFigure{Vends: less(v.Counted.Vends, v.Bus.Vends), Minor: less(v.Counted.Minor, v.Bus.Minor)}
	return v, err
}

// less is a−b; nil where either is unknown.
func less(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	d := *a - *b
	return &d
}
