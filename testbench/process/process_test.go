package process

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKilledProgramStartsAgain(t *testing.T) {
	lines := make(chan string, 10)
	p, err := Start(Spec{Name: "echo", Path: "/bin/sh", Args: []string{"-c", "echo up; exec sleep 60"},
		Log: filepath.Join(t.TempDir(), "log"), Line: func(s string) { lines <- s }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	<-lines
	before := p.PID()
	p.Kill()
	if got := <-lines; got != "up" || p.Starts() != 2 || p.PID() == before {
		t.Errorf("after the kill: line %q, %d starts, pid %d then %d", got, p.Starts(), before, p.PID())
	}
}

func TestReadyNamesTheLogOfAProgramThatCannotStart(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if _, err := Start(Spec{Name: "none", Path: "/nowhere/none", Log: log}); err == nil {
		t.Error("started a program that is not there")
	}
	if _, err := os.Stat(log); err != nil {
		t.Error(err)
	}
}
