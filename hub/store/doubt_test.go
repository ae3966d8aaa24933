package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store/storetest"
)

// between stands between a store and its server, and cuts connections at a
// COMMIT.
type between struct {
	socket, server string
	cut            atomic.Int32 // what happens at the next COMMIT
	atCommit       func()       // and before that
}

// Ways to cut.
const (
	cutNothing int32 = iota
	cutBefore        // the server never hears of it
	cutAfter         // the server's answer is lost
)

func newBetween(t *testing.T, server string) *between {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	p := &between{socket: filepath.Join(dir, ".s.PGSQL.5432"), server: filepath.Join(server, ".s.PGSQL.5432")}
	ln, err := net.Listen("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *between) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil || mute.Load() {
				client.Close()
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			server.Close()
			return
		}
		if bytes.Contains(buf[:n], []byte("; commit")) {
			switch p.cut.Swap(cutNothing) {
			case cutBefore:
				if p.atCommit != nil {
					p.atCommit()
				}
				return
			case cutAfter:
				mute.Store(true)
			}
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
		if mute.Load() {
			<-answered
			return
		}
	}
}

// TestACommitWithoutAnAnswer: the store finds out what became of it, and a
// write is made once, whether COMMIT or its answer was lost.
func TestACommitWithoutAnAnswer(t *testing.T) {
	storetest.OwnServer(t)
	for _, tt := range []struct {
		name string
		cut  int32
		runs int
	}{{"lost on its way", cutBefore, 2}, {"its answer lost", cutAfter, 1}} {
		t.Run(tt.name, func(t *testing.T) {
			address := storetest.Address(t)
			host := folderOf(t, address)
			p := newBetween(t, host)
			s := openAt(t, strings.Replace(address, escaped(host), escaped(filepath.Dir(p.socket)), 1))
			runs := 0
			p.cut.Store(tt.cut)
			err := s.Write(context.Background(), func(tx *sql.Tx) error { runs++; return addOperator("once")(tx) })
			if err != nil || runs != tt.runs {
				t.Errorf("ran %d times: %v", runs, err)
			}
			if n := operators(t, s); n != 1 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// TestACommitNobodyCanTellOf: the server goes at the COMMIT. While it is away
// nobody knows; closing the store says so. When it comes back, it tells.
func TestACommitNobodyCanTellOf(t *testing.T) {
	srv, address := own(t)
	host := folderOf(t, address)
	p := newBetween(t, host)
	address = strings.Replace(address, escaped(host), escaped(filepath.Dir(p.socket)), 1)
	write := func(s *Store, id string) <-chan error {
		result, down := make(chan error, 1), make(chan struct{})
		p.atCommit = func() { srv.Down(true); close(down) }
		p.cut.Store(cutBefore)
		go func() { result <- s.Write(context.Background(), addOperator(id)) }()
		<-down
		return result
	}
	s, err := Open(t.Context(), address, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	result := write(s, "perhaps")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, ErrInDoubt) {
		t.Errorf("a write the server took with it: %v", err)
	}
	if err := srv.Up(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, address)
	result = write(s, "certain")
	if err := srv.Up(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("after the server came back: %v", err)
	}
	if n := operators(t, s); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// folderOf is the folder of the socket in an address.
func folderOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

func escaped(folder string) string { return "host=" + url.QueryEscape(folder) }
