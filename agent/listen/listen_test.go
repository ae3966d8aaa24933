package listen

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// tape is a source that gives what a test put on it.
type tape struct {
	chunks []module.Chunk
	end    error
	kept   []module.Cursor
}

func (s *tape) Fidelity() module.Fidelity {
	return module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
}
func (s *tape) Close() error               { return nil }
func (s *tape) Keep(c module.Cursor) error { s.kept = append(s.kept, c); return nil }
func (s *tape) Read(context.Context) (module.Chunk, error) {
	if len(s.chunks) == 0 {
		return module.Chunk{}, s.end
	}
	c := s.chunks[0]
	s.chunks = s.chunks[1:]
	return c, nil
}

// script is a recovery that says what its words spell: value n gives event n.
type script struct {
	events map[uint16]sales.Event
	heard  []uint16
	bad    bool
}

func (r *script) Word(w mdb.Word) []sales.Event {
	r.heard = append(r.heard, w.V)
	if ev, ok := r.events[w.V]; ok {
		ev.T = w.T
		return []sales.Event{ev}
	}
	return nil
}
func (r *script) Advance(int64) []sales.Event { return nil }
func (r *script) Lost(string) []sales.Event   { return nil }
func (r *script) Checkpoint() []byte          { return []byte{byte(len(r.heard))} }
func (r *script) Restore([]byte) error {
	if r.bad {
		return errors.New("another version")
	}
	return nil
}

// paper is a journal in memory that can be full.
type paper struct {
	mark    journal.Mark
	has     bool
	records []wire.Record
	full    int // how many more Appends fail
	calls   int
}

func (p *paper) Mark() (journal.Mark, bool, error) { return p.mark, p.has, nil }

func (p *paper) Append(e []journal.Entry, m *journal.Mark) (out []journal.Stored, err error) {
	p.calls++
	if p.full > 0 {
		p.full--
		return nil, journal.ErrFull
	}
	for _, x := range e {
		r := x.Record
		r.Seq = int64(len(p.records) + 1)
		if x.OfBus != nil {
			r.Of = *x.OfBus
		}
		p.records = append(p.records, r)
		out = append(out, journal.Stored{Journal: "j", Seq: r.Seq, Record: r})
	}
	p.mark, p.has = *m, true
	return out, nil
}

// crowd writes down what the audience hears.
type crowd struct{ heard []string }

func (c *crowd) Activity(ev sales.Event)  { c.heard = append(c.heard, ev.Code) }
func (c *crowd) Written(s journal.Stored) { c.heard = append(c.heard, string(s.Record.Kind)) }
func (c *crowd) Trouble(err error) {
	if err == nil {
		c.heard = append(c.heard, "room again")
	} else {
		c.heard = append(c.heard, "full")
	}
}
func (c *crowd) Listening(alive, ended bool) {
	switch {
	case ended:
		c.heard = append(c.heard, "ended")
	case alive:
		c.heard = append(c.heard, "alive")
	default:
		c.heard = append(c.heard, "gone")
	}
}

type rig struct {
	now     clock.Reading
	paper   *paper
	crowd   *crowd
	rec     *script
	sources []*tape
	opened  []module.Cursor
	waited  int
}

func newRig(sources ...*tape) *rig {
	rub := sales.Amount{Raw: 5000, Scale: 1, Decimals: 2, Currency: "1643", Known: true}
	return &rig{
		now:   clock.Reading{Wall: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Synced: true, Boot: "b", MonoMS: 100_000},
		paper: &paper{}, crowd: &crowd{}, sources: sources,
		rec: &script{events: map[uint16]sales.Event{
			1: {Kind: sales.KindActivity, Code: "vend_started"},
			2: {Kind: sales.KindActivity, Code: "vend_ended"},
			3: {Kind: sales.KindSale, Class: sales.ClassA, Source: "vend_success", Reader: 0x10, Amount: rub},
			4: {Kind: sales.KindReversal, Class: sales.ClassA, Of: 3000},
		}},
	}
}

