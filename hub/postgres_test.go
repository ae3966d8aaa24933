package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store/postgres"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// server is a PostgreSQL of the test's own.
func server(t *testing.T) *storetest.Server {
	t.Helper()
	s, err := storetest.Start(storetest.Options{})
	if errors.Is(err, storetest.ErrNotInstalled) && os.Getenv(storetest.Need) == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// health asks until the hub's state is the wanted one, and gives the answer.
func health(t *testing.T, url, status string) (h contract.Health) {
	t.Helper()
	for {
		r, err := http.Get(url + "/health")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		h = contract.Health{}
		if err == nil {
			err = json.Unmarshal(b, &h)
		}
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if h.Status == status && (r.StatusCode == http.StatusServiceUnavailable) == (status == "failed") {
			return h
		}
		time.Sleep(20 * time.Millisecond) // the test's own limit of time is the limit
	}
}

// TestTheDatabaseServerComesAndGoes: the hub starts without it and says what it
// waits for, works when it comes, says so when it goes, and goes on by itself.
func TestTheDatabaseServerComesAndGoes(t *testing.T) {
	srv := server(t)
	srv.Down(false)
	m := &Main{Config: testConfig(t.TempDir())}
	m.Config.DB = srv.URL("postgres")
	started := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { started <- m.Start(ctx) }()
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	for m.handler.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	url := m.HTTPURL
	for h := health(t, url, "failed"); !strings.Contains(h.Checks[0].Detail, "away"); h = health(t, url, "failed") {
		time.Sleep(time.Millisecond) // it has not tried yet
	}
	r, err := http.Get(url + "/api/v1/summary")
	if err != nil {
		t.Fatal(err)
	}
	var p contract.Problem
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.Code != "hub_starting" || p.Next == "" {
		t.Errorf("asked while it waits: %+v, %v", p, err)
	}
	r.Body.Close()
	if err := srv.Up(); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(m.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(url, strings.TrimSpace(string(token)))
	if _, err := c.Provision(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	srv.Down(true)
	for _, check := range health(t, url, "failed").Checks {
		if strings.Contains(check.Detail, "user=") || check.Name == "store" && !strings.Contains(check.Detail, "away") {
			t.Errorf("%+v", check)
		}
	}
	var e *client.Error
	if err := c.Get(t.Context(), "/api/v1/summary", &json.RawMessage{}); !errors.As(err, &e) || e.Problem.Code != "store_away" {
		t.Errorf("asked while the server is away: %v", err)
	}
	if err := srv.Up(); err != nil {
		t.Fatal(err)
	}
	health(t, url, "degraded") // the register of the plan is off
	if _, err := c.Provision(t.Context(), plan()); err != nil {
		t.Errorf("after the server came back: %v", err)
	}
}

func TestTwoHubsOfOneName(t *testing.T) {
	srv := server(t)
	boots := func() error {
		m := &Main{Config: testConfig(t.TempDir())}
		m.Config.DB = srv.URL("postgres")
		t.Cleanup(func() { _ = m.Close() }) // of the second there is little to close
		return m.Start(t.Context())
	}
	if err := boots(); err != nil {
		t.Fatal(err)
	}
	if err := boots(); !errors.Is(err, postgres.ErrNameTaken) {
		t.Errorf("a second hub of the same name: %v", err)
	}
}

func TestThePasswordOfTheDatabaseIsNotShown(t *testing.T) {
	secret := write(t, "db", "very-secret\n")
	var out bytes.Buffer
	args := []string{"config", "print", "--db", "postgres://hub:in-the-address@db.example/hub?sslmode=verify-full"}
	if code := run(t.Context(), args, env("CHEKOMAT_HUB_DB_PASSWORD_FILE", secret), &out, &out); code != 0 {
		t.Fatalf("%d %s", code, &out)
	}
	if s := out.String(); strings.Contains(s, "very-secret") || strings.Contains(s, "in-the-address") || !strings.Contains(s, "db.example") {
		t.Errorf("%s", s)
	}
	c := Config{DB: "postgres://hub@db.example/hub?sslmode=verify-full", DBPassword: "p@ss&word"}
	address, err := c.database()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Parse(address); err != nil || !strings.Contains(address, "sslmode=verify-full") {
		t.Errorf("%v", err)
	}
	if shown := postgres.Redacted(address); strings.Contains(shown, "p%40ss") {
		t.Errorf("shown as %s", shown)
	}
}
