package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFlagsOverEnvironmentOverFileOverDefaults(t *testing.T) {
	file := write(t, "hub.yaml", "http: 127.0.0.1:1111\nmqtt: 127.0.0.1:2222\nname: from-file\nmax-amount: 5000\n")
	var out bytes.Buffer
	code := run(t.Context(), []string{"config", "print", "--json", "--config", file, "--mqtt", "127.0.0.1:4444"},
		env("CHEKOMAT_HUB_HTTP", "127.0.0.1:3333", "CHEKOMAT_HUB_MQTT", "127.0.0.1:3333"), &out, io.Discard)
	var lines []struct{ Name, Value, From string }
	if err := json.Unmarshal(out.Bytes(), &lines); err != nil || code != 0 {
		t.Fatalf("%d %v %s", code, err, &out)
	}
	got := map[string][2]string{}
	for _, l := range lines {
		got[l.Name] = [2]string{l.Value, l.From}
	}
	for name, want := range map[string][2]string{
		"mqtt": {"127.0.0.1:4444", "--mqtt"}, "http": {"127.0.0.1:3333", "CHEKOMAT_HUB_HTTP"},
		"name": {"from-file", file}, "max-amount": {"5000", file}, "data": {"chekomat-data", "default"},
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

func TestSecretByFileIsNeverShown(t *testing.T) {
	secret := write(t, "token", "chk_very-secret\n")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"config", "print"}, env("CHEKOMAT_HUB_TOKEN_FILE", secret), &out, &out); code != 0 {
		t.Fatalf("%d %s", code, &out)
	}
	if strings.Contains(out.String(), "very-secret") || !strings.Contains(out.String(), "CHEKOMAT_HUB_TOKEN_FILE") {
		t.Errorf("%s", &out)
	}
	var c Config
	if _, err := c.load(c.options(), "", env("CHEKOMAT_HUB_TOKEN_FILE", secret)); err != nil || c.Token != "chk_very-secret" {
		t.Errorf("%q %v", c.Token, err)
	}
	if _, err := c.load(c.options(), "", env("CHEKOMAT_HUB_TOKEN_FILE", secret, "CHEKOMAT_HUB_TOKEN", "x")); err == nil {
		t.Error("a secret given twice is taken")
	}
}

func TestWrongSettingsAreUsageErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"no such flag":      {"serve", "--nonsense"},
		"no such command":   {"token", "create", "extra"},
		"bad duration":      {"config", "print", "--gap-after", "soon"},
		"zero":              {"config", "print", "--max-amount", "0"},
		"no such level":     {"config", "print", "--log-level", "loud"},
		"half a TLS pair":   {"config", "print", "--http-tls-cert", "x"},
		"shift over a day":  {"config", "print", "--shift-close-after", "25h"},
		"no time of day":    {"config", "print", "--shift-close-at", "25:00"},
		"unknown file key":  {"config", "print", "--config", write(t, "x.yaml", "htpp: 1\n")},
		"file is not there": {"config", "print", "--config", "/nowhere/hub.yaml"},
		"file is no YAML":   {"config", "print", "--config", write(t, "y.yaml", ":\n\t-")},
		"secret as a flag":  {"serve", "--token", "x"},
		"no such database":  {"config", "print", "--db", "mysql://x"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, env(), io.Discard, &errs); code != exitUsage && name != "no such command" || code == 0 {
			t.Errorf("%s: exit code %d, %s", name, code, &errs)
		}
		if errs.Len() == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

func TestHelpTeachesInBothLanguages(t *testing.T) {
	for lang, wants := range map[string][]string{
		"ru": {"hub serve", "chekomat-data/token", "Первый запуск", "Коды выхода"},
		"en": {"hub serve", "chekomat-data/token", "The first start", "Exit codes"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"--help"}, env("LANG", lang+"_XX.UTF-8"), &out, io.Discard); code != 0 {
			t.Errorf("%s: %d", lang, code)
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", lang, want, &out)
			}
		}
	}
	var c Config
	for _, o := range c.options() {
		if o.en == "" || !strings.ContainsFunc(o.ru, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) {
			t.Errorf("option %s is not explained in both languages", o.name)
		}
	}
}

func TestExampleFileIsReadBack(t *testing.T) {
	var out bytes.Buffer
	if code := run(t.Context(), []string{"config", "example", "--lang", "en"}, env(), &out, io.Discard); code != 0 {
		t.Fatal(code)
	}
	var plain strings.Builder // every option uncommented
	for _, line := range strings.Split(out.String(), "\n") {
		if rest, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(rest, `: "`) && !strings.Contains(rest, "[") {
			plain.WriteString(rest + "\n")
		}
	}
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(plain.String()), &keys); err != nil {
		t.Fatal(err)
	}
	var c, byDefault Config
	options := c.options()
	byDefault.options()
	if len(keys) != len(options) {
		t.Errorf("%d keys in the example, %d options", len(keys), len(options))
	}
	if _, err := c.load(options, write(t, "hub.yaml", plain.String()), env()); err != nil || c != byDefault {
		t.Errorf("%v\n%+v\n%+v", err, c, byDefault)
	}
}

func TestTokenCreateWorksBesideARunningHub(t *testing.T) {
	dir := t.TempDir()
	_, c := boot(t, dir)
	if _, err := c.Provision(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"token", "create", "--data", dir, "--operator", "op", "--label", "касса", "--json"}, env(), &out, io.Discard); code != 0 {
		t.Fatalf("%d %s", code, &out)
	}
	var made struct{ Token, Operator, Name string }
	if err := json.Unmarshal(out.Bytes(), &made); err != nil || made.Operator != "op" || made.Name != "касса" || !strings.HasPrefix(made.Token, "chk_") {
		t.Errorf("%v %s", err, &out)
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"token", "create", "--data", dir, "--operator", "nobody"}, env(), &out, &errs); code != exitFailed {
		t.Errorf("a token of nobody: %d %s", code, &errs)
	}
}
