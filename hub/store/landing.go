package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// A backlog is taken in two steps. First its records land: many of them in one
// row, durable with the marks of their journal, so they may be acknowledged.
// Then Settle, driven by the rows that wait, gives each record its row, its
// fate and its job and takes the landed row away in the same transaction: a
// crash between the two loses nothing and repeats nothing. A lone sale does not
// land: its job is made at once.
const (
	landMin  = 8       // fewer records at once are no backlog
	landRow  = 64      // records of one row: what one settling does, a few ms
	landMost = 1 << 16 // records waiting in all; more are taken in one step, at the pace of that
	landRead = 32      // rows read at once
)

// fits tells whether a batch may land: understood records of one journal, one
// after another.
func fits(batch []Arrival) bool {
	for i := range batch {
		a := &batch[i]
		if a.Code != "" || a.Seq <= 0 || a.Journal == "" || a.Journal != batch[0].Journal || a.Seq != batch[0].Seq+int64(i) {
			return false
		}
	}
	return len(batch) > 0
}

// land stores a batch to be settled later; false: it must be taken in one step.
// A journal with records that wait gets all that follow behind them.
func (in *intake) land(batch []Arrival) (bool, error) {
	if !fits(batch) || in.s.waiting.Load()+int64(len(batch)) > landMost {
		return false, nil
	}
	j, err := in.open(batch[0].Journal)
	if err != nil {
		return false, err
	}
	if j.foreign || batch[0].Seq != j.top+1 || len(batch) < landMin && !j.landed {
		return false, nil
	}
	for from := 0; from < len(batch); from += landRow {
		row := batch[from:min(from+landRow, len(batch))]
		_, err := in.tx.Exec(`INSERT INTO landed(operator_id,agent_id,journal_id,first,last,records) VALUES (?,?,?,?,?,?)`,
			in.operator, in.agent, j.id, row[0].Seq, row[len(row)-1].Seq, appendLanded(nil, row))
		if err != nil {
			return false, fmt.Errorf("land records of journal %s: %w", j.id, err)
		}
	}
	j.top, j.landed = batch[len(batch)-1].Seq, true
	in.taken.Stored += len(batch)
	in.taken.Landed += len(batch)
	return true, nil
}

// appendLanded writes records as: uvarint ms of arrival, uvarint ms of age,
// uvarint bytes, the record byte for byte.
func appendLanded(dst []byte, batch []Arrival) []byte {
	for i := range batch {
		a := &batch[i]
		dst = binary.AppendUvarint(dst, uint64(a.Received))
		dst = binary.AppendUvarint(dst, uint64(max(a.Age, 0).Milliseconds()))
		dst = binary.AppendUvarint(dst, uint64(len(a.Body)))
		dst = append(dst, a.Body...)
	}
	return dst
}

var errLanded = errors.New("landed records are damaged")

// parseLanded reads what appendLanded wrote; the bodies are parts of b.
func parseLanded(b []byte) ([]Arrival, error) {
	var all []Arrival
	for at := 0; at < len(b); {
		var v [3]uint64
		for k := range v {
			x, n := binary.Uvarint(b[at:])
			if n <= 0 || x > 1<<62/uint64(time.Millisecond) {
				return nil, fmt.Errorf("%w at byte %d", errLanded, at)
			}
			v[k], at = x, at+n
		}
		if v[2] > uint64(len(b)-at) {
			return nil, fmt.Errorf("%w at byte %d", errLanded, at)
		}
		a := Arrival{Received: int64(v[0]), Age: time.Duration(v[1]) * time.Millisecond, Body: b[at : at+int(v[2])]}
		at += int(v[2])
		if err := json.Unmarshal(a.Body, &a.Record); err != nil {
			return nil, fmt.Errorf("%w: %w", errLanded, err)
		}
		a.Journal, a.Seq = a.Record.Journal, a.Record.Seq
		all = append(all, a)
	}
	return all, nil
}

// landedRow is one row that waits.
type landedRow struct {
	id                       int64
	operator, agent, journal string
	first, last              int64
	records                  []byte

	all []Arrival
	err error
}

const landedColumns = `SELECT id, operator_id, agent_id, journal_id, first, last, records FROM landed `

func scanLanded(r *sql.Rows, l *landedRow) error {
	return r.Scan(&l.id, &l.operator, &l.agent, &l.journal, &l.first, &l.last, &l.records)
}

