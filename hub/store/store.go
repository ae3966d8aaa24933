// Package store keeps what the hub knows: one schema, SQLite by default
// (PostgreSQL comes with several hubs). It owns transactions; ingest, till and
// api each see the part of it they need through their own small interfaces.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "github.com/mattn/go-sqlite3" // driver "sqlite3"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the hub's database. Writes go through one connection, one
// transaction at a time; reads run beside them on a pool.
type Store struct {
	w, r *sql.DB
	path string
	now  func() time.Time
}

// ErrNotFound says that no row has the id asked for.
var ErrNotFound = errors.New("not found")

// Open opens or makes the database at path and brings its schema up to date.
// now is the hub's clock.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	dsn := func(mode string) string {
		q := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"}, "_txlock": {mode}}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	w, err := sql.Open("sqlite3", dsn("immediate"))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	w.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, w, migrationFS())
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("store: bring the schema of %s up to date: %w", path, err)
	}
	r, err := sql.Open("sqlite3", dsn("deferred"))
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("store: open %s for reading: %w", path, err)
	}
	r.SetMaxOpenConns(4)
	return &Store{w: w, r: r, path: path, now: now}, nil
}

// Close closes the database.
func (s *Store) Close() error { return errors.Join(s.r.Close(), s.w.Close()) }

// Write runs fn in one durable transaction.
func (s *Store) Write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

// ms is a time as the database keeps it.
func ms(t time.Time) int64 { return t.UnixMilli() }

// Now is the hub's clock in the database's unit, ms UTC.
func (s *Store) Now() int64 { return ms(s.now()) }
