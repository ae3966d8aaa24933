package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
)

// TestADiskThatTakesNothingIsToldAndWaitedFor starts an agent where the journal
// can't be opened: the display says why the machine must not sell, and the
// agent goes on by itself when the disk is mended.
func TestADiskThatTakesNothingIsToldAndWaitedFor(t *testing.T) {
	data := t.TempDir()
	inTheWay := filepath.Join(data, journal.File)
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	kiosk := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	h := newHub(t)
	file := filepath.Join(t.TempDir(), "agent.yaml")
	config := "operator: op1\nagent: ag1\nsecret: s\nhub:\n  url: " + h.url + "\nbus:\n  url: chekomat+tcp://127.0.0.1:1\npanel:\n  - {url: \"kiosk://" + kiosk + "/\", width: 800, height: 480, width_mm: 154}\ndata: " + data + "\nlog: error\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		m := Main{Out: &bytes.Buffer{}, Err: &errs, Env: func(string) (string, bool) { return "", false }}
		ended <- m.Run(ctx, []string{"run", "--config", file})
	}()
	screen := func(want, reason string, equal bool) func() bool {
		return func() bool {
			res, err := http.Get("http://" + kiosk + "/screen.json")
			if err != nil {
				return false
			}
			defer res.Body.Close()
			var s struct{ State, Reason string }
			return json.NewDecoder(res.Body).Decode(&s) == nil && (s.State == want && s.Reason == reason) == equal
		}
	}
	defer func() {
		if t.Failed() {
			t.Log(errs.String())
		}
	}()
	h.until(t, "out of service for storage", screen("out_of_service", "storage", true))
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	h.until(t, "the agent goes on", screen("out_of_service", "storage", false))
	cancel()
	select {
	case code := <-ended:
		if code != 0 || !strings.Contains(errs.String(), "must not sell") {
			t.Errorf("exit %d, said %q", code, errs.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the agent does not end")
	}
}
