package check

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func (r Report) of(id string) Result {
	for _, v := range r.Results {
		if v.Invariant == id {
			return v
		}
	}
	return Result{}
}

func TestASoundHub(t *testing.T) {
	sc := newScene(t)
	if r := sc.check(); !r.OK || len(r.Results) != len(invariants) {
		t.Fatalf("an empty one: %+v", r)
	}
	sc.day()
	r := sc.check()
	if !r.OK {
		t.Fatalf("%+v", r)
	}
	for id, want := range map[string]struct{ checked, waiting, unknown int64 }{
		"I2": {11, 0, 0}, "I3": {10, 2, 0}, "I4": {9, 0, 0}, "I5": {7, 0, 0}, "I7": {1, 0, 0}, "I8": {6, 0, 0}, "I9": {11, 0, 0},
	} {
		if v := r.of(id); v.Checked != want.checked || v.Waiting != want.waiting || v.Unknown != want.unknown {
			t.Errorf("%s: %+v, want %+v", id, v, want)
		}
	}
	sc.clock.Add(time.Hour.Milliseconds())
	if v := sc.check().of("I3"); v.OldestAgeS < 3600 {
		t.Errorf("the age of what waits: %+v", v)
	}
}

// broken changes a sound database; code and id are what must be found.
type broken struct {
	name, invariant, code string
	how                   []string
	sqliteOnly            bool // PostgreSQL refuses it by itself
}

