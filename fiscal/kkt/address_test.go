package kkt

import (
	"context"
	"net"
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]Address{
		"x+tcp://10.0.0.7":                        {"tcp", "10.0.0.7:7778", 0},
		"x+tcp://10.0.0.7:1/":                     {"tcp", "10.0.0.7:1", 0},
		"x+tcp://[::1]:12345":                     {"tcp", "[::1]:12345", 0},
		"x+serial:///dev/ttyUSB0":                 {"serial", "/dev/ttyUSB0", 57600},
		"x+serial:///dev/serial/by-id/usb-Viki-1": {"serial", "/dev/serial/by-id/usb-Viki-1", 57600},
		"x+serial://COM3?baud=4800":               {"serial", "COM3", 4800},
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseAddress(u, "7778", 57600); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"x+tcp://", "x+tcp://h:0", "x+tcp://h?baud=9600", "x+tcp://h/dev/tty", "x+serial://", "x+serial:///",
		"x+serial:///dev/tty?baud=fast", "x+serial:///dev/tty?baud=10", "x+serial:///dev/tty?baud=10000000", "x+udp://h", "x://h"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseAddress(u, "7778", 57600); err == nil {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestParseAddressNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, err := url.Parse(rapid.StringMatching(`(x\+(tcp|serial)|[a-z+]*)://[ -~]*`).Draw(t, "url"))
		if err != nil {
			return
		}
		if a, err := ParseAddress(u, "7778", 57600); err == nil && a.Addr == "" {
			t.Fatal("an empty address")
		}
	})
}

// A driver only names the address: the options know both transports.
func TestConnect(t *testing.T) {
	var tcp, serial string
	o := Options{
		Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
			tcp = network + " " + addr
			return nil, net.ErrClosed
		},
		Serial: func(_ context.Context, path string, baud int) (net.Conn, error) {
			serial = path
			return nil, net.ErrClosed
		},
	}.Filled()
	_, _ = o.Connect(t.Context(), Address{"tcp", "h:1", 0})
	_, _ = o.Connect(t.Context(), Address{"serial", "/dev/ttyS7", 9600})
	if tcp != "tcp h:1" || serial != "/dev/ttyS7" {
		t.Error(tcp, serial)
	}
}
