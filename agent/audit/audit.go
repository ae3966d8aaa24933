// Package audit reads the machine's own counters on a schedule and puts each
// reading into the journal, among the sales it counts. What was gained since
// the reading before is made out here, where both reports are; whether it
// agrees with what the bus said is the hub's to find.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

// Failed is the code of the incident that tells of readings that fail.
const Failed = "audit_failed"

// Log is what the journal gives.
type Log interface {
	Append([]journal.Entry, *journal.Mark) ([]journal.Stored, error)
	Heads() (journal.Heads, error)
	Keep(name string, body []byte) error
	Kept(name string) ([]byte, error)
}

// Config of an Auditor.
type Config struct {
	Read     func(context.Context) ([]byte, error) // one reading; Port.Read
	Protocol string                                // for the record
	Schedule Schedule
	Zone     func() *time.Location // of a daily schedule, may change; nil is UTC
	Log      Log
	Clock    clock.Clock
	Written  func(journal.Stored)                 // a record is on the disk; nil: nobody
	Wait     func(context.Context, time.Duration) // nil sleeps
	Logger   *slog.Logger
}

// Auditor reads on schedule. Make one with New and Run it once.
type Auditor struct {
	cfg  Config
	kept kept
}

// kept is what outlives a restart: the last reading and how the tries went.
type kept struct {
	History
	Told    time.Time  // when a failure was put into the journal last; zero: not since a good reading
	Journal string     // record of the last reading
	Seq     int64      //
	Last    wire.Audit // its report; Bytes 0: none
}

const keptName = "audit"

// New makes an Auditor that goes on where the journal's file says.
func New(cfg Config) (*Auditor, error) {
	if cfg.Wait == nil {
		cfg.Wait = sleep
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &Auditor{cfg: cfg}
	body, err := cfg.Log.Kept(keptName)
	if err != nil {
		return nil, fmt.Errorf("audit: read the last reading: %w", err)
	}
	if len(body) > 0 && json.Unmarshal(body, &a.kept) != nil {
		a.kept = kept{} // the next reading is a first one
	}
	return a, nil
}

// look is how often the clock is asked: it may be put right at any time.
const look = time.Minute

// Run reads until ctx ends. It returns an error only when the journal is
// damaged.
func (a *Auditor) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s := a.cfg.Schedule
		if a.cfg.Zone != nil {
			s.Zone = a.cfg.Zone()
		}
		now := a.cfg.Clock.Now().Wall
		if next := s.Next(a.kept.History, now); next.After(now) {
			a.cfg.Wait(ctx, min(next.Sub(now), look))
			continue
		}
		if err := a.Once(ctx); errors.Is(err, journal.ErrCorrupt) {
			return err
		}
	}
	return nil
}

// Once reads now. The error says why there is no record; it has been put into
// the journal as an incident unless one of the same day tells of it.
func (a *Auditor) Once(ctx context.Context) error {
	err := a.read(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	}
	a.cfg.Logger.Warn("the machine's counters are not read", "err", err)
	return errors.Join(err, a.fail(err))
}

func (a *Auditor) read(ctx context.Context) error {
	before, err := a.cfg.Log.Heads()
	if err != nil {
		return err
	}
	began := a.cfg.Clock.Now()
	raw, err := a.cfg.Read(ctx)
	if err != nil {
		return err
	}
	report, err := parse(raw)
	if err != nil {
		return err
	}
	now := a.cfg.Clock.Now()
	var rec wire.Audit
	if old, err := a.kept.Last.Raw(); err == nil && old != nil {
		if earlier, err := parse(old); err == nil {
			rec = describe(&report, &earlier)
			rec.Since.Journal, rec.Since.Seq = a.kept.Journal, a.kept.Seq
		}
	}
	if rec.Since == nil {
		rec = describe(&report, nil)
	}
	rec.Protocol, rec.Head, rec.TookMS = a.cfg.Protocol, before.Head, now.Since(began, 0).Milliseconds()
	if err := rec.Keep(raw); err != nil {
		return err
	}
	r := dated(wire.KindAudit, now)
	r.Audit = &rec
	stored, err := a.append(r)
	if err != nil {
		return err
	}
	// A crash here compares the next reading with the one before this: its
	// period then covers both, and says so by the record it names.
	last := wire.Audit{Bytes: rec.Bytes, Report: rec.Report, Packed: rec.Packed}
	return a.keep(kept{History: History{Good: now.Wall, Tried: now.Wall}, Journal: stored.Journal, Seq: stored.Seq, Last: last})
}

// retell is how often a failure that lasts is told again.
const retell = 24 * time.Hour

func (a *Auditor) fail(why error) error {
	now := a.cfg.Clock.Now()
	k := a.kept
	k.Tried = now.Wall
	k.Failures++
	var err error
	if k.Told.IsZero() || now.Wall.Sub(k.Told) >= retell || k.Told.After(now.Wall.Add(retell)) {
		r := dated(wire.KindIncident, now)
		r.Incident = &wire.Incident{Code: Failed, Detail: why.Error()}
		if _, err = a.append(r); err == nil {
			k.Told = now.Wall
		}
	}
	return errors.Join(err, a.keep(k))
}

func (a *Auditor) append(r wire.Record) (journal.Stored, error) {
	stored, err := a.cfg.Log.Append([]journal.Entry{{Record: r}}, nil)
	if err != nil {
		return journal.Stored{}, err
	}
	if a.cfg.Written != nil {
		a.cfg.Written(stored[0])
	}
	return stored[0], nil
}

// keep holds in memory what the disk may refuse, so that a full disk is not
// asked again and again.
func (a *Auditor) keep(k kept) error {
	a.kept = k
	body, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("audit: write the last reading as JSON: %w", err)
	}
	return a.cfg.Log.Keep(keptName, body)
}

func dated(kind wire.RecordKind, at clock.Reading) wire.Record {
	return wire.Record{Kind: kind, Wall: at.Wall.Truncate(time.Millisecond), Synced: at.Synced, Boot: at.Boot, MonoMS: at.MonoMS}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
