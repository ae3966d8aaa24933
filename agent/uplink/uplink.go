// Package uplink speaks with the hub over MQTT: it delivers the journal's
// records and takes in acks, receipts, configuration and commands.
//
// Delivery belongs to the journal. The client library's own stores are not
// relied on: each connection is a new client with a clean session, and what
// the hub has not acknowledged in so many words is sent again.
package uplink

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// Machine is what the uplink serves. Its methods are called from the uplink's
// goroutine and must not block for long.
type Machine interface {
	Told(wire.Receipt)                // kept in the journal already
	Heard()                           // the hub said something
	Link(up bool)                     // the hub answered hello, or the connection is gone
	Configured(wire.Config)           // kept in the journal already
	Command(wire.Command) wire.Result // not expired
	Fill(*wire.State)                 // screen, reason, display, bus, disk
}

// Config of an Uplink.
type Config struct {
	Operator, Agent string
	Secret          string
	URL             string      // mqtt:// or mqtts://
	TLS             *tls.Config // for mqtts; nil takes the system's roots
	Software        string
	Journal         *journal.Journal
	Clock           clock.Clock
	Machine         Machine
	Logger          *slog.Logger

	// Zero values take the defaults.
	Window   int           // records ahead of the hub's word; 32
	Patience time.Duration // until a record is sent again; 30 s
	Greeting time.Duration // how long the answer to hello is waited for; 5 s
	Every    time.Duration // between states; 30 s
	Retry    time.Duration // first wait between connections, doubled up to 30 s; 500 ms
	Chance   func() string // names a connection, never twice; 12 random hex digits
}

