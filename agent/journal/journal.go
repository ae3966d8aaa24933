// Package journal is the agent's durable log: records numbered 1, 2, 3…
// without gaps, in one SQLite file, each synced to the disk before anybody
// hears of it. Recovery's checkpoint and the source's cursor are committed in
// the same transaction as the records they caused, so a restart neither
// repeats nor forgets.
//
// Promise: a record leaves the file only when the hub has said that it is
// durable there (or refused it into quarantine), and then not for 30 days.
//
// One file may hold several journals ("epochs"): the newest is written, older
// ones only drain. A new one begins when the hub knows more of a journal than
// this file does (the file was restored from a backup or cloned), when a
// number met other content at the hub, and when the agent was mounted in
// another machine.
package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"github.com/chekomat/chekomat/agent/clock"
)

// File is the journal's name in the agent's data folder.
const File = "journal.db"

// schemaVersion of the file; a newer one is not touched.
const schemaVersion = 1

// Facts a caller decides on.
var (
	ErrFull    = errors.New("no room on the disk")
	ErrDisk    = errors.New("the disk can't be written") // gone read-only, or failing
	ErrCorrupt = errors.New("the journal file is damaged")
	ErrLocked  = errors.New("another agent uses this data folder")
	ErrNewer   = errors.New("the journal was written by a newer agent")
)

// Unwritable says that records can't be written now, and may be later.
func Unwritable(err error) bool { return errors.Is(err, ErrFull) || errors.Is(err, ErrDisk) }

//go:embed schema.sql
var schema string

// Journal is an open file. Its methods may be called from any goroutine.
type Journal struct {
	path  string
	clock clock.Clock
	newID func() string
	lock  *os.File
	mu    sync.Mutex // one writer; guards db and the fields below
	db    *sql.DB
	epoch int64
	id    string
	head  int64
	made  string // why the newest epoch was made by this Open; "" it was there
}

// Open opens or makes the journal of a data folder and holds it against a
// second agent. A damaged file is set aside under a new name, what can still
// be read of it drains from the new one, and Fresh tells.
func Open(dir string, c clock.Clock) (*Journal, error) { return OpenWith(dir, c, newID) }

// OpenWith is Open with ids of journals from newID, which must never repeat:
// a simulation draws them from its seed.
func OpenWith(dir string, c clock.Clock, newID func() string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("journal: make data folder: %w", err)
	}
	lock, err := hold(filepath.Join(dir, "journal.lock"))
	if err != nil {
		return nil, fmt.Errorf("journal: hold %s: %w", dir, err)
	}
	j := &Journal{path: filepath.Join(dir, File), clock: c, newID: newID, lock: lock}
	if err := j.open(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return j, nil
}

func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return f, nil
}

func (j *Journal) open() error {
	_, statErr := os.Stat(j.path)
	db, err := connect(j.path, "rwc")
	if err == nil {
		err = check(db)
	}
	if err == nil {
		j.db = db
		err = j.load(!errors.Is(statErr, fs.ErrNotExist))
	}
	if !errors.Is(err, ErrCorrupt) {
		if err != nil && db != nil {
			_ = db.Close()
		}
		return err
	}
	_ = db.Close()
	return j.setAside(err)
}

// load makes the schema where there is none and finds the newest epoch.
func (j *Journal) load(existed bool) error {
	var version int
	if err := j.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return explain("read the schema's version", err)
	}
	switch {
	case version > schemaVersion:
		return fmt.Errorf("journal: %s has schema %d, this agent knows %d: %w", j.path, version, schemaVersion, ErrNewer)
	case version == 0:
		if existed {
			// A file without a schema is one whose making was cut short, or not ours.
			var tables int
			if err := j.db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil || tables > 0 {
				return fmt.Errorf("journal: %s holds no journal: %w", j.path, ErrCorrupt)
			}
		}
		return j.create(WhyNew)
	}
	err := j.db.QueryRow("SELECT n, id, head FROM epoch ORDER BY n DESC LIMIT 1").Scan(&j.epoch, &j.id, &j.head)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("journal: %s has no epoch: %w", j.path, ErrCorrupt)
	}
	if err != nil {
		return explain("find the newest journal", err)
	}
	var newest int64
	if err := j.db.QueryRow("SELECT coalesce(max(seq), 0) FROM record WHERE epoch = ?", j.epoch).Scan(&newest); err != nil {
		return explain("find the newest record", err)
	}
	if newest > j.head {
		return fmt.Errorf("journal: record %d is beyond head %d: %w", newest, j.head, ErrCorrupt)
	}
	return nil
}

