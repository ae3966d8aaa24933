package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// Plan is an operator with one seller, its lanes and machines, as they should be.
type Plan struct {
	Operator contract.NewOperator
	Seller   contract.NewSeller
	Lanes    []contract.NewLane // seller and operator are filled in
	Machines []PlannedMachine
}

// PlannedMachine is a machine with the agent in it. Seller and operator are
// filled in.
type PlannedMachine struct {
	contract.NewMachine
	Agent string // id, in MQTT topics
}

// Provisioned is what stands at the hub after Provision.
type Provisioned struct {
	Seller   contract.Seller
	Lanes    []contract.Lane
	Machines []ProvisionedMachine
}

// ProvisionedMachine is one machine of the plan. Secret is "" when the agent
// was there before: whoever has lost it renews it.
type ProvisionedMachine struct {
	ID, Agent, Secret string
}

// Provision makes what of the plan is not there yet and sets the rest to it. A
// run that was cut short is continued by the next: sellers are known by ИНН,
// lanes by name, machines by serial, agents by id.
func (c *Client) Provision(ctx context.Context, p Plan) (out Provisioned, err error) {
	operator := p.Operator.ID
	if err = there(c.Post(ctx, "/api/v1/operators", p.Operator, nil)); err != nil {
		return out, err
	}
	if out.Seller, err = c.provisionSeller(ctx, operator, p.Seller); err != nil {
		return out, err
	}
	for _, l := range p.Lanes {
		l.Operator, l.Seller = operator, out.Seller.ID
		lane, err := c.provisionLane(ctx, l)
		if err != nil {
			return out, err
		}
		out.Lanes = append(out.Lanes, lane)
	}
	for _, m := range p.Machines {
		m.Operator, m.Seller = operator, out.Seller.ID
		made, err := c.provisionMachine(ctx, m)
		if err != nil {
			return out, err
		}
		out.Machines = append(out.Machines, made)
	}
	return out, nil
}

// there is content with what exists already.
func there(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Problem.Status == http.StatusConflict && e.Problem.Code == "exists" {
		return nil
	}
	return err
}

func (c *Client) provisionSeller(ctx context.Context, operator string, n contract.NewSeller) (seller contract.Seller, err error) {
	var l contract.List[contract.Seller]
	if err = c.Get(ctx, "/api/v1/sellers?operator="+url.QueryEscape(operator), &l); err != nil {
		return seller, err
	}
	for _, s := range l.Items {
		if s.INN != n.INN {
			continue
		}
		if n.Tax != nil {
			err = c.Post(ctx, "/api/v1/sellers/"+s.ID+"/tax", n.Tax, &s)
		}
		return s, err
	}
	n.Operator = operator
	err = c.Post(ctx, "/api/v1/sellers", n, &seller)
	return seller, err
}

func (c *Client) provisionLane(ctx context.Context, n contract.NewLane) (lane contract.Lane, err error) {
	var l contract.List[contract.Lane]
	if err = c.Get(ctx, "/api/v1/lanes?operator="+url.QueryEscape(n.Operator), &l); err != nil {
		return lane, err
	}
	for _, v := range l.Items {
		if v.Name != n.Name {
			continue
		}
		if v.URL == n.URL {
			return v, nil
		}
		err = c.Patch(ctx, "/api/v1/lanes/"+v.ID, contract.LaneChange{URL: &n.URL}, &lane)
		return lane, err
	}
	err = c.Post(ctx, "/api/v1/lanes", n, &lane)
	return lane, err
}

func (c *Client) provisionMachine(ctx context.Context, n PlannedMachine) (out ProvisionedMachine, err error) {
	var l contract.List[contract.Machine]
	if err = c.Get(ctx, "/api/v1/machines?operator="+url.QueryEscape(n.Operator)+"&serial="+url.QueryEscape(n.Serial), &l); err != nil {
		return out, err
	}
	if len(l.Items) == 0 {
		var d contract.MachineDetail
		if err = c.Post(ctx, "/api/v1/machines", n.NewMachine, &d); err != nil {
			return out, err
		}
		out.ID = d.Machine.ID
	} else {
		out.ID = l.Items[0].ID
		if err = c.bringUpToDate(ctx, "/api/v1/machines/"+out.ID, n.NewMachine); err != nil {
			return out, err
		}
	}
	if n.Agent == "" {
		return out, nil
	}
	out.Agent = n.Agent
	var a contract.AgentSecret
	err = c.Post(ctx, "/api/v1/agents", contract.NewAgent{Operator: n.Operator, ID: n.Agent, Machine: out.ID}, &a)
	if err == nil {
		out.Secret = a.Secret
		return out, nil
	}
	if err = there(err); err == nil {
		err = c.Put(ctx, "/api/v1/operators/"+url.PathEscape(n.Operator)+"/agents/"+url.PathEscape(n.Agent)+"/binding",
			contract.BindingChange{Machine: out.ID}, nil)
	}
	return out, err
}

// bringUpToDate says all facts of a machine again; what holds already changes
// nothing at the hub.
func (c *Client) bringUpToDate(ctx context.Context, path string, n contract.NewMachine) error {
	err := c.Post(ctx, path+"/periods", contract.MachinePeriod{ValidFrom: n.ValidFrom, Seller: n.Seller, Serial: n.Serial,
		Address: n.Address, Place: n.Place, Zone: n.Zone}, nil)
	if err == nil && n.Rule != nil {
		err = c.Put(ctx, path+"/rule", n.Rule, nil)
	}
	if err == nil && len(n.Fiscalizers) > 0 {
		err = c.Put(ctx, path+"/fiscalizers", contract.FiscalizersChange{ValidFrom: n.ValidFrom, Sources: n.Fiscalizers}, nil)
	}
	if err == nil && n.Columns != nil {
		err = c.Put(ctx, path+"/columns", contract.ColumnsChange{ValidFrom: n.ValidFrom, Columns: n.Columns}, nil)
	}
	return err
}

// RenewSecret gives an agent a new secret; the old one ends at once.
func (c *Client) RenewSecret(ctx context.Context, operator, agent string) (a contract.AgentSecret, err error) {
	err = c.Post(ctx, "/api/v1/operators/"+url.PathEscape(operator)+"/agents/"+url.PathEscape(agent)+"/secret", nil, &a)
	return a, err
}
