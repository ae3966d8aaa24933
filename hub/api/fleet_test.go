package api

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

func TestFactsSaidAgainChangeNothing(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/machines/" + w.a.machine
	var before, after contract.MachineDetail
	w.do(w.a.token, "GET", path, nil, 200, &before)
	p := before.Periods[0]
	p.ValidFrom = time.Time{}
	w.do(w.a.token, "POST", path+"/periods", p, 200, &after)
	w.do(w.a.token, "PUT", path+"/fiscalizers", contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "cash", Who: "us"}}}, 200, nil)
	columns := before.Columns
	for i := range columns {
		columns[i].ValidFrom = time.Time{}
	}
	w.do(w.a.token, "PUT", path+"/columns", contract.ColumnsChange{Columns: columns}, 200, nil)
	w.do(w.a.token, "PUT", path+"/rule", before.Rule, 200, nil)
	w.do(w.a.token, "PUT", "/api/v1/operators/alpha/agents/"+w.a.agent+"/binding", contract.BindingChange{Machine: w.a.machine}, 200, nil)
	var s contract.Seller
	w.do(w.a.token, "POST", "/api/v1/sellers/"+w.a.seller+"/tax", contract.TaxProfile{TaxSystem: "usn_income", VAT: "none"}, 200, &s)
	if len(s.Tax) != 1 {
		t.Errorf("tax profiles: %+v", s.Tax)
	}
	var n int
	w.scan(&n, `SELECT (SELECT count(*) FROM machine_period)+(SELECT count(*) FROM fiscalizer)+(SELECT count(*) FROM plan_column)+(SELECT count(*) FROM binding)`)
	if n != 2*(1+2+2+1) {
		t.Errorf("%d dated rows", n)
	}
}

func TestFactsHoldFromTheirDate(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/machines/" + w.a.machine
	next := time.Now().Add(24 * time.Hour).UTC()
	period := contract.MachinePeriod{ValidFrom: next, Seller: w.a.seller, Serial: "VM-2", Address: "г. Тверь", Place: "вокзал", Zone: "Asia/Omsk"}
	var d contract.MachineDetail
	w.do(w.a.token, "POST", path+"/periods", period, 200, &d)
	if d.Machine.Serial != w.a.serial || len(d.Periods) != 2 || d.Periods[0].Serial != "VM-2" {
		t.Errorf("a future period holds already: %+v", d)
	}
	plan := contract.ColumnsChange{ValidFrom: next, Columns: []contract.Column{{Column: 5, Name: "Сок", Price: 9000, Flags: []string{"marked"}}}}
	w.do(w.a.token, "PUT", path+"/columns", plan, 200, nil)
	var now, then contract.List[contract.Column]
	w.do(w.a.token, "GET", path+"/columns", nil, 200, &now)
	w.do(w.a.token, "GET", path+"/columns?at="+next.Add(time.Second).Format(time.RFC3339), nil, 200, &then)
	if len(now.Items) != 2 || now.Items[0].Name != "Вода alpha" || now.Items[0].GTIN != "04600051000057" {
		t.Errorf("now: %+v", now.Items)
	}
	if len(then.Items) != 1 || then.Items[0].Name != "Сок" || then.Items[0].Flags[0] != "marked" {
		t.Errorf("then: %+v", then.Items)
	}
}

func TestAgentIsMovedAndRevoked(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/operators/alpha/agents/" + w.a.agent
	var d contract.AgentDetail
	w.do(w.a.token, "PUT", path+"/binding", contract.BindingChange{}, 200, &d)
	if d.Agent.Machine != "" || len(d.Bindings) != 2 || len(d.Journals) != 1 {
		t.Errorf("taken out: %+v", d)
	}
	var m contract.MachineDetail
	w.do(w.a.token, "GET", "/api/v1/machines/"+w.a.machine, nil, 200, &m)
	if m.Machine.State != contract.MachineNoAgent {
		t.Errorf("machine without agent is %s", m.Machine.State)
	}
	var a contract.AgentSecret
	w.do(w.a.token, "POST", path+"/secret", nil, 200, &a)
	if ok, err := w.st.Authenticate(t.Context(), "alpha", w.a.agent, a.Secret); !ok || err != nil {
		t.Errorf("the new secret is refused: %v", err)
	}
	w.do(w.a.token, "DELETE", path, nil, 204, nil)
	if ok, _ := w.st.Authenticate(t.Context(), "alpha", w.a.agent, a.Secret); ok {
		t.Error("a revoked agent is let in")
	}
}

