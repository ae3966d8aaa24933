package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

const originOperator = "operator"

// Kinds of acts.
const (
	ActRefund     = "refund"
	ActCorrection = "correction"
	ActRepair     = "repair"
)

// WaitsForPair is why the second document of a repair is held: the one that
// takes the wrong receipt back comes first.
const WaitsForPair = "waits_for_pair"

// Corrected is why a job is void: a correction takes its place.
const Corrected = "corrected"

// Errors of orders.
var (
	ErrNoReceipt    = errors.New("this document is no receipt of a sale")
	ErrRefunded     = errors.New("it was taken back already")
	ErrHasReceipt   = errors.New("the sale has a receipt, or may have one: refund or repair that")
	ErrNothingWrong = errors.New("by today's catalogue the receipt is right: put the catalogue right first, as of the time of the sale")
	ErrNoSale       = errors.New("this record is no sale")
)

// CannotMakeError says why no document can be made of a sale: the reason it is
// held for.
type CannotMakeError struct{ Reason, Detail string }

func (e CannotMakeError) Error() string {
	if e.Detail == "" {
		return "no document can be made: " + e.Reason
	}
	return "no document can be made: " + e.Reason + ": " + e.Detail
}

// Order is what a person wants made. Operator "" means any.
type Order struct {
	Operator string             `json:"-"`
	Actor    string             `json:"-"`
	Why      string             `json:"-"`
	ByOrder  bool               `json:"by_order,omitempty"` // 1173: the tax office has ordered it
	Number   string             `json:"number,omitempty"`   // 1179
	Form     fiscal.PaymentKind `json:"form,omitempty"`     // a refund: how the money goes back; "" as it came
}

// Ordered is what came of an order.
type Ordered struct {
	Act  string
	Jobs []string
}

// order runs a person's order in one transaction.
func (s *Store) order(ctx context.Context, what string, fn func(tx *sql.Tx, now int64) (Ordered, error)) (done Ordered, err error) {
	err = s.Write(ctx, func(tx *sql.Tx) (err error) {
		done, err = fn(tx, s.Now())
		return err
	})
	if err != nil {
		return Ordered{}, fmt.Errorf("store: %s: %w", what, err)
	}
	return done, nil
}

// made is a receipt with its job.
type made struct {
	job Job
	fp  uint32
	ffd string // of the lane it was made on
}

// receiptMade finds the job of a receipt.
func receiptMade(ctx context.Context, tx *sql.Tx, operator, fn string, fd uint32) (m made, err error) {
	var id string
	err = tx.QueryRowContext(ctx, `SELECT c.job_id, c.fp, l.ffd FROM receipt c JOIN lane l ON l.id = c.lane_id
		WHERE c.fn = ?1 AND c.fd = ?2 AND (?3 = '' OR c.operator_id = ?3)`, fn, fd, operator).Scan(&id, &m.fp, &m.ffd)
	if errors.Is(err, sql.ErrNoRows) {
		return m, ErrNotFound
	}
	if err == nil {
		m.job, err = readJob(ctx, tx, `WHERE id = ?`, id)
	}
	if err == nil && (m.job.Document.Operation != fiscal.Sell || m.job.Purpose != PurposeReceipt && m.job.Purpose != PurposeCorrection) {
		err = ErrNoReceipt
	}
	return m, err
}

// OrderRefund has the money of a receipt given back: возврат прихода of all it
// holds. A receipt is taken back once, by a person or by the machine.
// ErrNotFound, ErrNoReceipt, ErrRefunded.
func (s *Store) OrderRefund(ctx context.Context, fn string, fd uint32, o Order) (Ordered, error) {
	return s.order(ctx, fmt.Sprintf("refund receipt %s/%d", fn, fd), func(tx *sql.Tx, now int64) (Ordered, error) {
		m, err := receiptMade(ctx, tx, o.Operator, fn, fd)
		if err != nil {
			return Ordered{}, err
		}
		if now, stands, err := standing(tx, m.job); err != nil {
			return Ordered{}, err
		} else if !stands || now.ID != m.job.ID { // by a repair
			return Ordered{}, ErrRefunded
		}
		if taken, err := takenBack(tx, m.job); err != nil {
			return Ordered{}, err
		} else if taken {
			return Ordered{}, ErrRefunded
		}
		doc := m.job.Document
		doc.Kind, doc.Operation, doc.Correction, doc.WrongFP = fiscal.KindReceipt, fiscal.SellReturn, nil, 0
		if o.Form != "" {
			doc.Payments = []fiscal.Payment{{Kind: o.Form, Amount: doc.Total}}
		}
		if err := doc.Validate(); err != nil {
			return Ordered{}, CannotMakeError{HeldDocument, err.Error()}
		}
		return putAct(tx, now, ActRefund, m.job, o, []ordered{{purpose: PurposeRefund, origin: m.job.OriginKind, id: m.job.OriginID,
			ordinal: m.job.Ordinal, document: doc, taken: ErrRefunded}})
	})
}

