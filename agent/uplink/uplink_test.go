package uplink

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

func TestDelivers(t *testing.T) {
	h := newHub(t, nil)
	s := start(t, h, t.TempDir(), nil)
	s.sell(3)
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
	h.until(t, "hello and state", func() bool { return len(h.hellos) > 0 && len(h.states) > 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if he := h.hellos[0]; he.V != 1 || he.Session == "" || he.Boot == "" || he.Journal == "" {
		t.Errorf("hello %+v", he)
	}
	if st := h.states[0]; !st.Online || st.Session != h.hellos[0].Session || st.Screen != "idle" {
		t.Errorf("state %+v", st)
	}
	for id, of := range h.stored {
		for seq, body := range of {
			o, err := s.j.Outgoing(journal.Key{Epoch: 1, Seq: seq})
			if err != nil || string(o.Body) != string(body) {
				t.Errorf("record %s/%d came as %s, the journal has %s (%v)", id, seq, body, o.Body, err)
			}
		}
	}
}

// TestFaultyLink loses, doubles and cuts at random: every record arrives, each
// is acknowledged, none is refused.
func TestFaultyLink(t *testing.T) {
	h := newHub(t, nil)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	one := func(in int) func() bool { return func() bool { return r.IntN(in) == 0 } }
	h.drop, h.mute, h.twice, h.reset = one(10), one(10), one(4), one(60)
	s := start(t, h, t.TempDir(), func(c *Config) { c.Patience, c.Greeting = 50*time.Millisecond, 50*time.Millisecond })
	const n = 150
	for range n / 10 {
		s.sell(10)
	}
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.stored) != 1 {
		t.Fatalf("journals: %d", len(h.stored))
	}
	for id, of := range h.stored {
		if len(of) != n || len(h.refused[id]) != 0 {
			t.Errorf("the hub has %d of %d, refused %d", len(of), n, len(h.refused[id]))
		}
	}
}

func TestSilentHubStillGetsRecords(t *testing.T) {
	h := newHub(t, nil)
	h.silent = true
	s := start(t, h, t.TempDir(), nil)
	s.sell(2)
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
	h.until(t, "hello is repeated", func() bool { return len(h.hellos) > 1 })
}

// TestDeafConnectionIsGivenUp: the broker takes all and the hub's words do not
// come, as when a subscription was lost; a new connection helps.
func TestDeafConnectionIsGivenUp(t *testing.T) {
	h := newHub(t, nil)
	deaf := true
	h.mute = func() bool { return deaf }
	s := start(t, h, t.TempDir(), func(c *Config) { c.Greeting = 20 * time.Millisecond })
	s.sell(2)
	h.until(t, "another session", func() bool { return len(h.hellos) > 0 && h.hellos[len(h.hellos)-1].Session != h.hellos[0].Session })
	h.change(func() { deaf = false })
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
}

func TestRefusedIsNotSentAgain(t *testing.T) {
	h := newHub(t, nil)
	h.refuse = func(r wire.Record) string {
		if r.Seq == 2 {
			return wire.RefusedAmount
		}
		return ""
	}
	s := start(t, h, t.TempDir(), nil)
	s.sell(3)
	h.until(t, "all settled", func() bool { return s.unacked() == 0 })
	s.stop()
	s = start(t, h, s.dir, nil)
	s.sell(1)
	h.until(t, "the fourth", func() bool { return s.unacked() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := count(h.order, 2); n != 1 {
		t.Errorf("the refused record was sent %d times", n)
	}
	if len(h.stored) != 1 {
		t.Errorf("a refusal for its content began a new journal")
	}
}

func count(s []int64, x int64) (n int) {
	for _, v := range s {
		if v == x {
			n++
		}
	}
	return n
}

func TestJournalRestoredFromBackup(t *testing.T) {
	h := newHub(t, nil)
	dir := t.TempDir()
	s := start(t, h, dir, nil)
	old := heads(t, s.j).Journal
	s.stop()
	h.upto[old] = 40 // the hub had 40 before the card was put back
	s = start(t, h, dir, nil)
	h.until(t, "a new journal", func() bool { return heads(t, s.j).Journal != old })
	s.sell(1)
	h.until(t, "its records come", func() bool { return s.unacked() == 0 && len(h.stored[heads(t, s.j).Journal]) == 2 })
	h.mu.Lock()
	defer h.mu.Unlock()
	var first wire.Record
	must(t, json.Unmarshal(h.stored[heads(t, s.j).Journal][1], &first))
	if first.Incident == nil || first.Incident.Code != journal.WhyRestored {
		t.Errorf("first record %+v", first)
	}
	if last := h.hellos[len(h.hellos)-1]; last.Journal == old {
		t.Errorf("the hub was not told: %+v", last)
	}
}

// TestCloneNumbersAreNotTaken: the backup was restored below what the hub has,
// and the agent sold offline beyond it, so the heads alone do not tell.
func TestCloneNumbersAreNotTaken(t *testing.T) {
	h := newHub(t, nil)
	dir := t.TempDir()
	s := start(t, h, dir, nil)
	old := heads(t, s.j).Journal
	s.stop()
	h.stored[old], h.refused[old] = map[int64][]byte{1: []byte(`{}`), 2: []byte(`{}`)}, map[int64]string{}
	j := reopen(t, dir)
	for range 3 {
		sell(t, j, 0)
	}
	must(t, j.Close())
	s = start(t, h, dir, nil)
	h.until(t, "settled under a new journal", func() bool { return heads(t, s.j).Journal != old && s.unacked() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused[old][1] != wire.RefusedConflict || h.refused[old][2] != wire.RefusedConflict || h.stored[old][3] == nil {
		t.Errorf("refused %v, stored %d", h.refused[old], len(h.stored[old]))
	}
}

func TestHubRestoredFromBackup(t *testing.T) {
	h := newHub(t, nil)
	s := start(t, h, t.TempDir(), nil)
	s.sell(5)
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
	s.stop()
	h.change(func() {
		for _, of := range h.stored {
			delete(of, 2)
			delete(of, 4)
			delete(of, 5)
		}
	})
	s = start(t, h, s.dir, nil)
	h.until(t, "all are back", func() bool {
		for _, of := range h.stored {
			if len(of) != 5 {
				return false
			}
		}
		return s.unacked() == 0
	})
}

func TestYoungOvertakesTheBacklog(t *testing.T) {
	h := newHub(t, nil)
	dir := t.TempDir()
	j := reopen(t, dir)
	for range 100 {
		sell(t, j, time.Hour)
	}
	sell(t, j, 0)
	must(t, j.Close())
	s := start(t, h, dir, func(c *Config) { c.Window = 4 })
	h.until(t, "all acknowledged", func() bool { return s.unacked() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := slices.Index(h.order, 101); at != 0 {
		t.Errorf("the young sale came as number %d", at)
	}
	if h.ages[1] < time.Hour.Milliseconds() || h.ages[101] > time.Minute.Milliseconds() {
		t.Errorf("ages %d and %d ms", h.ages[1], h.ages[101])
	}
	if len(h.order) > 150 {
		t.Errorf("%d messages for 101 records", len(h.order))
	}
}

func TestDownlink(t *testing.T) {
	h := newHub(t, nil)
	s := start(t, h, t.TempDir(), nil)
	seq := s.sell(1)[0]
	h.until(t, "acknowledged", func() bool { return s.unacked() == 0 })
	id := heads(t, s.j).Journal
	h.send(wire.DownReceipt, wire.Receipt{V: 1, Journal: id, Seq: seq, State: wire.FiscalDone, QR: "t=1"})
	h.send(wire.DownReceipt, wire.Receipt{V: 1, Journal: "nobody", Seq: 1, State: wire.FiscalDone})
	h.send(wire.DownReceipt, wire.Receipt{V: 9, Journal: id, Seq: seq, State: wire.FiscalDone})
	h.send(wire.DownConfig, "rubbish")
	h.send(wire.DownConfig, wire.Config{V: 1, Version: 7, Serial: "A-1"})
	h.send(wire.DownCommand, wire.Command{V: 1, ID: "c1", Kind: "identify", Expires: time.Now().Add(time.Hour)})
	h.send(wire.DownCommand, wire.Command{V: 1, ID: "c1", Kind: "identify", Expires: time.Now().Add(time.Hour)})
	h.send(wire.DownCommand, wire.Command{V: 1, ID: "c2", Kind: "restart", Expires: time.Now().Add(-time.Hour)})
	h.until(t, "results", func() bool {
		return len(h.states) > 0 && len(h.states[len(h.states)-1].Results) == 2
	})
	h.mu.Lock()
	st := h.states[len(h.states)-1]
	h.mu.Unlock()
	if st.Config != 7 || !st.Results[0].OK || st.Results[1].OK || st.Results[1].Detail != "expired" {
		t.Errorf("state %+v", st)
	}
	s.m.locked(func() {
		if len(s.m.told) != 1 || s.m.told[0].QR != "t=1" || len(s.m.commands) != 1 || len(s.m.configs) != 1 || !s.m.up {
			t.Errorf("machine %+v", s.m)
		}
	})
	if w, err := s.j.Waiting(10); len(w) != 0 || err != nil {
		t.Errorf("waiting %v %v", w, err)
	}
	if c, err := Kept(s.j); c.Version != 7 || err != nil {
		t.Errorf("kept %+v %v", c, err)
	}
	// Mounted elsewhere: the old journal drains, a new one begins.
	h.send(wire.DownConfig, wire.Config{V: 1, Version: 8, Serial: "B-2"})
	h.until(t, "a new journal", func() bool { return heads(t, s.j).Journal != id && s.unacked() == 0 })
}

func TestShownIsToldOnce(t *testing.T) {
	h := newHub(t, nil)
	s := start(t, h, t.TempDir(), func(c *Config) { c.Every = 50 * time.Millisecond })
	seq := s.sell(1)[0]
	id := heads(t, s.j).Journal
	must(t, s.j.Shown(wire.Shown{Journal: id, Seq: seq, Result: "shown", AfterMS: 321}))
	s.u.Changed()
	h.until(t, "told", func() bool { u, err := s.j.Untold(9); return err == nil && len(u) == 0 })
	s.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, st := range h.states {
		n += len(st.Shown)
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
	if last := h.states[len(h.states)-1]; last.Online {
		t.Errorf("last words %+v", last)
	}
}

func TestWillNamesTheSession(t *testing.T) {
	h := newHub(t, nil)
	cut := false
	h.reset = func() bool { c := cut; cut = false; return c }
	s := start(t, h, t.TempDir(), nil)
	s.sell(1)
	h.until(t, "acknowledged", func() bool { return s.unacked() == 0 })
	h.change(func() { cut = true })
	s.sell(1)
	h.until(t, "a will and a new session", func() bool { return len(h.wills) > 0 && len(h.hellos) > 1 && s.unacked() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wills[0].Online || h.wills[0].Session != h.hellos[0].Session || h.hellos[0].Session == h.hellos[1].Session {
		t.Errorf("will %+v, hellos %+v", h.wills, h.hellos)
	}
}

// TestBytesPerSale measures the traffic of a sale on an established TLS
// connection (budget: 1.5 KB both ways).
func TestBytesPerSale(t *testing.T) {
	conf, ca := selfSigned(t)
	h := newHub(t, conf)
	trust, err := TLS(ca, "", "")
	must(t, err)
	s := start(t, h, t.TempDir(), func(c *Config) {
		c.URL, c.TLS = strings.Replace(h.url(), "mqtt:", "mqtts:", 1), trust
	})
	id := heads(t, s.j).Journal
	sale := func() {
		seq := s.sell(1)[0]
		h.until(t, "acknowledged", func() bool { return s.unacked() == 0 })
		h.send(wire.DownReceipt, wire.Receipt{V: 1, Journal: id, Seq: seq, State: wire.FiscalDone, Sent: time.Now(),
			QR: "t=20261121T1015&s=75.00&fn=9999078900001234&i=1187&fp=3522207165&n=1", FN: "9999078900001234", FD: 1187,
			FP: 3522207165, At: "2026-11-21T10:15", Item: "Вода питьевая негазированная 0,5 л", Minor: 7500})
		h.until(t, "receipt", func() bool { w, err := s.j.Waiting(1); return err == nil && len(w) == 0 })
		// What was shown rides with a regular state: {"journal":…,"seq":…,"after_ms":…,"result":"shown"}
	}
	sale() // the handshake and the first state
	before := h.ln.n.Load()
	sale()
	bytes := h.ln.n.Load() - before
	bytes += int64(len(`,{"journal":"0123456789abcdef","seq":123456,"after_ms":1234,"result":"shown"}`))
	t.Logf("one sale: %d bytes both ways", bytes)
	if bytes > 1500 {
		t.Errorf("one sale took %d bytes", bytes)
	}
}

func TestWrongSecretIsTriedAgain(t *testing.T) {
	h := newHub(t, nil)
	s := start(t, h, t.TempDir(), func(c *Config) { c.Secret = "wrong" })
	s.sell(1)
	s.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.hellos) != 0 {
		t.Error("let in")
	}
}

func TestTLSFiles(t *testing.T) {
	_, ca := selfSigned(t)
	if c, err := TLS(ca, "", ""); err != nil || c.RootCAs == nil {
		t.Errorf("%v", err)
	}
	for _, bad := range [][3]string{{"no such file"}, {"uplink_test.go"}, {"", "no", "no"}} {
		if _, err := TLS(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v taken", bad)
		}
	}
}

// TestOnlyWhatWasSentIsSettled: whatever the hub says, a record that this
// connection has not sent is never counted as delivered, one the hub lists as
// missing is not either, and each sent one is settled at most once.
func TestOnlyWhatWasSentIsSettled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWindow(8, 1000)
		seqs := rapid.SliceOfNDistinct(rapid.Int64Range(1, 30), 0, 12, rapid.ID).Draw(rt, "sent")
		for _, s := range seqs {
			w.sent[journal.Key{Epoch: 1, Seq: s}] = shot{at: 0, tries: 1}
		}
		w.sent[journal.Key{Epoch: 2, Seq: 1}] = shot{tries: 1}
		a := wire.Ack{Upto: rapid.Int64Range(0, 40).Draw(rt, "upto"), Session: rapid.SampledFrom([]string{"", "s", "x"}).Draw(rt, "session")}
		for range rapid.IntRange(0, 3).Draw(rt, "holes") {
			from := rapid.Int64Range(1, 30).Draw(rt, "from")
			a.Missing = append(a.Missing, wire.Range{from, from + rapid.Int64Range(0, 4).Draw(rt, "len")})
		}
		for range rapid.IntRange(0, 3).Draw(rt, "refusals") {
			a.Refused = append(a.Refused, wire.Refusal{Seq: rapid.Int64Range(1, 30).Draw(rt, "seq"), Code: "x"})
		}
		v := judge(a, 1, 30, "s", w, 500)
		missing := func(s int64) bool {
			return slices.ContainsFunc(a.Missing, func(r wire.Range) bool { return r[0] <= s && s <= r[1] })
		}
		seen := map[int64]bool{}
		for _, s := range v.Stored {
			if !slices.Contains(seqs, s) || s > a.Upto || missing(s) || seen[s] {
				rt.Fatalf("%d settled: sent %v, ack %+v", s, seqs, a)
			}
			seen[s] = true
		}
		for _, r := range v.Refused {
			if !slices.Contains(seqs, r.Seq) || seen[r.Seq] {
				rt.Fatalf("%d refused: sent %v, ack %+v", r.Seq, seqs, a)
			}
			seen[r.Seq] = true
		}
		if _, ok := w.sent[journal.Key{Epoch: 2, Seq: 1}]; !ok {
			rt.Fatal("another journal's record was settled")
		}
		for _, s := range seqs {
			if _, out := w.sent[journal.Key{Epoch: 1, Seq: s}]; out == seen[s] {
				rt.Fatalf("%d: settled %v, still out %v", s, seen[s], out)
			}
		}
	})
}

// TestAnswerToHelloSettlesNoDoubtfulRecord: a hello that is said again while a
// doubtful record is out is answered by what the hub had, perhaps from another
// device under the same number. Only an ack of the record itself settles it.
func TestAnswerToHelloSettlesNoDoubtfulRecord(t *testing.T) {
	w := newWindow(8, 1000)
	w.greeted(1, 5, nil) // the hub had 1..5 when this connection began
	doubtful, ours := journal.Key{Epoch: 1, Seq: 3}, journal.Key{Epoch: 1, Seq: 7}
	w.sent[doubtful], w.sent[ours] = shot{tries: 1}, shot{tries: 1}
	if v := judge(wire.Ack{Upto: 7, Session: "s"}, 1, 7, "s", w, 500); !slices.Equal(v.Stored, []int64{7}) {
		t.Errorf("the answer to a hello settled %v, want only 7", v.Stored)
	}
	if v := judge(wire.Ack{Upto: 7}, 1, 7, "s", w, 500); !slices.Equal(v.Stored, []int64{3}) {
		t.Errorf("the ack of the record settled %v, want 3", v.Stored)
	}
}

func heads(t testing.TB, j *journal.Journal) journal.Heads {
	t.Helper()
	h, err := j.Heads()
	must(t, err)
	return h
}

func reopen(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, clockSystem)
	must(t, err)
	return j
}
