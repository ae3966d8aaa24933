package machine

import (
	"context"
	"net"
	"time"

	"github.com/chekomat/chekomat/mdb/module/link"
)

// tap is the interface module in the machine: it hears the bus and keeps the
// words until an agent has taken them.
type tap struct {
	dev  *link.Device
	boot uint64
	log  *Log
	seen uint64 // words below were taken, or are told of as lost
}

// serve lets agents connect, one at a time.
func (t *tap) serve(ctx context.Context, ln net.Listener) {
	context.AfterFunc(ctx, func() { ln.Close() })
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go t.dev.Serve(ctx, c) //nolint:errcheck // an agent that goes away comes back
	}
}

// note writes down words the ring dropped before an agent took them.
func (t *tap) note() error {
	s := t.dev.State()
	t.seen = max(t.seen, s.Kept)
	if s.Oldest <= t.seen {
		return nil
	}
	err := t.log.Add(Entry{Boot: t.boot, First: t.seen, Last: s.Oldest - 1})
	t.seen = s.Oldest
	return err
}

// drain waits until an agent has taken everything, and writes down what it
// did not take.
func (t *tap) drain(patience time.Duration) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		s := t.dev.State()
		if t.seen = max(t.seen, s.Kept); t.seen >= s.Next {
			return nil
		}
		if time.Now().After(end) {
			return t.log.Add(Entry{Boot: t.boot, First: t.seen, Last: s.Next - 1})
		}
	}
}
