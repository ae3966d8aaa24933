// Package screen decides what a machine's display shows. Machine is the pure
// step machine; Board runs it over real panels.
//
// The rule it keeps above all: a QR code on the screen is that of the
// machine's newest sale. An older sale's receipt that comes later is noted as
// superseded, never shown.
package screen

import (
	"fmt"
	"math"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
)

// Times are in ms of the boot's own clock; a sale of an earlier boot has a
// time before 0.
const (
	delayedAfter = 20_000  // «чек формируется» becomes «чек задерживается»
	lateAfter    = 180_000 // from the sale: the buyer has gone
	busGrace     = 10_000  // the module may be away that long before the machine says so
	defaultShow  = 60_000
	never        = math.MaxInt64
)

// Results of a receipt on the panel (wire.Shown).
const (
	ResultShown       = "shown"
	ResultLate        = "late"
	ResultSuperseded  = "superseded"
	ResultDisplayDead = "display_dead"
	ResultUnfit       = "display_unfit" // the panel is too small for a receipt's QR
)

// Input of a step.
type Input interface{ input() }

// What a Machine hears of.
type (
	VendStarted struct{ Column int } // -1 unknown
	VendEnded   struct{}
	// Sold is a sale that is on the disk.
	Sold struct {
		Journal string
		Seq     int64
		At      int64 // of the deciding word
		Column  int   // -1 unknown
		Minor   int64 // kopecks; 0 unknown
		Settled bool  // its receipt's fate on the panel was settled before a restart
	}
	Told    struct{ Receipt wire.Receipt } // the hub's word on a sale
	Heard   struct{}                       // the hub said something
	Link    struct{ Up bool }              // the hub can be told now
	Display struct{ Alive bool }           // the panel shows what it is given
	Drawn   struct {                       // this frame stands on the panel
		Frame int64
		Unfit bool // the panel is too small to stand for a receipt
	}
	Trouble struct{ Reason string }      // records can't be kept: why; "" they can
	Bus     struct{ Alive bool }         // the module answers
	Policy  struct{ Config wire.Config } // the hub's catalogue
	Tick    struct{}                     // time has passed
)

func (VendStarted) input() {}
func (VendEnded) input()   {}
func (Sold) input()        {}
func (Told) input()        {}
func (Heard) input()       {}
func (Link) input()        {}
func (Display) input()     {}
func (Drawn) input()       {}
func (Trouble) input()     {}
func (Bus) input()         {}
func (Policy) input()      {}
func (Tick) input()        {}

type key struct {
	journal string
	seq     int64
}

// current is the newest sale and how far its buyer is served.
type current struct {
	key
	at      int64
	item    string
	minor   int64
	told    *wire.Receipt
	toldAt  int64
	drawnAt int64 // 0: its QR has not stood on a panel
	settled bool  // its result is reported
	closed  bool  // its screen is over
}

// Machine is the step machine. The zero value is not ready: use New.
type Machine struct {
	now     int64
	cfg     wire.Config
	vending bool
	column  int
	sale    *current
	heardAt int64
	linkUp  bool
	lostAt  int64 // when the link went, or the start
	panelOK bool
	trouble string
	busDead int64 // since when; never: it is alive

	screen display.Screen
	frame  int64
	frames [8]frameOf // which sale's QR the last frames carried
}

type frameOf struct {
	n int64
	key
}

// New makes a machine at a time.
func New(now int64) *Machine {
	m := &Machine{now: now, heardAt: now, lostAt: now, panelOK: true, busDead: never, column: -1}
	m.draw()
	return m
}

// Screen to be shown now and its frame number, which grows with each change.
func (m *Machine) Screen() (display.Screen, int64) { return m.screen, m.frame }

