package audit

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadOverAPseudoTerminal plays each protocol's machine on a
// pseudo-terminal and reads it as an agent would, through a serial library.
func TestReadOverAPseudoTerminal(t *testing.T) {
	for _, c := range []struct {
		name  string
		opts  readOptions
		bids  bool
		tells string // of the machine's own count
	}{
		{name: "dex", opts: readOptions{protocol: DEX}},
		{name: "dex agreed", opts: readOptions{protocol: DEX, agreed: true}, tells: `{"reads":1,"cleared":1}`},
		{name: "dex bids", opts: readOptions{protocol: DEX}, bids: true},
		{name: "ddcmp", opts: readOptions{protocol: DDCMP, baud: 2400, fastest: 115200}, tells: `{"reads":1,"cleared":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := report(t, 3)
			file := write(t, t.TempDir(), "m.eva", want)
			// The protocols have time-outs of a second: a side that waits longer for
			// the processor makes the other one give up or begin anew.
			var last string
			for range 8 {
				got, tells, err := overAPort(t, file, c.opts, c.bids)
				if err == nil && got == want && tells == c.tells {
					return
				}
				last = fmt.Sprintf("%v\n%q\nthe machine counts %q, want %q", err, got, tells, c.tells)
			}
			t.Error(last)
		})
	}
}

// overAPort reads a report through a pseudo-terminal, and gives what the machine
// counted.
func overAPort(t *testing.T, file string, opts readOptions, bids bool) (report, counted string, err error) {
	t.Helper()
	port, err := OpenPort()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer port.Close()
	var said bytes.Buffer
	m, err := machineFor(opts.protocol, file, bids, &said)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	served := make(chan error, 1)
	serving, stop := context.WithCancel(ctx)
	go func() { served <- port.Serve(serving, m) }()
	got, err := opts.readPort(ctx, port.Path)
	stop()
	if e := <-served; err == nil {
		err = e
	}
	return string(got), strings.TrimSpace(said.String()), err
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"read", filepath.Join(dir, "no-port")}, {"read", "x", "--protocol", "mdb"},
		{"read", "x", "--protocol", "ddcmp", "--baud", "7"}, {"port", filepath.Join(dir, "none")},
	} {
		if got, err := run(t, dir, args...); err == nil {
			t.Errorf("%v: %s", args, got)
		}
	}
}
