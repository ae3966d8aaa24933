package check

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// document names a document of an ФН.
func document(fn string, fd int64) string { return fmt.Sprintf("%s/%d", fn, fd) }

// documents: I4. Every document of a register is bound to one job or recorded
// as foreign, and none between those accounted for is missing.
func (c *checker) documents() error {
	if err := c.foreign(); err != nil {
		return err
	}
	type period struct {
		fn    string
		since sql.NullInt64
		last  int64
	}
	var all []period
	err := c.snapshot(func(tx *sql.Tx) error {
		_, err := c.each(tx, func(r *sql.Rows) error {
			var p period
			err := r.Scan(&p.fn, &p.since, &p.last)
			all = append(all, p)
			return err
		}, `SELECT fn, max(since_fd), max(last_fd) FROM fn_period GROUP BY fn ORDER BY fn`)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if !p.since.Valid { // from when on all of it was looked at is not known
			c.r.Unknown++
			continue
		}
		next := p.since.Int64 + 1
		missing := func(to int64) {
			if next < to {
				c.bad("document_missing", document(p.fn, next), "documents %d to %d are accounted for and not here", next, to-1)
			}
		}
		err := c.pages(func(tx *sql.Tx) (int, error) {
			return c.each(tx, func(r *sql.Rows) error {
				var fd int64
				if err := r.Scan(&fd); err != nil {
					return err
				}
				c.r.Checked++
				missing(fd)
				next = fd + 1
				return nil
			}, `SELECT fd FROM (SELECT fd FROM receipt WHERE fn = ?1 AND fd >= ?2 AND fd <= ?3 ORDER BY fd LIMIT ?4) ours
				UNION SELECT fd FROM (SELECT fd FROM foreign_document WHERE fn = ?1 AND fd >= ?2 AND fd <= ?3 ORDER BY fd LIMIT ?4) others
				ORDER BY 1 LIMIT ?4`, p.fn, next, p.last, page)
		})
		if err != nil {
			return err
		}
		missing(p.last + 1)
	}
	return nil
}

// foreign looks at the documents recorded as foreign: one that was bound later
// has its receipt, one that was not has none.
func (c *checker) foreign() error {
	fn, fd := "", int64(0)
	return c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var job, owner sql.NullString
			if err := r.Scan(&fn, &fd, &job, &owner); err != nil {
				return err
			}
			c.r.Checked++
			switch {
			case job.Valid && !owner.Valid:
				c.bad("bound_without_receipt", document(fn, fd), "bound to job %s, which has no receipt of it", job.String)
			case job.Valid && job.String != owner.String:
				c.bad("bound_twice", document(fn, fd), "bound to job %s, the receipt of job %s", job.String, owner.String)
			case !job.Valid && owner.Valid:
				c.bad("foreign_and_ours", document(fn, fd), "recorded as foreign, the receipt of job %s", owner.String)
			}
			return nil
		}, `SELECT f.fn, f.fd, f.job_id, t.job_id FROM foreign_document f LEFT JOIN receipt t ON t.fn = f.fn AND t.fd = f.fd
			WHERE f.fn > ?1 OR f.fn = ?1 AND f.fd > ?2 ORDER BY f.fn, f.fd LIMIT ?3`, fn, fd, page)
	})
}

// made is a receipt with its job and the sale it is of.
type made struct {
	id                int64
	job               string
	machine, ofJob    string
	fn                string
	fd                int64
	operation, amount int64
	rnm               string
	tlv               []byte
	purpose           string
	jobAmount         int64
	doc               fiscal.Document
	key               kkt.Key
	record            sql.NullInt64
	recordMachine     sql.NullString
	recordAmount      sql.NullInt64
	recordBody        []byte
	origin            string
}

// contents: I5. Amount, VAT and machine of each receipt are those of its job
// and of the sale, in the columns and in the document as it was read back.
func (c *checker) contents() error {
	var after int64
	return c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var m made
			var doc []byte
			err := r.Scan(&m.id, &m.job, &m.machine, &m.fn, &m.fd, &m.operation, &m.amount, &m.rnm, &m.tlv,
				&m.purpose, &m.origin, &m.ofJob, &m.jobAmount, &doc, &m.key, &m.record, &m.recordMachine, &m.recordAmount, &m.recordBody)
			if err != nil {
				return err
			}
			after = m.id
			c.r.Checked++
			if err := json.Unmarshal(doc, &m.doc); err != nil {
				c.bad("job_damaged", "job "+m.job, "its document: %v", err)
				return nil
			}
			c.content(&m)
			return nil
		}, `SELECT t.id, t.job_id, coalesce(t.machine_id, ''), t.fn, t.fd, t.operation, t.amount, t.rnm, t.tlv,
				j.purpose, j.origin_kind, coalesce(j.machine_id, ''), j.amount, j.document, j.key, j.record_id, r.machine_id, r.amount, CASE WHEN r.amount <> t.amount THEN r.body END
			FROM receipt t JOIN job j ON j.id = t.job_id LEFT JOIN record r ON r.id = j.record_id
			WHERE t.id > ? ORDER BY t.id LIMIT ?`, after, page)
	})
}

