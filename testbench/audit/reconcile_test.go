package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/audit"
	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
)

// site is a virtual machine with an audit port, its agent's journal and
// auditor, and a hub's store that gets what the journal holds.
type site struct {
	t        *testing.T
	counters *Counters
	log      *journal.Journal
	auditor  *audit.Auditor
	hub      *store.Store
	sent     map[journal.Key]bool
}

func newSite(t *testing.T, protocol string) *site {
	t.Helper()
	s := &site{t: t, counters: &Counters{Serial: "BENCH42"}, sent: map[journal.Key]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.counters.Serve(ctx, l, protocol) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	})
	s.log, err = journal.Open(t.TempDir(), clock.System())
	s.must(err)
	t.Cleanup(func() { s.must(s.log.Close()) })
	s.auditor, err = audit.New(audit.Config{Read: audit.Port{Address: "tcp://" + l.Addr().String(), Protocol: protocol}.Read, Protocol: protocol,
		Schedule: audit.Schedule{Every: time.Hour}, Log: s.log, Clock: clock.System()})
	s.must(err)
	s.hub, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), time.Now)
	s.must(err)
	t.Cleanup(func() { s.must(s.hub.Close()) })
	for _, q := range []string{
		`INSERT INTO operator(id,name,created_at) VALUES ('op','Оператор',1)`,
		`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','op','ООО «Кофе»','7707083893',1)`,
		`INSERT INTO machine(id,operator_id,created_at) VALUES ('m','op',1)`,
		`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES ('m',1,'s','VM1','Москва','холл','Europe/Moscow')`,
		`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES ('a1','op','x',1)`,
		`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a1','m',1)`,
	} {
		s.must(s.hub.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(q); return err }))
	}
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// vend is counted by the machine; heard by the agent unless hidden.
func (s *site) vend(source string, minor int64, hidden bool) {
	s.t.Helper()
	kind := map[string]string{wire.SourceCash: ByCash, wire.SourceReader1: ByCashless1, wire.SourceReader2: ByCashless2}[source]
	s.counters.Sell(kind, minor)
	if !hidden {
		s.record(wire.KindSale, 0, source, minor)
	}
}

func (s *site) record(kind wire.RecordKind, of int64, source string, minor int64) int64 {
	s.t.Helper()
	now := clock.System().Now()
	pay := "cashless"
	if source == wire.SourceCash {
		pay = "cash"
	}
	stored, err := s.log.Append([]journal.Entry{{Record: wire.Record{Kind: kind, Of: of, Wall: now.Wall, Boot: now.Boot, MonoMS: now.MonoMS,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", Column: 5, ColKnown: true, Channel: "device", Bus: "mdb",
			Amount: wire.Money{Minor: minor, Known: true, Currency: "643", Raw: minor, Scale: 1, Decimals: 2},
			Parts:  []wire.Part{{Source: source, Kind: pay, Minor: minor}}}}}}, nil)
	s.must(err)
	return stored[0].Seq
}

// read reads the counters and delivers all the journal holds.
func (s *site) read() {
	s.t.Helper()
	s.must(s.auditor.Once(s.t.Context()))
	keys, err := s.log.Open(1000)
	s.must(err)
	for _, k := range keys {
		if s.sent[k] {
			continue
		}
		s.sent[k] = true
		o, err := s.log.Outgoing(k)
		s.must(err)
		m, err := json.Marshal(wire.RecordMessage{V: wire.Version, AgeMS: 1, Record: o.Body})
		s.must(err)
		a := ingest.Parse(m, s.hub.Now(), ingest.Limits{Amount: 1_000_000})
		if a.Code != "" {
			s.t.Fatalf("the hub refuses %s: %s: %s", m, a.Code, a.Detail)
		}
		_, err = s.hub.TakeIn(s.t.Context(), "op", "a1", []store.Arrival{a})
		s.must(err)
	}
}

