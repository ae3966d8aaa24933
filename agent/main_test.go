package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
)

// TestOnlyWhatAnAgentNeeds keeps the hub's modules, and whatever else costs
// memory on a small board, out of the agent.
func TestOnlyWhatAnAgentNeeds(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	forbidden := []string{"prometheus", "mochi-mqtt", "pressly/goose", "kin-openapi", "oapi-codegen", "gozxing", "progressbar",
		"chekomat/hub", "chekomat/fiscal", "chekomat/testbench", "pgregory.net", "html/template", "net/http/pprof"}
	for dep := range strings.Lines(string(out)) {
		for _, f := range forbidden {
			if strings.Contains(dep, f) {
				t.Errorf("the agent links %s", strings.TrimSpace(dep))
			}
		}
	}
}

// hub takes every record, acknowledges it and answers each sale with a receipt.
type hub struct {
	mochi.HookBase
	srv     *mochi.Server
	url     string
	mu      sync.Mutex
	records map[string]map[int64]wire.Record
	shown   map[int64]string
}

func newHub(t *testing.T) *hub {
	h := &hub{records: map[string]map[int64]wire.Record{}, shown: map[int64]string{}}
	h.srv = mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := h.srv.AddHook(h, nil); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "mqtt://" + l.Addr().String()
	if err := h.srv.AddListener(listeners.NewNet("t", l)); err != nil {
		t.Fatal(err)
	}
	go func() { _ = h.srv.Serve() }()
	t.Cleanup(func() { _ = h.srv.Close() })
	return h
}

func (h *hub) ID() string { return "hub" }
func (h *hub) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck || b == mochi.OnPublish
}
func (h *hub) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }
func (h *hub) OnACLCheck(*mochi.Client, string, bool) bool              { return true }

func (h *hub) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	op, ag, name, err := wire.ParseTopic(pk.TopicName)
	if err != nil || cl.Net.Inline {
		return pk, nil
	}
	send := func(name string, m any) {
		b, _ := json.Marshal(m)
		_ = h.srv.Publish(wire.Topic(op, ag, name), b, false, 1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ack := func(id, session string) {
		a := wire.Ack{V: 1, Journal: id, Session: session}
		for h.records[id][a.Upto+1].Seq != 0 {
			a.Upto++
		}
		send(wire.DownAck, a)
	}
	switch name {
	case wire.UpHello:
		var m wire.Hello
		_ = json.Unmarshal(pk.Payload, &m)
		ack(m.Journal, m.Session)
		send(wire.DownConfig, wire.Config{V: 1, Version: 3, Serial: "A-17", ShowSec: 60, Columns: []wire.Column{{Column: 1, Name: "Вода", Minor: 5000}}})
	case wire.UpRecord:
		var m wire.RecordMessage
		var r wire.Record
		_ = json.Unmarshal(pk.Payload, &m)
		_ = json.Unmarshal(m.Record, &r)
		if h.records[r.Journal] == nil {
			h.records[r.Journal] = map[int64]wire.Record{}
		}
		h.records[r.Journal][r.Seq] = r
		ack(r.Journal, "")
		if r.Kind == wire.KindSale {
			send(wire.DownReceipt, wire.Receipt{V: 1, Journal: r.Journal, Seq: r.Seq, State: wire.FiscalDone, FD: uint32(r.Seq), At: "2026-11-21T10:15",
				QR: "t=20261121T1015&s=2.00&fn=9999078900001234&i=1&fp=3522207165&n=1", Minor: r.Sale.Amount.Minor})
		}
	case wire.UpState:
		var m wire.State
		_ = json.Unmarshal(pk.Payload, &m)
		for _, s := range m.Shown {
			h.shown[s.Seq] = s.Result
		}
	}
	return pk, nil
}

func (h *hub) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		done := ok()
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-limit:
			t.Fatalf("not in 30 s: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func traces(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "traces")
	}
	if _, err := os.Stat(filepath.Join(dir, "mdb")); err != nil {
		t.Skip("CHEKOMAT_TRACES absent: no captures to listen to in " + dir)
	}
	return dir
}

// call runs the program with arguments and returns what it printed.
func call(t *testing.T, env map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	m := Main{Out: &o, Err: &e, Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}
	code = m.Run(t.Context(), args)
	return code, o.String(), e.String()
}

// capture is a capture of the folder, which another folder need not hold.
func capture(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(traces(t), "mdb", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("not in this folder of CHEKOMAT_TRACES: " + name)
	}
	return path
}

