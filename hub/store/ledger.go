package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/fiscal/kkt/readback"
	"github.com/chekomat/chekomat/hub/ledger"
)

// LedgerDiffers is the incident of a lane whose register counted something else
// than the hub knows of.
const LedgerDiffers = "ledger_differs"

// booksPage is how many documents of a shift are read at once.
const booksPage = 500

// ShiftBooks reads what the hub knows of a shift, up to document last. It reads
// the ФН's documents backwards to the shift's opening.
func ShiftBooks(ctx context.Context, db *sql.DB, fn string, shift, last uint32) (ledger.Books, error) {
	b := ledger.Books{FN: fn, Shift: shift}
	next := int64(last)
	for {
		all, err := listOf(ctx, db, scanEntry, `SELECT fd, shift, purpose, operation, amount, document, 0, NULL, '' FROM (
				SELECT t.fd, t.shift, j.purpose, t.operation, t.amount, j.document
				FROM receipt t JOIN job j ON j.id = t.job_id WHERE t.fn = ? AND t.fd <= ? ORDER BY t.fd DESC LIMIT ?) ours
			UNION ALL SELECT fd, 0, '', 0, amount, '', kind, tlv, receipt FROM (
				SELECT fd, amount, kind, tlv, receipt FROM foreign_document WHERE fn = ? AND fd <= ? AND job_id IS NULL ORDER BY fd DESC LIMIT ?) others
			ORDER BY 1 DESC LIMIT ?`, fn, next, booksPage, fn, next, booksPage, booksPage)
		if err != nil {
			return b, fmt.Errorf("store: documents of shift %d of ФН %s: %w", shift, fn, err)
		}
		for _, e := range all {
			next = int64(e.FD) - 1
			switch {
			case e.shift != 0 && e.shift < shift:
				return b, nil
			case e.shift > shift:
				continue
			}
			b.Entries = append(b.Entries, e.Entry)
			if e.Kind == fiscal.KindShiftOpen {
				return b, nil
			}
		}
		if len(all) < booksPage {
			return b, nil
		}
	}
}

type shiftEntry struct {
	ledger.Entry
	shift uint32 // 0 not known
}

func scanEntry(r *sql.Rows, e *shiftEntry) error {
	var purpose string
	var kind uint16
	var doc, tlv, receipt []byte
	if err := r.Scan(&e.FD, &e.shift, &purpose, &e.Operation, &e.Sum, &doc, &kind, &tlv, &receipt); err != nil {
		return err
	}
	switch {
	case len(receipt) > 0:
		e.foreign(kind, tlv, receipt)
		return nil
	case purpose == PurposeShiftOpen:
		e.Kind = fiscal.KindShiftOpen
	case purpose == PurposeShiftClose:
		e.Kind = fiscal.KindShiftClose
	default:
		var d fiscal.Document
		if err := json.Unmarshal(doc, &d); err != nil {
			return fmt.Errorf("document of %d: %w", e.FD, err)
		}
		e.Kind, e.Payments = d.Kind, d.Payments
	}
	e.Ours, e.Unread = true, e.shift == 0
	return nil
}

// foreign takes what is known of a document that is not ours.
func (e *shiftEntry) foreign(kind uint16, tlv, receipt []byte) {
	var r fiscal.Receipt
	_ = json.Unmarshal(receipt, &r) // what can't be read is not known
	d := readback.Document{Code: kind}
	e.shift, e.Operation, e.Kind = r.Shift, r.Operation, d.Kind()
	e.Unread = kind == 0 || r.Shift == 0
	doc, _, err := ffd.ParseDocument(tlv)
	if err != nil {
		return
	}
	d.Body = doc.Body
	for tag, form := range map[ffd.Tag]fiscal.PaymentKind{1031: fiscal.Cash, 1081: fiscal.Ecash, 1215: fiscal.Prepaid, 1216: fiscal.Credit, 1217: fiscal.Provision} {
		if v, ok := d.Uint(tag); ok {
			e.Payments = append(e.Payments, fiscal.Payment{Kind: form, Amount: int64(v)})
		}
	}
}

