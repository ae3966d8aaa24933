package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "time/tzdata" // zones of machines and registers, wherever the hub runs

	"github.com/chekomat/chekomat/fiscal/kkt"
	_ "github.com/chekomat/chekomat/fiscal/kkt/pirit"  // driver
	_ "github.com/chekomat/chekomat/fiscal/kkt/shtrih" // driver
	"github.com/chekomat/chekomat/hub/api"
	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/till"
	"github.com/chekomat/chekomat/hub/web"
)

// Version is set by the linker.
var Version = "dev"

// Main is a running hub: the program and its tests boot the same value.
type Main struct {
	Config Config
	Log    *slog.Logger
	Now    func() time.Time // default time.Now

	HTTPURL, MQTTURL, TokenFile string // known after Start

	store  *store.Store
	ingest *ingest.Ingest
	broker *broker.Broker
	till   *till.Till
	api    *api.Server
	http   *http.Server

	handler atomic.Pointer[http.Handler] // of requests now
	away    atomic.Pointer[error]        // why the database is not open yet

	cancel context.CancelFunc
	work   sync.WaitGroup
	unlock func() error
	failed chan error
}

// Ready is the line printed when all listens.
type Ready struct {
	HTTP      string `json:"http"`
	MQTT      string `json:"mqtt"`
	TokenFile string `json:"token_file"`
}

// Start brings all up; what it has begun before an error, Close ends.
func (m *Main) Start(ctx context.Context) error {
	if m.Now == nil {
		m.Now = time.Now
	}
	if m.Log == nil {
		m.Log = slog.New(slog.DiscardHandler)
	}
	m.failed = make(chan error, 1)
	if err := m.Config.check(); err != nil {
		return err
	}
	if err := m.startHTTP(); err != nil {
		return err
	}
	if err := m.openStore(ctx); err != nil {
		return err
	}
	down, taken := m.make()
	run, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	if err := m.startBroker(ctx, run, down, taken); err != nil {
		return err
	}
	m.startTill(run)
	m.startLate(run)
	m.startLedger(run)
	m.answer(m.api)
	return nil
}

// make makes the parts and joins them; nothing runs yet.
func (m *Main) make() (*downlink, *measuredStore) {
	c := m.Config
	down := &downlink{}
	st := &measuredStore{Store: m.store, clean: make(chan struct{}),
		taken: api.NewHistogram("chekomat_ingest_seconds", "Storing one batch of records durably", .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 5)}
	m.ingest = ingest.New(st, ingest.Options{MaxAmount: c.MaxAmount, GapAfter: c.GapAfter, SilentAfter: c.SilentAfter, LaneGrace: c.LaneGrace, Log: m.Log})
	m.ingest.Attach(down)
	m.till = till.New(m.store, till.Settings{Holder: c.Name, LeaseTTL: c.LaneLease, Longest: c.LongestCommand, CloseAfter: c.ShiftCloseAfter, CloseAt: c.ShiftCloseAt, PollEvery: c.RegisterBy,
		MarkFile: filepath.Join(c.Data, markFile),
		Now:      m.Now, Open: m.openRegister, Teller: m.ingest, Log: m.Log})
	m.api = api.New(api.Options{Store: m.store, Records: m.ingest, Till: desk{m.till, m}, Broker: down, Data: c.Data, Version: Version,
		Log: m.Log, Now: m.Now, Dashboard: web.Handler(),
		Metrics: []func(io.Writer){st.taken.Write, func(w io.Writer) { writeIngest(w, m.ingest.Counts()) }},
		Changes: api.Changes{Fleet: m.ingest.FleetChanged, Agent: m.ingest.AgentChanged, Lane: m.till.LaneChanged, Flight: m.ingest.FlightAsked}})
	return down, st
}