// TestCapturesReachTheHub plays each capture through the whole agent: the
// journal and the hub hold the sales the manifest names.
func TestCapturesReachTheHub(t *testing.T) {
	for file, sums := range map[string][]int64{
		"matedealer-20111213.words.csv":      {200},
		"matedealer-20120703.words.csv":      {},
		"matedealer-20120705.words.csv":      {},
		"matedealer-20120709.words.csv":      {},
		"matedealer-20120710-c.words.csv":    {200, 300},
		"necta-kikkomax-pax-d200.blocks.txt": {10},
		"qibixx-remote-selection.log":        {},
		"vanhack-poweron.words.csv":          {},
	} {
		t.Run(file, func(t *testing.T) {
			path := capture(t, file)
			h := newHub(t)
			data := t.TempDir()
			args := []string{"--operator", "op1", "--agent", "ag1", "--secret", "s", "--hub", h.url, "--data", data, "--log", "error"}
			code, out, errs := call(t, nil, append([]string{"run", "--bus", path, "--assume-currency", "RUB", "--exit-at-end"}, args...)...)
			if code != 0 {
				t.Fatalf("exit %d: %s", code, errs)
			}
			var ready Ready
			if err := json.Unmarshal([]byte(out), &ready); err != nil || !ready.Ready || ready.Agent != "op1/ag1" || ready.Journal == "" {
				t.Fatalf("ready line %q: %v", out, err)
			}
			code, out, errs = call(t, nil, append([]string{"journal", "list", "--json", "--limit", "0"}, args...)...)
			if code != 0 {
				t.Fatalf("journal list: exit %d: %s", code, errs)
			}
			var got []int64
			for line := range strings.Lines(out) {
				var row struct {
					Seq     int64       `json:"seq"`
					Settled int64       `json:"settled_ms"`
					Record  wire.Record `json:"record"`
				}
				if err := json.Unmarshal([]byte(line), &row); err != nil || row.Settled == 0 {
					t.Fatalf("row %s: %v", line, err)
				}
				h.mu.Lock()
				at := h.records[ready.Journal][row.Seq]
				h.mu.Unlock()
				if at.Kind != row.Record.Kind {
					t.Errorf("record %d is %s here and %q at the hub", row.Seq, row.Record.Kind, at.Kind)
				}
				if s := row.Record.Sale; row.Record.Kind == wire.KindSale {
					got = append([]int64{s.Amount.Minor}, got...)
					if !s.Amount.Known || s.Amount.Currency != "643" || len(s.Parts) != 1 || s.Parts[0].Source != wire.SourceReader1 {
						t.Errorf("sale %+v", s)
					}
				}
			}
			if len(got) != len(sums) {
				t.Fatalf("sums %v, the manifest says %v", got, sums)
			}
			for i := range sums {
				if got[i] != sums[i] {
					t.Fatalf("sums %v, the manifest says %v", got, sums)
				}
			}
		})
	}
}

// TestFromCaptureToPanel runs the agent until the buyer's QR stands on a panel,
// asks it how it is and stops it as systemd would.
func TestFromCaptureToPanel(t *testing.T) {
	bus := capture(t, "matedealer-20111213.words.csv")
	h := newHub(t)
	data := t.TempDir()
	picture := filepath.Join(data, "screen.png")
	env := map[string]string{"CHEKOMAT_AGENT_SECRET": "s", "CHEKOMAT_LANG": "ru"}
	args := []string{"--operator", "op1", "--agent", "ag1", "--hub", h.url, "--data", data, "--log", "error", "--state-sec", "1",
		"--panel", "png://" + picture + ",480x800,60", "--bus", bus}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs safeBuffer
	done := make(chan int, 1)
	go func() {
		done <- Main{Out: &out, Err: &errs, Env: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}.Run(ctx, append([]string{"run"}, args...))
	}()
	h.until(t, "the receipt is shown", func() bool { return h.shown[1] == "shown" })

	code, status, errStatus := call(t, env, append([]string{"status", "--json"}, args...)...)
	var s Status
	if err := json.Unmarshal([]byte(status), &s); code != 0 || err != nil {
		t.Fatalf("status: exit %d %s %v", code, errStatus, err)
	}
	if !s.Hub || s.Serial != "A-17" || s.State.Screen != "receipt" || !s.State.Display || s.State.Unacked != 0 || s.State.Bus.Words == 0 {
		t.Errorf("status %s", status)
	}
	if code, text, _ := call(t, env, append([]string{"status"}, args...)...); code != 0 || !strings.Contains(text, "A-17") || !strings.Contains(text, "автомат") {
		t.Errorf("status for people: exit %d\n%s", code, text)
	}
	code, one, _ := call(t, env, append([]string{"journal", "show", "1"}, args...)...)
	if code != 0 || !strings.Contains(one, `"result":"shown"`) || !strings.Contains(one, `"fd":1`) {
		t.Errorf("journal show: exit %d %s", code, one)
	}
	if code, text, _ := call(t, env, append([]string{"journal", "list"}, args...)...); code != 0 || !strings.Contains(text, "ФД 1") || !strings.Contains(text, "2.00 978") {
		t.Errorf("journal list: exit %d\n%s", code, text)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(f)
	if err != nil || img.Bounds().Dx() != 480 {
		t.Errorf("picture: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, e := call(t, env, append([]string{"journal", "new"}, args...)...); code != 1 || !strings.Contains(e, "another agent") {
		t.Errorf("journal new beside a running agent: exit %d %s", code, e)
	}
	stop()
	if code := <-done; code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if code, text, e := call(t, env, append([]string{"journal", "new"}, args...)...); code != 0 || !strings.Contains(text, "journal") {
		t.Errorf("journal new: exit %d %s", code, e)
	}
}

func TestCommandLineMistakes(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run"}, 2, "operator"},
		{[]string{"run", "--nonsense"}, 2, "nonsense"},
		{[]string{"run", "--config", "/no/such/file"}, 2, "no such file"},
		{[]string{"journal", "show", "x", "--data", t.TempDir()}, 2, "record's number"},
		{[]string{"journal", "list", "--data", t.TempDir()}, 1, "no such file"},
		{[]string{"status", "--data", t.TempDir()}, 1, "does not answer"},
		{[]string{"config", "check", "--json"}, 2, "hub.url"},
	} {
		code, _, errs := call(t, nil, c.args...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d %q, want %d %q", c.args, code, errs, c.code, c.want)
		}
	}
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"config", "example"}, {"--version"}} {
		if code, out, _ := call(t, map[string]string{"LANG": "ru_RU.UTF-8"}, args...); code != 0 || len(out) < 10 {
			t.Errorf("%v: exit %d %q", args, code, out)
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