func (j *Journal) create(why string) error {
	err := j.write(true, func(tx *sql.Tx) error {
		if _, err := tx.Exec(schema); err != nil {
			return err
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		return j.begin(tx, why)
	})
	if err != nil {
		return explain("make "+j.path, err)
	}
	j.made = why
	return syncDir(filepath.Dir(j.path))
}

// Why a journal was begun; also the codes of the incidents that tell of it.
const (
	WhyNew            = "new"
	WhyCorrupt        = "journal_corrupt"  // the old file was damaged and set aside
	WhyRestored       = "journal_restored" // the hub has records this file never held: a backup or a clone
	WhyConflict       = "journal_conflict" // a number came back from the hub as known with other content
	WhyMachineChanged = "machine_changed"  // the agent was mounted in another machine
	WhyAgentChanged   = "agent_changed"    // the file was written under another name: a card moved or copied
	WhyAsked          = "journal_asked"    // a person asked for it
)

// begin makes a new epoch and turns to it. The caller commits.
func (j *Journal) begin(tx *sql.Tx, why string) error {
	id := j.newID()
	r, err := tx.Exec("INSERT INTO epoch(id, made_at, why) VALUES (?, ?, ?)", id, j.clock.Now().Wall.UnixMilli(), why)
	if err != nil {
		return err
	}
	n, err := r.LastInsertId()
	if err != nil {
		return err
	}
	j.epoch, j.id, j.head = n, id, 0
	return nil
}

// Close closes the file and lets another agent have it.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.db.Close(), j.lock.Close())
}

// connect opens the file on one connection with a small cache: the agent's
// budget is 20 MB for everything.
func connect(path, mode string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	q := url.Values{"mode": {mode}, "_busy_timeout": {"5000"}, "_cache_size": {"-256"}, "_txlock": {"immediate"}}
	if mode != "ro" {
		q.Set("_journal_mode", "WAL")
		q.Set("_synchronous", "FULL")
	}
	u.RawQuery = q.Encode()
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, fmt.Errorf("journal: open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	return db, nil
}

func check(db *sql.DB) error {
	var verdict string
	if err := db.QueryRow("PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return explain("check the file", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("journal: check the file: %s: %w", verdict, ErrCorrupt)
	}
	_, err := db.Exec("PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 1048576")
	if err != nil {
		return explain("set up the file", err)
	}
	return makeDurable(db)
}

// makeDurable syncs what the file shows. A program killed between a write
// and its sync leaves a transaction that is read like any other and that a cut
// of power takes away again: a record told to the hub by then, or words the
// module was told to forget, would be gone. A full disk does not hinder it: the
// log is synced before anything is copied out of it.
func makeDurable(db *sql.DB) error {
	var busy, pages, moved int
	err := db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errors.New("another program reads it")
	}
	if err = explain("sync what the file shows", err); errors.Is(err, ErrFull) {
		return nil
	}
	return err
}

// write runs fn in one transaction: durable (synced before it returns) for
// what nobody else holds, lazy for what the hub would tell again. The caller
// holds mu or is Open. When it fails, epoch, id and head are as before.
func (j *Journal) write(durable bool, fn func(*sql.Tx) error) error {
	ctx := context.Background()
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	level := "PRAGMA synchronous = FULL"
	if !durable {
		level = "PRAGMA synchronous = NORMAL"
	}
	if _, err := conn.ExecContext(ctx, level); err != nil {
		return err
	}
	epoch, id, head := j.epoch, j.id, j.head
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = fn(tx); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		_ = tx.Rollback() // after a failed commit SQLite may still hold the transaction open
		j.epoch, j.id, j.head = epoch, id, head
	}
	return err
}

// explain names what failed and sorts out the facts a caller decides on.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	var se sqlite3.Error
	if errors.As(err, &se) {
		switch {
		case se.Code == sqlite3.ErrFull, se.SystemErrno == unix.ENOSPC, se.SystemErrno == unix.EDQUOT:
			return fmt.Errorf("journal: %s: %w: %w", what, ErrFull, err)
		case se.Code == sqlite3.ErrReadonly, se.Code == sqlite3.ErrIoErr, se.SystemErrno == unix.EROFS:
			return fmt.Errorf("journal: %s: %w: %w", what, ErrDisk, err)
		case se.Code == sqlite3.ErrCorrupt, se.Code == sqlite3.ErrNotADB:
			return fmt.Errorf("journal: %s: %w: %w", what, ErrCorrupt, err)
		}
	}
	return fmt.Errorf("journal: %s: %w", what, err)
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("journal: sync %s: %w", dir, err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("journal: sync %s: %w", dir, err)
	}
	return nil
}
