package ingest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// clock is virtual time.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}
func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func openStore(tb testing.TB, now func() time.Time) *store.Store {
	tb.Helper()
	s, err := store.Open(context.Background(), storetest.Address(tb), now)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

const secret = "s3cret"

// settle makes one operator op with a seller and n machines m1…, each with an
// agent a1… bound to it, all facts in force since long ago.
func settle(tb testing.TB, s *store.Store, op string, n int) {
	tb.Helper()
	err := s.Write(context.Background(), func(tx *sql.Tx) error {
		do := func(q string, args ...any) {
			if _, err := tx.Exec(q, args...); err != nil {
				tb.Fatalf("%s: %v", q, err)
			}
		}
		do(`INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, op, op)
		do(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES (?,?,'ООО «Кофе»','7707083893',1)`, op+"-s", op)
		do(`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES (?,1,2,'none')`, op+"-s")
		for i := 1; i <= n; i++ {
			m, a := fmt.Sprintf("%s-m%d", op, i), fmt.Sprintf("a%d", i)
			do(`INSERT INTO machine(id,operator_id,created_at) VALUES (?,?,1)`, m, op)
			do(`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES (?,1,?,?,'Москва, ул. Ленина, 1','холл','Europe/Moscow')`,
				m, op+"-s", fmt.Sprintf("VM%04d", i))
			for _, src := range []string{"cash", "reader1", "reader2"} {
				do(`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES (?,?,1,'us')`, m, src)
			}
			do(`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES (?,5,1,'Эспрессо',5000)`, m)
			do(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES (?,?,?,1)`, a, op, store.HashSecret(secret))
			do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES (?,?,?,1)`, op, a, m)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// sale is a plain cashless sale of column 5 at its price.
func sale(journal string, seq int64) wire.Record {
	return wire.Record{V: wire.Version, Journal: journal, Seq: seq, Kind: wire.KindSale,
		Wall: time.Date(2026, 3, 10, 12, 0, 0, int(seq)*1000, time.UTC), Synced: true, Boot: "b1", MonoMS: seq * 1000,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", Column: 5, ColKnown: true, Channel: "device", Bus: "mdb", BusUS: seq,
			Amount: wire.Money{Minor: 5000, Known: true, Currency: "643", Raw: 50, Scale: 100, Decimals: 2},
			Parts:  []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: 5000}},
			Words:  "113 002 100 050"}}
}

func message(tb testing.TB, r wire.Record) []byte {
	tb.Helper()
	return encode(tb, wire.RecordMessage{V: wire.Version, AgeMS: 40, Record: encode(tb, r)})
}

// hub is broker, ingest and store wired as the program wires them.
type hub struct {
	store  *store.Store
	ingest *ingest.Ingest
	broker *broker.Broker
}

func startHub(tb testing.TB, s *store.Store, bo broker.Options, io ingest.Options) *hub {
	tb.Helper()
	if bo.Addr == "" {
		bo.Addr = "127.0.0.1:0"
	}
	bo.Log, io.Log = slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler)
	in := ingest.New(s, io)
	b, err := broker.Start(bo, s, in)
	if err != nil {
		tb.Fatal(err)
	}
	in.Attach(b)
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
		in.Stop()
	})
	return &hub{s, in, b}
}

// settled waits until no record that has landed waits for its fate.
func settled(tb testing.TB, s *store.Store) {
	tb.Helper()
	changed, cancel := s.Changed()
	defer cancel()
	for {
		var waits bool
		if err := s.Read().QueryRow(`SELECT EXISTS(SELECT 1 FROM landed)`).Scan(&waits); err != nil {
			tb.Fatal(err)
		}
		if !waits {
			return
		}
		<-changed
	}
}
