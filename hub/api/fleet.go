package api

import (
	"net/http"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/hub/api/contract"
)

func (s *Server) fleetChanged(operator string) {
	s.live.touch(operator)
	if s.o.Changes.Fleet != nil {
		s.o.Changes.Fleet(operator)
	}
}

func (s *Server) agentChanged(operator, agent string) {
	if s.o.Changes.Agent != nil {
		s.o.Changes.Agent(operator, agent)
	}
}

func (s *Server) listOperators(c *call) (any, error) {
	return items(s.o.Store.Operators(c.ctx, c.caller.Operator))
}

func (s *Server) createOperator(c *call) (any, error) {
	if c.caller.Operator != "" {
		return nil, refuse(http.StatusForbidden, "installation_only", "", "")
	}
	n := contract.NewOperator{Zone: "Europe/Moscow", CPolicy: "hold"}
	if err := c.body(&n); err != nil {
		return nil, err
	}
	var v checks
	v.that(wire.ValidID(n.ID), "bad_id", "id")
	v.text("name", n.Name, 1, 256)
	v.zone("zone", n.Zone)
	v.choice("c_policy", n.CPolicy, policies...)
	if n.CorrectAfter != nil {
		v.between("correct_after_m", *n.CorrectAfter, 0, maxCorrectAfter)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.CreateOperator(c.ctx, n); err != nil {
		return nil, err
	}
	return s.o.Store.Operator(c.ctx, n.ID)
}

func (s *Server) getOperator(c *call) (any, error) {
	id, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	return s.o.Store.Operator(c.ctx, id)
}

// maxCorrectAfter is a year in minutes: how long a settlement can be fined for.
const maxCorrectAfter = 366 * 24 * 60

func (s *Server) updateOperator(c *call) (any, error) {
	id, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	var b contract.OperatorChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.that(b != contract.OperatorChange{}, "nothing_to_change", "")
	if b.Name != nil {
		v.text("name", *b.Name, 1, 256)
	}
	if b.Zone != nil {
		v.zone("zone", *b.Zone)
	}
	if b.CPolicy != nil {
		v.choice("c_policy", *b.CPolicy, policies...)
	}
	if b.CorrectAfter != nil {
		v.between("correct_after_m", *b.CorrectAfter, 0, maxCorrectAfter)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.ChangeOperator(c.ctx, id, b); err != nil {
		return nil, err
	}
	return s.o.Store.Operator(c.ctx, id)
}

func (s *Server) listSellers(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	return items(s.o.Store.Sellers(c.ctx, scope))
}

func (s *Server) createSeller(c *call) (any, error) {
	var n contract.NewSeller
	err := c.body(&n)
	if err != nil {
		return nil, err
	}
	var v checks
	v.printed("name", n.Name, 1, 256)
	v.that(fiscal.ValidINN(n.INN), "bad_inn", "inn")
	if n.Tax != nil {
		v.tax("tax.", *n.Tax)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if n.Operator, err = c.owner(n.Operator); err != nil {
		return nil, err
	}
	id, err := s.o.Store.CreateSeller(c.ctx, n)
	if err != nil {
		return nil, unknownReference(err, "operator")
	}
	return s.o.Store.Seller(c.ctx, n.Operator, id)
}

func (s *Server) getSeller(c *call) (any, error) {
	return s.o.Store.Seller(c.ctx, c.caller.Operator, c.path("seller"))
}

func (s *Server) updateSeller(c *call) (any, error) {
	var b contract.SellerChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.printed("name", b.Name, 1, 256)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.RenameSeller(c.ctx, c.caller.Operator, c.path("seller"), b.Name); err != nil {
		return nil, err
	}
	return s.sellerChanged(c)
}

func (s *Server) setSellerTax(c *call) (any, error) {
	var b contract.TaxProfile
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.tax("", b)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.SetSellerTax(c.ctx, c.caller.Operator, c.path("seller"), b); err != nil {
		return nil, err
	}
	return s.sellerChanged(c)
}

func (s *Server) sellerChanged(c *call) (any, error) {
	v, err := s.o.Store.Seller(c.ctx, c.caller.Operator, c.path("seller"))
	if err == nil {
		s.fleetChanged(v.Operator)
	}
	return v, err
}

func (s *Server) listAgents(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	return items(s.o.Store.Agents(c.ctx, scope))
}

func (s *Server) createAgent(c *call) (any, error) {
	var n contract.NewAgent
	err := c.body(&n)
	if err != nil {
		return nil, err
	}
	var v checks
	v.that(n.ID == "" || wire.ValidID(n.ID), "bad_id", "id")
	if err := v.err(); err != nil {
		return nil, err
	}
	if n.Operator, err = c.owner(n.Operator); err != nil {
		return nil, err
	}
	a, err := s.o.Store.CreateAgent(c.ctx, n)
	return a, unknownReference(err, "operator")
}

func (s *Server) getAgent(c *call) (any, error) {
	operator, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	return s.o.Store.Agent(c.ctx, operator, c.path("agent"))
}

func (s *Server) revokeAgent(c *call) (any, error) {
	operator, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	if err := s.o.Store.RevokeAgent(c.ctx, operator, c.path("agent")); err != nil {
		return nil, err
	}
	s.agentChanged(operator, c.path("agent"))
	return nil, nil
}

func (s *Server) renewAgentSecret(c *call) (any, error) {
	operator, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	a, err := s.o.Store.RenewSecret(c.ctx, operator, c.path("agent"))
	if err != nil {
		return nil, err
	}
	s.agentChanged(operator, c.path("agent"))
	return a, nil
}

func (s *Server) bindAgent(c *call) (any, error) {
	operator, err := c.pathOperator()
	if err != nil {
		return nil, err
	}
	var b contract.BindingChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	if err := s.o.Store.BindAgent(c.ctx, operator, c.path("agent"), b); err != nil {
		return nil, err
	}
	s.fleetChanged(operator)
	return s.o.Store.Agent(c.ctx, operator, c.path("agent"))
}
