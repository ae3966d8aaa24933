package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/reconcile"
)

// Incident codes of audits. Texts are in the catalogue.
const (
	AuditFailed   = "audit_failed"   // the agent can't read the machine's counters
	AuditMismatch = "audit_mismatch" // bus and counters disagree over a period
)

// audited keeps a reading of the machine's counters and compares the period it
// ends with what the bus told.
func (in *intake) audited(e *entry) error {
	a := *e.record.Audit
	a.Report, a.Packed = "", nil // they stay in the record's body
	if a.Head >= e.record.Seq {
		a.Head = 0 // of another journal: any record before it may have come while it was read
	}
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("audit of record %d: %w", e.id, err)
	}
	var since wire.AuditChange
	if a.Since != nil {
		since = *a.Since
	}
	_, err = in.tx.Exec(`INSERT INTO audit(record_id,operator_id,agent_id,journal_id,seq,head,machine_id,at,since_journal,since_seq,body) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
		e.id, in.operator, in.agent, e.journal.id, e.record.Seq, a.Head, e.journal.machine, e.at, since.Journal, since.Seq, string(body))
	if err != nil {
		return fmt.Errorf("audit of record %d: %w", e.id, err)
	}
	delete(in.lastAudit, e.journal.id)
	if _, err := in.s.Clear(in.tx, in.about(e), AuditFailed); err != nil {
		return err
	}
	// Readings that named this one before it came are compared anew.
	return in.recount(e.journal, `record_id=?4 OR since_journal=?3 AND since_seq=?5`, e.id, e.record.Seq)
}

// disturbs compares anew the periods a record belongs to whose ending audit
// came before it: the record was late, takes an earlier sale back, or is a sale
// that happened before the reading.
func (in *intake) disturbs(e *entry) error {
	var touched []int64
	if e.record.Seq <= e.journal.top || e.record.Kind == wire.KindSale {
		touched = append(touched, e.record.Seq)
	}
	if e.record.Kind == wire.KindReversal {
		touched = append(touched, e.record.Of)
	}
	if len(touched) == 0 {
		return nil
	}
	last, err := in.newestAudit(e.journal)
	if err != nil {
		return err
	}
	for _, seq := range touched {
		at := e.at
		if seq != e.record.Seq {
			at = 0 // when the sale was is not at hand: its neighbours are looked at too
		}
		if seq > last.seq && (at >= last.at || seq-last.seq >= reconcile.Lag) {
			continue
		}
		// The period it stands in, the one after it if it came during a reading,
		// and those ended by readings it happened before and stands behind.
		if err := in.recount(e.journal, `seq>?4 AND coalesce((SELECT head FROM audit b WHERE b.operator_id=?1 AND b.agent_id=?2 AND b.journal_id=?3 AND b.seq=a.since_seq),0)<?4
			OR seq<?4 AND seq>?4-?6 AND at>?5`, seq, at, reconcile.Lag); err != nil {
			return err
		}
	}
	return nil
}

// lastAudit is the newest reading of a journal; zero: none.
type lastAudit struct{ seq, at int64 }

func (in *intake) newestAudit(j *journal) (lastAudit, error) {
	return load(in.lastAudit, j.id, func() (l lastAudit, err error) {
		err = in.tx.QueryRow(`SELECT seq, at FROM audit WHERE operator_id=? AND agent_id=? AND journal_id=? ORDER BY seq DESC LIMIT 1`, in.operator, in.agent, j.id).Scan(&l.seq, &l.at)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return l, err
	})
}

// auditRow is an audit as reconciliation needs it.
type auditRow struct {
	id, seq, head, at int64
	sinceJournal      string
	sinceSeq          int64
	body              []byte
}

func scanAuditRow(r *sql.Rows, a *auditRow) error {
	return r.Scan(&a.id, &a.seq, &a.head, &a.at, &a.sinceJournal, &a.sinceSeq, &a.body)
}

const auditColumns = `SELECT record_id, seq, head, at, since_journal, since_seq, body FROM audit a WHERE operator_id=?1 AND agent_id=?2 AND journal_id=?3`

// recount compares the periods that end with the audits of a journal which
// where names by ?4 and ?5.
func (in *intake) recount(j *journal, where string, args ...any) error {
	all, err := list(in.tx, scanAuditRow, auditColumns+` AND (`+where+`)`, append([]any{in.operator, in.agent, j.id}, args...)...)
	if err != nil {
		return fmt.Errorf("audits of journal %s: %w", j.id, err)
	}
	for _, a := range all {
		if err := in.reconcile(j, a); err != nil {
			return fmt.Errorf("reconcile the period to audit %d: %w", a.id, err)
		}
	}
	if len(all) == 0 || !j.machine.Valid {
		return nil
	}
	return in.tellMismatch(j.machine.String)
}

// reconcile writes the rows of the period that an audit ends.
func (in *intake) reconcile(j *journal, to auditRow) error {
	var a wire.Audit
	if err := json.Unmarshal(to.body, &a); err != nil {
		return err
	}
	if a.Since == nil || !j.machine.Valid {
		return nil // a first reading ends no period
	}
	p := reconcile.Period{To: reconcile.Mark{Seq: to.seq, Head: to.head, At: to.at}, Currency: a.Currency, Change: *a.Since}
	err := in.tx.QueryRow(`SELECT seq, head, at FROM audit WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=?`,
		in.operator, in.agent, to.sinceJournal, to.sinceSeq).Scan(&p.From.Seq, &p.From.Head, &p.From.At)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case to.sinceJournal != j.id:
		p.Hidden = reconcile.JournalRestarted
	case err != nil:
		p.Hidden = reconcile.EarlierMissing
	default:
		if err := in.between(j, &p); err != nil {
			return err
		}
	}
	if _, err := in.tx.Exec(`DELETE FROM reconciliation WHERE audit_id=?`, to.id); err != nil {
		return err
	}
	for _, r := range reconcile.Compare(p) {
		_, err := in.tx.Exec(`INSERT INTO reconciliation(operator_id,machine_id,audit_id,kind,from_at,to_at,bus_vends,bus_minor,counted_vends,counted_minor,outcome,reason,made_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`, in.operator, j.machine.String, to.id, r.Kind, p.From.At, to.at,
			r.Bus.Vends, r.Bus.Minor, r.Counted.Vends, r.Counted.Minor, r.Outcome, r.Reason, in.now)
		if err != nil {
			return err
		}
	}
	return nil
}

// between reads the sales of a period, or why they are not all here.
func (in *intake) between(j *journal, p *reconcile.Period) error {
	from := p.From.Head
	if from < 0 || from >= p.From.Seq {
		from = 0
	}
	var n int64
	err := in.tx.QueryRow(`SELECT count(*) FROM record WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq>? AND seq<=?`,
		in.operator, in.agent, j.id, from, p.To.Seq).Scan(&n)
	if err != nil {
		return err
	}
	if n != p.To.Seq-from { // in a hole, in quarantine or refused: any of them may be a sale
		p.Hidden = reconcile.RecordsMissing
		return nil
	}
	type row struct {
		seq, at int64
		body    []byte
	}
	rows, err := list(in.tx, func(r *sql.Rows, v *row) error { return r.Scan(&v.seq, &v.at, &v.body) },
		`SELECT seq, at, body FROM record r WHERE operator_id=?1 AND agent_id=?2 AND journal_id=?3 AND seq>?4 AND seq<?5+?6 AND kind='sale' AND (seq<?5 OR at<?7)
		AND NOT EXISTS (SELECT 1 FROM record b WHERE b.operator_id=?1 AND b.agent_id=?2 AND b.journal_id=?3 AND b.of_seq=r.seq AND b.of_seq>0 AND b.kind='reversal')
		ORDER BY seq`, in.operator, in.agent, j.id, from, p.To.Seq, reconcile.Lag, p.To.At)
	if err != nil {
		return err
	}
	for _, v := range rows {
		var r wire.Record
		if err := json.Unmarshal(v.body, &r); err != nil || r.Sale == nil {
			return fmt.Errorf("record %d of journal %s: %w", v.seq, j.id, err)
		}
		p.Sales = append(p.Sales, reconcile.Sale{Seq: v.seq, At: v.at, Sale: *r.Sale})
	}
	return nil
}

// mismatch is a row that differs.
type mismatch struct {
	kind             string
	from, to         int64
	bus, counted     sql.NullInt64 // kopecks
	busVends, counts sql.NullInt64
}

// tellMismatch keeps the incident of a machine as its newest period that could
// be compared has it.
func (in *intake) tellMismatch(machine string) error {
	all, err := list(in.tx, func(r *sql.Rows, m *mismatch) error {
		return r.Scan(&m.kind, &m.from, &m.to, &m.bus, &m.counted, &m.busVends, &m.counts)
	}, `SELECT kind, from_at, to_at, bus_minor, counted_minor, bus_vends, counted_vends FROM reconciliation
		WHERE outcome='differ' AND audit_id=(SELECT audit_id FROM reconciliation WHERE machine_id=? AND outcome <> 'unknown' ORDER BY to_at DESC, audit_id DESC LIMIT 1) ORDER BY id`, machine)
	if err != nil {
		return fmt.Errorf("mismatches of machine %s: %w", machine, err)
	}
	if len(all) > 0 {
		_, err = in.s.Hold(in.tx, in.operator, AboutMachine(machine), AuditMismatch, Warn, describeMismatch(all))
		return err
	}
	var told bool
	if err := in.tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM reconciliation WHERE machine_id=? AND outcome='agree')`, machine).Scan(&told); err != nil || !told {
		return err
	}
	_, err = in.s.Clear(in.tx, AboutMachine(machine), AuditMismatch)
	return err
}

func describeMismatch(all []mismatch) string {
	var b strings.Builder
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 UTC") }
	fmt.Fprintf(&b, "%s to %s:", at(all[0].from), at(all[0].to))
	figure := func(vends, minor sql.NullInt64) {
		if vends.Valid {
			fmt.Fprintf(&b, "%d vends ", vends.Int64)
		}
		if minor.Valid {
			fmt.Fprintf(&b, "%d.%02d ₽", minor.Int64/100, minor.Int64%100)
		} else {
			b.WriteString("of unknown sum")
		}
	}
	for i, m := range all {
		if i > 0 {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " %s: the machine counted ", m.kind)
		figure(m.counts, m.counted)
		b.WriteString(", the bus told of ")
		figure(m.busVends, m.bus)
	}
	return b.String()
}
