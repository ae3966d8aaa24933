package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/api/texts"
)

func TestRoutesAndDocumentAreTheSame(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(Spec, &doc); err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, ops := range doc.Paths {
		for op := range ops {
			if op != "parameters" && strings.HasPrefix(path, "/api/") {
				want = append(want, strings.ToUpper(op)+" "+path)
			}
		}
	}
	w := newWorld(t)
	var got []string
	for _, rt := range w.api.routes() {
		got = append(got, rt.pattern)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		for _, p := range got {
			if !slices.Contains(want, p) {
				t.Errorf("%s is not in the document", p)
			}
		}
		for _, p := range want {
			if !slices.Contains(got, p) {
				t.Errorf("%s is not answered", p)
			}
		}
	}
}

func TestOpenPathsNeedNoToken(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/openapi.yaml", "/health", "/api/v1/texts"} {
		if r := w.ask("", "GET", path, nil); r.Code != 200 {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	m := "/api/v1/machines/" + w.a.machine
	good := contract.NewMachine{Seller: w.a.seller, Serial: "X", Address: "a", Place: "p", Zone: "Europe/Moscow"}
	machine := func(change func(*contract.NewMachine)) contract.NewMachine { n := good; change(&n); return n }
	column := func(c contract.Column) contract.ColumnsChange {
		return contract.ColumnsChange{Columns: []contract.Column{c}}
	}
	for _, tt := range []struct {
		name, method, path string
		body               any
		status             int
		code, field        string
	}{
		{"INN with a wrong digit", "POST", "/api/v1/sellers", contract.NewSeller{Name: "x", INN: "7700999991"}, 422, "bad_inn", "inn"},
		{"INN of letters", "POST", "/api/v1/sellers", contract.NewSeller{Name: "x", INN: "77009999AB"}, 422, "bad_inn", "inn"},
		{"seller again", "POST", "/api/v1/sellers", contract.NewSeller{Name: "x", INN: w.a.inn}, 409, "exists", ""},
		{"reduced VAT without УСН", "POST", "/api/v1/sellers/" + w.a.seller + "/tax", contract.TaxProfile{TaxSystem: "osn", VAT: "5"}, 422, "vat_not_for_system", "vat"},
		{"patent with VAT", "POST", "/api/v1/sellers/" + w.a.seller + "/tax", contract.TaxProfile{TaxSystem: "psn", VAT: "standard"}, 422, "vat_not_for_system", "vat"},
		{"ЕНВД", "POST", "/api/v1/sellers/" + w.a.seller + "/tax", contract.TaxProfile{TaxSystem: "envd", VAT: "none"}, 422, "not_a_choice", "tax_system"},
		{"serial of 21", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Serial = strings.Repeat("9", 21) }), 422, "length", "serial"},
		{"no serial", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Serial = "" }), 422, "required", "serial"},
		{"serial with a space", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Serial = " 12" }), 422, "bad_text", "serial"},
		{"address in Chinese", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Address = "莫斯科" }), 422, "not_printable", "address"},
		{"no such zone", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Zone = "Europe/Moskau" }), 422, "bad_zone", "zone"},
		{"no such seller", "POST", "/api/v1/machines", machine(func(n *contract.NewMachine) { n.Seller = "none" }), 422, "unknown_reference", "seller"},
		{"source twice", "PUT", m + "/fiscalizers", contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "cash", Who: "terminal"}}}, 422, "repeated", "sources[1].source"},
		{"not subject without a ground", "PUT", m + "/fiscalizers", contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "cash", Who: "not_subject"}}}, 422, "reason_needed", "sources[0].reason"},
		{"negative price", "PUT", m + "/columns", column(contract.Column{Column: 1, Name: "x", Price: -1}), 422, "out_of_range", "columns[0].price"},
		{"GTIN with a wrong digit", "PUT", m + "/columns", column(contract.Column{Column: 1, Name: "x", GTIN: "4600051000058"}), 422, "bad_gtin", "columns[0].gtin"},
		{"name of 129", "PUT", m + "/columns", column(contract.Column{Column: 1, Name: strings.Repeat("я", 129)}), 422, "length", "columns[0].name"},
		{"float price", "PUT", m + "/columns", `{"columns":[{"column":1,"name":"x","price":1.5}]}`, 422, "wrong_type", "columns.price"},
		{"misspelt field", "PUT", m + "/columns", `{"colums":[]}`, 422, "unknown_field", "colums"},
		{"broken JSON", "PUT", m + "/columns", `{"columns":`, 400, "bad_json", ""},
		{"two values", "PUT", m + "/columns", `{"columns":[]} {}`, 400, "bad_json", ""},
		{"silly rule", "PUT", m + "/rule", contract.MachineRule{ShowSec: 1, StopAfterMin: -1, Currency: "RUB"}, 422, "out_of_range", "stop_after_min"},
		{"agent's id", "POST", "/api/v1/agents", contract.NewAgent{ID: "Agent/1"}, 422, "bad_id", "id"},
		{"agent again", "POST", "/api/v1/agents", contract.NewAgent{ID: w.a.agent}, 409, "exists", ""},
		{"agent in no machine", "POST", "/api/v1/agents", contract.NewAgent{ID: "new", Machine: "none"}, 422, "unknown_reference", "machine"},
		{"lane of no driver", "POST", "/api/v1/lanes", contract.NewLane{Seller: w.a.seller, Name: "x", URL: "http://x", FFD: "1.2", TaxSystems: []string{"osn"}, Zone: "Europe/Moscow"}, 422, "lane_address_bad", "url"},
		{"lane again", "POST", "/api/v1/lanes", contract.NewLane{Seller: w.a.seller, Name: "Касса alpha", URL: "shtrih+tcp://x:1", FFD: "1.2", TaxSystems: []string{"osn"}, Zone: "Europe/Moscow"}, 409, "exists", ""},
		{"FFD 1.3", "POST", "/api/v1/lanes", contract.NewLane{Seller: w.a.seller, Name: "x", URL: "shtrih+tcp://x:1", FFD: "1.3", TaxSystems: []string{"osn"}, Zone: "Europe/Moscow"}, 422, "not_a_choice", "ffd"},
		{"hour of closing", "PATCH", "/api/v1/lanes/" + w.a.lane, contract.LaneChange{Settings: &contract.LaneSettings{CloseAt: "25:00"}}, 422, "bad_clock", "settings.close_at"},
		{"pace below zero", "PATCH", "/api/v1/lanes/" + w.a.lane, contract.LaneChange{Settings: &contract.LaneSettings{PerMinute: -1}}, 422, "out_of_range", "settings.per_minute"},
		{"empty change", "PATCH", "/api/v1/lanes/" + w.a.lane, contract.LaneChange{}, 422, "nothing_to_change", ""},
		{"bad cursor", "GET", "/api/v1/sales?cursor=x", nil, 422, "bad_cursor", ""},
		{"bad limit", "GET", "/api/v1/sales?limit=501", nil, 422, "out_of_range", "limit"},
		{"bad kind", "GET", "/api/v1/sales?kind=x", nil, 422, "not_a_choice", "kind"},
		{"bad day", "GET", "/api/v1/receipts?day=yesterday", nil, 422, "wrong_type", "day"},
		{"sum without day", "GET", "/api/v1/receipts?sum=100", nil, 422, "wrong_type", "sum"},
		{"state missing", "GET", "/api/v1/jobs", nil, 422, "not_a_choice", "state"},
		{"record is no number", "GET", "/api/v1/sales/x", nil, 404, "not_found", "record"},
		{"no such path", "GET", "/api/v1/nothing", nil, 404, "no_such_path", ""},
		{"reversed span", "GET", "/api/v1/takings?from=2026-02-01&to=2026-01-01", nil, 422, "bad_span", "from"},
		{"retry of a job that is done", "POST", "/api/v1/jobs/" + w.a.doneJob + "/retry", contract.Why{Why: "x"}, 409, "moved_on", ""},
		{"bind to a document that is not there", "POST", "/api/v1/jobs/" + w.a.heldJob + "/bind", contract.BindJob{FN: "1", FD: 1, Why: "x"}, 404, "not_found", ""},
		{"decision without a reason", "POST", "/api/v1/jobs/" + w.a.heldJob + "/drop", contract.Why{}, 422, "required", "why"},
		{"drop of a record that is a job", "POST", "/api/v1/held/1/drop", contract.Why{Why: "x"}, 409, "not_held", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			var p contract.Problem
			r := w.do(w.a.token, tt.method, tt.path, tt.body, tt.status, &p)
			if p.Code != tt.code || p.Field != tt.field || p.Status != tt.status || p.Title == "" || p.Next == "" {
				t.Errorf("%s", r.Body)
			}
			if !texts.Has(p.Code) || r.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("code %q, %s", p.Code, r.Header().Get("Content-Type"))
			}
		})
	}
}

func TestAllFaultsOfABodyAtOnceInRussian(t *testing.T) {
	w := newWorld(t)
	r := w.ask(w.a.token, "POST", "/api/v1/machines", contract.NewMachine{}, "Accept-Language", "ru-RU,ru;q=0.9,en;q=0.8")
	if r.Code != 422 || r.Header().Get("Content-Language") != "ru" {
		t.Fatalf("%d %v", r.Code, r.Header())
	}
	for _, field := range []string{"seller", "serial", "address", "place", "zone"} {
		if !strings.Contains(r.Body.String(), `"field":"`+field+`"`) {
			t.Errorf("%s is not named: %s", field, r.Body)
		}
	}
	if !strings.Contains(r.Body.String(), "Заполните поле") {
		t.Errorf("not in Russian: %s", r.Body)
	}
}

func TestBodyMustBeJSON(t *testing.T) {
	w := newWorld(t)
	r := w.ask(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/rule", `{}`, "Content-Type", "text/plain")
	if r.Code != http.StatusUnsupportedMediaType {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	r = w.ask(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/rule", `{"lang":"`+strings.Repeat("x", maxBody)+`"}`)
	if r.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
