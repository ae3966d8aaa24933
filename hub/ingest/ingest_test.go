package ingest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func count(t testing.TB, s *store.Store, query string, args ...any) (n int) {
	t.Helper()
	if err := s.Read().QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t testing.TB, s *store.Store, query string, args ...any) {
	t.Helper()
	if err := s.Write(context.Background(), func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

func TestManyRecordsOneAck(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	f := &flaky{Store: s, gate: make(chan struct{})}
	in, l := startIngest(t, f, ingest.Options{})
	for seq := range int64(100) {
		if err := in.Message("op", "a1", wire.UpRecord, message(t, sale("j1", seq+1))); err != nil {
			t.Fatal(err)
		}
	}
	close(f.gate) // what gathered meanwhile goes in one go
	l.wait(t, "ack", func() bool {
		a := of[wire.Ack](l, wire.DownAck)
		return len(a) > 0 && a[len(a)-1].Upto == 100
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if acks := of[wire.Ack](l, wire.DownAck); len(acks) > 3 {
		t.Errorf("%d acks for 100 records", len(acks))
	}
}

// An agent settles what the hub had before this connection only by an ack
// that is not the answer to its hello; a session named in others let an agent
// that was killed before it settled wait for ever.
func TestOnlyTheAnswerToHelloNamesItsSession(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Head: 1, Oldest: 1, Session: "s1"})
	say(t, in, wire.UpRecord, wire.RecordMessage{V: 1, Record: encode(t, sale("j1", 1))})
	var acks []wire.Ack
	l.wait(t, "ack of the record", func() bool {
		acks = of[wire.Ack](l, wire.DownAck)
		return len(acks) > 0 && acks[len(acks)-1].Upto == 1 && len(acks[len(acks)-1].Missing) == 0
	})
	if acks[0].Session != "s1" {
		t.Errorf("the answer to hello names session %q", acks[0].Session)
	}
	for _, a := range acks[1:] {
		if a.Session != "" {
			t.Errorf("an ack of records names session %q", a.Session)
		}
	}
}

func TestHelloBringsAllThatIsOwed(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	held := sale("j1", 2)
	held.Sale.Class = "C"
	for _, r := range []wire.Record{sale("j1", 1), held, sale("j1", 3)} {
		say(t, in, wire.UpRecord, wire.RecordMessage{V: 1, Record: encode(t, r)})
	}
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Head: 4, Oldest: 1, Session: "s1", Waiting: []int64{1, 2, 3, 4}})
	var cfg wire.Config
	l.wait(t, "answers to hello", func() bool {
		all := of[wire.Config](l, wire.DownConfig)
		if len(all) == 1 {
			cfg = all[0]
		}
		return len(all) == 1 && len(of[wire.Receipt](l, wire.DownReceipt)) == 4
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	acks := of[wire.Ack](l, wire.DownAck)
	if a := acks[len(acks)-1]; a.Upto != 3 || a.Session != "s1" {
		t.Errorf("ack %+v", a)
	}
	if cfg.Version == 0 || cfg.Serial != "VM0001" || len(cfg.Columns) != 1 || cfg.Columns[0].Minor != 5000 {
		t.Errorf("config %+v", cfg)
	}
	want := map[int64]string{1: wire.FiscalPending, 2: wire.FiscalHeld, 3: wire.FiscalPending}
	got := map[int64]string{}
	for _, r := range of[wire.Receipt](l, wire.DownReceipt) {
		got[r.Seq] = r.State
		if r.Sent.IsZero() || r.Minor != 5000 {
			t.Errorf("receipt %+v", r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTellSendsTheReceipt(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	say(t, in, wire.UpRecord, wire.RecordMessage{V: 1, Record: encode(t, sale("j1", 1))})
	l.wait(t, "ack", func() bool { return len(of[wire.Ack](l, wire.DownAck)) == 1 })
	var job string
	if err := s.Read().QueryRow(`SELECT id FROM job`).Scan(&job); err != nil {
		t.Fatal(err)
	}
	exec(t, s, `INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,created_at) VALUES ('l','op','op-s','ККТ','x','1.2',2,'Europe/Moscow',1)`)
	exec(t, s, `INSERT INTO attempt(id,job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at) VALUES (1,?,1,'l','9999078900001234',1,'{}','k',?,'done',1)`, job, []byte{0})
	exec(t, s, `INSERT INTO receipt(job_id,attempt_id,operator_id,seller_id,machine_id,lane_id,fn,fd,fp,at,shift,number,rnm,operation,amount,qr,test,made_at)
		VALUES (?,1,'op','op-s','op-m1','l','9999078900001234',2,3522207165,'2026-03-10T15:00:30',1,1,'1',1,5000,'t=20260310T1500&s=50.00&fn=9999078900001234&i=2&fp=3522207165&n=1',1,1)`, job)
	exec(t, s, `UPDATE job SET state='done' WHERE id=?`, job)
	in.Tell(job)
	in.Tell("no such job")
	l.mu.Lock()
	defer l.mu.Unlock()
	want := []wire.Receipt{{V: 1, Journal: "j1", Seq: 1, State: wire.FiscalDone, QR: "t=20260310T1500&s=50.00&fn=9999078900001234&i=2&fp=3522207165&n=1",
		FN: "9999078900001234", FD: 2, FP: 3522207165, At: "2026-03-10T15:00", Item: "Эспрессо", Minor: 5000, Test: true, Sent: c.now().UTC()}}
	if diff := cmp.Diff(want, of[wire.Receipt](l, wire.DownReceipt)); diff != "" {
		t.Error(diff)
	}
}

func TestConfigIsPushedWhenItChanges(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 2)
	in, l := startIngest(t, s, ingest.Options{})
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Session: "s1"})
	configs := func() []wire.Config { return of[wire.Config](l, wire.DownConfig) }
	l.wait(t, "config", func() bool { return len(configs()) == 1 })
	in.ConfigChanged("op-m1") // it did not
	exec(t, s, `INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('op-m1',6,?,'Чай',3000)`, s.Now())
	in.ConfigChanged("op-m1")
	l.wait(t, "new config", func() bool { return len(configs()) >= 2 })
	exec(t, s, `INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('op-m1',6,?,'Чай',3500)`, c.now().Add(time.Hour).UnixMilli())
	look := func() {
		t.Helper()
		if err := in.Look(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	c.advance(time.Hour)
	look()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := configs()
	if len(all) != 3 || all[0].Version >= all[1].Version || all[1].Version >= all[2].Version || all[2].Columns[1].Minor != 3500 {
		t.Errorf("configs %+v", all)
	}
}

func TestOnlineByWillAndConnection(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	online := func() int { return count(t, s, `SELECT count(*) FROM agent_state WHERE online=1`) }
	state := wire.State{V: 1, Session: "s1", Online: true}
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Session: "s1"})
	say(t, in, wire.UpState, state)
	// hello after each step: its answer says that what came before is done.
	step := 0
	settled := func(name string, v any) {
		t.Helper()
		say(t, in, name, v)
		step++
		say(t, in, wire.UpRecord, wire.RecordMessage{V: 1, Record: encode(t, sale("j1", int64(step)))})
		l.wait(t, "ack", func() bool {
			a := of[wire.Ack](l, wire.DownAck)
			return len(a) > 0 && a[len(a)-1].Upto == int64(step)
		})
	}
	settled(wire.UpState, wire.State{V: 1, Session: "old", Online: false})
	if online() != 1 {
		t.Error("the will of an old session took the new one offline")
	}
	settled(wire.UpState, wire.State{V: 1, Session: "s1", Online: false})
	if online() != 0 {
		t.Error("the will did not take the agent offline")
	}
	settled(wire.UpState, state)
	if online() != 1 {
		t.Error("a state does not bring the agent back")
	}
	l.mu.Lock()
	l.offline = true
	l.mu.Unlock()
	changed, cancel := s.Changed()
	defer cancel()
	in.Gone("op", "a1")
	for online() != 0 {
		select {
		case <-changed:
		case <-time.After(patience):
			t.Fatal("a lost connection did not take the agent offline")
		}
	}
}

func TestShownIsKept(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	say(t, in, wire.UpRecord, wire.RecordMessage{V: 1, Record: encode(t, sale("j1", 1))})
	for _, result := range []string{"late", "shown", "superseded"} {
		say(t, in, wire.UpState, wire.State{V: 1, Session: "s", Online: true, Shown: []wire.Shown{{Journal: "j1", Seq: 1, AfterMS: 700, Result: result}, {Journal: "j1", Seq: 99, Result: "shown"}}})
	}
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Head: 1, Session: "s"})
	l.wait(t, "hello's answer", func() bool { return len(of[wire.Config](l, wire.DownConfig)) == 1 })
	var result string
	if err := s.Read().QueryRow(`SELECT result FROM shown`).Scan(&result); err != nil || result != "shown" {
		t.Errorf("%q, %v", result, err)
	}
}

func TestNonsenseIsKeptAndRefused(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	absurd := sale("j1", 1)
	absurd.Sale.Amount.Minor, absurd.Sale.Parts[0].Minor = 1<<40, 1<<40
	newer := sale("j1", 2)
	newer.V = 9
	for range 2 {
		for _, raw := range [][]byte{[]byte("\x00garbage"), message(t, absurd), message(t, newer), message(t, sale("j1", 3))} {
			if err := in.Message("op", "a1", wire.UpRecord, raw); err != nil {
				t.Fatal(err)
			}
		}
		say(t, in, wire.UpHello, map[string]any{"v": 9})
		say(t, in, wire.UpState, map[string]any{"v": "x"})
	}
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Head: 3, Session: "s"})
	l.wait(t, "hello's answer", func() bool { return len(of[wire.Config](l, wire.DownConfig)) == 1 })
	l.mu.Lock()
	acks := of[wire.Ack](l, wire.DownAck)
	l.mu.Unlock()
	want := wire.Ack{V: 1, Journal: "j1", Upto: 3, Session: "s", Refused: []wire.Refusal{{Seq: 2, Code: wire.RefusedVersion}, {Seq: 1, Code: wire.RefusedAmount}}}
	if diff := cmp.Diff(want, acks[len(acks)-1]); diff != "" {
		t.Error(diff)
	}
	if n := count(t, s, `SELECT count(*) FROM quarantine`); n != 5 {
		t.Errorf("%d messages in quarantine, want 5", n)
	}
	var id int64
	if err := s.Read().QueryRow(`SELECT id FROM quarantine WHERE reason=?`, wire.RefusedAmount).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := in.Retake(context.Background(), id, "Анна"); err != nil {
		t.Errorf("an absurd amount that a person looked at: %v", err)
	}
	if err := s.Read().QueryRow(`SELECT id FROM quarantine WHERE reason=? AND seq=2`, wire.RefusedVersion).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := in.Retake(context.Background(), id, "Анна"); !errors.Is(err, store.ErrStillRefused) {
		t.Errorf("an unknown version: %v", err)
	}
	if n := count(t, s, `SELECT count(*) FROM record`); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// TestFullDisk: a real SQLITE_FULL. Nothing is acknowledged, health says why,
