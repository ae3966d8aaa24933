package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// ask runs a command of the hub's command line.
func ask(t *testing.T, want int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	env := func(name string) (string, bool) { return map[string]string{"LC_ALL": "C"}[name], name == "LC_ALL" }
	if code := run(t.Context(), args, env, &o, &e); code != want {
		t.Fatalf("hub %s: exit %d, want %d: %s", strings.Join(args, " "), code, want, &e)
	}
	return o.String(), e.String()
}

func TestCommandsAskTheHubOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	if _, errs := ask(t, exitFailed, "kkt", "list", "--data", dir); !strings.Contains(errs, "no hub runs in the folder") {
		t.Error(errs)
	}
	m, c := boot(t, dir)
	if err := m.tell(Ready{m.HTTPURL, m.MQTTURL, m.TokenFile}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Provision(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	out, _ := ask(t, 0, "kkt", "list", "--json", "--data", dir)
	var lanes contract.List[contract.Lane]
	if err := json.Unmarshal([]byte(out), &lanes); err != nil || len(lanes.Items) != 1 || lanes.Items[0].URL != closedPort {
		t.Fatalf("%s, %v", out, err)
	}
	lane := lanes.Items[0].ID
	if out, _ = ask(t, 0, "kkt", "list", "--data", dir, "--lang", "ru"); !strings.Contains(out, "ЛИНИЯ") || !strings.Contains(out, "Касса 1") {
		t.Error(out)
	}
	if out, _ = ask(t, 0, "kkt", "status", lane, "--data", dir); !strings.Contains(out, "does not answer as it should") {
		t.Error(out)
	}
	if _, errs := ask(t, exitFailed, "kkt", "find", lane, "--fd", "7", "--data", dir); !strings.Contains(errs, "409") {
		t.Error(errs)
	}
	if out, _ = ask(t, 0, "job", "list", "--json", "--data", dir); out != "{\"items\":[]}\n" {
		t.Error(out)
	}
	if _, errs := ask(t, exitFailed, "job", "show", "none", "--data", dir); !strings.Contains(errs, "404") {
		t.Error(errs)
	}
	if _, errs := ask(t, exitUsage, "job", "refund", "none", "--data", dir); !strings.Contains(errs, "why") {
		t.Error(errs)
	}
	if _, errs := ask(t, exitFailed, "job", "settle", "none", "--why", "x", "--url", m.HTTPURL, "--token-file", m.TokenFile); !strings.Contains(errs, "404") {
		t.Error(errs)
	}
}
