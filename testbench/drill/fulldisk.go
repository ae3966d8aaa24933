package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// hubDiskScenes and agentDiskScenes need PlayFullDisks before the demo starts.
var hubDiskScenes = []scene{
	{"the hub's disk full for a moment", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return Fill(s.hubData(), true) },
			func() error { return s.health(ctx, soon, http.StatusServiceUnavailable, "full") },
			func() error { return pause(ctx, 2*time.Second) },
			func() error { return Fill(s.hubData(), false) },
			func() error { return s.health(ctx, soon, http.StatusOK, "") },
			func() error { return s.drained(ctx, reconnect) },
		)
	}},
	{"the hub's disk full, killed meanwhile, and room again", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return s.drained(ctx, later) },
			func() error { return Fill(s.hubData(), true) },
			func() error { return s.health(ctx, soon, http.StatusServiceUnavailable, "full") },
			func() error { return s.anyScreen(ctx, 40*time.Second, "delayed", "hub_silent") },
			func() error { s.Programs()["hub"].Kill(); return pause(ctx, 2*time.Second) },
			func() error { return Fill(s.hubData(), false) },
			func() error { return s.health(ctx, soon, http.StatusOK, "") },
			func() error { return s.drained(ctx, reconnect) },
		)
	}},
}

var agentDiskScenes = []scene{
	{"an agent's disk full, and room again", func(ctx context.Context, s *site) error {
		return steps(
			func() error { return Fill(s.agentData(0), true) },
			func() error { return s.screenOf(ctx, later, 0, "out_of_service", "storage") },
			func() error { return s.machineStops(ctx, 0, "storage") },
			func() error { return Fill(s.agentData(0), false) },
			func() error { return s.stillSells(ctx, 0) },
			func() error { return s.drained(ctx, later) },
		)
	}},
	{"an agent's disk full, the agent killed meanwhile", func(ctx context.Context, s *site) error {
		name := "agent-" + s.Kiosks[0].Serial
		return steps(
			func() error { return Fill(s.agentData(0), true) },
			func() error { return s.screenOf(ctx, later, 0, "out_of_service", "storage") },
			func() error { s.Programs()[name].Kill(); return pause(ctx, time.Second) },
			func() error { return s.screenOf(ctx, soon, 0, "out_of_service", "storage") },
			func() error { return Fill(s.agentData(0), false) },
			func() error { return s.stillSells(ctx, 0) },
			func() error { return s.drained(ctx, later) },
		)
	}},
}

// reconnect is longer than an agent waits between two tries to reach the hub.
const reconnect = 90 * time.Second

// health waits for an answer of /health that says why.
func (s *site) health(ctx context.Context, within time.Duration, status int, why string) error {
	return until(ctx, fmt.Sprintf("health %d %s", status, why), within, func(ctx context.Context) (string, bool) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/health", nil)
		if err != nil {
			return err.Error(), false
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err.Error(), false
		}
		defer res.Body.Close()
		var h contract.Health
		if err := json.NewDecoder(res.Body).Decode(&h); err != nil {
			return err.Error(), false
		}
		said := why == ""
		for _, c := range h.Checks {
			said = said || strings.Contains(c.Detail, why)
		}
		return fmt.Sprintf("%s %+v", res.Status, h), res.StatusCode == status && said
	})
}

// machineStops waits until the dashboard says why a machine does not sell.
func (s *site) machineStops(ctx context.Context, machine int, reason string) error {
	serial := s.Kiosks[machine].Serial
	return until(ctx, "the dashboard says that "+serial+" stands for "+reason, soon, func(ctx context.Context) (string, bool) {
		m, err := s.machine(ctx, serial)
		return fmt.Sprintf("%s %s %v", m.State, m.Reason, err), err == nil && m.Reason == reason
	})
}
