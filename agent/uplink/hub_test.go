package uplink

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

// hub is a stand-in for the real one behind a real broker: it keeps records by
// number and says what it has. Its faults are set by the tests.
type hub struct {
	mochi.HookBase
	srv *mochi.Server
	ln  *counting

	mu      sync.Mutex
	signal  chan struct{}
	stored  map[string]map[int64][]byte
	refused map[string]map[int64]string
	refuse  func(wire.Record) string
	hellos  []wire.Hello
	states  []wire.State
	wills   []wire.State
	order   []int64 // seqs as they came
	ages    map[int64]int64
	drop    func() bool // a record is lost
	mute    func() bool // an ack is lost
	twice   func() bool // an ack comes twice
	reset   func() bool // the connection breaks
	silent  bool        // no answer to hello
	upto    map[string]int64
}

const user = "op1/ag1"

func newHub(t testing.TB, conf *tls.Config) *hub {
	t.Helper()
	no := func() bool { return false }
	h := &hub{signal: make(chan struct{}, 1), stored: map[string]map[int64][]byte{}, refused: map[string]map[int64]string{},
		refuse: func(wire.Record) string { return "" }, ages: map[int64]int64{}, upto: map[string]int64{},
		drop: no, mute: no, twice: no, reset: no}
	h.srv = mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(t, h.srv.AddHook(h, nil))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h.ln = &counting{Listener: ln}
	var l net.Listener = h.ln
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	must(t, h.srv.AddListener(listeners.NewNet("t", l)))
	go func() { _ = h.srv.Serve() }()
	t.Cleanup(func() { _ = h.srv.Close() })
	return h
}

func (h *hub) ID() string { return "hub" }

func (h *hub) Provides(b byte) bool {
	return bytes.Contains([]byte{mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWillSent}, []byte{b})
}

func (h *hub) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	return cl.ID == user && string(pk.Connect.Username) == user && string(pk.Connect.Password) == "secret"
}

func (h *hub) OnACLCheck(*mochi.Client, string, bool) bool { return true }

func (h *hub) OnWillSent(_ *mochi.Client, pk packets.Packet) {
	var s wire.State
	_ = json.Unmarshal(pk.Payload, &s)
	h.change(func() { h.wills = append(h.wills, s) })
}

func (h *hub) change(fn func()) {
	h.mu.Lock()
	fn()
	h.mu.Unlock()
	signal(h.signal)
}

func (h *hub) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	_, _, name, err := wire.ParseTopic(pk.TopicName)
	if err != nil || cl.Net.Inline {
		return pk, nil
	}
	switch name {
	case wire.UpHello:
		var m wire.Hello
		_ = json.Unmarshal(pk.Payload, &m)
		var silent bool
		h.change(func() { h.hellos = append(h.hellos, m); silent = h.silent })
		if !silent {
			h.answer(m.Journal, m.Session)
		}
	case wire.UpState:
		var m wire.State
		_ = json.Unmarshal(pk.Payload, &m)
		h.change(func() { h.states = append(h.states, m) })
	case wire.UpRecord:
		var lost bool
		h.change(func() { lost = h.drop() })
		if !lost {
			h.record(pk.Payload)
		}
		var cut bool
		h.change(func() { cut = h.reset() })
		if cut {
			_ = cl.Net.Conn.Close() // not Stop: the library sends no will after it
			return pk, packets.ErrRejectPacket
		}
	}
	return pk, nil
}

func (h *hub) record(payload []byte) {
	var m wire.RecordMessage
	var r wire.Record
	if json.Unmarshal(payload, &m) != nil || json.Unmarshal(m.Record, &r) != nil {
		return
	}
	h.change(func() {
		h.order = append(h.order, r.Seq)
		h.ages[r.Seq] = m.AgeMS
		of := h.stored[r.Journal]
		if of == nil {
			of = map[int64][]byte{}
			h.stored[r.Journal], h.refused[r.Journal] = of, map[int64]string{}
		}
		code := h.refuse(r)
		if had, ok := of[r.Seq]; ok && !bytes.Equal(had, m.Record) {
			code = wire.RefusedConflict
		}
		if code != "" {
			h.refused[r.Journal][r.Seq] = code
		} else {
			of[r.Seq] = bytes.Clone(m.Record)
		}
	})
	h.answer(r.Journal, "")
}

