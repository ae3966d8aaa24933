package firmware

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/testbench/demo"
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

// evidence lists what was journaled of the machines: "VM-0001 cash by cash_sale".
func evidence(data string, serials ...string) map[string]int {
	found := map[string]int{}
	for _, serial := range serials {
		_ = journal.Inspect(filepath.Join(data, "machines", serial, "agent"), "", 0, func(r journal.Row) bool {
			var rec wire.Record
			if json.Unmarshal(r.Record, &rec) == nil && rec.Kind == wire.KindSale && len(rec.Sale.Parts) > 0 {
				found[serial+" "+rec.Sale.Parts[0].Kind+" by "+rec.Sale.Evidence]++
			}
			return true
		})
	}
	return found
}

// Emulated firmware, socket, agent, hub, register, QR, each program as the
// process it is, at the pace of the wall: a machine that announces cash sales to
// our reader, one that announces none, one on an Executive bus. They sell until
// each kind was sold; then every stage is counted against the one before.
func wholeChainOnTheFirmware(t *testing.T) {
	made(t)
	d, err := demo.Start(t.Context(), demo.Config{
		Bin: programs(t, "hub", "agent", "testbench"), Data: t.TempDir(), Machines: 3, Readers: 1, Silent: 1, EXE: 1, Firmware: "uart",
		Every: 2 * time.Second, VendTime: 500 * time.Millisecond, Service: 100 * time.Millisecond, Seed: 11, Lang: "en",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	kinds := []string{"VM-0001 cash by cash_sale", "VM-0001 cashless by vend_success", "VM-0002 cash by ledger", "VM-0002 cashless by vend_success",
		"VM-0003 cash by exe_vend", "VM-0003 cashless by exe_vend"}
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(500 * time.Millisecond) { // the five minutes pass only when something is broken
		found := evidence(d.Data, "VM-0001", "VM-0002", "VM-0003")
		missing := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return found[k] > 0 })
		if len(missing) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not heard of in five minutes: %q of %v", missing, found)
		}
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
	if r.Lost != 0 || r.Duplicated != 0 || len(r.Problems) != 0 || r.Vends < len(kinds) || r.Receipts != r.Vends || r.Shown == 0 || len(r.Held) != 0 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v of %v", r, evidence(d.Data, "VM-0001", "VM-0002", "VM-0003"))
}
