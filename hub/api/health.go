package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

const (
	healthTime = 5 * time.Second
	diskLow    = 1 << 30  // bytes: degraded below
	diskNone   = 64 << 20 // bytes: the next commits will fail
)

// Check results, better first.
const (
	healthOK       = "ok"
	healthDegraded = "degraded"
	healthFailed   = "failed"
)

// health answers whether the hub can keep what it is told: 503 when not. A
// lane that is down is degraded: sales are stored and wait.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTime)
	defer cancel()
	v := contract.Health{Status: healthOK, Version: s.o.Version, At: s.o.Now().UTC(),
		Checks: []contract.HealthCheck{s.checkStore(ctx), s.checkDisk(), s.checkBroker(), s.checkLanes(ctx)}}
	for _, c := range v.Checks {
		if c.Status == healthFailed || v.Status == healthOK {
			v.Status = c.Status
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if v.Status == healthFailed {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}

// checkStore makes a real durable write.
func (s *Server) checkStore(ctx context.Context) contract.HealthCheck {
	began := time.Now()
	err := s.o.Store.ProbeWrite(ctx)
	c := contract.HealthCheck{Name: "store", Status: healthOK, TookMS: float64(time.Since(began).Microseconds()) / 1000}
	if err != nil {
		c.Status, c.Detail = healthFailed, detailOf(err)
	} else if _, err := s.o.Store.Neighbours(); err != nil {
		c.Status, c.Detail = healthDegraded, "other hubs are not heard: "+detailOf(err)
	}
	return c
}

func (s *Server) checkDisk() contract.HealthCheck {
	c := contract.HealthCheck{Name: "disk", Status: healthOK}
	free, err := s.diskFree()
	if err != nil {
		c.Status, c.Detail = healthDegraded, err.Error()
		return c
	}
	c.Value = free
	switch {
	case s.o.Data == "":
	case free < diskNone:
		c.Status, c.Detail = healthFailed, fmt.Sprintf("%d MiB free", free>>20)
	case free < diskLow:
		c.Status, c.Detail = healthDegraded, fmt.Sprintf("%d MiB free", free>>20)
	}
	return c
}

func (s *Server) checkBroker() contract.HealthCheck {
	c := contract.HealthCheck{Name: "broker", Status: healthOK}
	if s.o.Broker == nil {
		c.Status, c.Detail = healthDegraded, "not running"
	}
	return c
}

func (s *Server) checkLanes(ctx context.Context) contract.HealthCheck {
	c := contract.HealthCheck{Name: "lanes", Status: healthOK}
	sum, err := s.o.Store.Summary(ctx, "")
	if err != nil {
		c.Status, c.Detail = healthDegraded, detailOf(err)
		return c
	}
	bad := map[string]int{}
	for _, l := range sum.Lanes {
		switch l.State {
		case "ok", "starting", "busy", "shift", "disabled":
		default:
			bad[l.State]++
		}
	}
	var parts []string
	for _, state := range laneStates {
		if n := bad[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", state, n))
		}
	}
	if len(parts) > 0 { // names of lanes and operators are not for everyone
		c.Status, c.Detail = healthDegraded, strings.Join(parts, ", ")
	}
	return c
}
