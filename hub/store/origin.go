package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const originRecord = "record"

// WaitsForReceipt is why a refund is held: the receipt it takes back is still
// on its way.
const WaitsForReceipt = "waits_for_receipt"

// young is how long after a sale its buyer is thought to be at the machine.
const young = 120_000 // ms

type newJob struct {
	purpose  string
	origin   int64 // seq of the record the job is of
	seller   string
	document fiscal.Document
	state    string
	reason   string
	actor    string
}

// insertJob makes the job of a record; made is false when its tuple has one.
func (in *intake) insertJob(e *entry, n newJob) (made bool, err error) {
	origin := e.origin(n.origin)
	key := kkt.NewKey(originRecord, origin, n.purpose, "0")
	doc, err := json.Marshal(n.document)
	if err != nil {
		return false, fmt.Errorf("document of %s: %w", origin, err)
	}
	id := jobID(in.now, key)
	res, err := in.exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,ordinal,seller_id,machine_id,agent_id,journal_id,seq,record_id,
			state,reason,sold_at,young_till,key,amount,document,created_at,updated_at)
		VALUES (?,?,'record',?,?,0,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(origin_kind,origin_id,purpose,ordinal) DO NOTHING`,
		id, in.operator, origin, n.purpose, n.seller, e.machine(), e.journal.agent, e.journal.id, e.record.Seq, e.id,
		n.state, n.reason, e.at, e.at+young, key, n.document.Total, doc, in.now, in.now)
	if err != nil {
		return false, fmt.Errorf("job of %s: %w", origin, err)
	}
	if rows, err := res.RowsAffected(); err != nil || rows == 0 {
		return false, err
	}
	in.taken.Jobs++
	in.tally.job(n.state)
	if _, err := in.exec(`INSERT INTO job_history(job_id,at,state,reason,actor) VALUES (?,?,?,?,?)`, id, in.now, n.state, n.reason, n.actor); err != nil {
		return false, fmt.Errorf("history of job %s: %w", id, err)
	}
	return true, nil
}

// jobID sorts by time and is unique as the key is: 11 hex digits of ms, 16
// characters of the key.
func jobID(now int64, key kkt.Key) string {
	return fmt.Sprintf("%011x", now) + string(key[:16])
}

// setFate changes what became of a record.
func (in *intake) setFate(id int64, f Fate, reason string) error {
	if _, err := in.tx.Exec(`UPDATE record SET fate=?, reason=? WHERE id=?`, f, reason, id); err != nil {
		return fmt.Errorf("fate of record %d: %w", id, err)
	}
	return nil
}

// stored is a record read back.
type stored struct {
	entry
	fate   Fate
	reason string
}

const storedColumns = `r.id, r.seq, r.at, r.fate, r.reason, r.body`

func (in *intake) scanStored(j *journal, row interface{ Scan(...any) error }) (*stored, error) {
	st := &stored{entry: entry{journal: j}}
	var body []byte
	var seq int64
	if err := row.Scan(&st.id, &seq, &st.at, &st.fate, &st.reason, &body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &st.record); err != nil {
		return nil, fmt.Errorf("stored record %d: %w", st.id, err)
	}
	return st, nil
}

func (in *intake) bySeq(j *journal, seq int64) (*stored, error) {
	return in.scanStored(j, in.tx.QueryRow(`SELECT `+storedColumns+` FROM record r WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=?`,
		in.operator, in.agent, j.id, seq))
}

// reverse takes a sale back: void while nothing was sent, else a refund.
func (in *intake) reverse(e *entry) error {
	orig, err := in.bySeq(e.journal, e.record.Of)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // stays held: the sale may still come
	}
	if err != nil {
		return err
	}
	switch {
	case orig.record.Kind != wire.KindSale && orig.record.Kind != wire.KindTopUp:
		if _, err := in.s.Raise(in.tx, in.operator, in.about(e), ReversalAlone, Warn,
			fmt.Sprintf("record %d takes back %d, which is no sale", e.record.Seq, e.record.Of)); err != nil {
			return err
		}
		return in.setFate(e.id, FateNone, NoneNothing)
	case orig.fate == FateJob:
		return in.reverseJob(e, orig)
	case orig.fate == FateHeld || orig.fate == FateNote:
		if err := in.reversed(orig); err != nil {
			return err
		}
		return in.setFate(e.id, FateNone, NoneReversal)
	}
	return in.setFate(e.id, FateNone, NoneNothing)
}

// reversed closes a sale that was taken back in time.
func (in *intake) reversed(orig *stored) error {
	in.tell(orig.journal.id, orig.record.Seq, FateNone, NoneReversed, orig.record.Sale)
	return in.setFate(orig.id, FateNone, NoneReversed)
}

func (in *intake) reverseJob(e *entry, orig *stored) error {
	j, err := readJob(context.Background(), in.tx, `WHERE origin_kind='record' AND origin_id=? AND (purpose='receipt' OR purpose='correction')
		ORDER BY CASE WHEN state='void' THEN 1 ELSE 0 END, created_at LIMIT 1`, e.origin(orig.record.Seq))
	if err != nil {
		return fmt.Errorf("job of record %d: %w", orig.id, err)
	}
	found := notFound(in.tx, j)
	if found != nil && !errors.Is(found, ErrMayExist) {
		return found
	}
	if j.Attempts == 0 && found == nil && (j.State == JobQueued || j.State == JobHeld) {
		if err := moveJob(in.tx, in.now, j.ID, JobVoid, NoneReversed, "record "+strconv.FormatInt(e.record.Seq, 10), "ingest", j.State); err != nil {
			return err
		}
		if err := in.reversed(orig); err != nil {
			return err
		}
		return in.setFate(e.id, FateNone, NoneReversal)
	}
	j, stands, err := standing(in.tx, j)
	if err != nil {
		return err
	}
	taken := !stands || j.State == JobVoid
	if !taken {
		taken, err = takenBack(in.tx, j)
	}
	if err != nil {
		return err
	}
	if taken {
		return in.setFate(e.id, FateNone, NoneNothing)
	}
	back := refundOf(j, e.id, e.record.Seq)
	back.Machine, back.SoldAt, back.YoungTill = e.machine(), e.at, e.at+young
	back.ID = jobID(in.now, back.Key)
	err = putJob(in.tx, in.now, back, &in.tally, "ingest", "")
	if errors.Is(err, ErrMoved) { // a person has dropped its refund
		return in.setFate(e.id, FateNone, NoneNothing)
	}
	if err != nil {
		return err
	}
	in.taken.Jobs++
	return in.setFate(e.id, FateJob, "")
}

// refundOf is the job that takes the document of a job back, for the reversal
// of this record. It waits for a document that is still to be made.
func refundOf(j Job, record, seq int64) Job {
	d := j.Document
	d.Kind, d.Operation, d.Correction, d.WrongFP = fiscal.KindReceipt, fiscal.SellReturn, nil, 0
	back := Job{Operator: j.Operator, Seller: j.Seller, OriginKind: j.OriginKind, OriginID: j.OriginID, Purpose: PurposeRefund, Ordinal: j.Ordinal,
		Machine: j.Machine, Agent: j.Agent, Journal: j.Journal, Seq: seq, SoldAt: j.SoldAt, Document: d, record: record, State: JobQueued}
	if j.State != JobDone {
		back.State, back.Reason = JobHeld, WaitsForReceipt
	}
	return back.keyed()
}

// takenBack says whether a refund of the job's document is made, or on its way.
// A record has one receipt, or a correction in its place: whatever their
// ordinals, one refund.
func takenBack(tx *sql.Tx, j Job) (yes bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM job WHERE origin_kind = ? AND origin_id = ? AND purpose = 'refund' AND state <> 'void'
		AND (origin_kind = 'record' OR ordinal = ?))`, j.OriginKind, j.OriginID, j.Ordinal).Scan(&yes)
	if err != nil {
		err = fmt.Errorf("refunds of job %s: %w", j.ID, err)
	}
	return yes, err
}

