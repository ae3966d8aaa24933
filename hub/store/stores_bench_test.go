package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// BenchmarkStores measures the hub's two writes on both databases in one run,
// each commit durable: sales that come from so many agents at once, one record a
// call, and documents that so many lanes finish at once, each with the intent of
// the next in the same transaction.
func BenchmarkStores(b *testing.B) {
	for _, kind := range stores {
		for _, beside := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/beside=%d", kind, beside), func(b *testing.B) { benchStore(b, newSceneAt(b, scratch(b, kind)), beside) })
		}
	}
}

var stores = []string{"sqlite", "postgres"}

// scratch is a new database of a kind, with commits as durable as in service.
func scratch(b *testing.B, kind string) string {
	b.Helper()
	if kind == "sqlite" {
		return filepath.Join(b.TempDir(), "hub.db")
	}
	srv, err := storetest.Start(storetest.Options{Durable: true})
	if errors.Is(err, storetest.ErrNotInstalled) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(srv.Stop)
	return srv.URL("postgres")
}

func openScratch(b *testing.B, kind string) *Store {
	b.Helper()
	s, err := Open(context.Background(), scratch(b, kind), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func benchStore(b *testing.B, sc *scene, beside int) {
	ctx := context.Background()
	var holds []Hold
	for i := range beside {
		id := fmt.Sprintf("b%d", i)
		sc.agent(id)
		sc.do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op',?,'m',1)`, id)
		sc.do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES (?,'op','s',?,'x://y','1.2',1,'UTC',1,1)`, id, id)
		h, err := sc.TakeLane(ctx, id, "hub", young, young)
		if err != nil {
			b.Fatal(err)
		}
		holds = append(holds, h)
	}
	each := func(fn func(i, n int) error) {
		var wg sync.WaitGroup
		for i := range beside {
			n := b.N / beside
			if i < b.N%beside {
				n++
			}
			wg.Go(func() {
				if err := fn(i, n); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	sale := vend()
	b.ResetTimer()
	each(func(i, n int) error {
		agent := fmt.Sprintf("b%d", i)
		for seq := range n {
			a := sc.arrival(record("j"+agent, int64(seq+1), wire.KindSale, &sale), 0)
			if _, err := sc.TakeIn(ctx, "op", agent, []Arrival{a}); err != nil {
				return err
			}
		}
		return nil
	})
	taken := b.Elapsed()
	queues := make([][]Job, beside)
	for i, j := range sc.jobs() {
		job, err := sc.Job(ctx, j.id)
		if err != nil {
			b.Fatal(err)
		}
		queues[i%beside] = append(queues[i%beside], job)
	}
	b.ResetTimer()
	each(func(i, _ int) error { return sc.finishAll(ctx, holds[i], fmt.Sprintf("9999%012d", i), queues[i]) })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/taken.Seconds(), "sales/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
	b.ReportMetric(0, "ns/op")
}

// finishAll makes the documents of a lane's queue, as the till stores them.
func (sc *scene) finishAll(ctx context.Context, h Hold, fn string, queue []Job) error {
	intent := func(k int) *Intent {
		if k >= len(queue) {
			return nil
		}
		j := queue[k]
		return &Intent{Job: j, Number: 1, Key: j.Key.Attempt(1), Wire: kkt.Wire{Bytes: make([]byte, 600)}, Baseline: kkt.Baseline{FN: fn, FD: uint32(k), Shift: 1}}
	}
	next := intent(0)
	if next == nil {
		return nil
	}
	a, err := sc.Begin(ctx, h, *next)
	for k := 1; err == nil; k++ {
		r := fiscal.Receipt{Kind: fiscal.KindReceipt, FN: fn, FD: uint32(k), FP: 1, At: noon, Shift: 1, Number: uint32(k), Operation: fiscal.Sell, Total: a.Job.Amount}
		var f Finished
		f, err = sc.Finish(ctx, h, a, kkt.Outcome{Kind: kkt.Done, Receipt: &r}, intent(k))
		if err != nil || f.Next == nil {
			break
		}
		a = *f.Next
	}
	return err
}
