package store

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"
)

// queueOf makes jobs of one seller: of each machine so many, one a second from
// when on.
func queueOf(t *testing.T, s *Store, jobs map[string]int, at int64) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *sql.Tx) error {
		for _, q := range []string{`INSERT INTO operator(id,name,created_at) VALUES ('op','op',1)`,
			`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','op','s','7701237658',1)`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		for m, n := range jobs {
			if m != "" {
				if _, err := tx.Exec(`INSERT INTO machine(id,operator_id,created_at) VALUES (?,'op',1)`, m); err != nil {
					return err
				}
			}
			for i := range n {
				id := fmt.Sprintf("%s-%04d", m, i)
				sold := at + int64(i)*1000
				if _, err := tx.Exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,machine_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
					VALUES (?,'op','record',?,'receipt','s',NULLIF(?,''),'queued',?,?,?,100,'{"tax_system":2,"test":true}',?,?)`,
					id, id, m, sold, sold+young, id, sold, sold); err != nil {
					return err
				}
				if err := history(tx, sold, id, JobQueued, "", "", "ingest"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestALongBacklogHidesNoMachine: however many jobs one machine has and however
// many machines wait, a few readings of the queue name each of them.
func TestALongBacklogHidesNoMachine(t *testing.T) {
	s := openTest(t)
	jobs := map[string]int{"m000": 500, "": 3}
	for i := range 70 {
		jobs[fmt.Sprintf("m%03d", i+1)] = 2
	}
	old := s.Now() - time.Hour.Milliseconds()
	queueOf(t, s, jobs, old)
	ctx := context.Background()
	if err := sqlDo(s, `UPDATE job SET sold_at = sold_at - 86400000 WHERE machine_id = 'm000'`); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	after := ""
	for range 3 {
		w, err := s.Candidates(ctx, "s", after, 0, 32)
		if err != nil || !w.More || len(w.Jobs) > 4*32 {
			t.Fatalf("%d jobs, more %v, %v", len(w.Jobs), w.More, err)
		}
		ids := map[string]bool{}
		share := map[string]int{}
		for _, c := range w.Jobs {
			if ids[c.ID] {
				t.Fatalf("%s twice", c.ID)
			}
			ids[c.ID] = true
			seen[c.Machine]++
			share[c.Machine]++
			if c.TaxSystem != 2 || !c.Test || c.QueuedAt == 0 {
				t.Fatalf("%+v", c)
			}
		}
		if share["m000"] > 2 || share[""] == 0 {
			t.Errorf("the long backlog has %d of %d, jobs of no machine %d", share["m000"], len(w.Jobs), share[""])
		}
		after = w.Next
	}
	for m := range jobs {
		if seen[m] == 0 {
			t.Errorf("machine %q was not named", m)
		}
	}
	w, err := s.Candidates(ctx, "s", "", old+1000, 32) // of each machine only what was sold later
	if err != nil || w.More || len(w.Jobs) != 1 || w.Jobs[0].ID != "-0002" {
		t.Errorf("%+v, %v", w, err)
	}
}

// TestOneMachinesBacklogIsReadInLargeParts: with nobody to be fair to.
func TestOneMachinesBacklogIsReadInLargeParts(t *testing.T) {
	s := openTest(t)
	queueOf(t, s, map[string]int{"m": 100}, s.Now()-time.Hour.Milliseconds())
	w, err := s.Candidates(context.Background(), "s", "", 0, 32)
	if err != nil || len(w.Jobs) != 32 || !w.More {
		t.Fatalf("%d jobs, more %v, %v", len(w.Jobs), w.More, err)
	}
	for i, c := range w.Jobs {
		if c.ID != fmt.Sprintf("m-%04d", i) {
			t.Fatalf("%d is %s", i, c.ID)
		}
	}
}

// TestTriesPlannedByAClockThatWasAheadAreDue: a job is never put off by more
// than some minutes; farther off lies what a wrong clock planned.
func TestTriesPlannedByAClockThatWasAheadAreDue(t *testing.T) {
	s := openTest(t)
	queueOf(t, s, map[string]int{"a": 1, "b": 1}, s.Now()-time.Hour.Milliseconds())
	ctx := context.Background()
	for id, by := range map[string]time.Duration{"a-0000": time.Minute, "b-0000": 5 * time.Hour} {
		if err := sqlDo(s, `UPDATE job SET next_at = ? WHERE id = ?`, s.Now()+by.Milliseconds(), id); err != nil {
			t.Fatal(err)
		}
	}
	w, err := s.Candidates(ctx, "s", "", 0, 32)
	if err != nil || len(w.Jobs) != 2 {
		t.Fatalf("%+v, %v", w, err)
	}
}

// TestYoungJobsAreToldWhole and the backlog by its seller alone.
func TestYoungJobsAreToldWhole(t *testing.T) {
	s := openTest(t)
	ctx := context.Background()
	queueOf(t, s, map[string]int{"old": 1}, s.Now()-time.Hour.Milliseconds())
	if err := sqlDo(s, `UPDATE job SET young_till = ? WHERE id = 'old-0000'`, s.Now()-1); err != nil {
		t.Fatal(err)
	}
	list, last, err := s.QueuedSince(ctx, 0)
	if err != nil || len(list) != 1 || list[0].Young || list[0].Seller != "s" || last != 1 {
		t.Fatalf("%+v %d %v", list, last, err)
	}
	if err := sqlDo(s, `UPDATE job SET young_till = ? WHERE id = 'old-0000'`, s.Now()+60_000); err != nil {
		t.Fatal(err)
	}
	list, _, err = s.QueuedSince(ctx, 0)
	if err != nil || len(list) != 1 || !list[0].Young || list[0].Job.Machine != "old" || list[0].Job.TaxSystem != 2 {
		t.Fatalf("%+v %v", list, err)
	}
}

func sqlDo(s *Store, query string, args ...any) error {
	return s.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
}
