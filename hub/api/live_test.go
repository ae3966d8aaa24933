package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// stream reads a live stream event by event.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (w *world) stream(token string) *stream {
	w.t.Helper()
	srv := httptest.NewServer(w.api)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(func() { cancel(); srv.Close() })
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/api/v1/live", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept-Language", "ru")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { a.Body.Close() })
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{w.t, lines}
}

// next reads until an event of the name and decodes it.
func (s *stream) next(name string, out any) {
	s.t.Helper()
	found := false
	for s.lines.Scan() {
		line := s.lines.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			found = v == name
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok && found {
			if err := json.Unmarshal([]byte(v), out); err != nil {
				s.t.Fatalf("%s: %v", line, err)
			}
			return
		}
	}
	s.t.Fatalf("the stream ended before an event %s: %v", name, s.lines.Err())
}

func TestLiveGivesASnapshotThenWhatChanges(t *testing.T) {
	w := newWorld(t)
	s := w.stream(w.a.token)
	var snap contract.Snapshot
	s.next("snapshot", &snap)
	if len(snap.Machines) != 1 || len(snap.Lanes) != 1 || len(snap.Sales) != 3 || len(snap.Incidents) == 0 || len(snap.Summary.Operators) != 1 {
		t.Fatalf("snapshot: %+v", snap)
	}
	if snap.Lanes[0].Fault.Title != "Касса не ответила вовремя" {
		t.Errorf("not in Russian: %+v", snap.Lanes[0].Fault)
	}
	w.sell(w.b, 50, 6, 8500) // another operator's: not seen
	w.sell(w.a, 51, 6, 8500)
	var sale contract.Sale
	s.next("sale", &sale)
	if sale.Seq != 51 || sale.Operator != "alpha" || sale.Job == nil || sale.Job.State != "queued" {
		t.Fatalf("sale: %+v", sale)
	}
	var m contract.Machine
	s.next("machine", &m)
	if m.ID != w.a.machine || m.Waiting != 1 {
		t.Errorf("machine: %+v", m)
	}
	w.exec(`UPDATE job SET state='held', reason='receipt_mismatch' WHERE id=?`, sale.Job.ID)
	w.exec(`INSERT INTO job_history(job_id,at,state,reason) VALUES (?,?,'held','receipt_mismatch')`, sale.Job.ID, w.st.Now())
	s.next("sale", &sale)
	if sale.Seq != 51 || sale.Job.State != "held" {
		t.Errorf("moved: %+v", sale)
	}
	w.exec(`UPDATE lane_state SET state='ok', fault='' WHERE lane_id=?`, w.a.lane)
	var l contract.Lane
	for l.State != "ok" { // its queue changed before
		s.next("lane", &l)
	}
	if l.ID != w.a.lane {
		t.Errorf("lane: %+v", l)
	}
	w.do(w.a.token, "POST", fmt.Sprintf("/api/v1/incidents/%d/close", w.a.incident), nil, 200, nil)
	var v contract.Incident
	s.next("incident", &v)
	if v.ID != w.a.incident || v.ClosedAt.IsZero() {
		t.Errorf("incident: %+v", v)
	}
	w.exec(`UPDATE agent_state SET online=0 WHERE operator_id='alpha'`)
	s.next("machine", &m)
	if m.State != contract.MachineSilent {
		t.Errorf("offline: %+v", m)
	}
	w.do(w.a.token, "PUT", "/api/v1/machines/"+w.a.machine+"/rule", contract.MachineRule{Lang: "en"}, 200, nil)
	s.next("machine", &m) // facts changed: told anew
}

func TestLiveEndsWithItsServer(t *testing.T) {
	w := newWorld(t)
	s := w.stream(w.root)
	var snap contract.Snapshot
	s.next("snapshot", &snap)
	if len(snap.Summary.Operators) != 2 || len(snap.Machines) != 2 {
		t.Errorf("the installation sees %d operators, %d machines", len(snap.Summary.Operators), len(snap.Machines))
	}
	w.api.Close()
	for n := 0; s.lines.Scan(); n++ {
		if n > 100 {
			t.Fatal("the stream goes on")
		}
	}
}

func TestSlowWatcherGetsANewSnapshot(t *testing.T) {
	w := &watcher{out: make(chan []event, 1)}
	w.offer(event{"sale", nil})
	if w.lost {
		t.Fatal("there was room")
	}
	w.offer(event{"sale", nil})
	if !w.lost {
		t.Error("a delta that did not fit must ask for a snapshot")
	}
}
