// Package store keeps what the hub knows: one schema, SQLite by default. It
// owns transactions; ingest, till and api each see the part of it they need
// through their own small interfaces.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // driver "sqlite3"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers is how many reads run beside the writer.
const readers = 8

// Store is the hub's database. All writes go through one connection in groups
// (see Write); reads run beside them on a pool.
type Store struct {
	w, r    *sql.DB
	conn    *sql.Conn // the writer's
	path    string
	now     func() time.Time
	changed signal

	writes           chan *write
	closing, stopped chan struct{}
	waiting          atomic.Int64 // records that have landed, about
	facts            *facts       // as read last; the writer's own
	once             sync.Once
}

// ErrNotFound says that no row has the id asked for.
var ErrNotFound = errors.New("not found")

// Open opens or makes the database at path and brings its schema up to date.
// now is the hub's clock.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	w, err := sql.Open("sqlite3", dsn(path, "immediate"))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	if err := migrate(ctx, w); err != nil {
		return nil, errors.Join(fmt.Errorf("store: bring the schema of %s up to date: %w", path, err), w.Close())
	}
	conn, err := w.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), w.Close())
	}
	if _, err := conn.ExecContext(ctx, tuning); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), conn.Close(), w.Close())
	}
	r, err := sql.Open("sqlite3", dsn(path, "deferred"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s for reading: %w", path, err), w.Close())
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	s := &Store{w: w, r: r, conn: conn, path: path, now: now,
		writes: make(chan *write), closing: make(chan struct{}), stopped: make(chan struct{})}
	var waiting int64
	if err := r.QueryRowContext(ctx, `SELECT coalesce(sum(last-first+1),0) FROM landed`).Scan(&waiting); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), r.Close(), conn.Close(), w.Close())
	}
	s.waiting.Store(waiting)
	go s.runWrites()
	return s, nil
}

// dsn asks for durable commits: WAL with synchronous FULL syncs at each one.
// database/sql keeps a connection to one caller at a time, so SQLite need not
// lock it. The cache, KiB, holds the pages a group of writes touches, so that none is
// spilled and read again.
func dsn(path, lock string) string {
	q := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"},
		"_busy_timeout": {"10000"}, "_txlock": {lock}, "_stmt_cache_size": {"200"}, "_cache_size": {"-65536"}, "_mutex": {"no"}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// tuning of the writer: savepoints keep the pages they may have to put back in
// memory instead of a temporary file, and 32 MiB of the log are copied back
// into the database at once.
const tuning = `PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=8192`

func migrate(ctx context.Context, db *sql.DB) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Close waits for the write under way and closes the database.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.stopped
	return errors.Join(s.r.Close(), s.conn.Close(), s.w.Close())
}

// Read is the pool for queries; it sees what is committed.
func (s *Store) Read() *sql.DB { return s.r }

// Now is the hub's clock in the database's unit, ms UTC.
func (s *Store) Now() int64 { return s.now().UnixMilli() }
