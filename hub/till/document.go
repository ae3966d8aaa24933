package till

import (
	"context"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// ErrUnreadable says that nothing behind a lane gives documents back.
var ErrUnreadable = errors.New("documents of this lane can't be read back")

// driverOf gives the driver of a running lane to look through. done is called
// after it: the register of a lane that another hub has is given free again.
func (t *Till) driverOf(lane string) (d kkt.Driver, done func(), err error) {
	t.mu.Lock()
	r := t.runs[lane]
	t.mu.Unlock()
	if r == nil {
		return nil, nil, ErrNotRunning
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.driver == nil {
		return nil, nil, ErrNotRunning
	}
	d = r.driver
	return d, func() {
		if r.held.Load() {
			return
		}
		if err := hangUp(d); err != nil {
			t.set.Log.Error("till: hang up", "lane", lane, "err", err)
		}
	}, nil
}

// Document reads a document of a running lane's ФН; fn "" is the one in place.
// It makes nothing. The error holds a fault, or is ErrNotRunning, ErrUnreadable
// or, of a number the ФН has not come to yet, store.ErrNotFound.
func (t *Till) Document(ctx context.Context, lane, fn string, fd uint32) (kkt.Stored, error) {
	d, done, err := t.driverOf(lane)
	if err != nil {
		return kkt.Stored{}, err
	}
	defer done()
	return ReadDocument(ctx, d, fn, fd)
}

// ReadDocument reads a document through a driver; fn "" is the ФН in place.
func ReadDocument(ctx context.Context, d kkt.Driver, fn string, fd uint32) (kkt.Stored, error) {
	r, ok := d.(kkt.DocumentReader)
	if !ok {
		return kkt.Stored{}, ErrUnreadable
	}
	if fn == "" {
		units, err := d.Units(ctx)
		if err != nil {
			return kkt.Stored{}, err
		}
		if len(units) != 1 || units[0].FN.Serial == "" {
			return kkt.Stored{}, fmt.Errorf("%d registers stand behind the lane, name the ФН: %w", len(units), ErrUnreadable)
		}
		fn = units[0].FN.Serial
	}
	stored, err := r.ReadDocument(ctx, fn, fd)
	if err == nil {
		return stored, nil
	}
	// Registers refuse a number that is none with a code of their own.
	units, look := d.Units(ctx)
	if look == nil && len(units) == 1 && units[0].FN.Serial == fn && fd > units[0].FN.LastFD {
		err = fmt.Errorf("the last document of ФН %s is %d: %w", fn, units[0].FN.LastFD, store.ErrNotFound)
	}
	return kkt.Stored{}, err
}