// run listens until the rig's sources are used up.
func (r *rig) run(t *testing.T, change func(*Config)) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := Config{URL: "tape", Log: r.paper, Audience: r.crowd, Terms: func() Terms { return Terms{Bus: "mdb"} },
		Clock:  clock.Func(func() clock.Reading { r.now = r.now.At(0); r.now.MonoMS += 5; return r.now }),
		New:    func(module.Fidelity) Recovery { return r.rec },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Open: func(_ context.Context, from module.Cursor) (module.Source, error) {
			r.opened = append(r.opened, from)
			if len(r.sources) == 0 {
				cancel()
				return nil, ctx.Err()
			}
			s := r.sources[0]
			r.sources = r.sources[1:]
			return s, nil
		},
		Wait:      func(context.Context, time.Duration) { r.waited++ },
		ExitAtEnd: true,
	}
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l.Run(ctx)
}

func words(next uint64, v ...uint16) module.Chunk {
	c := module.Chunk{Next: module.Cursor{Boot: 7, Seq: next}, Now: int64(next) * 1000}
	for i, x := range v {
		c.Words = append(c.Words, mdb.Word{V: x, T: (int64(next) - int64(len(v)) + int64(i) + 1) * 1000})
	}
	return c
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
}

func TestTellsInOrderAndKeepsAfterwards(t *testing.T) {
	tp := &tape{chunks: []module.Chunk{words(3, 1, 2, 3), words(4, 4)}, end: io.EOF}
	r := newRig(tp)
	if err := r.run(t, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "heard", r.crowd.heard, "alive", "vend_started", "vend_ended", "sale", "reversal", "ended")
	if len(tp.kept) != 2 || tp.kept[1].Seq != 4 || r.paper.mark.Cursor.Seq != 4 {
		t.Errorf("kept %v, mark %+v", tp.kept, r.paper.mark)
	}
	if rec := r.paper.records[1]; rec.Kind != wire.KindReversal || rec.Of != 3000 {
		t.Errorf("reversal %+v", rec)
	}
}

func TestFullDiskHoldsRecordsAndTheSource(t *testing.T) {
	tp := &tape{chunks: []module.Chunk{words(1, 3), words(2, 3), words(3, 1)}, end: io.EOF}
	r := newRig(tp)
	r.paper.full = 1
	if err := r.run(t, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "heard", r.crowd.heard, "alive", "full", "ended", "room again", "sale", "sale", "vend_started")
	if len(r.paper.records) != 2 || len(tp.kept) != 0 {
		t.Errorf("%d records, the source was told to forget up to %v", len(r.paper.records), tp.kept)
	}
	if r.paper.calls != 2 {
		t.Errorf("a full disk was asked %d times", r.paper.calls)
	}
}

func TestDamagedJournalEndsListening(t *testing.T) {
	r := newRig(&tape{chunks: []module.Chunk{words(1, 3)}, end: io.EOF})
	err := r.run(t, func(c *Config) { c.Log = torn{r.paper} })
	if !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("Run: %v", err)
	}
}

type torn struct{ *paper }

func (torn) Append([]journal.Entry, *journal.Mark) ([]journal.Stored, error) {
	return nil, journal.ErrCorrupt
}

