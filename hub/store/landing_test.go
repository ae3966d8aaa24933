package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func (sc *scene) count(query string, args ...any) (n int) {
	sc.tb.Helper()
	if err := sc.r.QueryRow(query, args...).Scan(&n); err != nil {
		sc.tb.Fatal(err)
	}
	return n
}

// settleLanded runs Settle to its end and gives what was to be told.
func (sc *scene) settleLanded() (all []Taken) {
	sc.tb.Helper()
	for more := true; more; {
		var err error
		if more, err = sc.Settle(context.Background(), func(t Taken) { all = append(all, t) }); err != nil {
			sc.tb.Fatal(err)
		}
	}
	return all
}

func (sc *scene) vends(journal string, first, n int64) (all []Arrival) {
	for seq := first; seq < first+n; seq++ {
		s := vend()
		all = append(all, sc.arrival(record(journal, seq, wire.KindSale, &s), time.Duration(seq)*time.Millisecond))
	}
	return all
}

func TestABacklogLandsAndIsSettled(t *testing.T) {
	sc := newScene(t)
	got := sc.take("a1", sc.vends("j", 1, 2*landRow+10)...)
	if a := got.Acks[0]; a.Upto != 2*landRow+10 || len(a.Missing) > 0 || got.Landed != 2*landRow+10 || got.Stored != got.Landed {
		t.Fatalf("taken: %+v", got)
	}
	if sc.count(`SELECT count(*) FROM landed`) != 3 || sc.count(`SELECT count(*) FROM record`) != 0 {
		t.Fatal("a backlog must land first")
	}
	if got := sc.take("a1", sc.vends("j", 2*landRow+11, 1)...); got.Landed != 1 {
		t.Fatalf("a record behind a backlog that waits overtook it: %+v", got)
	}
	if got := sc.take("a1", sc.vends("j2", 1, 1)...); got.Landed != 0 || got.Jobs != 1 {
		t.Fatalf("a lone sale's job is made at once: %+v", got)
	}
	jobs := 0
	for _, s := range sc.settleLanded() {
		jobs += s.Jobs
	}
	const n = 2*landRow + 11
	if jobs != n || sc.count(`SELECT count(*) FROM job WHERE journal_id='j' AND state='queued'`) != n ||
		sc.count(`SELECT count(*) FROM record WHERE journal_id='j' AND fate='job' AND at=?-seq AND received_at=?`, sc.Now(), sc.Now()) != n ||
		sc.count(`SELECT count(*) FROM landed`) != 0 || sc.waiting.Load() != 0 ||
		sc.count(`SELECT n FROM tally WHERE operator_id='op' AND what='record'`) != n+1 {
		t.Fatalf("%d jobs", jobs)
	}
	if len(sc.settleLanded()) != 0 {
		t.Fatal("settled twice")
	}
	if got := sc.take("a1", sc.vends("j", 1, n)...); got.Again != n || got.Stored != 0 || len(got.Acks[0].Refused) > 0 {
		t.Fatalf("sent again: %+v", got)
	}
}

func TestWhatHasLandedOutlivesTheHub(t *testing.T) {
	sc := newScene(t)
	sc.take("a1", sc.vends("j", 1, 20)...)
	if err := sc.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), sc.address, sc.now)
	if err != nil {
		t.Fatal(err)
	}
	sc.Store = s
	if sc.waiting.Load() != 20 {
		t.Fatalf("%d wait", sc.waiting.Load())
	}
	sc.settleLanded()
	if sc.count(`SELECT count(*) FROM job`) != 20 {
		t.Fatal("jobs are missing")
	}
}

// What comes again, out of order or with another content must see the journal
// whole, so what has landed is settled first.
func TestWhatCannotWaitSettlesItsJournalFirst(t *testing.T) {
	sc := newScene(t)
	batch := sc.vends("j", 1, 20)
	sc.take("a1", batch...)
	sc.take("a1", sc.vends("j2", 1, 20)...)
	other := vend()
	other.Words = "other"
	got := sc.take("a1", sc.arrival(record("j", 3, wire.KindSale, &other), 0))
	if got.Settled != 20 || len(got.Acks[0].Refused) != 1 || got.Acks[0].Refused[0].Code != wire.RefusedConflict {
		t.Fatalf("taken: %+v", got)
	}
	if sc.count(`SELECT count(*) FROM record`) != 20 || sc.count(`SELECT count(*) FROM landed WHERE journal_id='j2'`) != 1 || sc.waiting.Load() != 20 {
		t.Fatal("another journal's records were settled too, or its own not")
	}
}

// A row that can't be settled now is tried again, and nothing of its journal
// overtakes it.
func TestAFailedSettlingLosesNothing(t *testing.T) {
	sc := newScene(t)
	sc.take("a1", sc.vends("j", 1, 2*landRow)...)
	sc.take("a1", sc.vends("j2", 1, 10)...)
	if storetest.Postgres() {
		sc.do(`ALTER TABLE record ADD CONSTRAINT no CHECK (journal_id<>'j' OR seq<>5)`)
	} else {
		sc.do(`CREATE TRIGGER no BEFORE INSERT ON record WHEN new.journal_id='j' AND new.seq=5 BEGIN SELECT RAISE(ABORT,'no'); END`)
	}
	if _, err := sc.Settle(t.Context(), func(Taken) {}); err == nil {
		t.Fatal("an error went unseen")
	}
	if sc.count(`SELECT count(*) FROM record WHERE journal_id='j'`) != 0 || sc.count(`SELECT count(*) FROM record WHERE journal_id='j2'`) != 10 {
		t.Fatal("one journal's trouble must stop that journal alone, and all of it")
	}
	if storetest.Postgres() {
		sc.do(`ALTER TABLE record DROP CONSTRAINT no`)
	} else {
		sc.do(`DROP TRIGGER no`)
	}
	sc.settleLanded()
	if sc.count(`SELECT count(*) FROM job`) != 2*landRow+10 || sc.count(`SELECT count(*) FROM landed`) != 0 || sc.waiting.Load() != 0 {
		t.Fatal("not all was settled")
	}
}

