package api

import (
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) listAudits(c *call) (any, error) {
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Audits(c.ctx, c.caller.Operator, c.path("machine"), p)
}

func (s *Server) listReconciliations(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	f := store.ReconciliationFilter{Operator: scope, Machine: c.query("machine")}
	if f.Outcome, err = c.choice("outcome", "", "", "agree", "differ", "unknown"); err != nil {
		return nil, err
	}
	l, err := s.o.Store.Reconciliations(c.ctx, f, p)
	for i := range l.Items {
		if v := &l.Items[i]; v.Reason != "" {
			v.Title = texts.Of(v.Reason, c.lang).Title
		}
	}
	return l, err
}
