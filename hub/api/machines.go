package api

import (
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) listMachines(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	p, err := c.page(true)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Machines(c.ctx, store.MachineFilter{Operator: scope, Seller: c.query("seller"), Serial: c.query("serial")}, p)
}

func (s *Server) createMachine(c *call) (any, error) {
	var n contract.NewMachine
	err := c.body(&n)
	if err != nil {
		return nil, err
	}
	var v checks
	v.period(contract.MachinePeriod{Seller: n.Seller, Serial: n.Serial, Address: n.Address, Place: n.Place, Zone: n.Zone})
	if n.Rule != nil {
		fillRule(n.Rule)
		v.rule("rule.", *n.Rule)
	}
	v.fiscalizers("fiscalizers", n.Fiscalizers)
	v.columns(n.Columns)
	if err := v.err(); err != nil {
		return nil, err
	}
	if n.Operator, err = c.owner(n.Operator); err != nil {
		return nil, err
	}
	id, err := s.o.Store.CreateMachine(c.ctx, n)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Machine(c.ctx, n.Operator, id)
}

// fillRule sets what was left out to its default.
func fillRule(r *contract.MachineRule) {
	if r.ShowSec == 0 {
		r.ShowSec = store.DefaultRule.ShowSec
	}
	if r.Lang == "" {
		r.Lang = store.DefaultRule.Lang
	}
}

func (s *Server) getMachine(c *call) (any, error) {
	return s.o.Store.Machine(c.ctx, c.caller.Operator, c.path("machine"))
}

func (s *Server) machineChanged(c *call) (any, error) {
	d, err := s.o.Store.Machine(c.ctx, c.caller.Operator, c.path("machine"))
	if err == nil {
		s.fleetChanged(d.Machine.Operator)
	}
	return d, err
}

func (s *Server) setMachinePeriod(c *call) (any, error) {
	var b contract.MachinePeriod
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.period(b)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.SetMachinePeriod(c.ctx, c.caller.Operator, c.path("machine"), b); err != nil {
		return nil, err
	}
	return s.machineChanged(c)
}

func (s *Server) setMachineRule(c *call) (any, error) {
	var b contract.MachineRule
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	fillRule(&b)
	v.rule("", b)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.SetMachineRule(c.ctx, c.caller.Operator, c.path("machine"), b); err != nil {
		return nil, err
	}
	return s.machineChanged(c)
}

func (s *Server) setFiscalizers(c *call) (any, error) {
	var b contract.FiscalizersChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.that(len(b.Sources) > 0, "required", "sources")
	v.fiscalizers("sources", b.Sources)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.SetFiscalizers(c.ctx, c.caller.Operator, c.path("machine"), b); err != nil {
		return nil, err
	}
	return s.machineChanged(c)
}

func (s *Server) getColumns(c *call) (any, error) {
	at, err := c.moment("at", time.RFC3339)
	if err != nil {
		return nil, err
	}
	return items(s.o.Store.Columns(c.ctx, c.caller.Operator, c.path("machine"), at))
}

func (s *Server) setColumns(c *call) (any, error) {
	var b contract.ColumnsChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.columns(b.Columns)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.SetColumns(c.ctx, c.caller.Operator, c.path("machine"), b); err != nil {
		return nil, err
	}
	if _, err := s.machineChanged(c); err != nil {
		return nil, err
	}
	return items(s.o.Store.Columns(c.ctx, c.caller.Operator, c.path("machine"), b.ValidFrom))
}