func TestDamagedRowsGoToQuarantine(t *testing.T) {
	sc := newScene(t)
	sc.take("a1", sc.vends("j", 1, 10)...)
	sc.do(`UPDATE landed SET records=substr(records,1,length(records)-3)`)
	sc.settleLanded()
	if sc.count(`SELECT count(*) FROM quarantine`) != 1 || sc.count(`SELECT count(*) FROM landed`) != 0 || sc.waiting.Load() != 0 {
		t.Fatal("a damaged row is not kept for a person")
	}
	if _, ok := sc.incidents()[AboutAgent("op", "a1")+" "+Quarantined]; !ok {
		t.Fatal("nobody was called")
	}
}

// Whatever an agent says, its records come to the same end whether they land
// in between or not.
func TestLandingChangesNoFate(t *testing.T) {
	sc := newScene(t)
	sc.do(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES ('a2','op','x',1)`)
	sc.do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a2','m',1)`)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		n := rapid.IntRange(1, 60).Draw(rt, "records")
		var batch [2][]Arrival
		journal := [2]string{fmt.Sprint("one", round), fmt.Sprint("two", round)}
		for seq := int64(1); seq <= int64(n); seq++ {
			s := vend()
			s.Class = rapid.SampledFrom([]string{"A", "A", "A", "B", "C", "D"}).Draw(rt, "class")
			s.Column = rapid.SampledFrom([]int{5, 5, 5, 6}).Draw(rt, "column")
			kind, of := wire.KindSale, int64(0)
			if seq > 1 {
				kind = rapid.SampledFrom([]wire.RecordKind{wire.KindSale, wire.KindSale, wire.KindReversal, wire.KindEvidence, wire.KindReturn}).Draw(rt, "kind")
			}
			if kind == wire.KindReversal || kind == wire.KindEvidence {
				of = rapid.Int64Range(1, seq-1).Draw(rt, "of")
			}
			for i := range batch {
				r := record(journal[i], seq, kind, &s)
				r.Of = of
				batch[i] = append(batch[i], sc.arrival(r, 0))
			}
		}
		for i := range batch[0] {
			sc.take("a1", batch[0][i])
		}
		for rest := batch[1]; len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			sc.take("a2", rest[:k]...)
			rest = rest[k:]
			if rapid.Bool().Draw(rt, "settled in between") {
				sc.settleLanded()
			}
		}
		sc.settleLanded()
		for _, q := range []string{
			`SELECT seq||kind||fate||reason||amount FROM record WHERE journal_id=? ORDER BY seq`,
			`SELECT seq||purpose||state||reason||amount||document FROM job WHERE journal_id=? ORDER BY seq, purpose`,
		} {
			var got [2][]string
			for i := range got {
				var err error
				got[i], err = listOf(t.Context(), sc.r, func(r *sql.Rows, v *string) error { return r.Scan(v) }, q, journal[i])
				if err != nil {
					rt.Fatal(err)
				}
			}
			if !slices.Equal(got[0], got[1]) {
				rt.Fatalf("one by one  %s\nin batches  %s", got[0], got[1])
			}
		}
	})
}

// Facts are kept between writes: what changes them must be seen at once, and
// what was undone must be forgotten.
func TestFactsFollowTheirRows(t *testing.T) {
	sc := newScene(t)
	seq := int64(0)
	expect := func(item string) {
		t.Helper()
		seq++
		s := vend()
		sc.came(record("j", seq, wire.KindSale, &s))
		all := sc.jobs()
		if got := all[len(all)-1].doc.Items[0].Name; got != item {
			t.Fatalf("item %q, want %q", got, item)
		}
	}
	expect("Эспрессо")
	sc.do(`UPDATE plan_column SET name='Латте'`)
	expect("Латте")
	err := sc.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(`UPDATE plan_column SET name='Раф'`); err != nil {
			return err
		}
		return fmt.Errorf("undone")
	})
	if err == nil {
		t.Fatal("the error is lost")
	}
	expect("Латте")
}

// FuzzLanded: no bytes make the hub fall over, and what is written is read.
func FuzzLanded(f *testing.F) {
	f.Add(appendLanded(nil, []Arrival{{Received: 5, Age: time.Second, Body: []byte(`{"v":1,"journal":"j","seq":1}`)}}))
	f.Add([]byte{1, 2, 200, '{'})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseLanded(b)
		if err != nil {
			return
		}
		again, err := parseLanded(appendLanded(nil, all))
		if err != nil || len(again) != len(all) {
			t.Fatalf("%d records, read again %d, %v", len(all), len(again), err)
		}
		for i := range all {
			if all[i].Received != again[i].Received || all[i].Age != again[i].Age || !bytes.Equal(all[i].Body, again[i].Body) {
				t.Fatalf("%+v, read again %+v", all[i], again[i])
			}
		}
	})
}