// shiftRead is a shift whose counters are to be compared.
type shiftRead struct {
	operator, lane, fn string
	shift, last        uint32
	counters           *kkt.Counters // nil: they could not be read
	readAt             int64
}

// KeepCounters compares what a register counted in a shift with what the hub
// knows of it and stores both. The incident of the lane follows.
func (s *Store) KeepCounters(ctx context.Context, lane string, c kkt.Counters) (ledger.Result, error) {
	var operator string
	if err := s.r.QueryRowContext(ctx, `SELECT operator_id FROM lane WHERE id = ?`, lane).Scan(&operator); err != nil {
		return ledger.Result{}, fmt.Errorf("store: counters of lane %s: %w", lane, err)
	}
	return s.keepShift(ctx, shiftRead{operator, lane, c.FN, c.Shift, c.LastFD, &c, s.Now()})
}

func (s *Store) keepShift(ctx context.Context, v shiftRead) (res ledger.Result, err error) {
	books, err := ShiftBooks(ctx, s.r, v.fn, v.shift, v.last)
	if err != nil {
		return res, err
	}
	res = ledger.Shift(books, v.counters)
	c := kkt.Counters{FN: v.fn, Shift: v.shift, LastFD: v.last}
	if v.counters != nil {
		c = *v.counters
	}
	counters, err := json.Marshal(c)
	if err != nil {
		return res, fmt.Errorf("store: counters of shift %d of ФН %s: %w", v.shift, v.fn, err)
	}
	lines, err := json.Marshal(res.Lines)
	if err != nil {
		return res, fmt.Errorf("store: lines of shift %d of ФН %s: %w", v.shift, v.fn, err)
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		// What the report of a closed shift said stays: a later reading without it is no better.
		_, err := tx.Exec(`INSERT INTO ledger_shift(operator_id, lane_id, fn, shift, is_open, source, last_fd, counters, lines, outcome, read_at, made_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(fn, shift) DO UPDATE SET lane_id = excluded.lane_id, is_open = excluded.is_open, source = excluded.source,
				last_fd = excluded.last_fd, counters = excluded.counters, lines = excluded.lines, outcome = excluded.outcome, read_at = excluded.read_at, made_at = excluded.made_at
			WHERE ledger_shift.is_open = 1 OR excluded.is_open = 0 AND (excluded.source <> '' OR ledger_shift.source = '')`,
			v.operator, v.lane, v.fn, v.shift, c.Open, string(c.Source), v.last, counters, lines, string(res.Outcome), v.readAt, s.Now())
		if err != nil {
			return err
		}
		return s.noteLedger(tx, v.operator, v.lane)
	})
	if err != nil {
		return res, fmt.Errorf("store: keep shift %d of ФН %s: %w", v.shift, v.fn, err)
	}
	return res, nil
}

// noteLedger keeps the incident of a lane equal to its shifts that differ.
func (s *Store) noteLedger(tx *sql.Tx, operator, lane string) error {
	var named []string
	all, err := list(tx, func(r *sql.Rows, v *struct {
		fn    string
		shift int64
	}) error {
		return r.Scan(&v.fn, &v.shift)
	}, `SELECT fn, shift FROM ledger_shift WHERE lane_id = ? AND outcome = 'differ' ORDER BY shift DESC LIMIT 5`, lane)
	if err != nil {
		return err
	}
	for _, v := range all {
		named = append(named, "ФН "+v.fn+" "+strconv.FormatInt(v.shift, 10))
	}
	if len(named) == 0 {
		_, err = s.Clear(tx, AboutLane(lane), LedgerDiffers)
		return err
	}
	_, err = s.Hold(tx, operator, AboutLane(lane), LedgerDiffers, Alarm, strings.Join(named, ", "))
	return err
}

// ledgerMost is how many shifts one call of BalanceShifts compares.
const ledgerMost = 50

