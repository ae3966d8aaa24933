package module_test

import (
	"bufio"
	"errors"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
)

func TestScanNamesWhatIsPluggedIn(t *testing.T) {
	ours, _ := plug(t, device(t, link.DeviceConfig{Boot: 5, ID: [8]byte{0xAB}, Capabilities: link.CanListenMDB | link.CanSpeakMDB}), false)
	old, _ := plug(t, device(t, link.DeviceConfig{Boot: 5, OldMinor: true}), false)
	_, silent := pty(t)
	answering := func(answer string) string {
		f, port := pty(t)
		go func() {
			for r := bufio.NewReader(f); ; {
				l, err := r.ReadString('\n')
				if errors.Is(err, unix.EIO) {
					runtime.Gosched() // nobody has the port open at the moment
					continue
				}
				if err != nil {
					return
				}
				if strings.HasSuffix(l, "V\n") {
					_, _ = f.WriteString(answer)
				}
			}
		}()
		return port
	}
	qibixx, other := answering("v,5.0.0.1,ab12\n"), answering("ERR\r\n")
	found, err := module.Scan(limited(t), ours, old, silent, qibixx, other, "/dev/none-such")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []module.Found{
		{Port: ours, Kind: module.KindChekomat, Name: "id AB00000000000000, firmware 0.0.0, link 1.1", Speaks: true, Replays: true, URL: "chekomat://" + ours},
		{Port: old, Kind: module.KindChekomat, Name: "id 0000000000000000, firmware 0.0.0, link 1.0", URL: "chekomat://" + old},
		{Port: silent, Kind: module.KindSilent},
		{Port: qibixx, Kind: module.KindQibixx, Name: "firmware 5.0.0.1, ab12", URL: "qibixx://" + qibixx + "?mode=sniff"},
		{Port: other, Kind: module.KindOther, Name: `"ERR\r\n"`},
		{Port: "/dev/none-such", Kind: module.KindError, Problem: found[5].Problem},
	} {
		if found[i] != want {
			t.Errorf("\n%+v, want\n%+v", found[i], want)
		}
	}
	if found[5].Problem == "" {
		t.Error("no reason")
	}
}

// A port an agent reads from is not opened a second time, not even by root.
func TestScanLeavesAPortInUseAlone(t *testing.T) {
	port, _ := plug(t, device(t, link.DeviceConfig{Boot: 5}), false)
	src, err := module.Open(limited(t), "chekomat://"+port, module.Cursor{}, module.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	found, err := module.Scan(limited(t), port)
	if err != nil || len(found) != 1 || found[0].Kind != module.KindBusy {
		t.Fatalf("%+v, %v", found, err)
	}
}
