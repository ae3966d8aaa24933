package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
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
	if out, _ = ask(t, 0, "job", "list", "--data", dir, "--lang", "ru"); out != "таких работ нет\n" {
		t.Error(out)
	}
	if _, errs := ask(t, exitFailed, "job", "show", "none", "--data", dir, "--lang", "ru"); errs != "hub: Этого нет. Проверьте номер; чужое здесь не видно [404 not_found]\n" {
		t.Error(errs)
	}
	if out, _ = ask(t, 0, "kkt", "resume", lane, "--why", "x", "--data", dir); !strings.Contains(out, lane) {
		t.Error(out)
	}
	if _, errs := ask(t, exitUsage, "job", "refund", "none", "--data", dir); !strings.Contains(errs, "why") {
		t.Error(errs)
	}
	if _, errs := ask(t, exitFailed, "job", "settle", "none", "--why", "x", "--url", m.HTTPURL, "--token-file", m.TokenFile); !strings.Contains(errs, "404") {
		t.Error(errs)
	}
}

func TestAWrongCommandLineSaysWhatIsRight(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"foo"}, `hub: there is no command "foo"`},
		{[]string{"kkt", "lst"}, "near: list"},
		{[]string{"job", "foo", "--lang", "ru"}, `hub job: нет команды "foo"`},
		{[]string{"config", "foo"}, "hub config --help"},
		{[]string{"check", "foo"}, "hub check --help"},
		{[]string{"job", "show"}, "accepts 1 arg(s)"},
		{[]string{"job", "list", "--limit", "0"}, "at least 1"},
		{[]string{"kkt", "find", "lane"}, "--fd is missing"},
		{[]string{"kkt", "find", "lane", "--fd", "x"}, "--fd"},
		{[]string{"kkt", "resume", "lane", "--lang", "ru"}, "--why не задан"},
	} {
		args := append(c.args, "--data", dir, "--url", "http://127.0.0.1:1", "--token-file", filepath.Join(dir, "token"))
		if c.args[0] != "kkt" && c.args[0] != "job" {
			args = append(c.args, "--data", dir)
		} else if err := os.WriteFile(filepath.Join(dir, "token"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs := ask(t, exitUsage, args...); !strings.Contains(errs, c.want) {
			t.Errorf("hub %s: %s, want %q", strings.Join(c.args, " "), errs, c.want)
		}
	}
	if _, errs := ask(t, exitFailed, "kkt", "list", "--url", "http://127.0.0.1:1", "--token-file", filepath.Join(dir, "token"), "--lang", "ru"); !strings.Contains(errs, "хаб не отвечает") || !strings.Contains(errs, "hub serve") {
		t.Error(errs)
	}
}
