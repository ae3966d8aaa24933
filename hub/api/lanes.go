package api

import (
	"net/http"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
	"github.com/chekomat/chekomat/hub/store"
)

// explainFault fills in the texts of a fault's code.
func explainFault(f *contract.Fault, lang string) {
	if f != nil {
		t := texts.Of(f.Code, lang)
		f.Title, f.Next = t.Title, t.Next
	}
}

func explainLane(l *contract.Lane, lang string) {
	explainFault(l.Fault, lang)
	for i := range l.Units {
		explainUnit(&l.Units[i], lang)
	}
}

func explainUnit(u *contract.Unit, lang string) {
	for i := range u.Faults {
		explainFault(&u.Faults[i], lang)
	}
}

func (s *Server) laneChanged(lane string) {
	if s.o.Changes.Lane != nil {
		s.o.Changes.Lane(lane)
	}
}

func (s *Server) listLanes(c *call) (any, error) {
	scope, err := c.scope()
	if err != nil {
		return nil, err
	}
	all, err := s.o.Store.LaneViews(c.ctx, scope)
	for i := range all {
		explainLane(&all[i], c.lang)
	}
	return items(all, err)
}

func (s *Server) lane(c *call, operator, id string) (any, error) {
	l, err := s.o.Store.LaneView(c.ctx, operator, id)
	if err != nil {
		return nil, err
	}
	explainLane(&l, c.lang)
	return l, s.outlooks(c.ctx, &l, c.lang)
}

func (s *Server) getLane(c *call) (any, error) {
	return s.lane(c, c.caller.Operator, c.path("lane"))
}

func (s *Server) createLane(c *call) (any, error) {
	var n contract.NewLane
	err := c.body(&n)
	if err != nil {
		return nil, err
	}
	var v checks
	v.lane(n)
	if err := v.err(); err != nil {
		return nil, err
	}
	if n.Operator, err = c.owner(n.Operator); err != nil {
		return nil, err
	}
	id, err := s.o.Store.CreateLane(c.ctx, n)
	if err != nil {
		return nil, err
	}
	s.laneChanged(id)
	return s.lane(c, n.Operator, id)
}

func (s *Server) updateLane(c *call) (any, error) {
	var b contract.LaneChange
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.that(b != contract.LaneChange{}, "nothing_to_change", "")
	if b.Name != nil {
		v.text("name", *b.Name, 1, 100)
	}
	if b.URL != nil {
		v.laneURL("url", *b.URL)
	}
	if b.Zone != nil {
		v.zone("zone", *b.Zone)
	}
	if b.Settings != nil {
		v.laneSettings("settings", *b.Settings)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := s.o.Store.ChangeLane(c.ctx, c.caller.Operator, c.path("lane"), b); err != nil {
		return nil, err
	}
	s.laneChanged(c.path("lane"))
	return s.getLane(c)
}

func (s *Server) testLane(c *call) (any, error) {
	if _, err := s.o.Store.LaneView(c.ctx, c.caller.Operator, c.path("lane")); err != nil {
		return nil, err
	}
	if s.o.Till == nil {
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "till")
	}
	began := time.Now()
	units, err := s.o.Till.Look(c.ctx, c.path("lane"))
	v := contract.LaneTest{OK: err == nil, TookMS: time.Since(began).Milliseconds(), Units: []contract.Unit{}}
	for _, u := range units {
		w := store.UnitView(u, s.o.Now().UTC())
		explainUnit(&w, c.lang)
		v.Units = append(v.Units, w)
	}
	if err != nil {
		f := kkt.Classify(err).Fault
		v.Fault = &contract.Fault{Code: string(f.Code), Device: f.Device, Detail: f.Text}
		explainFault(v.Fault, c.lang)
	}
	return v, nil
}

func (s *Server) resumeLane(c *call) (any, error) {
	why, err := c.why()
	if err != nil {
		return nil, err
	}
	l, err := s.o.Store.LaneView(c.ctx, c.caller.Operator, c.path("lane"))
	switch {
	case err != nil:
		return nil, err
	case !l.Enabled:
		return nil, refuse(http.StatusConflict, "lane_disabled", "", "")
	case s.o.Till == nil:
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "till")
	}
	if err := s.o.Till.Resume(c.ctx, l.ID, c.caller.Name, why); err != nil {
		return nil, err
	}
	return s.getLane(c)
}