// answer publishes an ack computed from what is stored.
func (h *hub) answer(id, session string) {
	var a wire.Ack
	n := 1
	h.change(func() {
		a = wire.Ack{V: wire.Version, Journal: id, Session: session, Upto: h.upto[id]}
		for seq := range h.stored[id] {
			a.Upto = max(a.Upto, seq)
		}
		for seq, code := range h.refused[id] {
			a.Upto = max(a.Upto, seq)
			a.Refused = append(a.Refused, wire.Refusal{Seq: seq, Code: code})
		}
		for seq := h.upto[id] + 1; seq < a.Upto; seq++ {
			if h.stored[id][seq] == nil && h.refused[id][seq] == "" {
				a.Missing = append(a.Missing, wire.Range{seq, seq})
			}
		}
		if h.mute() {
			n = 0
		} else if h.twice() {
			n = 2
		}
	})
	for range n {
		h.send(wire.DownAck, a)
	}
}

func (h *hub) send(name string, m any) {
	body, _ := json.Marshal(m)
	_ = h.srv.Publish(wire.Topic("op1", "ag1", name), body, false, 1)
}

func (h *hub) url() string { return "mqtt://" + h.ln.Addr().String() }

// until waits, by signals and not by time, for something to be so.
func (h *hub) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	poll := time.NewTicker(5 * time.Millisecond) // the agent's side gives no signal
	defer poll.Stop()
	for {
		h.mu.Lock()
		done := ok()
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-h.signal:
		case <-poll.C:
		case <-limit.C:
			t.Fatalf("not in 30 s: %s", what)
		}
	}
}

// counting counts bytes both ways, below TLS.
type counting struct {
	net.Listener
	n atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	return &counted{conn, &c.n}, err
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// machine remembers what the uplink hands over.
type machine struct {
	mu       sync.Mutex
	told     []wire.Receipt
	configs  []wire.Config
	commands []wire.Command
	up       bool
	reason   string
}

func (m *machine) locked(fn func()) { m.mu.Lock(); defer m.mu.Unlock(); fn() }

func (m *machine) Told(r wire.Receipt)      { m.locked(func() { m.told = append(m.told, r) }) }
func (m *machine) Heard()                   {}
func (m *machine) Link(up bool)             { m.locked(func() { m.up = up }) }
func (m *machine) Configured(c wire.Config) { m.locked(func() { m.configs = append(m.configs, c) }) }

func (m *machine) Command(c wire.Command) wire.Result {
	m.locked(func() { m.commands = append(m.commands, c) })
	return wire.Result{OK: true, Detail: "done"}
}

func (m *machine) Fill(s *wire.State) {
	m.locked(func() { s.Screen, s.Reason, s.Display, s.Bus.Alive = "idle", m.reason, true, true })
}

// side is the agent's side of a test.
type side struct {
	t    testing.TB
	dir  string
	j    *journal.Journal
	u    *Uplink
	m    *machine
	stop func()
}

func start(t testing.TB, h *hub, dir string, change func(*Config)) *side {
	t.Helper()
	j, err := journal.Open(dir, clock.System())
	must(t, err)
	s := &side{t: t, dir: dir, j: j, m: &machine{}}
	cfg := Config{Operator: "op1", Agent: "ag1", Secret: "secret", URL: h.url(), Journal: j, Clock: clock.System(), Machine: s.m,
		Logger: logger(), Retry: 10 * time.Millisecond, Patience: 300 * time.Millisecond,
		Greeting: 300 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	s.u, err = New(cfg)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.u.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("uplink: %v", err)
		}
		must(t, j.Close())
	})
	t.Cleanup(s.stop)
	return s
}

func (s *side) sell(n int) (seqs []int64) {
	s.t.Helper()
	for range n {
		seqs = append(seqs, sell(s.t, s.j, time.Duration(0)))
	}
	s.u.Nudge()
	return seqs
}

func sell(t testing.TB, j *journal.Journal, ago time.Duration) int64 {
	t.Helper()
	at := clock.System().Now().At(ago)
	st, err := j.Append([]journal.Entry{{Record: wire.Record{Kind: wire.KindSale, Wall: at.Wall, Synced: at.Synced, Boot: at.Boot, MonoMS: at.MonoMS,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", Column: 12, ColKnown: true, Channel: "device", Bus: "mdb", BusUS: 123456789,
			Amount: wire.Money{Minor: 7500, Known: true, Currency: "643", Raw: 75, Scale: 100, Decimals: 2},
			Parts:  []wire.Part{{Source: "reader1", Kind: "cashless", Minor: 7500}}, Words: "1300004b000c6a05004b5013020c21"}}}}, nil)
	must(t, err)
	return st[0].Seq
}

func (s *side) unacked() int64 {
	h, err := s.j.Heads()
	must(s.t, err)
	return h.Unacked
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// selfSigned makes a server's TLS config and the file of its CA.
func selfSigned(t testing.TB) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	must(t, err)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, ca
}

var clockSystem = clock.System()

// logger is silent unless CHEKOMAT_TEST_LOG is set.
func logger() *slog.Logger {
	if os.Getenv("CHEKOMAT_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}
