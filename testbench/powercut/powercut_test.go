package powercut

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store"
)

func mount(t testing.TB) *Disk {
	t.Helper()
	d, err := Mount(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Unmount)
	return d
}

// brief is a disk for one of many tries.
func brief(t testing.TB) (d *Disk, end func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "chekomat-powercut-")
	if err == nil {
		d, err = Mount(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, func() {
		d.Unmount()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}

func connect(t testing.TB, d *Disk, synchronous string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(d.Folder(), "a.db")+"?_journal_mode=WAL&_synchronous="+synchronous)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// count is a program that counts up in one table and a second one, each count
// acknowledged when its commit returned.
func count(db *sql.DB, from, n int) (acknowledged int) {
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, fill BLOB); CREATE TABLE IF NOT EXISTS head(one INTEGER PRIMARY KEY, n INTEGER)"); err != nil {
		return from
	}
	for i := from + 1; i <= from+n; i++ {
		tx, err := db.Begin()
		if err != nil {
			return i - 1
		}
		_, err = tx.Exec("INSERT INTO t VALUES(?, zeroblob(3000))", i)
		if err == nil {
			_, err = tx.Exec("INSERT INTO head VALUES(1,?) ON CONFLICT(one) DO UPDATE SET n=excluded.n", i)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback()
			return i - 1
		}
	}
	return from + n
}

// left opens the database after a cut and says what is there: how far it counts,
// and whether something is half applied.
func left(db *sql.DB) (n int, err error) {
	var head, most, rows sql.NullInt64
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return 0, err
	}
	if verdict != "ok" {
		return 0, errors.New(verdict)
	}
	var tables int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_master WHERE type='table'").Scan(&tables); err != nil || tables < 2 {
		return 0, err
	}
	if err := db.QueryRow("SELECT (SELECT n FROM head), (SELECT max(n) FROM t), (SELECT count(*) FROM t)").Scan(&head, &most, &rows); err != nil {
		return 0, err
	}
	if head != most || most.Int64 != rows.Int64 {
		return 0, fmt.Errorf("half applied: head %d, newest %d, %d rows", head.Int64, most.Int64, rows.Int64)
	}
	return int(head.Int64), nil
}

// cutting plays one life after another, each ended by a power cut, and says what
// went wrong; "" nothing did.
func cutting(t testing.TB, synchronous string, deaf bool, seeds []uint64, at []int) string {
	d, end := brief(t)
	defer end()
	d.Deaf(deaf)
	have := 0
	for i, nth := range at {
		db := connect(t, d, synchronous)
		d.CutAt(nth, seeds[i%len(seeds)])
		acknowledged := count(db, have, 40)
		d.CutAt(0, 0)
		d.Cut(seeds[i%len(seeds)] + 1)
		_ = db.Close()
		db = connect(t, d, synchronous)
		n, err := left(db)
		_ = db.Close()
		switch {
		case err != nil:
			return err.Error()
		case n < acknowledged:
			return fmt.Sprintf("%d were acknowledged, %d are there", acknowledged, n)
		}
		have = n
	}
	return ""
}

func TestWhatWasSyncedStays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		if why := cutting(t, "FULL", false, rapid.SliceOfN(rapid.Uint64(), 1, 4).Draw(r, "seeds"),
			rapid.SliceOfN(rapid.IntRange(1, 300), 1, 4).Draw(r, "at")); why != "" {
			r.Fatal(why)
		}
	})
}

// TestLossIsFound: the same check must fail where nothing is synced, by the
// program's will or by the disk's.
func TestLossIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		synchronous string
		deaf        bool
	}{"synchronous=OFF": {"OFF", false}, "a disk that lies": {"FULL", true}} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(64) {
				if why := cutting(t, c.synchronous, c.deaf, []uint64{seed}, []int{100, 200}); why != "" {
					t.Logf("seed %d: %s", seed, why)
					return
				}
			}
			t.Fatal("no cut of 64 loses anything")
		})
	}
}

// hand is a clock that stands still.
func hand() clock.Clock {
	return clock.Func(func() clock.Reading {
		return clock.Reading{Wall: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC), Synced: true, Boot: "boot1", MonoMS: 1000}
	})
}

func entry(n int64) journal.Entry {
	return journal.Entry{Record: wire.Record{Kind: wire.KindSale, Wall: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC), Boot: "boot1",
		Sale: &wire.Sale{Class: "A", BusUS: n, Amount: wire.Money{Minor: n, Known: true}}}}
}