// OrderCorrection makes a correction (чек коррекции) of a sale that has no
// receipt: held, dropped, or sold while nothing could be made. A job of it that
// certainly printed nothing is void then. ErrNotFound, ErrNoSale,
// ErrHasReceipt, ErrRefunded of one the machine took back, CannotMakeError.
func (s *Store) OrderCorrection(ctx context.Context, record int64, o Order) (done Ordered, err error) {
	_, err = s.onRecord(ctx, o.Operator, record, func(in *intake, st *stored) error {
		if !sellable(&st.record) {
			return ErrNoSale
		}
		if err := in.notReversed(st); err != nil {
			return err
		}
		if err := in.noReceipt(st.id); err != nil {
			return err
		}
		v, err := judge(in.facts, claim{operator: in.operator, machine: st.machine(), kind: st.record.Kind, sale: *st.record.Sale, at: st.at, vouched: true})
		if err != nil {
			return err
		}
		if v.fate != FateJob {
			return CannotMakeError{v.reason, v.detail}
		}
		doc := correctionOf(*v.document, o, 0)
		if err := doc.Validate(); err != nil {
			return CannotMakeError{HeldDocument, err.Error()}
		}
		if err := in.setFate(st.id, FateJob, ""); err != nil {
			return err
		}
		base := Job{Operator: in.operator, Seller: v.seller, Machine: st.machine(), Agent: st.journal.agent, Journal: st.journal.id,
			Seq: st.record.Seq, SoldAt: st.at, record: st.id}
		void := 0 // earlier corrections of it that came to nothing
		if err := in.tx.QueryRow(`SELECT COUNT(*) FROM job WHERE record_id = ? AND purpose = 'correction'`, st.id).Scan(&void); err != nil {
			return err
		}
		done, err = putAct(in.tx, in.now, ActCorrection, base, o, []ordered{{purpose: PurposeCorrection, origin: originRecord,
			id: st.origin(st.record.Seq), ordinal: void, document: doc, taken: ErrHasReceipt}})
		return err
	})
	return done, err
}

