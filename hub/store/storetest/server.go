package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInstalled says that there is no PostgreSQL server on this machine.
var ErrNotInstalled = errors.New("PostgreSQL's server is not installed (Debian: postgresql)")

// Bin names the folder of initdb and postgres where they are not found.
const Bin = "CHEKOMAT_POSTGRES_BIN"

// binaries finds the folder of initdb and postgres: of the newest version.
func binaries() (string, error) {
	if dir := os.Getenv(Bin); dir != "" {
		return dir, nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // a constant pattern is well formed
	version := func(p string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p)))) // what is no number is no version
		return n
	}
	sort.Slice(dirs, func(i, j int) bool { return version(dirs[i]) < version(dirs[j]) })
	if len(dirs) == 0 {
		return "", ErrNotInstalled
	}
	return filepath.Dir(dirs[len(dirs)-1]), nil
}

// Options of a server.
type Options struct {
	Durable bool // commits are synced, as in service
}

// Server is a running PostgreSQL of one's own.
type Server struct {
	o        Options
	bin, dir string
	schema   string // fingerprint of the template's

	mu      sync.Mutex
	command *exec.Cmd
	exited  chan struct{}
	log     *os.File
}

// socketRoom is how long the path above the server's folder may be: a socket's
// own path has room for 107 bytes (unix(7)).
const socketRoom = 60

// Start makes a server in a temporary folder and waits until it answers.
// ErrNotInstalled when there is none to run.
func Start(o Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	parent := os.TempDir()
	if len(parent) > socketRoom {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "chekomat-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, bin: bin, dir: dir}
	if err := give(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	initdb := s.tool("initdb", "-D", s.data(), "-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out)), os.RemoveAll(dir))
	}
	if err := s.Up(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// tool is a program of PostgreSQL, run as a user it accepts.
func (s *Server) tool(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	asUser(c)
	return c
}

// URL is the address of a database of the server.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"hub"}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// patient is URL for a server that is there, however starved it is.
func (s *Server) patient(database string) string { return s.URL(database) + "&connect_timeout=60" }

// Up starts the server after Down and waits until it answers.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB",
		"-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=2GB", "-c", "autovacuum=off", "-c", "jit=off"}
	if !s.o.Durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	c := s.tool("postgres", args...)
	c.Stdout, c.Stderr = log, log
	exited := make(chan struct{})
	begun := make(chan error)
	go func() {
		// The signal at the parent's death follows the thread that began the child.
		runtime.LockOSThread()
		err := c.Start()
		begun <- err
		if err == nil {
			_ = c.Wait() // how it ended stands in its log
		}
		log.Close()
		close(exited)
	}()
	if err := <-begun; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.command, s.exited, s.log = c, exited, log
	return s.answers()
}

// answers waits until the server takes connections.
func (s *Server) answers() error {
	var last error
	for range 600 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			err = c.Close(ctx)
			cancel()
			return err
		}
		cancel()
		last = err
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended: %s", s.said())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("PostgreSQL does not answer: %w", last)
}

// said is the end of the server's log.
func (s *Server) said() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-2000):]))
}

// Down ends the server: at once, as a crash, with its memory lost; or in order.
func (s *Server) Down(atOnce bool) {
	s.mu.Lock()
	c, exited := s.command, s.exited
	s.command = nil
	s.mu.Unlock()
	if c == nil {
		return
	}
	signalServer(c, atOnce)
	<-exited
}

// Stop ends the server and takes its folder away.
func (s *Server) Stop() {
	s.Down(true)
	_ = os.RemoveAll(s.dir) // a temporary folder
}

// exec runs statements in a database.
func (s *Server) exec(database, query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database))
	if err == nil {
		_, err = c.Exec(ctx, query)
		err = errors.Join(err, c.Close(ctx))
	}
	if err != nil {
		return fmt.Errorf("database %s: %w", database, err)
	}
	return nil
}

// ask runs a query that gives one text.
func (s *Server) ask(database, query string) (answer string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	return answer, c.QueryRow(ctx, query).Scan(&answer)
}
