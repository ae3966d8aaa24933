package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/hub/till"
)

// shiftWait is how long an answer waits for a lane to come to a wish.
const shiftWait = 20 * time.Second

func (s *Server) openShift(c *call) (any, error)  { return s.shift(c, true) }
func (s *Server) closeShift(c *call) (any, error) { return s.shift(c, false) }

func (s *Server) shift(c *call, open bool) (any, error) {
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
	ctx, cancel := context.WithTimeout(c.ctx, shiftWait)
	defer cancel()
	switch err := s.o.Till.Shift(ctx, l.ID, open, c.caller.Name, why); {
	case errors.Is(err, till.ErrNotYet):
		return nil, refuse(http.StatusConflict, "not_yet", "", l.State)
	case errors.Is(err, till.ErrNotRunning):
		return nil, refuse(http.StatusConflict, "lane_not_running", "", l.State)
	case err != nil:
		return nil, err
	}
	return s.getLane(c)
}
