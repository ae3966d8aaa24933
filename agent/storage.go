package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/display/panel"
)

// journalEvery is how often a disk that takes nothing is tried again.
const journalEvery = time.Second

// openJournal opens the journal. A disk that is full or can't be written does
// not end the agent: the display says why the machine must not sell, and the
// disk is tried until it takes records. nil when ctx ended meanwhile.
func (a *agent) openJournal(ctx context.Context, p panel.Panel) (*journal.Journal, error) {
	for said := false; ; said = true {
		j, err := a.tryJournal()
		if err == nil {
			return j, nil
		}
		for _, end := range []error{journal.ErrLocked, journal.ErrNewer, journal.ErrCorrupt, fs.ErrPermission, fs.ErrExist, unix.ENOTDIR} {
			if errors.Is(err, end) {
				return nil, err
			}
		}
		if !said {
			a.logger.Error("records can't be kept, the machine must not sell; trying on", "data", a.cfg.Data, "err", err)
			if p != nil {
				s := display.Screen{State: display.OutOfService, Reason: display.ReasonStorage, Lang: a.cfg.Lang, At: a.clock.Now().Wall}
				if err := p.Show(s); err != nil {
					a.logger.Warn("display", "err", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(journalEvery):
		}
	}
}

// tryJournal opens the journal and proves that it can be written.
func (a *agent) tryJournal() (*journal.Journal, error) {
	j, err := journal.Open(a.cfg.Data, a.clock)
	if err != nil {
		return nil, err
	}
	a.journal = j
	if err := a.identify(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// identify begins a new journal when the file was written by another agent: a
// card moved or copied. The hub would refuse the old one's numbers from us.
func (a *agent) identify() error {
	const kept = "identity"
	me := wire.Username(a.cfg.Operator, a.cfg.Agent)
	was, err := a.journal.Kept(kept)
	if err != nil {
		return err
	}
	if was != nil && string(was) != me {
		if _, err := a.journal.Begin(journal.WhyAgentChanged, fmt.Sprintf("now %s, before %s", me, was)); err != nil {
			return err
		}
	}
	return a.journal.Keep(kept, []byte(me)) // each time: a disk that takes nothing is found before the first sale
}
