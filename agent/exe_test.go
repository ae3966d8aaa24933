package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/trace/check"
)

// exeCapture is a machine on an Executive bus: a credit, line 1 for money, line
// 5, which is free, and line 9, which the plan does not have.
func exeCapture(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("t_us,dir,word\n")
	at := int64(1_000_000)
	ask := func(master, answer byte) {
		fmt.Fprintf(&b, "%d,EM,%03X\n%d,ES,%03X\n", at, exe.Word(master), at+3000, exe.Word(answer))
		at += 100_000
	}
	show := func(units uint16) {
		for _, c := range exe.AppendBlock(nil, exe.Display{Units: units, Scale: 1}) {
			ask(c, exe.ACK)
		}
	}
	idle := func() {
		for range 10 {
			ask(exe.Status.Byte(), 0)
			ask(exe.Credit.Byte(), exe.NoRequest)
		}
	}
	for range 6 {
		idle()
	}
	for _, buys := range []struct {
		line  byte
		price uint16
	}{{1, 50}, {5, 0}, {9, 50}} {
		show(100)
		idle()
		ask(exe.Credit.Byte(), buys.line)
		show(buys.price)
		ask(exe.Vend.Byte(), exe.VendDelivered)
		show(0)
		idle()
	}
	path := filepath.Join(t.TempDir(), "exe.words.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A machine on an Executive bus through the whole agent: lines cost what the
// hub's plan says, in roubles; what has no price there is not guessed.
func TestExecutiveReachesTheHub(t *testing.T) {
	h := newHub(t)
	data := t.TempDir()
	file := filepath.Join(data, "agent.yaml")
	if err := os.WriteFile(file, []byte("bus: {url: "+exeCapture(t)+", protocol: exe, exe: {payment: by_hint, free_lines: [5]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, nil, "run", "--config", file, "--operator", "op1", "--agent", "ag1", "--secret", "s", "--hub", h.url, "--data", data,
		"--log", "error", "--exit-at-end")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var ready Ready
	if err := json.Unmarshal([]byte(out), &ready); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var got []string
	for seq := int64(1); seq <= int64(len(h.records[ready.Journal])); seq++ {
		r := h.records[ready.Journal][seq]
		switch r.Kind {
		case wire.KindSale:
			s := r.Sale
			sources := ""
			for _, p := range s.Parts {
				sources += " " + p.Source
			}
			got = append(got, fmt.Sprintf("%s %s column %d %v %d %s%s", s.Bus, s.Class, s.Column, s.Amount.Known, s.Amount.Minor, s.Amount.Currency, sources))
		case wire.KindIncident:
			got = append(got, r.Incident.Code)
		default:
			got = append(got, string(r.Kind))
		}
	}
	want := []string{"exe A column 1 true 5000 643 cash", "exe A column 5 true 0 643", "exe C column 9 false 0 643", "line_without_price"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("journaled\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// What the flight recorder saved says by itself what the bus does not.
	files, err := filepath.Glob(filepath.Join(data, "flight", "*.trace"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no trace was saved: %v", err)
	}
	r, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := trace.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	c := check.EXE(f.Header)
	if f.Header.Bus != "exe" || c.Mode != vends.PriceHolding || c.Payment != vends.PaymentByHint || c.Prices[1] != 5000 || len(c.Prices) != 2 {
		t.Errorf("%s says %+v", files[0], f.Header)
	}
	for _, bad := range check.Run(f) {
		t.Error(bad)
	}
}

// An agent set to the wrong bus says so, once, instead of hearing nothing.
func TestTheOtherBusIsNoticed(t *testing.T) {
	h := newHub(t)
	data := t.TempDir()
	code, out, errs := call(t, nil, "run", "--bus", exeCapture(t), "--operator", "op1", "--agent", "ag1", "--secret", "s", "--hub", h.url, "--data", data,
		"--log", "error", "--exit-at-end")
	var ready Ready
	if err := json.Unmarshal([]byte(out), &ready); code != 0 || err != nil {
		t.Fatalf("exit %d: %s %v", code, errs, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	records := h.records[ready.Journal]
	if len(records) != 1 || records[1].Incident == nil || records[1].Incident.Code != CodeWrongBus {
		t.Errorf("%+v", records)
	}
}

// A new plan's prices count from the next word on, also after recovery was
// taken up from a checkpoint.
func TestPricesFollowThePlan(t *testing.T) {
	a := &agent{planned: make(chan struct{})}
	a.cfg.Bus.Protocol = config.Executive
	plan := func(version, minor int64) {
		a.catalog.Store(&wire.Config{Version: version, Columns: []wire.Column{{Column: 1, Minor: minor}}})
	}
	heard := module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
	plan(1, 5000)
	r := a.newRecovery(heard)
	at := int64(0)
	sell := func() (minor int64) {
		for _, p := range [][2]byte{{exe.Status.Byte(), 0}, {exe.Credit.Byte(), exe.NoRequest}, {exe.Credit.Byte(), 1}, {exe.Vend.Byte(), 0}, {exe.Status.Byte(), 0}} {
			at += 100_000
			for i, b := range p {
				for _, e := range r.Word(mdb.Word{T: at + int64(i)*3000, V: exe.Word(b), Line: mdb.EXEMaster + mdb.Line(i)}) {
					if e.Kind == sales.KindSale {
						minor, _ = e.Amount.Minor()
					}
				}
			}
		}
		return minor
	}
	if got := sell(); got != 5000 {
		t.Errorf("sold at %d", got)
	}
	plan(2, 6000)
	if got := sell(); got != 6000 {
		t.Errorf("after the change sold at %d", got)
	}
	state := r.Checkpoint()
	r = a.newRecovery(heard)
	if err := r.Restore(state); err != nil {
		t.Fatal(err)
	}
	plan(3, 7000)
	if got := sell(); got != 7000 {
		t.Errorf("after a restart sold at %d", got)
	}
}
