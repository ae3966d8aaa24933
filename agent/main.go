// Command agent sits in a vending machine: it listens to the payment bus,
// journals every sale, delivers it to the hub and shows the buyer the QR code
// of the receipt. This package only wires.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// The agent's budget is 20 MB resident: the heap is kept small and collected
// early. GOMEMLIMIT and GOGC win.
const (
	memoryLimit = 12 << 20
	gcPercent   = 15
)

func main() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1) // hand-overs between threads cost more than the work
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(Main{Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}.Run(ctx, os.Args[1:]))
}