// and when there is room again the same records go in.
func TestFullDisk(t *testing.T) {
	storetest.SQLite(t)
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{Batch: 64})
	var pages int
	err := s.Write(context.Background(), func(tx *sql.Tx) error {
		if err := tx.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
			return err
		}
		return tx.QueryRow(fmt.Sprintf(`PRAGMA max_page_count=%d`, pages)).Scan(&pages)
	})
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	send := func() {
		for seq := int64(1); seq <= n; seq++ {
			if err := in.Message("op", "a1", wire.UpRecord, message(t, sale("j1", seq))); err != nil {
				t.Fatal(err)
			}
		}
	}
	send()
	l.wait(t, "drop", func() bool { return l.dropped > 0 })
	if err := in.Err(); err == nil || !strings.Contains(err.Error(), "full") || !strings.Contains(err.Error(), "nothing is acknowledged") {
		t.Errorf("health says %v", err)
	}
	if err := s.Write(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(`PRAGMA max_page_count=1000000`).Scan(&pages) }); err != nil {
		t.Fatal(err)
	}
	send()
	l.wait(t, "ack", func() bool {
		a := of[wire.Ack](l, wire.DownAck)
		return len(a) > 0 && a[len(a)-1].Upto == n && len(a[len(a)-1].Missing) == 0
	})
	if err := in.Err(); err != nil {
		t.Errorf("health still says %v", err)
	}
	changed, stop := s.Changed() // what has landed is acknowledged before it is settled
	defer stop()
	for count(t, s, `SELECT count(*) FROM record`) < n {
		<-changed
	}
	if got := count(t, s, `SELECT count(*) FROM record`); got != n || count(t, s, `SELECT count(*) FROM job`) != n {
		t.Errorf("%d records of %d", got, n)
	}
}

