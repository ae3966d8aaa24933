package api

import (
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// Histogram counts seconds as Prometheus does.
type Histogram struct {
	name, help string
	labels     []string // pairs
	bounds     []float64

	mu     sync.Mutex
	counts []uint64 // by bound, the last of what is above all
	sum    float64
	n      uint64
}

// NewHistogram makes one with upper bounds in growing order.
func NewHistogram(name, help string, bounds ...float64) *Histogram {
	return &Histogram{name: name, help: help, bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// Observe counts one value, seconds.
func (h *Histogram) Observe(v float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearch(h.bounds, v)
	h.counts[i]++
	h.sum += v
	h.n++
}

// Write writes it in Prometheus's text format.
func (h *Histogram) Write(w io.Writer) {
	e := exposition{w}
	e.family(h.name, "histogram", h.help)
	h.samples(e)
}

func (h *Histogram) samples(e exposition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	total := uint64(0)
	for i, n := range h.counts {
		total += n
		le := "+Inf"
		if i < len(h.bounds) {
			le = strconv.FormatFloat(h.bounds[i], 'g', -1, 64)
		}
		e.value(h.name+"_bucket", float64(total), append(slices.Clone(h.labels), "le", le)...)
	}
	e.value(h.name+"_sum", h.sum, h.labels...)
	e.value(h.name+"_count", float64(h.n), h.labels...)
}

// sample is one receipt: when it was seen and how long it took, ms.
type sample struct {
	at time.Time
	ms int64
}

// registerSeconds is one family with a histogram a lane.
const registerSeconds = "chekomat_register_seconds"

// recentSamples and recentSpan bound what quantiles are made of.
const (
	recentSamples = 4096
	recentSpan    = 5 * time.Minute
)

// meter measures receipts as they are made; it reads them from the store, so
// whoever made them is counted.
type meter struct {
	mu       sync.Mutex
	last     int64
	sale     *Histogram            // from the sale to its receipt
	arrival  *Histogram            // from the record's arrival to its receipt: the hub's share and the register
	register map[string]*Histogram // by lane: the attempt
	recent   map[string][]sample   // by operator, oldest first
}

func newMeter() *meter {
	return &meter{
		sale: NewHistogram("chekomat_vend_to_receipt_seconds", "From the sale to its receipt",
			.05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 3600, 86400),
		arrival: NewHistogram("chekomat_arrival_to_receipt_seconds", "From the record's arrival at the hub to its receipt",
			.005, .01, .02, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300),
		register: map[string]*Histogram{}, recent: map[string][]sample{},
	}
}

// begin measures what is made from now on.
func (m *meter) begin(ctx context.Context, st *store.Store) {
	id, err := st.LastReceipt(ctx)
	if err != nil {
		id = math.MaxInt64 // nothing is measured rather than the whole archive
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = id
}

// read takes in the receipts made since; an error leaves them for next time.
func (m *meter) read(ctx context.Context, st *store.Store) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		all, err := st.MadeSince(ctx, m.last, 500)
		if err != nil {
			return
		}
		for _, v := range all {
			m.take(v, time.UnixMilli(st.Now()))
		}
		if len(all) < 500 {
			return
		}
	}
}

func (m *meter) take(v store.Made, now time.Time) {
	m.last = v.ID
	m.sale.Observe(float64(v.SinceSale) / 1000)
	m.arrival.Observe(float64(v.SinceArrival) / 1000)
	if v.Register >= 0 {
		h := m.register[v.Lane]
		if h == nil {
			h = NewHistogram(registerSeconds, "", .05, .1, .2, .35, .5, .75, 1, 2, 5, 10, 30)
			h.labels = []string{"lane", v.Lane}
			m.register[v.Lane] = h
		}
		h.Observe(float64(v.Register) / 1000)
	}
	r := append(m.recent[v.Operator], sample{now, v.SinceSale})
	m.recent[v.Operator] = r[max(0, len(r)-recentSamples):]
}

// quantiles of an operator's last minutes; nil when there were no receipts.
func (m *meter) quantiles(operator string, now time.Time) *contract.Quantiles {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ms []int64
	for _, v := range m.recent[operator] {
		if now.Sub(v.at) <= recentSpan {
			ms = append(ms, v.ms)
		}
	}
	if len(ms) == 0 {
		return nil
	}
	slices.Sort(ms)
	at := func(q float64) float64 { return float64(ms[min(len(ms)-1, int(q*float64(len(ms))))]) }
	return &contract.Quantiles{Count: int64(len(ms)), P50: at(.5), P99: at(.99)}
}
