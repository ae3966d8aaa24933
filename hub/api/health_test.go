package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

func TestHealthTellsWhetherItStores(t *testing.T) {
	w := newWorld(t)
	var h contract.Health
	w.do("", "GET", "/health", nil, 200, &h)
	if h.Status != "degraded" || len(h.Checks) != 4 { // both lanes are unreachable
		t.Errorf("%+v", h)
	}
	for _, c := range h.Checks {
		if c.Name == "lanes" != (c.Status == "degraded") {
			t.Errorf("%+v", c)
		}
		if c.Name == "lanes" && c.Detail != "unreachable: 2" {
			t.Errorf("detail %q", c.Detail)
		}
	}
	w.exec(`UPDATE lane_state SET state='ok'`)
	w.do("", "GET", "/health", nil, 200, &h)
	if h.Status != "ok" {
		t.Errorf("%+v", h)
	}
	// As on a full disk: the next commit fails, reading goes on.
	full := `CREATE TRIGGER full BEFORE INSERT ON probe BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`
	if storetest.Postgres() {
		full = `ALTER TABLE probe ADD CONSTRAINT "disk is full" CHECK (at<0) NOT VALID`
		defer w.exec(`ALTER TABLE probe DROP CONSTRAINT IF EXISTS "disk is full"`) // the database goes on to the next test
	}
	w.exec(full)
	r := w.ask("", "GET", "/health", nil)
	if err := json.Unmarshal(r.Body.Bytes(), &h); err != nil || r.Code != 503 || h.Status != "failed" || !strings.Contains(h.Checks[0].Detail, "full") {
		t.Errorf("%d %s %v", r.Code, r.Body, err)
	}
}

// sampleLine is a line of Prometheus's text format 0.0.4.
var sampleLine = regexp.MustCompile(`^[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? [0-9.e+-]+$`)

func TestMetricsAreWellFormedAndCount(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE lane SET name=?`, "касса \"у двери\"\\\n")
	made := storeMade(w)
	made.ID = math.MaxInt64 // the live feed, which reads beside, finds no more
	w.api.rate.mu.Lock()
	for range 2 {
		w.api.rate.take(made, time.Now())
	}
	w.api.rate.mu.Unlock()
	body := w.ask(w.root, "GET", "/metrics", nil).Body.String()
	typed := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			if typed[name] {
				t.Errorf("%s is declared twice", name)
			}
			typed[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		if !sampleLine.MatchString(line) {
			t.Errorf("malformed: %s", line)
		}
		name := regexp.MustCompile(`^[a-z_]+`).FindString(line)
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); typed[base] {
				name = base
			}
		}
		if !typed[name] {
			t.Errorf("no TYPE before %s", line)
		}
	}
	for _, want := range []string{
		`chekomat_sales_total{operator="alpha"} 3`, `chekomat_receipts_total{operator="alpha"} 1`, `chekomat_jobs{operator="alpha",state="held"} 1`,
		`chekomat_broker_connections 2`, `,state="unreachable"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	// The live feed may have counted the world's own receipts already: one of each operator.
	for want, most := range map[string]int{`chekomat_vend_to_receipt_seconds_count `: 4, `chekomat_register_seconds_bucket{lane="` + w.a.lane + `",le="0.35"} `: 3} {
		found := false
		for n := 2; n <= most; n++ {
			found = found || strings.Contains(body, fmt.Sprintf("%s%d\n", want, n))
		}
		if !found {
			t.Errorf("no line %q with 2 to %d", want, most)
		}
	}
}

func TestMetricsNameOperatorsToTheInstallationOnly(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		from, forwarded, token string
		status                 int
	}{
		{"127.0.0.1:5000", "", "", 200},
		{"[::1]:5000", "", "", 200},
		{"127.0.0.1:5000", "203.0.113.9", "", 401}, // a proxy on this machine
		{"203.0.113.9:5000", "", "", 401},
		{"203.0.113.9:5000", "", w.a.token, 403},
		{"203.0.113.9:5000", "", w.root, 200},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = tt.from
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		a := httptest.NewRecorder()
		w.api.ServeHTTP(a, r)
		if a.Code != tt.status {
			t.Errorf("%+v: %d", tt, a.Code)
		}
	}
}
