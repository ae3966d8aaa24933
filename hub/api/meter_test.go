package api

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store"
)

func storeMade(w *world) store.Made {
	w.t.Helper()
	all, err := w.st.MadeSince(w.t.Context(), 0, 1)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%v %v", all, err)
	}
	return all[0]
}

func TestQuantilesForgetWhatIsOld(t *testing.T) {
	m := newMeter()
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	if q := m.quantiles("a", now); q != nil {
		t.Errorf("of nothing: %+v", q)
	}
	for i := range int64(100) {
		m.take(store.Made{ID: i, Operator: "a", SinceSale: (i + 1) * 10}, now)
	}
	m.take(store.Made{ID: 101, Operator: "b", SinceSale: 5}, now)
	q := m.quantiles("a", now.Add(time.Minute))
	if q.Count != 100 || q.P50 != 510 || q.P99 != 1000 {
		t.Errorf("%+v", q)
	}
	if q := m.quantiles("a", now.Add(recentSpan+time.Second)); q != nil {
		t.Errorf("too old: %+v", q)
	}
	for i := range int64(2 * recentSamples) {
		m.take(store.Made{ID: 200 + i, Operator: "a", SinceSale: 1}, now)
	}
	if n := len(m.recent["a"]); n != recentSamples {
		t.Errorf("%d samples are kept", n)
	}
}

func TestReceiptsAreMeasuredOnce(t *testing.T) {
	w := newWorld(t)
	m := newMeter()
	m.begin(t.Context(), w.st)
	m.read(t.Context(), w.st)
	if m.sale.n != 0 {
		t.Errorf("receipts made before the start are measured: %d", m.sale.n)
	}
	m = newMeter()
	m.read(t.Context(), w.st)
	m.read(t.Context(), w.st)
	if m.sale.n != 2 || m.register[w.a.lane].n != 1 || m.register[w.a.lane].sum != .35 {
		t.Errorf("%d receipts, register %+v", m.sale.n, m.register[w.a.lane])
	}
}
