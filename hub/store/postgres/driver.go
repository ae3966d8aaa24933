// Package postgres lets the hub's store run on PostgreSQL as it runs on
// SQLite: a database/sql driver over pgx that takes the hub's queries as they
// are written (Rewrite), migrations in PostgreSQL's words (Schema), the writer's
// transaction that only one hub has at a time (Writer), and what other hubs tell
// (Listen).
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Is says whether a text is the address of a PostgreSQL server.
func Is(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Redacted is an address for people: without its password.
func Redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "postgres://…"
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// Config is where the server is and how it is spoken to.
type Config struct {
	conn *pgx.ConnConfig
	name string // redacted
}

// connectTimeout bounds one try to reach the server, unless the address says
// connect_timeout.
const connectTimeout = 5 * time.Second

// Parse reads an address as PostgreSQL's own programs do (libpq's keywords as
// its query). The server is asked to notice a dead hub in some twenty seconds,
// and connections notice a dead server so; keepalives in the address win.
func Parse(address string) (*Config, error) {
	c := &Config{name: Redacted(address)}
	var err error
	if c.conn, err = pgx.ParseConfig(address); err != nil {
		return nil, fmt.Errorf("postgres: the address %s: %w", c.name, withoutAddress(err))
	}
	if c.conn.ConnectTimeout == 0 {
		c.conn.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}, Control: unanswered}
	c.conn.DialFunc = dialer.DialContext
	for k, v := range map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "2"} {
		c.byDefault(k, v)
	}
	return c, nil
}

// withoutAddress keeps pgx from repeating the address with its password.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.Unwrap(e)
	}
	return err
}

func (c *Config) byDefault(setting, value string) {
	if _, ok := c.conn.RuntimeParams[setting]; !ok {
		c.conn.RuntimeParams[setting] = value
	}
}

func (c *Config) String() string { return c.name }

// With gives a copy whose sessions have these settings of the server, unless
// the address has others.
func (c *Config) With(settings map[string]string) *Config {
	d := &Config{conn: c.conn.Copy(), name: c.name}
	for k, v := range settings {
		d.byDefault(k, v)
	}
	return d
}

// Named is With an application_name, which stands in the server's list of
// sessions and in what they write.
func (c *Config) Named(name string) *Config {
	d := &Config{conn: c.conn.Copy(), name: c.name}
	d.conn.RuntimeParams["application_name"] = name
	return d
}

// Plain opens the database without translation, for migrations.
func (c *Config) Plain() *sql.DB { return stdlib.OpenDB(*c.conn) }

// Readers opens a pool for queries.
func (c *Config) Readers() *sql.DB {
	return sql.OpenDB(&connector{inner: stdlib.GetConnector(*c.conn)})
}

// connector makes connections that take the hub's queries.
type connector struct {
	inner  driver.Connector
	writer *Writer // nil: a reader's
}

func (c *connector) Driver() driver.Driver { return c.inner.Driver() }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.inner.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner.(*stdlib.Conn), writer: c.writer}, nil
}

// conn takes queries with ? and Go's plain values.
type conn struct {
	*stdlib.Conn
	writer *Writer
}

var _ interface {
	driver.NamedValueChecker
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Validator
} = (*conn)(nil)

// CheckNamedValue leaves arguments to database/sql, which makes plain values of
// them: pgx takes named types only by reflection.
func (c *conn) CheckNamedValue(*driver.NamedValue) error { return driver.ErrSkip }

// IsValid keeps a broken connection out of the pool.
func (c *conn) IsValid() bool { return !c.Conn.Conn().IsClosed() }

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	query, ctx = c.prepare(ctx, query, args)
	res, err := c.Conn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	query, ctx = c.prepare(ctx, query, args)
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil && c.writer == nil && ctx.Err() == nil && c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn // reading again does no harm: another connection is tried
	}
	return rows, err
}

// prepare rewrites the query for these arguments and makes the arguments
// PostgreSQL's: booleans are 0 and 1 in the hub's schema, and text is UTF-8
// without a zero byte. A write is not cut short with its caller: that would
// break the connection under the others of its group.
func (c *conn) prepare(ctx context.Context, query string, args []driver.NamedValue) (string, context.Context) {
	var marks ints
	for i := range args {
		switch v := args[i].Value.(type) {
		case bool:
			args[i].Value = int64(0)
			if v {
				args[i].Value = int64(1)
			}
			marks.set(args[i].Ordinal)
		case int64:
			marks.set(args[i].Ordinal)
		case string:
			args[i].Value = clean(v)
		}
	}
	if c.writer != nil {
		ctx = context.Background() // pgx watches any other
	}
	return rewritten(query, marks), ctx
}

// clean puts U+FFFD where PostgreSQL takes no text.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// PrepareContext asks the server nothing: pgx prepares each query at its first
// use and keeps it.
func (c *conn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &stmt{c, query}, nil
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

type stmt struct {
	c     *conn
	query string
}

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

func named(args []driver.Value) []driver.NamedValue {
	all := make([]driver.NamedValue, len(args))
	for i, v := range args {
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return all
}

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}
