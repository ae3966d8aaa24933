package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/module"
)

// hand is a clock moved by hand.
type hand struct{ r clock.Reading }

func (h *hand) Now() clock.Reading { return h.r }

func (h *hand) move(d time.Duration) {
	h.r.Wall = h.r.Wall.Add(d)
	h.r.MonoMS += d.Milliseconds()
}

func newHand() *hand {
	return &hand{clock.Reading{Wall: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Synced: true, Boot: "boot1", MonoMS: 1000}}
}

func open(t testing.TB, dir string, c clock.Clock) *Journal {
	t.Helper()
	j, err := Open(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closed(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func sale(c clock.Clock, bus, minor int64) Entry {
	now := c.Now()
	return Entry{Record: wire.Record{
		Kind: wire.KindSale, Wall: now.Wall, Synced: now.Synced, Boot: now.Boot, MonoMS: now.MonoMS,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", ColKnown: true, Column: 7, Channel: "device", Bus: "mdb", BusUS: bus,
			Amount: wire.Money{Minor: minor, Known: true, Currency: "643", Raw: minor, Scale: 1, Decimals: 2},
			Parts:  []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: minor}}},
	}}
}

func add(t testing.TB, j *Journal, m *Mark, e ...Entry) []Stored {
	t.Helper()
	s, err := j.Append(e, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNumbersGoOnAfterReopening(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	if j.Fresh() != WhyNew {
		t.Fatalf("fresh %q", j.Fresh())
	}
	mark := Mark{Checkpoint: []byte("state"), Cursor: module.Cursor{Boot: 1<<64 - 1, Seq: 42}, Heard: c.r.Wall}
	s := add(t, j, &mark, sale(c, 1, 100), sale(c, 2, 200))
	id := s[0].Journal
	closed(t, j)

	j = open(t, dir, c)
	defer closed(t, j)
	m, ok, err := j.Mark()
	if err != nil || !ok || string(m.Checkpoint) != "state" || m.Cursor != mark.Cursor || !m.Heard.Equal(mark.Heard) {
		t.Fatalf("mark %+v %v %v", m, ok, err)
	}
	s = add(t, j, nil, sale(c, 3, 300))
	if s[0].Seq != 3 || s[0].Journal != id || j.Fresh() != "" {
		t.Fatalf("third record is %+v of %s, fresh %q", s[0], id, j.Fresh())
	}
	h, err := j.Heads()
	if err != nil || h.Head != 3 || h.Oldest != 1 || h.Unacked != 3 || h.Journal != id {
		t.Fatalf("heads %+v %v", h, err)
	}
	o, err := j.Outgoing(Key{h.Epoch, 2})
	if err != nil {
		t.Fatal(err)
	}
	var r wire.Record
	if err := json.Unmarshal(o.Body, &r); err != nil || r.Seq != 2 || r.Journal != id || r.Sale.Amount.Minor != 200 {
		t.Fatalf("record 2 is %s (%v)", o.Body, err)
	}
}

func TestSecondAgentIsKeptOut(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	defer closed(t, open(t, dir, c))
	if _, err := Open(dir, c); !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open: %v", err)
	}
}

func TestReversalFindsItsSale(t *testing.T) {
	c := newHand()
	j := open(t, t.TempDir(), c)
	defer closed(t, j)
	add(t, j, nil, sale(c, 100, 1), sale(c, 200, 1))
	at, unknown := int64(200), int64(999)
	back := sale(c, 250, 1)
	back.Record.Kind, back.OfBus = wire.KindReversal, &at
	lost := sale(c, 260, 1)
	lost.Record.Kind, lost.OfBus = wire.KindReversal, &unknown
	// A sale and its reversal may come in one chunk of words.
	same := int64(300)
	inOne := sale(c, 310, 1)
	inOne.Record.Kind, inOne.OfBus = wire.KindReversal, &same
	s := add(t, j, nil, back, lost, sale(c, 300, 1), inOne)
	if s[0].Record.Of != 2 || s[0].Record.Kind != wire.KindReversal {
		t.Errorf("reversal of 200 µs: %+v", s[0].Record)
	}
	if r := s[1].Record; r.Kind != wire.KindIncident || r.Incident.Code != "sale_not_found" || r.Incident.Sale == nil || r.Of != 0 {
		t.Errorf("reversal of nothing: %+v", r)
	}
	if s[3].Record.Of != s[2].Seq {
		t.Errorf("reversal in the same batch: of %d, want %d", s[3].Record.Of, s[2].Seq)
	}
}

func TestSettleAndPrune(t *testing.T) {
	c := newHand()
	j := open(t, t.TempDir(), c)
	defer closed(t, j)
	for i := range int64(6) {
		add(t, j, nil, sale(c, i+1, 100))
	}
	h, _ := j.Heads()
	must(t, j.Settle(Settlement{Epoch: h.Epoch, Stored: []int64{1, 2, 3}, Refused: []wire.Refusal{{Seq: 4, Code: wire.RefusedAmount}}}))
	open6, err := j.Open(10)
	must(t, err)
	if len(open6) != 2 || open6[0].Seq != 5 || open6[1].Seq != 6 {
		t.Fatalf("open %v", open6)
	}
	// A hub restored from a backup lost 2 and 3; the refused one stays settled.
	must(t, j.Settle(Settlement{Epoch: h.Epoch, Lost: []wire.Range{{2, 9}}}))
	if keys, _ := j.Open(10); len(keys) != 4 || keys[0].Seq != 2 {
		t.Fatalf("after the hub's loss: open %v", keys)
	}
	must(t, j.Settle(Settlement{Epoch: h.Epoch, Stored: []int64{2, 3, 5}}))
	c.move(Retention - time.Minute)
	if n, err := j.Prune(c.r.Wall); n != 0 || err != nil {
		t.Fatalf("pruned %d early: %v", n, err)
	}
	c.move(time.Hour)
	if n, err := j.Prune(c.r.Wall); n != 5 || err != nil {
		t.Fatalf("pruned %d: %v", n, err)
	}
	h, _ = j.Heads()
	if h.Head != 6 || h.Oldest != 6 || h.Unacked != 1 {
		t.Fatalf("heads %+v: an undelivered record must stay", h)
	}
	if s := add(t, j, nil, sale(c, 9, 1)); s[0].Seq != 7 {
		t.Fatalf("numbers start again at %d", s[0].Seq)
	}
}

func TestNumbersOutliveRecords(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	add(t, j, nil, sale(c, 1, 1), sale(c, 2, 1))
	h, _ := j.Heads()
	must(t, j.Settle(Settlement{Epoch: h.Epoch, Stored: []int64{1, 2}}))
	c.move(Retention + time.Hour)
	if n, _ := j.Prune(c.r.Wall); n != 2 {
		t.Fatalf("pruned %d", n)
	}
	closed(t, j)
	j = open(t, dir, c)
	defer closed(t, j)
	if s := add(t, j, nil, sale(c, 3, 1)); s[0].Seq != 3 {
		t.Fatalf("seq %d is used twice", s[0].Seq)
	}
}

func TestToldShownWaiting(t *testing.T) {
	c := newHand()
	j := open(t, t.TempDir(), c)
	defer closed(t, j)
	id := add(t, j, nil, sale(c, 1, 1), sale(c, 2, 1), sale(c, 3, 1))[0].Journal
	told := func(seq int64, state string) {
		t.Helper()
		if ok, err := j.Told(wire.Receipt{V: 1, Journal: id, Seq: seq, State: state, QR: "t=1"}); !ok || err != nil {
			t.Fatalf("told %d %s: %v %v", seq, state, ok, err)
		}
	}
	told(1, wire.FiscalPending)
	told(2, wire.FiscalDone)
	told(2, wire.FiscalPending) // late word, must not undo
	if w, err := j.Waiting(200); err != nil || len(w) != 2 || w[0] != 1 || w[1] != 3 {
		t.Fatalf("waiting %v %v", w, err)
	}
	if w, _ := j.Waiting(1); len(w) != 1 || w[0] != 3 {
		t.Fatalf("the newest one waiting is %v", w)
	}
	if ok, err := j.Told(wire.Receipt{Journal: id, Seq: 77, State: wire.FiscalDone}); ok || err != nil {
		t.Fatalf("a receipt for no sale: %v %v", ok, err)
	}
	last, ok, err := j.LastSale()
	if err != nil || !ok || last.Record.Seq != 3 || last.Receipt != nil {
		t.Fatalf("last sale %+v %v %v", last, ok, err)
	}
	told(3, wire.FiscalDone)
	if last, _, _ = j.LastSale(); last.Receipt == nil || last.Receipt.State != wire.FiscalDone || last.Shown {
		t.Fatalf("last sale's receipt %+v", last)
	}
	must(t, j.Shown(wire.Shown{Journal: id, Seq: 3, AfterMS: 900, Result: "shown"}))
	must(t, j.Shown(wire.Shown{Journal: id, Seq: 3, AfterMS: 1, Result: "late"}))
	u, err := j.Untold(10)
	if err != nil || len(u) != 1 || u[0] != (wire.Shown{Journal: id, Seq: 3, AfterMS: 900, Result: "shown"}) {
		t.Fatalf("untold %+v %v", u, err)
	}
	must(t, j.TellDone(u))
	if u, _ = j.Untold(10); len(u) != 0 {
		t.Fatalf("still untold %+v", u)
	}
}

func TestBeginDrainsTheOld(t *testing.T) {
	c := newHand()
	j := open(t, t.TempDir(), c)
	defer closed(t, j)
	old := add(t, j, nil, sale(c, 1, 1), sale(c, 2, 1))[0].Journal
	id, err := j.Begin(WhyRestored, "the hub knows 9")
	must(t, err)
	s := add(t, j, nil, sale(c, 3, 1))
	if id == old || s[0].Journal != id || s[0].Seq != 2 {
		t.Fatalf("new journal %s after %s, its sale %+v", id, old, s[0])
	}
	keys, _ := j.Open(10)
	if len(keys) != 4 || keys[0].Epoch != 1 || keys[2] != (Key{2, 1}) {
		t.Fatalf("open %v", keys)
	}
	newest, _ := j.Newest(1)
	if newest[0] != (Key{2, 2}) {
		t.Fatalf("newest %v", newest)
	}
	if n, head, err := j.EpochOf(old); n != 1 || head != 2 || err != nil {
		t.Fatalf("epoch of the old: %d head %d %v", n, head, err)
	}
}

func TestKeptAndBoot(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	must(t, j.Keep("config", []byte("one")))
	must(t, j.Keep("config", []byte("two")))
	must(t, j.LearnBoot(c.r))
	closed(t, j)
	j = open(t, dir, c)
	defer closed(t, j)
	if b, err := j.Kept("config"); string(b) != "two" || err != nil {
		t.Fatalf("kept %q %v", b, err)
	}
	if b, err := j.Kept("nothing"); b != nil || err != nil {
		t.Fatalf("kept nothing: %q %v", b, err)
	}
	if o, err := j.BootOffset("boot1"); o != c.r.Offset() || err != nil {
		t.Fatalf("offset %d %v", o, err)
	}
}

func TestFullDiskLosesNothing(t *testing.T) {
	c := newHand()
	j := open(t, t.TempDir(), c)
	defer closed(t, j)
	var pages int
	must(t, j.db.QueryRow("PRAGMA page_count").Scan(&pages))
	limit := func(n int) {
		var got int
		must(t, j.db.QueryRow("PRAGMA max_page_count = "+itoa(n)).Scan(&got))
	}
	limit(pages + 2)
	var written int64
	for {
		s, err := j.Append([]Entry{sale(c, written+1, 100)}, &Mark{Checkpoint: make([]byte, 500)})
		if err != nil {
			if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "append") {
				t.Fatalf("after %d records: %v", written, err)
			}
			break
		}
		if written++; s[0].Seq != written {
			t.Fatalf("seq %d, want %d", s[0].Seq, written)
		}
	}
	h, err := j.Heads()
	if err != nil || h.Head != written || h.Unacked != written {
		t.Fatalf("heads %+v %v, want %d", h, err, written)
	}
	limit(1 << 20) // room again
	if s := add(t, j, nil, sale(c, 1e6, 1)); s[0].Seq != written+1 {
		t.Fatalf("after the disk got room: seq %d, want %d", s[0].Seq, written+1)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	var old string
	for i := range int64(60) {
		old = add(t, j, nil, sale(c, i+1, 100))[0].Journal
	}
	h, _ := j.Heads()
	must(t, j.Settle(Settlement{Epoch: h.Epoch, Stored: []int64{1, 2, 3}}))
	closed(t, j)

	// An index page turns to rubbish; the records themselves can be read.
	db, err := connect(filepath.Join(dir, File), "rw")
	must(t, err)
	var root, size int64
	must(t, db.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = 'record_open'").Scan(&root))
	must(t, db.QueryRow("PRAGMA page_size").Scan(&size))
	must(t, db.Close())
	scribble(t, filepath.Join(dir, File), (root-1)*size, size)

	j = open(t, dir, c)
	defer closed(t, j)
	if j.Fresh() != WhyCorrupt {
		t.Fatalf("fresh %q", j.Fresh())
	}
	keys, err := j.Open(100)
	must(t, err)
	if len(keys) != 58 || keys[0].Seq != 4 || keys[57] != (Key{2, 1}) {
		o, _ := j.Outgoing(keys[0])
		t.Fatalf("open records %d: %v: %s", len(keys), keys, o.Body)
	}
	o, _ := j.Outgoing(keys[0])
	var r wire.Record
	if err := json.Unmarshal(o.Body, &r); err != nil || r.Journal != old || r.Seq != 4 {
		t.Fatalf("saved record %s: %v", o.Body, err)
	}
	o, _ = j.Outgoing(keys[57])
	if !strings.Contains(string(o.Body), WhyCorrupt) {
		t.Fatalf("incident %s", o.Body)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, File+".damaged-*"))
	if len(aside) == 0 {
		t.Fatal("nothing set aside")
	}
}

func TestRubbishIsSetAside(t *testing.T) {
	for name, body := range map[string][]byte{
		"no database": []byte(strings.Repeat("not a database at all ", 300)),
		"cut header":  []byte("SQLite format 3\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), newHand()
			must(t, os.WriteFile(filepath.Join(dir, File), body, 0o600))
			j := open(t, dir, c)
			defer closed(t, j)
			if j.Fresh() == "" {
				t.Fatal("rubbish was taken for a journal")
			}
			add(t, j, nil, sale(c, 1, 1))
		})
	}
}

