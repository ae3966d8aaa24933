package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Trouble is what an error of the server means for the hub.
type Trouble int

// Troubles.
const (
	None     Trouble = iota
	Unique           // a value that must be unique is there already
	Away             // the server can't be reached, starts, stops, or has no connection left
	Full             // its disk is full
	ReadOnly         // it takes no writes: a standby
	Conflict         // the transaction is rolled back and may be tried again
	Busy             // another hub holds the writer's lock too long
	Other
)

// Classify says it by SQLSTATE (PostgreSQL manual, appendix A) or by the kind of
// the network's error.
func Classify(err error) Trouble {
	if err == nil {
		return None
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case e.Code == "23505":
			return Unique
		case e.Code == "53100": // disk_full
			return Full
		case e.Code == "25006": // read_only_sql_transaction
			return ReadOnly
		case e.Code == "40001", e.Code == "40P01": // serialization_failure, deadlock_detected
			return Conflict
		case e.Code == "55P03", e.Code == "57014": // lock_not_available, query_canceled (statement_timeout)
			return Busy
		case strings.HasPrefix(e.Code, "08"), // connection exceptions
			e.Code == "53300",                                                          // too_many_connections
			e.Code == "57P01", e.Code == "57P02", e.Code == "57P03", e.Code == "57P05", // stopped, crashed, starting, idle too long
			e.Code == "25P03", e.Code == "25P04": // idle in a transaction, or in one, too long
			return Away
		}
		return Other
	}
	if errors.Is(err, context.Canceled) {
		return Other
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return Away
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return Away
	}
	for _, lost := range []error{pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, driver.ErrBadConn, sql.ErrConnDone} {
		if errors.Is(err, lost) {
			return Away
		}
	}
	return Other
}

// ErrRolledBack says that the server answered a COMMIT with ROLLBACK: the
// transaction had failed before.
var ErrRolledBack = errors.New("the server rolled the transaction back")

// errNotSent says that the connection was gone before COMMIT was sent. pgx's own
// word for it (SafeToRetry) is not asked: an answer that could not be read looks
// the same to it.
var errNotSent = fmt.Errorf("the transaction was not ended: %w", pgconn.ErrConnClosed)

// Refused says that a COMMIT which gave this error has stored nothing, for
// certain: the server said so and lives on, or never got it. After any other
// error it must be asked, see Committed.
func Refused(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.SeverityUnlocalized == "ERROR"
	}
	return errors.Is(err, ErrRolledBack) || errors.Is(err, errNotSent)
}
