package line

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.bug.st/serial"
)

// patience bounds the wait for something that must come; nothing is decided by
// how long it took.
const patience = 20 * time.Second

// echo answers each conversation with what it said, xor 20h, until "!".
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 1)
		for {
			if _, err := io.ReadFull(c, b); err != nil || b[0] == '!' {
				break
			}
			if _, err := c.Write([]byte{b[0] ^ 0x20}); err != nil {
				break
			}
		}
		_ = c.Close()
	}
}

func open(t *testing.T, c Config) *Wires {
	t.Helper()
	w, err := Open(c)
	if err != nil {
		if _, stat := os.Stat("/dev/ptmx"); c.Pty && stat != nil {
			t.Skipf("no pseudo-terminals here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	for _, l := range w.Listeners() {
		go echo(l)
	}
	return w
}

func port(t *testing.T, path string, baud int) serial.Port {
	t.Helper()
	p, err := serial.Open(path, &serial.Mode{BaudRate: baud})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := p.SetReadTimeout(patience); err != nil {
		t.Fatal(err)
	}
	return p
}

func talk(t *testing.T, c io.ReadWriter, say, want string) {
	t.Helper()
	if _, err := c.Write([]byte(say)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		m, err := c.Read(got[n:])
		if err != nil || m == 0 {
			t.Fatalf("said %q: got %q, %v", say, got[:n], err)
		}
		n += m
	}
	if string(got) != want {
		t.Fatalf("said %q: got %q, want %q", say, got, want)
	}
}

func TestBothWays(t *testing.T) {
	w := open(t, Config{Listen: "127.0.0.1:0", Pty: true})
	tcp, err := net.Dial("tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	talk(t, tcp, "ab", "AB")
	talk(t, port(t, w.Path(), 115200), "cd", "CD")
}

// Every byte value passes both ways as it is.
func TestBytesPassAsTheyAre(t *testing.T) {
	w := open(t, Config{Pty: true})
	p := port(t, w.Path(), 57600)
	var say, want []byte
	for b := range 256 {
		if b != '!' {
			say, want = append(say, byte(b)), append(want, byte(b)^0x20)
		}
	}
	talk(t, p, string(say), string(want))
}

// A host leaves and another comes; the emulator ends a conversation and the
// host goes on in the next one. The line stays.
func TestTheLineOutlivesHostsAndConversations(t *testing.T) {
	w := open(t, Config{Pty: true})
	for range 3 {
		p := port(t, w.Path(), 9600)
		talk(t, p, "a", "A")
		talk(t, p, "!", "")
		talk(t, p, "b", "B")
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSpeedsMustAgree(t *testing.T) {
	var mu sync.Mutex
	var slept time.Duration
	w := open(t, Config{Pty: true, Baud: 57600, Sleep: func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		slept += d
	}})
	talk(t, port(t, w.Path(), 57600), "abcd", "ABCD")
	mu.Lock()
	if want := byteTime(8, 57600); slept < want-8 || slept > want {
		t.Errorf("slept %v for 8 bytes, want %v", slept, want)
	}
	mu.Unlock()

	w = open(t, Config{Pty: true, Baud: 57600, Sleep: func(time.Duration) {}})
	p := port(t, w.Path(), 115200)
	if _, err := p.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if n, err := p.Read(b); n != 1 || err != nil || b[0] == 'A' {
		t.Fatalf("a host at another speed read %q, %d, %v", b, n, err)
	}
}

func TestLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "kkt")
	w := open(t, Config{Pty: true, Link: link})
	if w.Path() != link {
		t.Fatalf("path %s", w.Path())
	}
	talk(t, port(t, link, 9600), "z", "Z")
	again := open(t, Config{Pty: true, Link: link}) // replaces the stale link
	talk(t, port(t, again.Path(), 9600), "y", "Y")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(link); err == nil {
		t.Error("the link stayed behind")
	}
	if err := os.WriteFile(link, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Pty: true, Link: link}); err == nil {
		t.Error("a file was replaced")
	}
}

func TestCloseEndsAccept(t *testing.T) {
	w, err := Open(Config{Listen: "127.0.0.1:0", Pty: true})
	if err != nil {
		t.Skip(err)
	}
	var group sync.WaitGroup
	for _, l := range w.Listeners() {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				if _, err := l.Accept(); err != nil {
					return
				}
			}
		}()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
}

func TestReadDeadline(t *testing.T) {
	w, err := Open(Config{Pty: true})
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = w.Close() }()
	p := port(t, w.Path(), 9600)
	if _, err := p.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	c, err := w.Listeners()[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if n, err := c.Read(b); !bytes.Equal(b[:n], []byte{1}) || err != nil {
		t.Fatalf("% X, %v", b[:n], err)
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{{}, {Listen: "127.0.0.1:0", Baud: -1}, {Listen: "nowhere:port"}} {
		if w, err := Open(c); err == nil {
			_ = w.Close()
			t.Errorf("%+v opened", c)
		}
	}
}