func TestNewerSchemaIsLeftAlone(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	_, err := j.db.Exec("PRAGMA user_version = 99")
	must(t, err)
	closed(t, j)
	if _, err := Open(dir, c); !errors.Is(err, ErrNewer) {
		t.Fatalf("Open: %v", err)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "*damaged*")); aside != nil {
		t.Fatalf("set aside %v", aside)
	}
}

func TestInspectBesideARunningAgent(t *testing.T) {
	dir, c := t.TempDir(), newHand()
	j := open(t, dir, c)
	defer closed(t, j)
	id := add(t, j, nil, sale(c, 1, 1), sale(c, 2, 1), sale(c, 3, 1))[0].Journal
	_, err := j.Told(wire.Receipt{Journal: id, Seq: 2, State: wire.FiscalDone})
	must(t, err)
	must(t, j.Shown(wire.Shown{Journal: id, Seq: 2, Result: "shown", AfterMS: 5}))
	var got []Row
	must(t, Inspect(dir, "", 0, func(r Row) bool { got = append(got, r); return len(got) < 2 }))
	if len(got) != 2 || got[0].Seq != 3 || got[1].Receipt == nil || got[1].Shown == nil || got[1].Shown.AfterMS != 5 {
		t.Fatalf("rows %+v", got)
	}
	got = nil
	must(t, Inspect(dir, id, 1, func(r Row) bool { got = append(got, r); return true }))
	if len(got) != 1 || got[0].Seq != 1 {
		t.Fatalf("one row %+v", got)
	}
	if err := Inspect(t.TempDir(), "", 0, nil); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no journal: %v", err)
	}
}

func scribble(t *testing.T, path string, at, n int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 13)
	}
	_, err = f.WriteAt(b, at)
	must(t, err)
	must(t, f.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
