package check

import (
	"database/sql"
	"fmt"

	"github.com/chekomat/chekomat/hub/store"
)

// jobs: a job's state is what its attempts and its receipt say. Done: one
// receipt, of a done attempt. Sent: one attempt that may have been made. Else
// none, but for a held job whose attempt stands on an ФН that was taken out.
func (c *checker) jobs() error {
	after := ""
	return c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var state, reason, purpose, origin string
			var receipts, open, parked, attempts, highest, wrong int64
			if err := r.Scan(&after, &state, &reason, &purpose, &origin, &attempts, &receipts, &open, &parked, &highest, &wrong); err != nil {
				return err
			}
			c.r.Checked++
			name := "job " + after
			switch {
			case state == store.JobDone && receipts != 1:
				c.bad("done_without_receipt", name, "done with %d receipts", receipts)
			case state != store.JobDone && receipts != 0:
				c.bad("receipt_not_done", name, "%s with %d receipts", state, receipts)
			}
			switch state {
			case store.JobInFlight, store.JobResolving:
				if open != 1 {
					c.bad("open_attempt", name, "%s with %d attempts that may have been made", state, open)
				}
			case store.JobHeld:
				if open > 1 {
					c.bad("open_attempt", name, "held with %d attempts that may have been made", open)
				}
			default:
				if open != 0 {
					c.bad("open_attempt", name, "%s with %d attempts that may have been made", state, open)
				}
			}
			if parked > 0 && state != store.JobHeld && state != store.JobResolving {
				c.bad("open_attempt", name, "%s with an attempt put aside", state)
			}
			if (state == store.JobHeld || state == store.JobVoid) && reason == "" {
				c.bad("no_reason", name, "%s without a reason", state)
			}
			if highest != attempts && !(highest == 0 && receipts == 0 && attempts == 0) {
				c.bad("attempts_lost", name, "%d attempts were begun, the last here is %d", attempts, highest)
			}
			if wrong != 0 {
				c.bad("receipt_of_open_attempt", name, "its receipt is of an attempt that is not done, or another job's")
			}
			return nil
		}, `SELECT j.id, j.state, j.reason, j.purpose, j.origin_kind, j.attempts,
				(SELECT count(*) FROM receipt t WHERE t.job_id = j.id),
				(SELECT count(*) FROM attempt a WHERE a.job_id = j.id AND a.state <> 'done' AND a.state <> 'not_printed'),
				(SELECT count(*) FROM attempt a WHERE a.job_id = j.id AND a.state = 'resolving' AND a.unit >= 'fn:' AND a.unit < 'fn;'),
				(SELECT coalesce(max(a.number), 0) FROM attempt a WHERE a.job_id = j.id),
				(SELECT count(*) FROM receipt t JOIN attempt a ON a.id = t.attempt_id WHERE t.job_id = j.id AND (a.state <> 'done' OR a.job_id <> j.id))
			FROM job j WHERE j.id > ? ORDER BY j.id LIMIT ?`, after, page)
	})
}

// moves are the changes of a job's state that the program makes. A history
// begins with queued or held; a state may repeat with another reason.
var moves = map[string][]string{
	store.JobQueued:    {store.JobInFlight, store.JobHeld, store.JobVoid, store.JobDone},
	store.JobInFlight:  {store.JobResolving, store.JobDone, store.JobQueued, store.JobHeld, store.JobVoid},
	store.JobResolving: {store.JobDone, store.JobQueued, store.JobHeld, store.JobVoid},
	store.JobHeld:      {store.JobHeld, store.JobQueued, store.JobVoid, store.JobDone},
	store.JobVoid:      {store.JobInFlight, store.JobDone, store.JobHeld}, // a shift report that is needed again; a document that turned up after all
	store.JobDone:      {},
}

// histories: each job's history is whole, its moves are legal, and it ends
// where the job stands.
func (c *checker) histories() error {
	after := ""
	return c.pages(func(tx *sql.Tx) (int, error) {
		type job struct{ state, reason string }
		jobs := map[string]job{}
		first := after
		n, err := c.each(tx, func(r *sql.Rows) error {
			var j job
			if err := r.Scan(&after, &j.state, &j.reason); err != nil {
				return err
			}
			jobs[after] = j
			return nil
		}, `SELECT id, state, reason FROM job WHERE id > ? ORDER BY id LIMIT ?`, after, page)
		if err != nil || n == 0 {
			return n, err
		}
		last := map[string]string{}
		_, err = c.each(tx, func(r *sql.Rows) error {
			var id, state string
			if err := r.Scan(&id, &state); err != nil {
				return err
			}
			c.r.Checked++
			c.moved(id, last[id], state)
			last[id] = state
			return nil
		}, `SELECT h.job_id, h.state FROM job_history h WHERE h.job_id > ? AND h.job_id <= ? ORDER BY h.job_id, h.id`, first, after)
		if err != nil {
			return n, err
		}
		for id, j := range jobs {
			switch end, ok := last[id]; {
			case !ok:
				c.bad("history_missing", "job "+id, "%s without a history", j.state)
			case end != j.state:
				c.bad("history_behind", "job "+id, "stands at %s, its history ends with %s", j.state, end)
			}
		}
		return n, nil
	})
}

func (c *checker) moved(job, from, to string) {
	if from == "" {
		if to != store.JobQueued && to != store.JobHeld {
			c.bad("move_illegal", "job "+job, "begins with %s", to)
		}
		return
	}
	for _, s := range moves[from] {
		if s == to {
			return
		}
	}
	c.bad("move_illegal", "job "+job, "%s after %s", to, from)
}

// attempts: one attempt at most may have been made on a unit of a lane at a
// time, a job's attempts bear its key, and a done one has the job's receipt.
func (c *checker) attempts() error {
	err := c.snapshot(func(tx *sql.Tx) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var lane, unit string
			var n int64
			if err := r.Scan(&lane, &unit, &n); err != nil {
				return err
			}
			c.bad("open_attempts", "lane "+lane, "unit %q has %d attempts that may have been made", unit, n)
			return nil
		}, `SELECT lane_id, unit, count(*) FROM attempt WHERE state <> 'done' AND state <> 'not_printed' GROUP BY lane_id, unit HAVING count(*) > 1 ORDER BY 1, 2`)
		return err
	})
	if err != nil {
		return err
	}
	var after int64
	return c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var job, state, key, base string
			var number int64
			var ended sql.NullInt64
			var receipt sql.NullInt64
			if err := r.Scan(&after, &job, &number, &state, &key, &base, &ended, &receipt); err != nil {
				return err
			}
			c.r.Checked++
			name := fmt.Sprintf("attempt %d of job %s", number, job)
			if key != fmt.Sprintf("%s-a%d", base, number) {
				c.bad("key_differs", name, "its key is %s, of the job %s", key, base)
			}
			over := state == "done" || state == "not_printed"
			if over != ended.Valid {
				c.bad("attempt_end", name, "%s, and its end says otherwise", state)
			}
			if state == "done" && (!receipt.Valid || receipt.Int64 != after) {
				c.bad("done_without_receipt", name, "done, and the job's receipt is not of it")
			}
			return nil
		}, `SELECT a.id, a.job_id, a.number, a.state, a.key, j.key, a.ended_at, t.attempt_id
			FROM attempt a JOIN job j ON j.id = a.job_id LEFT JOIN receipt t ON t.job_id = a.job_id WHERE a.id > ? ORDER BY a.id LIMIT ?`, after, page)
	})
}
