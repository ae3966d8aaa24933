package firmware

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/demo"
	"github.com/chekomat/chekomat/testbench/machine"
)

// programs builds the programs named into a folder of the test run.
func programs(t *testing.T, names ...string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for _, name := range names {
		cmd := exec.Command("go", "build", "-o", filepath.Join(bin, name), "./"+name)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return bin
}

// Emulated firmware, socket, agent, hub, register, QR, each program as the
// process it is, at the pace of the wall: a machine that announces cash sales to
// our reader, one that announces none, one on an Executive bus. They sell until
// each kind was sold; then every stage is counted against the one before.
func TestWholeChainOnTheFirmware(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute in real time")
	}
	made(t)
	var mu sync.Mutex
	want := map[string]bool{"VM-0001 cash": true, "VM-0001 card": true, "VM-0002 cash": true, "VM-0002 card": true, "VM-0003 cash": true, "VM-0003 card": true}
	sold := make(chan struct{})
	d, err := demo.Start(t.Context(), demo.Config{
		Bin: programs(t, "hub", "agent", "testbench"), Data: t.TempDir(), Machines: 3, Readers: 1, Silent: 1, EXE: 1, Firmware: "uart",
		Every: 2 * time.Second, VendTime: 500 * time.Millisecond, Service: 100 * time.Millisecond, Seed: 11, Lang: "en",
		Vended: func(serial string, v machine.Vend) {
			mu.Lock()
			defer mu.Unlock()
			if len(want) == 0 || v.Outcome != machine.Sold {
				return
			}
			delete(want, serial+" "+string(v.Pay))
			if len(want) == 0 {
				close(sold)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	select {
	case <-sold:
	case <-time.After(5 * time.Minute): // only when something is broken
		mu.Lock()
		t.Errorf("not sold in five minutes: %v", want)
		mu.Unlock()
	}
	if err := d.StopSelling(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Drain(t.Context(), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	r, err := d.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Duplicated != 0 || len(r.Problems) != 0 || r.Vends < 6 || r.Receipts != r.Vends || r.Shown == 0 || len(r.Held) != 0 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}
