package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/mattn/go-sqlite3"
)

// groupMax and groupTime bound how many writes share one commit, so that the
// first of a burst does not wait for the whole of it.
const (
	groupMax  = 256
	groupTime = 50 * time.Millisecond
)

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
// with the reason why nothing of it is. Writes that come while a commit is
// under way share the next one: each stands under its own savepoint, so one
// that fails takes nothing of the others with it. fn must be short, use only
// tx, and must not wait for another Write.
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

// runWrites is the only writer of the database.
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
	ok, err := s.runGroup(&group)
	if err != nil {
		s.facts = nil // they may have been read from what is undone now
	}
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
// commits. An error is the fate of every write that did not fail by itself.
func (s *Store) runGroup(group *[]*write) (wrote bool, err error) {
	ctx, begun := context.Background(), time.Now()
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("store: begin: %w", err)
	}
	defer tx.Rollback() // after a commit it has nothing to do
	for i := 0; i < len(*group); i++ {
		w := (*group)[i]
		if w.err = w.ctx.Err(); w.err == nil {
			if _, err := tx.Exec("SAVEPOINT w"); err != nil {
				return false, fmt.Errorf("store: savepoint: %w", err)
			}
			w.err = w.fn(tx)
			if !w.steady {
				s.facts = nil
			}
			if w.err == nil {
				wrote = true
			} else if s.lostTransaction() {
				return false, fmt.Errorf("store: the group's transaction was rolled back: %w", w.err)
			} else if _, err := tx.Exec("ROLLBACK TO w"); err != nil {
				return false, fmt.Errorf("store: roll one write back: %w", err)
			}
			if _, err := tx.Exec("RELEASE w"); err != nil {
				return false, fmt.Errorf("store: release: %w", err)
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
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("store: commit: %w", err)
	}
	return wrote, nil
}

// lostTransaction reports whether SQLite rolled everything back by itself, as
// it does when the disk is full: a savepoint set after that would commit alone.
func (s *Store) lostTransaction() bool {
	lost := true
	_ = s.conn.Raw(func(c any) error {
		lost = c.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	return lost
}
