package ingest_test

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (l *link) commands() int {
	return len(of[wire.Command](l, wire.DownCommand))
}

// An agent that was away when it was asked is asked at its next hello, until it
// has answered or the request has expired.
func TestTracesAreAskedForUntilAnswered(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 2)
	in, l := startIngest(t, s, ingest.Options{})
	asked, err := s.AskFlight(t.Context(), "op", "op-m1", wire.TraceArgs{Saved: 2}, time.Hour, "test")
	if err != nil || len(asked) != 1 {
		t.Fatal(asked, err)
	}
	in.FlightAsked("op", "a1")
	l.wait(t, "the command", func() bool { return l.commands() == 1 })
	hello := func() { say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Session: "s"}) }
	hello()
	l.wait(t, "the command again", func() bool { return l.commands() == 2 })
	say(t, in, wire.UpTrace, wire.Trace{V: 1, Command: asked[0].ID, Name: "20260310T115900.000Z-incident-x.trace", Wall: c.now(), Gzip: packed(t, "trace 1\n")})
	say(t, in, wire.UpState, wire.State{V: 1, Session: "s", Online: true, Results: []wire.Result{{ID: asked[0].ID, OK: true}}})
	hello()
	l.wait(t, "hello's answer", func() bool { return len(of[wire.Config](l, wire.DownConfig)) == 2 })
	list, err := s.Flights(t.Context(), "op", "op-m1")
	if err != nil || len(list.Items) != 1 || list.Asked[0].State != "done" {
		t.Fatalf("%+v, %v", list, err)
	}
	c.advance(time.Second)
	if _, err := s.AskFlight(t.Context(), "op", "op-m1", wire.TraceArgs{LastS: 5}, time.Hour, "test"); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Hour)
	if all, err := s.FlightsAsked(t.Context(), "op", "a1"); err != nil || len(all) != 0 {
		t.Errorf("an expired command is sent: %v, %v", all, err)
	}
	if list, _ := s.Flights(t.Context(), "op", "op-m1"); list.Asked[0].State != "expired" {
		t.Errorf("%+v", list.Asked)
	}
	if n := l.commands(); n != 2 {
		t.Errorf("%d commands were sent", n)
	}
}

func TestTracesThatCannotBeReadAreKept(t *testing.T) {
	c := newClock()
	s := openStore(t, c.now)
	settle(t, s, "op", 1)
	in, l := startIngest(t, s, ingest.Options{})
	good := wire.Trace{V: 1, Name: "x.trace", Wall: c.now(), Gzip: packed(t, "trace 1\n")}
	bad := []wire.Trace{good, good, good, good, good}
	bad[0].Name = "../x.trace"
	bad[1].Gzip = []byte("no gzip")
	bad[2].Gzip = packed(t, "\xff\xfe")
	bad[3].Gzip = packed(t, string(bytes.Repeat([]byte("0123456789abcdef"), 300_000)))
	bad[4].V = 7
	for _, b := range bad {
		say(t, in, wire.UpTrace, b)
	}
	say(t, in, wire.UpHello, wire.Hello{V: 1, Journal: "j1", Session: "s"})
	l.wait(t, "hello's answer", func() bool { return len(of[wire.Config](l, wire.DownConfig)) == 1 })
	if n := count(t, s, `SELECT count(*) FROM flight`); n != 0 {
		t.Errorf("%d traces were taken", n)
	}
	if n := count(t, s, `SELECT count(*) FROM quarantine`); n != len(bad) {
		t.Errorf("%d in quarantine, want %d", n, len(bad))
	}
}
