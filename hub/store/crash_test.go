package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store/postgres"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// own gives a server of the test's own, durable as in service, and a store on it.
func own(t *testing.T) (*storetest.Server, string) {
	t.Helper()
	storetest.OwnServer(t)
	srv, err := storetest.Start(storetest.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	return srv, srv.URL("postgres")
}

func openAt(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address, time.Now)
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

// TestTheServerCrashesInMidWrite: whatever was answered for is there after a
// crash of the server, whatever was refused is not, and the store comes back by
// itself.
func TestTheServerCrashesInMidWrite(t *testing.T) {
	srv, address := own(t)
	s := openAt(t, address)
	var stop atomic.Bool
	var mu sync.Mutex
	stored, refused := map[string]bool{}, map[string]error{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				err := s.Write(context.Background(), addOperator(id))
				mu.Lock()
				if err == nil {
					stored[id] = true
				} else {
					refused[id] = err
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(time.Millisecond) // the server is away: do not fill memory with refusals
				}
			}
		})
	}
	acknowledged := func(n int) {
		for {
			mu.Lock()
			got := len(stored)
			mu.Unlock()
			if got >= n {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	for crash := range 3 {
		acknowledged((crash + 1) * 100)
		srv.Down(true)
		if _, err := s.Read().Query(`SELECT 1`); !errors.Is(named(err), ErrAway) {
			t.Errorf("reading while the server is away: %v", err)
		}
		if err := srv.Up(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		n := len(stored)
		mu.Unlock()
		acknowledged(n + 50)
	}
	stop.Store(true)
	wg.Wait()
	ids, err := listOf(t.Context(), s.r, func(r *sql.Rows, id *string) error { return r.Scan(id) }, `SELECT id FROM operator`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, id := range ids {
		there[id] = true
	}
	for id := range stored {
		if !there[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	for id, err := range refused {
		if !errors.Is(err, ErrAway) && !errors.Is(err, ErrInDoubt) {
			t.Errorf("%s: refused with %v", id, err)
		}
		if there[id] && !errors.Is(err, ErrInDoubt) {
			t.Errorf("%s was refused and is there: %v", id, err)
		}
	}
	t.Logf("%d stored, %d refused", len(stored), len(refused))
}

// TestAServerThatTakesNoWrites: as after a failover to a standby. Reading goes
// on, writes say why, and go on when it is the primary again.
func TestAServerThatTakesNoWrites(t *testing.T) {
	storetest.OwnServer(t)
	sc := newScene(t)
	ctx := t.Context()
	cfg, err := postgres.Parse(sc.address)
	if err != nil {
		t.Fatal(err)
	}
	pool := cfg.Plain()
	defer pool.Close()
	admin, err := pool.Conn(ctx) // the one session that stays as it is
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	become := func(readOnly string) {
		t.Helper()
		for _, q := range []string{
			`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ` + readOnly + `', current_database()); END $$`,
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		} {
			if _, err := admin.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
	}
	become("on")
	if err := sc.Write(ctx, addOperator("refused")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a write: %v", err)
	}
	if n := sc.count(`SELECT count(*) FROM operator`); n != 1 {
		t.Errorf("%d operators", n)
	}
	become("off")
	if err := sc.Write(ctx, addOperator("taken")); err != nil {
		t.Errorf("a write to the primary: %v", err)
	}
}