// Step takes what happened and returns results to be journaled.
func (m *Machine) Step(now int64, in Input) (out []wire.Shown) {
	m.now = max(m.now, now)
	report := func(result string) {
		if s := m.sale; !s.settled {
			s.settled = true
			out = append(out, m.result(s, result))
		}
	}
	m.lapse(report)
	switch in := in.(type) {
	case VendStarted:
		m.vending, m.column = true, in.Column
		if m.sale != nil && m.sale.drawnAt != 0 {
			m.sale.closed = true
		}
	case VendEnded:
		m.vending, m.column = false, -1
	case Sold:
		if s := m.sale; s != nil && s.done() && !s.settled {
			report(m.unseen(ResultSuperseded))
		}
		m.sale = &current{key: key{in.Journal, in.Seq}, at: in.At, item: m.name(in.Column), minor: in.Minor,
			settled: in.Settled, closed: in.Settled}
		m.vending = false
	case Told:
		m.heardAt = m.now
		out = append(out, m.receipt(in.Receipt)...)
	case Heard:
		m.heardAt = m.now
	case Link:
		if m.linkUp && !in.Up {
			m.lostAt = m.now
		}
		m.linkUp = in.Up
	case Display:
		m.panelOK = in.Alive
	case Drawn:
		out = append(out, m.drawn(in.Frame, in.Unfit)...)
	case Trouble:
		m.trouble = in.Reason
	case Bus:
		switch {
		case in.Alive:
			m.busDead = never
		case m.busDead == never:
			m.busDead = m.now
		}
	case Policy:
		m.policy(in.Config)
	}
	m.lapse(report)
	m.draw()
	return out
}

func (s *current) done() bool { return s.told != nil && s.told.State == wire.FiscalDone }
func (s *current) held() bool { return s.told != nil && s.told.State == wire.FiscalHeld }

// policy takes the hub's catalogue. When receipts can be made again, what was
// said of the sale before holds no more: it waits for its turn.
func (m *Machine) policy(c wire.Config) {
	works := m.cfg.LateReason != "" && c.LateReason == ""
	m.cfg = c
	if s := m.sale; works && s != nil && !s.done() && !s.held() {
		s.told, s.toldAt = &wire.Receipt{Journal: s.journal, Seq: s.seq, State: wire.FiscalPending, Reason: display.ReasonQueue}, m.now
	}
}

// receipt takes the hub's word on a sale.
func (m *Machine) receipt(r wire.Receipt) []wire.Shown {
	s := m.sale
	if s == nil || s.key != (key{r.Journal, r.Seq}) {
		if r.State != wire.FiscalDone {
			return nil
		}
		result := ResultSuperseded
		if s == nil {
			result = ResultLate
		}
		return []wire.Shown{{Journal: r.Journal, Seq: r.Seq, Result: result}}
	}
	if s.done() {
		return nil // repeated
	}
	s.told, s.toldAt = &r, m.now
	switch {
	case r.State == wire.FiscalNone:
		s.closed = true
	case r.State == wire.FiscalDone && s.closed && !s.settled:
		s.settled = true
		return []wire.Shown{m.result(s, ResultLate)}
	}
	return nil
}

func (m *Machine) drawn(frame int64, unfit bool) []wire.Shown {
	f := m.frames[frame%int64(len(m.frames))]
	s := m.sale
	if f.n != frame || f.key == (key{}) || s == nil || s.key != f.key || s.drawnAt != 0 {
		return nil
	}
	s.drawnAt = max(m.now, 1)
	if s.settled {
		return nil
	}
	s.settled = true
	if unfit {
		return []wire.Shown{m.result(s, ResultUnfit)}
	}
	return []wire.Shown{m.result(s, ResultShown)}
}

func (m *Machine) result(s *current, result string) wire.Shown {
	return wire.Shown{Journal: s.journal, Seq: s.seq, AfterMS: max(m.now-s.at, 0), Result: result}
}

// unseen is why a receipt that was there has not been drawn.
func (m *Machine) unseen(otherwise string) string {
	if !m.panelOK {
		return ResultDisplayDead
	}
	return otherwise
}

// lapse ends the newest sale's screen when its time is over.
func (m *Machine) lapse(report func(string)) {
	s := m.sale
	if s == nil || s.closed || m.now < s.ends(m.show()) {
		return
	}
	s.closed = true
	if s.done() && s.drawnAt == 0 {
		report(m.unseen(ResultLate))
	}
}

// ends is when the sale's screen is over.
func (s *current) ends(show int64) int64 {
	switch {
	case s.drawnAt != 0:
		return s.drawnAt + show
	case s.done():
		return s.toldAt + show
	case s.held():
		return s.toldAt + show
	}
	return s.at + lateAfter
}

func (m *Machine) show() int64 {
	if m.cfg.ShowSec > 0 {
		return int64(m.cfg.ShowSec) * 1000
	}
	return defaultShow
}

