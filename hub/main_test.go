package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// boot runs the real program in this process on free ports.
func boot(t *testing.T, dir string) (*Main, *client.Client) {
	t.Helper()
	m := &Main{Config: testConfig(dir)}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(errors.Join(err, m.Close()))
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	token, err := os.ReadFile(m.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	return m, client.New(m.HTTPURL, strings.TrimSpace(string(token)))
}

func testConfig(dir string) Config {
	var c Config
	c.options() // defaults
	c.Data, c.HTTP, c.MQTT = dir, "127.0.0.1:0", "127.0.0.1:0"
	return c
}

// closedPort is an address nobody answers at: RFC 6335 keeps port 1 for tcpmux.
const closedPort = "shtrih+tcp://127.0.0.1:1"

func plan() client.Plan {
	return client.Plan{
		Operator: contract.NewOperator{ID: "op", Name: "Оператор", Zone: "Europe/Moscow", CPolicy: "hold"},
		Seller:   contract.NewSeller{Name: "ООО «Пример»", INN: "7700999990", Tax: &contract.TaxProfile{TaxSystem: "osn", VAT: "standard"}},
		Lanes:    []contract.NewLane{{Name: "Касса 1", URL: closedPort, FFD: "1.2", TaxSystems: []string{"osn"}, Zone: "Europe/Moscow", Test: true}},
		Machines: []client.PlannedMachine{{Agent: "agent-1", NewMachine: contract.NewMachine{Serial: "VM-1", Address: "г. Москва, ул. Образцовая, д. 1",
			Place: "холл", Zone: "Europe/Moscow", Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}},
			Columns: []contract.Column{{Column: 1, Name: "Вода", Price: 6000, Subject: 1}}}}},
	}
}

