package ingest_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
)

// load is how the clients of a benchmark behave; the same code against the
// bare broker and against the hub.
type load struct {
	name   string
	agents int
	window int  // messages without PUBACK, per agent
	single bool // a write for each message
	paho   bool // with the library agents use, instead of the cheapest client
}

var loads = []load{
	{name: "pipelined", agents: 8, window: 256},            // the most a broker can be given
	{name: "agents", agents: 64, window: 32, single: true}, // as agents send: their window, one write a message
	{name: "paho", agents: 64, window: 32, paho: true},
}

// BenchmarkIngest measures durable ingest through MQTT, from PUBLISH to the
// hub's own ack, beside the bare broker under the same clients (QoS 1, nobody
// subscribed) and beside the same rows inserted in bare batches into the same
// SQLite configuration. Budget (design §7): at least 0.6 of the bare broker's
// rate. A backlog is acknowledged before its jobs are made: settled/s is the
// rate up to the last job.
func BenchmarkIngest(b *testing.B) {
	rate := map[string]float64{}
	run := func(name string, fn func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			fn(b)
			b.StopTimer()
			rate[name] = float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate[name], "records/s")
			b.ReportMetric(0, "ns/op")
		})
	}
	run("inserts", benchBareInserts)
	for _, l := range loads {
		broker := l.name + "/broker"
		run(broker, func(b *testing.B) { benchBareBroker(b, l) })
		run(l.name+"/durable", func(b *testing.B) {
			settled := benchDurable(b, l)
			b.ReportMetric(settled, "settled/s")
			acked := float64(b.N) / b.Elapsed().Seconds()
			if rate[broker] > 0 {
				b.ReportMetric(acked/rate[broker], "of-broker")
			}
			if rate["inserts"] > 0 {
				b.ReportMetric(settled/rate["inserts"], "settled-of-inserts")
			}
		})
	}
}

