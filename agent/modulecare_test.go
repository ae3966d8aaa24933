package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module/link"
)

func TestModuleInfoRebootUpdate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	boot := uint64(0x10)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			run, stop := context.WithCancel(ctx)
			dev, err := link.NewDevice(link.DeviceConfig{Boot: boot, ID: [8]byte{0xAB, 1}, Version: [3]byte{0, 3, 1}, Capabilities: link.CanListenMDB | link.CanUpdate,
				Command: func(m link.Message) uint8 {
					if _, is := m.(link.Reboot); is {
						boot++
						go stop()
					}
					return link.StatusOK
				}})
			if err != nil {
				t.Error(err)
				return
			}
			dev.Feed(mdb.Word{V: 0x10B, T: 5, Line: mdb.Master}, mdb.Word{V: 0x00B, T: 1200, Line: mdb.Master})
			_ = dev.Serve(run, c)
			stop()
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); wg.Wait() })
	url := "chekomat+tcp://" + l.Addr().String()
	run := func(lang string, want int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		m := Main{Out: &out, Err: &errs, Env: func(k string) (string, bool) { return lang, k == "CHEKOMAT_LANG" }}
		if code := m.Run(context.Background(), append([]string{"module"}, args...)); code != want {
			t.Fatalf("exit %d, want %d: %s", code, want, &errs)
		}
		return out.String(), errs.String()
	}
	out, _ := run("en", exitOK, "info", "--json", url)
	var in moduleInfo
	if err := json.Unmarshal([]byte(out), &in); err != nil {
		t.Fatal(err)
	}
	if in.Firmware != "0.3.1" || in.ID != "ab01000000000000" || in.Kept != 2 || in.Counters == nil || in.Counters.Lines["mdb_master"].Words != 2 ||
		strings.Join(in.Capabilities, " ") != "mdb_listen update" {
		t.Errorf("%s", out)
	}
	if out, _ = run("ru", exitOK, "info", url); !strings.Contains(out, "прошивка 0.3.1") || !strings.Contains(out, "обновляется по линии") || !strings.Contains(out, "mdb_master") {
		t.Error(out)
	}
	if out, _ = run("en", exitOK, "reboot", "--json", url); !strings.Contains(out, `"boot":"0000000000000011"`) {
		t.Error(out)
	}
	if _, errs := run("en", 1, "reboot", "--usb", url); !strings.Contains(errs, "no USB boot") {
		t.Error(errs)
	}
	if _, errs := run("en", 1, "update", url, filepath.Join(t.TempDir(), "none.bin")); !strings.Contains(errs, "none.bin") {
		t.Error(errs)
	}
	if _, errs := run("en", 1, "info", "qibixx:///dev/none"); !strings.Contains(errs, "only a Chekomat module") {
		t.Error(errs)
	}
}