// sell appends to the real journal until the power fails and gives how many
// records were acknowledged, and how many more it had begun.
func sell(d *Disk, from int64, n int) (acknowledged int64, err error) {
	j, err := journal.Open(d.Folder(), hand())
	if err != nil {
		return from, nil // the power failed while it started
	}
	defer j.Close()
	acknowledged = from
	for range n {
		got, err := j.Append([]journal.Entry{entry(acknowledged + 1)}, &journal.Mark{Checkpoint: fmt.Appendf(nil, "%d", acknowledged+1)})
		if err != nil {
			return acknowledged, nil // as asked for
		}
		acknowledged++
		if got[0].Seq != acknowledged {
			return acknowledged, fmt.Errorf("record %d has number %d", acknowledged, got[0].Seq)
		}
		h, err := j.Heads()
		if err != nil {
			return acknowledged, nil // as asked for
		}
		if acknowledged%3 == 0 { // lazily, as what the hub says is kept
			_ = j.Settle(journal.Settlement{Epoch: h.Epoch, Stored: []int64{acknowledged}})
		}
	}
	return acknowledged, nil
}

// journaled opens the journal after a cut: its records in a row from 1, and the
// mark of the newest.
func journaled(d *Disk) (n int64, err error) {
	j, err := journal.Open(d.Folder(), hand())
	if err != nil {
		return 0, fmt.Errorf("open: %w", err)
	}
	defer j.Close()
	if why := j.Fresh(); why != "" && why != journal.WhyNew {
		return 0, errors.New("set aside: " + why)
	}
	h, err := j.Heads()
	if err != nil {
		return 0, err
	}
	for seq := int64(1); seq <= h.Head; seq++ {
		o, err := j.Outgoing(journal.Key{Epoch: h.Epoch, Seq: seq})
		if err != nil {
			return 0, fmt.Errorf("record %d of %d: %w", seq, h.Head, err)
		}
		var r wire.Record
		if err := json.Unmarshal(o.Body, &r); err != nil || r.Sale.BusUS != seq {
			return 0, errors.Join(fmt.Errorf("record %d holds %s", seq, o.Body), err)
		}
	}
	m, ok, err := j.Mark()
	if err != nil || h.Head > 0 && (!ok || string(m.Checkpoint) != fmt.Sprint(h.Head)) {
		return 0, errors.Join(fmt.Errorf("head %d, the mark is %q", h.Head, m.Checkpoint), err)
	}
	return h.Head, nil
}

// sellAndCut is one life of an agent after another.
func sellAndCut(t testing.TB, deaf bool, seed uint64, at []int) string {
	d, end := brief(t)
	defer end()
	d.Deaf(deaf)
	have := int64(0)
	for i, nth := range at {
		d.CutAt(nth, seed+uint64(i))
		acknowledged, err := sell(d, have, 30)
		if err != nil {
			return err.Error()
		}
		d.CutAt(0, 0)
		d.Cut(seed + uint64(i) + 1000)
		n, err := journaled(d)
		switch {
		case err != nil:
			return err.Error()
		case n < acknowledged || n > acknowledged+1:
			return fmt.Sprintf("%d records were acknowledged, %d are there", acknowledged, n)
		}
		have = n
	}
	return ""
}

func TestJournalKeepsWhatItAcknowledged(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		if why := sellAndCut(t, false, rapid.Uint64Max(1<<40).Draw(r, "seed"), rapid.SliceOfN(rapid.IntRange(1, 200), 1, 4).Draw(r, "at")); why != "" {
			r.Fatal(why)
		}
	})
}

func TestJournalWithoutSyncsIsFoundOut(t *testing.T) {
	for seed := range uint64(64) {
		if why := sellAndCut(t, true, seed, []int{60, 120}); why != "" {
			t.Logf("seed %d: %s", seed, why)
			return
		}
	}
	t.Fatal("no cut of 64 loses anything")
}

// keep writes counts with the real store of the hub, in its groups, until the
// power fails.
func keep(d *Disk, from, n int) (acknowledged int) {
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(d.Folder(), "hub.db"), time.Now)
	if err != nil {
		return from
	}
	defer s.Close()
	for i := from + 1; i <= from+n; i++ {
		err := s.Write(ctx, func(tx *sql.Tx) error {
			id := fmt.Sprintf("op%05d", i)
			if _, err := tx.Exec(`INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, id, id); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES (?,?,?,'7707083893',1)`, id, id, id)
			return err
		})
		if err != nil {
			return i - 1
		}
	}
	return from + n
}

// cutHub is one life of a hub after another, on a database made before.
func cutHub(t testing.TB, base *Disk, deaf bool, seed uint64, at []int) string {
	d, end := brief(t)
	defer end()
	if err := base.CopyTo(d); err != nil {
		t.Fatal(err)
	}
	d.Deaf(deaf)
	have := 0
	for i, nth := range at {
		d.CutAt(nth, seed+uint64(i))
		acknowledged := keep(d, have, 25)
		d.CutAt(0, 0)
		d.Cut(seed + uint64(i) + 1000)
		s, err := store.Open(context.Background(), filepath.Join(d.Folder(), "hub.db"), time.Now)
		if err != nil {
			return err.Error()
		}
		var operators, sellers int
		err = s.Read().QueryRow(`SELECT (SELECT count(*) FROM operator), (SELECT count(*) FROM seller)`).Scan(&operators, &sellers)
		if err = errors.Join(err, s.Close()); err != nil {
			return err.Error()
		}
		switch {
		case operators != sellers:
			return fmt.Sprintf("half applied: %d operators, %d sellers", operators, sellers)
		case operators < acknowledged || operators > acknowledged+1:
			return fmt.Sprintf("%d writes were acknowledged, %d are there", acknowledged, operators)
		}
		have = operators
	}
	return ""
}

