package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/chekomat/chekomat/agent/wire"
)

// patience bounds waits for things that must happen; it never decides a test
// that works.
const patience = 10 * time.Second

type passwords map[string]string

func (p passwords) Authenticate(_ context.Context, operator, agent, secret string) (bool, error) {
	want, ok := p[operator+"/"+agent]
	return ok && want == secret, nil
}

// heard collects what the handler was given.
type heard struct {
	mu   sync.Mutex
	cond *sync.Cond
	msgs []string
	gone []string
	fail func(name string, payload []byte) error
}

func newHeard() *heard {
	h := &heard{}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *heard) Message(operator, agent, name string, payload []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		if err := h.fail(name, payload); err != nil {
			return err
		}
	}
	h.msgs = append(h.msgs, fmt.Sprintf("%s/%s %s %s", operator, agent, name, payload))
	h.cond.Broadcast()
	return nil
}

func (h *heard) Gone(operator, agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, operator+"/"+agent)
	h.cond.Broadcast()
}

// wait blocks until ok holds.
func (h *heard) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	stop := time.AfterFunc(patience, func() { h.cond.Broadcast() })
	defer stop.Stop()
	end := time.Now().Add(patience)
	h.mu.Lock()
	defer h.mu.Unlock()
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen; heard %q, gone %q", what, h.msgs, h.gone)
		}
		h.cond.Wait()
	}
}

func (h *heard) has(msg string) func() bool {
	return func() bool {
		for _, m := range h.msgs {
			if m == msg {
				return true
			}
		}
		return false
	}
}

var people = passwords{"op/a1": "one", "op/a2": "two", "other/a1": "three"}

func start(t *testing.T, o Options, h Handler) *Broker {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b, err := Start(o, people, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func client(b *Broker, id, user, secret string, more ...func(*paho.ClientOptions)) paho.Client {
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr().String()).SetClientID(id).SetUsername(user).SetPassword(secret).
		SetAutoReconnect(false).SetConnectTimeout(patience)
	for _, f := range more {
		f(o)
	}
	return paho.NewClient(o)
}

func connect(t *testing.T, c paho.Client) {
	t.Helper()
	if tok := c.Connect(); !tok.WaitTimeout(patience) || tok.Error() != nil {
		t.Fatalf("connect: %v", tok.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
}

func TestWhoIsLetIn(t *testing.T) {
	b := start(t, Options{}, newHeard())
	will := func(topic string) func(*paho.ClientOptions) {
		return func(o *paho.ClientOptions) { o.SetWill(topic, "x", 1, true) }
	}
	for _, c := range []struct {
		name, id, user, secret string
		more                   []func(*paho.ClientOptions)
		ok                     bool
	}{
		{name: "own name", id: "op/a1", user: "op/a1", secret: "one", ok: true},
		{name: "will on own state", id: "op/a1", user: "op/a1", secret: "one", more: []func(*paho.ClientOptions){will(wire.Topic("op", "a1", wire.UpState))}, ok: true},
		{name: "will on another's state", id: "op/a1", user: "op/a1", secret: "one", more: []func(*paho.ClientOptions){will(wire.Topic("op", "a2", wire.UpState))}},
		{name: "will on own records", id: "op/a1", user: "op/a1", secret: "one", more: []func(*paho.ClientOptions){will(wire.Topic("op", "a1", wire.UpRecord))}},
		{name: "wrong secret", id: "op/a1", user: "op/a1", secret: "two"},
		{name: "no secret", id: "op/a1", user: "op/a1"},
		{name: "client id of another", id: "op/a2", user: "op/a1", secret: "one"},
		{name: "client id of nobody", id: "x", user: "op/a1", secret: "one"},
		{name: "unknown agent", id: "op/a9", user: "op/a9", secret: "one"},
		{name: "no operator", id: "a1", user: "a1", secret: "one"},
		{name: "wildcard in the name", id: "op/+", user: "op/+", secret: "one"},
		{name: "no name", id: "x", secret: "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := client(b, c.id, c.user, c.secret, c.more...)
			tok := cl.Connect()
			if !tok.WaitTimeout(patience) {
				t.Fatal("no answer to CONNECT")
			}
			if (tok.Error() == nil) != c.ok {
				t.Errorf("connect: %v, want ok %v", tok.Error(), c.ok)
			}
			cl.Disconnect(0)
		})
	}
}

func TestOwnSubtreeOnly(t *testing.T) {
	h := newHeard()
	b := start(t, Options{}, h)
	for _, c := range []struct {
		filter string
		ok     bool
	}{
		{wire.Topic("op", "a1", wire.DownAck), true},
		{wire.Topic("op", "a1", "down/+"), true},
		{wire.Topic("op", "a1", "down/#"), true},
		{wire.Topic("op", "a1", wire.UpState), false},
		{wire.Topic("op", "a1", "#"), false},
		{wire.Topic("op", "a2", wire.DownReceipt), false},
		{wire.Topic("other", "a1", wire.DownReceipt), false},
		{wire.Topic("op", "+", "down/receipt"), false},
		{"#", false}, {"$SYS/#", false}, {"chekomat/v1/op/+/down/ack", false}, {"$share/g/" + wire.Topic("op", "a1", wire.DownAck), false},
	} {
		cl := client(b, "op/a1", "op/a1", "one")
		connect(t, cl)
		tok := cl.Subscribe(c.filter, 1, nil).(*paho.SubscribeToken)
		tok.WaitTimeout(patience)
		qos, known := tok.Result()[c.filter]
		if granted := tok.Error() == nil && known && qos <= 1; granted != c.ok {
			t.Errorf("subscribe to %s: granted %v, want %v", c.filter, granted, c.ok)
		}
		cl.Disconnect(0)
	}
	for _, c := range []struct {
		topic  string
		retain bool
		ok     bool
	}{
		{wire.Topic("op", "a1", wire.UpRecord), false, true},
		{wire.Topic("op", "a1", wire.UpState), true, true},
		{wire.Topic("op", "a1", wire.UpRecord), true, false},
		{wire.Topic("op", "a1", wire.DownReceipt), false, false},
		{wire.Topic("op", "a2", wire.UpRecord), false, false},
		{wire.Topic("other", "a1", wire.UpRecord), false, false},
		{wire.Topic("op", "a1", "up/other"), false, false},
	} {
		lost := make(chan struct{})
		cl := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
			o.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
		})
		connect(t, cl)
		tok := cl.Publish(c.topic, 1, c.retain, "m:"+c.topic)
		if c.ok {
			if !tok.WaitTimeout(patience) || tok.Error() != nil {
				t.Errorf("publish to %s: %v", c.topic, tok.Error())
			}
		} else {
			select {
			case <-lost:
			case <-time.After(patience):
				t.Errorf("publish to %s: the connection lives on", c.topic)
			}
		}
		cl.Disconnect(0)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.msgs) != 2 || !h.has("op/a1 up/record m:"+wire.Topic("op", "a1", wire.UpRecord))() {
		t.Errorf("heard %q", h.msgs)
	}
}