// Due is when the next Tick is wanted; ok is false when time changes nothing.
func (m *Machine) Due() (at int64, ok bool) {
	at = never
	if s := m.sale; s != nil && !s.closed {
		at = min(at, s.ends(m.show()))
		if d := s.at + delayedAfter; !s.done() && !s.held() && d > m.now {
			at = min(at, d)
		}
	}
	if stop := m.silentAt(); stop > m.now {
		at = min(at, stop)
	}
	if s := m.sale; s != nil && s.at+m.show() > m.now {
		at = min(at, s.at+m.show())
	}
	if lost := m.lostAt + delayedAfter; !m.linkUp && lost > m.now {
		at = min(at, lost)
	}
	if m.busDead != never && m.busDead+busGrace > m.now {
		at = min(at, m.busDead+busGrace)
	}
	return at, at != never
}

func (m *Machine) silentAt() int64 {
	if m.cfg.StopAfterM <= 0 {
		return never
	}
	return m.heardAt + int64(m.cfg.StopAfterM)*time.Minute.Milliseconds()
}

// Off is why the machine should not sell; "" it may.
func (m *Machine) Off() string {
	switch {
	case m.trouble != "":
		return m.trouble
	case m.busDead != never && m.now >= m.busDead+busGrace:
		return display.ReasonBusSilent
	case m.cfg.NeedPanel && !m.panelOK:
		return display.ReasonDisplayDead
	case m.now >= m.silentAt():
		return display.ReasonHubSilent
	case m.cfg.Version == 0:
		return display.ReasonConfig
	}
	return m.cfg.OffReason
}

// draw makes the screen of the state; a new frame only when it differs.
func (m *Machine) draw() {
	next := display.Screen{State: display.Idle, Machine: m.cfg.Serial, Seller: m.cfg.Seller, Lang: m.cfg.Lang}
	off := m.Off()
	s := m.sale
	open := s != nil && !s.closed && !m.vending
	if open && off != "" && !s.done() && m.now >= s.at+m.show() {
		open = false // the next buyer must be warned; a receipt that comes yet is shown
	}
	switch {
	case open:
		m.buyer(&next, s, off)
	case off != "":
		next.State, next.Reason = display.OutOfService, off
	case m.vending:
		next.State, next.Item = display.Vending, m.name(m.column)
	}
	if next == m.screen && m.frame > 0 {
		return
	}
	m.frame++
	m.screen = next
	f := frameOf{n: m.frame}
	if next.State == display.ReceiptReady {
		f.key = s.key
	}
	m.frames[m.frame%int64(len(m.frames))] = f
}

// buyer draws what the buyer of the newest sale waits for.
func (m *Machine) buyer(next *display.Screen, s *current, off string) {
	next.Item, next.Amount = s.item, s.minor
	if s.done() {
		r := s.told
		next.State, next.QR, next.Test = display.ReceiptReady, r.QR, r.Test
		if next.Receipt = fmt.Sprintf("ФД %d", r.FD); r.At != "" {
			next.Receipt += " · " + when(r.At)
		}
		if r.Item != "" {
			next.Item = r.Item
		}
		if r.Minor != 0 {
			next.Amount = r.Minor
		}
		return
	}
	held, late := s.held(), ""
	switch {
	case m.linkUp:
		late = m.cfg.LateReason // without a link the hub's word is old
	case m.now >= m.lostAt+delayedAfter: // no need to keep the buyer standing for it
		late = display.ReasonHubSilent
	}
	if !held && late == "" && m.now < s.at+delayedAfter {
		next.State = display.Forming
		return
	}
	next.State = display.Delayed
	switch {
	case held:
		next.Reason = display.ReasonHeld
	case late != "":
		next.Reason = late
	case s.told != nil && s.told.Reason != "":
		next.Reason = s.told.Reason
	case !m.linkUp:
		next.Reason = display.ReasonHubSilent
	case off != "":
		next.Reason = off
	default:
		next.Reason = display.ReasonUnknown
	}
}

// when turns "2006-01-02T15:04" into "02.01.2006 15:04" and leaves else alone.
func when(at string) string {
	t, err := time.Parse("2006-01-02T15:04", at)
	if err != nil {
		return at
	}
	return t.Format("02.01.2006 15:04")
}

func (m *Machine) name(column int) string {
	for _, c := range m.cfg.Columns {
		if c.Column == column {
			return c.Name
		}
	}
	return ""
}
