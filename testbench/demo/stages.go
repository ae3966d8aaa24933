package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/testbench/machine"
	"github.com/chekomat/chekomat/testbench/register"
)

// Drain waits until every sale came to its end: delivered to the hub, its
// receipt made, told to the machine and shown or known not to be. What has not
// come to its end in time stays in the count as it is.
func (d *Demo) Drain(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		left, err := d.onTheWay(ctx)
		if err == nil && left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// onTheWay counts vends that are not journaled, not delivered, without a
// receipt, or not told to the machine.
func (d *Demo) onTheWay(ctx context.Context) (int, error) {
	s, err := d.stages(ctx)
	if err != nil {
		return 0, err
	}
	sold := 0
	for _, v := range s.Vends {
		if v.Heard {
			sold++
		}
	}
	left := max(0, sold-len(s.Journal)) + max(0, len(s.Journal)-len(s.Hub))
	for _, h := range s.Hub {
		if h.Fate == "job" && h.Job != nil && h.Job.State != "done" && h.Job.State != "held" && h.Job.State != "void" {
			left++
		}
	}
	for _, e := range s.Journal {
		if e.Shown == nil && (e.Receipt == nil || e.Receipt.State == wire.FiscalPending || e.Receipt.State == wire.FiscalDone) {
			left++
		}
	}
	return left, nil
}

// Count counts all stages of the data folder, of earlier runs too.
func (d *Demo) Count(ctx context.Context) (Result, error) {
	s, err := d.stages(ctx)
	if err != nil {
		return Result{}, err
	}
	r := s.Count()
	var status register.Status
	if err := getJSON(ctx, d.control+"/status", &status); err != nil {
		return r, err
	}
	r.Register = Quantiles{P50: status.RegisterMS.P50, P99: status.RegisterMS.P99}
	for name, p := range d.Programs() {
		if n := p.Starts() - 1; n > 0 {
			if r.Restarts == nil {
				r.Restarts = map[string]int{}
			}
			r.Restarts[name] = n
		}
	}
	return r, nil
}

func (d *Demo) stages(ctx context.Context) (s Stages, err error) {
	serials, err := d.layout.knownMachines()
	if err != nil {
		return s, err
	}
	for n, serial := range serials {
		if err := d.machineStages(ctx, &s, serial, fmt.Sprintf("agent-%d", n+1)); err != nil {
			return s, err
		}
	}
	err = client.Pages(ctx, d.hub, "/api/v1/sales?limit=500&operator="+operatorID, func(h contract.Sale) bool {
		if h.Kind == string(wire.KindSale) {
			s.Hub = append(s.Hub, h)
		}
		return true
	})
	if err != nil {
		return s, err
	}
	return s, getJSON(ctx, d.Archive+"?tlv=0", &s.Archive)
}

func (d *Demo) machineStages(ctx context.Context, s *Stages, serial, agent string) error {
	if d.cfg.Trace != "" {
		vends, err := vendsOf(ctx, d.cfg.Trace, serial)
		if err != nil {
			return err
		}
		s.Vends = append(s.Vends, vends...)
	} else {
		vends, err := machine.ReadLog(d.layout.path("machines", serial, "vends.jsonl"))
		if err != nil {
			return err
		}
		for _, v := range vends {
			s.Vends = append(s.Vends, Vend{serial, v.Price, v.Heard})
		}
	}
	var bad error
	err := journal.Inspect(d.layout.path("machines", serial, "agent"), "", 0, func(r journal.Row) bool {
		var rec wire.Record
		if bad = json.Unmarshal(r.Record, &rec); bad != nil {
			return false
		}
		if rec.Kind == wire.KindSale {
			s.Journal = append(s.Journal, Entry{Serial: serial, Agent: agent, Journal: r.Journal, Seq: r.Seq, Amount: rec.Sale.Amount.Minor, Receipt: r.Receipt, Shown: r.Shown})
		}
		return true
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, bad)
}