func (c *checker) content(m *made) {
	name := document(m.fn, m.fd)
	shift := m.purpose == store.PurposeShiftOpen || m.purpose == store.PurposeShiftClose
	if m.machine != m.ofJob {
		c.bad("machine_differs", name, "machine %q, its job %s has %q", m.machine, m.job, m.ofJob)
	}
	if !shift {
		if m.amount != m.jobAmount || m.amount != m.doc.Total {
			c.bad("amount_differs", name, "%d kopecks, job %s has %d, its document %d", m.amount, m.job, m.jobAmount, m.doc.Total)
		}
		if fiscal.Operation(m.operation) != m.doc.Operation {
			c.bad("operation_differs", name, "operation %d, job %s has %d", m.operation, m.job, m.doc.Operation)
		}
		if m.doc.Machine.Serial == "" || m.doc.Machine.Address == "" || m.doc.Machine.Place == "" {
			c.bad("machine_missing", name, "job %s names no machine", m.job)
		}
	}
	if m.record.Valid && !shift {
		if m.recordMachine.Valid && m.recordMachine.String != m.ofJob {
			c.bad("machine_differs", name, "job %s is of machine %q, its record %d of %q", m.job, m.ofJob, m.record.Int64, m.recordMachine.String)
		}
		if m.origin == "record" && m.purpose != store.PurposeRefund && m.recordAmount.Int64 != m.amount && !partsGive(m.recordBody, m.amount) {
			c.bad("amount_differs", name, "%d kopecks are not a sum of parts of record %d", m.amount, m.record.Int64)
		}
	}
	if len(m.tlv) == 0 {
		c.r.Unknown++ // the register's own words were not read
		return
	}
	c.stored(name, m, shift)
}

// stored holds the document as it was read back against its job.
func (c *checker) stored(name string, m *made, shift bool) {
	d, _, err := ffd.ParseDocument(m.tlv)
	if err != nil {
		c.bad("document_damaged", name, "%v", err)
		return
	}
	number := func(tag ffd.Tag, want int64, code string) {
		if e := ffd.Find(d.Body, tag); e != nil {
			if v, err := e.Uint(); err == nil && int64(v) != want {
				c.bad(code, name, "%d = %d, want %d", tag, v, want)
			}
		}
	}
	number(1040, m.fd, "document_of_another")
	if e := ffd.Find(d.Body, 1041); e != nil && e.Text() != m.fn {
		c.bad("document_of_another", name, "1041 = %q", e.Text())
	}
	if shift {
		return
	}
	number(1020, m.amount, "amount_differs")
	number(1054, m.operation, "operation_differs")
	for _, t := range []struct {
		tag  ffd.Tag
		want string
		all  bool // the whole text is compared: an address may be cut to what the register takes
	}{{1036, m.doc.Machine.Serial, true}, {1009, m.doc.Machine.Address, false}, {1187, m.doc.Machine.Place, false}} {
		e := ffd.Find(d.Body, t.tag)
		sent, _ := charset.CP866(t.want)
		switch {
		case e == nil || len(bytes.TrimRight(e.Value, " \x00")) == 0:
			c.bad("machine_missing", name, "%d is missing", t.tag)
		case t.all && !bytes.Equal(bytes.TrimRight(e.Value, " "), bytes.TrimRight(sent, " ")):
			c.bad("machine_differs", name, "%d = %q, want %q", t.tag, e.Text(), t.want)
		}
	}
	c.items(name, m, d.Body)
	if key := keyIn(d.Body); key != "" && key.Base() != m.key {
		c.bad("key_differs", name, "its key is %s, of job %s %s", key, m.job, m.key)
	}
}

