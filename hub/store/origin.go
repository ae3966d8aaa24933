package store

import (
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
	var id, state, seller string
	var attempts int
	var document []byte
	err := in.tx.QueryRow(`SELECT id, state, seller_id, attempts, document FROM job
		WHERE origin_kind='record' AND origin_id=? AND (purpose='receipt' OR purpose='correction')
		ORDER BY CASE WHEN state='void' THEN 1 ELSE 0 END, created_at LIMIT 1`, e.origin(orig.record.Seq)).
		Scan(&id, &state, &seller, &attempts, &document)
	if err != nil {
		return fmt.Errorf("job of record %d: %w", orig.id, err)
	}
	if attempts == 0 && (state == JobQueued || state == JobHeld) {
		if err := moveJob(in.tx, in.now, id, JobVoid, NoneReversed, "record "+strconv.FormatInt(e.record.Seq, 10), "ingest", state); err != nil {
			return err
		}
		if err := in.reversed(orig); err != nil {
			return err
		}
		return in.setFate(e.id, FateNone, NoneReversal)
	}
	if state == JobVoid {
		return in.setFate(e.id, FateNone, NoneNothing)
	}
	n := newJob{purpose: PurposeRefund, origin: orig.record.Seq, seller: seller, state: JobQueued, actor: "ingest"}
	if err := json.Unmarshal(document, &n.document); err != nil {
		return fmt.Errorf("document of job %s: %w", id, err)
	}
	n.document.Kind, n.document.Operation, n.document.Correction = fiscal.KindReceipt, fiscal.SellReturn, nil
	if state != JobDone {
		n.state, n.reason = JobHeld, WaitsForReceipt
	}
	made, err := in.insertJob(e, n)
	if err != nil {
		return err
	}
	if !made { // taken back before
		return in.setFate(e.id, FateNone, NoneNothing)
	}
	return in.setFate(e.id, FateJob, "")
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
