package check

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store"
)

// saleRow is a record that touches money, with the jobs made for it.
type saleRow struct {
	id           int64
	operator     string
	kind         wire.RecordKind
	fate         store.Fate
	reason       string
	amount, at   int64
	of           int64 // seq of the sale a reversal takes back
	agent        string
	journal      string
	jobs         []saleJob
	receipts     int // of its receipt and correction jobs
	live         int // of them, jobs that are not void
	refunds      int
	reasonedVoid int
}

type saleJob struct {
	id, purpose, state, reason string
	soldAt                     int64
	receipts                   int
}

func (s *saleRow) name() string { return fmt.Sprintf("record %d", s.id) }

// sales: I3. Every sale of the hub has exactly one receipt, or is on its way,
// held, or none, with a reason.
func (c *checker) sales() error {
	var after int64
	return c.pages(func(tx *sql.Tx) (int, error) {
		var all []*saleRow
		byID := map[int64]*saleRow{}
		n, err := c.each(tx, func(r *sql.Rows) error {
			s := &saleRow{}
			if err := r.Scan(&s.id, &s.operator, &s.agent, &s.journal, &s.kind, &s.fate, &s.reason, &s.amount, &s.at, &s.of); err != nil {
				return err
			}
			after = s.id
			all = append(all, s)
			byID[s.id] = s
			return nil
		}, `SELECT id, operator_id, agent_id, journal_id, kind, fate, reason, amount, at, of_seq FROM record WHERE id > ? ORDER BY id LIMIT ?`, after, page)
		if err != nil || n == 0 {
			return n, err
		}
		_, err = c.each(tx, func(r *sql.Rows) error {
			var record int64
			var j saleJob
			if err := r.Scan(&record, &j.id, &j.purpose, &j.state, &j.reason, &j.soldAt, &j.receipts); err != nil {
				return err
			}
			if s := byID[record]; s != nil {
				s.take(j)
			}
			return nil
		}, `SELECT j.record_id, j.id, j.purpose, j.state, j.reason, j.sold_at, (SELECT count(*) FROM receipt t WHERE t.job_id = j.id)
			FROM job j WHERE j.record_id >= ? AND j.record_id <= ? AND (j.origin_kind || '' = 'record' OR j.purpose || '' = 'refund')`, all[0].id, after)
		if err != nil {
			return n, err
		}
		for _, s := range all {
			c.sale(s)
		}
		return n, nil
	})
}

func (s *saleRow) take(j saleJob) {
	s.jobs = append(s.jobs, j)
	if j.purpose == store.PurposeRefund {
		s.refunds++
		return
	}
	s.receipts += j.receipts
	switch {
	case j.state != store.JobVoid:
		s.live++
	case j.reason != "":
		s.reasonedVoid++
	}
}

func (c *checker) sale(s *saleRow) {
	switch s.kind {
	case wire.KindSale, wire.KindReturn, wire.KindTopUp, wire.KindReversal:
	case wire.KindIncident:
		if s.fate == store.FateNote && len(s.jobs) == 0 { // class D: nobody has said that it was a sale
			return
		}
	default:
		return
	}
	c.r.Checked++
	if s.receipts > 1 {
		c.bad("sale_receipts", s.name(), "%d receipts of one sale", s.receipts)
	}
	if s.live > 1 {
		c.bad("sale_jobs", s.name(), "%d jobs would make a receipt of one sale", s.live)
	}
	switch s.fate {
	case store.FateJob:
		c.saleOfJob(s)
	case store.FateHeld, store.FateNone:
		if s.reason == "" {
			c.bad("no_reason", s.name(), "%s without a reason", s.fate)
		}
		if s.live > 0 {
			c.bad("fate_and_job", s.name(), "%s, and has a job of a receipt", s.fate)
		}
		if s.fate == store.FateHeld {
			c.waits(s.at)
		}
	case store.FateNote:
		if s.kind == wire.KindSale && s.live > 0 {
			c.bad("fate_and_job", s.name(), "%s, and has a job of a receipt", s.fate)
		}
	default:
		c.bad("fate_unknown", s.name(), "%q", s.fate)
	}
}

func (c *checker) saleOfJob(s *saleRow) {
	takesBack := s.kind == wire.KindReversal || s.kind == wire.KindReturn
	switch {
	case takesBack && s.refunds > 0:
	case takesBack:
		c.bad("sale_without_job", s.name(), "a %s that shall have a refund has none", s.kind)
	case s.live == 0 && s.reasonedVoid == 0:
		c.bad("sale_without_job", s.name(), "a %s that shall have a receipt has no job", s.kind)
	}
	for _, j := range s.jobs {
		switch j.state {
		case store.JobDone:
			if j.receipts != 1 {
				c.bad("done_without_receipt", s.name(), "job %s is done with %d receipts", j.id, j.receipts)
			}
		case store.JobVoid:
			if j.reason == "" {
				c.bad("no_reason", s.name(), "job %s is void without a reason", j.id)
			}
		case store.JobHeld:
			if j.reason == "" {
				c.bad("no_reason", s.name(), "job %s is held without a reason", j.id)
			}
			c.waits(j.soldAt)
		default:
			c.waits(j.soldAt)
		}
	}
}

// partsGive says whether some of the sale's parts sum up to amount: the share
// of one fiscalizing party. A record that can't be read says yes; I2 is about it.
func partsGive(body []byte, amount int64) bool {
	var r wire.Record
	if json.Unmarshal(body, &r) != nil {
		return true
	}
	sale := r.Sale
	if sale == nil && r.Incident != nil {
		sale = r.Incident.Sale
	}
	if sale == nil || len(sale.Parts) > 12 {
		return true
	}
	for set := 1; set < 1<<len(sale.Parts); set++ {
		var sum int64
		for i, p := range sale.Parts {
			if set&(1<<i) != 0 {
				sum += p.Minor
			}
		}
		if sum == amount {
			return true
		}
	}
	return false
}
