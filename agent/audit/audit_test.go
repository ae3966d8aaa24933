package audit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/ddcmp"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// hand is a clock moved by hand.
type hand struct{ clock.Reading }

func (h *hand) Now() clock.Reading { return h.Reading }
func (h *hand) move(d time.Duration) {
	h.Wall, h.MonoMS = h.Wall.Add(d), h.MonoMS+d.Milliseconds()
}

func newHand() *hand {
	return &hand{clock.Reading{Wall: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), Synced: true, Boot: "b", MonoMS: 1000}}
}

// report is a sealed report with these counters: cash and the reader at 10H,
// value and vends of each.
func report(t testing.TB, cash, cashVends, reader, readerVends int64) []byte {
	t.Helper()
	text := fmt.Sprintf("DXS*VND0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*VND42*MODEL\r\nID4*2*1643*RUB\r\nVA1*%d*%d*0*0\r\nCA2*%d*%d*0*0\r\nDA2*%d*%d*0*0\r\nDXE*1*1\r\n",
		cash+reader, cashVends+readerVends, cash, cashVends, reader, readerVends)
	reports, err := evadts.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return evadts.Append(nil, reports[0].Sealed())
}

func open(t testing.TB, c clock.Clock) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// port gives what is set, one reading after another.
type port struct {
	report []byte
	err    error
	reads  int
}

func (p *port) read(context.Context) ([]byte, error) { p.reads++; return p.report, p.err }

type bench struct {
	*Auditor
	*port
	clock   *hand
	log     *journal.Journal
	written []wire.Record
}

func newBench(t *testing.T) *bench {
	b := &bench{port: &port{}, clock: newHand()}
	b.log = open(t, b.clock)
	b.start(t)
	return b
}

func (b *bench) start(t *testing.T) {
	t.Helper()
	var err error
	b.Auditor, err = New(Config{Read: b.port.read, Protocol: DEX, Schedule: Schedule{Every: time.Hour}, Log: b.log, Clock: b.clock,
		Written: func(s journal.Stored) { b.written = append(b.written, s.Record) }})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) last() wire.Record { return b.written[len(b.written)-1] }

func said(totals []wire.AuditTotal) string {
	var s []string
	n := func(v *int64) string {
		if v == nil {
			return "?"
		}
		return fmt.Sprint(*v)
	}
	for _, t := range totals {
		s = append(s, t.Kind+" "+n(t.Vends)+" "+n(t.Minor))
	}
	return strings.Join(s, ", ")
}

func TestEachReadingIsARecordWithItsDifference(t *testing.T) {
	b := newBench(t)
	b.report = report(t, 100_00, 2, 50_00, 1)
	if err := b.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := b.last()
	a := first.Audit
	if first.Kind != wire.KindAudit || a.Since != nil || a.Protocol != DEX || a.Currency != "643" || a.Machine.Serial != "VND42" ||
		a.Seal != "ok" || said(a.Totals) != "all 3 15000, cash 2 10000, cashless1 1 5000" {
		t.Fatalf("%+v: %s", a, said(a.Totals))
	}
	if raw, err := a.Raw(); err != nil || string(raw) != string(b.report) {
		t.Errorf("the report is not kept as read: %v", err)
	}
	// Two sales and a restart in between.
	if _, err := b.log.Append([]journal.Entry{{Record: wire.Record{Kind: wire.KindSale, Sale: &wire.Sale{}}}}, nil); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.clock.move(time.Hour)
	b.report = report(t, 130_00, 3, 50_00, 1)
	if err := b.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := b.last()
	s := r.Audit.Since
	if s == nil || s.Journal != first.Journal || s.Seq != first.Seq || s.Outcome != wire.AuditCounted ||
		said(s.Totals) != "all 1 3000, cash 1 3000, cashless1 0 0" || r.Seq != first.Seq+2 || r.Audit.Head != first.Seq+1 {
		t.Fatalf("%+v", r.Audit)
	}
}

func TestWhatCannotBeComparedIsUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		second  []byte
		outcome string
		totals  string
	}{
		"another machine": {[]byte(strings.ReplaceAll(string(report(t, 130_00, 3, 0, 0)), "VND42", "VND43")), wire.AuditNone, ""},
		"a counter fell":  {report(t, 1_00, 3, 60_00, 2), wire.AuditCounted, "all ? ?, cash ? ?, cashless1 1 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.report = report(t, 100_00, 2, 50_00, 1)
			if err := b.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.report = c.second
			if err := b.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := b.last().Audit.Since
			t.Logf("%s: %v", said(s.Totals), s.Flags)
			if s.Outcome != c.outcome || c.outcome == wire.AuditNone && s.Totals != nil {
				t.Errorf("%s, want %s", s.Outcome, c.outcome)
			}
			for _, v := range s.Totals {
				if v.Kind == wire.AuditCash && v.Minor != nil {
					t.Errorf("cash is said to be known: %s", said(s.Totals))
				}
			}
		})
	}
}

func TestWrapIsUndone(t *testing.T) {
	b := newBench(t)
	b.report = report(t, 65_500, 99, 0, 0)
	if err := b.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.report = report(t, 65_500+500-65_536, 100, 0, 0)
	if err := b.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.last().Audit.Since
	if !strings.Contains(said(s.Totals), "cash 1 500") || !strings.Contains(strings.Join(s.Flags, " "), "counter_wrapped") {
		t.Errorf("%s %v", said(s.Totals), s.Flags)
	}
}

