package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// noon is when the scene's clock starts.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// scene is a store on virtual time with one operator "op", seller "s", machine
// "m" with agent "a1" in it and column 5 at 50 ₽.
type scene struct {
	*Store
	tb      testing.TB
	address string
	clock   atomic.Int64
}

func newScene(tb testing.TB) *scene {
	tb.Helper()
	return newSceneAt(tb, storetest.Address(tb))
}

func newSceneAt(tb testing.TB, address string) *scene {
	tb.Helper()
	sc := &scene{tb: tb, address: address}
	sc.clock.Store(noon.UnixMilli())
	s, err := Open(context.Background(), sc.address, func() time.Time { return time.UnixMilli(sc.clock.Load()) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := sc.Close(); err != nil {
			tb.Error(err)
		}
	})
	sc.Store = s
	sc.do(`INSERT INTO operator(id,name,created_at) VALUES ('op','Оператор',1);
		INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','op','ООО «Кофе»','7707083893',1);
		INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s',1,1,'standard');
		INSERT INTO machine(id,operator_id,created_at) VALUES ('m','op',1);
		INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES ('m',1,'s','VM1','Москва, Ленина 1','холл','Europe/Moscow');
		INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','cash',1,'us'), ('m','reader1',1,'us');
		INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,1,'Эспрессо',5000)`)
	sc.agent("a1")
	sc.do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a1','m',1)`)
	return sc
}

func (sc *scene) agent(id string) {
	sc.tb.Helper()
	sc.do(`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES (?,'op',?,1)`, id, HashSecret("x"))
}

func (sc *scene) do(query string, args ...any) {
	sc.tb.Helper()
	mustWrite(sc.tb, sc.Store, func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err })
}

func (sc *scene) advance(d time.Duration) { sc.clock.Add(d.Milliseconds()) }

// vend is a class A cashless sale of column 5 for 50 ₽.
func vend() wire.Sale {
	return wire.Sale{Class: "A", Evidence: "vend_success", Column: 5, ColKnown: true, Channel: "device", Bus: "mdb",
		Amount: wire.Money{Minor: 5000, Known: true, Currency: "643", Raw: 50, Scale: 100, Decimals: 2},
		Parts:  []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: 5000}}}
}

func record(journal string, seq int64, kind wire.RecordKind, sale *wire.Sale) wire.Record {
	return wire.Record{V: wire.Version, Journal: journal, Seq: seq, Kind: kind, Sale: sale}
}

// arrival is a record as ingest hands it over.
func (sc *scene) arrival(r wire.Record, age time.Duration) Arrival {
	sc.tb.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		sc.tb.Fatal(err)
	}
	raw, err := json.Marshal(wire.RecordMessage{V: wire.Version, AgeMS: age.Milliseconds(), Record: body})
	if err != nil {
		sc.tb.Fatal(err)
	}
	return Arrival{Topic: "t", Raw: raw, Received: sc.Now(), Journal: r.Journal, Seq: r.Seq, Record: r, Body: body, Age: age}
}

func (sc *scene) take(agent string, batch ...Arrival) Taken {
	sc.tb.Helper()
	t, err := sc.TakeIn(context.Background(), "op", agent, batch)
	if err != nil {
		sc.tb.Fatal(err)
	}
	return t
}

// came stores one record of a1's journal "j".
func (sc *scene) came(r wire.Record) Taken {
	sc.tb.Helper()
	return sc.take("a1", sc.arrival(r, 0))
}

func (sc *scene) fate(seq int64) (f Fate, reason string) {
	sc.tb.Helper()
	if err := sc.r.QueryRow(`SELECT fate, reason FROM record WHERE journal_id='j' AND seq=?`, seq).Scan(&f, &reason); err != nil {
		sc.tb.Fatalf("record %d: %v", seq, err)
	}
	return f, reason
}

type jobSeen struct {
	id, state, reason, purpose string
	seq, amount                int64
	doc                        fiscal.Document
}

// jobs lists all jobs in the order they were made.
func (sc *scene) jobs() []jobSeen {
	sc.tb.Helper()
	all, err := listOf(context.Background(), sc.r, func(r *sql.Rows, j *jobSeen) error {
		var doc []byte
		if err := r.Scan(&j.id, &j.state, &j.reason, &j.purpose, &j.seq, &j.amount, &doc); err != nil {
			return err
		}
		return json.Unmarshal(doc, &j.doc)
	}, `SELECT id,state,reason,purpose,seq,amount,document FROM job ORDER BY (SELECT min(h.id) FROM job_history h WHERE h.job_id=job.id)`)
	if err != nil {
		sc.tb.Fatal(err)
	}
	return all
}

// incidents lists "subject code" of what is open.
func (sc *scene) incidents() map[string]string {
	sc.tb.Helper()
	type row struct{ subject, code, detail string }
	all, err := listOf(context.Background(), sc.r, func(r *sql.Rows, v *row) error { return r.Scan(&v.subject, &v.code, &v.detail) },
		`SELECT subject, code, detail FROM incident WHERE closed_at IS NULL`)
	if err != nil {
		sc.tb.Fatal(err)
	}
	m := map[string]string{}
	for _, v := range all {
		m[v.subject+" "+v.code] = v.detail
	}
	return m
}
