package screen

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/fault"
)

// Log keeps what became of receipts on the panel.
type Log interface{ Shown(wire.Shown) error }

// Panel shows screens. Show returns once the screen is visible as far as the
// panel can know.
type Panel interface {
	Show(display.Screen) error
	Close() error
}

// View is what others may know of the display.
type View struct {
	State  display.State
	Off    string // why the machine should not sell; "" it may
	Reason string // of the screen
	Alive  bool   // a panel shows what it is given
}

// Board runs a Machine over panels. Make it with NewBoard, Put what happens,
// Run it once.
type Board struct {
	panels []Panel
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

// redrawAfter is how long a panel that failed is left alone.
const redrawAfter = 2 * time.Second

// NewBoard makes a board; tell is called, from the board's goroutine, when
// what is reported of it has changed.
func NewBoard(panels []Panel, c clock.Clock, log Log, tell func(), logger *slog.Logger) *Board {
	return &Board{panels: panels, clock: c, log: log, tell: tell, logger: logger,
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
	b.step(m, Display{Alive: len(b.panels) > 0}, &drawn)
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

// paint shows the newest frame on every panel. A panel that failed gets the
// frame again after a while; one that works is enough for the display to be
// alive.
func (b *Board) paint(ctx context.Context) {
	var last frame
	alive := len(b.panels) > 0
	failed := make([]bool, len(b.panels))
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	for {
		again := false
		select {
		case <-ctx.Done():
			return
		case last = <-b.job:
		case <-timer.C:
			again = true
		}
		if len(b.panels) == 0 {
			continue
		}
		works, retry := false, false
		fault.Point("screen.beforeDraw")
		for i, p := range b.panels {
			if again && !failed[i] {
				works = true
				continue
			}
			err := p.Show(last.s)
			if err != nil && !failed[i] {
				b.logger.Error("a panel does not show", "panel", i, "err", err)
			}
			failed[i] = err != nil
			works = works || err == nil
			retry = retry || err != nil
		}
		fault.Point("screen.afterDraw")
		if works != alive {
			alive = works
			b.put(ctx, Display{Alive: alive})
		}
		if works {
			b.put(ctx, Drawn{Frame: last.n})
		}
		if retry {
			timer.Reset(redrawAfter)
		} else {
			timer.Stop()
		}
	}
}

func (b *Board) put(ctx context.Context, in Input) {
	select {
	case b.in <- in:
	case <-ctx.Done():
	}
}

// Close closes the panels.
func (b *Board) Close() error {
	var errs []error
	for _, p := range b.panels {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
