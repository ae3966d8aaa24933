// Package broker is the hub's embedded MQTT 3.1.1 broker behind a small
// interface of its own, so that the library under it can be replaced. It knows
// agents, their subtrees of topics and nothing of what they say. Nothing relies
// on anything it keeps: what is owed to an agent is recomputed when it says
// hello.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/chekomat/chekomat/agent/wire"
)

// Handler takes what agents say. Calls for one agent come in order, one at a
// time; calls for different agents come at once.
type Handler interface {
	// Message takes one message; name is a wire.Up constant. The payload is
	// the handler's to keep. While it blocks, nothing more is read from that
	// agent and its PUBACK is withheld; an error drops the connection without
	// a PUBACK, so the agent sends again.
	Message(operator, agent, name string, payload []byte) error
	// Gone says that an agent's connection ended and no newer one replaced it.
	Gone(operator, agent string)
}

// Authenticator checks an agent's password.
type Authenticator interface {
	Authenticate(ctx context.Context, operator, agent, secret string) (bool, error)
}

// Options of a broker. Zero values give the defaults named.
type Options struct {
	Addr        string        // "127.0.0.1:1883"; port 0 picks one
	TLS         *tls.Config   // nil: plain TCP
	MaxPacket   uint32        // bytes of one packet, 256 KiB
	MaxConns    int           // open connections, 10000
	MaxPending  int           // messages waiting for one slow agent, 1024; one more drops its connection
	ConnectTime time.Duration // from accept to CONNECT, TLS included, 10 s
	Log         *slog.Logger  // slog.Default
}

func (o *Options) defaults() {
	if o.MaxPacket == 0 {
		o.MaxPacket = 256 << 10
	}
	if o.MaxConns == 0 {
		o.MaxConns = 10_000
	}
	if o.MaxPending == 0 {
		o.MaxPending = 1024
	}
	if o.ConnectTime == 0 {
		o.ConnectTime = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// Broker is a running broker.
type Broker struct {
	server   *mqtt.Server
	sessions *sessions
	addr     net.Addr
}

// ErrOffline says that the agent has no connection, or has not subscribed.
var ErrOffline = errors.New("agent is offline")

// Start listens and serves until Close.
func Start(o Options, auth Authenticator, h Handler) (*Broker, error) {
	o.defaults()
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("broker: listen on %s: %w", o.Addr, err)
	}
	addr := ln.Addr()
	ln = &gate{Listener: ln, wait: o.ConnectTime, room: make(chan struct{}, o.MaxConns), log: o.Log}
	if o.TLS != nil {
		ln = tls.NewListener(ln, o.TLS)
	}
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumPacketSize = o.MaxPacket
	caps.MaximumClients = int64(o.MaxConns)
	caps.MaximumQos = 1
	caps.MinimumProtocolVersion = 4
	caps.SharedSubAvailable = 0
	caps.MaximumSessionExpiryInterval = 0
	caps.MaximumClientWritesPending = 16 // ours is sessions' own queue
	server := mqtt.New(&mqtt.Options{Capabilities: caps, Logger: quiet(o.Log),
		SysTopicResendInterval: int64((24 * time.Hour).Seconds())}) // nobody may read $SYS, and making it stops the world
	b := &Broker{server: server, sessions: newSessions(o, h), addr: addr}
	if err = server.AddHook(&hook{auth: auth, handler: h, sessions: b.sessions, log: o.Log}, nil); err == nil {
		err = server.AddListener(listeners.NewNet("mqtt", ln))
	}
	if err == nil {
		err = server.Serve()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("broker: start on %s: %w", addr, err), ln.Close())
	}
	return b, nil
}

// Addr is where the broker listens.
func (b *Broker) Addr() net.Addr { return b.addr }

// Publish queues a message to an agent, at most once from here: who needs it
// again asks with a hello. name is a wire.Down constant. ErrOffline when there
// is nobody to take it.
func (b *Broker) Publish(operator, agent, name string, payload []byte) error {
	return b.sessions.publish(wire.Username(operator, agent), wire.Topic(operator, agent, name), payload)
}

// Online reports whether the agent has a connection.
func (b *Broker) Online(operator, agent string) bool {
	return b.sessions.get(wire.Username(operator, agent)) != nil
}

// Connected is how many agents have a connection.
func (b *Broker) Connected() int { return b.sessions.count() }

// Drop ends an agent's connection, if it has one: after its secret was revoked,
// or when it must begin anew.
func (b *Broker) Drop(operator, agent string, why error) {
	if s := b.sessions.get(wire.Username(operator, agent)); s != nil {
		s.client.Stop(why)
	}
}

// Close ends every connection and stops listening.
func (b *Broker) Close() error {
	b.sessions.close()
	if err := b.server.Close(); err != nil {
		return fmt.Errorf("broker: close: %w", err)
	}
	return nil
}
