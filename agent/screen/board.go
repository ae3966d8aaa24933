package screen

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/display/panel"
	"github.com/chekomat/chekomat/fault"
)

// Log keeps what became of receipts on the panel.
type Log interface{ Shown(wire.Shown) error }

// View is what others may know of the display.
type View struct {
	State  display.State
	Off    string // why the machine should not sell; "" it may
	Reason string // of the screen
	Alive  bool   // the panel shows what it is given
}

// Board runs a Machine over a panel (several: panel.Many). Make it with NewBoard, Put what happens,
// Run it once.
type Board struct {
	panel  panel.Panel // nil: the machine has none
	clock  clock.Clock
	log    Log
	tell   func() // what View or the log gives has changed
	logger *slog.Logger
	in     chan Input
	job    chan frame // to the painter, newest wins
	mu     sync.Mutex
	view   View
}

type frame struct {
	n int64
	s display.Screen
}

// lookEvery is how often the panel's health is looked at and a frame that was
// not taken is given again.
const lookEvery = 2 * time.Second

// NewBoard makes a board; p may be nil. tell is called, from the board's goroutine, when
// what is reported of it has changed.
func NewBoard(p panel.Panel, c clock.Clock, log Log, tell func(), logger *slog.Logger) *Board {
	return &Board{panel: p, clock: c, log: log, tell: tell, logger: logger,
		in: make(chan Input, 256), job: make(chan frame, 1)}
}

// Put hands over what happened. It blocks only while 256 inputs wait.
func (b *Board) Put(in Input) { b.in <- in }

// View as of now; may be called from any goroutine.
func (b *Board) View() View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view
}

// Run shows screens until ctx ends.
func (b *Board) Run(ctx context.Context) {
	m := New(b.clock.Now().MonoMS)
	done := make(chan struct{})
	go func() { defer close(done); b.paint(ctx) }()
	defer func() { <-done }()

	timer := time.NewTimer(0)
	defer timer.Stop()
	var drawn int64
	b.step(m, Display{Alive: b.panel != nil}, &drawn)
	for {
		if at, ok := m.Due(); ok {
			timer.Reset(time.Duration(max(at-b.clock.Now().MonoMS, 1)) * time.Millisecond)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case in := <-b.in:
			b.step(m, in, &drawn)
		case <-timer.C:
			b.step(m, Tick{}, &drawn)
		}
	}
}

func (b *Board) step(m *Machine, in Input, drawn *int64) {
	shown := m.Step(b.clock.Now().MonoMS, in)
	for _, s := range shown {
		fault.Point("screen.beforeShown")
		if err := b.log.Shown(s); err != nil {
			b.logger.Error("what was shown can't be kept", "seq", s.Seq, "result", s.Result, "err", err)
		}
	}
	s, n := m.Screen()
	if n != *drawn {
		*drawn = n
		s.At = b.clock.Now().Wall
		select {
		case <-b.job: // an older frame nobody has begun to paint
		default:
		}
		b.job <- frame{n, s}
	}
	v := View{State: s.State, Off: m.Off(), Reason: s.Reason, Alive: m.panelOK}
	b.mu.Lock()
	changed := len(shown) > 0 || v.Off != b.view.Off || v.Alive != b.view.Alive
	b.view = v
	b.mu.Unlock()
	if changed && b.tell != nil {
		b.tell()
	}
}

// paint shows the newest frame and watches the panel's health. A frame counts
// as drawn when the panel confirms it, where it can.
func (b *Board) paint(ctx context.Context) {
	if b.panel == nil {
		return
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	alive := true
	say := func(now bool, why string) {
		if alive != now {
			alive = now
			b.logger.Log(ctx, level(now), "display", "alive", now, "why", why)
			b.put(ctx, Display{Alive: now})
		}
	}
	var last frame
	failed := false
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case <-ctx.Done():
			return
		case last = <-b.job:
		case <-ticker.C:
			h := panel.HealthOf(b.panel)
			if !failed || last.n == 0 {
				if last.n > 0 {
					say(h.Alive, h.Why)
				}
				continue
			}
		}
		stop()
		fault.Point("screen.beforeDraw")
		err := b.panel.Show(last.s)
		fault.Point("screen.afterDraw")
		failed = err != nil
		if failed {
			say(false, err.Error())
		} else {
			say(true, "")
		}
		// A page nobody watched may be opened yet: it is asked even after a failure.
		stop = b.confirm(ctx, last, err == nil)
	}
}

// confirm tells when a frame stands on the panel; stop ends the asking.
func (b *Board) confirm(ctx context.Context, f frame, shown bool) (stop func()) {
	c, can := b.panel.(panel.Confirmer)
	if !can {
		if shown {
			b.put(ctx, Drawn{Frame: f.n, Unfit: b.unfit(f)})
		}
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c.Confirm(ctx) == nil {
			b.put(ctx, Drawn{Frame: f.n, Unfit: b.unfit(f)})
		}
	}()
	return func() { cancel(); <-done }
}

// unfit asks the panel whether a receipt on it is one.
func (b *Board) unfit(f frame) bool {
	if f.s.State != display.ReceiptReady {
		return false
	}
	r, ok := b.panel.(panel.Reporter)
	return ok && !r.Report().MayStandForReceipt
}

func level(alive bool) slog.Level {
	if alive {
		return slog.LevelInfo
	}
	return slog.LevelError
}

func (b *Board) put(ctx context.Context, in Input) {
	select {
	case b.in <- in:
	case <-ctx.Done():
	}
}