// outcomes are the newest period's, as "kind outcome difference reason".
func (s *site) outcomes() string {
	s.t.Helper()
	l, err := s.hub.Reconciliations(s.t.Context(), store.ReconciliationFilter{Operator: "op", Machine: "m"}, store.Page{Limit: 100})
	s.must(err)
	var all []string
	for _, r := range l.Items {
		if r.Audit != l.Items[0].Audit {
			break
		}
		d := "?"
		if r.Difference.Minor != nil {
			d = fmt.Sprint(*r.Difference.Minor)
		}
		all = append([]string{strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Kind, r.Outcome, d, r.Reason))}, all...)
	}
	return strings.Join(all, ", ")
}

func (s *site) incident(code string) string {
	s.t.Helper()
	l, err := s.hub.Incidents(s.t.Context(), store.IncidentFilter{Operator: "op", Open: true}, store.Page{Limit: 100})
	s.must(err)
	for _, v := range l.Items {
		if v.Code == code {
			return v.Detail
		}
	}
	return ""
}

func (s *site) expect(want string, mismatch ...string) {
	s.t.Helper()
	if got := s.outcomes(); got != want {
		s.t.Errorf("got %s, want %s", got, want)
	}
	got := s.incident(store.AuditMismatch)
	if len(mismatch) == 0 && got != "" {
		s.t.Errorf("a mismatch is told: %s", got)
	}
	for _, m := range mismatch {
		if !strings.Contains(got, m) {
			s.t.Errorf("the incident is %q, want it to hold %q", got, m)
		}
	}
}

// TestWhatWasNotHeardIsFound plays a machine on its audit port, from the line
// to the hub's incident.
func TestWhatWasNotHeardIsFound(t *testing.T) {
	for _, protocol := range []string{DEX, DDCMP} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, protocol)
			s.vend(wire.SourceCash, 4500, true) // before anybody listened
			s.read()
			s.expect("")

			s.vend(wire.SourceCash, 5000, false)
			s.vend(wire.SourceReader1, 7000, false)
			s.vend(wire.SourceReader2, 3000, false)
			back := s.record(wire.KindSale, 0, wire.SourceReader1, 9900) // refunded: the machine did not count it
			s.record(wire.KindReversal, back, wire.SourceReader1, 9900)
			s.read()
			s.expect("all agree 0, cash agree 0, cashless1 agree 0, cashless2 agree 0")

			s.vend(wire.SourceCash, 5000, false)
			s.vend(wire.SourceCash, 6500, true)
			s.read()
			s.expect("all differ 6500, cash differ 6500, cashless1 agree 0, cashless2 agree 0",
				"cash: the machine counted 2 vends 115.00 ₽, the bus told of 1 vends 50.00 ₽")

			s.vend(wire.SourceReader1, 7000, false)
			s.read()
			s.expect("all agree 0, cash agree 0, cashless1 agree 0, cashless2 agree 0")

			s.vend(wire.SourceCash, 5000, false)
			_, err := s.log.Begin(journal.WhyAsked, "")
			s.must(err)
			s.vend(wire.SourceCash, 5000, false)
			s.read()
			s.expect("all unknown ? journal_restarted, cash unknown ? journal_restarted, cashless1 unknown ? journal_restarted, cashless2 unknown ? journal_restarted")

			s.counters.Restart()
			s.vend(wire.SourceCash, 5000, false)
			s.read()
			if got := s.outcomes(); strings.Contains(got, "differ") || strings.Contains(got, "cash agree") {
				t.Errorf("counters that began anew are taken for proof: %s", got)
			}
		})
	}
}

// TestCountersThatWrapAgree lets counters of 16 bits run over.
func TestCountersThatWrapAgree(t *testing.T) {
	s := newSite(t, DEX)
	s.counters.Limit = 1 << 16
	for range 13 {
		s.vend(wire.SourceCash, 5000, true)
	}
	s.read()
	s.vend(wire.SourceCash, 5000, false)
	s.read()
	s.expect("all agree 0, cash agree 0")
	audits, err := s.hub.Audits(t.Context(), "op", "m", store.Page{Limit: 10})
	s.must(err)
	if !strings.Contains(strings.Join(audits.Items[0].Since.Flags, " "), "counter_wrapped") {
		t.Errorf("the wrap is not said: %+v", audits.Items[0].Since)
	}
}
