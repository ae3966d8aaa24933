package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store/postgres"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// beside opens the scene's database as another hub would.
func (sc *scene) beside(name string) *scene {
	sc.tb.Helper()
	s, err := Open(context.Background(), sc.address, sc.now)
	if err != nil {
		sc.tb.Fatal(err)
	}
	other := &scene{Store: s, tb: sc.tb, address: sc.address}
	other.clock.Store(sc.clock.Load())
	other.now = func() time.Time { return time.UnixMilli(other.clock.Load()) }
	sc.tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			sc.tb.Error(err)
		}
	})
	if name != "" {
		other.serve(name)
	}
	return other
}

func (sc *scene) serve(name string) {
	sc.tb.Helper()
	if err := sc.Serve(sc.tb.Context(), name); err != nil {
		sc.tb.Fatal(err)
	}
}

// pair is two hubs on one PostgreSQL database.
func pair(t *testing.T) (a, b *scene) {
	t.Helper()
	storetest.OwnServer(t)
	a = newScene(t)
	a.serve("a")
	return a, a.beside("b")
}

func TestANameHasOneHub(t *testing.T) {
	a, _ := pair(t)
	c := a.beside("")
	if err := c.Serve(t.Context(), "b"); !errors.Is(err, postgres.ErrNameTaken) {
		t.Errorf("a second hub named b: %v", err)
	}
	if err := c.Serve(t.Context(), "c"); err != nil {
		t.Error(err)
	}
}

func TestSQLiteHasOneHub(t *testing.T) {
	storetest.SQLite(t)
	sc := newScene(t)
	sc.serve("a")
	if shared, err := sc.Neighbours(); shared || err != nil {
		t.Errorf("shared %v, %v", shared, err)
	}
}

// Facts are kept in memory: what changes them through another hub must be seen
// by the next record.
func TestFactsChangedThroughAnotherHubAreSeen(t *testing.T) {
	a, b := pair(t)
	sale := vend()
	a.came(record("j", 1, wire.KindSale, &sale))
	b.do(`UPDATE plan_column SET name='Капучино' WHERE machine_id='m'`)
	a.came(record("j", 2, wire.KindSale, &sale))
	jobs := a.jobs()
	if len(jobs) != 2 || jobs[0].doc.Items[0].Name != "Эспрессо" || jobs[1].doc.Items[0].Name != "Капучино" {
		t.Errorf("jobs %+v", jobs)
	}
}