// notReversed is ErrRefunded for a sale that its machine took back.
func (in *intake) notReversed(st *stored) error {
	var reversed bool
	err := in.tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM record WHERE operator_id = ? AND agent_id = ? AND journal_id = ? AND of_seq = ? AND kind = 'reversal')`,
		in.operator, in.agent, st.journal.id, st.record.Seq).Scan(&reversed)
	if err == nil && reversed {
		err = ErrRefunded
	}
	return err
}

// noReceipt voids what of a record's jobs certainly printed nothing and refuses
// when any may have.
func (in *intake) noReceipt(record int64) error {
	ids, err := list(in.tx, func(r *sql.Rows, id *string) error { return r.Scan(id) },
		`SELECT id FROM job WHERE record_id = ? AND (purpose = 'receipt' OR purpose = 'correction')`, record)
	if err != nil {
		return err
	}
	for _, id := range ids {
		j, err := readJob(context.Background(), in.tx, `WHERE id = ?`, id)
		if err != nil {
			return err
		}
		switch j.State {
		case JobVoid:
			continue
		case JobQueued, JobHeld:
		default:
			return ErrHasReceipt
		}
		err = errors.Join(noOpenAttempt(in.tx, id), notFound(in.tx, j))
		if errors.Is(err, ErrMayExist) {
			return ErrHasReceipt
		}
		if err != nil {
			return err
		}
		if err := moveJob(in.tx, in.now, id, JobVoid, Corrected, "", ByPerson, j.State); err != nil {
			return err
		}
	}
	return nil
}

// OrderRepair puts a wrong receipt right: one document takes it back, one makes
// it as the catalogue stands now for the time of the sale (fiscal.Document). The
// second waits for the first. ErrNotFound, ErrNoReceipt, ErrRefunded,
// ErrNothingWrong, ErrNoSale, CannotMakeError.
func (s *Store) OrderRepair(ctx context.Context, fn string, fd uint32, o Order) (Ordered, error) {
	return s.order(ctx, fmt.Sprintf("repair receipt %s/%d", fn, fd), func(tx *sql.Tx, now int64) (Ordered, error) {
		m, err := receiptMade(ctx, tx, o.Operator, fn, fd)
		if err != nil {
			return Ordered{}, err
		}
		wrong := m.job.Document
		right, seller, err := s.rightOf(ctx, tx, m.job)
		if err != nil {
			return Ordered{}, err
		}
		if same(wrong, right) {
			return Ordered{}, ErrNothingWrong
		}
		taken, err := takenBack(tx, m.job)
		if err != nil {
			return Ordered{}, err
		}
		var repairs int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM act WHERE job_id = ? AND kind = 'repair'`, m.job.ID).Scan(&repairs); err != nil {
			return Ordered{}, err
		}
		if taken || repairs > 0 {
			return Ordered{}, ErrRefunded
		}
		back := wrong
		back.Operation = fiscal.SellReturn
		if m.ffd == kkt.FFD105.String() { // a pair of receipts with 1192
			for _, d := range []*fiscal.Document{&back, &right} {
				d.Kind, d.Correction, d.WrongFP = fiscal.KindReceipt, nil, m.fp
			}
		} else {
			back, right = correctionOf(back, o, m.fp), correctionOf(right, o, m.fp)
		}
		for _, d := range []fiscal.Document{back, right} {
			if err := d.Validate(); err != nil {
				return Ordered{}, CannotMakeError{HeldDocument, err.Error()}
			}
		}
		base := m.job
		base.Seller = seller
		return putAct(tx, now, ActRepair, base, o, []ordered{
			{purpose: PurposeCorrection, ordinal: 0, document: back, seller: m.job.Seller},
			{purpose: PurposeCorrection, ordinal: 1, document: right, wait: WaitsForPair}})
	})
}

// rightOf judges the sale of a receipt anew by the facts as they stand.
func (s *Store) rightOf(ctx context.Context, tx *sql.Tx, j Job) (fiscal.Document, string, error) {
	if j.record == 0 {
		return fiscal.Document{}, "", ErrNoSale
	}
	in := s.intakeOf(tx, j.Operator, j.Agent)
	jr, err := s.openJournal(tx, j.Operator, j.Agent, j.Journal, in.now)
	if err != nil {
		return fiscal.Document{}, "", err
	}
	st, err := in.scanStored(jr, tx.QueryRowContext(ctx, `SELECT `+storedColumns+` FROM record r WHERE id = ?`, j.record))
	if err != nil {
		return fiscal.Document{}, "", err
	}
	if !sellable(&st.record) {
		return fiscal.Document{}, "", ErrNoSale
	}
	v, err := judge(in.facts, claim{operator: in.operator, machine: st.machine(), kind: st.record.Kind, sale: *st.record.Sale, at: st.at, vouched: true})
	if err != nil {
		return fiscal.Document{}, "", err
	}
	if v.fate != FateJob {
		return fiscal.Document{}, "", CannotMakeError{v.reason, v.detail}
	}
	return *v.document, v.seller, nil
}

// same says whether two documents would tell the same of a sale.
func same(a, b fiscal.Document) bool {
	a.SoldAt, b.SoldAt = time.Time{}, time.Time{}
	a.Kind, a.Correction = b.Kind, b.Correction
	return reflect.DeepEqual(a, b)
}

// correctionOf makes a document a correction of its settlement (document 31).
func correctionOf(d fiscal.Document, o Order, wrong uint32) fiscal.Document {
	d.Kind, d.WrongFP = fiscal.KindCorrection, 0
	d.Correction = &fiscal.Correction{ByOrder: o.ByOrder, Number: o.Number, Date: d.SoldAt.Format(time.DateOnly), WrongFP: wrong}
	d.BuyerContact, d.SellerEmail = "", ""
	return d
}