var breaks = []broken{
	{name: "a record's bytes", invariant: "I2", code: "record_damaged", how: []string{`UPDATE record SET body = body || X'20' WHERE seq = 3`}, sqliteOnly: true},
	{name: "a record's amount", invariant: "I2", code: "record_differs", how: []string{`UPDATE record SET amount = amount + 1 WHERE seq = 3`}},
	{name: "a record's kind", invariant: "I2", code: "record_differs", how: []string{`UPDATE record SET kind = 'incident' WHERE seq = 3`}},
	{name: "lost at the agent", invariant: "I2", code: "records_gone", how: []string{`INSERT INTO hole(operator_id,agent_id,journal_id,first,last,since,gone) VALUES ('op','a1','j',20,22,1,1)`}},
	{name: "a job is gone", invariant: "I3", code: "sale_without_job", how: []string{`DELETE FROM job_history WHERE job_id IN (SELECT id FROM job WHERE seq = 11)`, `DELETE FROM job WHERE seq = 11`}},
	{name: "held without a reason", invariant: "I3", code: "no_reason", how: []string{`UPDATE record SET reason = '' WHERE seq = 9`}},
	{name: "held, and it has a job", invariant: "I3", code: "fate_and_job", how: []string{`UPDATE record SET fate = 'held', reason = 'c_policy' WHERE seq = 2`}},
	{name: "two jobs of a sale", invariant: "I3", code: "sale_jobs", how: []string{`UPDATE job SET record_id = (SELECT id FROM record WHERE seq = 2) WHERE seq = 11`}},
	{name: "two receipts of a sale", invariant: "I3", code: "sale_receipts", how: []string{`UPDATE job SET record_id = (SELECT id FROM record WHERE seq = 2) WHERE seq = 3 AND purpose = 'receipt'`}},
	{name: "a refund is gone", invariant: "I3", code: "sale_without_job", how: []string{`UPDATE job SET record_id = NULL WHERE purpose = 'refund'`}},
	{name: "a receipt is gone", invariant: "I4", code: "document_missing", how: []string{`DELETE FROM receipt WHERE fd = 4`}},
	{name: "a foreign document is gone", invariant: "I4", code: "document_missing", how: []string{`DELETE FROM foreign_document`}},
	{name: "the last one is gone", invariant: "I4", code: "document_missing", how: []string{`UPDATE fn_period SET last_fd = last_fd + 1`}},
	{name: "foreign and ours", invariant: "I4", code: "foreign_and_ours", how: []string{`INSERT INTO foreign_document(fn,fd,lane_id,kind,amount,at,found_at) SELECT fn, fd, lane_id, 3, amount, at, 1 FROM receipt WHERE fd = 4`}},
	{name: "bound and no receipt", invariant: "I4", code: "bound_without_receipt", how: []string{`UPDATE foreign_document SET job_id = (SELECT id FROM job WHERE seq = 11)`}},
	{name: "bound to two", invariant: "I4", code: "bound_twice", how: []string{`INSERT INTO foreign_document(fn,fd,lane_id,kind,amount,at,found_at,job_id) SELECT fn, fd, lane_id, 3, amount, at, 1, (SELECT id FROM job WHERE seq = 11) FROM receipt WHERE fd = 4`}},
	{name: "a receipt's amount", invariant: "I5", code: "amount_differs", how: []string{`UPDATE receipt SET amount = amount + 1 WHERE fd = 4`}},
	{name: "a job's amount", invariant: "I5", code: "amount_differs", how: []string{`UPDATE job SET amount = amount + 1 WHERE seq = 2`}},
	{name: "a receipt's machine", invariant: "I5", code: "machine_differs", how: []string{`INSERT INTO machine(id,operator_id,created_at) VALUES ('m2','op',1)`, `UPDATE receipt SET machine_id = 'm2' WHERE fd = 4`}},
	{name: "a sale's machine", invariant: "I5", code: "machine_differs", how: []string{`INSERT INTO machine(id,operator_id,created_at) VALUES ('m2','op',1)`, `UPDATE record SET machine_id = 'm2' WHERE seq = 2`}},
	{name: "an operation", invariant: "I5", code: "operation_differs", how: []string{`UPDATE receipt SET operation = 2 WHERE fd = 4`}},
	{name: "a document's VAT", invariant: "I5", code: "vat_differs", how: []string{`UPDATE job SET document = replace(document, '"vat":', '"vat":1') WHERE seq = 2`}},
	{name: "a document's serial number", invariant: "I5", code: "machine_differs", how: []string{`UPDATE job SET document = replace(document, '"VM1"', '"VM2"') WHERE seq = 2`}},
	{name: "another's document", invariant: "I5", code: "document_of_another", how: []string{`UPDATE receipt SET tlv = (SELECT o.tlv FROM receipt o WHERE o.fd = 5) WHERE fd = 4`}},
	{name: "another's key", invariant: "I5", code: "key_differs", how: []string{`UPDATE job SET key = 'other' WHERE seq = 2`}},
	{name: "a document cut short", invariant: "I5", code: "document_damaged", how: []string{`UPDATE receipt SET tlv = X'0300' WHERE fd = 4`}, sqliteOnly: true},
	{name: "a shift's sum", invariant: "I7", code: "shift_differs", how: []string{`UPDATE receipt SET amount = amount + 100 WHERE fd = 4`}},
	{name: "a shift's counters", invariant: "I7", code: "shift_differs", how: []string{`UPDATE ledger_shift SET counters = replace(counters, '"count":5', '"count":6')`}},
	{name: "another receipt's QR", invariant: "I8", code: "qr_of_another", how: []string{`UPDATE receipt SET qr = (SELECT o.qr FROM receipt o WHERE o.fd = 5) WHERE fd = 4`}},
	{name: "no QR", invariant: "I8", code: "qr_unreadable", how: []string{`UPDATE receipt SET qr = 't=1' WHERE fd = 4`}},
	{name: "shown for another sale", invariant: "I8", code: "shown_for_another", how: []string{`UPDATE job SET seq = 99 WHERE seq = 2`}},
	{name: "shown for nothing", invariant: "I8", code: "shown_without_receipt", how: []string{`INSERT INTO shown(job_id,result,after_ms,told_at) SELECT id, 'shown', 1, 1 FROM job WHERE state = 'void'`}},
	{name: "a shift report shown at a machine", invariant: "I8", code: "shown_for_another", how: []string{`UPDATE job SET purpose = 'shift_open', ordinal = 9 WHERE id IN (SELECT job_id FROM shown) AND seq = 2`}},
	{name: "an acknowledged record is gone", invariant: "I9", code: "acknowledged_missing", how: []string{`DELETE FROM record WHERE seq = 10`}},
	{name: "the last record is gone", invariant: "I9", code: "acknowledged_missing", how: []string{`UPDATE journal SET top = top + 5, upto = upto + 5`}},
	{name: "a hole is acknowledged", invariant: "I9", code: "hole_acknowledged", how: []string{`INSERT INTO hole(operator_id,agent_id,journal_id,first,last,since) VALUES ('op','a1','j',10,10,1)`}},
	{name: "more acknowledged than came", invariant: "I9", code: "upto_beyond_top", how: []string{`UPDATE journal SET upto = top + 1`}},
	{name: "a journal's top was put back", invariant: "I9", code: "record_beyond_top", how: []string{`UPDATE journal SET top = top - 1, upto = upto - 1`}},
	{name: "done and no receipt", invariant: "jobs", code: "done_without_receipt", how: []string{`DELETE FROM receipt WHERE fd = 4`}},
	{name: "a receipt and not done", invariant: "jobs", code: "receipt_not_done", how: []string{`UPDATE job SET state = 'queued' WHERE seq = 2`}},
	{name: "sent without an attempt", invariant: "jobs", code: "open_attempt", how: []string{`UPDATE job SET state = 'in_flight' WHERE seq = 11`}},
	{name: "queued with an attempt", invariant: "jobs", code: "open_attempt", how: []string{`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at) SELECT id, 1, 'l', '1', 1, '{}', key || '-a1', '', 'sent', 1 FROM job WHERE seq = 11`}},
	{name: "an attempt is lost", invariant: "jobs", code: "attempts_lost", how: []string{`UPDATE job SET attempts = 2 WHERE seq = 2`}},
	{name: "held for nothing", invariant: "jobs", code: "no_reason", how: []string{`UPDATE job SET state = 'held' WHERE seq = 11`}},
	{name: "no history", invariant: "histories", code: "history_missing", how: []string{`DELETE FROM job_history WHERE job_id IN (SELECT id FROM job WHERE seq = 11)`}},
	{name: "a history that ends elsewhere", invariant: "histories", code: "history_behind", how: []string{`DELETE FROM job_history WHERE state = 'done' AND job_id IN (SELECT id FROM job WHERE seq = 2)`}},
	{name: "an illegal move", invariant: "histories", code: "move_illegal", how: []string{`INSERT INTO job_history(job_id,at,state) SELECT id, 1, 'queued' FROM job WHERE seq = 2`}},
	{name: "an illegal beginning", invariant: "histories", code: "move_illegal", how: []string{`DELETE FROM job_history WHERE state = 'queued' AND job_id IN (SELECT id FROM job WHERE seq = 2)`}},
	{name: "two open attempts", invariant: "attempts", code: "open_attempts", how: []string{`DROP INDEX attempt_open`, `UPDATE attempt SET state = 'sent', ended_at = NULL WHERE id <= 2`}},
	{name: "an attempt's key", invariant: "attempts", code: "key_differs", how: []string{`UPDATE attempt SET key = 'x' WHERE id = 2`}},
	{name: "an attempt that never ended", invariant: "attempts", code: "attempt_end", how: []string{`UPDATE attempt SET ended_at = NULL WHERE id = 2`}},
	{name: "an attempt done for nothing", invariant: "attempts", code: "done_without_receipt", how: []string{`DELETE FROM receipt WHERE fd = 4`}},
	{name: "a count", invariant: "counts", code: "count_differs", how: []string{`UPDATE tally SET n = n + 1 WHERE what = 'receipt'`}},
	{name: "a count that was never kept", invariant: "counts", code: "count_differs", how: []string{`DELETE FROM tally WHERE what = 'sale'`}},
	{name: "takings", invariant: "counts", code: "takings_differ", how: []string{`UPDATE takings SET receipted = receipted - 1 WHERE receipts > 0`}},
	{name: "takings of nothing", invariant: "counts", code: "takings_differ", how: []string{`INSERT INTO takings(operator_id,quarter,machine_id,refunds) VALUES ('op',1,'m',1)`}},
	{name: "a reference", invariant: "references", code: "reference_broken", how: []string{`DELETE FROM lane WHERE id = 'l'`}, sqliteOnly: true},
}