// openStore opens the database. A server that is away is waited for: meanwhile
// /health says so.
func (m *Main) openStore(ctx context.Context) (err error) {
	if err := os.MkdirAll(m.Config.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if m.unlock, err = lockFolder(m.Config.Data); err != nil {
		return err
	}
	address, err := m.Config.database()
	if err != nil {
		return err
	}
	for told := false; ; told = true {
		if m.store, err = store.Open(ctx, address, m.Now); err == nil {
			break
		}
		if m.away.Store(&err); !errors.Is(err, store.ErrAway) || ctx.Err() != nil {
			return err
		}
		if !told {
			m.Log.Error("the hub waits for its database", "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(awayPause):
		}
	}
	if err := m.store.Serve(ctx, m.Config.Name); err != nil {
		return err
	}
	m.store.ServerClock()
	if err := m.store.Durable(ctx); err != nil {
		m.Log.Warn("the database server may lose what it has acknowledged", "error", err)
	}
	m.TokenFile, err = keepToken(ctx, m.store, m.Config)
	return err
}

// awayPause is between two tries to reach the database server at the start.
const awayPause = time.Second

// Files of the data folder. The mark tells a restored database from its own: a
// backup is of the database alone.
const (
	databaseFile = "hub.db"
	markFile     = "hub.mark"
)

// startBroker lets agents in, after those of the last run were marked offline.
func (m *Main) startBroker(ctx, run context.Context, down *downlink, st *measuredStore) error {
	m.work.Go(func() {
		if err := m.ingest.Run(run); err != nil {
			m.fail(fmt.Errorf("ingest: %w", err))
		}
	})
	select {
	case <-st.clean:
	case <-ctx.Done():
		return ctx.Err()
	}
	tlsConfig, err := certificate(m.Config.MQTTCert, m.Config.MQTTKey)
	if err != nil {
		return fmt.Errorf("MQTT: %w", err)
	}
	m.broker, err = broker.Start(broker.Options{Addr: m.Config.MQTT, TLS: tlsConfig, Log: m.Log}, m.store, m.ingest)
	if err != nil {
		return err
	}
	down.b.Store(m.broker)
	m.MQTTURL = reach("tcp", "ssl", m.broker.Addr(), tlsConfig)
	return nil
}

// startTill runs the lanes; a database that cannot be read now is tried again,
// the rest of the hub goes on taking sales in.
func (m *Main) startTill(run context.Context) {
	m.work.Go(func() {
		for {
			err := m.till.Run(run)
			if run.Err() != nil {
				return
			}
			m.Log.Error("the till stopped and is started again", "error", err)
			select {
			case <-run.Done():
				return
			case <-time.After(5 * time.Second):
			}
		}
	})
}

// lateEvery is how often old sales are looked for: their limit is in minutes.
const lateEvery = 30 * time.Second

// startLate turns receipts that have waited for too long into corrections.
func (m *Main) startLate(run context.Context) {
	m.work.Go(func() {
		tick := time.NewTicker(lateEvery)
		defer tick.Stop()
		for {
			for {
				n, err := m.store.CorrectLate(run)
				if err != nil && run.Err() == nil {
					m.Log.Error("old sales were not turned into corrections", "error", err)
				}
				if n == 0 {
					break
				}
				m.Log.Info("old sales get corrections", "jobs", n)
			}
			select {
			case <-run.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// openRegister adds the secret to a lane's address and opens its driver.
func (m *Main) openRegister(address string) (kkt.Driver, error) {
	if m.Config.RegisterPassword != "" {
		u, err := url.Parse(address)
		if err != nil {
			return nil, errors.New("open register: the address is not a URL")
		}
		if q := u.Query(); !q.Has("password") {
			q.Set("password", m.Config.RegisterPassword)
			u.RawQuery = q.Encode()
			address = u.String()
		}
	}
	return kkt.Open(address, kkt.Options{Now: m.Now, Log: m.Log, Dial: dial})
}

// startHTTP listens; before the database is open it answers what the hub waits for.
func (m *Main) startHTTP() error {
	ln, err := net.Listen("tcp", m.Config.HTTP)
	if err != nil {
		return fmt.Errorf("HTTP: listen on %s: %w", m.Config.HTTP, err)
	}
	tlsConfig, err := certificate(m.Config.HTTPCert, m.Config.HTTPKey)
	if err != nil {
		return errors.Join(fmt.Errorf("HTTP: %w", err), ln.Close())
	}
	m.HTTPURL = reach("http", "https", ln.Addr(), tlsConfig)
	if tlsConfig != nil {
		ln = tls.NewListener(ln, tlsConfig)
	}
	m.answer(api.Waiting(Version, m.Now, func() error {
		if p := m.away.Load(); p != nil {
			return *p
		}
		return nil
	}))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*m.handler.Load()).ServeHTTP(w, r) })
	m.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(m.Log.Handler(), slog.LevelDebug)}
	m.work.Go(func() {
		if err := m.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			m.fail(fmt.Errorf("HTTP: %w", err))
		}
	})
	return nil
}

// answer gives requests to a handler from now on.
func (m *Main) answer(h http.Handler) { m.handler.Store(&h) }

func (m *Main) fail(err error) {
	select {
	case m.failed <- err:
	default:
	}
}

// Run starts, prints the ready line and serves until ctx ends or a part fails.
func (m *Main) Run(ctx context.Context, out io.Writer) error {
	err := m.Start(ctx)
	if err == nil {
		ready := Ready{m.HTTPURL, m.MQTTURL, m.TokenFile}
		if err = m.tell(ready); err == nil {
			err = json.NewEncoder(out).Encode(ready)
		}
	}
	if err == nil {
		m.Log.Info("hub is ready", "http", m.HTTPURL, "mqtt", m.MQTTURL, "data", m.Config.Data, "version", Version)
		select {
		case <-ctx.Done():
			m.Log.Info("hub is stopping")
		case err = <-m.failed:
		}
	}
	return errors.Join(err, m.Close())
}

// Close stops in the order in which nothing is left without an answer: no new
// requests, no new attempts, no new records, then the database.
func (m *Main) Close() error {
	var errs []error
	if m.api != nil {
		m.api.Close()
	}
	if m.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("HTTP: stop: %w", err))
		}
	}
	if m.cancel != nil {
		m.cancel()
	}
	if m.broker != nil {
		errs = append(errs, m.broker.Close())
	}
	if m.ingest != nil {
		m.ingest.Stop()
	}
	m.work.Wait()
	if m.store != nil {
		errs = append(errs, m.store.Close())
	}
	if m.unlock != nil {
		errs = append(errs, m.unlock())
	}
	return errors.Join(errs...)
}

func certificate(cert, key string) (*tls.Config, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// reach is the URL by which this machine reaches a listener.
func reach(plain, secure string, addr net.Addr, t *tls.Config) string {
	scheme := plain
	if t != nil {
		scheme = secure
	}
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
