package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
)

// getLive is one stream, open until the client or the server goes, or its
// token is revoked.
func (s *Server) getLive(c *call) (any, error) {
	operator, err := c.scope()
	if err != nil {
		return nil, err
	}
	w := &watcher{operator: operator, out: make(chan []event, liveQueue)}
	select {
	case s.live.join <- w:
	case <-s.live.done:
		return nil, refuse(http.StatusServiceUnavailable, "not_running", "", "live")
	}
	defer func() {
		select {
		case s.live.gone <- w:
		case <-s.live.done:
		}
	}()
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx
	c.w.WriteHeader(http.StatusOK)
	ctl := http.NewResponseController(c.w)
	_ = ctl.SetReadDeadline(time.Time{}) // the server's is for requests that end
	pulse := time.NewTicker(livePulse)
	defer pulse.Stop()
	text := "retry: 2000\n\n"
	for {
		_ = ctl.SetWriteDeadline(time.Now().Add(liveWrite)) // not every writer has one
		if _, err := c.w.Write([]byte(text)); err != nil {
			return answered{}, nil
		}
		if err := ctl.Flush(); err != nil {
			return answered{}, nil
		}
		select {
		case <-c.ctx.Done():
			return answered{}, nil
		case <-s.live.done:
			return answered{}, nil
		case all := <-w.out:
			text = written(all, c.lang)
		case <-pulse.C:
			if _, err := s.caller(c.r); err != nil {
				return answered{}, nil
			}
			text = ": here\n\n"
		}
	}
}

// written is a batch as it stands on the line.
func written(all []event, lang string) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString("event: " + e.name + "\ndata: " + encoded(inLanguage(e.data, lang)) + "\n\n")
	}
	return b.String()
}

// inLanguage fills in the texts. Values are shared between streams: slices are
// copied before they are written to.
func inLanguage(data any, lang string) any {
	switch v := data.(type) {
	case contract.Lane:
		return laneIn(v, lang)
	case contract.Incident:
		return incidentIn(v, lang)
	case contract.Snapshot:
		v.Lanes, v.Incidents = slices.Clone(v.Lanes), slices.Clone(v.Incidents)
		for i := range v.Lanes {
			v.Lanes[i] = laneIn(v.Lanes[i], lang)
		}
		for i := range v.Incidents {
			v.Incidents[i] = incidentIn(v.Incidents[i], lang)
		}
		return v
	}
	return data
}

func laneIn(l contract.Lane, lang string) contract.Lane {
	if l.Fault != nil {
		f := *l.Fault
		l.Fault = &f
	}
	l.Units = slices.Clone(l.Units)
	for i := range l.Units {
		l.Units[i].Faults = slices.Clone(l.Units[i].Faults)
	}
	explainLane(&l, lang)
	return l
}

func incidentIn(v contract.Incident, lang string) contract.Incident {
	t := texts.Of(v.Code, lang)
	v.Title, v.Next = t.Title, t.Next
	return v
}
