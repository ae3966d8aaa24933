package store

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/chekomat/chekomat/agent/wire"
	"pgregory.net/rapid"
)

// recount is what the running counts must be, counted anew.
var recount = map[string]string{
	"tally": `SELECT * FROM (SELECT operator_id, 'record', count(*) AS n FROM record GROUP BY 1
		UNION ALL SELECT operator_id, 'sale', count(*) FROM record WHERE kind='sale' GROUP BY 1
		UNION ALL SELECT operator_id, 'held', count(*) FROM record WHERE fate='held' GROUP BY 1
		UNION ALL SELECT operator_id, 'receipt', count(*) FROM receipt WHERE operation>0 GROUP BY 1
		UNION ALL SELECT operator_id, 'job:'||state, count(*) FROM job GROUP BY 1, 2) x WHERE n<>0 ORDER BY 1, 2`,
	"takings": `SELECT operator_id, quarter, machine_id, sum(sales), sum(amount), sum(cash), sum(reversals), sum(reversed), sum(receipts), sum(receipted), sum(refunds), sum(refunded) FROM (
		SELECT operator_id, at/900000 AS quarter, coalesce(machine_id,'') AS machine_id, 1 AS sales, amount,
			CASE WHEN source='cash' THEN amount ELSE 0 END AS cash, 0 AS reversals, 0 AS reversed, 0 AS receipts, 0 AS receipted, 0 AS refunds, 0 AS refunded
			FROM record WHERE kind='sale'
		UNION ALL SELECT operator_id, at/900000, coalesce(machine_id,''), 0,0,0, 1,amount, 0,0,0,0 FROM record WHERE kind='reversal'
		UNION ALL SELECT operator_id, made_at/900000, coalesce(machine_id,''), 0,0,0,0,0, 1,amount, 0,0 FROM receipt WHERE operation=1
		UNION ALL SELECT operator_id, made_at/900000, coalesce(machine_id,''), 0,0,0,0,0,0,0, 1,amount FROM receipt WHERE operation=2) x
		GROUP BY 1,2,3 ORDER BY 1,2,3`,
}

var kept = map[string]string{
	"tally": `SELECT operator_id, what, n FROM tally WHERE n<>0 ORDER BY 1, 2`,
	"takings": `SELECT operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed, receipts, receipted, refunds, refunded FROM takings
		WHERE sales+reversals+receipts+refunds<>0 ORDER BY 1,2,3`, // a row that was emptied again is kept
}

func rowsOf(t *rapid.T, tx *sql.Tx, query string) (all []string) {
	rows, err := tx.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		row := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i] // a sum may come as text
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%v", row))
	}
	return all
}

