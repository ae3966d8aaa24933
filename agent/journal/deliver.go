package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// Key names a record in this file.
type Key struct {
	Epoch int64 // of the file: grows, older epochs drain first
	Seq   int64
}

// Outgoing is a record the hub has not spoken on yet.
type Outgoing struct {
	Key
	At   clock.Reading // when it happened
	Body []byte        // wire.Record
}

// Heads is how the newest journal stands.
type Heads struct {
	Epoch   int64
	Journal string
	Head    int64 // last seq written; 0 none
	Oldest  int64 // oldest seq kept; 0 none
	Unacked int64 // of all journals in the file
}

// Heads of the newest journal.
func (j *Journal) Heads() (h Heads, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	h = Heads{Epoch: j.epoch, Journal: j.id, Head: j.head}
	err = j.db.QueryRow(`SELECT coalesce((SELECT min(seq) FROM record WHERE epoch = ?), 0),
		(SELECT count(*) FROM record WHERE settled_at = 0)`, j.epoch).Scan(&h.Oldest, &h.Unacked)
	return h, explain("read the heads", err)
}

// EpochOf a journal's id; 0 when this file does not hold it.
func (j *Journal) EpochOf(id string) (n, head int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.db.QueryRow("SELECT n, head FROM epoch WHERE id = ?", id).Scan(&n, &head)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return n, head, explain("find journal "+id, err)
}

// Open lists undelivered records, oldest first, at most limit.
func (j *Journal) Open(limit int) ([]Key, error) {
	return j.keys("SELECT epoch, seq FROM record WHERE settled_at = 0 ORDER BY epoch, seq LIMIT ?", limit)
}

// Newest lists undelivered records, newest first, at most limit.
func (j *Journal) Newest(limit int) ([]Key, error) {
	return j.keys("SELECT epoch, seq FROM record WHERE settled_at = 0 ORDER BY epoch DESC, seq DESC LIMIT ?", limit)
}

func (j *Journal) keys(query string, args ...any) (out []Key, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	rows, err := j.db.Query(query, args...)
	if err != nil {
		return nil, explain("list undelivered records", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Epoch, &k.Seq); err != nil {
			return nil, explain("list undelivered records", err)
		}
		out = append(out, k)
	}
	return out, explain("list undelivered records", rows.Err())
}

// Outgoing reads a record for sending.
func (j *Journal) Outgoing(k Key) (o Outgoing, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var wall int64
	o.Key = k
	err = j.db.QueryRow("SELECT wall, synced, boot, mono, body FROM record WHERE epoch = ? AND seq = ?", k.Epoch, k.Seq).
		Scan(&wall, &o.At.Synced, &o.At.Boot, &o.At.MonoMS, &o.Body)
	o.At.Wall = time.UnixMilli(wall).UTC()
	return o, explain(fmt.Sprintf("read record %d", k.Seq), err)
}

// Settlement is the hub's word on records that were sent to it.
type Settlement struct {
	Epoch   int64
	Stored  []int64        // durable there
	Refused []wire.Refusal // in quarantine there
	// Lost are ranges the hub does not have though this file thought so: a
	// hub restored from a backup. They are delivered again if still kept.
	Lost []wire.Range
}

// Settle notes the hub's word. It is not synced: what a power cut takes back
// is only sent once more.
func (j *Journal) Settle(s Settlement) error {
	fault.Point("journal.beforeSettle")
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.clock.Now().Wall.UnixMilli()
	err := j.write(false, func(tx *sql.Tx) error {
		for _, r := range s.Lost {
			if _, err := tx.Exec(`UPDATE record SET settled_at = 0 WHERE epoch = ? AND seq BETWEEN ? AND ?
				AND settled_at != 0 AND refused = ''`, s.Epoch, r[0], r[1]); err != nil {
				return err
			}
		}
		for _, seq := range s.Stored {
			if _, err := tx.Exec("UPDATE record SET settled_at = ? WHERE epoch = ? AND seq = ? AND settled_at = 0",
				now, s.Epoch, seq); err != nil {
				return err
			}
		}
		for _, r := range s.Refused {
			if _, err := tx.Exec("UPDATE record SET settled_at = ?, refused = ? WHERE epoch = ? AND seq = ? AND settled_at = 0",
				now, r.Code, s.Epoch, r.Seq); err != nil {
				return err
			}
		}
		return nil
	})
	return explain("note what the hub has", err)
}

// Retention of delivered records.
const Retention = 30 * 24 * time.Hour

// Prune deletes records settled more than Retention before now, with what was
// told and shown of them, at most a thousand at once. The caller asks only
// when the clock is set. Undelivered records stay for ever.
func (j *Journal) Prune(now time.Time) (deleted int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := now.Add(-Retention).UnixMilli()
	err = j.write(false, func(tx *sql.Tx) error {
		r, err := tx.Exec(`DELETE FROM record WHERE (epoch, seq) IN (SELECT epoch, seq FROM record
			WHERE settled_at != 0 AND settled_at < ? LIMIT 1000)`, before)
		if err != nil {
			return err
		}
		if deleted, err = r.RowsAffected(); err != nil || deleted == 0 {
			return err
		}
		for _, table := range []string{"receipt", "shown"} {
			if _, err := tx.Exec("DELETE FROM "+table+` WHERE at < ? AND NOT EXISTS
				(SELECT 1 FROM record WHERE record.epoch = `+table+`.epoch AND record.seq = `+table+`.seq)`, before); err != nil {
				return err
			}
		}
		return nil
	})
	return deleted, explain("delete old records", err)
}