func TestFailuresAreToldOnceADay(t *testing.T) {
	b := newBench(t)
	b.err = line.ErrNoAnswer
	for range 30 { // a failure an hour, with restarts
		if err := b.Once(t.Context()); !errors.Is(err, line.ErrNoAnswer) {
			t.Fatal(err)
		}
		b.start(t)
		b.clock.move(time.Hour)
	}
	if len(b.written) != 2 || b.last().Incident.Code != Failed {
		t.Fatalf("%d incidents in 30 hours, want 2", len(b.written))
	}
	b.err, b.report = nil, []byte("no report at all")
	if err := b.Once(t.Context()); !errors.Is(err, evadts.ErrNoReport) || len(b.written) != 2 {
		t.Errorf("%v, %d incidents", err, len(b.written))
	}
	b.report = report(t, 1, 1, 1, 1)
	if err := b.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.err = line.ErrNoAnswer
	_ = b.Once(t.Context())
	if len(b.written) != 4 || b.last().Incident == nil {
		t.Errorf("a new failure after a good reading is not told: %d records", len(b.written))
	}
}

func TestRunKeepsToTheSchedule(t *testing.T) {
	b := newBench(t)
	b.report = report(t, 1, 1, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	b.cfg.Wait = func(_ context.Context, d time.Duration) {
		if b.clock.move(d); b.clock.MonoMS > 1000+(3*time.Hour).Milliseconds() {
			cancel()
		}
	}
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if b.reads != 4 {
		t.Errorf("%d readings in three hours, want 4", b.reads)
	}
}

func TestNextReading(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	moscow := time.FixedZone("MSK", 3*3600)
	hourly, daily := Schedule{Every: time.Hour}, Schedule{Daily: true, Hour: 4, Min: 10, Zone: moscow}
	good := func(ago time.Duration) History { return History{Good: now.Add(-ago), Tried: now.Add(-ago)} }
	for name, c := range map[string]struct {
		s    Schedule
		h    History
		want time.Duration // from now
	}{
		"never read":      {daily, History{}, 0},
		"hourly":          {hourly, good(20 * time.Minute), 40 * time.Minute},
		"overdue":         {hourly, good(5 * time.Hour), -4 * time.Hour},
		"daily, tomorrow": {daily, good(time.Hour), 13*time.Hour + 10*time.Minute},
		"daily, overdue":  {daily, good(11*time.Hour + 50*time.Minute), 13*time.Hour + 10*time.Minute - 24*time.Hour},
		"first failure":   {hourly, History{Tried: now, Failures: 1}, 5 * time.Minute},
		"third failure":   {hourly, History{Tried: now, Failures: 3}, 20 * time.Minute},
		"many failures":   {hourly, History{Tried: now, Failures: 1 << 40}, time.Hour},
		"clock put back":  {hourly, good(-30 * 24 * time.Hour), 0},
	} {
		if got := c.s.Next(c.h, now).Sub(now); got != c.want {
			t.Errorf("%s: in %s, want %s", name, got, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		every time.Duration
		at    string
		ok    bool
	}{{0, "", true}, {24 * time.Hour, "", true}, {0, "04:10", true}, {time.Hour, "04:10", false}, {time.Second, "", false}, {0, "25:00", false}} {
		if _, err := ParseSchedule(c.every, c.at); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []struct {
		p  Port
		ok bool
	}{
		{Port{Address: "/dev/ttyUSB1", Protocol: DEX}, true}, {Port{Address: "tcp://127.0.0.1:7", Protocol: DDCMP, Mode: Save}, true},
		{Port{Address: "/dev/ttyUSB1"}, false}, {Port{Address: "tcp://nowhere", Protocol: DEX}, false},
		{Port{Address: "http://a:1", Protocol: DEX}, false}, {Port{Address: "x", Protocol: DEX, Baud: 2400}, false},
		{Port{Address: "x", Protocol: DEX, Mode: "agreed"}, false},
	} {
		if err := c.p.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.p, err)
		}
	}
}

// TestReadOverTCP reads a machine of each protocol; the interval counters of
// neither are cleared.
func TestReadOverTCP(t *testing.T) {
	want := report(t, 100_00, 2, 50_00, 1)
	d, err := dex.NewMachine(dex.Play{CommID: "VND0000001", Level: "R00L06", Report: want})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ddcmp.NewMachine(ddcmp.Play{Report: want})
	if err != nil {
		t.Fatal(err)
	}
	for protocol, m := range map[string]line.Session{DEX: d, DDCMP: c} {
		t.Run(protocol, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			served := make(chan error, 1)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					served <- err
					return
				}
				served <- line.Serve(t.Context(), conn, m)
			}()
			got, err := Port{Address: "tcp://" + l.Addr().String(), Protocol: protocol}.Read(t.Context())
			if err != nil || string(got) != string(want) {
				t.Errorf("%v\n%q", err, got)
			}
			<-served
		})
	}
	if d.Cleared+c.Cleared != 0 {
		t.Errorf("interval counters were cleared: %d and %d times", d.Cleared, c.Cleared)
	}
}
