package main

import (
	"time"

	"github.com/chekomat/chekomat/agent/audit"
	"github.com/chekomat/chekomat/agent/journal"
)

// newAuditor gives the reader of the machine's own counters; nil when the
// configuration names no port for it.
func (a *agent) newAuditor() (*audit.Auditor, error) {
	if !a.cfg.Audit.On() {
		return nil, nil
	}
	schedule, err := audit.ParseSchedule(a.cfg.Audit.Every, a.cfg.Audit.At)
	if err != nil {
		return nil, err
	}
	return audit.New(audit.Config{
		Read: a.cfg.Audit.Source().Read, Protocol: a.cfg.Audit.Protocol, Schedule: schedule, Zone: a.zone,
		Log: a.journal, Clock: a.clock, Logger: a.logger,
		Written: func(journal.Stored) { a.uplink.Nudge() },
	})
}

// zone is the machine's, as the hub's catalogue names it; UTC until it does.
func (a *agent) zone() *time.Location {
	if c := a.catalog.Load(); c != nil {
		if z, err := time.LoadLocation(c.Zone); err == nil {
			return z
		}
	}
	return time.UTC
}