// BalanceShifts compares shifts that were closed and have not been compared,
// by the counters in their closing reports (1194) as they were read back, and
// again those that differed or were unknown: a document may have been found
// since. It gives how many closed shifts are new; call again while it gives any.
func (s *Store) BalanceShifts(ctx context.Context) (n int, err error) {
	closed, err := listOf(ctx, s.r, func(r *sql.Rows, v *shiftRead) error {
		var tlv []byte
		if err := r.Scan(&v.operator, &v.lane, &v.fn, &v.last, &v.shift, &tlv); err != nil {
			return err
		}
		v.counters, v.readAt = reportCounters(v.fn, v.shift, v.last, tlv), s.Now()
		return nil
	}, `SELECT t.operator_id, t.lane_id, t.fn, t.fd, t.shift, t.tlv FROM receipt t JOIN job j ON j.id = t.job_id
		WHERE t.operation = 0 AND j.purpose = 'shift_close' AND NOT EXISTS (SELECT 1 FROM ledger_shift l WHERE l.fn = t.fn AND l.shift = t.shift AND l.is_open = 0)
		ORDER BY t.id LIMIT ?`, ledgerMost)
	if err != nil {
		return 0, fmt.Errorf("store: closed shifts: %w", err)
	}
	others, err := s.closedByOthers(ctx)
	if err != nil {
		return 0, err
	}
	all := append(closed, others...)
	n = len(all)
	again, err := s.undecidedShifts(ctx)
	if err != nil {
		return 0, err
	}
	for _, v := range append(all, again...) {
		if _, err := s.keepShift(ctx, v); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// closedByOthers are shifts that another program closed on a shared register.
func (s *Store) closedByOthers(ctx context.Context) ([]shiftRead, error) {
	type found struct {
		shiftRead
		receipt fiscal.Receipt
	}
	all, err := listOf(ctx, s.r, func(r *sql.Rows, v *found) error {
		var tlv, receipt []byte
		if err := r.Scan(&v.operator, &v.lane, &v.fn, &v.last, &tlv, &receipt); err != nil {
			return err
		}
		if json.Unmarshal(receipt, &v.receipt) == nil {
			v.shift = v.receipt.Shift
			v.counters, v.readAt = reportCounters(v.fn, v.shift, v.last, tlv), s.Now()
		}
		return nil
	}, `SELECT l.operator_id, f.lane_id, f.fn, f.fd, f.tlv, f.receipt FROM foreign_document f JOIN lane l ON l.id = f.lane_id
		WHERE f.kind = 5 AND f.job_id IS NULL AND NOT EXISTS (SELECT 1 FROM ledger_shift s WHERE s.fn = f.fn AND s.last_fd = f.fd AND s.is_open = 0)
		ORDER BY f.fn, f.fd LIMIT ?`, ledgerMost)
	if err != nil {
		return nil, fmt.Errorf("store: shifts closed by others: %w", err)
	}
	var out []shiftRead
	for _, v := range all {
		if v.shift != 0 {
			out = append(out, v.shiftRead)
		}
	}
	return out, nil
}

// undecidedShifts are closed ones that did not agree, of the last days, with
// what was counted then.
func (s *Store) undecidedShifts(ctx context.Context) ([]shiftRead, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, v *shiftRead) error {
		var source string
		var counters []byte
		if err := r.Scan(&v.operator, &v.lane, &v.fn, &v.shift, &v.last, &source, &counters, &v.readAt); err != nil {
			return err
		}
		if source == "" {
			return nil
		}
		v.counters = &kkt.Counters{}
		return json.Unmarshal(counters, v.counters)
	}, `SELECT operator_id, lane_id, fn, shift, last_fd, source, counters, read_at FROM ledger_shift
		WHERE is_open = 0 AND outcome <> 'agree' AND source <> '' AND read_at > ? ORDER BY id DESC LIMIT ?`, s.Now()-30*day.Milliseconds(), ledgerMost)
	if err != nil {
		return nil, fmt.Errorf("store: shifts that do not agree: %w", err)
	}
	return all, nil
}

// reportCounters are the counters in a closing report; nil where it has none.
func reportCounters(fn string, shift, fd uint32, tlv []byte) *kkt.Counters {
	doc, _, err := ffd.ParseDocument(tlv)
	if err != nil {
		return nil
	}
	receipts, corrections, ok := readback.Document{Code: uint16(doc.Code), Body: doc.Body}.Counters()
	if !ok {
		return nil
	}
	return &kkt.Counters{FN: fn, Shift: shift, LastFD: fd, Source: kkt.FromReport, Receipts: receipts, Corrections: corrections}
}