// ordered is a job an order makes.
type ordered struct {
	purpose    string
	origin, id string // "": of the act itself
	ordinal    int
	seller     string // "": of the base
	document   fiscal.Document
	wait       string // held for this reason
	taken      error  // when the tuple has a job already
}

// putAct writes an order down and makes its jobs. base gives seller, machine,
// record and times.
func putAct(tx *sql.Tx, now int64, kind string, base Job, o Order, jobs []ordered) (Ordered, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Ordered{}, err
	}
	// The same order twice is two acts: what keeps it from being carried out
	// twice is the tuple of its jobs, or the search before.
	var before int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM act WHERE operator_id = ?`, base.Operator).Scan(&before); err != nil {
		return Ordered{}, err
	}
	act := fmt.Sprintf("%011x", now) + string(kkt.NewKey(base.Operator, kind, base.ID, fmt.Sprint(base.record), fmt.Sprint(before))[:12])
	if _, err := tx.Exec(`INSERT INTO act(id,operator_id,kind,job_id,record_id,actor,why,body,created_at) VALUES (?,?,?,NULLIF(?,''),NULLIF(?,0),?,?,?,?)`,
		act, base.Operator, kind, base.ID, base.record, o.Actor, o.Why, body, now); err != nil {
		return Ordered{}, err
	}
	done := Ordered{Act: act}
	var t tally
	for _, n := range jobs {
		if n.origin == "" {
			n.origin, n.id = originOperator, act
		}
		if n.seller == "" {
			n.seller = base.Seller
		}
		state := JobQueued
		if n.wait != "" {
			state = JobHeld
		}
		j := base
		j.OriginKind, j.OriginID, j.Purpose, j.Ordinal, j.Seller, j.Document = n.origin, n.id, n.purpose, n.ordinal, n.seller, n.document
		j.State, j.Reason, j.YoungTill = state, n.wait, 0
		j = j.keyed()
		j.ID = jobID(now, j.Key)
		err := putJob(tx, now, j, &t, o.Actor, o.Why)
		if errors.Is(err, ErrMoved) && n.taken != nil {
			err = n.taken
		}
		if err != nil {
			return Ordered{}, err
		}
		done.Jobs = append(done.Jobs, j.ID)
	}
	return done, t.add(tx, base.Operator)
}

// keyed gives a job the key of its tuple.
func (j Job) keyed() Job {
	j.Key = kkt.NewKey(j.OriginKind, j.OriginID, j.Purpose, fmt.Sprint(j.Ordinal))
	return j
}

// putJob stores a new job; ErrMoved when its tuple has one.
func putJob(tx *sql.Tx, now int64, j Job, t *tally, actor, detail string) error {
	doc, err := json.Marshal(j.Document)
	if err != nil {
		return err
	}
	res, err := tx.Exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,ordinal,seller_id,machine_id,agent_id,journal_id,seq,record_id,
			state,reason,sold_at,young_till,key,amount,document,created_at,updated_at)
		VALUES (?,?,?,?,?,?,?,NULLIF(?,''),?,?,?,NULLIF(?,0),?,?,?,?,?,?,?,?,?) ON CONFLICT(origin_kind,origin_id,purpose,ordinal) DO NOTHING`,
		j.ID, j.Operator, j.OriginKind, j.OriginID, j.Purpose, j.Ordinal, j.Seller, j.Machine, j.Agent, j.Journal, j.Seq, j.record,
		j.State, j.Reason, j.SoldAt, j.YoungTill, j.Key, j.Document.Total, doc, now, now)
	if err := one(res, err, ErrMoved); err != nil {
		return err
	}
	t.job(j.State)
	return history(tx, now, j.ID, j.State, j.Reason, detail, actor)
}

// JobOfDocument is the job a document is the receipt of; ErrNotFound.
func (s *Store) JobOfDocument(ctx context.Context, operator, fn string, fd uint32) (job string, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT job_id FROM receipt WHERE fn = ?1 AND fd = ?2 AND (?3 = '' OR operator_id = ?3)`, fn, fd, operator).Scan(&job)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotFound
	}
	if err != nil {
		err = fmt.Errorf("store: whose document %s/%d is: %w", fn, fd, err)
	}
	return job, err
}
