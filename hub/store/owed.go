package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
)

// Told is a receipt message and whom it is for.
type Told struct {
	Operator, Agent string
	Receipt         wire.Receipt
}

// ReceiptOfJob says what a machine is to be told of a job now. ErrNotFound
// when the job is not of a record, or takes a
// receipt back: a screen shows what was bought.
func (s *Store) ReceiptOfJob(ctx context.Context, job string) (Told, error) {
	t, err := receiptOf(s.r.QueryRowContext(ctx, receiptQuery+` WHERE j.id=? AND j.origin_kind='record' AND j.purpose<>'refund'`, job))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("store: receipt of job %s: %w", job, err)
	}
	return t, nil
}

const receiptQuery = `SELECT j.operator_id, j.agent_id, j.journal_id, j.seq, j.state, j.reason, j.amount, j.document,
	coalesce(r.qr,''), coalesce(r.fn,''), coalesce(r.fd,0), coalesce(r.fp,0), coalesce(r.at,''), coalesce(r.test,0)
	FROM job j LEFT JOIN receipt r ON r.job_id=j.id`

func receiptOf(row interface{ Scan(...any) error }) (Told, error) {
	var t Told
	var state string
	var document []byte
	m := &t.Receipt
	m.V = wire.Version
	err := row.Scan(&t.Operator, &t.Agent, &m.Journal, &m.Seq, &state, &m.Reason, &m.Minor, &document, &m.QR, &m.FN, &m.FD, &m.FP, &m.At, &m.Test)
	if err != nil {
		return t, err
	}
	switch state {
	case JobDone:
		m.State, m.Reason = wire.FiscalDone, ""
	case JobHeld:
		m.State = wire.FiscalHeld
	case JobVoid:
		m.State = wire.FiscalNone
	default:
		m.State = wire.FiscalPending
	}
	if m.Reason == WaitsForReceipt { // nobody need decide: it goes by itself
		m.State = wire.FiscalPending
	}
	if m.State == wire.FiscalPending {
		m.Reason = pendingReason(state, m.Reason)
	}
	if len(m.At) > len("2006-01-02T15:04") {
		m.At = m.At[:len("2006-01-02T15:04")]
	}
	var doc struct {
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return t, fmt.Errorf("document: %w", err)
	}
	if len(doc.Items) > 0 {
		m.Item = doc.Items[0].Name
	}
	m.Test = m.Test || fiscal.TestFN(m.FN)
	return t, nil
}

// pendingReason says in a buyer's words why a receipt is not there yet.
func pendingReason(state, reason string) string {
	if late, ok := LateFor(reason); ok {
		return late
	}
	if reason == "" && state == JobQueued {
		return LateQueue
	}
	return reason
}

// waitingMax bounds wire.Hello.Waiting.
const waitingMax = 200

// owedOf says what became of the sales an agent waits for. Seqs that have not
// come are left out: they will be answered when they do.
func owedOf(tx *sql.Tx, operator, agent, journal string, waiting []int64) ([]wire.Receipt, error) {
	if len(waiting) > waitingMax {
		waiting = waiting[len(waiting)-waitingMax:]
	}
	var all []wire.Receipt
	for _, seq := range waiting {
		r, ok, err := owed(tx, operator, agent, journal, seq)
		if err != nil {
			return nil, fmt.Errorf("receipt of %s/%d: %w", journal, seq, err)
		}
		if ok {
			all = append(all, r)
		}
	}
	return all, nil
}

func owed(tx *sql.Tx, operator, agent, journal string, seq int64) (r wire.Receipt, ok bool, err error) {
	var id, amount int64
	var fate Fate
	var reason string
	err = tx.QueryRow(`SELECT id, fate, reason, amount FROM record WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=?`,
		operator, agent, journal, seq).Scan(&id, &fate, &reason, &amount)
	if errors.Is(err, sql.ErrNoRows) {
		return owedRefused(tx, operator, agent, journal, seq)
	}
	if err != nil {
		return r, false, err
	}
	if r, ok = answer(journal, seq, fate, reason); ok {
		r.Minor = amount
		return r, true, nil
	}
	t, err := receiptOf(tx.QueryRow(receiptQuery+` WHERE j.record_id=? AND j.origin_kind='record' AND j.purpose<>'refund'
		ORDER BY CASE WHEN j.state='void' THEN 1 ELSE 0 END, j.created_at, j.id LIMIT 1`, id))
	return t.Receipt, err == nil, err
}

// owedRefused answers for a sale that stands in quarantine.
func owedRefused(tx *sql.Tx, operator, agent, journal string, seq int64) (r wire.Receipt, ok bool, err error) {
	var reason string
	err = tx.QueryRow(`SELECT reason FROM quarantine WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=? ORDER BY id LIMIT 1`,
		operator, agent, journal, seq).Scan(&reason)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	r, _ = answer(journal, seq, FateHeld, reason)
	return r, err == nil, err
}
