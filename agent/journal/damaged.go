package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// setAside renames a damaged file and makes a new one. Undelivered records
// that can still be read come along under their old journal and number: the
// hub takes each at most once, so sending them again can't double a sale.
func (j *Journal) setAside(damage error) error {
	aside := j.path + ".damaged-" + j.clock.Now().Wall.Format("20060102T150405")
	for n := 1; ; n++ { // a clock that is not set may give the same name twice
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.%d", aside, n)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(j.path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("journal: set the damaged file aside: %w", err)
		}
	}
	db, err := connect(j.path, "rwc")
	if err != nil {
		return err
	}
	j.db = db
	if err := check(db); err != nil {
		_ = db.Close()
		return err
	}
	saved, lost := salvage(aside)
	err = j.write(true, func(tx *sql.Tx) error {
		if _, err := tx.Exec(schema); err != nil {
			return err
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		if err := j.takeIn(tx, saved); err != nil {
			return err
		}
		detail := fmt.Sprintf("set aside as %s; undelivered records saved: %d", aside, len(saved))
		if lost != nil {
			detail += "; reading stopped at: " + lost.Error()
		}
		return j.beginWith(tx, WhyCorrupt, detail+"; damage: "+damage.Error())
	})
	if err != nil {
		_ = db.Close()
		return explain("make a new file beside the damaged one", err)
	}
	j.made = WhyCorrupt
	return nil
}

type savedRow struct {
	journal, kind, boot string
	seq, wall, mono     int64
	synced              bool
	body                []byte
}

// salvage reads what it can of a damaged file. err says where it stopped.
func salvage(path string) (rows []savedRow, err error) {
	db, err := connect(path, "rw")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	// An index may be what is damaged: the unary plus keeps the partial ones out.
	r, err := db.Query(`SELECT epoch.id, seq, kind, wall, synced, boot, mono, body
		FROM record NOT INDEXED JOIN epoch NOT INDEXED ON epoch.n = record.epoch WHERE +settled_at = 0`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	for r.Next() {
		var s savedRow
		if err := r.Scan(&s.journal, &s.seq, &s.kind, &s.wall, &s.synced, &s.boot, &s.mono, &s.body); err != nil {
			return rows, err
		}
		rows = append(rows, s)
	}
	return rows, r.Err()
}

func (j *Journal) takeIn(tx *sql.Tx, rows []savedRow) error {
	for _, s := range rows {
		_, err := tx.Exec(`INSERT INTO epoch(id, made_at, why) SELECT ?, 0, ?
			WHERE NOT EXISTS (SELECT 1 FROM epoch WHERE id = ?)`, s.journal, WhyCorrupt, s.journal)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO record(epoch, seq, kind, wall, synced, boot, mono, bus_us, body)
			SELECT n, ?, ?, ?, ?, ?, ?, 0, ? FROM epoch WHERE id = ? ON CONFLICT DO NOTHING`,
			s.seq, s.kind, s.wall, s.synced, s.boot, s.mono, s.body, s.journal)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE epoch SET head = max(head, ?) WHERE id = ?", s.seq, s.journal); err != nil {
			return err
		}
	}
	return nil
}

// Fresh tells why the newest journal was made when the file was opened; ""
// when it was there already.
func (j *Journal) Fresh() string { return j.made }
