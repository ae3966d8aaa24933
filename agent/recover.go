package main

import (
	"context"
	"math"
	"time"

	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// newRecovery makes the recovery of the bus the configuration names.
func (a *agent) newRecovery(f module.Fidelity) listen.Recovery {
	if a.cfg.Bus.Protocol != config.Executive {
		c := sales.ForSource(f)
		c.Scale, c.Decimals, c.StartsIdle = a.cfg.Bus.AssumeScale, a.cfg.Bus.AssumeDecimals, a.cfg.Bus.StartsIdle
		return &heedful{Recovery: sales.New(c)}
	}
	c, err := a.cfg.Bus.EXE.Recovery()
	if err != nil { // Config.Check refused it before the start
		panic(err)
	}
	r := &exeRecovery{Recovery: vends.New(c.ForSource(f)), a: a}
	r.learn()
	return &heedful{Recovery: r, exe: true}
}

// CodeWrongBus tells that the agent listens for one bus and hears the other:
// nothing of what it sells can be recovered.
const CodeWrongBus = "bus_protocol_wrong"

// foreignWords of the other bus in a row are no accident: some seconds of polls.
const foreignWords = 300

// heedful notices when the module hears the bus that the configuration does not
// name. It tells so once a run.
type heedful struct {
	listen.Recovery
	exe     bool
	foreign int // words of the other bus since one of ours
}

// Word implements listen.Recovery.
func (h *heedful) Word(w mdb.Word) []sales.Event {
	out := h.Recovery.Word(w)
	if (w.Line >= mdb.EXEMaster) == h.exe {
		h.foreign = min(h.foreign, 0) // what was told stays told
		return out
	}
	if h.foreign++; h.foreign == foreignWords {
		h.foreign = math.MinInt
		is, not := "exe", "mdb"
		if h.exe {
			is, not = not, is
		}
		out = append(out, sales.Event{Kind: sales.KindIncident, T: w.T, Class: sales.ClassD, Code: CodeWrongBus,
			Detail: "the module hears " + is + ", bus.protocol is " + not})
	}
	return out
}

// exeRecovery keeps the prices of its lines those of the hub's catalogue. On
// this bus a price-holding machine names lines only, so the plan is what a sale
// costs. It is used by the listening goroutine, as what it wraps.
type exeRecovery struct {
	*vends.Recovery
	a    *agent
	plan *wire.Config // the catalogue whose prices are set
}

func (r *exeRecovery) learn() {
	c := r.a.catalog.Load()
	if c == r.plan {
		return
	}
	r.plan = c
	r.SetPrices(r.a.cfg.Bus.EXE.Tables(c.Columns))
}

// Word implements listen.Recovery: a word after a change of prices has the new.
func (r *exeRecovery) Word(w mdb.Word) []sales.Event {
	r.learn()
	return r.Recovery.Word(w)
}

// badSums counts checksums that were wrong; on EXE, parity.
func badSums(r listen.Recovery) int64 {
	if h, ok := r.(*heedful); ok {
		r = h.Recovery
	}
	switch r := r.(type) {
	case *sales.Recovery:
		return int64(r.Stats().Checksums)
	case *exeRecovery:
		return int64(r.Stats().Parity)
	}
	return 0
}

// terms are what the bus does not say of an amount. EXE never names a currency:
// it is the rouble unless the hub says otherwise.
func (a *agent) terms() listen.Terms {
	t := listen.Terms{Bus: config.MDB}
	t.Force, _ = listen.ISO(a.cfg.Bus.AssumeCurrency)
	if a.cfg.Bus.Protocol == config.Executive {
		t.Bus, t.Assume = config.Executive, listen.Rouble
	}
	if c := a.catalog.Load(); c != nil && c.Assume != "" {
		t.Assume = c.Assume
	}
	return t
}

// firstPlan is how long an agent that never had a plan waits for one before it
// listens: without prices a price-holding machine's first sales would be held.
// The module keeps its words meanwhile.
const firstPlan = 30 * time.Second

func (a *agent) awaitPlan(ctx context.Context) {
	if c, err := a.cfg.Bus.EXE.Recovery(); a.cfg.Bus.Protocol != config.Executive || err != nil || c.Mode == vends.Standard {
		return
	}
	t := time.NewTimer(firstPlan)
	defer t.Stop()
	select {
	case <-a.planned:
	case <-ctx.Done():
	case <-t.C:
		a.logger.Warn("listening without a plan: the hub has sent no prices")
	}
}
