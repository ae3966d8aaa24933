package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
)

// patience bounds waits for things that must happen; it never decides a test
// that works.
const patience = 20 * time.Second

// link is a downlink that keeps what was sent.
type link struct {
	mu      sync.Mutex
	cond    *sync.Cond
	sent    []sent
	dropped int
	offline bool
}

type sent struct {
	agent, name string
	payload     []byte
}

func newLink() *link {
	l := &link{}
	l.cond = sync.NewCond(&l.mu)
	return l
}

func (l *link) Publish(operator, agent, name string, payload []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, sent{operator + "/" + agent, name, payload})
	l.cond.Broadcast()
	return nil
}

func (l *link) Drop(string, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped++
	l.cond.Broadcast()
}

func (l *link) Online(string, string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.offline
}

// wait blocks until ok holds; ok runs under the lock.
func (l *link) wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	stop := time.AfterFunc(patience, l.cond.Broadcast)
	defer stop.Stop()
	end := time.Now().Add(patience)
	l.mu.Lock()
	defer l.mu.Unlock()
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen; sent %d messages, dropped %d", what, len(l.sent), l.dropped)
		}
		l.cond.Wait()
	}
}

// of lists the messages of a name so far; call it under the lock.
func of[T any](l *link, name string) (all []T) {
	for _, s := range l.sent {
		var v T
		if s.name == name && json.Unmarshal(s.payload, &v) == nil {
			all = append(all, v)
		}
	}
	return all
}

func startIngest(t testing.TB, s ingest.Store, o ingest.Options) (*ingest.Ingest, *link) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	in, l := ingest.New(s, o), newLink()
	in.Attach(l)
	t.Cleanup(in.Stop)
	return in, l
}

// flaky is a store whose writes can fail, before or after the commit.
type flaky struct {
	*store.Store
	mu     sync.Mutex
	before func() bool // fail and store nothing
	after  func() bool // store, then say it failed: the hub died between commit and ack
	gate   chan struct{}
}

var errFlaky = errors.New("flaky")

func (f *flaky) TakeIn(ctx context.Context, operator, agent string, batch []store.Arrival) (store.Taken, error) {
	f.mu.Lock()
	before, after, gate := f.before, f.after, f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if before != nil && before() {
		return store.Taken{}, errFlaky
	}
	t, err := f.Store.TakeIn(ctx, operator, agent, batch)
	if err == nil && after != nil && after() {
		return store.Taken{}, errFlaky
	}
	return t, err
}

func say(t testing.TB, in *ingest.Ingest, name string, v any) {
	t.Helper()
	if err := in.Message("op", "a1", name, encode(t, v)); err != nil {
		t.Fatal(err)
	}
}
