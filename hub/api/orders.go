package api

import (
	"net/http"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// ordered answers an order with the jobs it made.
func (s *Server) ordered(c *call, o store.Ordered, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	answer := contract.Ordered{Act: o.Act, Jobs: []contract.Job{}}
	for _, id := range o.Jobs {
		v, err := s.o.Store.JobView(c.ctx, c.caller.Operator, id)
		if err != nil {
			return nil, err
		}
		answer.Jobs = append(answer.Jobs, v.Job)
	}
	return answer, nil
}

func (s *Server) order(c *call, why string) store.Order {
	return store.Order{Operator: c.caller.Operator, Actor: c.caller.Name, Why: why}
}

// document is the receipt a path names.
func (c *call) document() (fn string, fd uint32, err error) {
	n, err := c.number("fd")
	if err == nil && (n < 1 || n > 1<<32-1) {
		err = refuse(http.StatusNotFound, "not_found", "fd", "")
	}
	return c.path("fn"), uint32(n), err
}

func (s *Server) refundReceipt(c *call) (any, error) {
	fn, fd, err := c.document()
	if err != nil {
		return nil, err
	}
	var b contract.RefundOrder
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.text("why", b.Why, 1, 500)
	v.choice("form", b.Form, "", string(fiscal.Cash), string(fiscal.Ecash))
	if err := v.err(); err != nil {
		return nil, err
	}
	o := s.order(c, b.Why)
	o.Form = fiscal.PaymentKind(b.Form)
	done, err := s.o.Store.OrderRefund(c.ctx, fn, fd, o)
	return s.ordered(c, done, err)
}

// correction reads the body of an order of a correction.
func (s *Server) correction(c *call) (store.Order, error) {
	var b contract.CorrectOrder
	if err := c.body(&b); err != nil {
		return store.Order{}, err
	}
	var v checks
	v.text("why", b.Why, 1, 500)
	v.text("number", b.Number, 0, 32)
	v.that(!b.ByOrder || b.Number != "", "order_number", "number")
	if err := v.err(); err != nil {
		return store.Order{}, err
	}
	o := s.order(c, b.Why)
	o.ByOrder, o.Number = b.ByOrder, b.Number
	return o, nil
}

func (s *Server) repairReceipt(c *call) (any, error) {
	fn, fd, err := c.document()
	if err != nil {
		return nil, err
	}
	o, err := s.correction(c)
	if err != nil {
		return nil, err
	}
	done, err := s.o.Store.OrderRepair(c.ctx, fn, fd, o)
	return s.ordered(c, done, err)
}

func (s *Server) correctSale(c *call) (any, error) {
	record, err := c.number("record")
	if err != nil {
		return nil, err
	}
	o, err := s.correction(c)
	if err != nil {
		return nil, err
	}
	done, err := s.o.Store.OrderCorrection(c.ctx, record, o)
	return s.ordered(c, done, err)
}

// settleJob has the job's lane start anew, which settles what is open first.
func (s *Server) settleJob(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	j, err := s.o.Store.JobView(c.ctx, c.caller.Operator, c.path("job"))
	switch {
	case err != nil:
		return nil, err
	case j.Job.State != store.JobResolving && j.Job.State != store.JobInFlight:
		return nil, refuse(http.StatusConflict, "not_settling", "", j.Job.State)
	}
	return s.onJob(c, func(string) error { return s.o.Till.Resume(c.ctx, j.Job.Lane, c.caller.Name, why) })
}
