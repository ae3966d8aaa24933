package api

import (
	"context"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/store"
)

func (s *Server) summary(ctx context.Context, operator string) (contract.Summary, error) {
	sum, err := s.o.Store.Summary(ctx, operator)
	for i := range sum.Operators {
		sum.Operators[i].VendToReceiptMS = s.rate.quantiles(sum.Operators[i].ID, s.o.Now())
	}
	return sum, err
}

func (s *Server) getSummary(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	return s.summary(c.ctx, scope)
}

func (s *Server) getTexts(c *call) (any, error) {
	return contract.TextList{Lang: c.lang, Items: texts.All(c.lang)}, nil
}

func (s *Server) listIncidents(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	open, err := c.flag("open", true)
	if err != nil {
		return nil, err
	}
	p, err := c.page(false)
	if err != nil {
		return nil, err
	}
	l, err := s.o.Store.Incidents(c.ctx, store.IncidentFilter{Operator: scope, Subject: c.query("subject"), Open: open}, p)
	for i := range l.Items {
		l.Items[i] = incidentIn(l.Items[i], c.lang)
	}
	return l, err
}

func (s *Server) closeIncident(c *call) (any, error) {
	id, err := c.number("incident")
	if err != nil {
		return nil, err
	}
	v, err := s.o.Store.CloseIncident(c.ctx, c.caller.Operator, id)
	return incidentIn(v, c.lang), err
}

func (s *Server) getTakings(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	if scope == "" {
		all, err := s.o.Store.Operators(c.ctx, "")
		if err != nil {
			return nil, err
		}
		if len(all) != 1 {
			return nil, refuse(http.StatusUnprocessableEntity, "operator_needed", "operator", "")
		}
		scope = all[0].ID
	}
	return s.takings(c, scope, "")
}

func (s *Server) getMachineTakings(c *call) (any, error) {
	d, err := s.o.Store.Machine(c.ctx, c.caller.Operator, c.path("machine"))
	if err != nil {
		return nil, err
	}
	return s.takings(c, d.Machine.Operator, d.Machine.ID)
}

// maxDays and maxHourDays bound a series: a year of days, a month of hours.
const maxDays, maxHourDays = 366, 31

func (s *Server) takings(c *call, operator, machine string) (any, error) {
	o, err := s.o.Store.Operator(c.ctx, operator)
	if err != nil {
		return nil, err
	}
	step, from, to, err := c.span(o.Zone, s.o.Now(), 7)
	if err != nil {
		return nil, err
	}
	return s.o.Store.Takings(c.ctx, operator, machine, o.Zone, step, from, to)
}

// span reads the step and the first and last local day of a series; without
// them it is so many days up to today's.
func (c *call) span(zone string, now time.Time, days int) (step string, from, to time.Time, err error) {
	if step, err = c.choice("step", "day", "hour", "day"); err != nil {
		return "", from, to, err
	}
	if from, err = c.moment("from", time.DateOnly); err != nil {
		return "", from, to, err
	}
	if to, err = c.moment("to", time.DateOnly); err != nil {
		return "", from, to, err
	}
	if to.IsZero() {
		z, err := time.LoadLocation(zone)
		if err != nil {
			z = time.UTC
		}
		to = now.In(z)
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, 1-days)
	}
	most := maxDays
	if step == "hour" {
		most = maxHourDays
	}
	if to.Before(from) || to.Sub(from) > time.Duration(most)*24*time.Hour {
		return "", from, to, refuse(http.StatusUnprocessableEntity, "bad_span", "from", "")
	}
	return step, from, to, nil
}
