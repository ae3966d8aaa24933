package check

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func TestMain(m *testing.M) {
	os.Exit(storetest.Run(m, func(address string) error {
		s, err := store.Open(context.Background(), address, time.Now)
		if err != nil {
			return err
		}
		return s.Close()
	}))
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const testFN = "9999078900001234"

// scene is a hub's store with a machine, its agent and a register whose
// documents are composed as a real one does.
type scene struct {
	*store.Store
	tb      testing.TB
	address string
	clock   atomic.Int64
	hold    store.Hold
	fd      uint32
	shift   uint32
	open    bool
	totals  ffd.Counters
	receipt uint32 // in the shift
}

// ground is an operator with one of everything.
var ground = []string{
	`INSERT INTO operator(id,name,created_at,correct_after_m) VALUES ('op','Оператор',1,0)`,
	`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','op','ООО «Кофе»','7707083893',1)`,
	`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s',1,1,'standard')`,
	`INSERT INTO machine(id,operator_id,created_at) VALUES ('m','op',1)`,
	`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES ('m',1,'s','VM1','Москва, Ленина 1','холл','Europe/Moscow')`,
	`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','cash',1,'us')`,
	`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','reader1',1,'us')`,
	`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','reader2',1,'terminal')`,
	`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,1,'Эспрессо',5000)`,
	`INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES ('a1','op','x',1)`,
	`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a1','m',1)`,
	`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES ('l','op','s','касса','shtrih+tcp://127.0.0.1:1','1.2',1,'Europe/Moscow',1,1)`,
}

// openScene is a scene on a database that is there.
func openScene(tb testing.TB, address string, at time.Time) *scene {
	tb.Helper()
	sc := &scene{tb: tb, address: address}
	sc.clock.Store(at.UnixMilli())
	s, err := store.Open(context.Background(), address, func() time.Time { return time.UnixMilli(sc.clock.Load()) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	sc.Store = s
	return sc
}

func newScene(tb testing.TB) *scene {
	tb.Helper()
	sc := openScene(tb, storetest.Address(tb), noon)
	s := sc.Store
	var err error
	sc.ok(s.Write(context.Background(), func(tx *sql.Tx) error {
		for _, q := range ground {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	}))
	sc.hold, err = s.TakeLane(context.Background(), "l", "hub", time.Hour, time.Second)
	sc.ok(err)
	sc.fd = 1 // the report on registration
	_, err = s.SaveUnit(context.Background(), sc.hold, sc.unit())
	sc.ok(err)
	sc.ok(s.AccountedFor(context.Background(), sc.hold, testFN, sc.fd, false))
	return sc
}

func (sc *scene) ok(err error) {
	sc.tb.Helper()
	if err != nil {
		sc.tb.Fatal(err)
	}
}

func (sc *scene) do(query string, args ...any) {
	sc.tb.Helper()
	err := sc.Write(context.Background(), func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err })
	if err != nil {
		sc.tb.Fatalf("%s: %v", query, err)
	}
}

func (sc *scene) unit() kkt.Unit {
	return kkt.Unit{Serial: "0123456789", Clock: fiscal.Wall(noon), FN: kkt.FNState{Serial: testFN, Phase: 3, LastFD: sc.fd, Shift: sc.shift, ShiftOpen: sc.open, Test: true},
		Registration: kkt.Registration{INN: "7707083893", RNM: "0000000001012345", FFD: kkt.FFD12}}
}

func vend(source, kind string, minor int64) *wire.Sale {
	return &wire.Sale{Class: "A", Evidence: "vend_success", Column: 5, ColKnown: true, Channel: "device", Bus: "mdb",
		Amount: wire.Money{Minor: minor, Known: true, Currency: "643", Raw: minor / 100, Scale: 100, Decimals: 2},
		Parts:  []wire.Part{{Source: source, Kind: kind, Minor: minor}}}
}

func (sc *scene) arrival(r wire.Record) store.Arrival {
	sc.tb.Helper()
	r.V, r.Journal = wire.Version, "j"
	body, err := json.Marshal(r)
	sc.ok(err)
	raw, err := json.Marshal(wire.RecordMessage{V: wire.Version, Record: body})
	sc.ok(err)
	return store.Arrival{Topic: "t", Raw: raw, Received: sc.Now(), Journal: "j", Seq: r.Seq, Record: r, Body: body}
}

func (sc *scene) came(all ...wire.Record) {
	sc.tb.Helper()
	var batch []store.Arrival
	for _, r := range all {
		batch = append(batch, sc.arrival(r))
	}
	_, err := sc.TakeIn(context.Background(), "op", "a1", batch)
	sc.ok(err)
}

func (sc *scene) sold(seq int64) {
	sc.tb.Helper()
	sc.came(wire.Record{Seq: seq, Kind: wire.KindSale, Sale: vend(wire.SourceReader1, "cashless", 5000)})
}

// imprint is what the register adds to its next document.
func (sc *scene) imprint() ffd.Imprint {
	sc.fd++
	return ffd.Imprint{Receipt: fiscal.Receipt{FN: testFN, FD: sc.fd, FP: 1000 + sc.fd, At: fiscal.Wall(time.UnixMilli(sc.clock.Load()).UTC()), Shift: sc.shift,
		Number: sc.receipt, RegNumber: "0000000001012345", Test: true}, Version: ffd.V12, INN: "7707083893", Name: kkt.KeyName}
}

// makeJob has the register make a job's document.
func (sc *scene) makeJob(id string) {
	sc.tb.Helper()
	j, err := sc.Job(context.Background(), id)
	sc.ok(err)
	in := store.Intent{Job: j, Number: j.Attempts + 1, Key: j.Key.Attempt(j.Attempts + 1), Baseline: kkt.Baseline{FN: testFN, FD: sc.fd, Shift: sc.shift, ShiftOpen: sc.open}}
	sc.receipt++
	im := sc.imprint()
	im.Property = string(in.Key)
	doc, err := ffd.ComposeReceipt(j.Document, im)
	sc.ok(err)
	im.Kind, im.Operation, im.Total = j.Document.Kind, j.Document.Operation, j.Amount
	c := &sc.totals.Sell
	if j.Document.Operation == fiscal.SellReturn {
		c = &sc.totals.SellReturn
	}
	c.Count++
	c.Total += j.Amount
	c.Ecash += j.Amount
	sc.finish(in, im.Receipt, doc)
}

func (sc *scene) finish(in store.Intent, r fiscal.Receipt, doc ffd.Document) {
	sc.tb.Helper()
	a, err := sc.Begin(context.Background(), sc.hold, in)
	sc.ok(err)
	_, err = sc.Finish(context.Background(), sc.hold, a, kkt.Outcome{Kind: kkt.Done, Receipt: &r, Document: ffd.AppendDocument(nil, doc)}, nil)
	sc.ok(err)
}

func (sc *scene) report(close bool) {
	sc.tb.Helper()
	purpose, kind := store.PurposeShiftClose, fiscal.KindShiftClose
	if !close {
		purpose, kind = store.PurposeShiftOpen, fiscal.KindShiftOpen
		sc.shift++
		sc.receipt, sc.totals = 0, ffd.Counters{}
	}
	base := kkt.Baseline{FN: testFN, FD: sc.fd, Shift: sc.shift, ShiftOpen: sc.open}
	sc.open = !close
	im := sc.imprint()
	s := ffd.ShiftReport{Imprint: im, Close: close, KKTVersion: "1", KKTFormat: ffd.V12, Totals: &sc.totals}
	doc, err := ffd.ComposeShift(s)
	sc.ok(err)
	origin := store.ShiftOrigin("l", testFN, sc.shift)
	key := kkt.NewKey("lane", origin, purpose, "0")
	j := store.Job{ID: string(key[:20]), Operator: "op", Seller: "s", OriginKind: "lane", OriginID: origin, Purpose: purpose, State: store.JobQueued, SoldAt: sc.Now(), Key: key,
		Document: fiscal.Document{Kind: kind}}
	im.Kind = kind
	sc.finish(store.Intent{Job: j, New: true, Number: 1, Key: key.Attempt(1), Baseline: base}, im.Receipt, doc)
}

// makeAll makes every queued job.
func (sc *scene) makeAll() {
	sc.tb.Helper()
	var ids []string
	rows, err := sc.Read().Query(`SELECT id FROM job WHERE state = 'queued' ORDER BY id`)
	sc.ok(err)
	for rows.Next() {
		var id string
		sc.ok(rows.Scan(&id))
		ids = append(ids, id)
	}
	sc.ok(rows.Close())
	for _, id := range ids {
		sc.makeJob(id)
	}
}

// day is a shift with a bit of everything.
func (sc *scene) day() {
	sc.tb.Helper()
	ctx := context.Background()
	for seq := int64(1); seq <= 4; seq++ {
		sc.sold(seq)
	}
	sc.report(false)
	sc.makeAll()
	sc.came(wire.Record{Seq: 5, Kind: wire.KindReversal, Of: 1}) // a refund
	sc.makeAll()
	sc.sold(6)
	sc.came(wire.Record{Seq: 7, Kind: wire.KindReversal, Of: 6})                                               // before anything was sent
	sc.came(wire.Record{Seq: 8, Kind: wire.KindSale, Sale: vend(wire.SourceReader2, "cashless", 4000)})        // the terminal's
	sc.came(wire.Record{Seq: 9, Kind: wire.KindSale, Sale: vend("coupon", "cashless", 4000)})                  // nobody's
	sc.came(wire.Record{Seq: 10, Kind: wire.KindGap, Gap: &wire.Gap{Reason: "restart", From: noon, To: noon}}) // no sale
	sc.foreign()
	sc.report(true)
	for n := 1; n > 0; {
		var err error
		n, err = sc.BalanceShifts(ctx)
		sc.ok(err)
	}
	sc.sold(11) // on its way
	_, err := sc.NoteState(ctx, "op", "a1", wire.State{V: 1, Session: "s", Online: true, Shown: []wire.Shown{{Journal: "j", Seq: 2, Result: "shown", AfterMS: 500}}})
	sc.ok(err)
}

// foreign has another program make a receipt on the register.
func (sc *scene) foreign() {
	sc.tb.Helper()
	sc.receipt++
	im := sc.imprint()
	im.Property = ""
	doc, err := ffd.ComposeReceipt(fiscal.Document{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: 1, Total: 700, Machine: fiscal.Machine{Serial: "X", Address: "a", Place: "b"},
		Items: []fiscal.Item{{Name: "Чай", Price: 700, Quantity: fiscal.One, Sum: 700, VAT: fiscal.VATNone, Subject: 1, Method: 4}}, Payments: []fiscal.Payment{{Kind: fiscal.Cash, Amount: 700}}}, im)
	sc.ok(err)
	im.Kind, im.Operation, im.Total = fiscal.KindReceipt, fiscal.Sell, 700
	sc.totals.Sell.Count++
	sc.totals.Sell.Total += 700
	sc.totals.Sell.Cash += 700
	_, err = sc.TakeDocument(context.Background(), sc.hold, kkt.Stored{Receipt: im.Receipt, Type: 3, Document: ffd.AppendDocument(nil, doc)}, true)
	sc.ok(err)
}

// days gives scenes after a day, each a database of its own: copies of one
// where a database is a file.
func days(tb testing.TB) func(tb testing.TB) *scene {
	anew := func(tb testing.TB) *scene {
		sc := newScene(tb)
		sc.day()
		return sc
	}
	if storetest.Postgres() {
		return anew
	}
	sc := anew(tb)
	whole := filepath.Join(tb.TempDir(), "day.db")
	_, err := sc.Read().Exec(`VACUUM INTO ?`, whole)
	sc.ok(err)
	db, err := os.ReadFile(whole)
	sc.ok(err)
	return func(tb testing.TB) *scene {
		address := storetest.Address(tb)
		if err := os.WriteFile(address, db, 0o600); err != nil {
			tb.Fatal(err)
		}
		return openScene(tb, address, time.UnixMilli(sc.Now()))
	}
}

func (sc *scene) check() Report {
	sc.tb.Helper()
	r, err := Run(context.Background(), sc.Read(), Options{Now: func() time.Time { return time.UnixMilli(sc.Now()) }})
	sc.ok(err)
	return r
}
