package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/hub/store/postgres"
)

// groupMax and groupTime bound how many writes share one commit, so that the
// first of a burst does not wait for the whole of it.
const (
	groupMax  = 256
	groupTime = 50 * time.Millisecond
)

// tries is how often a group runs whose transaction PostgreSQL rolled back
// whole, for no fault of the writes: a connection that broke, a deadlock with
// another program.
const tries = 3

// ErrClosed says that the store was closed before the write ran.
var ErrClosed = errors.New("store: closed")

// write is one caller's part of a group.
type write struct {
	ctx    context.Context
	fn     func(tx *sql.Tx) error
	steady bool // changes none of the dated facts
	err    error
	done   chan struct{}
}

// Write runs fn in a durable transaction and returns when it is on disk, or
// with the reason why nothing of it is (ErrInDoubt: PostgreSQL was lost at the
// commit and can't be asked). Writes that come while a commit is under way share
// the next one: each stands under its own savepoint, so one that fails takes
// nothing of the others with it. fn must be short, use only tx, and must not
// wait for another Write. It may run again from the start when all it did was
// rolled back: what it leaves outside the transaction it must set, not add to.
func (s *Store) Write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return s.write(ctx, false, fn)
}

// write is Write; steady promises that fn changes none of the dated facts that
// sales are judged by, so that those read before still hold.
func (s *Store) write(ctx context.Context, steady bool, fn func(tx *sql.Tx) error) error {
	return s.begin(ctx, steady, fn)()
}

// begin is write in two parts: it returns when the writer has taken fn, and
// wait when fn is on disk. Writes begun one after another run in that order.
func (s *Store) begin(ctx context.Context, steady bool, fn func(tx *sql.Tx) error) (wait func() error) {
	w := &write{ctx: ctx, fn: fn, steady: steady, done: make(chan struct{})}
	select {
	case s.writes <- w:
	case <-s.closing:
		return func() error { return ErrClosed }
	case <-ctx.Done():
		return func() error { return fmt.Errorf("store: waiting to write: %w", ctx.Err()) }
	}
	return func() error {
		<-w.done
		return w.err
	}
}

// runWrites is the only writer of this hub.
func (s *Store) runWrites() {
	defer close(s.stopped)
	for {
		select {
		case w := <-s.writes:
			s.commitGroup(w)
		case <-s.closing:
			return
		}
	}
}

func (s *Store) commitGroup(first *write) {
	group := append(make([]*write, 0, 16), first)
	ok, again, err := s.runGroup(&group)
	for try := 1; again && try < tries; try++ {
		ok, again, err = s.runGroup(&group)
	}
	err = named(err)
	for _, w := range group {
		if err != nil && w.err == nil {
			w.err = err
		}
		close(w.done)
	}
	if err == nil && ok {
		s.changed.broadcast()
	}
}

// runGroup runs the group's writes, taking in those that arrive meanwhile, and
// commits. An error is the fate of every write that did not fail by itself;
// again says that it is certain that all was rolled back, and worth another try.
func (s *Store) runGroup(group *[]*write) (wrote, again bool, err error) {
	defer func() {
		if err == nil {
			return
		}
		s.facts = nil // they may have been read from what is undone now
		if s.db.lost(s.driverConn()) {
			s.hangUp()
		}
	}()
	ctx := context.Background()
	if err := s.dial(ctx); err != nil {
		return false, false, fmt.Errorf("store: begin: %w", err)
	}
	tx, err := s.beginGroup(ctx)
	if err != nil {
		return false, s.passes(err), fmt.Errorf("store: begin: %w", err)
	}
	defer tx.Rollback() // after a commit it has nothing to do
	begun, fresh, mark := time.Now(), false, savepoint{}
	for i := 0; i < len(*group); i++ {
		w := (*group)[i]
		if w.err = w.ctx.Err(); w.err == nil {
			if err := s.runOne(tx, &mark, w); err != nil {
				return false, s.passes(err), err
			}
			if w.err == nil {
				wrote = true
				fresh = fresh || !w.steady
			}
		}
		if len(*group) < groupMax && time.Since(begun) < groupTime {
			select {
			case more := <-s.writes:
				*group = append(*group, more)
			default:
			}
		}
	}
	if !wrote {
		return false, false, nil
	}
	if fresh && s.db.shared() {
		if err := tx.QueryRow(`UPDATE fact_version SET version=version+1 RETURNING version`).Scan(&s.factsAt); err != nil {
			return false, s.passes(err), fmt.Errorf("store: tell other hubs of new facts: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		err = fmt.Errorf("store: commit: %w", err)
		if s.db.refused(err) {
			return false, s.passes(err), err
		}
		s.hangUp()
		if err = s.unanswered(err); err != nil {
			return false, s.passes(err) && !errors.Is(err, ErrInDoubt), err
		}
	}
	return wrote, false, nil
}

// savepoint is where the next write of a group can be rolled back to.
type savepoint struct{ set, used bool }

// move puts the savepoint behind what has been written.
func (m *savepoint) move(tx *sql.Tx, shared bool) error {
	var queries []string
	switch {
	case !m.set:
		queries = []string{"SAVEPOINT w"}
	case m.used && shared: // one round trip
		queries = []string{"RELEASE w; SAVEPOINT w"}
	case m.used:
		queries = []string{"RELEASE w", "SAVEPOINT w"}
	}
	for _, q := range queries {
		if _, err := tx.Exec(q); err != nil {
			return fmt.Errorf("store: savepoint: %w", err)
		}
	}
	*m = savepoint{set: true}
	return nil
}

// runOne runs one write under its savepoint; an error is of the whole group.
func (s *Store) runOne(tx *sql.Tx, mark *savepoint, w *write) error {
	if err := mark.move(tx, s.db.shared()); err != nil {
		return err
	}
	mark.used = true
	w.err = w.fn(tx)
	if !w.steady {
		s.facts = nil
	}
	c := s.driverConn()
	if w.err == nil && s.db.failed(c) {
		w.err = errors.New("store: a query of the write failed and it went on")
	}
	if w.err != nil {
		if s.db.lost(c) {
			err := fmt.Errorf("store: the group's transaction was rolled back: %w", w.err)
			w.err = nil
			return err
		}
		if _, err := tx.Exec("ROLLBACK TO w"); err != nil {
			return fmt.Errorf("store: roll one write back: %w", err)
		}
		mark.used = false
		w.err = named(w.err)
	}
	return nil
}

// beginGroup begins a transaction and forgets facts that another hub has
// changed.
func (s *Store) beginGroup(ctx context.Context) (*sql.Tx, error) {
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if s.db.shared() {
		b := s.db.begun()
		if b.Facts != s.factsAt {
			s.facts, s.factsAt = nil, b.Facts
		}
		s.ahead.Store(b.Clock - s.Now())
	}
	return tx, nil
}

// passes says that an error is worth another try over a new connection: it is
// certain that nothing was stored.
func (s *Store) passes(err error) bool {
	if !s.db.shared() {
		return false
	}
	t := s.db.trouble(err)
	return t == postgres.Away || t == postgres.Conflict
}

// hangUp gives up a writer's connection that broke.
func (s *Store) hangUp() {
	if s.conn != nil && s.db.shared() {
		_ = s.conn.Close() // it broke
		s.conn = nil
	}
}

// driverConn is the driver's side of the writer's connection.
func (s *Store) driverConn() (c any) {
	if s.conn != nil {
		_ = s.conn.Raw(func(d any) error { c = d; return nil }) // without one it counts as lost
	}
	return c
}