// TestEachInvariantCanFail: the check of each is known to find what is wrong.
func TestEachInvariantCanFail(t *testing.T) {
	found, day := map[string]bool{}, days(t)
	for _, b := range breaks {
		t.Run(b.name, func(t *testing.T) {
			if b.sqliteOnly {
				storetest.SQLite(t)
			}
			sc := day(t)
			sc.breakIt(b.how)
			r := sc.check()
			v := r.of(b.invariant)
			if r.OK || v.Violated == 0 {
				t.Fatalf("not found: %+v", r)
			}
			for _, x := range v.Violations {
				if x.Code == b.code && x.ID != "" {
					found[b.invariant] = true
					return
				}
			}
			t.Errorf("%s: %+v, want %s", b.invariant, v.Violations, b.code)
		})
	}
	for _, v := range invariants {
		if !found[v.id] && (v.id != "references" || !storetest.Postgres()) {
			t.Errorf("nothing here breaks %s", v.id)
		}
	}
}

// breakIt changes the database past its own rules, as a bug would.
func (sc *scene) breakIt(how []string) {
	sc.tb.Helper()
	if storetest.Postgres() {
		for _, q := range append([]string{`SET session_replication_role = 'replica'`}, append(how, `SET session_replication_role = 'origin'`)...) {
			sc.do(q)
		}
		return
	}
	db, err := sql.Open("sqlite3", sc.address)
	sc.ok(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range append([]string{`PRAGMA foreign_keys = off`, `PRAGMA recursive_triggers = off`}, how...) {
		if _, err := db.Exec(q); err != nil {
			sc.tb.Fatalf("%s: %v", q, err)
		}
	}
}

func TestViolationsAreCountedAndTheFirstAreNamed(t *testing.T) {
	sc := newScene(t)
	for seq := int64(1); seq <= Shown+5; seq++ {
		sc.sold(seq)
	}
	sc.breakIt([]string{`DELETE FROM job_history`})
	v := sc.check().of("histories")
	if v.Violated != Shown+5 || len(v.Violations) != Shown {
		t.Errorf("%d violated, %d named", v.Violated, len(v.Violations))
	}
}

func TestHolesThatMayFillAreNoViolation(t *testing.T) {
	sc := newScene(t)
	sc.sold(1)
	sc.sold(4)
	sc.clock.Add(5000)
	r := sc.check()
	if v := r.of("I2"); !r.OK || v.Waiting != 1 || v.OldestAge != 5*time.Second {
		t.Errorf("%+v", r)
	}
}

func TestARefusedRecordIsAccountedFor(t *testing.T) {
	sc := newScene(t)
	sc.sold(1)
	_, err := sc.TakeIn(context.Background(), "op", "a1", []store.Arrival{{Topic: "t", Raw: []byte("x"), Received: sc.Now(), Journal: "j", Seq: 2, Code: "bad_format", Detail: "d"}})
	sc.ok(err)
	sc.sold(3)
	if r := sc.check(); !r.OK {
		t.Errorf("%+v", r)
	}
}

// TestALandedBacklogIsAccountedFor: durable and acknowledged, not yet rows.
func TestALandedBacklogIsAccountedFor(t *testing.T) {
	sc := newScene(t)
	var all []wire.Record
	for seq := int64(1); seq <= 20; seq++ {
		all = append(all, wire.Record{Seq: seq, Kind: wire.KindSale, Sale: vend(wire.SourceReader1, "cashless", 5000)})
	}
	sc.came(all...)
	if r := sc.check(); !r.OK {
		t.Errorf("%+v", r)
	}
	sc.breakIt([]string{`DELETE FROM landed`})
	if v := sc.check().of("I9"); v.Violated == 0 {
		t.Error("records that landed and are gone are not missed")
	}
}

// TestPagesLoseNothing: more rows than a page holds.
func TestPagesLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a few thousand sales")
	}
	sc := newScene(t)
	sc.many(page + 500)
	r := sc.check()
	if !r.OK {
		t.Fatalf("%+v", r)
	}
	if n := r.of("I3").Checked; n != page+500 {
		t.Errorf("%d sales looked at", n)
	}
	sc.breakIt([]string{fmt.Sprintf(`UPDATE receipt SET amount = amount + 1 WHERE fd = %d`, page+300)})
	if v := sc.check().of("I5"); v.Violated == 0 {
		t.Error("beyond the first page nothing is found")
	}
}

