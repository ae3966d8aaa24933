package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// layout is where a demo keeps things: one folder with a folder for each
// program, and the loopback ports, which stay the same from run to run so
// that bookmarks and configurations stay true.
type layout struct {
	dir   string
	known bool           // ports people know are taken where they are free
	Ports map[string]int `json:"ports"`
}

func openLayout(dir string) (*layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("demo: folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("demo: make the data folder: %w", err)
	}
	l := &layout{dir: dir, Ports: map[string]int{}}
	raw, err := os.ReadFile(l.path("ports.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, l)
	}
	if err != nil {
		return nil, fmt.Errorf("demo: read %s: %w; remove it to choose new ports", l.path("ports.json"), err)
	}
	return l, nil
}

func (l *layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.dir}, parts...)...)
}

// folder is a path that exists.
func (l *layout) folder(parts ...string) (string, error) {
	p := l.path(parts...)
	return p, os.MkdirAll(p, 0o755)
}

// address is the loopback address a program has been given for good.
func (l *layout) address(name string, prefer int) (string, error) {
	if p := l.Ports[name]; p != 0 {
		return "127.0.0.1:" + strconv.Itoa(p), nil
	}
	if !l.known {
		prefer = 0
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(prefer))
	if err != nil && prefer != 0 {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("demo: find a free port for %s: %w", name, err)
	}
	l.Ports[name] = ln.Addr().(*net.TCPAddr).Port
	if err := ln.Close(); err != nil {
		return "", fmt.Errorf("demo: find a free port for %s: %w", name, err)
	}
	raw, err := json.MarshalIndent(l, "", "  ")
	if err == nil {
		err = os.WriteFile(l.path("ports.json"), raw, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("demo: keep the ports: %w", err)
	}
	return "127.0.0.1:" + strconv.Itoa(l.Ports[name]), nil
}