func hubBase(t testing.TB) *Disk {
	d := mount(t)
	s, err := store.Open(context.Background(), filepath.Join(d.Folder(), "hub.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHubKeepsWhatItAcknowledged(t *testing.T) {
	base := hubBase(t)
	rapid.Check(t, func(r *rapid.T) {
		if why := cutHub(t, base, false, rapid.Uint64Max(1<<40).Draw(r, "seed"), rapid.SliceOfN(rapid.IntRange(1, 150), 1, 3).Draw(r, "at")); why != "" {
			r.Fatal(why)
		}
	})
}

func TestHubWithoutSyncsIsFoundOut(t *testing.T) {
	base := hubBase(t)
	for seed := range uint64(64) {
		if why := cutHub(t, base, true, seed, []int{60, 100}); why != "" {
			t.Logf("seed %d: %s", seed, why)
			return
		}
	}
	t.Fatal("no cut of 64 loses anything")
}

// TestHubCutWhileItMigrates: the power may fail at any write of a first start.
func TestHubCutWhileItMigrates(t *testing.T) {
	for nth, over := 1, false; !over; nth += 29 {
		over = migrate(t, nth)
	}
}

// migrate starts a hub anew on an empty disk whose power fails at the nth write,
// and once more; over says that it came through before.
func migrate(t *testing.T, nth int) (over bool) {
	d, end := brief(t)
	defer end()
	d.CutAt(nth, uint64(nth))
	path := filepath.Join(d.Folder(), "hub.db")
	s, err := store.Open(context.Background(), path, time.Now)
	if err == nil {
		err = s.Close()
	}
	if d.Counts().Cuts == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return true
	}
	if s, err = store.Open(context.Background(), path, time.Now); err != nil {
		t.Fatalf("after a cut at write %d: %v", nth, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return false
}

func TestKilledProgramLosesNothingItWrote(t *testing.T) {
	d := mount(t)
	db := connect(t, d, "OFF")
	n := count(db, 0, 30)
	d.Kill()
	_ = db.Close()
	db = connect(t, d, "OFF")
	defer db.Close()
	if got, err := left(db); err != nil || got != n || n != 30 {
		t.Fatalf("%d were written, %d are there (%v)", n, got, err)
	}
}

func TestFullDiskIsSaid(t *testing.T) {
	d := mount(t)
	j, err := journal.Open(d.Folder(), hand())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Append([]journal.Entry{entry(1)}, nil); err != nil {
		t.Fatal(err)
	}
	d.Limit(1)
	for range 300 { // what the log already has room for still fits
		if _, err = j.Append([]journal.Entry{entry(2)}, nil); err != nil {
			break
		}
	}
	if !errors.Is(err, journal.ErrFull) {
		t.Fatalf("a full disk says %v", err)
	}
	d.Limit(0)
	if _, err := j.Append([]journal.Entry{entry(3)}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestBackupIsACopy(t *testing.T) {
	d, backup := mount(t), mount(t)
	db := connect(t, d, "FULL")
	count(db, 0, 5)
	if err := d.CopyTo(backup); err != nil {
		t.Fatal(err)
	}
	count(db, 5, 5)
	if err := backup.CopyTo(d); err != nil { // the program on it is ended
		t.Fatal(err)
	}
	if got := count(db, 10, 1); got != 10 {
		t.Fatal("a program goes on writing on a disk that was put back below it")
	}
	_ = db.Close()
	db = connect(t, d, "FULL")
	defer db.Close()
	if n, err := left(db); err != nil || n != 5 {
		t.Fatalf("%d (%v) after the backup of 5 was put back", n, err)
	}
}

// TestOtherFilesAreUntouched: what lies outside mounted folders is the system's.
func TestOtherFilesAreUntouched(t *testing.T) {
	mount(t).Cut(1)
	path := filepath.Join(t.TempDir(), "plain.db")
	for want := 1; want < 3; want++ {
		db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("CREATE TABLE IF NOT EXISTS t(n); INSERT INTO t VALUES(1)"); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != want {
			t.Fatalf("%d rows, want %d (%v)", n, want, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := filepath.Glob(path + "*"); err != nil || len(m) == 0 {
		t.Fatal("the file is not there", err)
	}
}
