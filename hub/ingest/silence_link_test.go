package ingest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
)

// catalogues takes what agents are sent of the catalogue.
type catalogues chan wire.Config

func (c catalogues) Publish(_, _, name string, payload []byte) error {
	var cfg wire.Config
	if name == wire.DownConfig && json.Unmarshal(payload, &cfg) == nil {
		c <- cfg
	}
	return nil
}
func (catalogues) Drop(string, string, error) {}
func (catalogues) Online(string, string) bool { return true }

func TestAgentsHearOfTheirRegisterWhenItsStateChanges(t *testing.T) {
	clk := newClock()
	s := openStore(t, clk.now)
	settle(t, s, "op", 1)
	lane := func(query string, args ...any) {
		t.Helper()
		err := s.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	lane(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,created_at) VALUES ('l','op','op-s','l','shtrih+tcp://x:1','1.2',2,'UTC',1)`)
	lane(`INSERT INTO lane_state(lane_id,state) VALUES ('l','ok')`)
	sent := make(catalogues, 64)
	in := ingest.New(s, ingest.Options{Log: slog.New(slog.DiscardHandler)})
	in.Attach(sent)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	told := func(late string) wire.Config {
		t.Helper()
		for {
			select {
			case c := <-sent:
				if c.LateReason == late {
					return c
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("the agent does not hear %q", late)
			}
		}
	}
	// The hub marks all agents offline as it starts: the agent comes after that.
	if err := in.Message("op", "a1", wire.UpHello, encode(t, wire.Hello{V: 1, Journal: "j", Session: "s"})); err != nil {
		t.Fatal(err)
	}
	first := told("")
	lane(`UPDATE agent_state SET online=1`)
	lane(`UPDATE lane_state SET state='fn_full', fault='fn_full'`)
	if c := told("fn_full"); c.OffReason != "" || c.Version <= first.Version {
		t.Errorf("%+v after version %d", c, first.Version)
	}
	lane(`UPDATE lane_state SET state='ok', fault=''`)
	told("")
	lane(`UPDATE lane_state SET state='unreachable', fault='register_unreachable'`)
	passing := time.NewTicker(100 * time.Millisecond) // time goes on until a look finds the grace over
	defer passing.Stop()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-passing.C:
				clk.advance(5 * time.Second)
			}
		}
	}()
	told("register_silent")
}
