package storetest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheServerEndsWithItsTest kills a test binary hard and looks for the
// server it had begun.
func TestTheServerEndsWithItsTest(t *testing.T) {
	if os.Getenv("STORETEST_HANG") != "" {
		s, err := Start(Options{})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("pid " + strconv.Itoa(s.command.Process.Pid) + " " + s.dir + "\n")
		select {}
	}
	if _, err := binaries(); err != nil {
		if os.Getenv(Need) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestTheServerEndsWithItsTest$")
	c.Env = append(os.Environ(), "STORETEST_HANG=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	lines := bufio.NewScanner(out)
	for pid == 0 && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == "pid" {
			pid, _ = strconv.Atoi(f[1])
			t.Cleanup(func() { os.RemoveAll(f[2]) })
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	if pid == 0 {
		t.Fatal("the server did not start")
	}
	for errors.Is(syscall.Kill(pid, 0), nil) {
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(b), ") Z ") {
			break // nobody waits for it here
		}
		time.Sleep(10 * time.Millisecond) // the test's own limit of time is the limit
	}
}