// Whatever becomes of records, jobs and receipts, the running counts are what
// counting anew would give.
func TestRunningCountsAreExact(t *testing.T) {
	s := openTest(t)
	const setUp = `INSERT INTO operator(id,name,created_at) VALUES ('a','a',1),('b','b',1);
		INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','a','s','1',1);
		INSERT INTO machine(id,operator_id,created_at) VALUES ('m1','a',1),('m2','a',1);
		INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,created_at) VALUES ('l','a','s','l','','1.2',1,'UTC',1);
		INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES ('g','a','',1),('g','b','',1);
		INSERT INTO journal(operator_id,agent_id,id,first_at,last_at) VALUES ('a','g','j',1,1),('b','g','j',1,1)`
	rapid.Check(t, func(t *rapid.T) {
		tx, err := s.conn.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		run := func(query string, args ...any) {
			if _, err := tx.Exec(query, args...); err != nil {
				t.Fatalf("%s %v: %v", query, args, err)
			}
		}
		run(setUp)
		one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		amount := rapid.Int64Range(0, 100)
		at := rapid.Int64Range(0, 5*quarterMS)
		records, jobs := 0, 0
		var batch tally
		batchOf := "a"
		count := func(t *rapid.T) {
			if err := batch.add(tx, batchOf); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"record": func(t *rapid.T) {
				count(t)
				records++
				kind, fate, source, sum, moment := one("kind", "sale", "reversal", "incident"), one("fate", "job", "held", "none"), one("source", "cash", "reader1"), amount.Draw(t, "amount"), at.Draw(t, "at")
				operator, machine := one("operator", "a", "b"), sql.NullString{}
				if operator == "a" {
					machine.String = one("machine", "", "m1", "m2")
					machine.Valid = machine.String != ""
				}
				run(`INSERT INTO record(operator_id,agent_id,journal_id,seq,machine_id,kind,amount,source,at,received_at,hash,body,fate) VALUES (?,'g','j',?,?,?,?,?,?,1,'','',?)`,
					operator, records, machine, kind, sum, source, moment, fate)
				batch.record(machine.String, wire.RecordKind(kind), Fate(fate), sum, source, moment)
				batchOf = operator
			},
			"decide": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "counted before") {
					count(t)
				}
				run(`UPDATE record SET fate=?, machine_id=CASE WHEN operator_id='a' THEN ? END, amount=? WHERE id=(SELECT min(id)+? FROM record)`,
					one("fate", "job", "held", "none"), one("machine", "m1", "m2"), amount.Draw(t, "amount"), rapid.IntRange(0, 20).Draw(t, "which"))
			},
			"job": func(t *rapid.T) {
				count(t)
				jobs++
				state := one("state", "queued", "held")
				run(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
					VALUES (?1,'a','record',?1,'receipt','s',?2,1,1,?1,1,'{}',1,1)`, fmt.Sprint("job", jobs), state)
				batch.job(state)
				batchOf = "a"
			},
			"move": func(t *rapid.T) {
				run(`UPDATE job SET state=? WHERE id=?`, one("state", "queued", "in_flight", "done", "held", "void"), fmt.Sprint("job", rapid.IntRange(1, 20).Draw(t, "which")))
			},
			"receipt": func(t *rapid.T) {
				if jobs == 0 {
					t.Skip("no job yet")
				}
				job := fmt.Sprint("job", jobs)
				run(`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at) VALUES (?,1,'l','',0,'','','','done',1) ON CONFLICT DO NOTHING`, job)
				run(`INSERT INTO receipt(job_id,attempt_id,operator_id,seller_id,machine_id,lane_id,fn,fd,fp,at,shift,number,rnm,operation,amount,qr,test,made_at)
					SELECT ?1,id,'a','s','m1','l','1',?2,1,'',1,1,'',?3,?4,'',1,?5 FROM attempt WHERE job_id=?1 ON CONFLICT DO NOTHING`,
					job, jobs, rapid.IntRange(0, 2).Draw(t, "operation"), amount.Draw(t, "amount"), at.Draw(t, "at"))
			},
			"": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "the batch goes on") {
					return
				}
				count(t)
				for name, query := range recount {
					if want, got := fmt.Sprint(rowsOf(t, tx, query)), fmt.Sprint(rowsOf(t, tx, kept[name])); got != want {
						t.Fatalf("%s\nkept      %s\nrecounted %s", name, got, want)
					}
				}
			},
		})
	})
}

// TestEurosAreNoRoubles: a sale in another currency is counted and listed, and
// adds nothing to the money.
func TestEurosAreNoRoubles(t *testing.T) {
	sc := newScene(t)
	s := vend()
	s.Amount.Currency = "1978"
	sc.came(record("j", 1, wire.KindSale, &s))
	if f, r := sc.fate(1); f != FateHeld || r != HeldCurrency {
		t.Fatalf("%s %s", f, r)
	}
	var sales, amount, cash, recorded int64
	if err := sc.Read().QueryRow(`SELECT sales, amount, cash, (SELECT amount FROM record) FROM takings`).Scan(&sales, &amount, &cash, &recorded); err != nil {
		t.Fatal(err)
	}
	if sales != 1 || amount != 0 || cash != 0 || recorded != 0 {
		t.Errorf("sales %d, amount %d, cash %d, recorded %d", sales, amount, cash, recorded)
	}
	l, err := sc.LedgerDays(t.Context(), LedgerFilter{Operator: "op"}, Page{Limit: 10})
	if err != nil || len(l.Items) != 1 || l.Items[0].Parties[0].Unpriced != 1 || l.Items[0].Parties[0].Sales.Sum != 0 {
		t.Errorf("%+v, %v", l.Items, err)
	}
}
