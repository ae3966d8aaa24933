package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// bodies are well-formed bodies of the operations that need one; what they
// name belongs to tenant n.
func bodies(n tenant) map[string]any {
	why := contract.Why{Why: "because"}
	return map[string]any{
		"POST /api/v1/session":                                    map[string]string{"token": n.token},
		"POST /api/v1/tokens":                                     contract.NewToken{Operator: n.id, Name: "x"},
		"POST /api/v1/operators":                                  contract.NewOperator{ID: "gamma", Name: "x"},
		"PATCH /api/v1/operators/{operator}":                      contract.OperatorChange{Name: ptr("x")},
		"POST /api/v1/sellers":                                    contract.NewSeller{Operator: n.id, Name: "x", INN: "500100732259"},
		"PATCH /api/v1/sellers/{seller}":                          contract.SellerChange{Name: "x"},
		"POST /api/v1/sellers/{seller}/tax":                       contract.TaxProfile{TaxSystem: "osn", VAT: "standard"},
		"POST /api/v1/machines":                                   contract.NewMachine{Seller: n.seller, Serial: "1", Address: "a", Place: "p", Zone: "Europe/Moscow"},
		"POST /api/v1/machines/{machine}/periods":                 contract.MachinePeriod{Seller: n.seller, Serial: "1", Address: "a", Place: "p", Zone: "Europe/Moscow"},
		"PUT /api/v1/machines/{machine}/rule":                     contract.MachineRule{},
		"PUT /api/v1/machines/{machine}/fiscalizers":              contract.FiscalizersChange{Sources: []contract.Fiscalizer{{Source: "cash", Who: "terminal"}}},
		"PUT /api/v1/machines/{machine}/columns":                  contract.ColumnsChange{Columns: []contract.Column{}},
		"POST /api/v1/machines/{machine}/flights":                 contract.FlightRequest{LastS: 60},
		"POST /api/v1/agents":                                     contract.NewAgent{ID: "new", Machine: n.machine},
		"PUT /api/v1/operators/{operator}/agents/{agent}/binding": contract.BindingChange{},
		"POST /api/v1/lanes":                                      contract.NewLane{Seller: n.seller, Name: "x", URL: "shtrih+tcp://127.0.0.1:1", FFD: "1.2", TaxSystems: []string{"osn"}, Zone: "Europe/Moscow"},
		"PATCH /api/v1/lanes/{lane}":                              contract.LaneChange{Enabled: ptr(false)},
		"POST /api/v1/lanes/{lane}/resume":                        why,
		"POST /api/v1/lanes/{lane}/shift/open":                    why,
		"POST /api/v1/lanes/{lane}/shift/close":                   why,
		"POST /api/v1/held/retry":                                 contract.RetryHeld{Operator: n.id},
		"POST /api/v1/held/{record}/promote":                      why,
		"POST /api/v1/held/{record}/drop":                         why,
		"POST /api/v1/jobs/{job}/retry":                           why,
		"POST /api/v1/jobs/{job}/drop":                            why,
		"POST /api/v1/jobs/{job}/not-made":                        why,
		"POST /api/v1/jobs/{job}/made":                            contract.MadeJob{FN: n.fn, FD: 1, FP: 1, At: "2026-01-15T12:00", Why: "because"},
		"POST /api/v1/jobs/{job}/bind":                            contract.BindJob{FN: n.fn, FD: 1, Why: "because"},
		"POST /api/v1/quarantine/{item}/aside":                    why,
		"POST /api/v1/jobs/{job}/settle":                          why,
		"POST /api/v1/sales/{record}/correct":                     contract.CorrectOrder{Why: "because"},
		"POST /api/v1/receipts/{fn}/{fd}/refund":                  contract.RefundOrder{Why: "because"},
		"POST /api/v1/receipts/{fn}/{fd}/repair":                  contract.CorrectOrder{Why: "because"},
	}
}

func ptr[T any](v T) *T { return &v }

// marks are texts that only answers about the tenant can hold.
func (n tenant) marks() []string {
	return []string{n.id, n.seller, n.machine, n.lane, n.agent, n.journal, n.inn, n.serial, n.doneJob, n.heldJob, n.fn, n.tokenID}
}

