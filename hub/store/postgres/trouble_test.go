package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func pgError(code, severity string) error {
	return fmt.Errorf("asked: %w", &pgconn.PgError{Code: code, Severity: severity, SeverityUnlocalized: severity})
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want Trouble
	}{
		{"none", nil, None},
		{"a value twice", pgError("23505", "ERROR"), Unique},
		{"no room on the disk", pgError("53100", "ERROR"), Full},
		{"a standby", pgError("25006", "ERROR"), ReadOnly},
		{"serialization", pgError("40001", "ERROR"), Conflict},
		{"deadlock", pgError("40P01", "ERROR"), Conflict},
		{"the writer's lock is held", pgError("55P03", "ERROR"), Busy},
		{"too slow", pgError("57014", "ERROR"), Busy},
		{"stopped", pgError("57P01", "FATAL"), Away},
		{"crashed", pgError("57P02", "FATAL"), Away},
		{"starting", pgError("57P03", "FATAL"), Away},
		{"idle too long", pgError("25P03", "FATAL"), Away},
		{"no connection left", pgError("53300", "FATAL"), Away},
		{"wrong password", pgError("28P01", "FATAL"), Other},
		{"no such table", pgError("42P01", "ERROR"), Other},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("refused")}, Away},
		{"cut", io.ErrUnexpectedEOF, Away},
		{"closed", pgconn.ErrConnClosed, Away},
		{"the pool's word for it", driver.ErrBadConn, Away},
		{"the caller went", context.Canceled, Other},
		{"something else", errors.New("x"), Other},
	} {
		if got := Classify(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Only a refusal of the server that lives on, or a COMMIT that was never sent,
// proves that nothing was stored.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"no room on the disk", pgError("53100", "ERROR"), true},
		{"stopped while it committed", pgError("57P01", "FATAL"), false},
		{"panic", pgError("XX000", "PANIC"), false},
		{"answered with ROLLBACK", fmt.Errorf("commit: %w", ErrRolledBack), true},
		{"not sent", fmt.Errorf("commit: %w", errNotSent), true},
		{"closed while it was waited for", pgconn.ErrConnClosed, false},
		{"cut", io.ErrUnexpectedEOF, false},
		{"timeout", &net.OpError{Op: "read", Err: errors.New("i/o timeout")}, false},
	} {
		if got := Refused(c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAnAddressIsShownWithoutItsPassword(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://hub:secret@h/db":                    "postgres://hub:xxxxx@h/db",
		"postgres://hub@h/db?password=secret&sslmode=x": "postgres://hub@h/db?password=xxxxx&sslmode=x",
		"postgres://h:%zz":                              "postgres://…",
	} {
		if got := Redacted(in); got != want {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
	if _, err := Parse("postgres://hub:secret@h/db?sslmode=nonsense"); err == nil || errorHas(err, "secret") {
		t.Errorf("a wrong address: %v", err)
	}
	if !Is("postgresql://x") || Is("/var/lib/postgres://x") || Is("hub.db") {
		t.Error("what is an address of PostgreSQL")
	}
}

func errorHas(err error, s string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}

func TestTextPostgreSQLTakes(t *testing.T) {
	for in, want := range map[string]string{"ФН": "ФН", "a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb", "": ""} {
		if got := clean(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}
