package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/testbench/demo"
)

// budgetHub is the hub's own share of vend to QR, p99, ms.
const budgetHub = 20

// vend runs whole demos: with a register of no delay, where all the time is
// ours, and with one that takes what real ones take.
func (b *bench) vend(ctx context.Context) ([]Row, error) {
	span := 20 * time.Second
	if b.quick {
		span = 6 * time.Second
	}
	var rows []Row
	var closing sync.WaitGroup // machines wait for their agents to take the last words
	defer closing.Wait()
	for _, one := range []struct {
		service  time.Duration
		machines int
		every    time.Duration
	}{
		{0, 6, 300 * time.Millisecond},
		{serviceTime, 3, 2500 * time.Millisecond}, // a third of what the register can: buyers seldom wait for each other
	} {
		made, err := b.vendToQR(ctx, demo.Config{
			Bin: b.bin, Machines: one.machines, Every: one.every, VendTime: 200 * time.Millisecond, Service: one.service, Seed: 1, Lang: "ru",
		}, span, &closing)
		rows = append(rows, made...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (b *bench) vendToQR(ctx context.Context, cfg demo.Config, span time.Duration, closing *sync.WaitGroup) (rows []Row, err error) {
	if cfg.Data, err = os.MkdirTemp("", "chekomat-bench-"); err != nil {
		return nil, fmt.Errorf("bench: folder of the demo: %w", err)
	}
	d, err := demo.Start(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(cfg.Data))
	}
	defer closing.Go(func() {
		d.Close()
		_ = os.RemoveAll(cfg.Data) // a folder of the system's temporary ones
	})
	if err := pause(ctx, span); err != nil {
		return nil, err
	}
	if err := d.StopSelling(ctx); err != nil {
		return nil, err
	}
	if err := d.Drain(ctx, 30*time.Second); err != nil {
		return nil, err
	}
	r, err := d.Count(ctx)
	if err != nil {
		return nil, err
	}
	if r.Shown == 0 {
		return nil, fmt.Errorf("bench: no receipt was shown: %d vends, %d receipts, held %v, not shown %v, problems %v", r.Vends, r.Receipts, r.Held, r.NotShown, r.Problems)
	}
	service := b.length(cfg.Service)
	half, most := b.row("qr_p50", "ms", r.VendToQR.P50, service), b.row("qr_p99", "ms", r.VendToQR.P99, service)
	key := fmt.Sprintf("_%dms", cfg.Service.Milliseconds())
	half.Key, most.Key = half.Key+key, most.Key+key
	half.Note = fmt.Sprintf(b.words.notes["vends"], r.Vends, cfg.Machines)
	if cfg.Service > 0 {
		half.Peer, most.Peer = b.peer("register", r.Register.P50), b.peer("register", r.Register.P99)
		return []Row{half, most}, nil
	}
	hub, err := hubOf(d)
	if err != nil {
		return []Row{half, most}, err
	}
	shares, err := hubShares(ctx, hub)
	if err != nil {
		return []Row{half, most}, err
	}
	own, ownMost := b.row("hub_p50", "ms", quantile(shares, 50), service), b.row("hub_p99", "ms", quantile(shares, 99), service)
	ownMost.Budget = atMost(budgetHub)
	ownMost.Note = b.words.notes["hub"]
	return []Row{half, most, own, ownMost}, nil
}

// hubShares is, for each sale, the time from its arrival at the hub to its
// receipt, ms.
func hubShares(ctx context.Context, hub *client.Client) ([]float64, error) {
	arrived := map[string]time.Time{} // by job
	err := client.Pages(ctx, hub, "/api/v1/sales?limit=500", func(s contract.Sale) bool {
		if s.Job != nil {
			arrived[s.Job.ID] = s.ReceivedAt
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("bench: read the hub's sales: %w", err)
	}
	var shares []float64
	err = client.Pages(ctx, hub, "/api/v1/receipts?limit=500", func(r contract.Receipt) bool {
		if at, ok := arrived[r.Job]; ok {
			shares = append(shares, float64(r.MadeAt.Sub(at).Microseconds())/1000)
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("bench: read the hub's receipts: %w", err)
	}
	if len(shares) == 0 {
		return nil, errors.New("bench: the hub's receipts are of no sales")
	}
	return shares, nil
}

// quantile of values, in per cent.
func quantile(vs []float64, percent int) float64 {
	if len(vs) == 0 {
		return 0
	}
	slices.Sort(vs)
	return vs[(len(vs)-1)*percent/100]
}