func TestOverflowDropsTheConnection(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	f := &flaky{Store: s, gate: make(chan struct{})}
	in, _ := startIngest(t, f, ingest.Options{Queue: 4, Batch: 1, Wait: time.Millisecond})
	var err error
	for seq := int64(1); seq < 10 && err == nil; seq++ {
		err = in.Message("op", "a1", wire.UpRecord, message(t, sale("j1", seq)))
	}
	close(f.gate)
	if !errors.Is(err, ingest.ErrOverflow) {
		t.Errorf("a queue of 4 took 9: %v", err)
	}
}

// TestLossyLink: an agent whose messages are lost, doubled and swapped, and a
// hub that dies before the commit or between commit and ack, end with each
// record stored exactly once; nothing is ever acknowledged that is not there.
func TestLossyLink(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	f := &flaky{Store: s}
	in, l := startIngest(t, f, ingest.Options{Batch: 8})
	rapid.Check(t, func(rt *rapid.T) {
		journal := rapid.StringMatching(`[a-z]{16}`).Draw(rt, "journal")
		n := rapid.Int64Range(1, 12).Draw(rt, "records")
		fails := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "before", "after"}), 0, 8).Draw(rt, "writes")
		sends := rapid.SliceOfN(rapid.Int64Range(1, n), 0, 30).Draw(rt, "sends")
		f.mu.Lock()
		next := ""
		f.before = func() bool {
			next = ""
			if len(fails) > 0 {
				next, fails = fails[0], fails[1:]
			}
			return next == "before"
		}
		f.after = func() bool { return next == "after" }
		f.mu.Unlock()
		l.mu.Lock()
		l.sent = nil
		l.mu.Unlock()
		say1 := func(seq int64) {
			if err := in.Message("op", "a1", wire.UpRecord, message(t, sale(journal, seq))); err != nil {
				rt.Fatal(err)
			}
		}
		for _, seq := range sends {
			say1(seq)
		}
		// The agent as it is: after each ack or lost connection it sends what is
		// not acknowledged.
		for round := 0; ; round++ {
			l.mu.Lock()
			dropped := l.dropped
			seen := len(l.sent)
			var last wire.Ack
			for _, a := range of[wire.Ack](l, wire.DownAck) {
				if a.Journal == journal {
					last = a
				}
			}
			l.mu.Unlock()
			missing := map[int64]bool{}
			for _, r := range last.Missing {
				for seq := r[0]; seq <= r[1]; seq++ {
					missing[seq] = true
				}
			}
			done := true
			for seq := int64(1); seq <= n; seq++ {
				if seq > last.Upto || missing[seq] {
					done = false
				} else if count(t, s, `SELECT (SELECT count(*) FROM record WHERE journal_id=?1 AND seq=?2) + (SELECT count(*) FROM landed WHERE journal_id=?1 AND ?2 BETWEEN first AND last)`, journal, seq) != 1 {
					rt.Fatalf("record %d is acknowledged and not there: %+v", seq, last)
				}
			}
			if done {
				break
			}
			for seq := int64(1); seq <= n; seq++ {
				if seq > last.Upto || missing[seq] {
					say1(seq)
				}
			}
			l.wait(t, "answer", func() bool { return l.dropped > dropped || len(l.sent) > seen })
		}
		settled(t, s)
		if got := count(t, s, `SELECT count(*) FROM record WHERE journal_id=?`, journal); got != int(n) {
			rt.Fatalf("%d records of %d", got, n)
		}
		if got := count(t, s, `SELECT count(*) FROM job WHERE journal_id=?`, journal); got != int(n) {
			rt.Fatalf("%d jobs of %d", got, n)
		}
	})
}