func TestDownlinkReachesItsAgentAlone(t *testing.T) {
	b := start(t, Options{}, newHeard())
	got := make(chan string, 10)
	for _, a := range []string{"a1", "a2"} {
		cl := client(b, "op/"+a, "op/"+a, people["op/"+a])
		connect(t, cl)
		cl.Subscribe(wire.Topic("op", a, "down/+"), 1, func(_ paho.Client, m paho.Message) {
			got <- a + " " + m.Topic() + " " + string(m.Payload())
		}).WaitTimeout(patience)
	}
	if err := b.Publish("op", "a2", wire.DownAck, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish("op", "a1", wire.DownReceipt, []byte("y")); err != nil {
		t.Fatal(err)
	}
	all := []string{<-got, <-got}
	if s := strings.Join(all, "|"); !strings.Contains(s, "a2 "+wire.Topic("op", "a2", wire.DownAck)+" x") ||
		!strings.Contains(s, "a1 "+wire.Topic("op", "a1", wire.DownReceipt)+" y") {
		t.Errorf("delivered %q", all)
	}
	if err := b.Publish("other", "a1", wire.DownAck, nil); !errors.Is(err, ErrOffline) {
		t.Errorf("publish to an absent agent: %v", err)
	}
}

func TestSessionIsTakenOver(t *testing.T) {
	h := newHeard()
	b := start(t, Options{}, h)
	for i := range 20 {
		lost := make(chan struct{})
		old := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
			o.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
			o.SetWill(wire.Topic("op", "a1", wire.UpState), fmt.Sprintf("will %d", i), 1, true)
		})
		connect(t, old)
		young := client(b, "op/a1", "op/a1", "one")
		connect(t, young)
		select {
		case <-lost:
		case <-time.After(patience):
			t.Fatal("the old connection lives on")
		}
		got := make(chan string, 1)
		young.Subscribe(wire.Topic("op", "a1", wire.DownAck), 1, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }).WaitTimeout(patience)
		if err := b.Publish("op", "a1", wire.DownAck, []byte("z")); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		select {
		case <-got:
		case <-time.After(patience):
			t.Fatalf("round %d: the new connection hears nothing", i)
		}
		if b.Connected() != 1 {
			t.Errorf("round %d: %d connections", i, b.Connected())
		}
		young.Disconnect(100)
		h.wait(t, "gone", func() bool { return len(h.gone) == i+1 })
	}
}

