package firmware

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// live is a board in wall time, twice as fast, for programs of their own.
func live(t *testing.T, cfg board.Config) *board.Board {
	t.Helper()
	b, err := board.New(cfg, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Live(ctx, 2) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		b.Close()
	})
	return b
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed gives an image whose checksums fit again after a change.
func sealed(im []byte, change func(header, program []byte)) []byte {
	im = bytes.Clone(im)
	change(im[:link.ImageHeader], im[link.ImageHeader:])
	le := binary.LittleEndian
	le.PutUint32(im[12:], crc32.ChecksumIEEE(im[link.ImageHeader:]))
	le.PutUint32(im[28:], crc32.ChecksumIEEE(im[:28]))
	return im
}

// hung is an image that jumps in a circle instead of starting.
func hung(im []byte) []byte {
	return sealed(im, func(h, program []byte) {
		at := binary.LittleEndian.Uint32(h[16:]) - binary.LittleEndian.Uint32(h[4:])
		binary.LittleEndian.PutUint16(program[at:], 0xE7FE)
	})
}

type info struct {
	Firmware, ID, Boot string
	Mode               int
	Capabilities       []string
	Counters           *struct {
		Lines         map[string]struct{ Words uint32 }
		HostCRCErrors uint16 `json:"host_crc_errors"`
		SupplyMV      int    `json:"supply_mv"`
	}
}

// The agent's own commands look after the emulated module: what they say, what
// they refuse, and what the module runs after it.
func agentLooksAfterTheModule(t *testing.T) {
	folder := made(t)
	agent := filepath.Join(programs(t, "agent"), "agent")
	b := live(t, board.Config{Folder: folder, ID: "0123456789ABCDEF"})
	module := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(agent, append([]string{"module"}, args...)...)
		cmd.Env = append(os.Environ(), "CHEKOMAT_LANG=en")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("agent module %q: exit %d, want %d: %s", args, code, want, &errs)
		}
		return out.String() + errs.String()
	}
	ask := func() (in info) {
		t.Helper()
		if err := json.Unmarshal([]byte(module(0, "info", "--json", b.URL())), &in); err != nil {
			t.Fatal(err)
		}
		return in
	}

	in := ask()
	if in.Firmware != "1.0.0" || in.ID != "0123456789abcdef" || in.Counters == nil || in.Counters.Lines["mdb_master"].Words == 0 || in.Counters.SupplyMV < 30_000 {
		t.Fatalf("%+v", in)
	}
	if text := module(0, "info", b.URL()); !strings.Contains(text, "firmware 1.0.0") || !strings.Contains(text, "mdb_slaves") {
		t.Error(text)
	}

	next := read(t, board.Next(folder))
	file := func(name string, im []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, im, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flipped := bytes.Clone(next)
	flipped[700] ^= 1
	other := sealed(next, func(h, _ []byte) { h[23]++ })
	for _, c := range []struct {
		name string
		im   []byte
		says string
	}{
		{"truncated.img", next[:len(next)-100], "the file was cut"}, {"flipped.img", flipped, "checksum is wrong"},
		{"other-board.img", other, "other hardware"}, {"whole-flash.bin", read(t, board.Image(folder)), "not CHKM"},
	} {
		if said := module(1, "update", b.URL(), file(c.name, c.im)); !strings.Contains(said, c.says) {
			t.Errorf("%s: %s", c.name, said)
		}
	}
	if again := ask(); again.Firmware != in.Firmware || again.Boot != in.Boot {
		t.Errorf("what was refused changed the module: %+v", again)
	}

	if said := module(0, "reboot", "--json", b.URL()); !strings.Contains(said, `"firmware":"1.0.0"`) || strings.Contains(said, in.Boot) {
		t.Error(said)
	}
	if said := module(0, "update", b.URL(), board.Next(folder)); !strings.Contains(said, "firmware 1.0.9 runs in place of 1.0.0") {
		t.Error(said)
	}
	if said := module(1, "update", b.URL(), file("hung.img", hung(read(t, board.Update(folder))))); !strings.Contains(said, "went back to the old one") {
		t.Error(said)
	}
	if in := ask(); in.Firmware != "1.0.9" {
		t.Errorf("%+v", in)
	}
	if said := module(0, "update", b.URL(), board.Update(folder)); !strings.Contains(said, "firmware 1.0.0 runs in place of 1.0.9") {
		t.Error(said)
	}
	if said := module(0, "reboot", "--usb", b.URL()); !strings.Contains(said, "the module is in USB boot") {
		t.Error(said)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		s, err := b.Chip().State()
		if err != nil {
			t.Fatal(err)
		}
		if s.USBBoot {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the chip never went into USB boot")
		}
	}
}

// An image that came whole over the link and was damaged in the flash is found
// by the module itself, and the program that runs is not touched.
func moduleVerifiesWhatLiesInItsFlash(t *testing.T) {
	folder := made(t)
	b := live(t, board.Config{Folder: folder})
	next := read(t, board.Next(folder))
	const second = 0x20000 // the slot that does not run
	var bad error
	up, err := module.Update(t.Context(), b.URL(), next, func(done, whole int) {
		if done == whole {
			bad = b.Chip().FlipFlash(second+2000, 4)
		}
	})
	if bad != nil {
		t.Fatal(bad)
	}
	if refused, is := errors.AsType[link.StatusError](err); !is || refused.Status != link.StatusVerify || !strings.Contains(err.Error(), "verification failed") {
		t.Fatalf("%+v, %v", up, err)
	}
	if h, err := module.Attend(t.Context(), b.URL()); err != nil {
		t.Error(err)
	} else {
		if v := h.Hello(); v.FwMajor != 1 || v.Patch != 0 {
			t.Errorf("%+v", v)
		}
		h.Close()
	}
}
