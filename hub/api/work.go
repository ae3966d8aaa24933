package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) listSales(c *call) (any, error) {
	f := store.SaleFilter{Machine: c.query("machine")}
	var err error
	if f.Operator, err = c.scope(); err != nil {
		return nil, err
	}
	if f.From, err = c.moment("from", time.RFC3339); err != nil {
		return nil, err
	}
	if f.To, err = c.moment("to", time.RFC3339); err != nil {
		return nil, err
	}
	if f.Kind, err = c.choice("kind", "money", "money", "all", "sale", "reversal", "return", "topup", "incident", "evidence", "gap", "audit"); err != nil {
		return nil, err
	}
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Sales(c.ctx, f, p)
}

func (s *Server) getSale(c *call) (any, error) {
	id, err := c.number("record")
	if err != nil {
		return nil, err
	}
	return s.o.Store.Sale(c.ctx, c.caller.Operator, id)
}

func (s *Server) listHeld(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	p, err := c.page(true)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Sales(c.ctx, store.SaleFilter{Operator: scope, Machine: c.query("machine"), Reason: c.query("reason"),
		Kind: "all", Fate: string(store.FateHeld)}, p)
}

// retryHeld decides all that match anew, in order of arrival.
func (s *Server) retryHeld(c *call) (any, error) {
	var b contract.RetryHeld
	if err := c.body(&b); err != nil {
		return nil, err
	}
	operator := c.caller.Operator
	if operator == "" {
		operator = b.Operator
	} else if b.Operator != "" && b.Operator != operator {
		return nil, refuse(http.StatusNotFound, "not_found", "operator", "")
	}
	if s.o.Records == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "ingest")
	}
	var result contract.RetryHeldResult
	f := store.SaleFilter{Operator: operator, Machine: b.Machine, Reason: b.Reason, Kind: "all", Fate: string(store.FateHeld)}
	p := store.Page{Limit: 500, Asc: true}
	for {
		l, err := s.o.Store.Sales(c.ctx, f, p)
		if err != nil {
			return nil, err
		}
		for _, v := range l.Items {
			err := s.o.Records.Redecide(c.ctx, v.Operator, v.ID, false, c.caller.Name)
			if errors.Is(err, store.ErrNotHeld) {
				continue
			}
			if err != nil {
				return nil, err
			}
			now, err := s.o.Store.Sale(c.ctx, v.Operator, v.ID)
			if err != nil {
				return nil, err
			}
			result.Tried++
			switch store.Fate(now.Sale.Fate) {
			case store.FateJob:
				result.Jobs++
			case store.FateNone, store.FateNote:
				result.None++
			case store.FateHeld:
				result.Held++
			}
		}
		if p.Cursor = l.Next; p.Cursor == "" {
			return result, nil
		}
	}
}

// onRecord runs a person's decision about a record and answers what it is now.
func (s *Server) onRecord(c *call, do func(operator string, record int64) error) (any, error) {
	id, err := c.number("record")
	if err != nil {
		return nil, err
	}
	operator, err := s.o.Store.RecordOwner(c.ctx, c.caller.Operator, id)
	if err != nil {
		return nil, err
	}
	if s.o.Records == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "ingest")
	}
	if err := do(operator, id); err != nil {
		return nil, err
	}
	return s.o.Store.Sale(c.ctx, operator, id)
}

func (s *Server) retryRecord(c *call) (any, error) {
	return s.onRecord(c, func(operator string, record int64) error {
		return s.o.Records.Redecide(c.ctx, operator, record, false, c.caller.Name)
	})
}

func (s *Server) promoteRecord(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onRecord(c, func(operator string, record int64) error {
		return s.o.Records.Redecide(c.ctx, operator, record, true, c.caller.Name+": "+why)
	})
}

func (s *Server) dropRecord(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onRecord(c, func(operator string, record int64) error {
		return s.o.Records.Drop(c.ctx, operator, record, why, c.caller.Name)
	})
}

func (s *Server) listJobs(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	state, err := c.choice("state", "", "queued", "in_flight", "resolving", "done", "held", "void")
	if err != nil {
		return nil, err
	}
	p, err := c.page(true)
	if err != nil {
		return nil, err
	}
	return s.o.Store.JobsIn(c.ctx, scope, state, p)
}

func (s *Server) getJob(c *call) (any, error) {
	return s.o.Store.JobView(c.ctx, c.caller.Operator, c.path("job"))
}

// onJob runs a person's decision about a job and answers what it is now.
func (s *Server) onJob(c *call, do func(job string) error) (any, error) {
	if _, err := s.o.Store.JobOwner(c.ctx, c.caller.Operator, c.path("job")); err != nil {
		return nil, err
	}
	if s.o.Till == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "till")
	}
	if err := do(c.path("job")); err != nil {
		return nil, err
	}
	return s.getJob(c)
}

func (s *Server) retryJob(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onJob(c, func(job string) error { return s.o.Till.Retry(c.ctx, job, c.caller.Name, why) })
}

func (s *Server) dropJob(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onJob(c, func(job string) error { return s.o.Till.Drop(c.ctx, job, c.caller.Name, why) })
}

func (s *Server) notMadeJob(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	return s.onJob(c, func(job string) error { return s.o.Till.NotMade(c.ctx, job, c.caller.Name, why) })
}

func (s *Server) bindJob(c *call) (any, error) {
	var b contract.BindJob
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.that(b.FN != "", "required", "fn")
	v.between("fd", b.FD, 1, 1<<32-1)
	v.text("why", b.Why, 1, 500)
	if err := v.err(); err != nil {
		return nil, err
	}
	return s.onJob(c, func(job string) error {
		return s.o.Till.Bind(c.ctx, job, b.FN, uint32(b.FD), c.caller.Name, b.Why)
	})
}

func (s *Server) madeJob(c *call) (any, error) {
	var b contract.MadeJob
	if err := c.body(&b); err != nil {
		return nil, err
	}
	at, err := time.Parse("2006-01-02T15:04", b.At)
	var v checks
	v.that(len(b.FN) == 16 && digits(b.FN), "bad_fn", "fn")
	v.between("fd", b.FD, 1, 1<<32-1)
	v.between("fp", b.FP, 1, 1<<32-1)
	v.that(err == nil, "bad_time", "at")
	v.between("shift", b.Shift, 0, 1<<32-1)
	v.between("number", b.Number, 0, 1<<32-1)
	v.text("why", b.Why, 1, 500)
	if err := v.err(); err != nil {
		return nil, err
	}
	j, err := s.o.Store.Job(c.ctx, c.path("job"))
	if err != nil {
		return nil, err
	}
	r := fiscal.Receipt{Kind: j.Document.Kind, FN: b.FN, FD: uint32(b.FD), FP: uint32(b.FP), At: at, Shift: uint32(b.Shift), Number: uint32(b.Number),
		RegNumber: b.RNM, Total: j.Amount, Operation: j.Document.Operation, Machine: j.Document.Machine, Test: fiscal.TestFN(b.FN)}
	return s.onJob(c, func(job string) error { return s.o.Till.Made(c.ctx, job, r, c.caller.Name, b.Why) })
}
