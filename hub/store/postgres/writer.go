package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Channel is where a commit is told to other hubs; the payload names the
// writer.
const Channel = "chekomat_changed"

// lockClass is the first half of the advisory locks the hubs use.
const lockClass = 0x63686b // "chk"

// Halves of the locks.
const (
	lockSchema = iota + 1 // migrations
	lockWriter            // one transaction that writes at a time, of all hubs
)

// writerSettings make a writer's session durable and unable to stand in the way
// of other hubs for long: a hub that is suspended or cut off inside its
// transaction loses it. An answer to COMMIT means on disk, whatever the server's
// own default.
var writerSettings = map[string]string{
	"synchronous_commit":                  "on",
	"lock_timeout":                        "20000",
	"statement_timeout":                   "30000",
	"idle_in_transaction_session_timeout": "10000",
}

// transactionTime is the longest a transaction may take on the client's side,
// a little more than the server allows.
const transactionTime = time.Minute

// Writer is the one connection of a hub that writes. Its transactions stand
// under a lock all hubs of the database take, so that they follow one another
// as on SQLite: what is read inside holds until the commit, numbers of rows
// become visible in their order, and nothing ever deadlocks.
type Writer struct {
	DB    *sql.DB
	id    string // of this opening of the database
	n     int64  // of the newest transaction
	begun Begun
	cfg   *Config
}

// Begun is what a transaction knows of itself.
type Begun struct {
	Facts int64 // fact_version: grows when dated facts change
	Clock int64 // of the server, ms
}

// Writer opens the writer's connection; id tells its commits from others'.
func (c *Config) Writer(id string) *Writer {
	w := &Writer{id: id, cfg: c}
	w.DB = sql.OpenDB(&connector{inner: stdlib.GetConnector(*c.With(writerSettings).conn), writer: w})
	w.DB.SetMaxOpenConns(1)
	w.DB.SetMaxIdleConns(1)
	return w
}

// Begun is what the running transaction knows of itself.
func (w *Writer) Begun() Begun { return w.begun }

// BeginTx of a writer takes the lock and asks what Begun says, in one round
// trip; a reader's is read only.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.writer == nil {
		if !opts.ReadOnly {
			return nil, errors.New("postgres: a reader's transaction must be read only")
		}
		return c.Conn.BeginTx(ctx, driver.TxOptions{ReadOnly: true, Isolation: driver.IsolationLevel(sql.LevelRepeatableRead)})
	}
	pc := c.Conn.Conn().PgConn()
	if pc.IsClosed() {
		return nil, driver.ErrBadConn
	}
	// pgx would watch a context with a goroutine each time; the deadline does for all.
	_ = pc.Conn().SetDeadline(time.Now().Add(transactionTime)) // a dead connection says so at the next use
	results, err := pc.Exec(context.WithoutCancel(ctx), `begin isolation level read committed;
select pg_advisory_xact_lock(`+strconv.Itoa(lockClass)+`,`+strconv.Itoa(lockWriter)+`);
select (select version from fact_version), (extract(epoch from clock_timestamp())*1000)::bigint`).ReadAll()
	for i := range results {
		err = errors.Join(err, results[i].Err)
	}
	if err == nil && (len(results) != 3 || len(results[2].Rows) != 1) {
		err = fmt.Errorf("%d answers to begin", len(results))
	}
	if err == nil {
		row := results[2].Rows[0]
		w := c.writer
		w.n++
		w.begun.Facts, err = strconv.ParseInt(string(row[0]), 10, 64)
		if err == nil {
			w.begun.Clock, err = strconv.ParseInt(string(row[1]), 10, 64)
		}
	}
	if err != nil {
		_ = (&writerTx{c}).Rollback() // the error that made it counts
		if pgconn.SafeToRetry(err) {
			return nil, driver.ErrBadConn
		}
		return nil, err
	}
	return &writerTx{c}, nil
}

type writerTx struct{ c *conn }

func (t *writerTx) run(query string) error {
	pc := t.c.Conn.Conn().PgConn()
	if pc.IsClosed() {
		return errNotSent
	}
	results, err := pc.Exec(context.Background(), query).ReadAll()
	for i := range results {
		err = errors.Join(err, results[i].Err)
	}
	_ = pc.Conn().SetDeadline(time.Time{})
	if err == nil && len(results) > 0 && query != rollback {
		if tag := results[len(results)-1].CommandTag.String(); tag != "COMMIT" {
			err = fmt.Errorf("%w: %s", ErrRolledBack, tag)
		}
	}
	return err
}

const rollback = "rollback"

// Commit leaves the transaction's number and tells the other hubs, in one round
// trip with COMMIT.
func (t *writerTx) Commit() error {
	w := t.c.writer
	return t.run("insert into writer values ('" + w.id + "', " + strconv.FormatInt(w.n, 10) + ", " + strconv.FormatInt(w.begun.Clock, 10) +
		") on conflict (id) do update set n = excluded.n, at = excluded.at; notify " + Channel + ", '" + w.id + "'; commit")
}

func (t *writerTx) Rollback() error {
	if t.c.Conn.Conn().IsClosed() {
		return nil
	}
	return t.run(rollback)
}

// Tidy takes away what openings left that ended a day ago.
func (w *Writer) Tidy(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `DELETE FROM writer WHERE at < (extract(epoch from clock_timestamp())*1000)::bigint - 86400000 AND id <> ?`, w.id)
	return err
}

// Lost reports whether a connection of the writer has no transaction any more
// that could be committed or rolled back in part.
func Lost(driverConn any) bool {
	c, ok := driverConn.(*conn)
	return !ok || c.Conn.Conn().IsClosed() || c.Conn.Conn().PgConn().TxStatus() == 'I'
}

// Failed reports whether the transaction has met an error, so that all that
// follows is refused until it is rolled back, in part or whole.
func Failed(driverConn any) bool {
	c, ok := driverConn.(*conn)
	return ok && c.Conn.Conn().PgConn().TxStatus() == 'E'
}

// Committed finds out what became of the newest transaction, whose COMMIT got no
// answer: each leaves its number in the table writer. It waits for the lock of
// writers first, so that the lost transaction has ended, one way or the other.
// (The server's own memory of transactions, pg_xact_status, is not asked: after
// a crash it gives their numbers anew.)
func (w *Writer) Committed(ctx context.Context) (committed bool, err error) {
	db := w.cfg.With(writerSettings).Plain()
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1,$2)`, lockClass, lockWriter); err != nil {
		return false, err
	}
	var n int64
	err = tx.QueryRowContext(ctx, `SELECT n FROM writer WHERE id=$1`, w.id).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return err == nil && n == w.n, err
}

// Locked runs fn while no other hub changes the schema.
func (c *Config) Locked(ctx context.Context, fn func(db *sql.DB) error) (err error) {
	db := c.Plain()
	defer func() { err = errors.Join(err, db.Close()) }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock($1,$2)`, lockClass, lockSchema); err != nil {
		return fmt.Errorf("wait for another hub that changes the schema: %w", err)
	}
	defer lock.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1,$2)`, lockClass, lockSchema) //nolint:errcheck // closing the connection frees it too
	return fn(db)
}
