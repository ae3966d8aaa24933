package module_test

import (
	"bufio"
	"errors"
	"runtime"
	"slices"
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
	want := []module.Found{
		{Port: ours, Kind: module.KindChekomat, Name: "id AB00000000000000, firmware 0.0.0, link 1.1", Speaks: true, Replays: true, URL: "chekomat://" + ours},
		{Port: old, Kind: module.KindChekomat, Name: "id 0000000000000000, firmware 0.0.0, link 1.0", URL: "chekomat://" + old},
		{Port: silent, Kind: module.KindSilent},
		{Port: qibixx, Kind: module.KindQibixx, Name: "firmware 5.0.0.1, ab12", URL: "qibixx://" + qibixx + "?mode=sniff"},
		{Port: other, Kind: module.KindOther, Name: `"ERR\r\n"`},
		{Port: "/dev/none-such", Kind: module.KindError, Problem: "no such file or directory"},
	}
	// Who answers later than a scan waits is not named: the one who plays the
	// modules here may have to wait for the processor.
	var found []module.Found
	for range 8 {
		var err error
		if found, err = module.Scan(limited(t), ours, old, silent, qibixx, other, "/dev/none-such"); err != nil {
			t.Fatal(err)
		}
		if slices.EqualFunc(found, want, sameFound) {
			return
		}
	}
	t.Errorf("\n%+v, want\n%+v", found, want)
}

// sameFound compares what was found; of a problem a part of its text is enough.
func sameFound(got, want module.Found) bool {
	if !strings.Contains(got.Problem, want.Problem) {
		return false
	}
	got.Problem = want.Problem
	return got == want
}

// A port an agent reads from is not opened a second time, not even by root.
func TestScanLeavesAPortInUseAlone(t *testing.T) {
	port, _ := plug(t, device(t, link.DeviceConfig{Boot: 5}), false)
	src := open(t, limited(t), "chekomat://"+port, module.Cursor{})
	defer src.Close()
	found, err := module.Scan(limited(t), port)
	if err != nil || len(found) != 1 || found[0].Kind != module.KindBusy {
		t.Fatalf("%+v, %v", found, err)
	}
}
