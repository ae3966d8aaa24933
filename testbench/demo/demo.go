// Package demo runs the whole of Chekomat on this computer, each program as
// the process it is: virtual machines sell, agents hear and journal, the hub
// makes receipts on an emulated register, displays show the QR. At the end it
// counts every stage against the one before.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/testbench/machine"
	"github.com/chekomat/chekomat/testbench/process"
)

// Config of a demo.
type Config struct {
	Bin        string // folder of the binaries hub, agent and testbench
	Data       string // everything is kept here; the next run goes on from it
	Machines   int
	Every      time.Duration // mean time between buyers of a machine
	VendTime   time.Duration
	Service    time.Duration // of the register, a receipt
	Silent     int           // how many of the machines do not announce cash sales
	EXE        int           // how many of the machines, the last ones, have an Executive bus
	Readers    int           // how many, the first ones, announce cash sales to our own reader, played by the module
	Firmware   string        // modules are the flashable firmware in an emulator, linked by uart or usb
	Seed       uint64
	Faults     []string // of the register
	Protocol   string   // of the register: shtrih (default) or pirit
	Lang       string
	KnownPorts bool                                // 8480 and 8501… where they are free; otherwise any, so that demos start side by side
	Trace      string                              // a capture instead of virtual machines
	Speed      uint                                // how much faster than recorded the capture plays
	Assume     string                              // ISO 4217 number of a currency to take the capture's amounts for
	DB         string                              // PostgreSQL database of the hubs; "" is the file of the one hub
	Hubs       int                                 // how many share DB; agents reach whichever answers. 0 is one
	HubArgs    []string                            // of every hub, besides
	Arm        map[string][]string                 // kill points of a program's lives, for binaries built with the tag killpoints
	Vended     func(serial string, v machine.Vend) // called as machines sell
}

// Kiosk is a machine's display.
type Kiosk struct {
	Serial string `json:"serial"`
	URL    string `json:"url"`
}

// Addresses of a running demo.
type Addresses struct {
	Dashboard string  `json:"dashboard"` // with the token that signs in
	Kiosks    []Kiosk `json:"kiosks"`
	Archive   string  `json:"archive"` // documents of the register's FN
	FN        string  `json:"fn"`
	Data      string  `json:"data"`
}

// Demo is a running demo.
type Demo struct {
	cfg      Config
	layout   *layout
	members  []member
	plan     []machine.Column
	hub      *client.Client // the one that is asked
	hubs     []*hub
	front    *front // before the brokers, where there are several hubs
	control  string // base of the register's control API
	stopped  chan string
	register *process.Process
	machines map[string]*process.Process
	agents   map[string]*process.Process
	Addresses
}

