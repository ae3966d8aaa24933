package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// Arrival is one record message as it came, understood or not.
type Arrival struct {
	Topic    string
	Raw      []byte // the message, byte for byte
	Received int64  // hub's clock, ms

	Journal string      // as far as it could be read; "" unknown
	Seq     int64       // likewise; 0 unknown
	Record  wire.Record // when Code is ""
	Body    []byte      // the record, byte for byte; nil when none could be cut out
	Age     time.Duration

	Code   string // why it is refused, a wire.Refused code; "" understood
	Detail string // for people
}

// at is when the record happened: hub's clock minus age.
func (a *Arrival) at() int64 { return a.Received - max(a.Age, 0).Milliseconds() }

// hash tells two contents of one seq apart. The message around a record holds
// its age, which differs each time it is sent, so the record alone counts.
func (a *Arrival) hash() []byte {
	b := a.Body
	if b == nil {
		b = a.Raw
	}
	h := sha256.Sum256(b)
	return h[:]
}

// Taken is what became of a batch once it is durable.
type Taken struct {
	Operator, Agent string // whose journal

	Acks    []wire.Ack     // one per journal met, Session empty
	Tell    []wire.Receipt // sales that get no job: the machine must not wait for them
	Stored  int            // records new here
	Landed  int            // of them, to be settled later: see Settle
	Settled int            // that had landed before
	Again   int            // came before with the same content
	Kept    int            // new in quarantine
	Jobs    int            // made
}

// TakeIn stores a batch of one agent's records in order, in one durable
// transaction: each new record with the job it asks for (those of a backlog
// land, and Settle makes their jobs right after), each that can't be taken in
// quarantine. An error means that nothing of the batch is stored and
// nothing may be acknowledged.
func (s *Store) TakeIn(ctx context.Context, operator, agent string, batch []Arrival) (Taken, error) {
	var t Taken
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		in := s.intakeOf(tx, operator, agent)
		landed, err := in.land(batch)
		if err != nil {
			return err
		}
		for i := range batch {
			if landed {
				break
			}
			if err := in.take(&batch[i], false); err != nil {
				return fmt.Errorf("record %s/%d: %w", batch[i].Journal, batch[i].Seq, err)
			}
		}
		fault.Point("ingest.afterInsert")
		t, err = in.finish()
		return err
	})
	if err != nil {
		return Taken{}, fmt.Errorf("store: take in %d records of %s/%s: %w", len(batch), operator, agent, err)
	}
	s.waiting.Add(int64(t.Landed - t.Settled))
	fault.Point("ingest.afterCommit")
	return t, nil
}

// intake is a batch being stored.
type intake struct {
	s               *Store
	tx              *sql.Tx
	operator, agent string
	now             int64
	facts           *facts
	journals        []*journal
	refused         map[string][]wire.Refusal
	unfair          map[string]bool      // subject → a price alarm is open
	lastAudit       map[string]lastAudit // journal → its newest audit
	prepared        map[string]*sql.Stmt
	tally           tally
	taken           Taken
}

func (s *Store) intakeOf(tx *sql.Tx, operator, agent string) *intake {
	return &intake{s: s, tx: tx, operator: operator, agent: agent, now: s.Now(), facts: s.factsIn(tx), refused: map[string][]wire.Refusal{}, unfair: map[string]bool{}, lastAudit: map[string]lastAudit{}, prepared: map[string]*sql.Stmt{}}
}

// prepare gives a statement that each record of a batch runs once.
func (in *intake) prepare(query string) (st *sql.Stmt, err error) {
	if st = in.prepared[query]; st == nil {
		if st, err = in.tx.Prepare(query); err == nil { // closed with the transaction
			in.prepared[query] = st
		}
	}
	return st, err
}

func (in *intake) exec(query string, args ...any) (sql.Result, error) {
	st, err := in.prepare(query) //nolint:sqlclosecheck // closed with the transaction
	if err != nil {
		return nil, err
	}
	return st.Exec(args...)
}

// row runs a query that gives one row.
func (in *intake) row(query string, args ...any) interface{ Scan(...any) error } {
	st, err := in.prepare(query) //nolint:sqlclosecheck // closed with the transaction
	if err != nil {
		return noRow{err}
	}
	return st.QueryRow(args...)
}

// noRow is a row that could not be asked for.
type noRow struct{ err error }

func (n noRow) Scan(...any) error { return n.err }

// journal opens a journal of which nothing waits to be settled.
func (in *intake) journal(id string) (*journal, error) {
	j, err := in.open(id)
	if err == nil && j.landed {
		err = in.settleAll(j)
	}
	return j, err
}

func (in *intake) open(id string) (*journal, error) {
	for _, j := range in.journals {
		if j.id == id {
			return j, nil
		}
	}
	j, err := in.s.openJournal(in.tx, in.operator, in.agent, id, in.now)
	if err == nil {
		in.journals = append(in.journals, j)
	}
	return j, err
}

