package api

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// histogram counts seconds as Prometheus does. Not safe for concurrent use.
type histogram struct {
	bounds []float64
	counts []uint64 // by bound, the last of what is above all
	sum    float64
	n      uint64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(v float64) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.counts[i]++
	h.sum += v
	h.n++
}

// sample is one receipt: when it was seen and how long it took, ms.
type sample struct {
	at time.Time
	ms int64
}

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
	sale     *histogram            // from the sale to its receipt
	arrival  *histogram            // from the record's arrival to its receipt: the hub's share and the register
	register map[string]*histogram // by lane: the attempt
	recent   map[string][]sample   // by operator, oldest first
}

func newMeter() *meter {
	return &meter{
		sale:     newHistogram(.05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 3600, 86400),
		arrival:  newHistogram(.005, .01, .02, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300),
		register: map[string]*histogram{}, recent: map[string][]sample{},
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
	m.sale.observe(float64(v.SinceSale) / 1000)
	m.arrival.observe(float64(v.SinceArrival) / 1000)
	if v.Register >= 0 {
		h := m.register[v.Lane]
		if h == nil {
			h = newHistogram(.05, .1, .2, .35, .5, .75, 1, 2, 5, 10, 30)
			m.register[v.Lane] = h
		}
		h.observe(float64(v.Register) / 1000)
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
