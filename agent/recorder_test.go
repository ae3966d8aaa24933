package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/trace"
)

// TestTheHubFetchesWhatWasHeard lets a reader fail on the bus and asks the agent
// for it: the slice written around the incident, and the last seconds.
func TestTheHubFetchesWhatWasHeard(t *testing.T) {
	h := newHub(t)
	var got []wire.Trace
	if err := h.srv.Subscribe(wire.Topic("op1", "ag1", wire.UpTrace), 1, func(_ *mochi.Client, _ packets.Subscription, pk packets.Packet) {
		var m wire.Trace
		if err := json.Unmarshal(pk.Payload, &m); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		got = append(got, m)
	}); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	bus := filepath.Join(data, "fault.trace")
	text := "trace 1\nVMC 10\nDEV ACK\nVMC 12\nDEV 0A 10\nVMC ACK\n" + strings.Repeat("VMC 12\nDEV ACK\nwait 1s\n", 20)
	if err := os.WriteFile(bus, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs safeBuffer
	done := make(chan int, 1)
	go func() {
		done <- Main{Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false }}.Run(ctx, []string{"run", "--operator", "op1", "--agent", "ag1",
			"--secret", "s", "--hub", h.url, "--data", data, "--log", "error", "--bus", bus})
	}()
	h.until(t, "the incident is at the hub", func() bool {
		for _, j := range h.records {
			for _, r := range j {
				if r.Kind == wire.KindIncident {
					return true
				}
			}
		}
		return false
	})
	ask := func(id, args string) {
		b, err := json.Marshal(wire.Command{V: 1, ID: id, Kind: wire.CommandTrace, Args: json.RawMessage(args), Expires: time.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.srv.Publish(wire.Topic("op1", "ag1", wire.DownCommand), b, false, 1); err != nil {
			t.Fatal(err)
		}
	}
	ask("c1", `{"last_s":600}`)
	h.until(t, "what was heard lately", func() bool { return len(got) == 1 })
	ask("c1", `{"last_s":600}`) // QoS 1 may bring it twice
	ask("c2", `{"name":"../journal.db"}`)
	ask("c3", `{"saved":1}`)
	h.until(t, "the newest file", func() bool { return len(got) == 2 })
	stop()
	if code := <-done; code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for i, m := range got {
		z, err := gzip.NewReader(bytes.NewReader(m.Gzip))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		f, err := trace.Parse(bytes.NewReader(body))
		if err != nil || len(f.Words()) == 0 || !strings.Contains(string(body), "DEV 00A 010 11A") {
			t.Errorf("trace %d: %v\n%s", i, err, body)
		}
	}
	if got[0].Command != "c1" || got[1].Command != "c3" || !strings.HasSuffix(got[0].Name, "-asked.trace") {
		t.Errorf("got %s %s, %s %s", got[0].Command, got[0].Name, got[1].Command, got[1].Name)
	}
	files, _ := filepath.Glob(filepath.Join(data, "flight", "*-incident-*.trace"))
	if len(files) != 1 {
		t.Errorf("files %v", files)
	}
}
