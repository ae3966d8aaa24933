package line

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// script is a session of given actions, one a Step.
type script struct {
	actions []Action
	heard   []byte
}

func (s *script) Step(_ time.Duration, in []byte) Action {
	s.heard = append(s.heard, in...)
	if len(s.actions) == 0 {
		return Action{Wake: Never}
	}
	a := s.actions[0]
	s.actions = s.actions[1:]
	return a
}

func (s *script) Result() ([]byte, error) { return s.heard, nil }

func TestRunEndsWithItsContext(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, near, &script{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// The port is the caller's again: no deadline, and nobody reads from it.
	got := make(chan byte)
	go func() {
		b := make([]byte, 1)
		if _, err := near.Read(b); err == nil {
			got <- b[0]
		}
		close(got)
	}()
	if _, err := far.Write([]byte{7}); err != nil || <-got != 7 {
		t.Errorf("the port was left unusable: %v", err)
	}
}

func TestRunGivesThePortsError(t *testing.T) {
	near, far := net.Pipe()
	far.Close()
	if err := Run(context.Background(), near, &script{}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if err := Serve(context.Background(), near, &script{}); err != nil {
		t.Errorf("a machine whose reader has gone: %v", err)
	}
	if _, err := Read(context.Background(), near, &script{}); err == nil {
		t.Error("a report came from a closed port")
	}
}

type speedy struct {
	net.Conn
	baud int
	fail error
}

func (s *speedy) SetSpeed(b int) error { s.baud = b; return s.fail }

func TestRunChangesTheSpeed(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	sp := &speedy{Conn: near}
	if err := Run(context.Background(), sp, &script{actions: []Action{{Speed: 9600}, {Done: true}}}); err != nil || sp.baud != 9600 {
		t.Errorf("%v, %d baud", err, sp.baud)
	}
	sp.fail = errors.New("no such speed")
	if err := Run(context.Background(), sp, &script{actions: []Action{{Speed: 300}}}); !errors.Is(err, sp.fail) {
		t.Error(err)
	}
	if err := Run(context.Background(), near, &script{actions: []Action{{Speed: 300}}}); err == nil {
		t.Error("a port without speeds changed its speed")
	}
}

func TestRunCarriesBothWays(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		b := make([]byte, 2)
		if _, err := io.ReadFull(far, b); err == nil {
			_, _ = far.Write([]byte{b[1], b[0]})
		}
	}()
	s := &script{actions: []Action{{Send: []byte{1, 2}, Wake: Never}, {Done: true}}}
	if got, err := Read(context.Background(), near, s); err != nil || string(got) != "\x02\x01" {
		t.Errorf("%v % X", err, got)
	}
}

func TestOpenSerialNamesThePort(t *testing.T) {
	if _, err := OpenSerial("/no/such/port", 9600); err == nil {
		t.Error("a port that is not there was opened")
	}
}

func TestLoopEnds(t *testing.T) {
	if _, done := (&Loop{A: &script{}, B: &script{}}).Run(); done {
		t.Error("done without a word")
	}
	busy := &script{actions: []Action{{}, {}, {}, {}}}
	if _, done := (&Loop{A: busy, B: &script{}, Limit: 3}).Run(); done {
		t.Error("done at the limit")
	}
}
