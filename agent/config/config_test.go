package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func none(string) (string, bool) { return "", false }

func write(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExamplesAreTaken(t *testing.T) {
	secret := write(t, "agent.secret", "s3cret\n")
	for _, lang := range []string{"ru", "en"} {
		c, err := Load(write(t, "agent.yaml", Example(lang)), none, map[string]string{"secret-file": secret})
		if err != nil {
			t.Fatal(err)
		}
		if bad := c.Check(); bad != nil {
			t.Errorf("%s: %v", lang, bad)
		}
		if c.Hub.URL != "mqtts://hub.example.ru:8883" || len(c.Panels) != 1 || c.Panels[0].MM != 154 {
			t.Errorf("%s: %+v", lang, c)
		}
		if s, err := c.ReadSecret(); s != "s3cret" || err != nil {
			t.Errorf("secret %q %v", s, err)
		}
	}
}

func TestFlagsOverEnvironmentOverFile(t *testing.T) {
	path := write(t, "agent.yaml", "operator: file\nagent: file\ndata: here\nhub: {url: mqtt://file:1}\n")
	env := func(k string) (string, bool) {
		v, ok := map[string]string{"CHEKOMAT_AGENT_AGENT": "env", "CHEKOMAT_AGENT_HUB": "mqtt://env:1"}[k]
		return v, ok
	}
	c, err := Load(path, env, map[string]string{"hub": "mqtt://flag:1", "panel": "png:a.png,240x320,43.2 kiosk://:0/,800x480"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Operator != "file" || c.Agent != "env" || c.Hub.URL != "mqtt://flag:1" {
		t.Errorf("%+v", c)
	}
	if c.Data != filepath.Join(filepath.Dir(path), "here") {
		t.Errorf("data %s is not beside the file", c.Data)
	}
	if len(c.Panels) != 2 || c.Panels[0] != (Panel{URL: "png:a.png", Width: 240, Height: 320, MM: 43.2}) {
		t.Errorf("panels %+v", c.Panels)
	}
}

func TestWrongIsNamed(t *testing.T) {
	good := "operator: a\nagent: b\nsecret: s\nhub: {url: mqtt://h:1}\nbus: {url: x}\n"
	cases := []struct{ name, body, want string }{
		{"unknown field", good + "buss: 1\n", "buss"},
		{"bad yaml", "a: [", "yaml"},
		{"operator", strings.Replace(good, "operator: a", "operator: A B", 1), "operator"},
		{"agent", strings.Replace(good, "agent: b", "", 1), "agent"},
		{"secret", strings.Replace(good, "secret: s", "", 1), "secret"},
		{"two secrets", good + "secret_file: /x\n", "give one"},
		{"hub", strings.Replace(good, "mqtt://h:1", "http://h", 1), "hub.url"},
		{"password in the URL", strings.Replace(good, "mqtt://h", "mqtt://u:p@h", 1), "password"},
		{"bus", strings.Replace(good, "bus: {url: x}", "", 1), "bus.url"},
		{"currency", strings.Replace(good, "url: x", "url: x, assume_currency: roubles", 1), "assume_currency"},
		{"decimals alone", strings.Replace(good, "url: x", "url: x, assume_decimals: 2", 1), "assume_scale"},
		{"panel", good + "panel: [{url: 'png:x'}]\n", "panel 1"},
		{"lang", good + "lang: de\n", "lang"},
		{"log", good + "log: loud\n", "log"},
		{"state", strings.Replace(good, "url: mqtt://h:1", "url: mqtt://h:1, state_sec: 1000", 1), "state_sec"},
		{"key alone", strings.Replace(good, "url: mqtt://h:1", "url: mqtt://h:1, key: /k", 1), "hub.cert"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Load(write(t, "agent.yaml", c.body), none, nil)
			if err == nil {
				bad := cfg.Check()
				if len(bad) != 1 {
					t.Fatalf("found %v", bad)
				}
				err = bad[0]
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %q", err)
			}
		})
	}
	if c, err := Load(write(t, "agent.yaml", good), none, nil); err != nil || c.Check() != nil {
		t.Errorf("the good one: %v %v", err, c.Check())
	}
	if _, err := Load("/no/such/file", none, nil); err == nil {
		t.Error("a missing file was taken")
	}
	for _, v := range []string{"x", "x,1", "x,axb", "x,1x2,y"} {
		if _, err := Load("", none, map[string]string{"panel": v}); err == nil {
			t.Errorf("panel %q taken", v)
		}
	}
}
