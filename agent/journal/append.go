package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/mdb/module"
)

// Entry is a record to be written; V, Journal and Seq of Record are set by
// Append.
type Entry struct {
	Record wire.Record
	// OfBus, when not nil, is the bus time of the earlier sale this record
	// speaks of; Append finds its number. When no such sale is among the
	// newest, the record is written as an incident that carries what it said.
	OfBus *int64
}

// Mark is where listening stands after the words that caused the entries.
type Mark struct {
	Checkpoint []byte
	Cursor     module.Cursor
	Heard      time.Time // everything up to here was heard; zero: never
}

// Stored names a written record.
type Stored struct {
	Journal string
	Seq     int64
	Record  wire.Record
}

// Append writes entries and the mark (nil leaves it) in one transaction and
// returns when they are on the disk. On an error nothing was written.
func (j *Journal) Append(entries []Entry, m *Mark) ([]Stored, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Stored
	fault.Point("journal.beforeAppend")
	err := j.write(true, func(tx *sql.Tx) (err error) {
		if out, err = j.add(tx, entries); err != nil || m == nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO mark(one, checkpoint, boot, seq, heard_at) VALUES (1, ?, ?, ?, ?)
			ON CONFLICT(one) DO UPDATE SET checkpoint = excluded.checkpoint, boot = excluded.boot,
			seq = excluded.seq, heard_at = excluded.heard_at`,
			nonNil(m.Checkpoint), int64(m.Cursor.Boot), int64(m.Cursor.Seq), unixMilli(m.Heard))
		if err == nil {
			fault.Point("journal.beforeCommit")
		}
		return err
	})
	if err != nil {
		return nil, explain(fmt.Sprintf("append %d records", len(entries)), err)
	}
	fault.Point("journal.afterAppend")
	return out, nil
}

func (j *Journal) add(tx *sql.Tx, entries []Entry) ([]Stored, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	out := make([]Stored, 0, len(entries))
	for _, e := range entries {
		r := e.Record
		if e.OfBus != nil {
			of, err := j.saleAt(tx, *e.OfBus)
			if err != nil {
				return nil, err
			}
			if r.Of = of; of == 0 {
				r = orphan(r)
			}
		}
		j.head++
		r.V, r.Journal, r.Seq = wire.Version, j.id, j.head
		body, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("write record as JSON: %w", err)
		}
		var bus int64
		if r.Sale != nil {
			bus = r.Sale.BusUS
		}
		_, err = tx.Exec(`INSERT INTO record(epoch, seq, kind, wall, synced, boot, mono, bus_us, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			j.epoch, r.Seq, string(r.Kind), r.Wall.UnixMilli(), r.Synced, r.Boot, r.MonoMS, bus, body)
		if err != nil {
			return nil, err
		}
		out = append(out, Stored{Journal: j.id, Seq: r.Seq, Record: r})
	}
	_, err := tx.Exec("UPDATE epoch SET head = ? WHERE n = ?", j.head, j.epoch)
	return out, err
}

// lookBack is how many records a reversal is looked for in: it comes within
// the same session of the reader.
const lookBack = 256

func (j *Journal) saleAt(tx *sql.Tx, bus int64) (seq int64, err error) {
	err = tx.QueryRow(`SELECT seq FROM record WHERE epoch = ? AND seq > ? AND kind = 'sale' AND bus_us = ?
		ORDER BY seq DESC LIMIT 1`, j.epoch, j.head-lookBack, bus).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// orphan keeps what was said of a sale this journal does not hold.
func orphan(r wire.Record) wire.Record {
	r.Incident = &wire.Incident{Code: "sale_not_found", Detail: string(r.Kind) + " of a sale this journal does not hold", Sale: r.Sale}
	r.Kind, r.Sale, r.Of = wire.KindIncident, nil, 0
	return r
}

// Mark returns where listening stood; ok is false when it never began.
func (j *Journal) Mark() (m Mark, ok bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var boot, seq, heard int64
	err = j.db.QueryRow("SELECT checkpoint, boot, seq, heard_at FROM mark").Scan(&m.Checkpoint, &boot, &seq, &heard)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	m.Cursor = module.Cursor{Boot: uint64(boot), Seq: uint64(seq)}
	if heard != 0 {
		m.Heard = time.UnixMilli(heard).UTC()
	}
	return m, err == nil, explain("read the mark", err)
}

// Begin starts a new journal in the file and returns its id. The old one
// drains: its records are sent until the hub has spoken on each. An incident
// with why as its code is the first record, unless why is WhyNew.
func (j *Journal) Begin(why, detail string) (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(true, func(tx *sql.Tx) error { return j.beginWith(tx, why, detail) })
	return j.id, explain("begin a new journal", err)
}

func (j *Journal) beginWith(tx *sql.Tx, why, detail string) error {
	if err := j.begin(tx, why); err != nil || why == WhyNew {
		return err
	}
	now := j.clock.Now()
	_, err := j.add(tx, []Entry{{Record: wire.Record{
		Kind: wire.KindIncident, Wall: now.Wall.Truncate(time.Millisecond), Synced: now.Synced, Boot: now.Boot, MonoMS: now.MonoMS,
		Incident: &wire.Incident{Code: why, Detail: detail},
	}}})
	return err
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
