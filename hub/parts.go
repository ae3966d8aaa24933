package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api"
	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/till"
)

// downlink is the broker's side of ingest, before and after there is a broker.
type downlink struct{ b atomic.Pointer[broker.Broker] }

func (d *downlink) Publish(operator, agent, name string, payload []byte) error {
	if b := d.b.Load(); b != nil {
		return b.Publish(operator, agent, name, payload)
	}
	return broker.ErrOffline
}

func (d *downlink) Drop(operator, agent string, why error) {
	if b := d.b.Load(); b != nil {
		b.Drop(operator, agent, why)
	}
}

func (d *downlink) Online(operator, agent string) bool {
	b := d.b.Load()
	return b != nil && b.Online(operator, agent)
}

// Connected is how many agents have a connection.
func (d *downlink) Connected() int {
	if b := d.b.Load(); b != nil {
		return b.Connected()
	}
	return 0
}

// measuredStore is the store as ingest sees it: it measures durable ingest,
// and tells when agents of the last run have been marked offline.
type measuredStore struct {
	*store.Store
	taken *api.Histogram // seconds of a batch
	once  sync.Once
	clean chan struct{}
}

func (s *measuredStore) TakeIn(ctx context.Context, operator, agent string, batch []store.Arrival) (store.Taken, error) {
	began := time.Now()
	t, err := s.Store.TakeIn(ctx, operator, agent, batch)
	s.taken.Observe(time.Since(began).Seconds())
	return t, err
}

func (s *measuredStore) NoteAllGone(ctx context.Context) error {
	defer s.once.Do(func() { close(s.clean) })
	return s.Store.NoteAllGone(ctx)
}

// desk is the till as the API sees it.
type desk struct {
	*till.Till
	m *Main
}

// Look asks the register of a lane that does not run through a driver of its own.
func (t desk) Look(ctx context.Context, lane string) (units []kkt.Unit, err error) {
	units, err = t.Till.Look(ctx, lane)
	if errors.Is(err, till.ErrNotRunning) {
		err = t.apart(ctx, lane, func(d kkt.Driver) error {
			units, err = d.Units(ctx)
			return err
		})
	}
	return units, err
}

// Document reads a document of a lane that does not run in the same way.
func (t desk) Document(ctx context.Context, lane, fn string, fd uint32) (doc kkt.Stored, err error) {
	doc, err = t.Till.Document(ctx, lane, fn, fd)
	if errors.Is(err, till.ErrNotRunning) {
		err = t.apart(ctx, lane, func(d kkt.Driver) error {
			doc, err = till.ReadDocument(ctx, d, fn, fd)
			return err
		})
	}
	return doc, err
}

// apart opens a driver beside the till.
func (t desk) apart(ctx context.Context, lane string, fn func(kkt.Driver) error) error {
	l, err := t.m.store.Lane(ctx, lane)
	if err != nil {
		return err
	}
	d, err := t.m.openRegister(l.URL)
	if err != nil {
		return err
	}
	if c, ok := d.(io.Closer); ok {
		defer c.Close()
	}
	return fn(d)
}

// writeIngest writes what ingest has counted since the start.
func writeIngest(w io.Writer, c *ingest.Counts) {
	for _, f := range []struct {
		name, help string
		n          int64
	}{
		{"chekomat_ingest_stored_total", "Records stored", c.Stored.Load()},
		{"chekomat_ingest_repeated_total", "Records that came again", c.Again.Load()},
		{"chekomat_ingest_refused_total", "Messages kept in quarantine", c.Kept.Load()},
		{"chekomat_ingest_failed_total", "Batches that could not be stored", c.Failed.Load()},
		{"chekomat_ingest_dropped_total", "Messages dropped for want of room; their agents send them again", c.Dropped.Load()},
	} {
		api.WriteFigure(w, f.name, "counter", f.help, float64(f.n))
	}
}
