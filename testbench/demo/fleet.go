package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/testbench/machine"
)

// The demo's operator and seller. The ИНН is the one of the register, which
// serves no other.
const (
	operatorID = "demo"
	sellerINN  = "7700999990"
	zone       = "Europe/Moscow"
	laneName   = "ККТ-1"
)

// places is where the demo's machines stand.
var places = []struct{ place, address string }{
	{"Бизнес-центр, 1 этаж", "г. Москва, ул. Образцовая, д. 1"},
	{"Университет, корпус Б", "г. Москва, Учебный пр-д, д. 7, корп. 2"},
	{"Автовокзал, зал ожидания", "г. Тверь, Вокзальная пл., д. 3"},
	{"Больница, приёмное отделение", "г. Тула, ул. Липовая, д. 24"},
	{"Фитнес-клуб, вход", "г. Москва, Спортивная ул., д. 15"},
}

// panels is what the machines' displays are.
var panels = []struct {
	width, height int
	mm            float64
}{
	{800, 480, 154}, {480, 800, 86}, {320, 240, 49}, {1024, 600, 222}, {240, 320, 37},
}

// member is one machine of the demo's fleet with its agent.
type member struct {
	n             int
	exe           bool // on an Executive bus
	reads         bool // our reader is told of cash sales
	serial, agent string
	kiosk, module string // addresses
	dir, picture  string
}

func (l *layout) member(n int) (member, error) {
	m := member{n: n, serial: fmt.Sprintf("VM-%04d", n), agent: fmt.Sprintf("agent-%d", n)}
	var err error
	if m.dir, err = l.folder("machines", m.serial); err != nil {
		return m, fmt.Errorf("demo: folder of %s: %w", m.serial, err)
	}
	m.picture = l.path("machines", m.serial, "display.png")
	if m.kiosk, err = l.address("kiosk "+m.serial, 8500+n); err != nil {
		return m, err
	}
	m.module, err = l.address("module "+m.serial, 0)
	return m, err
}

// provision tells the hub, through its public API, of the operator, the
// seller, the register and the machines. What it knows already stays as it is.
func provision(ctx context.Context, c *client.Client, register string, members []member, plan []machine.Column, cfg Config) error {
	// What a machine cannot tell the column of is sold by its general name.
	columns := []contract.Column{{Column: -1, Name: "Товар из автомата", Subject: 1}}
	for _, p := range plan {
		columns = append(columns, contract.Column{Column: p.Column, Name: p.Name, Price: p.Price, Subject: 1})
	}
	want := client.Plan{
		Operator: contract.NewOperator{ID: operatorID, Name: "Демо-оператор", Zone: zone, CPolicy: "job"},
		Seller:   contract.NewSeller{Name: "ООО «Пример»", INN: sellerINN, Tax: &contract.TaxProfile{TaxSystem: "osn", VAT: "standard"}},
		Lanes:    []contract.NewLane{{Name: laneName, URL: register, FFD: "1.2", TaxSystems: []string{"osn"}, Zone: zone, Test: true}},
	}
	for _, m := range members {
		at := places[(m.n-1)%len(places)]
		want.Machines = append(want.Machines, client.PlannedMachine{Agent: m.agent, NewMachine: contract.NewMachine{
			Serial: m.serial, Address: at.address, Place: at.place, Zone: zone, Columns: columns,
			Rule:        &contract.MachineRule{ShowSec: 30, Currency: cfg.Assume, Lang: cmp.Or(cfg.Lang, "ru")},
			Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "reader1", Who: "us"}, {Source: "reader2", Who: "us"}},
		}})
	}
	for {
		err := tell(ctx, c, want, members)
		refused, answered := errors.AsType[*client.Error](err)
		if err == nil || ctx.Err() != nil || answered && refused.Problem.Status < http.StatusInternalServerError {
			return err
		}
		select { // a hub that was killed meanwhile comes back, and what was told is not told twice
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func tell(ctx context.Context, c *client.Client, want client.Plan, members []member) error {
	made, err := c.Provision(ctx, want)
	if err != nil {
		return err
	}
	for i, m := range members {
		if err := keepSecret(ctx, c, m, made.Machines[i].Secret); err != nil {
			return err
		}
	}
	return nil
}

// keepSecret writes the agent's secret down; one that was lost is renewed.
func keepSecret(ctx context.Context, c *client.Client, m member, secret string) error {
	if secret == "" {
		if _, err := os.Stat(secretFile(m)); err == nil {
			return nil
		}
		var renewed contract.AgentSecret
		if err := c.Post(ctx, "/api/v1/operators/"+operatorID+"/agents/"+m.agent+"/secret", nil, &renewed); err != nil {
			return err
		}
		secret = renewed.Secret
	}
	if err := os.WriteFile(secretFile(m), []byte(secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("demo: keep the secret of %s: %w", m.agent, err)
	}
	return nil
}

func secretFile(m member) string { return m.dir + "/secret" }

// configure writes the agent's own file: identity, hub, bus and panel.
func (m member) configure(hub, bus, lang string, assume string) (string, error) {
	p := panels[(m.n-1)%len(panels)]
	screen := func(url string) config.Panel {
		return config.Panel{URL: url, Width: p.width, Height: p.height, MM: p.mm}
	}
	heard := config.Bus{URL: bus, AssumeCurrency: assume}
	if m.exe {
		heard.Protocol, heard.EXE.Payment = config.Executive, string(vends.PaymentByHint)
	}
	if m.reads {
		heard.Role = []string{config.RoleReader2}
	}
	raw, err := yaml.Marshal(config.Config{
		Operator: operatorID, Agent: m.agent, SecretFile: secretFile(m),
		Hub:    config.Hub{URL: hub, StateSec: 1},
		Bus:    heard,
		Panels: []config.Panel{screen("kiosk://" + m.kiosk + "/?mirror=1"), screen("png://" + m.picture)},
		Data:   m.dir + "/agent", Lang: lang, Log: "info",
	})
	if err == nil {
		err = os.WriteFile(m.dir+"/agent.yaml", raw, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("demo: configure %s: %w", m.agent, err)
	}
	return m.dir + "/agent.yaml", nil
}

// writePlan gives the machine what it sells.
func (m member) writePlan(plan []machine.Column) (string, error) {
	path := m.dir + "/plan.json"
	raw, err := json.MarshalIndent(plan, "", "  ")
	if err == nil {
		err = os.WriteFile(path, raw, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("demo: plan of %s: %w", m.serial, err)
	}
	return path, nil
}

// seed gives each machine buyers of its own; without a base the machine draws
// one itself.
func seed(base uint64, n int) string {
	if base == 0 {
		return "0"
	}
	return strconv.FormatUint(base+uint64(n), 10)
}

// knownMachines lists the machines a data folder has ever had.
func (l *layout) knownMachines() ([]string, error) {
	entries, err := os.ReadDir(l.path("machines"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("demo: list machines: %w", err)
	}
	var serials []string
	for _, e := range entries {
		if e.IsDir() {
			serials = append(serials, e.Name())
		}
	}
	return serials, nil
}
