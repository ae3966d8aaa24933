package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
)

func refusedArrival(sc *scene, seq int64, code string) Arrival {
	r := record("j", seq, wire.KindSale, nil)
	a := sc.arrival(r, 0)
	a.Code, a.Detail = code, "why"
	return a
}

func TestAckTellsWhatIsHere(t *testing.T) {
	type step struct {
		seqs    []int64
		upto    int64
		missing []wire.Range
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{[]int64{1, 2, 3}, 3, nil}, {[]int64{4}, 4, nil}}},
		{"a hole, filled from its middle", []step{
			{[]int64{1, 7}, 7, []wire.Range{{2, 6}}},
			{[]int64{4}, 7, []wire.Range{{2, 3}, {5, 6}}},
			{[]int64{2}, 7, []wire.Range{{3, 3}, {5, 6}}},
			{[]int64{6, 5}, 7, []wire.Range{{3, 3}}},
			{[]int64{3}, 7, nil},
			{[]int64{8}, 8, nil}}},
		{"begins late", []step{{[]int64{5}, 5, []wire.Range{{1, 4}}}}},
		{"repeated", []step{{[]int64{1, 1, 2, 1}, 2, nil}, {[]int64{2}, 2, nil}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			s := vend()
			for i, st := range c.steps {
				var batch []Arrival
				for _, seq := range st.seqs {
					batch = append(batch, sc.arrival(record("j", seq, wire.KindSale, &s), 0))
				}
				want := []wire.Ack{{V: 1, Journal: "j", Upto: st.upto, Missing: st.missing}}
				if diff := cmp.Diff(want, sc.take("a1", batch...).Acks); diff != "" {
					t.Errorf("step %d: %s", i, diff)
				}
			}
		})
	}
}

func TestAckListsAtMostHundredHoles(t *testing.T) {
	sc := newScene(t)
	s := vend()
	var batch []Arrival
	for seq := int64(2); seq <= 300; seq += 2 {
		batch = append(batch, sc.arrival(record("j", seq, wire.KindSale, &s), 0))
	}
	a := sc.take("a1", batch...).Acks[0]
	if len(a.Missing) != 100 || a.Upto != 200 || a.Missing[99] != (wire.Range{199, 199}) {
		t.Errorf("upto %d with %d holes, last %v", a.Upto, len(a.Missing), a.Missing[len(a.Missing)-1])
	}
}

func TestSameNumberOtherContent(t *testing.T) {
	sc := newScene(t)
	s, other := vend(), vend()
	other.Column = 6
	sc.came(record("j", 1, wire.KindSale, &s))
	want := []wire.Refusal{{Seq: 1, Code: wire.RefusedConflict}}
	for i := range 2 {
		got := sc.came(record("j", 1, wire.KindSale, &other))
		if diff := cmp.Diff(want, got.Acks[0].Refused); diff != "" || got.Acks[0].Upto != 1 || got.Stored != 0 {
			t.Errorf("%+v %s", got, diff)
		}
		if (got.Kept == 1) != (i == 0) {
			t.Errorf("round %d: kept %d", i, got.Kept)
		}
	}
	if _, open := sc.incidents()["agent:op/a1 "+SeqConflict]; !open {
		t.Errorf("incidents %v", sc.incidents())
	}
	if len(sc.jobs()) != 1 {
		t.Errorf("%d jobs", len(sc.jobs()))
	}
	if got := sc.came(record("j", 1, wire.KindSale, &s)); got.Again != 1 || len(got.Acks[0].Refused) != 0 {
		t.Errorf("the first content again: %+v", got)
	}
}

