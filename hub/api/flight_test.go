package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// fly stores a trace as an agent of the tenant sends it.
func (w *world) fly(n tenant, name, text string) {
	w.t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		w.t.Fatal(err)
	}
	t := wire.Trace{V: wire.Version, Name: name, Wall: time.Now(), Gzip: b.Bytes()}
	if err := w.st.TakeFlight(w.t.Context(), n.id, n.agent, t, int64(len(text))); err != nil {
		w.t.Fatal(err)
	}
}

func TestTracesAreAskedForListedAndRead(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/machines/" + w.a.machine + "/flights"
	var asked contract.List[contract.FlightAsked]
	w.do(w.a.token, "POST", path, contract.FlightRequest{LastS: 120}, 202, &asked)
	if len(asked.Items) != 1 || asked.Items[0].Agent != w.a.agent || asked.Items[0].State != "asked" || !asked.Items[0].Expires.After(asked.Items[0].Asked) {
		t.Fatalf("asked %+v", asked)
	}
	commands, err := w.st.FlightsAsked(t.Context(), w.a.id, w.a.agent)
	if err != nil || len(commands) != 1 || commands[0].ID != asked.Items[0].ID || commands[0].Kind != wire.CommandTrace || string(commands[0].Args) != `{"last_s":120}` {
		t.Fatalf("commands %+v, %v", commands, err)
	}
	// Another agent's word does not count.
	if err := w.st.NoteResults(t.Context(), w.b.id, w.b.agent, []wire.Result{{ID: commands[0].ID, OK: true}}); err != nil {
		t.Fatal(err)
	}
	var list contract.FlightList
	w.do(w.a.token, "GET", path, nil, 200, &list)
	if list.Asked[0].State != "asked" {
		t.Fatalf("settled by another: %+v", list.Asked)
	}
	w.fly(w.a, "20260702T120000.000Z-asked.trace", "trace 1\nVMC 12\n")
	w.fly(w.a, "20260702T120000.000Z-asked.trace", "trace 1\n# sent again\n")
	if err := w.st.NoteResults(t.Context(), w.a.id, w.a.agent, []wire.Result{{ID: commands[0].ID, OK: true, Detail: "sent"}}); err != nil {
		t.Fatal(err)
	}
	w.do(w.a.token, "GET", path, nil, 200, &list)
	if len(list.Items) != 2 || list.Items[0].Name != "20260702T120000.000Z-asked.trace" || list.Items[0].Bytes != 15 || list.Asked[0].State != "done" {
		t.Fatalf("list %+v", list)
	}
	r := w.ask(w.a.token, "GET", fmt.Sprintf("/api/v1/flights/%d", list.Items[0].ID), nil)
	if r.Code != 200 || r.Body.String() != "trace 1\nVMC 12\n" || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q", r.Code, r.Body)
	}
}

func TestWhatCannotBeAskedFor(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/machines/" + w.a.machine + "/flights"
	for _, b := range []contract.FlightRequest{{}, {LastS: 5, Saved: 1}, {LastS: 3601}, {Saved: 11}, {LastS: -1}} {
		if r := w.ask(w.a.token, "POST", path, b); r.Code != 422 {
			t.Errorf("%+v: %d %s", b, r.Code, r.Body)
		}
	}
	w.exec(`UPDATE binding SET machine_id=NULL WHERE agent_id=?`, w.a.agent)
	if r := w.ask(w.a.token, "POST", path, contract.FlightRequest{LastS: 5}); r.Code != 409 || !strings.Contains(r.Body.String(), "nobody_to_ask") {
		t.Errorf("without an agent: %d %s", r.Code, r.Body)
	}
}
