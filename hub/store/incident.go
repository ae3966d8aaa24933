package store

import (
	"database/sql"
	"errors"
	"fmt"
)

// Severity of an incident.
type Severity string

// Severities.
const (
	Info  Severity = "info"
	Warn  Severity = "warn"
	Alarm Severity = "alarm" // money, a receipt or the law is at stake
)

// Subjects of incidents: what the trouble is about.

// AboutMachine is the subject of a machine.
func AboutMachine(id string) string { return "machine:" + id }

// AboutAgent is the subject of an agent.
func AboutAgent(operator, agent string) string { return "agent:" + operator + "/" + agent }

// AboutLane is the subject of a lane.
func AboutLane(id string) string { return "lane:" + id }

// AboutSeller is the subject of a seller.
func AboutSeller(id string) string { return "seller:" + id }

// AboutHub is the subject of the hub itself.
const AboutHub = "hub"

// Raise opens the incident of this subject and code, or counts it once more
// while it is open: newest detail and severity win. operator "" means the
// installation. opened says that it was not open before.
func (s *Store) Raise(tx *sql.Tx, operator, subject, code string, severity Severity, detail string) (opened bool, err error) {
	now := s.Now()
	var count int64
	err = tx.QueryRow(`INSERT INTO incident(operator_id,subject,code,severity,detail,opened_at,last_at)
		VALUES (NULLIF(?,''),?,?,?,?,?,?)
		ON CONFLICT(subject,code) WHERE closed_at IS NULL
		DO UPDATE SET last_at=excluded.last_at, count=incident.count+1, detail=excluded.detail, severity=excluded.severity
		RETURNING count`, operator, subject, code, severity, detail, now, now).Scan(&count)
	if err != nil {
		return false, fmt.Errorf("store: raise %s of %s: %w", code, subject, err)
	}
	return count == 1, nil
}

// Hold keeps an incident open without counting it again, for a trouble that
// lasts and is looked at often: a row is written only when it is new or its
// detail has changed.
func (s *Store) Hold(tx *sql.Tx, operator, subject, code string, severity Severity, detail string) (opened bool, err error) {
	var old string
	err = tx.QueryRow(`SELECT detail FROM incident WHERE subject=? AND code=? AND closed_at IS NULL`, subject, code).Scan(&old)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s.Raise(tx, operator, subject, code, severity, detail)
	case err != nil:
		return false, fmt.Errorf("store: look for %s of %s: %w", code, subject, err)
	case old == detail:
		return false, nil
	}
	_, err = tx.Exec(`UPDATE incident SET detail=?, severity=?, last_at=? WHERE subject=? AND code=? AND closed_at IS NULL`,
		detail, severity, s.Now(), subject, code)
	if err != nil {
		return false, fmt.Errorf("store: hold %s of %s: %w", code, subject, err)
	}
	return false, nil
}

// Clear closes the open incident of this subject and code; closed says whether
// there was one.
func (s *Store) Clear(tx *sql.Tx, subject, code string) (closed bool, err error) {
	res, err := tx.Exec(`UPDATE incident SET closed_at=? WHERE subject=? AND code=? AND closed_at IS NULL`, s.Now(), subject, code)
	if err != nil {
		return false, fmt.Errorf("store: clear %s of %s: %w", code, subject, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Incident codes raised by ingest. Texts are in the catalogue.
const (
	RecordGap      = "record_gap"         // seqs of a journal are missing
	RecordsGone    = "records_gone"       // seqs are missing that the agent no longer keeps
	JournalBehind  = "journal_behind"     // the journal ends before what the hub has: restored or copied disk
	JournalCloned  = "journal_cloned"     // one journal comes from two devices
	SeqConflict    = "seq_conflict"       // one seq came with two contents
	ListeningGap   = "listening_gap"      // the agent was not listening: vends may be unheard
	AgentSilent    = "agent_silent"       // not heard for too long
	Quarantined    = "message_quarantine" // a message could not be understood
	SaleHeld       = "sale_held"          // a sale waits for a person
	PriceMismatch  = "price_mismatch"     // charged another price than the plan's
	Unexplained    = "money_unexplained"  // class D: money moved, no sale is proven
	MixedPayment   = "mixed_fiscalizer"   // one sale, parts fiscalized by different parties
	ReversalAlone  = "reversal_unmatched" // a reversal whose sale is not known
	EvidenceFallen = "evidence_weakened"  // a sale already on its way lost its proof
)
