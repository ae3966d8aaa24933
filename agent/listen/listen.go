// Package listen turns what a bus says into records of the journal: words from
// a source through recovery, events into records, records to the disk, and only
// then is the source told that it may forget and the display that something
// was sold.
package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// Recovery is what mdb/sales gives.
type Recovery interface {
	Word(mdb.Word) []sales.Event
	Advance(t int64) []sales.Event
	Lost(note string) []sales.Event
	Checkpoint() []byte
	Restore([]byte) error
}

// Log is what the journal gives.
type Log interface {
	Append([]journal.Entry, *journal.Mark) ([]journal.Stored, error)
	Mark() (journal.Mark, bool, error)
}

// Audience hears of what happens, in the order it happened. Its methods must
// not block for long: the bus goes on.
type Audience interface {
	Activity(sales.Event)        // nothing to journal: what goes on at the machine
	Written(journal.Stored)      // a record is on the disk
	Trouble(err error)           // records can't be written now; nil: they can again
	Listening(alive, ended bool) // the source answers; a file has ended
}

// Keeper is a source that holds words until it is told they are safe.
type Keeper interface {
	Keep(module.Cursor) error
}

// Recorder keeps what was heard for later (the flight recorder). Its methods
// must not block.
type Recorder interface {
	Begin(module.Fidelity)                            // a source was opened
	Lost(note string)                                 // before the next words
	Words(ws []mdb.Word, now int64, at clock.Reading) // ws are valid during the call
	State(checkpoint []byte)                          // of recovery after those words; kept by the recorder
	Event(sales.Event)                                // of those words
}

// silent is the recorder of a listener that has none.
type silent struct{}

func (silent) Begin(module.Fidelity)                  {}
func (silent) Lost(string)                            {}
func (silent) Words([]mdb.Word, int64, clock.Reading) {}
func (silent) State([]byte)                           {}
func (silent) Event(sales.Event)                      {}

// Config of a Listener.
type Config struct {
	URL       string // of the source, for people; secrets are cut
	Open      func(ctx context.Context, from module.Cursor) (module.Source, error)
	New       func(module.Fidelity) Recovery // a recovery that has heard nothing, for such a source
	Log       Log
	Clock     clock.Clock
	Terms     func() Terms // as of now: the catalogue may change them
	Audience  Audience
	Recorder  Recorder                             // nil: none
	SaveEvery time.Duration                        // how often the checkpoint is saved when nothing was sold; 0: 10 s
	Counts    func(Recovery) (bad int64)           // bad checksums so far; may be nil
	Wait      func(context.Context, time.Duration) // between tries; nil sleeps
	// AtArrival dates events by the moment their words came: a file read as
	// fast as it goes has no other tie to this machine's time.
	AtArrival bool
	ExitAtEnd bool // Run returns when a file ends
	Logger    *slog.Logger
}

// Listener is the loop. Make one with New and Run it once.
type Listener struct {
	cfg     Config
	rec     Recovery
	mark    journal.Mark
	saved   module.Cursor   // cursor of the last mark on the disk
	savedAt int64           // MonoMS of it
	pending []journal.Entry // made, not on the disk yet
	told    []note          // to tell once pending is on the disk
	last    clock.Reading   // when the last chunk came; zero: none in this run
	lastBus int64           // its Now
	retryAt int64           // MonoMS: a full disk is not asked at each chunk
	blocked bool            // the journal took nothing at the last try

	mu     sync.Mutex
	status Status
}

// note keeps events in order until the records among them are written:
// activity when record is false.
type note struct {
	record bool
	ev     sales.Event
}

// Status of listening.
type Status struct {
	Alive   bool
	Ended   bool  // a file was read to its end
	LastMS  int64 // MonoMS when a word was heard last; 0 never
	Words   int64
	BadSums int64
}