func (c Config) defaults() Config {
	set := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	if c.Window == 0 {
		c.Window = 32
	}
	set(&c.Patience, 30*time.Second)
	set(&c.Greeting, 5*time.Second)
	set(&c.Every, 30*time.Second)
	set(&c.Retry, 500*time.Millisecond)
	if c.Chance == nil {
		c.Chance = newSession
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

const (
	keepAlive   = 30 * time.Second
	longestWait = 30 * time.Second
	ioTimeout   = 10 * time.Second
	youngAge    = 2 * time.Minute        // a record that young overtakes the backlog
	youngMost   = 4                      // how many may
	stateGap    = time.Second            // between states that tell of a change
	goodbye     = 500 * time.Millisecond // for the last words
)

// Uplink is one agent's connection. Make it with New and Run it once.
type Uplink struct {
	cfg    Config
	nudge  chan struct{} // the journal has grown
	change chan struct{} // what State tells has changed

	// Below belongs to Run's goroutine.
	out     chan parcel // to the connection's writer
	lost    chan error  // the connection is gone: why
	session string
	win     *window
	greeted bool
	may     bool // records may be sent: the hub answered, or did not in time
	turned  bool
	config  wire.Config
	results []wire.Result
	done    map[string]bool // commands carried out
	telling []wire.Shown    // results in the last state that had any
	took    chan struct{}   // closed at its PUBACK; nil: told, or none out
	last    wire.State      // as sent
	stateAt int64           // of it
	stateBy int64           // when the next is due
	helloAt int64
	heardAt int64
	askedAt int64 // when the hub first owed an answer
	full    bool  // the journal took nothing at the last try
	again   bool  // it does again: the hub is asked for what was not kept
}

// New makes an Uplink with the configuration kept in the journal, if any.
func New(cfg Config) (*Uplink, error) {
	u := &Uplink{cfg: cfg.defaults(), nudge: make(chan struct{}, 1), change: make(chan struct{}, 1), done: map[string]bool{}}
	c, err := Kept(cfg.Journal)
	if err != nil {
		return nil, err
	}
	u.config = c
	return u, nil
}

// Nudge tells that the journal has grown. It does not block.
func (u *Uplink) Nudge() { signal(u.nudge) }

// Changed tells that what a state tells may have changed. It does not block.
func (u *Uplink) Changed() { signal(u.change) }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (u *Uplink) now() int64 { return u.cfg.Clock.Now().MonoMS }

// Run connects, serves and reconnects until ctx ends. It returns an error only
// when the journal is damaged.
func (u *Uplink) Run(ctx context.Context) error {
	wait := u.cfg.Retry
	for ctx.Err() == nil {
		began := u.now()
		err := u.connection(ctx)
		if u.greeted && u.now()-began >= 4*u.cfg.Retry.Milliseconds() {
			wait = u.cfg.Retry // two clones that throw each other out at once do not come here
		}
		u.greet(false)
		if errors.Is(err, journal.ErrCorrupt) {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop
		}
		u.cfg.Logger.Warn("no connection to the hub", "err", err, "again_in_at_most", wait)
		t := time.NewTimer(wait/2 + mrand.N(wait/2+1)) // jitter: a fleet must not come back as one
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
		wait = min(wait*2, longestWait)
	}
	return nil
}

func (u *Uplink) greet(up bool) {
	if u.greeted != up {
		u.greeted = up
		u.cfg.Machine.Link(up)
	}
	u.may = up
}

func (u *Uplink) topic(name string) string { return wire.Topic(u.cfg.Operator, u.cfg.Agent, name) }

// connection serves one connection from its beginning to its end.
func (u *Uplink) connection(ctx context.Context) error {
	u.renew()
	will, err := json.Marshal(wire.State{V: wire.Version, Session: u.session})
	if err != nil {
		return fmt.Errorf("uplink: write the will: %w", err)
	}
	box := newMailbox()
	u.lost = make(chan error, 1)
	lost := u.lost
	u.out = make(chan parcel, 2*u.cfg.Window)
	stop := make(chan struct{})
	defer close(stop)
	name := wire.Username(u.cfg.Operator, u.cfg.Agent)
	o := mqtt.NewClientOptions().AddBroker(u.cfg.URL).SetClientID(name).SetUsername(name).SetPassword(u.cfg.Secret).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetProtocolVersion(4).
		SetKeepAlive(keepAlive).SetPingTimeout(ioTimeout).SetConnectTimeout(ioTimeout).SetWriteTimeout(ioTimeout).
		SetBinaryWill(u.topic(wire.UpState), will, 1, true).SetTLSConfig(u.cfg.TLS).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { box.put(m.Topic(), m.Payload()) }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	client := mqtt.NewClient(o)
	if err := wait(ctx, client.Connect()); err != nil {
		return fmt.Errorf("uplink: connect to %s as %s: %w", u.cfg.URL, name, err)
	}
	defer client.Disconnect(uint(goodbye.Milliseconds()))
	if err := wait(ctx, client.Subscribe(u.topic("down/+"), 1, nil)); err != nil {
		return fmt.Errorf("uplink: subscribe: %w", err)
	}
	go write(client, u.out, stop)
	if err := u.introduce(); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := u.send(); err != nil {
			return err
		}
		timer.Reset(u.pause())
		select {
		case <-ctx.Done():
			u.farewell()
			return nil
		case err := <-lost:
			return fmt.Errorf("uplink: connection lost: %w", err)
		case <-box.ready:
			err = u.take(box.all())
		case <-u.nudge:
		case <-u.took:
			err = u.told()
		case <-u.change:
			if u.urgent() {
				u.want(u.stateAt + stateGap.Milliseconds())
			}
		case <-timer.C:
		}
		if err == nil {
			err = u.timely()
		}
		if err != nil {
			return err
		}
	}
}

// want asks for a state at a time, if none is due before.
func (u *Uplink) want(at int64) { u.stateBy = min(u.stateBy, at) }

// urgent tells whether the change is one a person waits for. Results on the
// panel are not: they ride with the next regular state, for bytes cost money
// on a SIM.
func (u *Uplink) urgent() bool {
	var s wire.State
	u.cfg.Machine.Fill(&s)
	return s.Reason != u.last.Reason || s.Display != u.last.Display || s.Bus.Alive != u.last.Bus.Alive
}

// timely does what time asks for.
func (u *Uplink) timely() error {
	now := u.now()
	if !u.may && now-u.helloAt >= u.cfg.Greeting.Milliseconds() {
		u.may = true // a hub that does not answer may still store
	}
	if now >= u.deafAt() {
		return errDeaf
	}
	if now >= u.helloDue() || u.again {
		u.again = false
		if err := u.hello(); err != nil {
			return err
		}
	}
	if now >= u.stateBy {
		return u.state()
	}
	return nil
}

// errDeaf is a connection on which the hub has not said a word though it was
// asked: a subscription the broker lost, a hub that hangs behind its broker.
var errDeaf = errors.New("uplink: the hub does not answer on this connection")

// deafAt is when a connection without an expected answer is given up.
func (u *Uplink) deafAt() int64 {
	if u.greeted && len(u.win.sent) == 0 {
		return 1<<63 - 1
	}
	return max(u.heardAt, u.askedAt) + 8*u.cfg.Greeting.Milliseconds()
}

// helloDue repeats an unanswered hello and one whose answer could not be kept,
// and asks a silent hub whether it is there when the machine has to stop for its
// silence.
func (u *Uplink) helloDue() int64 {
	switch {
	case !u.greeted:
		return u.helloAt + 6*u.cfg.Greeting.Milliseconds()
	case u.full: // a restored hub may have asked for records: nothing else would remind of it
		return u.helloAt + 2*u.cfg.Every.Milliseconds()
	}
	if m := u.config.StopAfterM; m > 0 {
		quiet := int64(m) * time.Minute.Milliseconds() / 3
		return max(u.helloAt, u.heardAt) + quiet
	}
	return 1<<63 - 1
}

// pause is how long nothing is due.
func (u *Uplink) pause() time.Duration {
	next := min(u.stateBy, u.helloDue(), u.deafAt())
	if !u.may {
		next = min(next, u.helloAt+u.cfg.Greeting.Milliseconds())
	} else if at, ok := u.win.due(); ok {
		next = min(next, at)
	}
	return time.Duration(max(next-u.now(), 1)) * time.Millisecond
}

// send publishes the records that are wanted now.
func (u *Uplink) send() error {
	if !u.may {
		return nil
	}
	open, err := u.cfg.Journal.Open(u.cfg.Window)
	if err != nil || len(open) == 0 {
		return err
	}
	newest, err := u.young()
	if err != nil {
		return err
	}
	if u.greeted && len(u.win.sent) == 0 {
		u.askedAt = u.now()
	}
	for _, k := range u.win.wanted(u.now(), open, newest) {
		o, err := u.cfg.Journal.Outgoing(k)
		if err != nil {
			return err
		}
		age, err := u.age(o)
		if err != nil {
			return err
		}
		fault.Point("uplink.beforePublish")
		if err := u.publish(wire.UpRecord, wire.RecordMessage{V: wire.Version, AgeMS: age.Milliseconds(), Record: o.Body}); err != nil {
			return err
		}
		fault.Point("uplink.afterPublish")
	}
	return nil
}

// young lists undelivered records whose buyer may be at the machine.
func (u *Uplink) young() (out []journal.Key, err error) {
	newest, err := u.cfg.Journal.Newest(youngMost)
	for _, k := range newest {
		if _, ok := u.win.sent[k]; ok {
			continue
		}
		o, err := u.cfg.Journal.Outgoing(k)
		if err != nil {
			return nil, err
		}
		if age, err := u.age(o); err != nil {
			return nil, err
		} else if age < youngAge {
			out = append(out, k)
		}
	}
	return out, err
}

func (u *Uplink) age(o journal.Outgoing) (time.Duration, error) {
	now := u.cfg.Clock.Now()
	var offset int64
	if o.At.Boot != now.Boot && !o.At.Synced {
		var err error
		if offset, err = u.cfg.Journal.BootOffset(o.At.Boot); err != nil {
			return 0, err
		}
	}
	return now.Since(o.At, offset), nil
}

// parcel is a message on its way out.
type parcel struct {
	topic    string
	retained bool
	body     []byte
	taken    chan struct{} // when not nil: closed at PUBACK
}

// publish hands a message to the connection's writer. It does not wait for
// PUBACK, which proves nothing.
func (u *Uplink) publish(name string, m any) error {
	return u.post(name, m, parcel{})
}

func (u *Uplink) post(name string, m any, p parcel) (err error) {
	if p.body, err = json.Marshal(m); err != nil {
		return fmt.Errorf("uplink: write %s: %w", name, err)
	}
	p.topic = u.topic(name)
	select {
	case u.out <- p:
		return nil
	case err := <-u.lost:
		return fmt.Errorf("uplink: connection lost: %w", err)
	}
}

// write gives messages to the library in their order. It has a goroutine of its
// own because Publish may stand still for as long as its time-out when the
// connection goes at that moment; the uplink then goes on with a new one.
func write(client mqtt.Client, out <-chan parcel, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case p := <-out:
			t := client.Publish(p.topic, 1, p.retained, p.body)
			if p.taken != nil {
				go func() {
					if t.WaitTimeout(ioTimeout) && t.Error() == nil {
						close(p.taken)
					}
				}()
			}
		}
	}
}

func wait(ctx context.Context, t mqtt.Token) error {
	timeout := time.NewTimer(ioTimeout)
	defer timeout.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return errors.New("no answer in time")
	}
}

func newSession() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// TLS makes the client's side of a TLS connection: caFile "" takes the
// system's roots; certFile and keyFile, when not "", are the agent's own.
func TLS(caFile, certFile, keyFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("uplink: read the hub's CA: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("uplink: %s holds no certificate", caFile)
		}
	}
	if certFile != "" {
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("uplink: read the agent's certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

// mailbox takes messages without ever blocking the library's reader.
type mailbox struct {
	mu    sync.Mutex
	mail  []letter
	ready chan struct{}
}

type letter struct {
	topic string
	body  []byte
}

// mailboxMost bounds memory; the hub tells all that is owed again at hello.
const mailboxMost = 4096

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (b *mailbox) put(topic string, body []byte) {
	b.mu.Lock()
	if len(b.mail) < mailboxMost {
		b.mail = append(b.mail, letter{topic, body})
	}
	b.mu.Unlock()
	signal(b.ready)
}

func (b *mailbox) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.mail
	b.mail = nil
	return out
}
