package ingest

import (
	"context"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store"
)

// Redecide judges a held record anew by the facts as they stand now; vouched: a
// person says that it was a sale. Its machine is told.
func (i *Ingest) Redecide(ctx context.Context, operator string, record int64, vouched bool, actor string) error {
	t, err := i.store.Redecide(ctx, operator, record, vouched, actor)
	return i.decided(t, err)
}

// Drop closes a held record without a receipt. Its machine is told.
func (i *Ingest) Drop(ctx context.Context, operator string, record int64, why, actor string) error {
	t, err := i.store.Drop(ctx, operator, record, why, actor)
	return i.decided(t, err)
}

// PutAside closes a message of the quarantine without taking it in.
func (i *Ingest) PutAside(ctx context.Context, operator string, item int64, why, actor string) error {
	return i.store.PutAside(ctx, operator, item, why, actor)
}

// Retake takes a message of the quarantine in again, after an upgrade or with
// other limits. ErrStillRefused of package store when it is not understood yet.
func (i *Ingest) Retake(ctx context.Context, id int64, actor string) error {
	q, err := i.store.QuarantineByID(ctx, id)
	if err != nil {
		return err
	}
	a := Parse(q.Raw, q.Received, Limits{Amount: i.o.MaxAmount})
	a.Topic = q.Topic
	if q.Reason == wire.RefusedAmount { // a person has looked at it
		a = Parse(q.Raw, q.Received, Limits{Amount: maxSeq})
		a.Topic = q.Topic
	}
	t, err := i.store.Retake(ctx, id, a, actor)
	return i.decided(t, err)
}

func (i *Ingest) decided(t store.Taken, err error) error {
	if err != nil {
		return err
	}
	i.count(t)
	i.answer(t.Operator, t.Agent, t)
	return nil
}