func TestMachineSaysTheWorstOfItself(t *testing.T) {
	w := newWorld(t)
	state := func() (s, reason string) {
		var d contract.MachineDetail
		w.do(w.a.token, "GET", "/api/v1/machines/"+w.a.machine, nil, 200, &d)
		return d.Machine.State, d.Machine.Reason
	}
	set := func(wire string) { w.exec(`UPDATE agent_state SET state=? WHERE operator_id='alpha'`, wire) }
	for _, tt := range []struct{ do, state, reason string }{
		{`{"v":1,"screen":"idle","display_alive":true}`, contract.MachineHeld, "sale_held"},
		{`{"v":1,"screen":"idle","display_alive":false}`, contract.MachineDisplayDead, "display_dead"},
		{`{"v":1,"screen":"out_of_service","reason":"hub_silent"}`, contract.MachineStopped, "hub_silent"},
	} {
		set(tt.do)
		if s, r := state(); s != tt.state || r != tt.reason {
			t.Errorf("%s: %s %s, want %s %s", tt.do, s, r, tt.state, tt.reason)
		}
	}
	w.exec(`UPDATE agent_state SET online=0`)
	if s, _ := state(); s != contract.MachineSilent {
		t.Errorf("offline: %s", s)
	}
	w.exec(`UPDATE agent_state SET online=1`)
	set(`{"v":1,"screen":"idle","display_alive":true}`)
	w.exec(`UPDATE record SET fate='none' WHERE fate='held'`)
	w.exec(`UPDATE job SET state='queued', reason='', sold_at=sold_at-120000 WHERE state='held'`)
	if s, _ := state(); s != contract.MachineWaiting {
		t.Errorf("a late receipt: %s", s)
	}
	w.exec(`UPDATE job SET state='void' WHERE state='queued'`)
	if s, _ := state(); s != contract.MachineOK {
		t.Errorf("all well: %s", s)
	}
}

func TestLaneIsShownWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	var l contract.Lane
	w.do(w.a.token, "GET", "/api/v1/lanes/"+w.a.lane, nil, 200, &l)
	if l.URL != "shtrih+tcp://127.0.0.1:1" || l.State != "unreachable" || l.Fault == nil || l.Fault.Title == l.Fault.Code {
		t.Errorf("%+v", l)
	}
	if len(l.Units) != 1 || l.Units[0].Warnings[0] != "replace_soon" || l.Units[0].Faults[0].Title == "" || len(l.FNPeriods) != 1 {
		t.Errorf("units %+v, FN %+v", l.Units, l.FNPeriods)
	}
	l = contract.Lane{}
	want := contract.LaneSettings{CloseAt: "03:30", PerMinute: 60, Burst: 5, LeaveClock: true}
	w.do(w.a.token, "PATCH", "/api/v1/lanes/"+w.a.lane, contract.LaneChange{Settings: &want}, 200, nil)
	w.do(w.a.token, "PATCH", "/api/v1/lanes/"+w.a.lane, contract.LaneChange{Enabled: ptr(false)}, 200, &l)
	if l.Settings != want {
		t.Errorf("settings %+v", l.Settings)
	}
	if l.State != "disabled" || l.Fault != nil {
		t.Errorf("disabled: %+v", l)
	}
	w.do(w.a.token, "POST", "/api/v1/lanes/"+w.a.lane+"/resume", contract.Why{Why: "x"}, 409, nil)
	var test contract.LaneTest
	w.do(w.a.token, "POST", "/api/v1/lanes/"+w.a.lane+"/test", nil, 200, &test)
	if test.OK || test.Fault == nil {
		t.Errorf("a register that is not there: %+v", test)
	}
}
