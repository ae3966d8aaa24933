package check

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// journals: I2. A record stands in the hub once and as it came, and its columns
// are those of its body; what the agent no longer keeps is lost, what it still
// keeps is on its way.
func (c *checker) journals() error {
	var after int64
	err := c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var id int64
			var row columns
			var hash, body []byte
			if err := r.Scan(&id, &row.journal, &row.seq, &row.kind, &row.amount, &hash, &body); err != nil {
				return err
			}
			after = id
			c.r.Checked++
			name := fmt.Sprintf("record %d", id)
			if sum := sha256.Sum256(body); !bytes.Equal(sum[:], hash) {
				c.bad("record_damaged", name, "its bytes are not those that came")
			} else if said, ok := columnsOf(body); ok && said != row {
				c.bad("record_differs", name, "its row says %s/%d %s %d kopecks, its bytes %s/%d %s %d",
					row.journal, row.seq, row.kind, row.amount, said.journal, said.seq, said.kind, said.amount)
			}
			return nil
		}, `SELECT id, journal_id, seq, kind, amount, hash, body FROM record WHERE id > ? ORDER BY id LIMIT ?`, after, page)
	})
	if err != nil {
		return err
	}
	return c.snapshot(func(tx *sql.Tx) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var operator, agent, journal string
			var first, last, since int64
			var gone bool
			if err := r.Scan(&operator, &agent, &journal, &first, &last, &since, &gone); err != nil {
				return err
			}
			if !gone {
				c.waits(since)
				return nil
			}
			c.bad("records_gone", journalName(operator, agent, journal), "%d to %d: the agent no longer keeps them", first, last)
			return nil
		}, `SELECT operator_id, agent_id, journal_id, first, last, since, gone FROM hole ORDER BY 1, 2, 3, 4`)
		return err
	})
}

// columns are what a record's row repeats of its body.
type columns struct {
	journal string
	seq     int64
	kind    string
	amount  int64 // kopecks of a sale; 0 of what is none, or of an unknown amount
}

// columnsOf reads a body; ok is false when it is no record of this version.
func columnsOf(body []byte) (of columns, ok bool) {
	var r wire.Record
	if json.Unmarshal(body, &r) != nil {
		return of, false
	}
	of = columns{journal: r.Journal, seq: r.Seq, kind: string(r.Kind)}
	sale := r.Sale
	if sale == nil && r.Incident != nil {
		sale = r.Incident.Sale
	}
	if sale != nil && sale.Amount.Known {
		of.amount = sale.Amount.Minor
	}
	return of, true
}

func journalName(operator, agent, journal string) string {
	return "journal " + operator + "/" + agent + "/" + journal
}

// span is a run of seqs, both ends included.
type span struct{ first, last int64 }

// acknowledged: I9. Each seq up to a journal's top is stored, refused, landed or
// a known hole, and none at or below upto is missing that the agent still keeps.
func (c *checker) acknowledged() error {
	type journal struct {
		operator, agent, id string
		upto, top           int64
	}
	var all []journal
	err := c.snapshot(func(tx *sql.Tx) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var j journal
			err := r.Scan(&j.operator, &j.agent, &j.id, &j.upto, &j.top)
			all = append(all, j)
			return err
		}, `SELECT operator_id, agent_id, id, upto, top FROM journal ORDER BY 1, 2, 3`)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.beyond(); err != nil {
		return err
	}
	for _, j := range all {
		name := journalName(j.operator, j.agent, j.id)
		if j.upto > j.top {
			c.bad("upto_beyond_top", name, "acknowledged to %d, come to %d", j.upto, j.top)
		}
		// What may be elsewhere a moment later is read first: a landed record
		// becomes a row, a hole is filled.
		var known []span
		err := c.snapshot(func(tx *sql.Tx) error {
			_, err := c.each(tx, func(r *sql.Rows) error {
				var s span
				var gone bool
				if err := r.Scan(&s.first, &s.last, &gone); err != nil {
					return err
				}
				if !gone && s.first <= j.upto {
					c.bad("hole_acknowledged", name, "%d to %d are missing, acknowledged to %d", s.first, s.last, j.upto)
				}
				known = append(known, s)
				return nil
			}, `SELECT first, last, gone FROM hole WHERE operator_id = ? AND agent_id = ? AND journal_id = ?
				UNION ALL SELECT first, last, 1 FROM landed WHERE operator_id = ? AND agent_id = ? AND journal_id = ?
				UNION ALL SELECT seq, seq, 1 FROM quarantine WHERE operator_id = ? AND agent_id = ? AND journal_id = ? AND seq > 0
				ORDER BY 1, 2`, j.operator, j.agent, j.id, j.operator, j.agent, j.id, j.operator, j.agent, j.id)
			return err
		})
		if err != nil {
			return err
		}
		if err := c.present(name, j.operator, j.agent, j.id, j.top, known); err != nil {
			return err
		}
	}
	return nil
}

// beyond: no record stands above its journal's top, which moves with it.
func (c *checker) beyond() error {
	return c.snapshot(func(tx *sql.Tx) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var operator, agent, journal string
			var top, last int64
			err := r.Scan(&operator, &agent, &journal, &top, &last)
			c.bad("record_beyond_top", journalName(operator, agent, journal), "come to %d, and there is record %d", top, last)
			return err
		}, `SELECT j.operator_id, j.agent_id, j.id, j.top, max(r.seq) FROM journal j
			JOIN record r ON r.operator_id = j.operator_id AND r.agent_id = j.agent_id AND r.journal_id = j.id AND r.seq > j.top
			GROUP BY j.operator_id, j.agent_id, j.id, j.top ORDER BY 1, 2, 3`)
		return err
	})
}

// present walks the stored seqs of a journal beside what is known of the others.
func (c *checker) present(name, operator, agent, id string, top int64, known []span) error {
	next := int64(1) // first seq not accounted for
	skip := func() { // by what is known
		for len(known) > 0 && known[0].first <= next {
			next = max(next, known[0].last+1)
			known = known[1:]
		}
	}
	missing := func(to int64) { // seqs before to that are neither stored nor known
		for skip(); next < to && next <= top; skip() {
			end := min(to-1, top)
			if len(known) > 0 {
				end = min(end, known[0].first-1)
			}
			c.bad("acknowledged_missing", name, "%d to %d are neither here nor known to be missing", next, end)
			next = end + 1
		}
	}
	after := int64(0)
	err := c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			if err := r.Scan(&after); err != nil {
				return err
			}
			c.r.Checked++
			missing(after)
			next = max(next, after+1)
			return nil
		}, `SELECT seq FROM record WHERE operator_id = ? AND agent_id = ? AND journal_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
			operator, agent, id, after, top, page)
	})
	missing(top + 1)
	return err
}