func TestOneOperatorNeverSeesAnother(t *testing.T) {
	w := newWorld(t)
	for _, rt := range w.api.routes() {
		method, path := w.b.fill(rt.pattern)
		if method != http.MethodGet || strings.HasSuffix(path, "/live") {
			continue
		}
		named := strings.Contains(rt.pattern, "{") || strings.Contains(path, "operator=")
		t.Run(rt.pattern, func(t *testing.T) {
			w.t = t
			if r := w.ask(w.b.token, method, path, nil); r.Code != 200 {
				t.Errorf("its own operator gets %d %s", r.Code, r.Body)
			}
			if r := w.ask(w.root, method, path, nil); r.Code != 200 {
				t.Errorf("the installation gets %d %s", r.Code, r.Body)
			}
			r := w.ask(w.a.token, method, path, nil)
			if named && r.Code != 404 {
				t.Errorf("another operator gets %d %s", r.Code, r.Body)
			}
			if !named && r.Code != 200 {
				t.Errorf("a list gives %d %s", r.Code, r.Body)
			}
			for _, mark := range w.b.marks() {
				if strings.Contains(r.Body.String(), mark) {
					t.Errorf("the answer to another operator holds %q: %s", mark, r.Body)
				}
			}
			if rt.open {
				return
			}
			if r := w.ask("", method, path, nil); r.Code != 401 || r.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("without a token: %d", r.Code)
			}
			if !named {
				if r := w.ask(w.a.token, method, join(path, "operator="+w.b.id), nil); r.Code != 404 && strings.Contains(r.Body.String(), w.b.machine) {
					t.Errorf("naming another operator: %d %s", r.Code, r.Body)
				}
			}
		})
	}
}

func join(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

func TestOneOperatorNeverTouchesAnother(t *testing.T) {
	w := newWorld(t)
	before := w.ask(w.b.token, "GET", "/api/v1/machines/"+w.b.machine, nil).Body.String()
	in := bodies(w.b)
	for _, rt := range w.api.routes() {
		method, path := w.b.fill(rt.pattern)
		if method == http.MethodGet || rt.open || strings.HasSuffix(path, "/session") {
			continue
		}
		t.Run(rt.pattern, func(t *testing.T) {
			w.t = t
			r := w.ask(w.a.token, method, path, in[rt.pattern])
			want := 404
			switch rt.pattern {
			case "POST /api/v1/operators":
				want = 403
			case "POST /api/v1/machines", "POST /api/v1/lanes", "POST /api/v1/agents":
				want = 422 // what the body names is not there
			}
			if r.Code != want {
				t.Errorf("%d %s, want %d", r.Code, r.Body, want)
			}
		})
	}
	w.t = t
	if after := w.ask(w.b.token, "GET", "/api/v1/machines/"+w.b.machine, nil).Body.String(); after != before {
		t.Errorf("the machine changed:\n%s\n%s", before, after)
	}
	var lanes contract.List[contract.Lane]
	w.do(w.b.token, "GET", "/api/v1/lanes", nil, 200, &lanes)
	if !lanes.Items[0].Enabled {
		t.Error("the lane was disabled by another operator")
	}
}

func TestRevokedTokenEnds(t *testing.T) {
	w := newWorld(t)
	w.do(w.a.token, "DELETE", "/api/v1/tokens/"+w.a.tokenID, nil, 204, nil)
	w.do(w.a.token, "GET", "/api/v1/summary", nil, 401, nil)
	w.do(w.root, "DELETE", "/api/v1/tokens/"+w.b.tokenID, nil, 204, nil)
	w.do(w.b.token, "GET", "/api/v1/summary", nil, 401, nil)
}

func TestSessionCookie(t *testing.T) {
	w := newWorld(t)
	w.do("", "POST", "/api/v1/session", map[string]string{"token": "chk_wrong"}, 401, nil)
	var s contract.Session
	r := w.do("", "POST", "/api/v1/session", map[string]string{"token": w.a.token}, 200, &s)
	if s.Kind != "operator" || s.Operator != "alpha" {
		t.Errorf("session %+v", s)
	}
	c := r.Result().Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("cookies %v", c)
	}
	if r := w.ask("", "GET", "/api/v1/session", nil, "Cookie", c[0].Name+"="+c[0].Value); r.Code != 200 {
		t.Errorf("with the cookie: %d %s", r.Code, r.Body)
	}
	// A page of another site can't use the cookie even where SameSite is not kept.
	r = w.ask("", "PATCH", "/api/v1/operators/alpha", contract.OperatorChange{Name: ptr("x")},
		"Cookie", c[0].Name+"="+c[0].Value, "Sec-Fetch-Site", "cross-site")
	if r.Code != 403 {
		t.Errorf("cross-site: %d %s", r.Code, r.Body)
	}
	r = w.do(w.a.token, "DELETE", "/api/v1/session", nil, 204, nil)
	if c := r.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("cookie stays: %v", c)
	}
}
