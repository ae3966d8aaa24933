package ingest_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
)

// TestOverMQTT runs the whole way with a real client: subscribe, hello,
// records, acks; a hub that restarts in between; an agent that is cut off.
func TestOverMQTT(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 2)
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	var acks []wire.Ack
	dial := func(h *hub, agent, session string) paho.Client {
		will := encode(t, wire.State{V: 1, Session: session})
		cl := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://"+h.broker.Addr().String()).
			SetClientID("op/"+agent).SetUsername("op/"+agent).SetPassword(secret).SetAutoReconnect(false).
			SetWill(wire.Topic("op", agent, wire.UpState), string(will), 1, true))
		must := func(tok paho.Token) {
			t.Helper()
			if !tok.WaitTimeout(patience) || tok.Error() != nil {
				t.Fatalf("mqtt: %v", tok.Error())
			}
		}
		must(cl.Connect())
		must(cl.Subscribe(wire.Topic("op", agent, "down/+"), 1, func(_ paho.Client, m paho.Message) {
			_, _, name, err := wire.ParseTopic(m.Topic())
			var a wire.Ack
			if err != nil || name != wire.DownAck || json.Unmarshal(m.Payload(), &a) != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			acks = append(acks, a)
			cond.Broadcast()
		}))
		must(cl.Publish(wire.Topic("op", agent, wire.UpHello), 1, false, encode(t, wire.Hello{V: 1, Journal: "j1", Session: session, Head: 100, Oldest: 1})))
		return cl
	}
	until := func(upto int64, missing int) {
		t.Helper()
		stop := time.AfterFunc(patience, cond.Broadcast)
		defer stop.Stop()
		end := time.Now().Add(patience)
		mu.Lock()
		defer mu.Unlock()
		for len(acks) == 0 || acks[len(acks)-1].Upto != upto || len(acks[len(acks)-1].Missing) != missing {
			if time.Now().After(end) {
				t.Fatalf("no ack of %d with %d holes: %+v", upto, missing, acks)
			}
			cond.Wait()
		}
	}
	send := func(cl paho.Client, seqs ...int64) {
		for _, seq := range seqs {
			cl.Publish(wire.Topic("op", "a1", wire.UpRecord), 1, false, message(t, sale("j1", seq)))
		}
	}

	h := startHub(t, s, broker.Options{}, ingest.Options{})
	cl := dial(h, "a1", "s1")
	until(0, 0)
	send(cl, 1, 2, 5)
	until(5, 1)
	h.broker.Drop("op", "a1", nil)
	cl = dial(h, "a1", "s2")
	until(5, 1)
	send(cl, 3, 4, 5)
	until(5, 0)
	cl.Disconnect(0)

	again := startHub(t, s, broker.Options{}, ingest.Options{}) // on the same database
	cl = dial(again, "a1", "s3")
	until(5, 0)
	send(cl, 5, 6)
	until(6, 0)
	cl.Disconnect(0)
	if n := count(t, s, `SELECT count(*) FROM record`); n != 6 {
		t.Errorf("%d records, want 6", n)
	}
}