func TestGaps(t *testing.T) {
	lost := words(9)
	lost.Lost, lost.Note = true, "ring overrun"
	hour := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	cases := []struct {
		name    string
		before  *journal.Mark
		sources []*tape
		want    []string // reasons
	}{
		{"the first start ever", nil, []*tape{{chunks: []module.Chunk{words(1)}, end: io.EOF}}, nil},
		{"resumed", &journal.Mark{Cursor: module.Cursor{Boot: 7, Seq: 1}, Heard: hour},
			[]*tape{{chunks: []module.Chunk{words(5)}, end: io.EOF}}, nil},
		{"not resumed", &journal.Mark{Cursor: module.Cursor{Boot: 7, Seq: 1}, Heard: hour},
			[]*tape{{chunks: []module.Chunk{lost}, end: io.EOF}}, []string{"agent_down"}},
		{"a source without positions", &journal.Mark{Heard: hour},
			[]*tape{{chunks: []module.Chunk{words(5)}, end: io.EOF}}, []string{"agent_down"}},
		{"unplugged", nil, []*tape{{chunks: []module.Chunk{words(1)}, end: errors.New("no device")}, {chunks: []module.Chunk{lost}, end: io.EOF}},
			[]string{"module_lost"}},
		{"unplugged and resumed", nil, []*tape{{chunks: []module.Chunk{words(1)}, end: errors.New("no device")}, {chunks: []module.Chunk{words(2)}, end: io.EOF}}, nil},
		{"overrun", nil, []*tape{{chunks: []module.Chunk{words(1), lost}, end: io.EOF}}, []string{"words_lost"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(c.sources...)
			if c.before != nil {
				r.paper.mark, r.paper.has = *c.before, true
			}
			if err := r.run(t, nil); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rec := range r.paper.records {
				got = append(got, rec.Gap.Reason)
				if c.before != nil && !rec.Gap.From.Equal(hour) || rec.Gap.To.Before(rec.Gap.From) {
					t.Errorf("gap %+v", rec.Gap)
				}
			}
			same(t, "gaps", got, c.want...)
		})
	}
}

func TestReopensWhereItStood(t *testing.T) {
	r := newRig(&tape{chunks: []module.Chunk{words(4, 1)}, end: errors.New("gone")}, &tape{end: io.EOF})
	if err := r.run(t, nil); err != nil {
		t.Fatal(err)
	}
	if len(r.opened) != 2 || r.opened[1] != (module.Cursor{Boot: 7, Seq: 4}) || r.waited == 0 {
		t.Errorf("opened at %v, waited %d times", r.opened, r.waited)
	}
}

func TestUnreadableCheckpointIsToldAndOvercome(t *testing.T) {
	r := newRig(&tape{chunks: []module.Chunk{words(2, 3)}, end: io.EOF})
	r.paper.mark, r.paper.has = journal.Mark{Checkpoint: []byte("x"), Cursor: module.Cursor{Boot: 7, Seq: 1}}, true
	r.rec.bad = true
	if err := r.run(t, nil); err != nil {
		t.Fatal(err)
	}
	if len(r.paper.records) != 2 || r.paper.records[0].Incident.Code != "checkpoint_unreadable" || r.paper.records[1].Kind != wire.KindSale {
		t.Errorf("records %+v", r.paper.records)
	}
}

// Row 23 of the reference, 16.10: the bus has no time, an event is dated by the
// agent's clock, back from the arrival by the module's.
func TestPolicy23EventsAreDatedByOurClock(t *testing.T) {
	c := words(1, 3)
	c.Now = c.Words[0].T + 2_500_000
	for _, arrival := range []bool{false, true} {
		r := newRig(&tape{chunks: []module.Chunk{c}, end: io.EOF})
		if err := r.run(t, func(c *Config) { c.AtArrival = arrival }); err != nil {
			t.Fatal(err)
		}
		want := int64(2500)
		if arrival {
			want = 0
		}
		if ago := 100_000 - r.paper.records[0].MonoMS; ago < want-100 || ago > want {
			t.Errorf("arrival %v: dated %d ms ago, want %d", arrival, ago, want)
		}
	}
}

func TestCurrencies(t *testing.T) {
	cases := []struct {
		terms Terms
		field string
		want  string
	}{
		{Terms{}, "1643", "643"}, {Terms{}, "1810", "643"}, {Terms{}, "0007", "643"},
		{Terms{}, "1978", "978"}, {Terms{}, "0001", "0001"}, {Terms{}, "", ""},
		{Terms{Assume: "643"}, "", "643"}, {Terms{Assume: "643"}, "1978", "978"},
		{Terms{Force: "643"}, "1978", "643"}, {Terms{Force: "643"}, "", "643"},
	}
	for _, c := range cases {
		if got := c.terms.Currency(c.field); got != c.want {
			t.Errorf("%+v %q: %q, want %q", c.terms, c.field, got, c.want)
		}
	}
	for name, want := range map[string]string{"rub": "643", "RUR": "643", "EUR": "978", "398": "398", "": "", "roubles": "", "64a": ""} {
		if got, ok := ISO(name); got != want || ok != (want != "") {
			t.Errorf("ISO(%q) = %q %v", name, got, ok)
		}
	}
}

