package firmware

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/role"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/firmware/board"
)

// Sale as it was recovered from what the module told.
type Sale struct {
	Class  string `json:"class"`
	By     string `json:"by"`
	Pay    string `json:"pay"`    // cash, card
	Column int    `json:"column"` // -1: not known
	Amount int64  `json:"amount"` // kopecks
}

func (s Sale) counted() counted { return counted{s.Pay, s.Column, s.Amount} }

// Times of own answers, µs from the VMC's stop bit to our start bit. MDB allows
// 5000.
type Times struct {
	Answers int     `json:"answers"`
	Min     float64 `json:"min_us"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Max     float64 `json:"max_us"`
}

// Result of a scenario.
type Result struct {
	Scenario string `json:"scenario"`
	Link     string `json:"link"`
	Seed     uint64 `json:"seed"`
	Sold     int    `json:"sold"` // by the machine's own counter
	Sales    []Sale `json:"sales"`
	board.Compared
	Problems []string `json:"errors"`
	Response *Times   `json:"response,omitempty"`
	Bus      float64  `json:"bus_seconds"`
	Real     float64  `json:"real_seconds"`
	Speed    float64  `json:"bus_seconds_per_real_second"`
	Modelled []string `json:"modelled"` // what is the harness's own work: it proves logic, not silicon
}

// OK says that nothing was lost, late or recovered differently.
func (r Result) OK() bool { return len(r.Problems) == 0 }

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Options of a run.
type Options struct {
	Folder string // firmware, made
	Link   string // board.UART ("") or board.USB
	Seed   uint64
}

// recovery of either bus.
type recovery interface {
	Word(mdb.Word) []sales.Event
	Advance(t int64) []sales.Event
	Lost(note string) []sales.Event
}

// book keeps what is recovered while a host listens.
type book struct {
	mu     sync.Mutex
	rec    recovery
	events []sales.Event
}

func (b *book) hear(c module.Chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Lost {
		b.keep(b.rec.Lost(c.Note))
	}
	for _, w := range c.Words {
		b.keep(b.rec.Word(w))
	}
	b.keep(b.rec.Advance(c.Now))
}

func (b *book) keep(es []sales.Event) {
	for _, e := range es {
		e.Parts = slices.Clone(e.Parts)
		b.events = append(b.events, e)
	}
}

// Run plays a scenario to its end. An error says that it could not be played;
// what went wrong in it is in the result.
func Run(ctx context.Context, s Scenario, o Options) (r Result, err error) {
	r = Result{Scenario: s.Name, Link: o.Link, Seed: o.Seed, Sales: []Sale{}, Problems: []string{}}
	if r.Link == "" {
		r.Link = board.UART
	}
	begun := time.Now()
	dirt := s.dirt
	dirt.Seed = o.Seed
	b, err := board.New(board.Config{Folder: o.Folder, Link: r.Link, Seed: uint32(o.Seed) + 1, Dirt: dirt}, "127.0.0.1:0")
	if err != nil {
		return r, fmt.Errorf("firmware: %s: %w", s.Name, err)
	}
	defer b.Close()
	stop := context.AfterFunc(ctx, b.Close)
	defer stop()
	r.Modelled = b.Modelled()

	var cast *role.Cast
	if s.roles != nil {
		roles, err := s.roles()
		if err == nil {
			cast, err = role.NewCast(roles...)
		}
		if err != nil {
			return r, fmt.Errorf("firmware: %s: %w", s.Name, err)
		}
	}
	full := module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
	kept := &book{rec: sales.New(sales.ForSource(full))}
	if s.exe != nil {
		kept.rec = vends.New(s.tariff().ForSource(full))
	}
	h := board.Attach(b.URL(), module.Cursor{}, cast, kept.hear)
	defer h.Stop()
	if err := b.Until(h, "the module's greeting", func(at board.Heard) bool { return at.Opened > 0 }); err != nil {
		return r, err
	}
	if cast != nil {
		if err := b.Until(h, "the module to play its roles", func(at board.Heard) bool { return len(at.Trouble) > 0 }); err != nil {
			return r, err
		}
	}
	sold, err := s.play(b, h, cast != nil)
	if err != nil {
		return r, err
	}
	if err := b.Finish(h); err != nil {
		return r, err
	}
	h.Stop()
	r.Sold = len(sold)
	r.judge(s, b, h.Heard(), kept.events, sold)
	bus, real := b.BusTime()/1e6, time.Since(begun).Seconds()
	r.Bus, r.Real, r.Speed, r.MaxError = tenths(bus), tenths(real), tenths(bus/real), tenths(r.MaxError)
	return r, b.Err()
}

// play has the machine sell on the board's lines. Where the VMC waits for data of
// the agent, the bus waits for the agent: what comes in time must not depend on
// how busy this computer is.
func (s Scenario) play(b *board.Board, h *board.Host, waits bool) (sold []counted, err error) {
	b.Begin()
	last := int64(0)
	var behind error
	pace := func(t int64) {
		b.Pace(t)
		if t-last == dataPause && waits && behind == nil {
			behind = b.Follow(h, 0)
		}
		last = t
	}
	if s.exe != nil {
		sold, err = s.playEXE(b.Seed(), b.Emit, pace)
	} else {
		sold, err = s.playMDB(b.Seed(), b, b.Emit, pace)
	}
	if behind != nil {
		return nil, behind
	}
	return sold, err
}

// dataPause is how long the bench's VMC lets pass between two looks for data, µs.
const dataPause = 50_000

func (r *Result) judge(s Scenario, b *board.Board, at board.Heard, events []sales.Event, sold []counted) {
	r.Compared = board.Compare(b.Sent(), at.Words)
	r.Problems = append(r.Problems, r.Errors...)
	for _, why := range at.Lost {
		if why != "" {
			r.problem("lost: %s", why)
		}
	}
	for _, why := range at.Trouble {
		if why != modeChanged {
			r.problem("the module: %s", why)
		}
	}
	if n := len(b.Stray()); n > 0 {
		r.problem("the module said %d words nobody had asked for", n)
	}
	r.sales(s, events)
	got := make([]counted, len(r.Sales))
	for i, sale := range r.Sales {
		got[i] = sale.counted()
		if got[i].column < 0 && i < len(sold) {
			sold[i].column = -1 // this evidence does not name it
		}
	}
	if !slices.Equal(got, sold) {
		r.problem("the machine sold %v, recovered were %v", sold, got)
	}
	if after := b.After(); len(after) > 0 {
		r.Response = timesOf(after)
		if r.Response.Max > 5000 {
			r.problem("an answer came %.0f µs after the VMC's stop bit, 5000 are allowed", r.Response.Max)
		}
	}
}

const modeChanged = "mode changed"

func (r *Result) sales(s Scenario, events []sales.Event) {
	for _, e := range events {
		switch e.Kind {
		case sales.KindSale:
			sale := Sale{Class: string(e.Class), By: e.Source, Pay: "card", Column: -1}
			if len(e.Parts) > 0 && e.Parts[0].Source == "cash" {
				sale.Pay = "cash"
			}
			if e.ItemKnown {
				sale.Column = int(e.Item)
			}
			sale.Amount, _ = e.Amount.Minor()
			r.Sales = append(r.Sales, sale)
			// A gateway's first REPORT confirms what other sources told before it.
			first := len(r.Sales) == 1 && slices.Contains(s.by, "report")
			if len(s.by) > 0 && !slices.Contains(s.by, e.Source) && !first {
				r.problem("sale %d was recovered by %s, expected was %v", len(r.Sales), e.Source, s.by)
			}
		case sales.KindIncident:
			r.problem("incident %s: %s", e.Code, e.Detail)
		}
	}
}

func timesOf(us []float64) *Times {
	us = slices.Sorted(slices.Values(us))
	at := func(q float64) float64 { return tenths(us[int(q*float64(len(us)-1))]) }
	return &Times{Answers: len(us), Min: at(0), P50: at(0.5), P99: at(0.99), Max: at(1)}
}

// tenths is as fine as a figure for people needs to be.
func tenths(v float64) float64 { return math.Round(v*10) / 10 }
