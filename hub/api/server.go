package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store"
)

// Records is what a person decides about records and quarantined messages; the
// caller's right to them has been checked before.
type Records interface {
	// Redecide judges a held record anew; vouched: a person says that it was a sale.
	Redecide(ctx context.Context, operator string, record int64, vouched bool, actor string) error
	Drop(ctx context.Context, operator string, record int64, why, actor string) error
	Retake(ctx context.Context, item int64, actor string) error
	PutAside(ctx context.Context, operator string, item int64, why, actor string) error
}

// Till is what a person decides about jobs and lanes; the caller's right to
// them has been checked before.
type Till interface {
	Retry(ctx context.Context, job, actor, why string) error
	Drop(ctx context.Context, job, actor, why string) error
	Bind(ctx context.Context, job, fn string, fd uint32, actor, why string) error
	NotMade(ctx context.Context, job, actor, why string) error
	// Made takes a document for the job's that no register can be asked for any more.
	Made(ctx context.Context, job string, r fiscal.Receipt, actor, why string) error
	// Look asks a lane's registers for their state now; it makes nothing.
	Look(ctx context.Context, lane string) ([]kkt.Unit, error)
	// Document reads a document of a lane's ФН ("": the one in place).
	Document(ctx context.Context, lane, fn string, fd uint32) (kkt.Stored, error)
	Resume(ctx context.Context, lane, actor, why string) error
	// Shift has a lane's shift opened or closed and waits for it.
	Shift(ctx context.Context, lane string, open bool, actor, why string) error
}

// Broker is what health and metrics ask of it.
type Broker interface {
	Connected() int
}

// Changes are told after facts have changed, so that who works with a copy can
// take a new one. Each may be nil.
type Changes struct {
	Fleet func(operator string)        // anything that agents are told of
	Agent func(operator, agent string) // revoked, or its secret renewed
	Lane  func(lane string)            // made, enabled, disabled, another address
	// Flight: an agent was asked for traces.
	Flight func(operator, agent string)
}

// Options of a server; Store is needed, the rest has defaults.
type Options struct {
	Store     *store.Store
	Records   Records
	Till      Till
	Broker    Broker
	Changes   Changes
	Dashboard http.Handler // what is not API; nil: nothing
	Data      string       // folder of the database, for free disk; "" not looked at
	Version   string
	Metrics   []func(io.Writer) // more figures in Prometheus's text format
	Log       *slog.Logger      // default discards
	Now       func() time.Time
}

// Server answers the API. Close ends live streams.
type Server struct {
	o    Options
	mux  *http.ServeMux
	live *live
	rate *meter
	csrf *http.CrossOriginProtection
}

// New makes a server and starts what feeds its live streams.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, mux: http.NewServeMux(), rate: newMeter(), csrf: http.NewCrossOriginProtection()}
	s.live = newLive(s)
	for _, rt := range s.routes() {
		s.mux.HandleFunc(rt.pattern, s.serve(rt))
	}
	s.mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		w.Write(Spec)
	})
	s.mux.HandleFunc("GET /metrics", s.metrics)
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("/api/", s.serve(route{open: true, do: func(c *call) (any, error) {
		return nil, refuse(http.StatusNotFound, "no_such_path", "", c.r.Method+" "+c.r.URL.Path)
	}}))
	if o.Dashboard != nil {
		s.mux.Handle("/", o.Dashboard)
	}
	return s
}

// Close ends live streams.
func (s *Server) Close() { s.live.close() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	s.mux.ServeHTTP(w, r)
}

// route is one operation of the document.
type route struct {
	pattern string
	status  int  // of success; 0 is 200
	open    bool // needs no token
	do      func(*call) (any, error)
}

// call is one request under way.
type call struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	caller store.Caller
	lang   string
}

// answered is returned by a handler that has written its answer itself.
type answered struct{}

func (s *Server) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, ctx: r.Context(), lang: langOf(r)}
		v, err := s.run(rt, c)
		if err != nil {
			s.fail(c, err)
			return
		}
		if _, ok := v.(answered); ok {
			return
		}
		status := rt.status
		if status == 0 {
			status = http.StatusOK
		}
		w.Header().Set("Cache-Control", "no-store")
		if status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(v); err != nil {
			s.o.Log.Debug("answer not delivered", "path", r.URL.Path, "error", err)
		}
	}
}

func (s *Server) run(rt route, c *call) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("handler failed", "path", c.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			v, err = nil, refuse(http.StatusInternalServerError, "internal", "", "")
		}
	}()
	if err := s.csrf.Check(c.r); err != nil {
		return nil, refuse(http.StatusForbidden, "cross_origin", "", "")
	}
	if !rt.open {
		if c.caller, err = s.caller(c.r); err != nil {
			return nil, err
		}
	}
	return rt.do(c)
}

func (s *Server) fail(c *call, err error) {
	p, internal := asProblem(err)
	if c.ctx.Err() != nil && internal {
		return // the client has gone
	}
	if internal {
		s.o.Log.Error("request failed", "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	}
	p.write(c.w, c.lang)
}