// many makes n sales with their receipts as rows, the quick way.
func (sc *scene) many(n int) {
	sc.tb.Helper()
	for from := 1; from <= n; from += 500 {
		var all []store.Arrival
		for seq := from; seq < from+500 && seq <= n; seq++ {
			all = append(all, sc.arrival(wire.Record{Seq: int64(seq), Kind: wire.KindSale, Sale: vend(wire.SourceReader1, "cashless", 5000)}))
		}
		_, err := sc.TakeIn(context.Background(), "op", "a1", all)
		sc.ok(err)
		for more := true; more; {
			more, err = sc.Settle(context.Background(), func(store.Taken) {})
			sc.ok(err)
		}
	}
	sc.report(false)
	type row struct {
		id, key string
		doc     fiscal.Document
	}
	var jobs []row
	rows, err := sc.Read().Query(`SELECT id, key, document FROM job WHERE state = 'queued' ORDER BY id`)
	sc.ok(err)
	for rows.Next() {
		var j row
		var doc []byte
		sc.ok(rows.Scan(&j.id, &j.key, &doc))
		sc.ok(json.Unmarshal(doc, &j.doc))
		jobs = append(jobs, j)
	}
	sc.ok(rows.Close())
	for len(jobs) > 0 {
		some := jobs[:min(len(jobs), 500)]
		jobs = jobs[len(some):]
		sc.ok(sc.Write(context.Background(), func(tx *sql.Tx) error {
			for _, j := range some {
				im := sc.imprint()
				im.Property = j.key + "-a1"
				doc, err := ffd.ComposeReceipt(j.doc, im)
				if err != nil {
					return err
				}
				im.Operation, im.Total = fiscal.Sell, j.doc.Total
				var attempt int64
				if err := tx.QueryRow(`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at,ended_at) VALUES (?,1,'l',?,?,'{}',?,'','done',1,2) RETURNING id`,
					j.id, testFN, im.FD-1, im.Property).Scan(&attempt); err != nil {
					return err
				}
				for _, q := range []struct {
					text string
					args []any
				}{
					{`UPDATE job SET state = 'done', attempts = 1, lane_id = 'l' WHERE id = ?`, []any{j.id}},
					{`INSERT INTO job_history(job_id,at,state) VALUES (?,1,'in_flight')`, []any{j.id}},
					{`INSERT INTO job_history(job_id,at,state) VALUES (?,2,'done')`, []any{j.id}},
					{`INSERT INTO receipt(job_id,attempt_id,operator_id,seller_id,machine_id,lane_id,fn,fd,fp,at,shift,number,rnm,operation,amount,qr,test,tlv,made_at)
						VALUES (?,?,'op','s','m','l',?,?,?,?,1,?,?,1,?,?,1,?,?)`, []any{j.id, attempt, testFN, im.FD, im.FP, im.At.Format(fiscal.WallLayout), im.FD, im.RegNumber,
						im.Total, im.QR(), ffd.AppendDocument(nil, doc), sc.Now()}},
				} {
					if _, err := tx.Exec(q.text, q.args...); err != nil {
						return fmt.Errorf("%s: %w", q.text, err)
					}
				}
			}
			_, err := tx.Exec(`UPDATE fn_period SET last_fd = ?`, sc.fd)
			return err
		}))
	}
}

