package till

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// warm makes one document on each lane, so that shifts are open.
func (h *house) warm(b *testing.B, sellers, lanesEach int) {
	b.Helper()
	for i := range sellers {
		for k := range lanesEach {
			addJob(b, h.s, fmt.Sprintf("s%d", i), "", k, time.Now(), 100)
		}
	}
	h.await(b, sellers*lanesEach)
}

// machines makes so many for each seller.
func (h *house) machines(b *testing.B, sellers, each int) {
	b.Helper()
	for i := range sellers {
		for m := range each {
			addMachine(b, h.s, fmt.Sprintf("s%d", i), fmt.Sprintf("s%d-m%d", i, m))
		}
	}
}

// backlog puts n sales into the queues of the sellers, of so many machines each.
func (h *house) backlog(b *testing.B, sellers, machines, n int) {
	b.Helper()
	at := time.Now().Add(-time.Hour)
	err := h.s.Write(context.Background(), func(tx *sql.Tx) error {
		for k := range n {
			seller, machine := fmt.Sprintf("s%d", k%sellers), ""
			if machines > 0 {
				machine = fmt.Sprintf("%s-m%d", seller, k/sellers%machines)
			}
			_, insert := newJob(seller, machine, 1000+k, at.Add(time.Duration(k)*time.Millisecond), 100)
			if err := insert(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkJobs: documents per second with a register that takes no time, on a
// database file with synchronous commits; each lane is of its own seller.
func BenchmarkJobs(b *testing.B) {
	for _, lanes := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			h := build(b, lanes, 1, 0, Settings{})
			h.warm(b, lanes, 1)
			b.ResetTimer()
			h.backlog(b, lanes, 0, b.N)
			h.count(b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// count waits for n jobs that are told of.
func (h *house) count(n int) {
	for range n {
		<-h.told
	}
}

// BenchmarkPool: one seller with a backlog of many machines on a pool of
// registers that take 350 ms for a document, as real ones do (kkt-shtrih.md §10);
// one operation is a document a register. linear is the share of what so many
// registers could make at most; the goal is 1 at any size.
func BenchmarkPool(b *testing.B) {
	const service = 350 * time.Millisecond
	for _, lanes := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			h := build(b, 1, lanes, service, Settings{})
			h.warm(b, 1, lanes)
			n := b.N * lanes
			h.machines(b, 1, 10*lanes)
			b.ResetTimer()
			h.backlog(b, 1, 10*lanes, n)
			h.count(n)
			rate := float64(n) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "jobs/s")
			b.ReportMetric(rate*service.Seconds()/float64(lanes), "linear")
		})
	}
}

// BenchmarkBusyRegister: how much of the time a register of the given service
// time works while there is a backlog; a bare client that sends back to back
// would be at 1. The budget is 0.98.
func BenchmarkBusyRegister(b *testing.B) {
	for _, service := range []time.Duration{20 * time.Millisecond, 350 * time.Millisecond} {
		b.Run(service.String(), func(b *testing.B) {
			h := build(b, 1, 1, service, Settings{})
			h.backlog(b, 1, 0, b.N)
			<-h.told
			b.ResetTimer()
			h.count(b.N - 1)
			b.ReportMetric(float64(b.N-1)*service.Seconds()/b.Elapsed().Seconds(), "busy")
		})
	}
}

// BenchmarkLatency: from a sale's commit to its receipt, less the register's
// own time; 500 sales a second over 64 registers that take 50 ms. In sellers
// each is of a seller of its own, in pool all are one seller's and the sales are
// of 640 machines. The budget of the hub's whole share is 20 ms at p99.
func BenchmarkLatency(b *testing.B) {
	for _, c := range []struct {
		name                     string
		sellers, lanes, machines int
	}{{"sellers", 64, 1, 10}, {"pool", 1, 64, 640}} {
		b.Run(c.name, func(b *testing.B) { latency(b, c.sellers, c.lanes, c.machines, 500, 50*time.Millisecond) })
	}
}

func latency(b *testing.B, sellers, lanes, machines, rate int, service time.Duration) {
	h := build(b, sellers, lanes, service, Settings{})
	h.warm(b, sellers, lanes)
	h.machines(b, sellers, machines)
	var mu sync.Mutex
	from := map[string]time.Time{}
	took := make([]time.Duration, 0, b.N)
	var wg sync.WaitGroup
	b.ResetTimer()
	go func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for n := range b.N {
			<-tick.C
			wg.Add(1)
			go func() {
				defer wg.Done()
				seller := fmt.Sprintf("s%d", n%sellers)
				id, insert := newJob(seller, fmt.Sprintf("%s-m%d", seller, n/sellers%machines), 1000+n, time.Now(), 100)
				mu.Lock()
				from[id] = time.Now()
				mu.Unlock()
				if err := h.s.Write(context.Background(), insert); err != nil {
					b.Error(err)
				}
			}()
		}
	}()
	for range b.N {
		id := <-h.told
		mu.Lock()
		took = append(took, time.Since(from[id])-service)
		mu.Unlock()
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