// Start starts everything and returns when machines may sell.
func Start(ctx context.Context, cfg Config) (d *Demo, err error) {
	l, err := openLayout(cfg.Data)
	if err != nil {
		return nil, err
	}
	l.known = cfg.KnownPorts
	d = &Demo{cfg: cfg, layout: l, plan: machine.DefaultPlan(), machines: map[string]*process.Process{}, agents: map[string]*process.Process{},
		stopped: make(chan string, cfg.Machines)}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if cfg.Trace != "" {
		if d.plan, err = planOf(ctx, cfg.Trace); err != nil {
			return d, err
		}
		d.cfg.Machines, d.cfg.EXE = 1, 0
	}
	if _, ok := protocols[d.cfg.Protocol]; !ok {
		return d, fmt.Errorf("demo: register protocol %q: shtrih or pirit wanted", d.cfg.Protocol)
	}
	patience := time.Minute
	if cfg.Firmware != "" {
		patience = 5 * time.Minute // the firmware may have to be built, and each board to start
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	protocol, err := d.startRegister(ctx)
	if err != nil {
		return d, err
	}
	broker, err := d.startHubs(ctx)
	if err != nil {
		return d, err
	}
	for n := range d.cfg.Machines {
		m, err := l.member(n + 1)
		if err != nil {
			return d, err
		}
		m.exe, m.reads = m.n > d.cfg.Machines-d.cfg.EXE, m.n <= d.cfg.Readers
		d.members = append(d.members, m)
		d.Kiosks = append(d.Kiosks, Kiosk{m.serial, "http://" + m.kiosk + "/"})
	}
	if err := provision(ctx, d.hub, protocols[d.cfg.Protocol].url(protocol), d.members, d.plan, cfg); err != nil {
		return d, fmt.Errorf("demo: tell the hub of the fleet: %w", err)
	}
	for _, m := range d.members {
		if err := d.startMember(ctx, m, broker); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *Demo) start(ctx context.Context, spec process.Spec) (*process.Process, string, error) {
	first := make(chan string, 1)
	line := spec.Line
	spec.Line = func(s string) {
		select {
		case first <- s:
		default:
		}
		if line != nil {
			line(s)
		}
	}
	spec.Log = d.layout.path(spec.Name + ".log")
	if err := os.MkdirAll(filepath.Dir(spec.Log), 0o755); err != nil {
		return nil, "", fmt.Errorf("demo: log of %s: %w", spec.Name, err)
	}
	for _, point := range d.cfg.Arm[spec.Name] {
		spec.Lives = append(spec.Lives, fault.EnvKill+"="+point)
	}
	p, err := process.Start(spec)
	if err != nil {
		return nil, "", err
	}
	if err := p.Ready(ctx); err != nil {
		p.Stop(0)
		return nil, "", err
	}
	return p, <-first, nil
}

func (d *Demo) startRegister(ctx context.Context) (protocol string, err error) {
	data, err := d.layout.folder("register")
	if err != nil {
		return "", fmt.Errorf("demo: folder of the register: %w", err)
	}
	if protocol, err = d.layout.address("register", 0); err != nil {
		return "", err
	}
	control, err := d.layout.address("register's control", 0)
	if err != nil {
		return "", err
	}
	args := append([]string{"register", "--listen", protocol, "--control", control, "--data", data,
		"--service", d.cfg.Service.String(), "--inn", sellerINN, "--zone", zone}, protocols[d.cfg.Protocol].args...)
	for _, f := range d.cfg.Faults {
		args = append(args, "--fault", f)
	}
	d.register, _, err = d.start(ctx, process.Spec{Name: "register", Path: filepath.Join(d.cfg.Bin, "testbench"), Args: args})
	d.control, d.Archive, d.Data = "http://"+control, "http://"+control+"/archive", d.layout.dir
	return protocol, err
}

func (d *Demo) startMember(ctx context.Context, m member, broker string) error {
	bus := "chekomat+tcp://" + m.module
	if d.cfg.Trace != "" {
		path, err := filepath.Abs(d.cfg.Trace)
		if err != nil {
			return fmt.Errorf("demo: trace: %w", err)
		}
		bus = fmt.Sprintf("file://%s?speed=%d", path, d.cfg.Speed)
	} else if err := d.startMachine(ctx, m); err != nil {
		return err
	}
	file, err := m.configure(broker, bus, d.cfg.Lang, d.cfg.Assume)
	if err != nil {
		return err
	}
	d.agents[m.serial], _, err = d.start(ctx, process.Spec{Name: "agent-" + m.serial, Path: filepath.Join(d.cfg.Bin, "agent"), Args: []string{"run", "--config", file}})
	return err
}

func (d *Demo) startMachine(ctx context.Context, m member) error {
	plan, err := m.writePlan(d.plan)
	if err != nil {
		return err
	}
	args := []string{"machine", "--listen", m.module, "--data", m.dir, "--plan", plan, "--seed", seed(d.cfg.Seed, m.n),
		"--every", d.cfg.Every.String(), "--vend-time", d.cfg.VendTime.String()}
	if d.cfg.Firmware != "" {
		args = append(args, "--firmware", d.cfg.Firmware)
	}
	if m.exe {
		args = append(args, "--bus", "exe")
	} else if m.reads {
		args = append(args, "--silent", "--guests")
	} else if m.n > d.cfg.Machines-d.cfg.EXE-d.cfg.Silent {
		args = append(args, "--silent")
	}
	d.machines[m.serial], _, err = d.start(ctx, process.Spec{Name: "machine-" + m.serial, Path: filepath.Join(d.cfg.Bin, "testbench"), Args: args, Stdin: true,
		Line: func(line string) { d.heard(m.serial, line) }})
	return err
}

// heard takes a line of a machine.
func (d *Demo) heard(serial, line string) {
	var said struct {
		machine.Vend
		Stopped bool `json:"stopped"`
	}
	if json.Unmarshal([]byte(line), &said) != nil {
		return
	}
	if said.Stopped {
		d.stopped <- serial
	} else if said.Column != 0 && d.cfg.Vended != nil {
		d.cfg.Vended(serial, said.Vend)
	}
}

// StopSelling lets every machine finish the buyer it serves.
func (d *Demo) StopSelling(ctx context.Context) error {
	for serial, p := range d.machines {
		if err := p.Tell("stop"); err != nil {
			return fmt.Errorf("demo: stop %s: %w", serial, err)
		}
	}
	for range d.machines {
		select {
		case <-d.stopped:
		case <-ctx.Done():
			return fmt.Errorf("demo: a machine does not stop selling: %w", ctx.Err())
		}
	}
	return nil
}

// Programs are the processes a chaos may kill, by name.
func (d *Demo) Programs() map[string]*process.Process {
	all := map[string]*process.Process{"register": d.register}
	for _, h := range d.hubs {
		all[h.name] = h.process
	}
	for serial, p := range d.agents {
		all["agent-"+serial] = p
	}
	return all
}

// Close stops everything, machines before the agents that hear them out.
func (d *Demo) Close() {
	stopAll(d.machines, 25*time.Second)
	stopAll(d.agents, 10*time.Second)
	for _, h := range d.hubs {
		h.process.Stop(10 * time.Second)
	}
	if d.front != nil {
		d.front.close()
	}
	if d.register != nil {
		d.register.Stop(10 * time.Second)
	}
}

func stopAll(ps map[string]*process.Process, patience time.Duration) {
	done := make(chan struct{})
	for _, p := range ps {
		go func() {
			if p != nil {
				p.Stop(patience)
			}
			done <- struct{}{}
		}()
	}
	for range ps {
		<-done
	}
}

// getJSON asks the register's control API.
func getJSON(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("demo: ask %s: %w", url, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("demo: ask %s: %w", url, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("demo: ask %s: %s", url, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return errors.Join(fmt.Errorf("demo: answer of %s: %w", url, err))
	}
	return nil
}
