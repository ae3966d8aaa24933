package simulate

import (
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/screen"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/mdb/sales"
)

// The audience of listening and of the uplink does what agent/hear.go does.

// Activity implements listen.Audience.
func (a *agent) Activity(ev sales.Event) {
	switch ev.Code {
	case sales.ActivityVendStarted:
		column := -1
		if ev.ItemKnown {
			column = int(ev.Item)
		}
		a.put(screen.VendStarted{Column: column})
	case sales.ActivityVendEnded:
		a.put(screen.VendEnded{})
	}
}

// Written implements listen.Audience.
func (a *agent) Written(s journal.Stored) {
	if s.Record.Kind == wire.KindSale {
		a.w.tell("%s has written sale %d, %d kopecks", a.name(), s.Seq, s.Record.Sale.Amount.Minor)
		a.put(a.soldOf(s.Record))
		a.w.written(a, s.Record)
	}
	a.uplink.Nudge()
}

func (a *agent) soldOf(r wire.Record) screen.Sold {
	s := screen.Sold{Journal: r.Journal, Seq: r.Seq, At: r.MonoMS, Column: -1}
	if r.Sale.ColKnown {
		s.Column = r.Sale.Column
	}
	if r.Sale.Amount.Known {
		s.Minor = r.Sale.Amount.Minor
	}
	return s
}

// Trouble implements listen.Audience.
func (a *agent) Trouble(err error) {
	reason := ""
	if err != nil {
		reason = display.ReasonStorage
		a.w.seen[AgentDiskFull]++
	}
	a.put(screen.Trouble{Reason: reason})
}

// Listening implements listen.Audience.
func (a *agent) Listening(alive, ended bool) { a.put(screen.Bus{Alive: alive || ended}) }

// Told implements uplink.Machine.
func (a *agent) Told(r wire.Receipt) {
	if a.w.plan.Break == OlderReceipt {
		if last, ok, err := a.journal.LastSale(); err == nil && ok {
			r.Journal, r.Seq = last.Record.Journal, last.Record.Seq
		}
	}
	a.put(screen.Told{Receipt: r})
}

// Heard implements uplink.Machine.
func (a *agent) Heard() { a.put(screen.Heard{}) }

// Link implements uplink.Machine.
func (a *agent) Link(up bool) { a.put(screen.Link{Up: up}) }

// Configured implements uplink.Machine.
func (a *agent) Configured(c wire.Config) {
	a.catalog = c
	a.put(screen.Policy{Config: c})
}

// Command implements uplink.Machine.
func (a *agent) Command(wire.Command) wire.Result { return wire.Result{OK: true} }

// Fill implements uplink.Machine.
func (a *agent) Fill(s *wire.State) {
	now, _ := a.screen.Screen()
	s.Screen, s.Reason, s.Display, s.DiskFree = string(now.State), a.screen.Off(), a.w.now >= a.panelDead, -1
	if a.listen != nil {
		s.Bus = wire.BusState{Source: "sim://module", Alive: a.listen.Status().Alive}
	}
}

// put tells the screen's machine what happened and has the panel draw what came
// of it (agent/screen/board.go).
func (a *agent) put(in screen.Input) {
	for _, s := range a.screen.Step(a.mono(), in) {
		a.point("screen.beforeShown")
		_ = a.journal.Shown(s) // told again at the worst
	}
	now, n := a.screen.Screen()
	if n == a.frame {
		return
	}
	a.frame = n
	if a.w.now < a.panelDead {
		a.w.seen[PanelDead]++
		return
	}
	a.point("screen.beforeDraw")
	if now.State == display.ReceiptReady {
		a.w.tell("%s shows a QR: %s, %d kopecks, %s", a.name(), now.Item, now.Amount, now.Receipt)
		a.w.checkScreen(a, now)
	}
	a.point("screen.afterDraw")
	run := a.run
	a.w.after(30, func() {
		if a.run == run {
			a.act(func() { a.put(screen.Drawn{Frame: n}) })
			a.wake(1)
		}
	})
}
