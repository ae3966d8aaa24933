package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/testbench/demo"
	"github.com/chekomat/chekomat/testbench/machine"
	"github.com/chekomat/chekomat/testbench/process"
)

const (
	budgetMemory = 20                     // MB resident
	budgetCore   = 1                      // per cent
	budgetWire   = 1500                   // bytes a sale, both ways, on an established TLS connection
	saleEvery    = 15 * time.Second       // between buyers: a machine that never stands still
	settled      = 700 * time.Millisecond // a sale's receipt has come and is shown
	agentID      = "bench-agent"
	zone         = "Europe/Moscow"
)

// agent runs the agent's program on a bus that never rests, over TLS to a hub
// that makes receipts, and looks at it from outside.
func (b *bench) agent(ctx context.Context) (rows []Row, err error) {
	span := 20 * time.Second
	if b.quick {
		span = 6 * time.Second
	}
	dir, err := os.MkdirTemp("", "chekomat-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: folder of the agent: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := demo.Start(ctx, demo.Config{Bin: b.bin, Data: filepath.Join(dir, "hub")})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	bus, err := newTap()
	if err != nil {
		return nil, err
	}
	plan := machine.DefaultPlan()
	operator, secret, err := provision(ctx, d, plan)
	if err != nil {
		return nil, err
	}
	broker, err := brokerOf(d)
	if err != nil {
		return nil, err
	}
	line, err := newCounter(broker, filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	defer line.ln.Close()
	file, err := configure(dir, line.url(), "chekomat+tcp://"+bus.ln.Addr().String(), operator, secret)
	if err != nil {
		return nil, err
	}
	playing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- bus.run(playing, plan, saleEvery) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()

	p, err := process.Start(process.Spec{Name: "agent", Path: filepath.Join(b.bin, "agent"), Args: []string{"run", "--config", file}, Log: filepath.Join(dir, "agent.log")})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer p.Stop(10 * time.Second)
	ready, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := p.Ready(ready); err != nil {
		return nil, fmt.Errorf("bench: %w\n%s", err, logTail(dir))
	}
	// The set-up of bus, connection and shift, and the first sale.
	if err := bus.afterSale(ready); err != nil {
		return nil, err
	}
	return b.watch(ctx, span, p.PID(), bus, line)
}

// afterSale waits for the next sale and all that comes of it, so that bytes
// are counted by whole sales.
func (d *tap) afterSale(ctx context.Context) error {
	for n := d.sales.Load(); d.sales.Load() == n; {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return pause(ctx, settled)
}

// watch measures over a span.
func (b *bench) watch(ctx context.Context, span time.Duration, pid int, bus *tap, line *counter) ([]Row, error) {
	type reading struct {
		at                     time.Time
		cpu                    time.Duration
		up, down, words, sales int64
	}
	read := func() (r reading, err error) {
		r = reading{at: time.Now(), up: line.up.Load(), down: line.down.Load(), words: bus.words.Load(), sales: bus.sales.Load()}
		r.cpu, err = processorTime(pid)
		return r, err
	}
	from, err := read()
	if err != nil {
		return nil, err
	}
	var most memory
	for time.Since(from.at) < span {
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return nil, err
		}
		m, err := memoryOf(pid)
		if err != nil {
			return nil, err
		}
		most.Resident, most.Own = max(most.Resident, m.Resident), max(most.Own, m.Own)
	}
	if err := bus.afterSale(ctx); err != nil {
		return nil, err
	}
	to, err := read()
	if err != nil {
		return nil, err
	}
	took := to.at.Sub(from.at)
	sold := to.sales - from.sales
	up, down := to.up-from.up, to.down-from.down
	if sold == 0 || down == 0 {
		return nil, fmt.Errorf("bench: %d sales, %d bytes to the agent in %s: the agent does not talk to the hub", sold, down, took)
	}
	resident := b.row("agent_rss", "MB", float64(most.Resident)/1e6)
	resident.Budget = atMost(budgetMemory)
	seconds := int(took.Round(time.Second).Seconds())
	resident.Note = fmt.Sprintf(b.words.notes["agent"], seconds, number(float64(to.words-from.words)/took.Seconds(), b.words.comma), sold)
	own := b.row("agent_own", "MB", float64(most.Own)/1e6)
	cpu := b.row("agent_cpu", "%core", 100*(to.cpu-from.cpu).Seconds()/took.Seconds())
	cpu.Budget = atMost(budgetCore)
	wire := b.row("agent_wire", "bytes", float64(up+down)/float64(sold))
	wire.Budget = atMost(budgetWire)
	wire.Note = fmt.Sprintf(b.words.notes["wire"], sold, up, down)
	return []Row{resident, own, cpu, wire}, nil
}

// hubOf is the hub of a running demo.
func hubOf(d *demo.Demo) (*client.Client, error) {
	base, token, ok := strings.Cut(d.Dashboard, "/#token=")
	if !ok {
		return nil, fmt.Errorf("bench: no token in the address of the dashboard")
	}
	return client.New(base, token), nil
}

// brokerOf is the address of its MQTT broker.
func brokerOf(d *demo.Demo) (string, error) {
	raw, err := os.ReadFile(filepath.Join(d.Data, "ports.json"))
	if err != nil {
		return "", fmt.Errorf("bench: ports of the hub: %w", err)
	}
	var l struct {
		Ports map[string]int `json:"ports"`
	}
	if err := json.Unmarshal(raw, &l); err != nil || l.Ports["broker"] == 0 {
		return "", fmt.Errorf("bench: no port of the broker in %s", raw)
	}
	return fmt.Sprintf("127.0.0.1:%d", l.Ports["broker"]), nil
}

// provision gives the demo's operator a machine, and returns him and the
// secret of the agent in it.
func provision(ctx context.Context, d *demo.Demo, plan []machine.Column) (operator, secret string, err error) {
	hub, err := hubOf(d)
	if err != nil {
		return "", "", err
	}
	var sellers contract.List[contract.Seller]
	if err := hub.Get(ctx, "/api/v1/sellers", &sellers); err != nil {
		return "", "", fmt.Errorf("bench: the demo's seller: %w", err)
	}
	if len(sellers.Items) == 0 {
		return "", "", errors.New("bench: the demo has no seller")
	}
	seller := sellers.Items[0]
	columns := make([]contract.Column, len(plan))
	for i, c := range plan {
		columns[i] = contract.Column{Column: c.Column, Name: c.Name, Price: c.Price, Subject: 1}
	}
	made, err := hub.Provision(ctx, client.Plan{
		Operator: contract.NewOperator{ID: seller.Operator, Name: seller.Operator, Zone: zone},
		Seller:   contract.NewSeller{INN: seller.INN},
		Machines: []client.PlannedMachine{{Agent: agentID, NewMachine: contract.NewMachine{
			Serial: "VM-BENCH", Address: "г. Москва, ул. Образцовая, д. 1", Place: "Стенд", Zone: zone, Columns: columns,
			Rule:        &contract.MachineRule{ShowSec: 30, Lang: "ru"},
			Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "reader1", Who: "us"}, {Source: "reader2", Who: "us"}},
		}}},
	})
	if err != nil {
		return "", "", fmt.Errorf("bench: tell the hub of a machine: %w", err)
	}
	return seller.Operator, made.Machines[0].Secret, nil
}

// configure writes the agent's own file.
func configure(dir, hub, bus, operator, secret string) (string, error) {
	raw, err := yaml.Marshal(map[string]any{
		"operator": operator, "agent": agentID, "secret": secret,
		"hub":   map[string]any{"url": hub, "ca": filepath.Join(dir, "ca.pem")},
		"bus":   map[string]any{"url": bus},
		"panel": []map[string]any{{"url": "png://" + filepath.Join(dir, "display.png"), "width": 800, "height": 480}},
		"data":  filepath.Join(dir, "agent"),
	})
	file := filepath.Join(dir, "agent.yaml")
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("bench: configure the agent: %w", err)
	}
	return file, nil
}

func logTail(dir string) string {
	raw, _ := os.ReadFile(filepath.Join(dir, "agent.log")) // without it the error stands alone
	return tail(raw, 8)
}