// TestASaleOfTwoParties: a receipt is of the parts that are ours.
func TestASaleOfTwoParties(t *testing.T) {
	sc := newScene(t)
	sale := vend(wire.SourceReader1, "cashless", 5000)
	sale.Parts = []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: 3000}, {Source: wire.SourceReader2, Kind: "cashless", Minor: 2000}}
	sc.came(wire.Record{Seq: 1, Kind: wire.KindSale, Sale: sale})
	sc.report(false)
	sc.makeAll()
	if r := sc.check(); !r.OK {
		t.Errorf("%+v", r)
	}
	body, err := json.Marshal(wire.Record{Kind: wire.KindSale, Sale: sale})
	sc.ok(err)
	for amount, want := range map[int64]bool{3000: true, 2000: true, 5000: true, 1000: false, 0: false} {
		if partsGive(body, amount) != want {
			t.Errorf("%d kopecks of the parts: %v", amount, !want)
		}
	}
}

// TestACorrectionShownInAReceiptsPlace is no violation.
func TestACorrectionShownInAReceiptsPlace(t *testing.T) {
	sc := newScene(t)
	sc.do(`UPDATE operator SET correct_after_m = 1`)
	sc.sold(1)
	sc.clock.Add(time.Hour.Milliseconds())
	n, err := sc.CorrectLate(context.Background())
	if sc.ok(err); n != 1 {
		t.Fatalf("%d corrections", n)
	}
	sc.report(false)
	sc.makeAll()
	_, err = sc.NoteState(context.Background(), "op", "a1", wire.State{V: 1, Session: "s", Online: true, Shown: []wire.Shown{{Journal: "j", Seq: 1, Result: "shown"}}})
	sc.ok(err)
	if r := sc.check(); !r.OK {
		t.Errorf("%+v", r)
	}
}

