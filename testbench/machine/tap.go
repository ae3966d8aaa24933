package machine

import (
	"context"
	"net"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module/link"
)

// tap is the interface module in the machine: it hears the bus and keeps the
// words until an agent has taken them.
type tap struct {
	dev  *link.Device
	run  uint64
	log  *Log
	ln   net.Listener
	stop context.CancelFunc
	seen uint64 // words below were taken, or are told of as lost
}

func (t *tap) feed(w mdb.Word) { t.dev.Feed(w) }
func (t *tap) pass(us int64)   { t.dev.Advance(us) }
func (t *tap) guest() Guest    { return t.dev }
func (t *tap) boot() uint64    { return t.run }
func (t *tap) next() uint64    { return t.dev.State().Next }
func (t *tap) address() string { return t.ln.Addr().String() }
func (t *tap) close()          { t.stop() }

func (t *tap) start() {
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	go t.serve(ctx, t.ln)
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
	err := t.log.Add(Entry{Boot: t.run, First: t.seen, Last: s.Oldest - 1})
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
			return t.log.Add(Entry{Boot: t.run, First: t.seen, Last: s.Next - 1})
		}
	}
}
