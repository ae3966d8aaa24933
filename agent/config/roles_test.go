package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRoles(t *testing.T) {
	for text, want := range map[string]bool{
		"bus: {url: x}": true, "bus: {role: [reader2, gateway]}": true, "bus: {role: [reader1], reader: {level: 3, by_poll: true, serial: AB12}}": true,
		"bus: {role: [reader2, reader2]}": false, "bus: {role: [changer]}": false, "bus: {role: [reader2], reader: {level: 4}}": false,
	} {
		path := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, func(string) (string, bool) { return "", false }, nil)
		if err != nil {
			t.Fatal(err)
		}
		cast, err := c.Bus.Cast()
		if (err == nil) != want || want && (cast != nil) != (len(c.Bus.Role) > 0) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, err := Load("", func(string) (string, bool) { return "", false }, map[string]string{"role": "reader2, gateway"})
	if err != nil || len(c.Bus.Role) != 2 || c.Bus.Role[1] != "gateway" {
		t.Errorf("--role: %v, %v", c.Bus.Role, err)
	}
}