// finish writes the journals' marks and computes the acks from them.
func (in *intake) finish() (Taken, error) {
	in.taken.Operator, in.taken.Agent = in.operator, in.agent
	if err := in.tally.add(in.tx, in.operator); err != nil {
		return Taken{}, err
	}
	for _, j := range in.journals {
		if err := j.save(in.tx, in.now); err != nil {
			return Taken{}, err
		}
		ack, err := j.ack(in.tx)
		if err != nil {
			return Taken{}, err
		}
		ack.Refused = in.refused[j.id]
		in.taken.Acks = append(in.taken.Acks, ack)
	}
	return in.taken, nil
}

func (in *intake) refuse(a *Arrival, code string) {
	in.refused[a.Journal] = append(in.refused[a.Journal], wire.Refusal{Seq: a.Seq, Code: code})
}

// take stores one record, or keeps it in quarantine. again says that it comes
// out of the quarantine.
func (in *intake) take(a *Arrival, again bool) error {
	if a.Journal == "" { // nothing to answer to: keep it, a person will look
		return in.keep(a, a.Code, a.Detail)
	}
	j, err := in.journal(a.Journal)
	if err != nil {
		return err
	}
	if j.foreign {
		in.refuse(a, wire.RefusedForeign)
		return in.keep(a, wire.RefusedForeign, "journal "+a.Journal+" belongs to another agent")
	}
	if a.Seq <= 0 {
		in.refuse(a, a.Code)
		return in.keep(a, a.Code, a.Detail)
	}
	if a.Seq <= j.top {
		done, err := in.seen(a, again)
		if done || err != nil {
			return err
		}
	}
	if a.Code != "" {
		in.refuse(a, a.Code)
		if err := in.keep(a, a.Code, a.Detail); err != nil {
			return err
		}
		return j.place(in.tx, a.Seq, in.now)
	}
	late := a.Seq <= j.top
	if err := in.store(j, a); err != nil {
		return err
	}
	in.taken.Stored++
	if err := j.place(in.tx, a.Seq, in.now); err != nil || !late {
		return err
	}
	return in.reverseEarlier(j, a.Seq)
}