func TestEveryCodeHasWords(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?:bad|same)\("([a-z_]+)"|number\(\d+, [^,]+, "([a-z_]+)"\)`)
	n := 0
	for _, f := range sources {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			n++
			if code := m[1] + m[2]; Say(code, "ru") == "" || Say(code, "en") == "" {
				t.Errorf("%s: %s is not explained", f, code)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d codes found", n)
	}
	for _, b := range breaks {
		if Say(b.code, "ru") == "" || Say(b.code, "en") == "" {
			t.Errorf("%s is not explained", b.code)
		}
	}
	for _, v := range invariants {
		if Title(v.id, "ru") == "" || Title(v.id, "en") == "" {
			t.Errorf("%s has no title", v.id)
		}
	}
}

// TestReadingBesideAHub: the check opens the database by itself while a hub
// works on it, and where none does.
func TestReadingBesideAHub(t *testing.T) {
	sc := newScene(t)
	sc.day()
	ctx := context.Background()
	db, err := store.OpenReading(ctx, sc.address)
	sc.ok(err)
	defer db.Close()
	sc.sold(12)
	var told []Progress
	r, err := Run(ctx, db, Options{Gentle: true, Progress: func(p Progress) { told = append(told, p) }})
	if err != nil || !r.OK || r.of("I2").Checked != 12 || len(told) == 0 || told[len(told)-1].Number != len(invariants) {
		t.Errorf("%v %+v", err, r)
	}
	if _, err := db.Exec(`UPDATE tally SET n = 0`); err == nil {
		t.Error("a database opened for reading takes writes")
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	storetest.SQLite(t)
	ctx := context.Background()
	if _, err := store.OpenReading(ctx, filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
	sc := newScene(t)
	sc.do(`UPDATE goose_db_version SET is_applied = 0 WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	if _, err := store.OpenReading(ctx, sc.address); !errors.Is(err, store.ErrOtherSchema) {
		t.Errorf("%v", err)
	}
}

// BenchmarkSales is the whole check over 100 000 sales with their receipts.
func BenchmarkSales(b *testing.B) {
	sc := newScene(b)
	const n = 100_000
	sc.many(n)
	var r Report
	for b.Loop() {
		if r = sc.check(); !r.OK {
			b.Fatalf("%+v", r)
		}
	}
	for _, v := range r.Results {
		b.ReportMetric(v.Seconds, v.Invariant+"-s")
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "sales/s")
}
