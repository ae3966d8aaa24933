// Package store keeps what the hub knows: one schema on SQLite, the embedded
// default, or on PostgreSQL, which several hubs may share. It owns transactions;
// ingest, till and api each see the part of it they need through their own small
// interfaces.
//
// Queries are written once, for both: parameters as ? or ?N, INTEGER 0 and 1 for
// booleans, RETURNING for new numbers, ON CONFLICT with its target. What differs
// is in database.go and package postgres.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/hub/store/postgres"
)

// readers is how many reads run beside the writer.
const readers = 8

// Store is the hub's database. All writes go through one connection in groups
// (see Write); reads run beside them on a pool.
type Store struct {
	db      database
	w, r    *sql.DB
	conn    *sql.Conn // the writer's; nil after it broke
	path    string    // of SQLite's file; "" PostgreSQL
	id      string    // of this opening, in what other hubs hear
	now     func() time.Time
	changed signal

	name     atomic.Pointer[string] // of the hub, see Serve
	byServer atomic.Bool            // leases run by the server's clock
	ahead    atomic.Int64           // that clock before this one, ms

	writes           chan *write
	closing, stopped chan struct{}
	waiting          atomic.Int64 // records that have landed, about
	facts            *facts       // as read last; the writer's own
	factsAt          int64        // fact_version they were read at
	once             sync.Once
	listener         *postgres.Listener // nil: SQLite
	listening        sync.WaitGroup
}

// ErrNotFound says that no row has the id asked for.
var ErrNotFound = errors.New("not found")

// Open opens or makes the database at address and brings its schema up to date:
// a path is SQLite's file, postgres://… a PostgreSQL database, which must exist.
// now is the hub's clock. ErrAway when the server can't be reached now.
func Open(ctx context.Context, address string, now func() time.Time) (_ *Store, err error) {
	s := &Store{id: rand.Text(), now: now, writes: make(chan *write), closing: make(chan struct{}), stopped: make(chan struct{})}
	shown := address
	if postgres.Is(address) {
		var cfg *postgres.Config
		if cfg, err = postgres.Parse(address); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		shown = cfg.String()
		s.db, s.listener = newServer(cfg, s.id), cfg.Named("chekomat listens").Listener(s.id, s.changed.broadcast)
	} else {
		s.db, s.path = file{address}, address
	}
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", shown, named(err))
	}
	if s.listener != nil {
		ctx, stop := context.WithCancel(context.Background())
		s.listening.Go(func() { s.listener.Run(ctx) })
		s.listening.Go(func() { <-s.closing; stop() })
	}
	go s.runWrites()
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeAll())
		}
	}()
	if err := s.db.migrate(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	if s.w, err = s.db.writer(); err != nil {
		return err
	}
	if err := s.dial(ctx); err != nil {
		return err
	}
	if s.r, err = s.db.readers(); err != nil {
		return fmt.Errorf("for reading: %w", err)
	}
	s.r.SetMaxOpenConns(readers)
	s.r.SetMaxIdleConns(readers)
	return s.countWaiting(ctx)
}

// dial gets the writer's connection.
func (s *Store) dial(ctx context.Context) (err error) {
	if s.conn != nil {
		return nil
	}
	conn, err := s.w.Conn(ctx)
	if err != nil {
		return err
	}
	if err := s.db.tune(ctx, conn, s.hub()); err != nil {
		return errors.Join(err, conn.Close())
	}
	s.conn = conn
	return nil
}

// countWaiting counts the records that have landed.
func (s *Store) countWaiting(ctx context.Context) error {
	var waiting int64
	if err := s.r.QueryRowContext(ctx, `SELECT coalesce(sum(last-first+1),0) FROM landed`).Scan(&waiting); err != nil {
		return err
	}
	s.waiting.Store(waiting)
	return nil
}

func (s *Store) closeAll() error {
	var errs []error
	if s.r != nil {
		errs = append(errs, s.r.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	return errors.Join(errs...)
}

// Close waits for the write under way and closes the database.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.stopped
	s.listening.Wait()
	return s.closeAll()
}

// Read is the pool for queries; it sees what is committed.
func (s *Store) Read() *sql.DB { return s.r }

// Now is the hub's clock in the database's unit, ms UTC.
func (s *Store) Now() int64 { return s.now().UnixMilli() }
