package till

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func openStore(t testing.TB, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), storetest.Address(t), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// exec runs statements that lay the ground for a test.
func exec(t failer, s *store.Store, query string, args ...any) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// addSeller makes an operator and a seller of the same id.
func addSeller(t failer, s *store.Store, id string) {
	t.Helper()
	exec(t, s, `INSERT INTO operator(id,name,created_at) VALUES (?,?,1)`, id, id)
	exec(t, s, `INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES (?,?,?,'7701237658',1)`, id, id, id)
}

func addLane(t failer, s *store.Store, seller, id string) {
	t.Helper()
	exec(t, s, `INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES (?,?,?,?,?,'1.2',1,'UTC',1,1)`,
		id, seller, seller, id, "fake:"+id)
}

func addMachine(t failer, s *store.Store, seller, id string) {
	t.Helper()
	exec(t, s, `INSERT INTO machine(id,operator_id,created_at) VALUES (?,?,1)`, id, seller)
}

// newJob is the n-th sale of a seller.
func newJob(seller, machine string, n int, at time.Time, amount int64) (id string, insert func(tx *sql.Tx) error) {
	origin := fmt.Sprintf("%s/j/%d", seller, n)
	key := kkt.NewKey("record", origin, "receipt", "0")
	id = fmt.Sprintf("%s-%d", seller, n)
	doc, err := json.Marshal(fiscal.Document{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: 1, Total: amount,
		Machine:  fiscal.Machine{Serial: machine, Address: "Москва", Place: "Холл"},
		Items:    []fiscal.Item{{Name: "Кофе", Price: amount, Quantity: fiscal.One, Sum: amount, VAT: 6, Subject: 1, Method: 4}},
		Payments: []fiscal.Payment{{Kind: fiscal.Cash, Amount: amount}}})
	ms := at.UnixMilli()
	return id, func(tx *sql.Tx) error {
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,machine_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
			VALUES (?,?,'record',?,'receipt',?,NULLIF(?,''),'queued',?,?,?,?,?,?,?)`, id, seller, origin, seller, machine, ms, ms+120_000, key, amount, doc, ms, ms); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO job_history(job_id,at,state,actor) VALUES (?,?,'queued','ingest')`, id, ms)
		return err
	}
}

func addJob(t failer, s *store.Store, seller, machine string, n int, at time.Time, amount int64) string {
	t.Helper()
	id, insert := newJob(seller, machine, n, at, amount)
	if err := s.Write(context.Background(), insert); err != nil {
		t.Fatalf("job: %v", err)
	}
	return id
}
