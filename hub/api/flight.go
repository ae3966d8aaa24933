package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// flightPatience is how long an agent that is away may still answer.
const flightPatience = time.Hour

func (s *Server) listFlights(c *call) (any, error) {
	return s.o.Store.Flights(c.ctx, c.caller.Operator, c.path("machine"))
}

// askFlight asks the agents of a machine for traces; they come by themselves.
func (s *Server) askFlight(c *call) (any, error) {
	var b contract.FlightRequest
	if err := c.body(&b); err != nil {
		return nil, err
	}
	var v checks
	v.between("last_s", int64(b.LastS), 0, 3600)
	v.between("saved", int64(b.Saved), 0, wire.TracesMost)
	said := 0
	for _, is := range []bool{b.LastS > 0, b.Saved > 0, b.Name != ""} {
		if is {
			said++
		}
	}
	v.that(said == 1, "required", "last_s")
	if b.Name != "" {
		v.text("name", b.Name, 1, 120)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	asked, err := s.o.Store.AskFlight(c.ctx, c.caller.Operator, c.path("machine"), wire.TraceArgs{LastS: b.LastS, Saved: b.Saved, Name: b.Name},
		flightPatience, c.caller.Name)
	if err != nil {
		return nil, err
	}
	d, err := s.o.Store.Machine(c.ctx, c.caller.Operator, c.path("machine"))
	if err != nil {
		return nil, err
	}
	if tell := s.o.Changes.Flight; tell != nil {
		for _, a := range asked {
			tell(d.Machine.Operator, a.Agent)
		}
	}
	return items(asked, nil)
}

// getFlight answers with the text of a trace.
func (s *Server) getFlight(c *call) (any, error) {
	id, err := c.number("flight")
	if err != nil {
		return nil, err
	}
	name, packed, err := s.o.Store.Flight(c.ctx, c.caller.Operator, id)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack trace %d: %w", id, err)
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", name))
	h.Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(c.w, z); err != nil {
		s.o.Log.Debug("trace not delivered", "flight", id, "error", err)
	}
	return answered{}, nil
}
