package ingest

import (
	"context"
	"errors"
	"time"
)

// Where several hubs share a database, each tells the agents connected to it:
// also what became of their sales on another hub's registers, and what a person
// decided through another hub.

// followEvery bounds how often other hubs' work is read while much is committed.
const followEvery = 100 * time.Millisecond

// follow tells agents here of jobs that other hubs have moved. Jobs moved before
// it began were asked for by the agents' hellos.
func (i *Ingest) follow(ctx context.Context) {
	if shared, _ := i.store.Neighbours(); !shared {
		return
	}
	changed, stop := i.store.Changed()
	defer stop()
	cursor, begun := int64(0), false
	for {
		var err error
		if begun {
			cursor, err = i.tellMoved(ctx, cursor)
		} else if cursor, err = i.store.LastHistory(ctx); err == nil {
			begun = true
		}
		if err != nil && ctx.Err() == nil {
			i.o.Log.Error("ingest: follow other hubs", "err", err)
		}
		select { // at most so often
		case <-ctx.Done():
			return
		case <-time.After(followEvery):
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func (i *Ingest) tellMoved(ctx context.Context, after int64) (last int64, err error) {
	jobs, last, err := i.store.Moved(ctx, after)
	for _, job := range jobs {
		i.Tell(job)
	}
	return last, err
}

// lookAtHubs does at each look what another hub could not do for the agents
// connected here: it ends connections of those barred there, sends what was
// asked of them there, and settles what a hub has left that ended.
func (i *Ingest) lookAtHubs(ctx context.Context) error {
	if shared, _ := i.store.Neighbours(); !shared {
		return nil
	}
	select {
	case i.landed <- struct{}{}:
	default:
	}
	barred, err := i.store.Barred(ctx)
	if err != nil {
		return err
	}
	for _, a := range barred {
		i.AgentChanged(a[0], a[1])
	}
	asked, err := i.store.AskedHere(ctx, i.wasSent)
	if err != nil {
		return err
	}
	for _, a := range asked {
		i.command(a[0], a[1])
	}
	return nil
}

var errBarred = errors.New("the agent's secret has changed")

// sentMost bounds the commands remembered; when there were more, some may be
// sent again, which an agent knows by their ids.
const sentMost = 1000

func (i *Ingest) wasSent(id string) bool {
	i.sentMu.Lock()
	defer i.sentMu.Unlock()
	return i.sent[id]
}

func (i *Ingest) noteSent(id string) {
	if shared, _ := i.store.Neighbours(); !shared {
		return
	}
	i.sentMu.Lock()
	defer i.sentMu.Unlock()
	if i.sent == nil || len(i.sent) >= sentMost {
		i.sent = map[string]bool{}
	}
	i.sent[id] = true
}
