package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/evadts"
	"github.com/chekomat/chekomat/mdb/evadts/dex"
	"github.com/chekomat/chekomat/mdb/evadts/line"
)

// TestCountersReachTheHub runs the agent with a machine on its audit port.
func TestCountersReachTheHub(t *testing.T) {
	reports, err := evadts.Parse([]byte("DXS*VND0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*VND42*M\r\nID4*2*1643*RUB\r\nVA1*12000*2*0*0\r\nCA2*12000*2*0*0\r\nDXE*1*1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	report := evadts.Append(nil, reports[0].Sealed())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		m, err := dex.NewMachine(dex.Play{CommID: "VND0000001", Level: "R00L06", Report: report})
		if err == nil {
			err = line.Serve(ctx, conn, m)
		}
		served <- err
	}()

	h := newHub(t)
	data := t.TempDir()
	file := filepath.Join(data, "agent.yaml")
	if err := os.WriteFile(file, []byte("operator: op1\nagent: ag1\nsecret: s\nhub: {url: "+h.url+"}\nbus: {url: 'chekomat+tcp://127.0.0.1:1'}\ndata: "+data+
		"\nlog: error\naudit: {port: 'tcp://"+l.Addr().String()+"', protocol: dex, every: 24h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 1)
	var out, errs safeBuffer
	go func() {
		done <- Main{Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false }}.Run(ctx, []string{"run", "--config", file})
	}()
	var got *wire.Audit
	h.until(t, "the hub has the counters", func() bool {
		for _, journal := range h.records {
			for _, r := range journal {
				if r.Kind == wire.KindAudit {
					got = r.Audit
				}
			}
		}
		return got != nil
	})
	if raw, err := got.Raw(); err != nil || string(raw) != string(report) || got.Machine.Serial != "VND42" || len(got.Totals) != 2 || *got.Totals[1].Minor != 12000 {
		t.Errorf("%+v %v", got, err)
	}
	if code, text, _ := call(t, nil, "journal", "list", "--config", file); code != 0 || !strings.Contains(text, "audit dex") {
		t.Errorf("journal list: exit %d\n%s", code, text)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	<-served
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
