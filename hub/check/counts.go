package check

import (
	"database/sql"
	"fmt"
	"strconv"
)

// counts: the running counts that the dashboard shows are those of the rows.
// All of them are taken in one transaction, without a page: a working hub goes
// on writing beside it.
func (c *checker) counts() error {
	return c.snapshot(func(tx *sql.Tx) error {
		if err := c.tally(tx); err != nil {
			return err
		}
		return c.takings(tx)
	})
}

func (c *checker) tally(tx *sql.Tx) error {
	kept, real := map[string]int64{}, map[string]int64{}
	read := func(to map[string]int64, query string) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var operator, what string
			var n int64
			err := r.Scan(&operator, &what, &n)
			to[operator+" "+what] += n
			return err
		}, query)
		return err
	}
	for _, q := range []string{
		`SELECT operator_id, 'record', count(*) FROM record GROUP BY operator_id`,
		`SELECT operator_id, 'sale', count(*) FROM record WHERE kind = 'sale' GROUP BY operator_id`,
		`SELECT operator_id, 'held', count(*) FROM record WHERE fate = 'held' GROUP BY operator_id`,
		`SELECT operator_id, 'receipt', count(*) FROM receipt WHERE operation > 0 GROUP BY operator_id`,
		`SELECT operator_id, 'job:' || state, count(*) FROM job GROUP BY operator_id, state`,
	} {
		if err := read(real, q); err != nil {
			return err
		}
	}
	if err := read(kept, `SELECT operator_id, what, n FROM tally ORDER BY operator_id, what`); err != nil {
		return err
	}
	c.same("count_differs", kept, real)
	return nil
}

// same compares what is kept with what is counted anew; no row is 0.
func (c *checker) same(code string, kept, real map[string]int64) {
	for what, n := range kept {
		c.r.Checked++
		if n != real[what] {
			c.bad(code, what, "kept %d, counted %d", n, real[what])
		}
	}
	for what, n := range real {
		if _, ok := kept[what]; !ok && n != 0 {
			c.r.Checked++
			c.bad(code, what, "kept 0, counted %d", n)
		}
	}
}

var takingsFields = []string{"sales", "amount", "cash", "reversals", "reversed", "receipts", "receipted", "refunds", "refunded"}

func (c *checker) takings(tx *sql.Tx) error {
	kept, real := map[string]int64{}, map[string]int64{}
	read := func(to map[string]int64, fields []string, query string) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var operator, machine string
			var quarter int64
			values := make([]int64, len(fields))
			into := []any{&operator, &quarter, &machine}
			for i := range values {
				into = append(into, &values[i])
			}
			if err := r.Scan(into...); err != nil {
				return err
			}
			for i, f := range fields {
				if values[i] != 0 {
					to[fmt.Sprintf("%s of machine %q of %s in quarter %s", f, machine, operator, strconv.FormatInt(quarter, 10))] += values[i]
				}
			}
			return nil
		}, query)
		return err
	}
	if err := read(kept, takingsFields, `SELECT operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed, receipts, receipted, refunds, refunded FROM takings`); err != nil {
		return err
	}
	if err := read(real, takingsFields[:5], `SELECT operator_id, at / 900000, coalesce(machine_id, ''),
			sum(CASE WHEN kind = 'sale' THEN 1 ELSE 0 END), sum(CASE WHEN kind = 'sale' THEN amount ELSE 0 END),
			sum(CASE WHEN kind = 'sale' AND source = 'cash' THEN amount ELSE 0 END),
			sum(CASE WHEN kind = 'reversal' THEN 1 ELSE 0 END), sum(CASE WHEN kind = 'reversal' THEN amount ELSE 0 END)
			FROM record WHERE kind = 'sale' OR kind = 'reversal' GROUP BY 1, 2, 3`); err != nil {
		return err
	}
	if err := read(real, takingsFields[5:], `SELECT operator_id, made_at / 900000, coalesce(machine_id, ''),
			sum(CASE WHEN operation = 1 THEN 1 ELSE 0 END), sum(CASE WHEN operation = 1 THEN amount ELSE 0 END),
			sum(CASE WHEN operation = 2 THEN 1 ELSE 0 END), sum(CASE WHEN operation = 2 THEN amount ELSE 0 END)
			FROM receipt WHERE operation = 1 OR operation = 2 GROUP BY 1, 2, 3`); err != nil {
		return err
	}
	c.same("takings_differ", kept, real)
	return nil
}

// links are the references between tables. PostgreSQL enforces them always,
// SQLite where the writer asked for it: they are looked at in both.
var links = []struct{ table, column, to, key string }{
	{"job", "record_id", "record", "id"}, {"job", "machine_id", "machine", "id"}, {"job", "lane_id", "lane", "id"}, {"job", "seller_id", "seller", "id"},
	{"job_history", "job_id", "job", "id"}, {"attempt", "job_id", "job", "id"}, {"attempt", "lane_id", "lane", "id"},
	{"receipt", "job_id", "job", "id"}, {"receipt", "attempt_id", "attempt", "id"}, {"receipt", "lane_id", "lane", "id"}, {"receipt", "machine_id", "machine", "id"},
	{"foreign_document", "job_id", "job", "id"}, {"foreign_document", "lane_id", "lane", "id"}, {"shown", "job_id", "job", "id"},
	{"record", "machine_id", "machine", "id"}, {"record", "journal_id", "journal", "id"}, {"fn_period", "unit_id", "unit", "id"}, {"unit", "lane_id", "lane", "id"},
	{"audit", "record_id", "record", "id"}, {"ledger_shift", "lane_id", "lane", "id"}, {"fn_reading", "lane_id", "lane", "id"},
}

// references: what a row names is there.
func (c *checker) references() error {
	for _, l := range links {
		err := c.snapshot(func(tx *sql.Tx) error {
			_, err := c.each(tx, func(r *sql.Rows) error {
				var to string
				var n int64
				if err := r.Scan(&to, &n); err != nil {
					return err
				}
				c.bad("reference_broken", l.table+"."+l.column, "%d rows name %s %s, which is not there", n, l.to, to)
				return nil
			}, `SELECT CAST(t.`+l.column+` AS TEXT), count(*) FROM `+l.table+` t WHERE t.`+l.column+` IS NOT NULL
				AND NOT EXISTS (SELECT 1 FROM `+l.to+` o WHERE o.`+l.key+` = t.`+l.column+`) GROUP BY 1 ORDER BY 1`)
			c.r.Checked++
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