// New makes a Listener that goes on from the journal's mark.
func New(cfg Config) (*Listener, error) {
	if cfg.SaveEvery == 0 {
		cfg.SaveEvery = 10 * time.Second
	}
	if cfg.Wait == nil {
		cfg.Wait = sleep
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Recorder == nil {
		cfg.Recorder = silent{}
	}
	m, _, err := cfg.Log.Mark()
	if err != nil {
		return nil, fmt.Errorf("listen: read where listening stood: %w", err)
	}
	return &Listener{cfg: cfg, mark: m, saved: m.Cursor}, nil
}

// restore makes recovery for the first source that opens.
func (l *Listener) restore(f module.Fidelity) {
	l.rec = l.cfg.New(f)
	if l.mark.Checkpoint == nil {
		return
	}
	if err := l.rec.Restore(l.mark.Checkpoint); err != nil {
		l.rec = l.cfg.New(f)
		l.pending = append(l.pending, journal.Entry{Record: incident(l.cfg.Clock.Now(), "checkpoint_unreadable", err.Error())})
		l.told = append(l.told, note{record: true})
		return
	}
	l.cfg.Recorder.State(l.mark.Checkpoint)
}

func incident(at clock.Reading, code, detail string) wire.Record {
	r := dated(wire.KindIncident, at)
	r.Incident = &wire.Incident{Code: code, Detail: detail}
	return r
}

// Status as of now; may be called from any goroutine.
func (l *Listener) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Run listens until ctx ends, reopening the source as often as it breaks. It
// returns nil when ctx ended or ExitAtEnd was reached, and an error only when
// the journal can't go on.
func (l *Listener) Run(ctx context.Context) error {
	reason := "agent_down"
	wait := firstWait
	for ctx.Err() == nil {
		heard, err := l.session(ctx, reason)
		switch {
		case errors.Is(err, io.EOF):
			l.alive(false, true)
			if err := l.settleAll(ctx); err != nil || l.cfg.ExitAtEnd {
				return err
			}
			<-ctx.Done()
			return nil
		case errors.Is(err, journal.ErrCorrupt):
			return err
		case err != nil && ctx.Err() == nil:
			l.cfg.Logger.Warn("the bus is not heard", "source", Public(l.cfg.URL), "err", err)
		}
		l.alive(false, false)
		if heard {
			reason, wait = "module_lost", firstWait
		}
		if ctx.Err() == nil {
			l.cfg.Wait(ctx, wait/2+rand.N(wait/2+1))
			wait = min(wait*2, lastWait)
		}
	}
	// On the way out the newest checkpoint saves words from being heard twice.
	return fatal(l.save(l.cfg.Clock.Now(), true))
}

const (
	firstWait = 200 * time.Millisecond
	lastWait  = 10 * time.Second
)

// session reads one opening of the source until it breaks; heard tells that
// it gave at least one chunk.
func (l *Listener) session(ctx context.Context, reason string) (heard bool, err error) {
	src, err := l.cfg.Open(ctx, l.mark.Cursor)
	if err != nil {
		return false, fmt.Errorf("listen: open %s: %w", Public(l.cfg.URL), err)
	}
	defer func() { _ = src.Close() }()
	if l.rec == nil {
		l.restore(src.Fidelity())
	}
	l.cfg.Recorder.Begin(src.Fidelity())
	keeper, _ := src.(Keeper)
	for {
		c, err := src.Read(ctx)
		if err != nil {
			return heard, fmt.Errorf("listen: read %s: %w", Public(l.cfg.URL), err)
		}
		why := "words_lost"
		if !heard {
			heard = true
			l.alive(true, false)
			why = reason
			// A source that can't resume starts with whatever comes: what it
			// said since the last mark is lost though nobody says so.
			c.Lost = c.Lost || (l.mark.Cursor == (module.Cursor{}) && !l.mark.Heard.IsZero())
		}
		if err := l.chunk(c, why, keeper); err != nil {
			return heard, err
		}
		if l.blocked && len(l.pending) >= maxPending {
			l.cfg.Wait(ctx, time.Second)
		}
	}
}

// maxPending entries are held in memory while the disk is full; then the
// source has to keep its words itself.
const maxPending = 1000

// chunk takes what a source gave at once.
func (l *Listener) chunk(c module.Chunk, why string, keeper Keeper) error {
	now := l.cfg.Clock.Now()
	terms := l.cfg.Terms()
	if c.Lost {
		l.gap(now, why, c.Note)
		l.events(l.rec.Lost(c.Note), l.lastBus, l.before(now), terms)
		l.cfg.Recorder.Lost(c.Note)
	}
	for _, w := range c.Words {
		evs := l.rec.Word(w)
		fault.Point("listen.afterWord")
		if len(evs) > 0 {
			l.events(evs, c.Now, now, terms)
		}
	}
	l.events(l.rec.Advance(c.Now), c.Now, now, terms)
	l.cfg.Recorder.Words(c.Words, c.Now, now)
	l.mark.Cursor, l.mark.Heard = c.Next, now.Wall
	l.last, l.lastBus = now, c.Now
	l.count(len(c.Words), now)

	before := l.saved
	if err := l.save(now, false); err != nil {
		return fatal(err)
	}
	if keeper != nil && l.saved != before {
		if err := keeper.Keep(l.saved); err != nil {
			return fmt.Errorf("listen: tell the source what is safe: %w", err)
		}
	}
	return nil
}

func (l *Listener) events(evs []sales.Event, busNow int64, now clock.Reading, terms Terms) {
	for _, ev := range evs {
		l.cfg.Recorder.Event(ev)
		ago := time.Duration(max(busNow-ev.T, 0)) * time.Microsecond
		if l.cfg.AtArrival {
			ago = 0
		}
		e, ok := terms.Entry(ev, now.At(ago))
		if ok {
			fault.Point("listen.afterEvent")
			l.pending = append(l.pending, e)
		}
		l.told = append(l.told, note{record: ok, ev: ev})
	}
}

// before is the moment the source was last heard: what recovery settles
// because words were lost happened before it, on a module's clock that may be
// gone. After a restart of the agent only the wall clock tells.
func (l *Listener) before(now clock.Reading) clock.Reading {
	switch {
	case l.last != (clock.Reading{}):
		return l.last
	case !l.mark.Heard.IsZero() && l.mark.Heard.Before(now.Wall):
		l.lastBus = 0
		return clock.Reading{Wall: l.mark.Heard, Synced: now.Synced}
	}
	return now
}

func (l *Listener) gap(now clock.Reading, why, detail string) {
	from := l.mark.Heard
	if from.IsZero() || from.After(now.Wall) {
		from = now.Wall
	}
	r := dated(wire.KindGap, now)
	r.Gap = &wire.Gap{From: from.Truncate(1e6), To: now.Wall.Truncate(1e6), Reason: why, Detail: detail}
	l.pending = append(l.pending, journal.Entry{Record: r})
	l.told = append(l.told, note{record: true})
}

// save writes what is pending with the mark, and now and then the mark alone.
func (l *Listener) save(now clock.Reading, force bool) error {
	if len(l.pending) == 0 {
		l.tell(nil)
		if l.rec == nil {
			return nil
		}
		due := force || now.MonoMS-l.savedAt >= l.cfg.SaveEvery.Milliseconds()
		if !due || l.mark.Cursor == l.saved {
			return nil
		}
	}
	if l.blocked && now.MonoMS < l.retryAt && !force {
		return nil
	}
	m := l.mark
	m.Checkpoint = l.rec.Checkpoint()
	l.cfg.Recorder.State(m.Checkpoint)
	stored, err := l.cfg.Log.Append(l.pending, &m)
	if err != nil {
		l.retryAt = now.MonoMS + 1000
		if !l.blocked {
			l.cfg.Logger.Error("records can't be written", "err", err)
		}
		l.blocked = true
		l.cfg.Audience.Trouble(err)
		return err
	}
	if l.blocked {
		l.blocked = false
		l.cfg.Audience.Trouble(nil)
	}
	l.saved, l.savedAt = m.Cursor, now.MonoMS
	l.pending = l.pending[:0]
	l.tell(stored)
	return nil
}

// tell the audience, records and activities in their order.
func (l *Listener) tell(stored []journal.Stored) {
	for _, n := range l.told {
		if !n.record {
			l.cfg.Audience.Activity(n.ev)
			continue
		}
		l.cfg.Audience.Written(stored[0])
		stored = stored[1:]
	}
	clear(l.told)
	l.told = l.told[:0]
}

// settleAll keeps trying until what a finished file gave is written.
func (l *Listener) settleAll(ctx context.Context) error {
	for {
		err := l.save(l.cfg.Clock.Now(), true)
		if err == nil || fatal(err) != nil || ctx.Err() != nil {
			return fatal(err)
		}
		l.cfg.Wait(ctx, time.Second)
	}
}

// fatal sorts out what ends listening. After anything else (a full disk) it
// goes on: entries wait in memory and the source is not told to forget.
func fatal(err error) error {
	if errors.Is(err, journal.ErrCorrupt) {
		return err
	}
	return nil
}

func (l *Listener) alive(alive, ended bool) {
	l.mu.Lock()
	changed := l.status.Alive != alive || l.status.Ended != ended
	l.status.Alive, l.status.Ended = alive, ended
	l.mu.Unlock()
	if changed {
		l.cfg.Audience.Listening(alive, ended)
	}
}

func (l *Listener) count(words int, now clock.Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Words += int64(words)
	if words > 0 {
		l.status.LastMS = now.MonoMS
	}
	if l.cfg.Counts != nil {
		l.status.BadSums = l.cfg.Counts(l.rec)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Public is a source's URL without user and password.
func Public(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return raw
	}
	u.User = url.User("…")
	return u.String()
}
