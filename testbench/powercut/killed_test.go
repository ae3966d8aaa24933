package powercut

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/hub/store"
)

// What a killed program had written and not synced is read by the next one as
// if it stood for ever. That one acts on it (records go to the hub, the module
// forgets their words, the hub acknowledges), so no cut may take it away again.
// The simulation found a sale that the hub had and its journal no longer.

func TestJournalShowsOnlyWhatStays(t *testing.T) {
	for nth := 1; nth <= 120; nth++ {
		for seed := range uint64(3) {
			d, end := brief(t)
			d.KillAt(nth)
			if _, err := sell(d, 0, 8); err != nil {
				t.Fatal(err)
			}
			d.KillAt(0)
			j, err := journal.Open(d.Folder(), hand())
			if err != nil {
				t.Fatalf("killed at write %d: open: %v", nth, err)
			}
			h, err := j.Heads()
			if err != nil {
				t.Fatal(err)
			}
			d.Cut(seed)
			_ = j.Close() // its files are gone from under it
			n, err := journaled(d)
			if err != nil || n < h.Head {
				t.Errorf("killed at write %d, cut %d: %d records were shown, %d are there, %v", nth, seed, h.Head, n, err)
			}
			end()
		}
	}
}

func TestHubShowsOnlyWhatStays(t *testing.T) {
	base := hubBase(t)
	operators := func(s *store.Store) (n int) {
		if err := s.Read().QueryRow(`SELECT count(*) FROM operator`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for nth := 1; nth <= 60; nth++ {
		d, end := brief(t)
		if err := base.CopyTo(d); err != nil {
			t.Fatal(err)
		}
		d.KillAt(nth)
		keep(d, 0, 8)
		d.KillAt(0)
		open := func() *store.Store {
			s, err := store.Open(context.Background(), filepath.Join(d.Folder(), "hub.db"), time.Now)
			if err != nil {
				t.Fatalf("killed at write %d: %v", nth, err)
			}
			return s
		}
		s := open()
		shown := operators(s)
		d.Cut(uint64(nth))
		_ = s.Close() // its files are gone from under it
		s = open()
		if n := operators(s); n < shown {
			t.Errorf("killed at write %d: %d rows were shown, %d are there", nth, shown, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		end()
	}
}
