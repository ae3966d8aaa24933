package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chekomat/chekomat/hub/store/storetest"
	"github.com/chekomat/chekomat/testbench/demo"
)

// fleet is a demo of two hubs on one PostgreSQL.
type fleet struct {
	*site
	t   *testing.T
	srv *storetest.Server
}

// TestTwoHubs kills one of two hubs for good, takes their database away, and
// suspends the one that works for longer than its lease: the other goes on with
// its lane, and at the end each sale has one receipt.
func TestTwoHubs(t *testing.T) {
	bin := programs(t)
	srv, err := storetest.Start(storetest.Options{Durable: true})
	if errors.Is(err, storetest.ErrNotInstalled) && os.Getenv(storetest.Need) == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	data, err := os.MkdirTemp("", "chekomat-hubs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("data and logs: %s", data)
			return
		}
		os.RemoveAll(data)
	})
	d, err := demo.Start(t.Context(), demo.Config{Bin: bin, Data: data, Machines: 2, Every: 700 * time.Millisecond, VendTime: 150 * time.Millisecond,
		Service: 60 * time.Millisecond, Lang: "ru", DB: srv.URL("postgres"), Hubs: 2,
		HubArgs: []string{"--lane-lease", "3s", "--longest-command", "4s"}}) // the emulator runs none for a second
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f := &fleet{t: t, srv: srv}
	f.ask(d, 0)
	f.sells("the first receipts")
	for _, s := range []struct {
		name string
		run  func()
	}{
		{"the hub that works is killed for good", f.killed},
		{"the database server dies and comes back", f.serverGone},
		{"the hub that works is suspended for longer than its lease, and keeps the register's only connection", f.suspended},
		{"the other is, and the register drops the connection", f.cutOff},
	} {
		began := time.Now()
		s.run()
		t.Logf("%s (%.0f s)", s.name, time.Since(began).Seconds())
	}
	f.must(f.final(t.Context(), true))
	for _, broken := range []string{"second_hub", "document_doubled", "document_mismatch", "foreign_document"} {
		f.must(f.noIncident(t.Context(), soon, broken))
	}
	if out, err := exec.Command(filepath.Join(bin, "hub"), "check", "--full-speed", "--database", srv.URL("postgres")).CombinedOutput(); err != nil {
		t.Errorf("hub check: %v\n%s", err, out)
	}
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// ask looks at everything through hub n from now on.
func (f *fleet) ask(d *demo.Demo, n int) {
	f.t.Helper()
	d.AskHub(n)
	s, err := open(d)
	f.must(err)
	f.site = s
}

// sells waits until receipts are made that were not there when it began.
func (f *fleet) sells(what string) {
	f.t.Helper()
	n, err := f.documents(f.t.Context(), "receipt")
	f.must(err)
	f.must(until(f.t.Context(), what, later, func(ctx context.Context) (string, bool) {
		now, err := f.documents(ctx, "receipt")
		return fmt.Sprint(now, " ", err), err == nil && now >= n+3
	}))
}

// well waits until the lane works and nothing is lost, doubled or on its way.
func (f *fleet) well() {
	f.t.Helper()
	f.must(f.laneIs(f.t.Context(), later, "ok"))
	f.must(f.drained(f.t.Context(), reconnect))
}

// names of the hubs' processes and in leases.
var names = []string{"hub", "hub-2"}

// holder is the hub that has the lane.
func (f *fleet) holder() (n int) {
	f.t.Helper()
	c, err := pgx.Connect(f.t.Context(), f.srv.URL("postgres"))
	f.must(err)
	defer c.Close(context.Background())
	var name string
	f.must(c.QueryRow(f.t.Context(), `SELECT holder FROM lane_state`).Scan(&name))
	if n = slices.Index(names, name); n < 0 {
		f.t.Fatalf("the lane is held by %q", name)
	}
	return n
}

func (f *fleet) killed() {
	n := f.holder()
	f.Programs()[names[n]].End()
	f.ask(f.Demo, 1-n)
	f.sells("the other hub takes the lane over")
	f.must(f.StartHub(f.t.Context(), n))
	f.well()
}

func (f *fleet) serverGone() {
	ctx := f.t.Context()
	f.srv.Down(true)
	f.must(f.health(ctx, soon, http.StatusServiceUnavailable, "away"))
	f.must(pause(ctx, time.Second))
	f.must(f.srv.Up())
	f.must(f.health(ctx, soon, http.StatusOK, ""))
	f.sells("receipts with the database back")
	f.well()
}

// suspend the hub that works. Agents are led to the other, as by a balancer that
// asks for health.
func (f *fleet) suspend() (n int) {
	n = f.holder()
	f.LeadAgents(n, false)
	f.ask(f.Demo, 1-n)
	f.must(f.Programs()[names[n]].Suspend())
	return n
}

// wake lets it go on, with agents free to come back.
func (f *fleet) wake(n int) {
	f.t.Helper()
	f.must(f.Programs()[names[n]].Resume())
	f.LeadAgents(n, true)
	f.sells("receipts with both hubs awake")
	f.well()
}

// suspended: the register serves one connection at a time, so the other hub has
// the lane and nothing to say it to until the first wakes and hangs up.
func (f *fleet) suspended() {
	n := f.suspend()
	f.must(until(f.t.Context(), "the lane is taken over", later, func(context.Context) (string, bool) {
		now := f.holder()
		return names[now], now != n
	}))
	f.wake(n)
}

// cutOff: the other hub works while the first sleeps.
func (f *fleet) cutOff() {
	n := f.suspend()
	f.must(f.fault(f.t.Context(), "off,delay=500ms"))
	f.sells("the other hub takes the lane over")
	if now := f.holder(); now == n {
		f.t.Fatalf("receipts are made while %s, which is suspended, has the lane", names[n])
	}
	f.wake(n)
}
