package module_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/mdb/sales"
)

// machine gives the words of n card vends.
func machine(n int) []mdb.Word {
	var ws []mdb.Word
	t := int64(1_000_000)
	dl := mdb.Dialect{Level: 2, VMCLevel: 2}
	vmc := func(m mdb.CommandMessage) {
		t += 40_000
		ws, t = mdb.AppendWords(ws, mdb.Master, t, mdb.EncodeCommand(mdb.Cashless1, m, dl), 0)
	}
	ack := func() { ws, t = mdb.AppendWords(ws, mdb.Slave, t+300, []byte{0}, 0) }
	say := func(m mdb.AnswerMessage) {
		ws, t = mdb.AppendWords(ws, mdb.Slave, t+300, mdb.EncodeAnswer(dl, m), 0)
		ws, t = mdb.AppendWords(ws, mdb.Master, t+300, []byte{0}, 0)
	}
	vmc(mdb.SetupConfig{Level: 2})
	say(mdb.ReaderConfig{Level: 2, Currency: 0x1643, Scale: 1, Decimals: 2, MaxResponse: 5})
	for i := range n {
		vmc(mdb.VendRequest{Price: uint32(100 + i), Item: uint16(i)})
		ack()
		vmc(mdb.Poll{})
		say(mdb.VendApproved{Amount: uint32(100 + i)})
		vmc(mdb.VendSuccess{Item: uint16(i)})
		ack()
	}
	return ws
}

// The agent's life over TCP: it reads, stores checkpoint and cursor, dies and
// comes back; no sale is lost or doubled.
func TestAgentRestartsOverTCP(t *testing.T) {
	dev, err := link.NewDevice(link.DeviceConfig{Boot: 42})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // against hanging
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = dev.Serve(ctx, c) })
		}
	})
	defer wg.Wait()
	defer l.Close()
	defer cancel()

	const vends = 60
	words := machine(vends)
	wg.Go(func() {
		for i := 0; i < len(words); i += 50 {
			dev.Feed(words[i:min(i+50, len(words))]...)
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})

	var stored []byte
	var cursor module.Cursor
	var amounts []int64
	for life := 0; len(amounts) < vends; life++ {
		src, err := module.Open(ctx, "chekomat+tcp://"+l.Addr().String(), cursor, module.Options{})
		if err != nil && ctx.Err() == nil {
			continue // too slow to greet: the agent connects again
		}
		if err != nil {
			t.Fatal(err)
		}
		rec := sales.New(sales.ForSource(src.Fidelity()))
		if stored != nil {
			if err := rec.Restore(stored); err != nil {
				t.Fatal(err)
			}
		}
		for read := 0; read < 4 && len(amounts) < vends; read++ {
			c, err := src.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if c.Lost {
				t.Fatalf("words lost: %s", c.Note)
			}
			var got []int64
			for _, w := range c.Words {
				for _, e := range rec.Word(w) {
					if e.Kind == sales.KindSale {
						if e.Class != sales.ClassA {
							t.Fatalf("%+v", e)
						}
						got = append(got, e.Amount.Raw)
					}
				}
			}
			rec.Advance(c.Now)
			if read == 2+life%2 {
				break // died before the commit
			}
			amounts = append(amounts, got...)
			stored, cursor = rec.Checkpoint(), c.Next
			if k, ok := src.(module.Keeper); ok {
				if err := k.Keep(cursor); err != nil {
					t.Fatal(err)
				}
			} else {
				t.Fatal("no Keeper")
			}
		}
		src.Close()
	}
	for i, a := range amounts {
		if a != int64(100+i) {
			t.Fatalf("sale %d is %d: %v", i, a, amounts)
		}
	}
	if len(amounts) != vends {
		t.Fatalf("%d sales", len(amounts))
	}
}
