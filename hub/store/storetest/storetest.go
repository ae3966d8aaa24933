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
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Need makes a missing PostgreSQL a failure: set where it must be there.
const Need = "CHEKOMAT_NEED_POSTGRES"

// over is the server of the second run; nil in the first, over SQLite.
var over *Server

// Run runs the tests over SQLite, and again over PostgreSQL when they passed and
// there is one; property tests, unless told how often (-rapid.checks), with
// fewer draws. Benchmarks choose by themselves. migrate opens and closes the
// store at an address, which makes its schema: every database of a test begins
// as a copy of that one.
func Run(m *testing.M, migrate func(address string) error) int {
	flag.Parse()
	if code := m.Run(); code != 0 || given("test.fuzz") || given("test.list") || given("test.bench") || given("test.fuzzworker") {
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
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == checks })
	if f := flag.Lookup(checks); f != nil && !said {
		if err := f.Value.Set(draws); err != nil {
			fmt.Fprintln(os.Stderr, "storetest:", err)
			return 1
		}
	}
	return m.Run()
}

// The flag of pgregory.net/rapid, and its value in the second run.
const (
	checks = "rapid.checks"
	draws  = "30"
)

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

// spare are databases of the run's server that were emptied after a test.
var spare = struct {
	mu   sync.Mutex
	all  []string
	made int
}{}

// Address gives a database with the template's schema. It is emptied after the
// test for the next one, which takes a tenth of the time of a new one.
func (s *Server) Address(tb testing.TB) string {
	tb.Helper()
	spare.mu.Lock()
	name := ""
	if n := len(spare.all); n > 0 {
		name, spare.all = spare.all[n-1], spare.all[:n-1]
	} else {
		spare.made++
	}
	made := fmt.Sprintf("t%d", spare.made)
	spare.mu.Unlock()
	if name == "" {
		name = made
		if err := s.exec("postgres", "CREATE DATABASE "+name+" TEMPLATE "+templateName); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		if tb.Failed() || s.exec(name, empty) != nil || !s.untouched(name) { // what is odd about it goes with it
			if err := s.exec("postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
				tb.Log(err)
			}
			return
		}
		spare.mu.Lock()
		defer spare.mu.Unlock()
		spare.all = append(spare.all, name)
	})
	return s.patient(name)
}

const templateName = "hub"

func (s *Server) template(migrate func(address string) error) error {
	if err := s.exec("postgres", "CREATE DATABASE "+templateName); err != nil {
		return err
	}
	if migrate == nil {
		return nil
	}
	if err := migrate(s.patient(templateName)); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	if err := s.exec(templateName, seed); err != nil {
		return err
	}
	var err error
	s.schema, err = s.ask(templateName, schema)
	return err
}

// untouched says that a database's schema is still the template's: a test may
// have changed it, to make a write fail.
func (s *Server) untouched(database string) bool {
	got, err := s.ask(database, schema)
	return err == nil && got == s.schema
}

// schema is a fingerprint of tables, constraints and triggers.
const schema = `SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
	SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT attrelid::regclass || ' ' || attname || ' ' || atttypid::regtype || attnotnull FROM pg_attribute
		WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal) AS all_of(x)`

// seed keeps the rows that migrations have made.
const seed = `CREATE SCHEMA seed;
DO $$ DECLARE t text; filled bool; BEGIN
	FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'goose_db_version' LOOP
		EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', t) INTO filled;
		IF filled THEN
			EXECUTE format('CREATE TABLE seed.%I AS TABLE public.%I', t, t);
		END IF;
	END LOOP;
END $$`

// empty makes a database as the template was: connections a test has left are
// ended, rows deleted (tables that have grown are truncated), numbers begin anew.
const empty = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
SET session_replication_role = replica;
DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT relname AS name, pg_relation_size(oid) AS bytes FROM pg_class
			WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'goose_db_version' LOOP
		IF t.bytes > 200000 THEN
			EXECUTE format('TRUNCATE public.%I CASCADE', t.name);
		ELSIF t.bytes > 0 THEN
			EXECUTE format('DELETE FROM public.%I', t.name);
		END IF;
	END LOOP;
	FOR t IN SELECT oid, relname AS name FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%' LOOP
		PERFORM setval(t.oid::regclass, 1, false);
	END LOOP;
	FOR t IN SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'seed'::regnamespace LOOP
		EXECUTE format('INSERT INTO public.%I SELECT * FROM seed.%I', t.name, t.name);
	END LOOP;
END $$`
