package screen

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
)

// glass is a panel that remembers; it can be slow or broken.
type glass struct {
	mu     sync.Mutex
	shown  []display.Screen
	slow   time.Duration
	broken error
}

func (g *glass) Show(s display.Screen) error {
	time.Sleep(g.slow) // virtual time
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken == nil {
		g.shown = append(g.shown, s)
	}
	return g.broken
}

func (g *glass) Close() error { return nil }

func (g *glass) last() display.Screen {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.shown) == 0 {
		return display.Screen{}
	}
	return g.shown[len(g.shown)-1]
}

type results struct {
	mu  sync.Mutex
	all []wire.Shown
}

func (r *results) Shown(s wire.Shown) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, s)
	return nil
}

func bubble() clock.Clock {
	start := time.Now()
	return clock.Func(func() clock.Reading {
		return clock.Reading{Wall: time.Now(), Synced: true, Boot: "b", MonoMS: 1000 + time.Since(start).Milliseconds()}
	})
}

func TestBoardShowsAndMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := &glass{slow: 150 * time.Millisecond}, &results{}
		c := bubble()
		ctx, stop := context.WithCancel(t.Context())
		b := NewBoard(g, c, log, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
		go b.Run(ctx)
		b.Put(Policy{plan})
		b.Put(sold(1, c.Now().MonoMS))
		time.Sleep(time.Second)
		b.Put(told(1, wire.FiscalDone, ""))
		time.Sleep(time.Second)
		if s := g.last(); s.QR != "qr1" || s.At.IsZero() {
			t.Errorf("panel shows %+v", s)
		}
		synctest.Wait()
		log.mu.Lock()
		if len(log.all) != 1 || log.all[0].Result != ResultShown || log.all[0].AfterMS != 1150 {
			t.Errorf("results %+v", log.all)
		}
		log.mu.Unlock()
		time.Sleep(2 * time.Minute) // by the timer alone
		synctest.Wait()
		if s := g.last(); s.State != display.Idle {
			t.Errorf("panel shows %+v", s)
		}
		stop()
		synctest.Wait()
	})
}

func TestBoardTriesADeadPanelAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := &glass{broken: errors.New("no cable")}, &results{}
		ctx, stop := context.WithCancel(t.Context())
		var told atomic.Int64
		b := NewBoard(g, bubble(), log, func() { told.Add(1) }, slog.New(slog.NewTextHandler(io.Discard, nil)))
		go b.Run(ctx)
		need := plan
		need.NeedPanel = true
		b.Put(Policy{need})
		time.Sleep(time.Second)
		if v := b.View(); v.Alive || v.Off != display.ReasonDisplayDead {
			t.Errorf("view %+v", v)
		}
		g.mu.Lock()
		g.broken = nil
		g.mu.Unlock()
		time.Sleep(2 * lookEvery)
		if v := b.View(); !v.Alive || v.Off != "" || g.last().State != display.Idle {
			t.Errorf("view %+v, panel %+v", v, g.last())
		}
		if told.Load() == 0 {
			t.Error("nobody was told")
		}
		stop()
		synctest.Wait()
	})
}
