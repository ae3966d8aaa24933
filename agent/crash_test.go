package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

// points where the agent is killed; "point:n" means its nth hit.
var points = []string{
	"listen.afterWord:500", "listen.afterEvent:1", "listen.afterEvent:2",
	"journal.beforeAppend:1", "journal.beforeCommit:1", "journal.afterAppend:1",
	"uplink.beforePublish:1", "uplink.beforePublish:2", "uplink.afterPublish:1", "uplink.afterPublish:2",
	"uplink.afterAck:1", "uplink.afterAck:2", "uplink.afterAck:3", "journal.beforeSettle:1",
	"uplink.beforeHello:1", "uplink.afterSettle:1", "screen.beforeDraw:1", "screen.beforeDraw:2", "screen.afterDraw:1", "screen.beforeShown:1",
}

// TestKilledAtEachPoint kills the real program at each named point while it
// plays a capture of two sales, starts it again, and finds both sales in the
// journal and at the hub, each once.
func TestKilledAtEachPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds the agent with kill points and runs it twice a point")
	}
	path := capture(t, "matedealer-20120710-c.words.csv")
	bin := filepath.Join(t.TempDir(), "agent")
	if out, err := exec.Command("go", "build", "-tags", "killpoints", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build with kill points: %v\n%s", err, out)
	}
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			data := t.TempDir()
			args := []string{"run", "--operator", "op1", "--agent", "ag1", "--hub", h.url, "--data", data, "--log", "error",
				"--bus", path, "--panel", "png://" + filepath.Join(data, "s.png") + ",240x320"}
			run := func(kill string, more ...string) *exec.Cmd {
				cmd := exec.Command(bin, append(args, more...)...)
				cmd.Env = append(os.Environ(), "CHEKOMAT_AGENT_SECRET=s", "CHEKOMAT_KILL="+kill)
				cmd.Stderr = os.Stderr
				return cmd
			}
			err := run(point).Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("was to be killed, ended with %v", err)
			}
			if err := run("", "--exit-at-end").Run(); err != nil {
				t.Fatalf("second run: %v", err)
			}
			sales := 0
			if err := journal.Inspect(data, "", 0, func(r journal.Row) bool {
				if strings.Contains(string(r.Record), `"kind":"sale"`) {
					sales++
				}
				if r.Settled == 0 {
					t.Errorf("record %d is not delivered", r.Seq)
				}
				return true
			}); err != nil {
				t.Fatal(err)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			sums := map[int64]int{}
			for _, of := range h.records {
				for _, r := range of {
					if r.Kind == wire.KindSale {
						sums[r.Sale.Amount.Minor]++
					}
				}
			}
			if sales != 2 || fmt.Sprint(sums) != "map[200:1 300:1]" || len(h.records) != 1 {
				t.Errorf("%d sales journaled, the hub has %v in %d journals", sales, sums, len(h.records))
			}
		})
	}
}

// TestReadyLineOfTheProgram reads what a supervisor reads.
func TestReadyLineOfTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("short: builds the agent")
	}
	bin := filepath.Join(t.TempDir(), "agent")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	capture := filepath.Join(t.TempDir(), "empty.words.csv")
	if err := os.WriteFile(capture, []byte("t_us,dir,word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "run", "--operator", "o", "--agent", "a", "--secret", "s", "--hub", "mqtt://127.0.0.1:1",
		"--data", t.TempDir(), "--log", "error", "--bus", capture, "--panel", "kiosk://127.0.0.1:0/?mirror=1,800x480")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := bufio.NewScanner(out)
	line.Scan()
	if !strings.Contains(line.Text(), `"ready":true`) || !strings.Contains(line.Text(), `"kiosk":["http://127.0.0.1:`) {
		t.Errorf("ready line %q", line.Text())
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