// standing is the job whose document stands for a sale: that of its receipt or,
// after repairs, the right one of the newest. ok is false when a repair took the
// receipt back and its other document is not to be made.
func standing(tx *sql.Tx, j Job) (_ Job, ok bool, err error) {
	for {
		var wrong, right string
		err := tx.QueryRow(`SELECT b.state, r.id FROM act a JOIN job b ON b.origin_kind = 'operator' AND b.origin_id = a.id AND b.purpose = 'correction' AND b.ordinal = 0
			JOIN job r ON r.origin_kind = 'operator' AND r.origin_id = a.id AND r.purpose = 'correction' AND r.ordinal = 1
			WHERE a.operator_id = ? AND a.kind = 'repair' AND a.job_id = ?`, j.Operator, j.ID).Scan(&wrong, &right)
		if errors.Is(err, sql.ErrNoRows) || err == nil && wrong == JobVoid {
			return j, true, nil
		}
		if err != nil {
			return j, false, fmt.Errorf("repairs of job %s: %w", j.ID, err)
		}
		if j, err = readJob(context.Background(), tx, `WHERE id = ?`, right); err != nil {
			return j, false, err
		}
		if j.State == JobVoid {
			return j, false, nil
		}
	}
}

// reverseEarlier carries out reversals that came before their sale.
func (in *intake) reverseEarlier(j *journal, seq int64) error {
	all, err := list(in.tx, func(r *sql.Rows, st **stored) (err error) {
		*st, err = in.scanStored(j, r)
		return err
	}, `SELECT `+storedColumns+` FROM record r WHERE operator_id=? AND agent_id=? AND journal_id=? AND of_seq=? AND fate='held' AND kind IN ('reversal','evidence') ORDER BY seq`,
		in.operator, in.agent, j.id, seq)
	if err != nil {
		return fmt.Errorf("reversals of record %d: %w", seq, err)
	}
	for _, st := range all {
		if err := in.carryOut(&st.entry, verdict{}); err != nil {
			return err
		}
	}
	return nil
}

