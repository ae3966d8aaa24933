// Package storetest runs the tests of a package over both databases of the hub:
// SQLite always, PostgreSQL where its server is installed. A test asks for
// Address and knows nothing of it:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Run(m, migrate)) }
//
// The server is a throwaway of the test binary, on a unix socket in a temporary
// folder; it dies with the binary, however that ends.
package storetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// Need makes a missing PostgreSQL a failure: set where it must be there.
const Need = "CHEKOMAT_NEED_POSTGRES"

// over is the server of the second run; nil in the first, over SQLite.
var over *Server

// Run runs the tests over SQLite, and again over PostgreSQL when they passed and
// there is one. migrate opens and closes the store at an address, which makes
// its schema: every database of a test begins as a copy of that one.
func Run(m *testing.M, migrate func(address string) error) int {
	flag.Parse()
	if code := m.Run(); code != 0 || given("test.fuzz") || given("test.list") || given("test.fuzzworker") {
		return code
	}
	if testing.Short() && os.Getenv(Need) == "" {
		return 0
	}
	s, err := Start(Options{})
	if errors.Is(err, ErrNotInstalled) && os.Getenv(Need) == "" {
		fmt.Println("store: no PostgreSQL here, SQLite alone is tested")
		return 0
	}
	if err == nil {
		defer s.Stop()
		err = s.template(migrate)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		return 1
	}
	fmt.Println("store: the same over PostgreSQL")
	over = s
	return m.Run()
}

// given says whether a flag of the test binary is set.
func given(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != "" && f.Value.String() != "false"
}

// Postgres says that this run is over PostgreSQL.
func Postgres() bool { return over != nil }

// Address is a new, empty database of the running kind; its schema is made.
func Address(tb testing.TB) string {
	tb.Helper()
	if over == nil {
		return filepath.Join(tb.TempDir(), "hub.db")
	}
	return over.Address(tb)
}

// SQLite skips a test of SQLite's own in the run over PostgreSQL.
func SQLite(tb testing.TB) {
	tb.Helper()
	if over != nil {
		tb.Skip("of SQLite's own")
	}
}

// OwnServer gives the run's PostgreSQL; a test of PostgreSQL's own is skipped in the
// run over SQLite, and where no server is installed.
func OwnServer(tb testing.TB) *Server {
	tb.Helper()
	if over == nil {
		if _, err := binaries(); err != nil {
			if os.Getenv(Need) != "" {
				tb.Fatal(err)
			}
			tb.Skip(err)
		}
		tb.Skip("of PostgreSQL's own: in the second run")
	}
	return over
}

var databases atomic.Int64

// Address makes a database as a copy of the template; it is dropped after the test.
func (s *Server) Address(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("t%d", databases.Add(1))
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE " + templateName); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil && context.Cause(s.stopped) == nil {
			tb.Error(err)
		}
	})
	return s.URL(name)
}

const templateName = "hub"

func (s *Server) template(migrate func(address string) error) error {
	if err := s.exec("CREATE DATABASE " + templateName); err != nil {
		return err
	}
	if migrate == nil {
		return nil
	}
	if err := migrate(s.URL(templateName)); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	return nil
}
