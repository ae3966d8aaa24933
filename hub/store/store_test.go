package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store/storetest"
)

// openTest gives a store on a new file, closed when the test ends.
func openTest(t testing.TB) *Store {
	t.Helper()
	s, err := Open(context.Background(), storetest.Address(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func addOperator(id string) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, id, id)
		return err
	}
}

func operators(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.Read().QueryRow(`SELECT count(*) FROM operator`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOpenAgainKeepsWhatIsThere(t *testing.T) {
	path := storetest.Address(t)
	for i := range 2 {
		s, err := Open(context.Background(), path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(context.Background(), addOperator(fmt.Sprint("op", i))); err != nil {
			t.Fatal(err)
		}
		if n := operators(t, s); n != i+1 {
			t.Errorf("operators after start %d: %d", i+1, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDurabilityIsOn(t *testing.T) {
	storetest.SQLite(t)
	s := openTest(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		err := s.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got)
		if err != nil || got != want {
			t.Errorf("PRAGMA %s = %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestWriteThatFailsTakesNothingOfOthers(t *testing.T) {
	s := openTest(t)
	var wg sync.WaitGroup
	errs := make([]error, 100)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.Write(context.Background(), func(tx *sql.Tx) error {
				if err := addOperator(fmt.Sprint("op", i))(tx); err != nil {
					return err
				}
				if i%3 == 0 { // fails after it wrote
					return addOperator(fmt.Sprint("op", i))(tx)
				}
				return nil
			})
		})
	}
	wg.Wait()
	good := 0
	for i, err := range errs {
		if (err != nil) != (i%3 == 0) {
			t.Errorf("write %d: %v", i, err)
		}
		if err == nil {
			good++
		}
	}
	if n := operators(t, s); n != good {
		t.Errorf("%d rows stored, %d writes succeeded", n, good)
	}
}

func TestFullDiskFailsTheWholeGroupAndKeepsNothing(t *testing.T) {
	storetest.SQLite(t)
	s := openTest(t)
	ctx := context.Background()
	if _, err := s.conn.ExecContext(ctx, `PRAGMA max_page_count = 1`); err != nil {
		t.Fatal(err) // SQLite keeps it at the size the file has
	}
	big := make([]byte, 1<<20)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.Write(ctx, func(tx *sql.Tx) error {
				_, err := tx.Exec(`INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, fmt.Sprint(i), big)
				return err
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if !errors.Is(err, ErrFull) {
			t.Errorf("write %d on a full disk: %v", i, err)
		}
	}
	if n := operators(t, s); n != 0 {
		t.Errorf("%d rows stored though every write failed", n)
	}
	if _, err := s.conn.ExecContext(ctx, `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, addOperator("after")); err != nil {
		t.Errorf("write after space came back: %v", err)
	}
}

func TestChangedTellsOfEachCommit(t *testing.T) {
	s := openTest(t)
	ch, cancel := s.Changed()
	defer cancel()
	if err := s.Write(context.Background(), addOperator("a")); err != nil {
		t.Fatal(err)
	}
	<-ch
	failed := errors.New("no")
	if err := s.Write(context.Background(), func(*sql.Tx) error { return failed }); !errors.Is(err, failed) {
		t.Fatalf("error of the write: %v", err)
	}
	if storetest.Postgres() {
		return // a tick tells too
	}
	select {
	case <-ch:
		t.Error("told of a write that failed")
	default:
	}
}

func TestWriteAfterClose(t *testing.T) {
	s, err := Open(context.Background(), storetest.Address(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(context.Background(), addOperator("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// BenchmarkWrite shows what group commit gives: writers side by side share syncs.
func BenchmarkWrite(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			s := openTest(b)
			var wg sync.WaitGroup
			work := make(chan int)
			for range writers {
				wg.Go(func() {
					for i := range work {
						if err := s.Write(context.Background(), addOperator(fmt.Sprint("op", i))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ResetTimer()
			for i := range b.N {
				work <- i
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}