func TestWillIsHeard(t *testing.T) {
	h := newHeard()
	b := start(t, Options{}, h)
	var link net.Conn
	cl := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
		o.SetWill(wire.Topic("op", "a1", wire.UpState), "last words", 1, true)
		o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (c net.Conn, err error) {
			link, err = net.Dial("tcp", u.Host)
			return link, err
		})
	})
	connect(t, cl)
	link.Close()
	h.wait(t, "will", h.has("op/a1 up/state last words"))
	h.wait(t, "gone", func() bool { return len(h.gone) == 1 })
}

// TestNoPubackWithoutRoom: what the hub could not take is not acknowledged, and
// the agent sends it again after it has reconnected.
func TestNoPubackWithoutRoom(t *testing.T) {
	h := newHeard()
	full := true
	h.fail = func(string, []byte) error {
		if full {
			return errors.New("full")
		}
		return nil
	}
	b := start(t, Options{}, h)
	lost := make(chan struct{})
	cl := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
		o.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
	})
	connect(t, cl)
	tok := cl.Publish(wire.Topic("op", "a1", wire.UpRecord), 1, false, "r1")
	<-lost
	select {
	case <-tok.Done():
		if tok.Error() == nil {
			t.Error("PUBACK for a message that was not taken")
		}
	default:
	}
	h.mu.Lock()
	full = false
	h.mu.Unlock()
	again := client(b, "op/a1", "op/a1", "one")
	connect(t, again)
	again.Publish(wire.Topic("op", "a1", wire.UpRecord), 1, false, "r1").WaitTimeout(patience)
	h.wait(t, "message", h.has("op/a1 up/record r1"))
}

func TestTooBigAPacketEndsTheConnection(t *testing.T) {
	b := start(t, Options{MaxPacket: 2000}, newHeard())
	lost := make(chan struct{})
	cl := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
		o.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
	})
	connect(t, cl)
	cl.Publish(wire.Topic("op", "a1", wire.UpRecord), 1, false, strings.Repeat("x", 3000))
	select {
	case <-lost:
	case <-time.After(patience):
		t.Error("the connection lives on")
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	b := start(t, Options{MaxConns: 2, ConnectTime: time.Minute}, newHeard())
	var open []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	cl := client(b, "op/a1", "op/a1", "one")
	if tok := cl.Connect(); tok.WaitTimeout(patience) && tok.Error() == nil {
		t.Fatal("a third connection was let in")
	}
	for _, c := range open {
		c.Close()
	}
	for end := time.Now().Add(patience); ; {
		cl := client(b, "op/a1", "op/a1", "one")
		if tok := cl.Connect(); tok.WaitTimeout(patience) && tok.Error() == nil {
			cl.Disconnect(0)
			return
		}
		if time.Now().After(end) {
			t.Fatal("places of closed connections are not freed")
		}
	}
}

func TestSlowIntroductionEnds(t *testing.T) {
	b := start(t, Options{ConnectTime: 50 * time.Millisecond}, newHeard())
	c, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stranger that says nothing is kept: %v", err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, caKey := makeCert(t, dir, "ca", nil, nil)
	makeCert(t, dir, "hub", ca, caKey)
	makeCert(t, dir, "agent", ca, caKey)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	file := func(n string) string { return filepath.Join(dir, n) }
	pair, err := tls.LoadX509KeyPair(file("agent.crt"), file("agent.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, clientCA string
		agent          *tls.Config
		ok             bool
	}{
		{"server proven", "", &tls.Config{RootCAs: roots}, true},
		{"server not trusted", "", &tls.Config{}, false},
		{"client certificate wanted, none", file("ca.crt"), &tls.Config{RootCAs: roots}, false},
		{"client certificate wanted, shown", file("ca.crt"), &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := TLSFiles(file("hub.crt"), file("hub.key"), c.clientCA)
			if err != nil {
				t.Fatal(err)
			}
			h := newHeard()
			b := start(t, Options{TLS: cfg}, h)
			cl := client(b, "op/a1", "op/a1", "one", func(o *paho.ClientOptions) {
				o.Servers = nil
				o.AddBroker("ssl://" + b.Addr().String())
				o.SetTLSConfig(c.agent)
			})
			tok := cl.Connect()
			tok.WaitTimeout(patience)
			if (tok.Error() == nil) != c.ok {
				t.Fatalf("connect: %v, want ok %v", tok.Error(), c.ok)
			}
			if c.ok {
				cl.Publish(wire.Topic("op", "a1", wire.UpHello), 1, false, "hi").WaitTimeout(patience)
				h.wait(t, "message", h.has("op/a1 up/hello hi"))
			}
			cl.Disconnect(0)
		})
	}
	if _, err := TLSFiles(file("hub.crt"), file("none"), ""); err == nil {
		t.Error("a missing key is not noticed")
	}
}

// makeCert writes name.crt and name.key, signed by the CA, or by itself.
func makeCert(t *testing.T, dir, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: ca == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if ca == nil {
		ca, caKey = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
