package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"github.com/chekomat/chekomat/hub/store/postgres"
)

// Facts about the database a caller may decide on.
var (
	// ErrAway says that the database server can't be reached now; nothing was written.
	ErrAway = errors.New("the database server is away")
	// ErrFull says that the database's disk is full; nothing was written.
	ErrFull = errors.New("the database's disk is full")
	// ErrReadOnly says that the database takes no writes.
	ErrReadOnly = errors.New("the database is read only")
	// ErrBusy says that another hub or program holds the database too long; nothing was written.
	ErrBusy = errors.New("the database is held by another program")
	// ErrInDoubt says that the server was lost while it committed and has not
	// come back to tell: the write may be durable.
	ErrInDoubt = errors.New("it is not known whether the write was stored")
)

// database is what differs between SQLite and PostgreSQL.
type database interface {
	migrate(ctx context.Context) error
	writer() (*sql.DB, error)  // one connection; BeginTx waits until no other writes
	readers() (*sql.DB, error) // a pool
	tune(ctx context.Context, writer *sql.Conn, hub string) error
	lost(driverConn any) bool   // the transaction ended by itself
	failed(driverConn any) bool // it met an error and refuses to go on
	begun() postgres.Begun
	refused(commit error) bool                   // nothing of the transaction was stored, for certain
	committed(ctx context.Context) (bool, error) // the newest transaction, whose COMMIT got no answer
	trouble(err error) postgres.Trouble
	shared() bool // other hubs may write too
}

//go:embed migrations/*.sql
var migrations embed.FS

// translated is the migrations in one database's words.
type translated struct {
	fs.FS
	words func(string) string
}

func (t translated) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	b, err := fs.ReadFile(t.FS, name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return migration{f, bytes.NewReader([]byte(t.words(string(b))))}, nil
}

type migration struct {
	fs.File
	text *bytes.Reader
}

func (m migration) Read(b []byte) (int, error) { return m.text.Read(b) }

func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, words func(string) string) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, translated{sub, words})
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// file is SQLite's.
type file struct{ path string }

func (f file) open(lock string) (*sql.DB, error) { return sql.Open("sqlite3", dsn(f.path, lock)) }

func (f file) writer() (*sql.DB, error) {
	db, err := f.open("immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (f file) readers() (*sql.DB, error) { return f.open("deferred") }

// migrate also makes durable what the file shows: closed as the only connection
// it copies the log back and syncs it, with what a killed hub left unsynced.
func (f file) migrate(ctx context.Context) error {
	db, err := f.writer()
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, goose.DialectSQLite3, db, func(s string) string { return postgres.Section(s, "sqlite") }), db.Close())
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

func (file) tune(ctx context.Context, writer *sql.Conn, _ string) error {
	_, err := writer.ExecContext(ctx, tuning)
	return err
}

// lost: SQLite rolls everything back by itself when the disk is full; a
// savepoint set after that would commit alone.
func (file) lost(driverConn any) bool {
	c, ok := driverConn.(*sqlite3.SQLiteConn)
	return !ok || c.AutoCommit()
}

func (file) failed(any) bool       { return false }
func (file) begun() postgres.Begun { return postgres.Begun{} }
func (file) shared() bool          { return false }
func (file) refused(error) bool    { return true } // a COMMIT of SQLite that fails is rolled back

func (file) committed(context.Context) (bool, error) { return false, nil }

func (file) trouble(err error) postgres.Trouble {
	e, ok := errors.AsType[sqlite3.Error](err)
	switch {
	case !ok:
		return postgres.Other
	case e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey:
		return postgres.Unique
	case e.Code == sqlite3.ErrFull:
		return postgres.Full
	case e.Code == sqlite3.ErrReadonly:
		return postgres.ReadOnly
	case e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked:
		return postgres.Busy
	}
	return postgres.Other
}

// server is PostgreSQL's.
type server struct {
	cfg *postgres.Config
	w   *postgres.Writer
}

func newServer(cfg *postgres.Config, id string) *server {
	return &server{cfg, cfg.Writer(id)}
}

func (s *server) migrate(ctx context.Context) error {
	return s.cfg.Locked(ctx, func(db *sql.DB) error { return migrate(ctx, goose.DialectPostgres, db, postgres.Schema) })
}

func (s *server) writer() (*sql.DB, error)           { return s.w.DB, nil }
func (s *server) readers() (*sql.DB, error)          { return s.cfg.Readers(), nil }
func (s *server) lost(driverConn any) bool           { return postgres.Lost(driverConn) }
func (s *server) failed(driverConn any) bool         { return postgres.Failed(driverConn) }
func (s *server) begun() postgres.Begun              { return s.w.Begun() }
func (s *server) trouble(err error) postgres.Trouble { return postgres.Classify(err) }
func (s *server) refused(commit error) bool          { return postgres.Refused(commit) }
func (s *server) shared() bool                       { return true }

// tune puts the hub's name on what the session writes, see Serve.
func (s *server) tune(ctx context.Context, writer *sql.Conn, hub string) error {
	_, err := writer.ExecContext(ctx, `SELECT set_config('application_name', ?, false)`, hub)
	return errors.Join(err, s.w.Tidy(ctx, writer))
}

func (s *server) committed(ctx context.Context) (bool, error) { return s.w.Committed(ctx) }

// troubles names what a caller may decide on.
var troubles = map[postgres.Trouble]error{postgres.Away: ErrAway, postgres.Full: ErrFull, postgres.ReadOnly: ErrReadOnly, postgres.Busy: ErrBusy}

// Cause is the fact about the database that an error comes from: ErrAway,
// ErrFull, ErrReadOnly, ErrBusy or ErrInDoubt; nil when it is another.
func Cause(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrInDoubt, ErrAway, ErrFull, ErrReadOnly, ErrBusy} {
		if errors.Is(err, known) {
			return known
		}
	}
	if known := troubles[(file{}).trouble(err)]; known != nil {
		return known
	}
	return troubles[postgres.Classify(err)]
}

// named puts the cause before an error of the database.
func named(err error) error {
	if cause := Cause(err); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// settleTime is how long a commit without an answer is asked after.
const settleTime = time.Minute

// unanswered finds out what became of the newest transaction, whose COMMIT got
// no answer: nil when it is stored, lost when it is not.
func (s *Store) unanswered(lost error) error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		committed, err := s.db.committed(ctx)
		switch {
		case err == nil && committed:
			return nil
		case err == nil:
			return lost
		}
		select {
		case <-time.After(pause):
			continue
		case <-s.closing:
		case <-ctx.Done():
		}
		return fmt.Errorf("%w: %w", ErrInDoubt, errors.Join(lost, err))
	}
}
