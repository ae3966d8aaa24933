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
	id    string // in notifications
	begun Begun
	cfg   *Config
}

// Begun is what a transaction knows of itself.
type Begun struct {
	XID   string        // pg_current_xact_id
	Facts int64         // fact_version: grows when dated facts change
	Ahead time.Duration // the server's clock before this one's
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
select pg_current_xact_id()::text, (select version from fact_version), (extract(epoch from clock_timestamp())*1000)::bigint`).ReadAll()
	for i := range results {
		err = errors.Join(err, results[i].Err)
	}
	if err == nil && (len(results) != 3 || len(results[2].Rows) != 1) {
		err = fmt.Errorf("%d answers to begin", len(results))
	}
	if err == nil {
		row := results[2].Rows[0]
		w := c.writer
		w.begun.XID = string(row[0])
		var clock int64
		w.begun.Facts, err = strconv.ParseInt(string(row[1]), 10, 64)
		if err == nil {
			clock, err = strconv.ParseInt(string(row[2]), 10, 64)
		}
		w.begun.Ahead = time.Duration(clock-time.Now().UnixMilli()) * time.Millisecond
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

// Commit tells the other hubs in the same transaction.
func (t *writerTx) Commit() error {
	return t.run("notify " + Channel + ", '" + t.c.writer.id + "'; commit")
}

func (t *writerTx) Rollback() error {
	if t.c.Conn.Conn().IsClosed() {
		return nil
	}
	return t.run(rollback)
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

// Committed finds out what became of a transaction whose COMMIT got no answer.
// known is false while the server can't tell: it is away, or still at it.
func (c *Config) Committed(ctx context.Context, xid string) (committed, known bool, err error) {
	db := c.Plain()
	defer db.Close()
	var status sql.NullString
	if err := db.QueryRowContext(ctx, `SELECT pg_xact_status($1::xid8)`, xid).Scan(&status); err != nil {
		return false, false, err
	}
	return status.String == "committed", status.String == "committed" || status.String == "aborted", nil
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
