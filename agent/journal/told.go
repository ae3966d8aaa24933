package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
)

// Told keeps the hub's newest word on a sale. A final word (done, none) is not
// taken back by a later "pending". ok tells whether this file holds the record,
// also when the word could not be kept.
func (j *Journal) Told(r wire.Receipt) (ok bool, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("journal: write receipt as JSON: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.write(false, func(tx *sql.Tx) error {
		var epoch int64
		var fiscal string
		err := tx.QueryRow(`SELECT epoch, fiscal FROM record JOIN epoch ON epoch.n = record.epoch
			WHERE epoch.id = ? AND seq = ?`, r.Journal, r.Seq).Scan(&epoch, &fiscal)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		if final(fiscal) && !final(r.State) {
			return nil
		}
		if _, err := tx.Exec("UPDATE record SET fiscal = ? WHERE epoch = ? AND seq = ?", r.State, epoch, r.Seq); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO receipt(epoch, seq, body, at) VALUES (?, ?, ?, ?)
			ON CONFLICT(epoch, seq) DO UPDATE SET body = excluded.body, at = excluded.at`,
			epoch, r.Seq, body, j.clock.Now().Wall.UnixMilli())
		return err
	})
	return ok, explain("keep a receipt", err)
}

func final(state string) bool { return state == wire.FiscalDone || state == wire.FiscalNone }

// Waiting lists sales of the newest journal that have no final word yet,
// newest last, at most limit of the newest.
func (j *Journal) Waiting(limit int) (seqs []int64, err error) {
	keys, err := j.keys(`SELECT epoch, seq FROM (SELECT epoch, seq FROM record WHERE epoch = (SELECT max(n) FROM epoch)
		AND kind = 'sale' AND fiscal NOT IN ('done', 'none') ORDER BY seq DESC LIMIT ?) ORDER BY seq`, limit)
	for _, k := range keys {
		seqs = append(seqs, k.Seq)
	}
	return seqs, err
}

// LastSale is the newest sale in the file, and what the hub told of it.
type LastSale struct {
	Record  wire.Record
	At      clock.Reading
	Receipt *wire.Receipt
	Shown   bool // its receipt's fate on the panel is settled
}

// LastSale finds the newest sale; ok is false when there is none.
func (j *Journal) LastSale() (s LastSale, ok bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var body, receipt []byte
	err = j.db.QueryRow(`SELECT r.body, t.body, EXISTS (SELECT 1 FROM shown s WHERE s.epoch = r.epoch AND s.seq = r.seq)
		FROM record r LEFT JOIN receipt t ON t.epoch = r.epoch AND t.seq = r.seq
		WHERE r.kind = 'sale' ORDER BY r.epoch DESC, r.seq DESC LIMIT 1`).Scan(&body, &receipt, &s.Shown)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, explain("find the newest sale", err)
	}
	if err := json.Unmarshal(body, &s.Record); err != nil {
		return s, false, fmt.Errorf("journal: read the newest sale: %w", err)
	}
	s.At = clock.Reading{Wall: s.Record.Wall, Synced: s.Record.Synced, Boot: s.Record.Boot, MonoMS: s.Record.MonoMS}
	if receipt != nil {
		s.Receipt = new(wire.Receipt)
		if err := json.Unmarshal(receipt, s.Receipt); err != nil {
			return s, false, fmt.Errorf("journal: read the newest sale's receipt: %w", err)
		}
	}
	return s, true, nil
}

// Shown keeps what became of a receipt on the panel; the first word stands.
func (j *Journal) Shown(s wire.Shown) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(false, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO shown(epoch, seq, result, after_ms, at) SELECT n, ?, ?, ?, ? FROM epoch WHERE id = ?
			ON CONFLICT(epoch, seq) DO NOTHING`, s.Seq, s.Result, s.AfterMS, j.clock.Now().Wall.UnixMilli(), s.Journal)
		return err
	})
	return explain("keep what was shown", err)
}

// Untold lists shown results no State has carried yet, at most limit.
func (j *Journal) Untold(limit int) (out []wire.Shown, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	rows, err := j.db.Query(`SELECT epoch.id, seq, after_ms, result FROM shown JOIN epoch ON epoch.n = shown.epoch
		WHERE told = 0 ORDER BY shown.epoch, seq LIMIT ?`, limit)
	if err != nil {
		return nil, explain("list what was shown", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s wire.Shown
		if err := rows.Scan(&s.Journal, &s.Seq, &s.AfterMS, &s.Result); err != nil {
			return nil, explain("list what was shown", err)
		}
		out = append(out, s)
	}
	return out, explain("list what was shown", rows.Err())
}

// TellDone notes that a State carried these results.
func (j *Journal) TellDone(told []wire.Shown) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(false, func(tx *sql.Tx) error {
		for _, s := range told {
			if _, err := tx.Exec("UPDATE shown SET told = 1 WHERE seq = ? AND epoch = (SELECT n FROM epoch WHERE id = ?)",
				s.Seq, s.Journal); err != nil {
				return err
			}
		}
		return nil
	})
	return explain("note what was told", err)
}

// Keep stores a small named value, synced to the disk.
func (j *Journal) Keep(name string, body []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(true, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO kept(name, body) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET body = excluded.body",
			name, nonNil(body))
		return err
	})
	return explain("keep "+name, err)
}

// Kept reads a named value; nil when there is none.
func (j *Journal) Kept(name string) (body []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.db.QueryRow("SELECT body FROM kept WHERE name = ?", name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return body, explain("read "+name, err)
}

// LearnBoot keeps when this boot began by a clock that is set, so that what
// was dated before the clock was set can be dated right after a restart.
func (j *Journal) LearnBoot(now clock.Reading) error {
	if !now.Synced {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.write(false, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO boot(id, offset) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET offset = excluded.offset",
			now.Boot, now.Offset())
		return err
	})
	return explain("learn the boot's time", err)
}

// BootOffset returns the wall time in Unix ms at the start of a boot; 0 when
// its clock was never seen set.
func (j *Journal) BootOffset(boot string) (offset int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.db.QueryRow("SELECT offset FROM boot WHERE id = ?", boot).Scan(&offset)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return offset, explain("read the boot's time", err)
}