func TestCommitsOfAnotherHubAreTold(t *testing.T) {
	a, b := pair(t)
	ch, cancel := a.Changed()
	defer cancel()
	for i := range 3 {
		b.do(`INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, fmt.Sprint("told", i), "x")
		for n := -1; n != i+1; { // a tick may come first
			<-ch
			n = a.count(`SELECT count(*) FROM operator WHERE name='x'`)
		}
	}
}

// TestFeedsSkipNothing: numbers of rows are given before they are committed.
// Whoever reads on from the newest number it saw must not miss one.
func TestFeedsSkipNothing(t *testing.T) {
	a, b := pair(t)
	const each = 150
	var wg sync.WaitGroup
	for i, s := range []*scene{a, b} {
		wg.Go(func() {
			for n := range each {
				err := s.Write(context.Background(), func(tx *sql.Tx) error {
					for k := range 3 {
						if _, err := tx.Exec(`INSERT INTO incident(operator_id,subject,code,severity,opened_at,last_at) VALUES ('op',?,'x','info',1,1)`,
							fmt.Sprintf("%d/%d/%d", i, n, k)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	last, seen := int64(0), 0
	for ended := false; ; {
		ids, err := listOf(t.Context(), a.r, func(r *sql.Rows, id *int64) error { return r.Scan(id) }, `SELECT id FROM incident WHERE id>? ORDER BY id`, last)
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(ids); len(ids) > 0 {
			last = ids[len(ids)-1]
		} else if ended {
			break
		}
		select {
		case <-done:
			ended = true
		default:
		}
	}
	if seen != 2*each*3 {
		t.Errorf("%d rows followed, %d written", seen, 2*each*3)
	}
}

func TestRunningCountsOfTwoHubsAdd(t *testing.T) {
	a, b := pair(t)
	a.agent("a2")
	a.do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a2','m',1)`)
	var wg sync.WaitGroup
	for agent, s := range map[string]*scene{"a1": a, "a2": b} {
		wg.Go(func() {
			for seq := int64(1); seq <= 50; seq++ {
				sale := vend()
				s.take(agent, s.arrival(record("j"+agent, seq, wire.KindSale, &sale), 0))
			}
		})
	}
	wg.Wait()
	n, err := a.Tally(t.Context(), "op")
	if err != nil || n["record"] != 100 || n["sale"] != 100 || n["job:queued"] != 100 {
		t.Errorf("counts %v, %v", n, err)
	}
}

func (sc *scene) online(agent string) (on bool) {
	sc.tb.Helper()
	if err := sc.r.QueryRow(`SELECT online FROM agent_state WHERE agent_id=?`, agent).Scan(&on); err != nil {
		sc.tb.Fatal(err)
	}
	return on
}

func (sc *scene) greet(agent, session string) {
	sc.tb.Helper()
	if _, err := sc.Greet(sc.tb.Context(), "op", agent, wire.Hello{V: 1, Journal: "j" + agent, Session: session}); err != nil {
		sc.tb.Fatal(err)
	}
}

// An agent that went over to another hub is not darkened by the one it left.
func TestAnAgentIsWhereItSpokeLast(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	a.greet("a1", "s1")
	b.greet("a1", "s2")
	if err := a.NoteGone(ctx, "op", "a1"); err != nil {
		t.Fatal(err)
	}
	if err := a.NoteAllGone(ctx); err != nil {
		t.Fatal(err)
	}
	if !b.online("a1") {
		t.Error("the hub it left has marked it offline")
	}
	at := func(s *scene) int {
		all, err := s.AgentsOnline(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if at(a) != 0 || at(b) != 1 {
		t.Errorf("a has %d agents, b %d", at(a), at(b))
	}
	if err := b.NoteGone(ctx, "op", "a1"); err != nil || b.online("a1") {
		t.Errorf("its own hub can't mark it offline: %v", err)
	}
}

// Agents of a hub that died count as offline when it has not been seen for long.
func TestAgentsOfADeadHubAreOffline(t *testing.T) {
	a, b := pair(t)
	b.greet("a1", "s1")
	look := func() {
		t.Helper()
		if _, err := a.Watch(t.Context(), Patience{Gap: time.Hour, Silence: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	a.advance(hubGone)
	look()
	if a.online("a1") {
		t.Fatal("an agent of a hub not seen for long is online")
	}
	b.advance(hubGone + time.Second)
	b.greet("a1", "s2")
	if _, err := b.Watch(t.Context(), Patience{Gap: time.Hour, Silence: time.Hour}); err != nil {
		t.Fatal(err)
	}
	look()
	if !a.online("a1") {
		t.Error("an agent of a living hub is offline")
	}
}

func TestJobsMovedElsewhereAreTold(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	from, err := a.LastHistory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a.greet("a1", "s1")
	sale := vend()
	a.came(record("ja1", 1, wire.KindSale, &sale))
	job := a.jobs()[0].id
	if jobs, last, err := a.Moved(ctx, from); err != nil || len(jobs) != 0 || last <= from {
		t.Errorf("its own work is told: %v to %d, %v", jobs, last, err)
	}
	if _, err := b.DropJob(ctx, job, "x", "y"); err != nil {
		t.Fatal(err)
	}
	jobs, last, err := a.Moved(ctx, from)
	if err != nil || !slices.Equal(jobs, []string{job}) {
		t.Errorf("moved by b, told at a: %v, %v", jobs, err)
	}
	if jobs, _, err := b.Moved(ctx, from); err != nil || len(jobs) != 0 {
		t.Errorf("told at b, where the agent is not: %v, %v", jobs, err)
	}
	if jobs, _, err := a.Moved(ctx, last); err != nil || len(jobs) != 0 {
		t.Errorf("told again: %v, %v", jobs, err)
	}
}

func TestBarredThroughAnotherHub(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	a.greet("a1", "s1")
	barred := func() int {
		t.Helper()
		all, err := a.Barred(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := barred(); n != 0 {
		t.Fatalf("%d barred at first", n)
	}
	if _, err := b.RenewSecret(ctx, "op", "a1"); err != nil {
		t.Fatal(err)
	}
	if n := barred(); n != 1 {
		t.Errorf("%d barred after the secret was renewed", n)
	}
	a.greet("a1", "s2")
	if n := barred(); n != 0 {
		t.Errorf("%d barred after a hello under the new secret", n)
	}
	if err := b.RevokeAgent(ctx, "op", "a1"); err != nil {
		t.Fatal(err)
	}
	if n := barred(); n != 1 {
		t.Errorf("%d barred after the agent was revoked", n)
	}
}

// A backlog is settled where its agent is; what a dead hub left, anywhere.
func TestLandedRecordsAreSettledWhereTheirAgentIs(t *testing.T) {
	a, b := pair(t)
	b.greet("a1", "s1")
	b.take("a1", b.vends("ja1", 1, 20)...)
	a.settleLanded()
	if n := a.count(`SELECT count(*) FROM record`); n != 0 {
		t.Fatalf("%d records settled at the wrong hub", n)
	}
	if err := b.NoteAllGone(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.settleLanded()
	b.settleLanded()
	if n := a.count(`SELECT count(*) FROM record`); n != 20 || a.waiting.Load() != 0 || b.waiting.Load() != 0 {
		t.Errorf("%d records, %d and %d wait", n, a.waiting.Load(), b.waiting.Load())
	}
}

func (sc *scene) sharedLane(id string) {
	sc.tb.Helper()
	sc.do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,created_at) VALUES (?,'op','s',?,'x://','1.2',1,'UTC',1)`, id, id)
}

// A lane goes over only after its lease and the longest command; the one who
// lost it can write nothing.
func TestALaneGoesOver(t *testing.T) {
	a, b := pair(t)
	a.sharedLane("l")
	ctx := t.Context()
	const ttl, rest = time.Minute, 2 * time.Minute
	ha, err := a.TakeLane(ctx, "l", "a", ttl, rest)
	if err != nil {
		t.Fatal(err)
	}
	var leased *LeasedError
	for _, d := range []time.Duration{0, ttl, rest - time.Millisecond} {
		b.advance(d)
		if _, err := b.TakeLane(ctx, "l", "b", ttl, rest); !errors.As(err, &leased) || leased.Holder != "a" {
			t.Fatalf("taken over too early: %v", err)
		}
	}
	b.advance(time.Millisecond)
	hb, err := b.TakeLane(ctx, "l", "b", ttl, rest)
	if err != nil || hb.Fence <= ha.Fence {
		t.Fatalf("taken over: %+v, %v", hb, err)
	}
	for what, err := range map[string]error{
		"keep":  a.KeepLane(ctx, ha),
		"state": a.SetLaneState(ctx, ha, "ok", "", ""),
		"give":  a.ReleaseLane(ctx, ha),
	} {
		if !errors.Is(err, ErrFenced) {
			t.Errorf("%s by the one who lost it: %v", what, err)
		}
	}
	if err := b.KeepLane(ctx, hb); err != nil {
		t.Error(err)
	}
}

// Hubs whose clocks differ agree by the server's.
func TestLeasesRunByTheServersClock(t *testing.T) {
	a, b := pair(t)
	a.sharedLane("l")
	a.ServerClock()
	b.ServerClock()
	ctx := t.Context()
	if _, err := a.TakeLane(ctx, "l", "a", time.Minute, time.Minute); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Hour) // its clock is wrong
	var leased *LeasedError
	if _, err := b.TakeLane(ctx, "l", "b", time.Minute, time.Minute); !errors.As(err, &leased) {
		t.Fatalf("taken over by a clock that is ahead: %v", err)
	}
	if wait := time.UnixMilli(leased.Until).Sub(b.now()); wait <= 0 || wait > 2*time.Minute {
		t.Errorf("told to wait %s by its own clock", wait)
	}
}

// A hub that is suspended inside a write loses it, others go on, and its write
// is made anew when it wakes.
func TestASuspendedHubHoldsNobodyUp(t *testing.T) {
	storetest.OwnServer(t)
	sc := newScene(t)
	slow, err := Open(t.Context(), sc.address+"&idle_in_transaction_session_timeout=300", sc.now)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	begun, goOn := make(chan struct{}), make(chan struct{})
	runs := 0
	result := make(chan error, 1)
	go func() {
		result <- slow.Write(context.Background(), func(tx *sql.Tx) error {
			if runs++; runs == 1 {
				if err := addOperator("first try")(tx); err != nil {
					return err
				}
				close(begun)
				<-goOn
			}
			return addOperator("slow")(tx)
		})
	}()
	<-begun
	sc.do(`INSERT INTO operator(id,name,created_at) VALUES ('other','x',1)`) // waits for the server to end the other's transaction
	close(goOn)
	if err := <-result; err != nil || runs != 2 {
		t.Errorf("the suspended write ran %d times: %v", runs, err)
	}
	if n := sc.count(`SELECT count(*) FROM operator WHERE id IN ('other','slow')`); n != 2 || sc.count(`SELECT count(*) FROM operator WHERE id='first try'`) != 0 {
		t.Errorf("%d of 2 rows, and what was undone is not", n)
	}
}
