package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
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
func provision(ctx context.Context, c *client.Client, register string, members []member, plan []machine.Column, currency string) (lane string, err error) {
	if err := ensure(ctx, c, "/api/v1/operators", contract.NewOperator{ID: operatorID, Name: "Демо-оператор", Zone: zone, CPolicy: "job"}, nil); err != nil {
		return "", err
	}
	var sellers contract.List[contract.Seller]
	if err := c.Get(ctx, "/api/v1/sellers?operator="+operatorID, &sellers); err != nil {
		return "", err
	}
	var seller contract.Seller
	if len(sellers.Items) > 0 {
		seller = sellers.Items[0]
	} else if err := c.Post(ctx, "/api/v1/sellers", contract.NewSeller{Operator: operatorID, Name: "ООО «Пример»", INN: sellerINN,
		Tax: &contract.TaxProfile{TaxSystem: "osn", VAT: "standard"}}, &seller); err != nil {
		return "", err
	}
	if lane, err = provisionLane(ctx, c, seller.ID, register); err != nil {
		return "", err
	}
	for _, m := range members {
		if err := provisionMachine(ctx, c, seller.ID, m, plan, currency); err != nil {
			return "", err
		}
	}
	return lane, nil
}

// ensure makes something, or is content that it is there.
func ensure(ctx context.Context, c *client.Client, path string, in, out any) error {
	err := c.Post(ctx, path, in, out)
	if p := (*client.Error)(nil); errors.As(err, &p) && p.Problem.Status == 409 {
		return nil
	}
	return err
}

func provisionLane(ctx context.Context, c *client.Client, seller, register string) (string, error) {
	var lanes contract.List[contract.Lane]
	if err := c.Get(ctx, "/api/v1/lanes?operator="+operatorID, &lanes); err != nil {
		return "", err
	}
	for _, l := range lanes.Items {
		if l.Name == laneName {
			return l.ID, nil
		}
	}
	var lane contract.Lane
	err := c.Post(ctx, "/api/v1/lanes", contract.NewLane{Operator: operatorID, Seller: seller, Name: laneName, URL: "shtrih+tcp://" + register,
		FFD: "1.2", TaxSystems: []string{"osn"}, Zone: zone, Test: true}, &lane)
	return lane.ID, err
}

func provisionMachine(ctx context.Context, c *client.Client, seller string, m member, plan []machine.Column, currency string) error {
	var known contract.List[contract.Machine]
	if err := c.Get(ctx, "/api/v1/machines?operator="+operatorID+"&serial="+url.QueryEscape(m.serial), &known); err != nil {
		return err
	}
	rule := contract.MachineRule{ShowSec: 30, Currency: currency, Lang: "ru"}
	columns := make([]contract.Column, len(plan))
	for i, p := range plan {
		columns[i] = contract.Column{Column: p.Column, Name: p.Name, Price: p.Price, Subject: 1}
	}
	// What a machine of the demo cannot tell the column of is sold by its general name.
	columns = append(columns, contract.Column{Column: -1, Name: "Товар из автомата", Price: 0, Subject: 1})
	if len(known.Items) > 0 {
		id := known.Items[0].ID
		if err := c.Put(ctx, "/api/v1/machines/"+id+"/rule", rule, nil); err != nil {
			return err
		}
		return c.Put(ctx, "/api/v1/machines/"+id+"/columns", contract.ColumnsChange{Columns: columns}, nil)
	}
	at := places[(m.n-1)%len(places)]
	var made contract.MachineDetail
	if err := c.Post(ctx, "/api/v1/machines", contract.NewMachine{Operator: operatorID, Seller: seller, Serial: m.serial, Address: at.address, Place: at.place,
		Zone: zone, Rule: &rule, Columns: columns, Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "reader1", Who: "us"}, {Source: "reader2", Who: "us"}}}, &made); err != nil {
		return err
	}
	var secret contract.AgentSecret
	if err := c.Post(ctx, "/api/v1/agents", contract.NewAgent{Operator: operatorID, ID: m.agent, Machine: made.Machine.ID}, &secret); err != nil {
		return err
	}
	return writeSecret(m, secret.Secret)
}

func secretFile(m member) string { return m.dir + "/secret" }

func writeSecret(m member, secret string) error {
	if err := os.WriteFile(secretFile(m), []byte(secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("demo: keep the secret of %s: %w", m.agent, err)
	}
	return nil
}

// configure writes the agent's own file: identity, hub, bus and panel.
func (m member) configure(hub, bus, lang string, assume string) (string, error) {
	p := panels[(m.n-1)%len(panels)]
	file := map[string]any{
		"identity": map[string]any{"operator": operatorID, "agent": m.agent, "secret_file": secretFile(m)},
		"hub":      map[string]any{"url": hub},
		"bus":      map[string]any{"url": bus},
		"panel": []map[string]any{
			{"url": "kiosk://" + m.kiosk + "/?mirror=1", "width": p.width, "height": p.height, "mm": p.mm},
			{"url": "png://" + m.picture, "width": p.width, "height": p.height, "mm": p.mm},
		},
		"data": m.dir + "/agent",
		"lang": lang,
	}
	if assume != "" {
		file["bus"].(map[string]any)["currency"] = assume
	}
	raw, err := yaml.Marshal(file)
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
