package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/config"
	"github.com/chekomat/chekomat/agent/flight"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/screen"
	"github.com/chekomat/chekomat/agent/uplink"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
	"github.com/chekomat/chekomat/display/panel"
	"github.com/chekomat/chekomat/mdb/module"
)

// Ready is printed, as one line of JSON, when the agent works.
type Ready struct {
	Ready   bool     `json:"ready"`
	Agent   string   `json:"agent"` // operator/agent
	Journal string   `json:"journal"`
	Kiosk   []string `json:"kiosk"`  // addresses of display pages
	Status  string   `json:"status"` // socket of "agent status"
}

// Status is what "agent status --json" prints.
type Status struct {
	Agent   string     `json:"agent"`
	Journal string     `json:"journal"`
	Serial  string     `json:"serial"`
	Hub     bool       `json:"hub"`
	State   wire.State `json:"state"`
}

// errRestart asks for a new run in the same process.
var errRestart = errors.New("restart was asked for")

// run works until ctx ends, anew after a restart command.
func (m Main) run(ctx context.Context, c config.Config, exitAtEnd bool) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log)); err != nil {
		return fmt.Errorf("%w: log: %w", errUsage, err)
	}
	logger := slog.New(slog.NewTextHandler(m.Err, &slog.HandlerOptions{Level: level}))
	for {
		err := m.once(ctx, c, exitAtEnd, logger)
		if errors.Is(err, errRestart) && ctx.Err() == nil {
			logger.Info("restart")
			continue
		}
		if err != nil && !errors.Is(err, errRestart) {
			return err
		}
		return nil
	}
}

// agent is a running agent; it is what listening and the uplink talk to.
type agent struct {
	cfg     config.Config
	clock   clock.Clock
	logger  *slog.Logger
	journal *journal.Journal
	board   *screen.Board
	uplink  *uplink.Uplink
	listen  *listen.Listener
	flight  *flight.Recorder
	catalog atomic.Pointer[wire.Config]
	planned chan struct{} // closed when the hub's catalogue is there
	plan    sync.Once     // closes it
	hub     atomic.Bool
	restart context.CancelCauseFunc
}

func (m Main) once(ctx context.Context, c config.Config, exitAtEnd bool, logger *slog.Logger) (err error) {
	a := &agent{cfg: c, clock: clock.System(), logger: logger, planned: make(chan struct{})}
	ctx, a.restart = context.WithCancelCause(ctx)
	defer a.restart(nil)

	p, kiosks, err := openPanels(c.Panels)
	if err != nil {
		return err
	}
	if p != nil {
		defer func() { err = errors.Join(err, p.Close()) }()
	}
	if a.journal, err = a.openJournal(ctx, p); err != nil || a.journal == nil {
		return err
	}
	defer func() { err = errors.Join(err, a.journal.Close()) }()
	if why := a.journal.Fresh(); why != "" && why != journal.WhyNew {
		logger.Error("the journal was damaged and set aside; what could be read is delivered from the new one", "why", why)
	}
	a.board = screen.NewBoard(p, a.clock, a.journal, func() { a.uplink.Changed() }, logger)
	if a.uplink, err = a.newUplink(); err != nil {
		return err
	}
	a.flight = a.newFlight()
	defer a.flight.Close()
	if a.listen, err = a.newListener(exitAtEnd); err != nil {
		return err
	}

	auditor, err := a.newAuditor()
	if err != nil {
		return err
	}

	var wg sync.WaitGroup
	inner, stop := context.WithCancel(ctx)
	defer func() { stop(); wg.Wait() }()
	wg.Go(func() { a.board.Run(inner) })
	if err := a.recall(); err != nil {
		return err
	}
	if closeStatus := a.tellStatus(inner, &wg); closeStatus != nil {
		defer closeStatus()
	}
	fail := make(chan error, 3)
	wg.Go(func() { fail <- a.uplink.Run(inner) })
	wg.Go(func() { a.keepHouse(inner) })
	if auditor != nil {
		wg.Go(func() {
			if err := auditor.Run(inner); err != nil {
				fail <- err
			}
		})
	}
	listened := make(chan error, 1)
	wg.Go(func() { listened <- a.listen.Run(inner) })

	h, err := a.journal.Heads()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(m.Out).Encode(Ready{Ready: true, Agent: wire.Username(c.Operator, c.Agent), Journal: h.Journal,
		Kiosk: kiosks, Status: socket(c.Data)}); err != nil {
		return fmt.Errorf("tell that the agent is ready: %w", err)
	}
	notify("READY=1")
	defer notify("STOPPING=1")
	select {
	case <-ctx.Done():
	case err := <-fail:
		return err
	case err := <-listened:
		if err != nil || ctx.Err() != nil {
			return err
		}
		return a.drain(ctx)
	}
	if cause := context.Cause(ctx); errors.Is(cause, errRestart) {
		return cause
	}
	return nil
}

