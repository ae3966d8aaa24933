package main

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/screen"
	"github.com/chekomat/chekomat/agent/uplink"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/mdb/sales"
)

var (
	_ listen.Audience = (*agent)(nil)
	_ uplink.Machine  = (*agent)(nil)
)

// Activity of the bus goes to the display.
func (a *agent) Activity(ev sales.Event) {
	switch ev.Code {
	case sales.ActivityVendStarted:
		column := -1
		if ev.ItemKnown {
			column = int(ev.Item)
		}
		a.board.Put(screen.VendStarted{Column: column})
	case sales.ActivityVendEnded:
		a.board.Put(screen.VendEnded{})
	}
}

// Written records go to the hub, sales to the display.
func (a *agent) Written(s journal.Stored) {
	if s.Record.Kind == wire.KindSale && !free(s.Record) {
		a.board.Put(sold(s.Record, a.clock.Now()))
	}
	a.uplink.Nudge()
}

// free goods have no receipt to wait for; the one on the display stays.
func free(r wire.Record) bool { return r.Sale.Amount.Known && r.Sale.Amount.Minor == 0 }

// sold is a sale as the display needs it.
func sold(r wire.Record, now clock.Reading) screen.Sold {
	s := screen.Sold{Journal: r.Journal, Seq: r.Seq, At: r.MonoMS, Column: -1}
	if r.Boot != now.Boot {
		s.At = now.MonoMS - max(now.Wall.Sub(r.Wall).Milliseconds(), 0)
	}
	if r.Sale.ColKnown {
		s.Column = r.Sale.Column
	}
	if r.Sale.Amount.Known {
		s.Minor = r.Sale.Amount.Minor
	}
	return s
}

// Trouble with the disk stops the machine.
func (a *agent) Trouble(err error) {
	reason := ""
	if err != nil {
		reason = display.ReasonStorage
	}
	a.board.Put(screen.Trouble{Reason: reason})
}

// Listening tells whether the bus is heard; a file that ended is no trouble.
func (a *agent) Listening(alive, ended bool) {
	a.board.Put(screen.Bus{Alive: alive || ended})
	a.uplink.Changed()
}

// Told brings a receipt, or why there is none.
func (a *agent) Told(r wire.Receipt) { a.board.Put(screen.Told{Receipt: r}) }

// Heard tells that the hub is not silent.
func (a *agent) Heard() { a.board.Put(screen.Heard{}) }

// Link tells whether the hub answers.
func (a *agent) Link(up bool) {
	a.hub.Store(up)
	a.board.Put(screen.Link{Up: up})
}

// Configured takes the hub's catalogue.
func (a *agent) Configured(c wire.Config) {
	if c.Lang == "" {
		c.Lang = a.cfg.Lang
	}
	a.catalog.Store(&c)
	if c.Version != 0 {
		a.plan.Do(func() { close(a.planned) })
	}
	a.board.Put(screen.Policy{Config: c})
}

// Command of the hub.
func (a *agent) Command(c wire.Command) wire.Result {
	switch c.Kind {
	case "identify":
		serial := ""
		if cat := a.catalog.Load(); cat != nil {
			serial = cat.Serial
		}
		return wire.Result{OK: true, Detail: serial}
	case "restart":
		a.restart(errRestart)
		return wire.Result{OK: true}
	case wire.CommandTrace:
		return a.sendTraces(c)
	}
	return wire.Result{Detail: errors.ErrUnsupported.Error() + ": " + c.Kind}
}

// Fill tells of screen, display, bus and disk.
func (a *agent) Fill(s *wire.State) {
	v := a.board.View()
	s.Screen, s.Reason, s.Display = string(v.State), v.Off, v.Alive
	l := a.listen.Status()
	s.Bus = wire.BusState{Source: listen.Public(a.cfg.Bus.URL), Alive: l.Alive, Words: l.Words, BadSums: l.BadSums}
	if l.LastMS != 0 {
		s.Bus.QuietMS = max(a.clock.Now().MonoMS-l.LastMS, 0)
	}
	s.DiskFree = -1
	var fs unix.Statfs_t
	if unix.Statfs(a.cfg.Data, &fs) == nil {
		s.DiskFree = int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert // 32 bits on armhf
	}
}

func (a *agent) status() Status {
	s := Status{Agent: wire.Username(a.cfg.Operator, a.cfg.Agent), Hub: a.hub.Load()}
	if c := a.catalog.Load(); c != nil {
		s.Serial, s.State.Config = c.Serial, c.Version
	}
	if h, err := a.journal.Heads(); err == nil {
		s.Journal, s.State.Head, s.State.Unacked = h.Journal, h.Head, h.Unacked
	}
	s.State.V, s.State.Online, s.State.Wall = wire.Version, s.Hub, a.clock.Now().Wall
	a.Fill(&s.State)
	return s
}