func TestQuarantineCountsAsCome(t *testing.T) {
	sc := newScene(t)
	s := vend()
	bad := refusedArrival(sc, 2, wire.RefusedAmount)
	got := sc.take("a1", sc.arrival(record("j", 1, wire.KindSale, &s), 0), bad, sc.arrival(record("j", 3, wire.KindSale, &s), 0))
	want := []wire.Ack{{V: 1, Journal: "j", Upto: 3, Refused: []wire.Refusal{{Seq: 2, Code: wire.RefusedAmount}}}}
	if diff := cmp.Diff(want, got.Acks); diff != "" {
		t.Error(diff)
	}
	if got := sc.take("a1", bad); got.Kept != 0 || len(got.Acks[0].Refused) != 1 {
		t.Errorf("sent again: %+v", got)
	}
	q, err := sc.QuarantineByID(context.Background(), 1)
	if err != nil || string(q.Raw) != string(bad.Raw) || q.Reason != wire.RefusedAmount {
		t.Errorf("%+v, %v", q, err)
	}
	g, err := sc.Greet(context.Background(), "op", "a1", wire.Hello{V: 1, Journal: "j", Head: 3, Oldest: 1, Waiting: []int64{2}})
	if err != nil || len(g.Ack.Refused) != 1 || len(g.Owed) != 1 || g.Owed[0].State != wire.FiscalHeld || g.Owed[0].Reason != wire.RefusedAmount {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestRetake(t *testing.T) {
	ctx := context.Background()
	sc := newScene(t)
	s := vend()
	r := record("j", 1, wire.KindSale, &s)
	a := sc.arrival(r, 10*time.Minute)
	a.Code = wire.RefusedVersion
	sc.take("a1", a)
	sold := sc.Now() - (10 * time.Minute).Milliseconds()
	sc.advance(48 * time.Hour)
	if _, err := sc.Retake(ctx, 1, a, "x"); !errors.Is(err, ErrStillRefused) {
		t.Errorf("not understood yet: %v", err)
	}
	a.Code = ""
	got, err := sc.Retake(ctx, 1, a, "x")
	if err != nil || got.Stored != 1 || got.Jobs != 1 || got.Acks[0].Upto != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	var at int64
	if err := sc.r.QueryRow(`SELECT sold_at FROM job`).Scan(&at); err != nil || at != sold {
		t.Errorf("sold at %d, %v; want %d: the age counts from when it was received", at, err, sold)
	}
	if _, err := sc.Retake(ctx, 1, a, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("taken in twice: %v", err)
	}
	if got := sc.came(r); got.Again != 1 || len(got.Acks[0].Refused) != 0 {
		t.Errorf("the agent sends it again: %+v", got)
	}
	if _, open := sc.incidents()["agent:op/a1 "+Quarantined]; open {
		t.Error("the incident stays though nothing is left in quarantine")
	}
}

func TestRetakeOfAConflictIsRefused(t *testing.T) {
	sc := newScene(t)
	s, other := vend(), vend()
	other.Column = 6
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.came(record("j", 1, wire.KindSale, &other))
	if _, err := sc.Retake(context.Background(), 1, sc.arrival(record("j", 1, wire.KindSale, &other), 0), "x"); !errors.Is(err, ErrStillRefused) {
		t.Errorf("%v", err)
	}
	if err := sc.PutAside(context.Background(), "op", 1, "клон", "Анна"); err != nil {
		t.Error(err)
	}
}

func TestJournalOfAnotherAgent(t *testing.T) {
	sc := newScene(t)
	sc.agent("a2")
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	got := sc.take("a2", sc.arrival(record("j", 2, wire.KindSale, &s), 0))
	if a := got.Acks[0]; a.Upto != 0 || len(a.Refused) != 1 || a.Refused[0].Code != wire.RefusedForeign || got.Kept != 1 {
		t.Errorf("%+v", got)
	}
	for _, who := range []string{"a1", "a2"} {
		if _, open := sc.incidents()["agent:op/"+who+" "+JournalCloned]; !open {
			t.Errorf("no incident of %s: %v", who, sc.incidents())
		}
	}
	g, err := sc.Greet(context.Background(), "op", "a2", wire.Hello{V: 1, Journal: "j", Head: 2, Session: "s"})
	if err != nil || g.Ack.Upto != 0 {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestHelloFindsRestoredAndClonedDisks(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		hellos []wire.Hello
		want   string
	}{
		{"reboot", []wire.Hello{{Head: 3, Boot: "b1"}, {Head: 3, Boot: "b2"}, {Head: 4, Boot: "b2"}}, ""},
		{"behind what was stored", []wire.Hello{{Head: 2, Boot: "b1"}}, JournalBehind},
		{"behind what it declared", []wire.Hello{{Head: 9, Boot: "b1"}, {Head: 8, Boot: "b2"}}, JournalBehind},
		{"two devices in turn", []wire.Hello{{Head: 3, Boot: "b1"}, {Head: 3, Boot: "b2"}, {Head: 3, Boot: "b1"}}, JournalCloned},
		{"head of the journal gone", []wire.Hello{{Head: 9, Oldest: 6, Boot: "b1"}}, RecordsGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			s := vend()
			for seq := range int64(3) {
				sc.came(record("j", seq+1, wire.KindSale, &s))
			}
			for _, h := range c.hellos {
				h.V, h.Journal = 1, "j"
				if _, err := sc.Greet(ctx, "op", "a1", h); err != nil {
					t.Fatal(err)
				}
			}
			found := ""
			for k := range sc.incidents() {
				if code, ok := strings.CutPrefix(k, "agent:op/a1 "); ok {
					found += code
				}
			}
			if found != c.want {
				t.Errorf("incidents %q, want %q", found, c.want)
			}
		})
	}
}

func TestRecordsGoneAreNotAskedFor(t *testing.T) {
	sc := newScene(t)
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	g, err := sc.Greet(context.Background(), "op", "a1", wire.Hello{V: 1, Journal: "j", Head: 9, Oldest: 6})
	if err != nil || g.Ack.Upto != 5 || len(g.Ack.Missing) != 0 {
		t.Errorf("%+v, %v", g.Ack, err)
	}
	if got := sc.came(record("j", 8, wire.KindSale, &s)); got.Acks[0].Upto != 8 || len(got.Acks[0].Missing) != 1 || got.Acks[0].Missing[0] != (wire.Range{6, 7}) {
		t.Errorf("%+v", got.Acks)
	}
}

func TestANewJournalEndsTheAlarm(t *testing.T) {
	sc := newScene(t)
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	for _, h := range []wire.Hello{{V: 1, Journal: "j", Head: 0}, {V: 1, Journal: "j2", Head: 0}} {
		if _, err := sc.Greet(context.Background(), "op", "a1", h); err != nil {
			t.Fatal(err)
		}
	}
	if open := sc.incidents(); len(open) != 0 {
		t.Errorf("incidents %v", open)
	}
}

func TestWatch(t *testing.T) {
	ctx := context.Background()
	sc := newScene(t)
	s := vend()
	p := Patience{Gap: 30 * time.Second, Silence: 3 * time.Minute}
	look := func(wantGap, wantSilent bool) {
		t.Helper()
		if _, err := sc.Watch(ctx, p); err != nil {
			t.Fatal(err)
		}
		open := sc.incidents()
		if _, gap := open["agent:op/a1 "+RecordGap]; gap != wantGap {
			t.Errorf("gap %v, want %v: %v", gap, wantGap, open)
		}
		if _, silent := open["agent:op/a1 "+AgentSilent]; silent != wantSilent {
			t.Errorf("silent %v, want %v: %v", silent, wantSilent, open)
		}
	}
	hello := wire.Hello{V: 1, Journal: "j", Head: 3, Session: "s1"}
	if _, err := sc.Greet(ctx, "op", "a1", hello); err != nil {
		t.Fatal(err)
	}
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.came(record("j", 3, wire.KindSale, &s))
	look(false, false)
	sc.advance(31 * time.Second)
	look(true, false)
	sc.came(record("j", 2, wire.KindSale, &s))
	look(false, false)
	if _, err := sc.NoteState(ctx, "op", "a1", wire.State{V: 1, Session: "s1", Online: true, Head: 4}); err != nil {
		t.Fatal(err)
	}
	sc.advance(31 * time.Second)
	look(true, false) // written to 4, come to 3
	sc.advance(3 * time.Minute)
	look(true, true)
	if _, err := sc.Greet(ctx, "op", "a1", wire.Hello{V: 1, Journal: "j", Head: 4, Session: "s2"}); err != nil {
		t.Fatal(err)
	}
	look(false, false)
	sc.do(`UPDATE agent SET revoked_at=1`)
	sc.advance(time.Hour)
	if _, err := sc.Watch(ctx, p); err != nil {
		t.Fatal(err)
	}
	if _, silent := sc.incidents()["agent:op/a1 "+AgentSilent]; silent {
		t.Error("a revoked agent may be silent")
	}
}

// TestJournalKeepsEveryRecordOnce: whatever order, repetition, batching and
// refusal, every record is stored once, the ack says exactly what is here, and
// sending what it misses ends with all of it.
func TestJournalKeepsEveryRecordOnce(t *testing.T) {
	sc := newScene(t)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		name := "run" + rapid.StringMatching(`[a-z]{12}`).Draw(rt, "journal")
		n := rapid.Int64Range(1, 25).Draw(rt, "records")
		bad := rapid.Int64Range(1, 40).Draw(rt, "refused") // beyond n: none
		s := vend()
		make1 := func(seq int64) Arrival {
			a := sc.arrival(record(name, seq, wire.KindSale, &s), time.Duration(runs)*time.Second)
			if seq == bad {
				a.Code = wire.RefusedAmount
			}
			return a
		}
		have := map[int64]bool{}
		check := func(a wire.Ack) {
			missing := map[int64]bool{}
			for _, r := range a.Missing {
				for seq := r[0]; seq <= r[1]; seq++ {
					missing[seq] = true
				}
			}
			for seq := int64(1); seq <= n; seq++ {
				if said := seq <= a.Upto && !missing[seq]; said != have[seq] {
					rt.Fatalf("ack %+v says %v of %d, it is %v", a, said, seq, have[seq])
				}
			}
		}
		send := func(seqs []int64) {
			var batch []Arrival
			for _, seq := range seqs {
				batch = append(batch, make1(seq))
				have[seq] = true
			}
			check(sc.take("a1", batch...).Acks[0])
		}
		for range rapid.IntRange(1, 6).Draw(rt, "sendings") {
			if seqs := rapid.SliceOfN(rapid.Int64Range(1, n), 0, 12).Draw(rt, "seqs"); len(seqs) > 0 {
				send(seqs)
			}
		}
		for seq := int64(1); seq <= n; seq++ { // the agent comes back and sends what is not acknowledged
			if !have[seq] {
				send([]int64{seq})
			}
		}
		var stored, jobs, kept, holes int64
		if err := sc.r.QueryRow(`SELECT (SELECT count(*) FROM record WHERE journal_id=?1), (SELECT count(*) FROM job WHERE journal_id=?1),
			(SELECT count(*) FROM quarantine WHERE journal_id=?1), (SELECT count(*) FROM hole WHERE journal_id=?1)`, name).
			Scan(&stored, &jobs, &kept, &holes); err != nil {
			rt.Fatal(err)
		}
		refused := int64(0)
		if bad <= n {
			refused = 1
		}
		if stored != n-refused || jobs != stored || kept != refused || holes != 0 {
			rt.Fatalf("%d stored, %d jobs, %d in quarantine, %d holes of %d", stored, jobs, kept, holes, n)
		}
	})
}