func (c *checker) items(name string, m *made, body []ffd.Element) {
	i := 0
	for _, e := range body {
		if e.Tag != 1059 {
			continue
		}
		if i < len(m.doc.Items) {
			it := m.doc.Items[i]
			if v := ffd.Find(e.Nested, 1043); v != nil {
				if sum, err := v.Uint(); err == nil && int64(sum) != it.Sum {
					c.bad("amount_differs", name, "item %d: 1043 = %d, want %d", i+1, sum, it.Sum)
				}
			}
			if v := ffd.Find(e.Nested, 1199); v != nil {
				if rate, err := v.Uint(); err == nil && fiscal.VAT(rate) != it.VAT {
					c.bad("vat_differs", name, "item %d: 1199 = %d, want %d", i+1, rate, it.VAT)
				}
			}
		}
		i++
	}
	if i != len(m.doc.Items) {
		c.bad("items_differ", name, "%d items, want %d", i, len(m.doc.Items))
	}
}

// keyIn is our key in 1084 of a document; "" when it has none.
func keyIn(body []ffd.Element) kkt.Key {
	for _, e := range body {
		if e.Tag != 1084 {
			continue
		}
		name, value := ffd.Find(e.Nested, 1085), ffd.Find(e.Nested, 1086)
		if name != nil && value != nil && name.Text() == kkt.KeyName {
			return kkt.Key(value.Text())
		}
	}
	return ""
}

// shown: I8. The QR that was shown belongs to the sale it was shown for: it is
// the receipt's own, of the job of that very record.
func (c *checker) shown() error {
	var after int64
	err := c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var id, fd, fp, amount, operation int64
			var fn, qr string
			if err := r.Scan(&id, &fn, &fd, &fp, &amount, &operation, &qr); err != nil {
				return err
			}
			after = id
			if operation == 0 {
				return nil
			}
			c.r.Checked++
			q, err := fiscal.ParseQR(qr)
			switch {
			case err != nil:
				c.bad("qr_unreadable", document(fn, fd), "%v", err)
			case q.FN != fn || int64(q.FD) != fd || int64(q.FP) != fp || q.Total != amount || q.Operation != 0 && int64(q.Operation) != operation:
				c.bad("qr_of_another", document(fn, fd), "%s", qr)
			}
			return nil
		}, `SELECT id, fn, fd, fp, amount, operation, qr FROM receipt WHERE id > ? ORDER BY id LIMIT ?`, after, page)
	})
	if err != nil {
		return err
	}
	job := ""
	return c.pages(func(tx *sql.Tx) (int, error) {
		return c.each(tx, func(r *sql.Rows) error {
			var origin, originID, purpose, state, result, agent, journal string
			var seq, receipts int64
			var ofAgent, ofJournal sql.NullString
			var ofSeq sql.NullInt64
			if err := r.Scan(&job, &result, &purpose, &state, &origin, &originID, &agent, &journal, &seq, &ofAgent, &ofJournal, &ofSeq, &receipts); err != nil {
				return err
			}
			c.r.Checked++
			if purpose == store.PurposeShiftOpen || purpose == store.PurposeShiftClose {
				c.bad("shown_for_another", "job "+job, "a shift report is no machine's to show")
			}
			if origin == "record" && (originID != fmt.Sprintf("%s/%s/%d", agent, journal, seq) ||
				ofSeq.Valid && (ofAgent.String != agent || ofJournal.String != journal || ofSeq.Int64 != seq)) {
				c.bad("shown_for_another", "job "+job, "its origin %s is not its record %s/%s/%d", originID, agent, journal, seq)
			}
			switch {
			case result != "shown" || receipts > 0:
			case state == store.JobVoid:
				c.bad("shown_without_receipt", "job "+job, "shown, and no receipt is to be made")
			default: // a hub restored from a backup finds it on the register yet
				c.r.Waiting++
			}
			return nil
		}, `SELECT s.job_id, s.result, j.purpose, j.state, j.origin_kind, j.origin_id, j.agent_id, j.journal_id, j.seq, r.agent_id, r.journal_id, r.seq,
				(SELECT count(*) FROM job o JOIN receipt t ON t.job_id = o.id
					WHERE o.origin_kind = j.origin_kind AND o.origin_id = j.origin_id AND (o.purpose = 'receipt' OR o.purpose = 'correction'))
			FROM shown s JOIN job j ON j.id = s.job_id LEFT JOIN record r ON r.id = j.record_id
			WHERE s.job_id > ? ORDER BY s.job_id LIMIT ?`, job, page)
	})
}
