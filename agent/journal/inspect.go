package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/module"
)

// Row is a record as people see it.
type Row struct {
	Journal string        `json:"journal"`
	Seq     int64         `json:"seq"`
	Settled int64         `json:"settled_ms,omitempty"` // Unix ms of the hub's word; 0 undelivered
	Refused string        `json:"refused,omitempty"`
	Record  []byte        `json:"-"`
	Receipt *wire.Receipt `json:"receipt,omitempty"`
	Shown   *wire.Shown   `json:"shown,omitempty"`
}

// Inspect reads the journal of a data folder beside a running agent, newest
// records first, and calls fn for each until it returns false. id "" means
// every journal in the file; seq 0 every record.
func Inspect(dir, id string, seq int64, fn func(Row) bool) error {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %s: %w", path, err)
	}
	db, err := connect(path, "ro")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT e.id, r.seq, r.settled_at, r.refused, r.body, t.body, s.result, s.after_ms
		FROM record r JOIN epoch e ON e.n = r.epoch
		LEFT JOIN receipt t ON t.epoch = r.epoch AND t.seq = r.seq
		LEFT JOIN shown s ON s.epoch = r.epoch AND s.seq = r.seq
		WHERE (? = '' OR e.id = ?) AND (? = 0 OR r.seq = ?) ORDER BY r.epoch DESC, r.seq DESC`, id, id, seq, seq)
	if err != nil {
		return explain("read "+path, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r Row
		var receipt []byte
		var result sql.NullString
		var after sql.NullInt64
		if err := rows.Scan(&r.Journal, &r.Seq, &r.Settled, &r.Refused, &r.Record, &receipt, &result, &after); err != nil {
			return explain("read "+path, err)
		}
		if receipt != nil {
			r.Receipt = new(wire.Receipt)
			if err := json.Unmarshal(receipt, r.Receipt); err != nil {
				return fmt.Errorf("journal: receipt of record %d: %w", r.Seq, err)
			}
		}
		if result.Valid {
			r.Shown = &wire.Shown{Journal: r.Journal, Seq: r.Seq, AfterMS: after.Int64, Result: result.String}
		}
		if !fn(r) {
			return nil
		}
	}
	return explain("read "+path, rows.Err())
}

// Heard reads how far into its source the agent of a data folder has listened,
// beside a running agent: what of it is durable. Zero before the first words.
func Heard(dir string) (module.Cursor, error) {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); err != nil {
		return module.Cursor{}, fmt.Errorf("journal: %s: %w", path, err)
	}
	db, err := connect(path, "ro")
	if err != nil {
		return module.Cursor{}, err
	}
	defer func() { _ = db.Close() }()
	var boot, seq int64
	err = db.QueryRow("SELECT boot, seq FROM mark").Scan(&boot, &seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return module.Cursor{}, explain("read the mark of "+path, err)
	}
	return module.Cursor{Boot: uint64(boot), Seq: uint64(seq)}, nil
}