func openPanels(cfg []config.Panel) (p panel.Panel, kiosks []string, err error) {
	var all []panel.Panel
	kiosks = []string{}
	for _, c := range cfg {
		one, err := panel.Open(c.URL, display.Geometry{Width: c.Width, Height: c.Height, WidthMM: c.MM, OneBit: c.OneBit})
		if err != nil {
			for _, o := range all {
				err = errors.Join(err, o.Close())
			}
			return nil, nil, err
		}
		all = append(all, one)
		if k, ok := one.(interface{ URL() string }); ok {
			kiosks = append(kiosks, k.URL())
		}
	}
	if len(all) == 0 {
		return nil, kiosks, nil
	}
	return panel.Many(all...), kiosks, nil
}

func (a *agent) newUplink() (*uplink.Uplink, error) {
	secret, err := a.cfg.ReadSecret()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	tls, err := uplink.TLS(a.cfg.Hub.CA, a.cfg.Hub.Cert, a.cfg.Hub.Key)
	if err != nil {
		return nil, err
	}
	return uplink.New(uplink.Config{
		Operator: a.cfg.Operator, Agent: a.cfg.Agent, Secret: secret, URL: a.cfg.Hub.URL, TLS: tls, Software: version(),
		Journal: a.journal, Clock: a.clock, Machine: a, Logger: a.logger, Every: a.cfg.Hub.Every(),
	})
}

func (a *agent) newListener(exitAtEnd bool) (*listen.Listener, error) {
	address := a.cfg.Bus.URL
	file := !strings.Contains(address, "://") || strings.HasPrefix(address, "file://")
	open, err := a.opener()
	if err != nil {
		return nil, err
	}
	return listen.New(listen.Config{
		URL: address, Log: a.journal, Clock: a.clock, Audience: a, Recorder: a.flight, ExitAtEnd: exitAtEnd, Logger: a.logger,
		AtArrival: file && !strings.Contains(address, "speed=real"),
		Open: func(ctx context.Context, from module.Cursor) (module.Source, error) {
			a.awaitPlan(ctx)
			return open(ctx, from)
		},
		New:    a.newRecovery,
		Counts: badSums,
		Terms:  a.terms,
	})
}

// recall puts on the screen what stood there before a restart.
func (a *agent) recall() error {
	kept, err := uplink.Kept(a.journal)
	if err != nil {
		return err
	}
	if kept.Version == 0 {
		kept.Lang = a.cfg.Lang
	}
	a.Configured(kept)
	a.board.Put(screen.Bus{Alive: false}) // until it is heard
	last, ok, err := a.journal.LastSale()
	if err != nil || !ok || free(last.Record) {
		return err
	}
	now := a.clock.Now()
	offset, err := a.journal.BootOffset(last.At.Boot)
	if err != nil {
		return err
	}
	s := sold(last.Record, now)
	s.At = now.MonoMS - now.Since(last.At, offset).Milliseconds()
	s.Settled = last.Shown
	a.board.Put(s)
	if last.Receipt != nil {
		a.board.Put(screen.Told{Receipt: *last.Receipt})
	}
	return nil
}

// drain stays until the hub has every record.
func (a *agent) drain(ctx context.Context) error {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		h, err := a.journal.Heads()
		if err != nil || h.Unacked == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// keepHouse learns the boot's time and deletes old delivered records.
func (a *agent) keepHouse(ctx context.Context) {
	t := time.NewTicker(10 * time.Minute)
	defer t.Stop()
	for {
		if now := a.clock.Now(); now.Synced {
			err := a.journal.LearnBoot(now)
			for n := int64(1); err == nil && n > 0; {
				n, err = a.journal.Prune(now.Wall)
			}
			if err != nil {
				a.logger.Warn("old records are not deleted", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// tellStatus answers "agent status" on a socket in the data folder.
func (a *agent) tellStatus(ctx context.Context, wg *sync.WaitGroup) (closeIt func()) {
	path := socket(a.cfg.Data)
	_ = os.Remove(path) // of a killed agent; the journal's lock says that none runs
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		a.logger.Warn("agent status will not work", "err", err)
		return nil
	}
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			if err := json.NewEncoder(conn).Encode(a.status()); err != nil {
				a.logger.Warn("agent status", "err", err)
			}
			_ = conn.Close()
		}
	})
	return func() { _ = l.Close() }
}

func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET") // systemd, sd_notify(3)
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(state))
	_ = conn.Close()
}
