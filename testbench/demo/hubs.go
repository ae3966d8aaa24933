package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/testbench/process"
)

// hub is one of the demo's hubs.
type hub struct {
	name      string // "hub", "hub-2", …: of its process and, sharing a database, in leases
	data      string // its folder
	process   *process.Process
	broker    string // for agents, tcp://…
	client    *client.Client
	dashboard string
}

// startHubs starts the hubs and gives the address for agents: the hub's own, or
// one that leads to whichever of them answers.
func (d *Demo) startHubs(ctx context.Context) (broker string, err error) {
	for n := range max(d.cfg.Hubs, 1) {
		name := "hub"
		if n > 0 {
			name = fmt.Sprintf("hub-%d", n+1)
		}
		h, err := d.startHub(ctx, name)
		if h != nil {
			d.hubs = append(d.hubs, h)
		}
		if err != nil {
			return "", err
		}
	}
	d.AskHub(0)
	if len(d.hubs) == 1 {
		return d.hubs[0].broker, nil
	}
	at, err := d.layout.address("front", 0)
	if err != nil {
		return "", err
	}
	var brokers []string
	for _, h := range d.hubs {
		brokers = append(brokers, strings.TrimPrefix(h.broker, mqtt))
	}
	if d.front, err = listenFront(at, brokers); err != nil {
		return "", err
	}
	return mqtt + at, nil
}

// mqtt is the scheme of a broker's address.
const mqtt = "tcp://"

// AskHub makes hub n the one that is asked and shown; the first is 0.
func (d *Demo) AskHub(n int) { d.hub, d.Dashboard = d.hubs[n].client, d.hubs[n].dashboard }

// LeadAgents keeps agents off hub n or lets them to it again, as the balancer
// before hubs does that asks each for its health.
func (d *Demo) LeadAgents(n int, to bool) {
	d.front.lead(strings.TrimPrefix(d.hubs[n].broker, mqtt), to)
}

// StartHub starts hub n again, which was ended.
func (d *Demo) StartHub(ctx context.Context, n int) error {
	h, err := d.startHub(ctx, d.hubs[n].name)
	if err == nil {
		d.hubs[n] = h
	}
	return err
}

// HubData is the folder of hub n.
func (d *Demo) HubData(n int) string { return d.hubs[n].data }

func (d *Demo) startHub(ctx context.Context, name string) (h *hub, err error) {
	h = &hub{name: name}
	if h.data, err = d.layout.folder(name); err != nil {
		return nil, fmt.Errorf("demo: folder of the hub: %w", err)
	}
	prefer := 0
	if name == "hub" {
		prefer = 8480
	}
	web, err := d.layout.address(name, prefer)
	if err != nil {
		return nil, err
	}
	broker, err := d.layout.address(strings.Replace(name, "hub", "broker", 1), 0)
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", h.data, "--http", web, "--mqtt", broker, "--register-poll", "3s"}
	if d.cfg.DB != "" {
		args = append(args, "--db", d.cfg.DB, "--name", name)
	}
	var line string
	h.process, line, err = d.start(ctx, process.Spec{Name: name, Path: filepath.Join(d.cfg.Bin, "hub"), Args: append(args, d.cfg.HubArgs...)})
	if err != nil {
		return nil, err
	}
	var at struct {
		HTTP  string `json:"http"`
		MQTT  string `json:"mqtt"`
		Token string `json:"token_file"`
	}
	if err := json.Unmarshal([]byte(line), &at); err != nil {
		return h, fmt.Errorf("demo: the hub's first line %q: %w", line, err)
	}
	raw, err := os.ReadFile(at.Token)
	if err != nil {
		return h, fmt.Errorf("demo: the hub's token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	h.broker, h.client, h.dashboard = at.MQTT, client.New(at.HTTP, token), at.HTTP+"/#token="+token
	return h, nil
}