// reconsider applies a change of evidence: better proof lets a held sale go,
// fallen proof of a sale already on its way is for a person.
func (in *intake) reconsider(e *entry) error {
	orig, err := in.bySeq(e.journal, e.record.Of)
	if errors.Is(err, sql.ErrNoRows) {
		return in.setFate(e.id, FateHeld, HeldNoSale)
	}
	if err != nil {
		return err
	}
	if orig.record.Kind != wire.KindSale || orig.record.Sale == nil {
		return in.setFate(e.id, FateNone, NoneNothing)
	}
	now := e.record.Sale
	if now.Class > orig.record.Sale.Class && (orig.fate == FateJob) {
		if _, err := in.s.Raise(in.tx, in.operator, in.about(e), EvidenceFallen, Alarm,
			fmt.Sprintf("record %d: class %s, was %s", e.record.Of, now.Class, orig.record.Sale.Class)); err != nil {
			return err
		}
	}
	if orig.fate == FateNote || orig.fate == FateHeld {
		orig.record.Sale.Class, orig.record.Sale.Evidence = now.Class, now.Evidence
		v, err := in.decide(&orig.entry)
		if err != nil {
			return err
		}
		if err := in.setFate(orig.id, v.fate, v.reason); err != nil {
			return err
		}
		if v.fate != orig.fate || v.reason != orig.reason {
			if err := in.settle(&orig.entry, v, "ingest"); err != nil {
				return err
			}
		}
	}
	return in.setFate(e.id, FateNote, "")
}
