package ingest_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/hub/broker"
	"github.com/chekomat/chekomat/hub/ingest"
)

const (
	benchAgents = 8
	benchWindow = 256 // messages without PUBACK, per agent
)

// BenchmarkIngest measures durable ingest through MQTT, from PUBLISH to the
// hub's own ack, beside the same rows inserted in bare batches into the same
// SQLite configuration and beside the bare broker (QoS 1, nobody subscribed).
// Budget (design §7): at least 0.6 of the bare broker's rate.
func BenchmarkIngest(b *testing.B) {
	rate := map[string]float64{}
	run := func(name string, fn func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			fn(b)
			b.StopTimer()
			rate[name] = float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate[name], "records/s")
			if name == "durable" && rate["bare-broker"] > 0 {
				b.ReportMetric(rate[name]/rate["bare-broker"], "of-broker")
			}
			if name == "durable" && rate["bare-inserts"] > 0 {
				b.ReportMetric(rate[name]/rate["bare-inserts"], "of-inserts")
			}
		})
	}
	run("bare-broker", benchBareBroker)
	run("bare-inserts", benchBareInserts)
	run("durable", benchDurable)
}

func benchPayloads(b *testing.B, agent int) [][]byte {
	n := b.N / benchAgents
	if agent < b.N%benchAgents {
		n++
	}
	all := make([][]byte, n)
	for i := range all {
		all[i] = message(b, sale(fmt.Sprintf("journal%d", agent+1), int64(i+1)))
	}
	return all
}

func benchPump(b *testing.B, addr string, wait func(p *pump, n int) error) {
	var pumps [benchAgents]*pump
	var load [benchAgents][][]byte
	for i := range pumps {
		load[i] = benchPayloads(b, i)
		pumps[i] = dialPump(b, addr, "op", fmt.Sprintf("a%d", i+1), secret, benchWindow)
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, p := range pumps {
		wg.Go(func() {
			err := p.send(load[i])
			if err == nil && len(load[i]) > 0 {
				err = wait(p, len(load[i]))
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

func benchBareBroker(b *testing.B) {
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
	benchPump(b, l.Address(), func(p *pump, _ int) error { p.puback.Wait(); return nil })
}

func benchDurable(b *testing.B) {
	s := openStore(b, time.Now)
	settle(b, s, "op", benchAgents)
	h := startHub(b, s, broker.Options{}, ingest.Options{})
	benchPump(b, h.broker.Addr().String(), func(p *pump, n int) error { return p.until(int64(n)) })
	b.StopTimer()
	var records, jobs int
	if err := s.Read().QueryRow(`SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM job)`).Scan(&records, &jobs); err != nil || records != b.N || jobs != b.N {
		b.Fatalf("%d records and %d jobs of %d, %v", records, jobs, b.N, err)
	}
	if os.Getenv("INGEST_COUNTS") != "" {
		b.Logf("n=%d acks=%d", b.N, h.ingest.Counts().Acks.Load())
	}
}

// benchBareInserts writes the rows that the durable run writes (taken from a
// run of it) in batches of 256, with nothing around them.
func benchBareInserts(b *testing.B) {
	s := openStore(b, time.Now)
	settle(b, s, "op", benchAgents)
	h := startHub(b, s, broker.Options{}, ingest.Options{})
	p := dialPump(b, h.broker.Addr().String(), "op", "a1", secret, benchWindow)
	if err := p.send([][]byte{message(b, sale("journal1", 1))}); err != nil {
		b.Fatal(err)
	}
	if err := p.until(1); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for from := 0; from < b.N; from += 256 {
		err := s.Write(context.Background(), func(tx *sql.Tx) error {
			record, err := tx.Prepare(`INSERT INTO record(operator_id,agent_id,journal_id,seq,machine_id,kind,class,amount,col,source,of_seq,at,received_at,hash,body,fate,reason)
				SELECT operator_id,agent_id,journal_id,?,machine_id,kind,class,amount,col,source,of_seq,at,received_at,hash,body,fate,reason FROM record WHERE id=1`)
			if err != nil {
				return err
			}
			defer record.Close()
			job, err := tx.Prepare(`INSERT INTO job(id,operator_id,origin_kind,origin_id,purpose,ordinal,seller_id,machine_id,agent_id,journal_id,seq,record_id,state,sold_at,young_till,key,amount,document,created_at,updated_at)
				SELECT ?1,operator_id,origin_kind,?1,purpose,ordinal,seller_id,machine_id,agent_id,journal_id,seq,?2,state,sold_at,young_till,?1,amount,document,created_at,updated_at FROM job WHERE record_id=1`)
			if err != nil {
				return err
			}
			defer job.Close()
			history, err := tx.Prepare(`INSERT INTO job_history(job_id,at,state,actor) VALUES (?,1,'queued','ingest')`)
			if err != nil {
				return err
			}
			defer history.Close()
			for i := from; i < min(from+256, b.N); i++ {
				res, err := record.Exec(i + 2)
				if err != nil {
					return err
				}
				id, err := res.LastInsertId()
				if err != nil {
					return err
				}
				key := fmt.Sprintf("%011xabcdefghijklmnop%05d", i, i)
				if _, err = job.Exec(key, id); err == nil {
					_, err = history.Exec(key)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