// seen decides on a seq that came before: the same content is acknowledged (or
// refused) again, another content is a conflict.
func (in *intake) seen(a *Arrival, again bool) (done bool, err error) {
	hash := a.hash()
	var old []byte
	err = in.tx.QueryRow(`SELECT hash FROM record WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=?`,
		in.operator, in.agent, a.Journal, a.Seq).Scan(&old)
	if err == nil {
		if bytes.Equal(old, hash) {
			fault.Point("ingest.again")
			in.taken.Again++
			return true, nil
		}
		return true, in.conflict(a)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if again {
		return false, nil
	}
	var code string
	err = in.tx.QueryRow(`SELECT hash, reason FROM quarantine WHERE operator_id=? AND agent_id=? AND journal_id=? AND seq=? ORDER BY id LIMIT 1`,
		in.operator, in.agent, a.Journal, a.Seq).Scan(&old, &code)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if bytes.Equal(old, hash) {
		in.taken.Again++
		in.refuse(a, code)
		return true, nil
	}
	return true, in.conflict(a)
}

func (in *intake) conflict(a *Arrival) error {
	if _, err := in.s.Raise(in.tx, in.operator, AboutAgent(in.operator, in.agent), SeqConflict, Alarm,
		fmt.Sprintf("record %d of journal %s came with two contents: restored or copied disk", a.Seq, a.Journal)); err != nil {
		return err
	}
	in.refuse(a, wire.RefusedConflict)
	return in.keep(a, wire.RefusedConflict, "another record has this number")
}

// entry is a record as it is stored.
type entry struct {
	id      int64
	journal *journal
	record  wire.Record
	at      int64
}

func (e *entry) machine() string { return e.journal.machine.String }

// origin is the record's part of a job's unique tuple.
func (e *entry) origin(seq int64) string { return originID(e.journal.agent, e.journal.id, seq) }

// originID names a record for jobs: agent/journal/seq.
func originID(agent, journal string, seq int64) string {
	return agent + "/" + journal + "/" + strconv.FormatInt(seq, 10)
}

// store inserts the record and does what it asks for.
func (in *intake) store(j *journal, a *Arrival) error {
	e := &entry{journal: j, record: a.Record, at: a.at()}
	sale := a.Record.Sale
	if a.Record.Incident != nil && sale == nil {
		sale = a.Record.Incident.Sale
	}
	var class, source string
	var amount int64
	col := -1
	if sale != nil {
		class = sale.Class
		if inKopecks(sale.Amount) {
			amount = sale.Amount.Minor
		}
		if sale.ColKnown {
			col = sale.Column
		}
		if len(sale.Parts) > 0 {
			source = sale.Parts[0].Source
		}
	}
	v, err := in.decide(e)
	if err != nil {
		return err
	}
	err = in.row(`INSERT INTO record(operator_id,agent_id,journal_id,seq,machine_id,kind,class,amount,col,source,of_seq,at,received_at,hash,body,fate,reason)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id`, in.operator, in.agent, j.id, a.Seq, j.machine, a.Record.Kind, class, amount, col, source,
		a.Record.Of, e.at, a.Received, a.hash(), a.Body, v.fate, v.reason).Scan(&e.id)
	if err != nil {
		return err
	}
	in.tally.record(j.machine.String, a.Record.Kind, v.fate, amount, source, e.at)
	if err := in.carryOut(e, v); err != nil {
		return err
	}
	return in.disturbs(e)
}

// decide gives the record's verdict before it is stored.
func (in *intake) decide(e *entry) (verdict, error) {
	r := e.record
	switch r.Kind {
	case wire.KindSale, wire.KindReturn, wire.KindTopUp:
		return judge(in.facts, claim{operator: in.operator, machine: e.machine(), kind: r.Kind, sale: *r.Sale, at: e.at})
	case wire.KindReversal:
		return verdict{fate: FateHeld, reason: HeldNoSale}, nil // until carryOut finds the sale
	}
	return verdict{fate: FateNote}, nil
}

// carryOut does what a stored record asks for: a job, incidents, an answer.
func (in *intake) carryOut(e *entry, v verdict) error {
	switch r := e.record; r.Kind {
	case wire.KindSale, wire.KindReturn, wire.KindTopUp:
		return in.settle(e, v, "ingest")
	case wire.KindReversal:
		return in.reverse(e)
	case wire.KindEvidence:
		return in.reconsider(e)
	case wire.KindIncident:
		severity := Warn
		if r.Incident.Sale != nil {
			severity = Alarm
		}
		_, err := in.s.Raise(in.tx, in.operator, in.about(e), r.Incident.Code, severity, r.Incident.Detail)
		return err
	case wire.KindAudit:
		return in.audited(e)
	case wire.KindGap:
		_, err := in.s.Raise(in.tx, in.operator, in.about(e), ListeningGap, Warn, fmt.Sprintf("%s: %s to %s %s", r.Gap.Reason,
			r.Gap.From.UTC().Format(time.RFC3339), r.Gap.To.UTC().Format(time.RFC3339), r.Gap.Detail))
		return err
	}
	return nil
}

// about is the subject of incidents a record causes.
func (in *intake) about(e *entry) string {
	if m := e.machine(); m != "" {
		return AboutMachine(m)
	}
	return AboutAgent(in.operator, in.agent)
}

// settle carries a verdict on a sale out.
func (in *intake) settle(e *entry, v verdict, actor string) error {
	for _, a := range v.alarms {
		delete(in.unfair, in.about(e))
		if _, err := in.s.Raise(in.tx, in.operator, in.about(e), a.code, a.severity, a.detail); err != nil {
			return err
		}
	}
	if v.fair {
		if err := in.priceIsFair(e); err != nil {
			return err
		}
	}
	switch v.fate {
	case FateJob:
		purpose, doc, err := in.documentOf(e, *v.document)
		if err != nil {
			return err
		}
		if _, err := in.insertJob(e, newJob{purpose: purpose, origin: e.record.Seq, seller: v.seller, document: doc, state: JobQueued, actor: actor}); err != nil {
			return err
		}
		return nil
	case FateHeld:
		if _, err := in.s.Raise(in.tx, in.operator, in.about(e), SaleHeld, Warn, fmt.Sprintf("%s %s: record %d", v.reason, v.detail, e.record.Seq)); err != nil {
			return err
		}
	}
	in.tell(e.journal.id, e.record.Seq, v.fate, v.reason, e.record.Sale)
	return nil
}

// priceIsFair ends the alarm of a column whose price is right again.
func (in *intake) priceIsFair(e *entry) error {
	about := in.about(e)
	open, err := load(in.unfair, about, func() (open bool, err error) {
		err = in.tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM incident WHERE subject=? AND code=? AND closed_at IS NULL)`, about, PriceMismatch).Scan(&open)
		return open, err
	})
	if err != nil || !open {
		return err
	}
	_, err = in.tx.Exec(`UPDATE incident SET closed_at=?1 WHERE subject=?2 AND code=?3 AND closed_at IS NULL AND substr(detail,1,length(?4))=?4`,
		in.now, about, PriceMismatch, columnPrefix(e.record.Sale.Column))
	return err
}

// tell queues the answer for a sale that gets no job.
func (in *intake) tell(journal string, seq int64, f Fate, reason string, sale *wire.Sale) {
	if r, ok := answer(journal, seq, f, reason); ok {
		if sale != nil && sale.Amount.Known {
			r.Minor = sale.Amount.Minor
		}
		in.taken.Tell = append(in.taken.Tell, r)
	}
}

// answer is what the machine is told of a record without a job; ok is false
// for a record that has one.
func answer(journal string, seq int64, f Fate, reason string) (r wire.Receipt, ok bool) {
	r = wire.Receipt{V: wire.Version, Journal: journal, Seq: seq, State: wire.FiscalNone, Reason: reason}
	switch f {
	case FateHeld:
		r.State = wire.FiscalHeld
	case FateNote: // class D: a person may promote it
		r.State, r.Reason = wire.FiscalHeld, Unexplained
	case FateNone:
	default:
		return r, false
	}
	return r, true
}
