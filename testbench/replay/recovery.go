package replay

import (
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/trace/check"
)

// recovery makes what the source asks for: a written trace names its bus, what
// may be assumed and where recovery stood. about gives the summary afterwards.
func recovery(src module.Source, opts Options) (rec check.Recovery, about func() sales.Summary, err error) {
	h := trace.Header{Bus: "mdb", Fidelity: trace.Fidelity(src.Fidelity())}
	if s, ok := src.(module.Headed); ok {
		if said, ok := s.Header(); ok {
			h = said
		}
	}
	if opts.StartsIdle {
		h.Assume = append(h.Assume, trace.Assumption{What: "idle"})
	}
	if rec, err = check.New(h); err != nil {
		return nil, nil, err
	}
	cfg := check.MDB(h)
	return rec, func() sales.Summary {
		var sum sales.Summary
		switch r := rec.(type) {
		case *sales.Recovery:
			sum = sales.Summarize(r.Stats())
		case *vends.Recovery:
			s := r.Stats()
			sum = sales.Summary{Kind: "summary", Words: s.Words, Blocks: s.Pairs, Sales: s.Sales, Incidents: s.Incidents}
		}
		sum.StrongestClass, sum.AssumedIdleBus = cfg.Cap, cfg.StartsIdle
		return sum
	}, nil
}