func (l *landedRow) parse() {
	l.all, l.err = parseLanded(l.records)
	if l.err == nil && (!fits(l.all) || l.all[0].Seq != l.first || l.all[len(l.all)-1].Seq != l.last || l.all[0].Journal != l.journal) {
		l.err = errLanded
	}
	if l.err != nil {
		l.err = fmt.Errorf("records %d..%d of journal %s: %w", l.first, l.last, l.journal, l.err)
	}
}

// Settle does the second step for the rows that have waited longest. done is
// called after each commit with what its agent is to be told. more says that
// there may be others waiting.
func (s *Store) Settle(ctx context.Context, done func(Taken)) (more bool, err error) {
	of := ""
	if s.db.shared() { // those of agents of other hubs are settled there, who can tell them
		of = `WHERE NOT EXISTS (SELECT 1 FROM agent_state a WHERE a.operator_id=landed.operator_id AND a.agent_id=landed.agent_id
			AND a.online=1 AND NOT (TRUE` + s.here() + `)) `
	}
	rows, err := listOf(ctx, s.r, scanLanded, landedColumns+of+`ORDER BY id LIMIT ?`, landRead)
	if err != nil {
		return false, fmt.Errorf("store: read landed records: %w", err)
	}
	parsed := make(chan *landedRow, len(rows)) // beside the writer, which is the narrow place
	go func() {
		for i := range rows {
			rows[i].parse()
			parsed <- &rows[i]
		}
	}()
	taken, waits := make([]Taken, len(rows)), make([]func() error, len(rows))
	for i := range rows {
		l := <-parsed
		waits[i] = s.begin(ctx, true, func(tx *sql.Tx) (err error) {
			taken[i], err = s.settleIn(tx, l)
			return err
		})
	}
	for i, wait := range waits {
		if failed := wait(); failed != nil {
			err = errors.Join(err, fmt.Errorf("store: settle landed records of %s/%s: %w", rows[i].operator, rows[i].agent, failed))
			continue
		}
		s.waiting.Add(-int64(taken[i].Settled))
		done(taken[i])
	}
	if err != nil {
		return false, err
	}
	if s.db.shared() { // other hubs take in and settle too
		if err := s.countWaiting(ctx); err != nil {
			return false, fmt.Errorf("store: count landed records: %w", err)
		}
	}
	return len(rows) == landRead, nil
}

func (s *Store) settleIn(tx *sql.Tx, l *landedRow) (Taken, error) {
	in := s.intakeOf(tx, l.operator, l.agent)
	j, err := in.open(l.journal)
	if err == nil {
		err = in.settleRow(j, l)
	}
	fault.Point("ingest.afterSettle")
	if err == nil {
		err = in.tally.add(tx, in.operator)
	}
	in.taken.Operator, in.taken.Agent = in.operator, in.agent
	return in.taken, err
}

// settleRow does the second step for one row, if it still waits and nothing of
// its journal waits before it.
func (in *intake) settleRow(j *journal, l *landedRow) error {
	res, err := in.exec(`DELETE FROM landed WHERE id=?1 AND id=(SELECT min(id) FROM landed WHERE operator_id=?2 AND agent_id=?3 AND journal_id=?4)`,
		l.id, in.operator, in.agent, j.id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if l.err != nil { // nothing of it may be lost: a person will look
		in.taken.Settled += int(l.last - l.first + 1)
		return in.keep(&Arrival{Raw: l.records, Received: in.now}, wire.RefusedFormat, l.err.Error())
	}
	for i := range l.all {
		if err := in.store(j, &l.all[i]); err != nil {
			return fmt.Errorf("record %d of journal %s: %w", l.all[i].Seq, j.id, err)
		}
	}
	in.taken.Settled += len(l.all)
	return nil
}

// settleAll does the second step for a whole journal, before something that
// can't wait behind it.
func (in *intake) settleAll(j *journal) error {
	rows, err := list(in.tx, scanLanded, landedColumns+`WHERE operator_id=? AND agent_id=? AND journal_id=? ORDER BY id`, in.operator, in.agent, j.id)
	if err != nil {
		return fmt.Errorf("landed records of journal %s: %w", j.id, err)
	}
	for i := range rows {
		rows[i].parse()
		if err := in.settleRow(j, &rows[i]); err != nil {
			return err
		}
	}
	j.landed = false
	return nil
}