func TestMoney(t *testing.T) {
	cases := []struct {
		name  string
		a     sales.Amount
		minor int64
		known bool
	}{
		{"kopecks", sales.Amount{Raw: 7500, Scale: 1, Decimals: 2, Known: true}, 7500, true},
		{"scale of five roubles", sales.Amount{Raw: 15, Scale: 5, Decimals: 0, Known: true}, 7500, true},
		{"tenths of a kopeck that make no kopeck", sales.Amount{Raw: 7501, Scale: 1, Decimals: 3, Known: true}, 0, false},
		{"scale not heard", sales.Amount{Raw: 7500}, 0, false},
		{"beyond sense", sales.Amount{Raw: 1 << 40, Scale: 1, Decimals: 2, Known: true}, 0, false},
		{"scale beyond sense", sales.Amount{Raw: 1 << 31, Scale: 1 << 31, Known: true}, 0, false},
		{"decimals beyond sense", sales.Amount{Raw: 1, Scale: 1, Decimals: 255, Known: true}, 0, false},
		{"negative", sales.Amount{Raw: -1, Scale: 1, Decimals: 2, Known: true}, 0, false},
	}
	for _, c := range cases {
		m := Terms{}.Money(c.a)
		if m.Minor != c.minor || m.Known != c.known || m.Raw != c.a.Raw {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
}

func TestParts(t *testing.T) {
	rub := func(kop int64) sales.Amount {
		return sales.Amount{Raw: kop, Scale: 1, Decimals: 2, Currency: "1643", Known: true}
	}
	sum := func(ev sales.Event) *wire.Sale {
		e, ok := Terms{Bus: "mdb"}.Entry(ev, clock.Reading{})
		if !ok {
			t.Fatalf("no record of %+v", ev)
		}
		return e.Record.Sale
	}
	s := sum(sales.Event{Kind: sales.KindSale, Reader: 0x60, Amount: rub(500), ItemKnown: true, Requested: rub(500)})
	if len(s.Parts) != 1 || s.Parts[0] != (wire.Part{Source: "reader2", Kind: "cashless", Minor: 500}) || s.Requested != nil {
		t.Errorf("reader alone: %+v", s)
	}
	if !s.ColKnown || s.Column != 0 {
		t.Errorf("column 0 is a column: %+v", s)
	}
	s = sum(sales.Event{Kind: sales.KindSale, Amount: rub(500), Requested: rub(400), Parts: []sales.Part{
		{Source: "cash", Kind: "cash", Amount: rub(300)}, {Source: "reader1", Kind: "cashless", Amount: rub(200)}}})
	if len(s.Parts) != 2 || s.Amount.Minor != 500 || !s.Amount.Known || s.Requested == nil || s.Requested.Minor != 400 {
		t.Errorf("mixed: %+v", s)
	}
	s = sum(sales.Event{Kind: sales.KindSale, Amount: rub(500), Parts: []sales.Part{{Source: "cash", Kind: "cash", Amount: rub(300)}}})
	if s.Amount.Known || s.Parts[0].Minor != 0 || s.Parts[0].Source != "cash" {
		t.Errorf("parts that do not add up must not pass: %+v", s)
	}
	e, _ := Terms{}.Entry(sales.Event{Kind: sales.KindIncident, Class: sales.ClassD, Code: "approved_unended", Amount: rub(100)}, clock.Reading{})
	if e.Record.Incident.Code != "approved_unended" || e.Record.Incident.Sale == nil || e.Record.Incident.Sale.Amount.Minor != 100 {
		t.Errorf("incident of class D: %+v", e.Record)
	}
	if _, ok := (Terms{}).Entry(sales.Event{Kind: sales.KindActivity}, clock.Reading{}); ok {
		t.Error("an activity made a record")
	}
}

// Free goods of either bus are a sale of 0 in the journal, which the hub makes
// no receipt of; the listed price is beside it.
func TestFreeGoodsAreASaleOfNothing(t *testing.T) {
	for name, ev := range map[string]sales.Event{
		"mdb": {Kind: sales.KindFree, Class: sales.ClassA, Source: "cash_sale", Reader: 0x10, Item: 9, ItemKnown: true,
			Amount: sales.Amount{Scale: 1, Decimals: 2, Known: true}, Requested: sales.Amount{Raw: 100, Scale: 1, Decimals: 2, Known: true}},
		"exe": {Kind: sales.KindFree, Class: sales.ClassA, Source: "exe_vend", Item: 9, ItemKnown: true,
			Amount: sales.Amount{Scale: 1, Decimals: 2, Known: true}},
	} {
		e, ok := Terms{Bus: name, Assume: Rouble}.Entry(ev, clock.Reading{})
		if !ok || e.Record.Kind != wire.KindSale {
			t.Fatalf("%s: %+v", name, e.Record)
		}
		if a := e.Record.Sale.Amount; !a.Known || a.Minor != 0 || e.Record.Sale.Class != "A" || e.Record.Sale.Column != 9 {
			t.Errorf("%s: %+v", name, e.Record.Sale)
		}
	}
}

func TestPublicURL(t *testing.T) {
	if got := Public("chekomat+tcp://user:secret@10.0.0.1:7000/x"); got != "chekomat+tcp://%E2%80%A6@10.0.0.1:7000/x" {
		t.Error(got)
	}
	if got := Public("/a/b.words.csv"); got != "/a/b.words.csv" {
		t.Error(got)
	}
}

// once gives one chunk and then the end, as if the agent were stopped.
type once struct {
	module.Source
	given bool
	ended *bool
}

func (o *once) Read(ctx context.Context) (module.Chunk, error) {
	if o.given {
		return module.Chunk{}, io.EOF
	}
	o.given = true
	c, err := o.Source.Read(ctx)
	*o.ended = errors.Is(err, io.EOF)
	return c, err
}

func decode(t *testing.T, body []byte) (r wire.Record) {
	t.Helper()
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// traces is the folder of shared captures.
func traces(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	if _, err := os.Stat(filepath.Join(dir, "mdb")); err != nil {
		t.Skip("CHEKOMAT_TRACES absent: no captures to listen to in " + dir)
	}
	return dir
}

// capture is a capture of the folder, which another folder need not hold.
func capture(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(traces(t), "mdb", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("not in this folder of CHEKOMAT_TRACES: " + name)
	}
	return path
}

// TestCaptureInPiecesIsTheCaptureWhole restarts the agent at every 50th word
// of a capture: the journal holds the same sales as without restarts.
func TestCaptureInPiecesIsTheCaptureWhole(t *testing.T) {
	path := capture(t, "matedealer-20120710-c.words.csv")
	dir := t.TempDir()
	var got []wire.Record
	for round := 0; ; round++ {
		j, err := journal.Open(dir, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		ended := false
		l, err := New(Config{URL: path, Log: j, Clock: clock.System(), Terms: func() Terms { return Terms{Bus: "mdb"} },
			Audience: &crowd{}, ExitAtEnd: true, AtArrival: true, Wait: func(context.Context, time.Duration) {},
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			New:    func(f module.Fidelity) Recovery { return sales.New(sales.ForSource(f)) },
			Open: func(ctx context.Context, from module.Cursor) (module.Source, error) {
				s, err := module.Open(ctx, path, from, module.Options{ChunkWords: 50})
				return &once{Source: s, ended: &ended}, err
			}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if ended {
			break
		}
		if round > 1000 {
			t.Fatal("the capture does not end")
		}
	}
	err := journal.Inspect(dir, "", 0, func(r journal.Row) bool {
		got = append(got, decode(t, r.Record))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	var amounts []int64
	for _, r := range got {
		switch r.Kind {
		case wire.KindSale:
			amounts = append(amounts, r.Sale.Amount.Minor)
		case wire.KindGap:
			t.Errorf("a gap where the file was resumed: %+v", r.Gap)
		}
	}
	if len(amounts) != 2 || amounts[0] != 300 || amounts[1] != 200 {
		t.Errorf("sales, newest first: %v, want 300 and 200", amounts)
	}
}
