package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/agent/flight"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/trace"
)

var _ listen.Recorder = (*flight.Recorder)(nil)

// newFlight makes the flight recorder.
func (a *agent) newFlight() *flight.Recorder {
	c := a.cfg.Flight
	f := flight.Config{Dir: filepath.Join(a.cfg.Data, "flight"), Words: c.Words, MaxFiles: c.Files, MaxBytes: int64(c.Megabytes) << 20, Assume: a.assumptions, Logger: a.logger}
	return flight.New(f)
}

// assumptions are what recovery knows without the bus, so that a trace says the
// same elsewhere: on EXE that is nearly everything.
func (a *agent) assumptions() (out []trace.Assumption) {
	b := a.cfg.Bus
	if b.Protocol != config.Executive {
		if b.AssumeScale != 0 {
			out = append(out, trace.Assumption{What: "money", Setup: trace.Setup{Scale: b.AssumeScale, Decimals: b.AssumeDecimals}})
		}
		return out
	}
	c, err := b.EXE.Recovery()
	if err != nil {
		return nil
	}
	c = c.Defaults()
	out = append(out, trace.Assumption{What: "exe", Text: string(c.Mode)})
	if b.EXE.Scale != 0 {
		out = append(out, trace.Assumption{What: "money", Setup: trace.Setup{Scale: uint32(c.Scale), Decimals: c.Decimals}})
	}
	if c.Payment != vends.PaymentUnset {
		out = append(out, trace.Assumption{What: "payment", Text: string(c.Payment)})
	}
	if plan := a.catalog.Load(); plan != nil && c.Mode == vends.PriceHolding {
		prices, _ := b.EXE.Tables(plan.Columns)
		for _, line := range slices.Sorted(maps.Keys(prices)) {
			out = append(out, trace.Assumption{What: "line", Line: line, Kopecks: prices[line]})
		}
	}
	return out
}

// mostSent bounds a packed slice: the broker takes 256 KiB at once, and base64
// makes a third more.
const mostSent = 180 << 10

// longestAsked bounds what may be asked of the ring.
const longestAsked = time.Hour

// sendTraces carries out the command "trace": a slice of the ring, a file kept,
// or the newest files.
func (a *agent) sendTraces(c wire.Command) wire.Result {
	var args wire.TraceArgs
	if err := json.Unmarshal(c.Args, &args); err != nil {
		return wire.Result{Detail: "args can't be read: " + err.Error()}
	}
	names, err := a.traces(args)
	if err != nil {
		return wire.Result{Detail: err.Error()}
	}
	for _, n := range names {
		packed, err := a.flight.Packed(n)
		if err == nil && len(packed) > mostSent {
			err = fmt.Errorf("%s is too large to be sent: %d bytes packed", n, len(packed))
		}
		if err == nil {
			err = a.uplink.Trace(wire.Trace{V: wire.Version, Command: c.ID, Name: n, Wall: flight.At(n), Gzip: packed})
		}
		if err != nil {
			return wire.Result{Detail: err.Error()}
		}
	}
	return wire.Result{OK: true, Detail: strings.Join(names, " ")}
}

func (a *agent) traces(args wire.TraceArgs) ([]string, error) {
	switch {
	case args.Name != "":
		return []string{args.Name}, nil
	case args.Saved > 0:
		all, err := a.flight.Saved()
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, errors.New("no flight was recorded yet")
		}
		var names []string
		for _, f := range all[max(0, len(all)-min(args.Saved, wire.TracesMost)):] {
			names = append(names, f.Name)
		}
		return names, nil
	case args.LastS > 0:
		f, err := a.flight.Now(min(time.Duration(args.LastS)*time.Second, longestAsked), "asked")
		return []string{f.Name}, err
	}
	return nil, errors.New("args name no trace: last_s, saved or name")
}