func TestSecondProvisioningContinuesTheFirst(t *testing.T) {
	_, c := boot(t, t.TempDir())
	ctx := t.Context()
	first, err := c.Provision(ctx, plan())
	if err != nil {
		t.Fatal(err)
	}
	if first.Machines[0].Secret == "" {
		t.Error("the first run gives the agent's secret")
	}
	p := plan()
	p.Machines[0].Address = "г. Тверь, Вокзальная пл., д. 3"
	p.Machines = append(p.Machines, client.PlannedMachine{Agent: "agent-2", NewMachine: p.Machines[0].NewMachine})
	p.Machines[1].Serial = "VM-2"
	second, err := c.Provision(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if second.Seller.ID != first.Seller.ID || second.Lanes[0].ID != first.Lanes[0].ID || second.Machines[0].ID != first.Machines[0].ID ||
		second.Machines[0].Secret != "" || second.Machines[1].Secret == "" {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	var d contract.MachineDetail
	if err := c.Get(ctx, "/api/v1/machines/"+first.Machines[0].ID, &d); err != nil || d.Machine.Address != "г. Тверь, Вокзальная пл., д. 3" || len(d.Periods) != 2 {
		t.Errorf("%v %+v", err, d)
	}
	n := 0
	if err := client.Pages(ctx, c, "/api/v1/machines?limit=1", func(contract.Machine) bool { n++; return true }); err != nil || n != 2 {
		t.Errorf("%d machines by pages, %v", n, err)
	}
	p.Seller.INN = "7700999991"
	var e *client.Error
	if _, err := c.Provision(ctx, p); !errors.As(err, &e) || e.Problem.Code != "bad_inn" || e.Problem.Field != "inn" {
		t.Errorf("a wrong INN: %v", err)
	}
}

// The register is off: the hub still takes the sale in, acknowledges it, shows
// it waiting and says why.
func TestSaleThroughBrokerIsDurableWhileTheRegisterIsOff(t *testing.T) {
	dir := t.TempDir()
	m, c := boot(t, dir)
	p, err := c.Provision(t.Context(), plan())
	if err != nil {
		t.Fatal(err)
	}
	sales := make(chan contract.Sale, 16)
	snapshot := make(chan struct{})
	go func() {
		_ = c.Live(t.Context(), "op", func(e client.Event) bool {
			var s contract.Sale
			switch e.Name {
			case "snapshot":
				close(snapshot)
			case "sale":
				if json.Unmarshal(e.Data, &s) == nil {
					sales <- s
				}
			}
			return true
		})
	}()
	await(t, snapshot)
	acks := speak(t, m, p.Machines[0].Secret, saleMessage(t, 1))
	if a := await(t, acks); a.Upto != 1 || a.Journal != "journal-1" {
		t.Errorf("ack %+v", a)
	}
	s := await(t, sales)
	if s.Fate != "job" || s.Job == nil || s.Job.State == "done" || s.Item != "Вода" || s.Serial != "VM-1" {
		t.Errorf("sale %+v", s)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	*m = Main{Config: testConfig(dir)} // a restart on the same folder
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(m.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	c = client.New(m.HTTPURL, strings.TrimSpace(string(token)))
	var l contract.List[contract.Sale]
	if err := c.Get(t.Context(), "/api/v1/sales", &l); err != nil || len(l.Items) != 1 || l.Items[0].ID != s.ID {
		t.Errorf("after the restart: %v %+v", err, l)
	}
	var h contract.Health
	if err := c.Get(t.Context(), "/health", &h); err != nil || h.Status == "failed" {
		t.Errorf("health %+v, %v", h, err)
	}
}

func await[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(30 * time.Second): // a bound on a hang, not a measure
		t.Fatal("nothing came")
	}
	return v
}

func saleMessage(t *testing.T, seq int64) []byte {
	t.Helper()
	r, err := json.Marshal(wire.Record{V: 1, Journal: "journal-1", Seq: seq, Kind: wire.KindSale, Wall: time.Now(), Synced: true, Boot: "b", MonoMS: 5,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", Column: 1, ColKnown: true, Channel: "device", Bus: "mdb",
			Amount: wire.Money{Minor: 6000, Known: true, Currency: "643", Raw: 60, Scale: 100, Decimals: 2},
			Parts:  []wire.Part{{Source: "cash", Kind: "cash", Minor: 6000}}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := json.Marshal(wire.RecordMessage{V: 1, Record: r})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// speak connects as the agent, says hello and sends a record.
func speak(t *testing.T, m *Main, secret string, record []byte) <-chan wire.Ack {
	t.Helper()
	acks := make(chan wire.Ack, 16)
	o := mqtt.NewClientOptions().AddBroker(m.MQTTURL).SetClientID(wire.Username("op", "agent-1")).SetUsername(wire.Username("op", "agent-1")).SetPassword(secret).SetProtocolVersion(4).SetAutoReconnect(false)
	c := mqtt.NewClient(o)
	wait := func(what string, tok mqtt.Token) {
		t.Helper()
		if !tok.WaitTimeout(30*time.Second) || tok.Error() != nil {
			t.Fatalf("%s: %v", what, tok.Error())
		}
	}
	wait("connect", c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	wait("subscribe", c.Subscribe(wire.Topic("op", "agent-1", "down/+"), 1, func(_ mqtt.Client, msg mqtt.Message) {
		var a wire.Ack
		if strings.HasSuffix(msg.Topic(), wire.DownAck) && json.Unmarshal(msg.Payload(), &a) == nil && a.Upto > 0 {
			acks <- a
		}
	}))
	hello, err := json.Marshal(wire.Hello{V: 1, Journal: "journal-1", Head: 1, Oldest: 1, Boot: "b", Session: "s1", Software: "test", Wall: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	wait("hello", c.Publish(wire.Topic("op", "agent-1", wire.UpHello), 1, false, hello))
	wait("record", c.Publish(wire.Topic("op", "agent-1", wire.UpRecord), 1, false, record))
	return acks
}

func TestTwoHubsDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	boot(t, dir)
	second := &Main{Config: testConfig(dir)}
	err := second.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another hub works in") {
		t.Errorf("%v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestPortInUseIsSaidAndLeavesNothingBehind(t *testing.T) {
	first, _ := boot(t, t.TempDir())
	dir := t.TempDir()
	for range 2 { // the folder is free again after the failure
		second := &Main{Config: testConfig(dir)}
		second.Config.HTTP = strings.TrimPrefix(first.HTTPURL, "http://")
		if err := second.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on") {
			t.Errorf("%v", err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTokenFileIsMadeOnceAndPrivate(t *testing.T) {
	dir := t.TempDir()
	m, _ := boot(t, dir)
	was, err := os.ReadFile(m.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(m.TokenFile)
	if err != nil || info.Mode().Perm() != 0o600 || m.TokenFile != filepath.Join(dir, "token") {
		t.Errorf("%v %v %s", info.Mode(), err, m.TokenFile)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	*m = Main{Config: testConfig(dir)}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(m.TokenFile); !bytes.Equal(now, was) {
		t.Error("a restart made another token")
	}
}

func TestRunPrintsItsAddressesAndStopsOnRequest(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	code := make(chan int, 1)
	noEnv := func(string) (string, bool) { return "", false }
	dir := t.TempDir()
	go func() {
		code <- run(ctx, []string{"serve", "--data", dir, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}, noEnv, w, io.Discard)
		w.Close()
	}()
	var ready Ready
	if err := json.NewDecoder(r).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	a, err := http.Get(ready.HTTP + "/health")
	if err != nil || a.StatusCode != 200 || !strings.HasPrefix(ready.MQTT, "tcp://127.0.0.1:") {
		t.Fatalf("%+v %v", ready, err)
	}
	a.Body.Close()
	stop()
	if c := await(t, code); c != 0 {
		t.Errorf("exit code %d", c)
	}
}
