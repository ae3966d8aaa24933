package till

import (
	"context"

	"github.com/chekomat/chekomat/fiscal"
)

// What a person decides. Each decision is a row of the job's history with the
// person's token name and reason.

// Retry puts a held job back into the queue. store.ErrMayExist while an attempt
// of it may have been made.
func (t *Till) Retry(ctx context.Context, job, actor, why string) error {
	if err := t.store.RetryJob(ctx, job, actor, why); err != nil {
		return err
	}
	t.tell(job)
	return nil
}

// Drop decides that the job's document is not to be made.
func (t *Till) Drop(ctx context.Context, job, actor, why string) error {
	also, err := t.store.DropJob(ctx, job, actor, why)
	if err != nil {
		return err
	}
	t.tell(append(also, job)...)
	return nil
}

// Bind decides that a document recorded as foreign is the job's.
func (t *Till) Bind(ctx context.Context, job, fn string, fd uint32, actor, why string) error {
	j, err := t.store.Job(ctx, job)
	if err != nil {
		return err
	}
	released, err := t.store.BindJob(ctx, job, fn, fd, actor, why)
	if err != nil {
		return err
	}
	t.tell(append(released, job)...)
	if j.Lane != "" {
		t.LaneChanged(j.Lane) // its attempt is no longer to be settled
	}
	return nil
}

// NotMade decides, on the word of a person who looked, that the job's open
// attempt was not made; the job is tried again under a new key.
func (t *Till) NotMade(ctx context.Context, job, actor, why string) error {
	j, err := t.store.Job(ctx, job)
	if err != nil {
		return err
	}
	if err := t.store.DeclareNotMade(ctx, job, actor, why); err != nil {
		return err
	}
	t.tell(job)
	if j.Lane != "" {
		t.LaneChanged(j.Lane)
	}
	return nil
}

// Made decides that a document is the job's which no register can be asked for
// any more: r is typed from the OFD's data (store.DeclareMade).
func (t *Till) Made(ctx context.Context, job string, r fiscal.Receipt, actor, why string) error {
	j, err := t.store.Job(ctx, job)
	if err != nil {
		return err
	}
	released, err := t.store.DeclareMade(ctx, job, r, actor, why)
	if err != nil {
		return err
	}
	t.tell(append(released, job)...)
	if j.Lane != "" {
		t.LaneChanged(j.Lane)
	}
	return nil
}

// Resume lets a lane go on that stands. The person has mended what it stands
// on, or answers for it: a register whose last number is lower than the one
// remembered is counted anew from its own, a document that can't be read is
// taken for foreign.
func (t *Till) Resume(ctx context.Context, lane, actor, why string) error {
	if err := t.store.LetLaneGo(ctx, lane, string(Starting), actor+": "+why); err != nil {
		return err
	}
	t.set.Log.Info("till: a person lets a lane go on", "lane", lane, "actor", actor, "why", why)
	t.LaneChanged(lane)
	return nil
}