// BenchmarkOneSale measures a quiet hub: from PUBLISH of one sale to the ack
// that says its record and its job are durable.
func BenchmarkOneSale(b *testing.B) {
	s := openStore(b, time.Now)
	settle(b, s, "op", 1)
	h := startHub(b, s, broker.Options{}, ingest.Options{})
	l := load{agents: 1, window: 1}
	all := l.payloads(b, 0)
	p := dialPump(b, h.broker.Addr().String(), "op", "a1", secret, l.window)
	b.ResetTimer()
	for i := range all {
		err := p.send(all[i : i+1])
		if err == nil {
			err = p.until(int64(i + 1))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	var jobs int
	if err := s.Read().QueryRow(`SELECT count(*) FROM job`).Scan(&jobs); err != nil || jobs != b.N {
		b.Fatalf("%d jobs of %d, %v", jobs, b.N, err)
	}
}

func (l load) payloads(b *testing.B, agent int) [][]byte {
	n := b.N / l.agents
	if agent < b.N%l.agents {
		n++
	}
	all := make([][]byte, n)
	for i := range all {
		all[i] = message(b, sale(fmt.Sprintf("journal%d", agent+1), int64(i+1)))
	}
	return all
}

// sender is a client under load.
type sender interface {
	send(payloads [][]byte) error
	arrived() // waits for every PUBACK
	until(seq int64) error
}

func (l load) dial(b *testing.B, addr, agent string) sender {
	if l.paho {
		return dialPaho(b, addr, agent, l.window)
	}
	p := dialPump(b, addr, "op", agent, secret, l.window)
	p.single = l.single
	return p
}

// pahoSender is a client of the library agents use.
type pahoSender struct {
	client paho.Client
	topic  string
	window int
	acked  chan int64
}

func dialPaho(b *testing.B, addr, agent string, window int) *pahoSender {
	p := &pahoSender{topic: wire.Topic("op", agent, wire.UpRecord), window: window, acked: make(chan int64, 1<<16)}
	p.client = paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("op/" + agent).SetUsername("op/" + agent).
		SetPassword(secret).SetAutoReconnect(false).SetMessageChannelDepth(uint(window)))
	b.Cleanup(func() { p.client.Disconnect(0) })
	ok := func(t paho.Token) {
		if t.Wait() && t.Error() != nil {
			b.Fatal(t.Error())
		}
	}
	ok(p.client.Connect())
	ok(p.client.Subscribe(wire.Topic("op", agent, wire.DownAck), 0, func(_ paho.Client, m paho.Message) {
		var a wire.Ack
		if json.Unmarshal(m.Payload(), &a) == nil {
			p.acked <- a.Upto
		}
	}))
	return p
}

func (p *pahoSender) send(payloads [][]byte) error {
	var tokens []paho.Token
	for _, body := range payloads {
		if len(tokens) == p.window {
			tokens[0].Wait()
			tokens = tokens[1:]
		}
		tokens = append(tokens, p.client.Publish(p.topic, 1, false, body))
	}
	for _, t := range tokens {
		if t.Wait() && t.Error() != nil {
			return t.Error()
		}
	}
	return nil
}

func (p *pahoSender) arrived() {} // send has waited

func (p *pahoSender) until(seq int64) error {
	for upto := range p.acked {
		if upto >= seq {
			break
		}
	}
	return nil
}

func (l load) run(b *testing.B, addr string, wait func(p sender, n int) error) {
	pumps, payloads := make([]sender, l.agents), make([][][]byte, l.agents)
	for i := range pumps {
		payloads[i] = l.payloads(b, i)
		pumps[i] = l.dial(b, addr, fmt.Sprintf("a%d", i+1))
	}
	runtime.GC() // of making the load
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, p := range pumps {
		wg.Go(func() {
			err := p.send(payloads[i])
			if err == nil && len(payloads[i]) > 0 {
				err = wait(p, len(payloads[i]))
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// anyone may do anything.
type anyone struct{ mqtt.HookBase }

func (anyone) ID() string                                              { return "anyone" }
func (anyone) Provides(b byte) bool                                    { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck }
func (anyone) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (anyone) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }

func benchBareBroker(b *testing.B, load load) {
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.DiscardHandler)})
	l := listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:0"})
	if err := server.AddHook(new(anyone), nil); err != nil {
		b.Fatal(err)
	}
	if err := server.AddListener(l); err != nil {
		b.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	load.run(b, l.Address(), func(p sender, _ int) error { p.arrived(); return nil })
	b.StopTimer()
}

// benchDurable stops the clock at the last ack; settled is the rate up to the
// last job.
func benchDurable(b *testing.B, load load) (settledRate float64) {
	s := openStore(b, time.Now)
	settle(b, s, "op", load.agents)
	h := startHub(b, s, broker.Options{}, ingest.Options{})
	load.run(b, h.broker.Addr().String(), func(p sender, n int) error { return p.until(int64(n)) })
	b.StopTimer()
	acked, rest := b.Elapsed(), time.Now()
	settled(b, s)
	settledRate = float64(b.N) / (acked + time.Since(rest)).Seconds()
	var records, jobs int
	if err := s.Read().QueryRow(`SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM job)`).Scan(&records, &jobs); err != nil || records != b.N || jobs != b.N {
		b.Fatalf("%d records and %d jobs of %d, %v", records, jobs, b.N, err)
	}
	return settledRate
}

// benchBareInserts writes rows as the hub writes them for a sale in batches of
// 256, with nothing around them: no counts, no marks, nothing to decide.
func benchBareInserts(b *testing.B) {
	s := openStore(b, time.Now)
	settle(b, s, "op", 1)
	body := encode(b, sale("journal1", 1))
	const document = `{"kind":1,"operation":1,"tax_system":2,"machine":{"serial":"VM0001","address":"Москва, ул. Ленина, 1","place":"холл"},"items":[{"name":"Эспрессо","price":5000,"quantity":1000000,"sum":5000,"vat":6,"subject":1,"method":4}],"payments":[{"kind":2,"amount":5000}],"total":5000,"sold_at":"2026-03-10T15:00:00+03:00"}`
	write := func(fn func(tx *sql.Tx) error) {
		if err := s.Write(context.Background(), fn); err != nil {
			b.Fatal(err)
		}
	}
	write(func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO journal(operator_id,agent_id,id,machine_id,first_at,last_at) VALUES ('op','a1','journal1','op-m1',1,1)`)
		return err
	})
	b.ResetTimer()
	for from := 0; from < b.N; from += 256 {
		write(func(tx *sql.Tx) error {
			record, err := tx.Prepare(`INSERT INTO record(operator_id,agent_id,journal_id,seq,machine_id,kind,class,amount,col,source,of_seq,at,received_at,hash,body,fate,reason)
				VALUES ('op','a1','journal1',?,'op-m1','sale','A',5000,5,'reader1',0,?,?,?,?,'job','')`)
			if err != nil {
				return err
			}
			job, err := tx.Prepare(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,ordinal,seller_id,machine_id,agent_id,journal_id,seq,record_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
				VALUES (?1,'op','record',?2,'receipt',0,'op-s','op-m1','a1','journal1',?3,?4,'queued',?5,?5,?6,5000,?7,?5,?5)`)
			if err != nil {
				return err
			}
			history, err := tx.Prepare(`INSERT INTO job_history(job_id,at,state,actor) VALUES (?,?,'queued','ingest')`)
			if err != nil {
				return err
			}
			for i := from; i < min(from+256, b.N); i++ {
				origin, now := fmt.Sprintf("a1/journal1/%d", i+1), s.Now()
				hash := sha256.Sum256([]byte(origin))
				key := hex.EncodeToString(hash[:18])
				id := fmt.Sprintf("%011x", now) + key[:16]
				res, err := record.Exec(i+1, now, now, hash[:], body)
				if err != nil {
					return err
				}
				recordID, err := res.LastInsertId()
				if err == nil {
					_, err = job.Exec(id, origin, i+1, recordID, now, key, document)
				}
				if err == nil {
					_, err = history.Exec(id, now)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}
