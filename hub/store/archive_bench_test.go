package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// archiveSize is how many receipts the archive of the benchmark has; the
// budget of the design is for 10 million (CHEKOMAT_ARCHIVE=10000000).
func archiveSize(b *testing.B) int {
	if v := os.Getenv("CHEKOMAT_ARCHIVE"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatalf("CHEKOMAT_ARCHIVE: %v", err)
		}
		return n
	}
	return 50_000
}

const archiveMachines = 1000

// fillArchive makes an operator of 1000 machines with n sales, one a second up
// to now, each with its job, attempt and receipt.
func fillArchive(b *testing.B, s *Store, n int) {
	b.Helper()
	ctx := context.Background()
	write := func(query string, args ...any) {
		b.Helper()
		err := s.Write(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err })
		if err != nil {
			b.Fatal(err)
		}
	}
	write(`INSERT INTO operator(id,name,created_at) VALUES ('o','o',1);
		INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s','o','s','7700999990',1);
		INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,created_at) VALUES ('l','o','s','l','shtrih+tcp://x:1','1.2',1,'UTC',1);
		INSERT INTO agent(id,operator_id,secret_hash,created_at) VALUES ('g','o','',1);
		INSERT INTO journal(operator_id,agent_id,id,first_at,last_at) VALUES ('o','g','j',1,1)`)
	write(`INSERT INTO machine(id,operator_id,created_at) WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n<?-1) SELECT 'm'||(1000+n),'o',1 FROM i`, archiveMachines)
	write(`INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) SELECT id,1,'s',id,'a','p','Europe/Moscow' FROM machine`)
	defer func() {
		write(`INSERT INTO tally SELECT 'o', 'record', count(*) FROM record UNION ALL SELECT 'o', 'sale', count(*) FROM record UNION ALL SELECT 'o', 'job:done', count(*) FROM job`)
		write(`INSERT INTO takings(operator_id,quarter,machine_id,sales,amount,cash,last_sale)
			SELECT 'o', at/900000, machine_id, count(*), sum(amount), sum(amount), max(at) FROM record GROUP BY 1, 2, 3
			ON CONFLICT(operator_id,quarter,machine_id) DO UPDATE SET sales=excluded.sales, amount=excluded.amount, cash=excluded.cash, last_sale=excluded.last_sale`)
	}()
	wall := `strftime('%Y-%m-%dT%H:%M:%S',r.at/1000,'unixepoch')`
	if s.db.shared() {
		wall = `to_char(to_timestamp(r.at/1000) AT TIME ZONE 'UTC','YYYY-MM-DD"T"HH24:MI:SS')`
	}
	for from := 0; from < n; from += 20_000 {
		write(`INSERT INTO record(operator_id,agent_id,journal_id,seq,machine_id,kind,class,amount,col,source,at,received_at,hash,body,fate)
			WITH RECURSIVE i(n) AS (SELECT ?1 UNION ALL SELECT n+1 FROM i WHERE n<?2-1)
			SELECT 'o','g','j',n+1,'m'||(1000+n%1000),'sale','A',1000*(1+n%100),n%40,'cash',?3-1000*(?4-n),?3-1000*(?4-n),?5,?5,'job' FROM i`,
			from, min(n, from+20_000), s.Now(), n, []byte("{}"))
		write(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,seller_id,machine_id,record_id,lane_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
			SELECT 'j'||(100000000000+id),'o','record','g/j/'||seq,'receipt','s',machine_id,id,'l','done',at,at,'k'||id,amount,
			'{"machine":{"serial":"x"},"items":[{"name":"Вода"}]}',at,at FROM record WHERE seq>?`, from)
		write(`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at,ended_at)
			SELECT 'j'||(100000000000+id),1,'l','9999078902001234',id,'{}','',?,'done',at,at+350 FROM record WHERE seq>?`, []byte("{}"), from)
		write(`INSERT INTO receipt(job_id,attempt_id,operator_id,seller_id,machine_id,lane_id,fn,fd,fp,at,shift,number,rnm,operation,amount,qr,test,made_at)
			SELECT 'j'||(100000000000+r.id),a.id,'o','s',machine_id,'l','9999078902001234',r.id,1,`+wall+`,1,1,'',1,amount,'t=1',1,r.at
			FROM record r JOIN attempt a ON a.job_id='j'||(100000000000+r.id) WHERE seq>?`, from)
	}
}

// BenchmarkArchive asks an archive as the API does, on both databases.
func BenchmarkArchive(b *testing.B) {
	for _, kind := range stores {
		b.Run(kind, func(b *testing.B) { benchArchive(b, openScratch(b, kind)) })
	}
}

func benchArchive(b *testing.B, s *Store) {
	n := archiveSize(b)
	fillArchive(b, s, n)
	if s.db.shared() { // as autovacuum does in service
		if _, err := s.conn.ExecContext(context.Background(), `ANALYZE`); err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	day := s.now().UTC().Truncate(24 * time.Hour)
	if n < 86400 {
		day = s.now().UTC().Add(-time.Minute)
	}
	sum := int64(50_000)
	p := Page{Limit: 100}
	for name, ask := range map[string]func(i int) error{
		"receipt by FN and FD": func(i int) error {
			_, err := s.ReceiptView(ctx, "o", "9999078902001234", int64(1+i*7919%n))
			return err
		},
		"receipts by machine and day": func(i int) error {
			_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: "o", Machine: fmt.Sprintf("m%d", 1000+i%archiveMachines), Day: day}, p)
			return err
		},
		"receipts by sum and day": func(i int) error {
			_, err := s.ReceiptsBy(ctx, ReceiptFilter{Operator: "o", Sum: &sum, Day: day}, p)
			return err
		},
		"day report of a machine": func(i int) error {
			_, err := s.Takings(ctx, "o", fmt.Sprintf("m%d", 1000+i%archiveMachines), "Europe/Moscow", "day", day, day)
			return err
		},
		"sales feed": func(int) error { _, err := s.Sales(ctx, SaleFilter{Operator: "o"}, p); return err },
		"summary":    func(int) error { _, err := s.Summary(ctx, "o"); return err },
		"machines, 1000": func(int) error {
			_, err := s.Machines(ctx, MachineFilter{Operator: "o"}, Page{Limit: 1000})
			return err
		},
		"nothing changed": func() func(int) error {
			c, _ := s.CursorNow(ctx)
			return func(int) error { _, err := s.Changes(ctx, c, nil); return err }
		}(),
		"one job's detail": func(i int) error {
			_, err := s.JobView(ctx, "o", fmt.Sprintf("j%d", 100000000000+1+i*7919%n))
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := ask(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
