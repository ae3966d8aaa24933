package main

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// serve plays a module over TCP and gives its address.
func serve(t *testing.T, cfg link.DeviceConfig) (*link.Device, string) {
	t.Helper()
	d, err := link.NewDevice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = d.Serve(ctx, c) })
		}
	})
	t.Cleanup(func() { cancel(); ln.Close(); wg.Wait() })
	return d, "chekomat+tcp://" + ln.Addr().String()
}

// until waits for what another goroutine does; a test that waits for ever is
// ended by its time limit.
func until(ok func() bool) {
	for !ok() {
		runtime.Gosched()
	}
}

func TestBusRoleHasTheModuleAnswer(t *testing.T) {
	d, address := serve(t, link.DeviceConfig{Boot: 3, Capabilities: link.CanListenMDB | link.CanSpeakMDB})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	open := func(roles ...string) module.Source {
		a := &agent{cfg: config.Config{Bus: config.Bus{URL: address, Role: roles}}, logger: slog.New(slog.DiscardHandler)}
		open, err := a.opener()
		if err != nil {
			t.Fatal(err)
		}
		src, err := open(ctx, module.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := src.(module.Keeper); !ok {
			t.Fatal("the module would never be told what it may forget")
		}
		return src
	}
	answers := func(poll byte) bool { return d.Ask(0, []byte{poll, poll}) != nil }
	src := open("reader2", "gateway")
	until(func() bool { return answers(0x62) && answers(0x1A) })
	src.Close()
	// The next configuration plays the gateway no more, the one after it nobody.
	src = open("reader2")
	until(func() bool { return answers(0x62) && !answers(0x1A) })
	src.Close()
	src = open()
	until(func() bool { return !answers(0x62) })
	src.Close()
}

func TestAModuleThatCannotSpeakIsListenedTo(t *testing.T) {
	_, address := serve(t, link.DeviceConfig{Boot: 3})
	var log strings.Builder
	a := &agent{cfg: config.Config{Bus: config.Bus{URL: address, Role: []string{"reader2"}}}, logger: slog.New(slog.NewTextHandler(&log, nil))}
	open, err := a.opener()
	if err != nil {
		t.Fatal(err)
	}
	src, err := open(context.Background(), module.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if !strings.Contains(log.String(), module.ErrMute.Error()) {
		t.Error(log.String())
	}
}
