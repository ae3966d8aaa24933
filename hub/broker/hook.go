package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
)

// maxKeepalive bounds how long a dead connection is held; a client that asks
// for none (0) gets it.
const maxKeepalive = 600 // s

// hook is where the library asks us.
type hook struct {
	mqtt.HookBase
	auth     Authenticator
	handler  Handler
	sessions *sessions
	log      *slog.Logger
}

func (h *hook) ID() string { return "chekomat" }

func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnSubscribed, mqtt.OnUnsubscribed,
		mqtt.OnPublish, mqtt.OnWillSent, mqtt.OnDisconnect:
		return true
	}
	return false
}

// OnConnectAuthenticate lets an agent in under its own name only. The library
// publishes a will without asking, so its topic is checked here.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	if cl.State.Keepalive == 0 || cl.State.Keepalive > maxKeepalive {
		cl.State.Keepalive = maxKeepalive
	}
	user := string(pk.Connect.Username)
	operator, agent, ok := strings.Cut(user, "/")
	if !ok || !wire.ValidID(operator) || !wire.ValidID(agent) {
		return h.turnAway(cl, user, "no agent's user name")
	}
	if cl.ID != user {
		return h.turnAway(cl, user, "client id differs from user name")
	}
	if pk.Connect.WillFlag && pk.Connect.WillTopic != wire.Topic(operator, agent, wire.UpState) {
		return h.turnAway(cl, user, "will on a topic that is not its state")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ok, err := h.auth.Authenticate(ctx, operator, agent, string(pk.Connect.Password))
	if err != nil {
		h.log.Error("mqtt: credentials can't be checked", "agent", user, "err", err)
		return false
	}
	if !ok {
		return h.turnAway(cl, user, "wrong secret or revoked")
	}
	return true
}

func (h *hook) turnAway(cl *mqtt.Client, user, why string) bool {
	h.log.Warn("mqtt: connection turned away", "user", fmt.Sprintf("%.100q", user), "remote", cl.Net.Remote, "why", why)
	return false
}

// OnACLCheck allows publishing of own up topics and subscribing to own down
// topics, exactly or as a whole.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	own := "chekomat/v1/" + cl.ID + "/"
	name, ok := strings.CutPrefix(topic, own)
	if !ok {
		return false
	}
	if write {
		switch name {
		case wire.UpHello, wire.UpRecord, wire.UpState, wire.UpTrace:
			return true
		}
		return false
	}
	switch name {
	case wire.DownAck, wire.DownReceipt, wire.DownConfig, wire.DownCommand, "down/+", "down/#":
		return true
	}
	return false
}

func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) { h.sessions.begin(cl) }

func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, codes []byte) {
	s := h.sessions.of(cl)
	if s == nil {
		return
	}
	for i, f := range pk.Filters {
		if i < len(codes) && codes[i] <= packets.CodeGrantedQos2.Code {
			s.subscribe(f.Filter, codes[i])
		}
	}
}

func (h *hook) OnUnsubscribed(cl *mqtt.Client, pk packets.Packet) {
	if s := h.sessions.of(cl); s != nil {
		for _, f := range pk.Filters {
			s.unsubscribe(f.Filter)
		}
	}
}

// OnPublish hands a message to the hub before its PUBACK. PUBACK says no more
// than that: durability is told by the hub's own ack. When the hub can't take
// it the connection ends without PUBACK and the agent sends again. The library
// would go on with the message on an error of any other kind than its own.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	operator, agent, name, err := wire.ParseTopic(pk.TopicName)
	if err == nil && pk.FixedHeader.Retain && name != wire.UpState {
		err = errors.New("only a state may be retained")
	}
	if err == nil {
		err = h.handler.Message(operator, agent, name, pk.Payload)
	}
	if err != nil {
		h.log.Warn("mqtt: connection dropped", "agent", cl.ID, "err", err)
		cl.Stop(err)
		return pk, packets.ErrRejectPacket
	}
	if name == wire.UpState {
		return pk, nil
	}
	return pk, packets.CodeSuccessIgnore // nobody but the hub may read it
}

// OnWillSent hands the last word of a lost agent on, as any state.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	operator, agent, name, err := wire.ParseTopic(pk.TopicName)
	if err == nil {
		err = h.handler.Message(operator, agent, name, pk.Payload)
	}
	if err != nil {
		h.log.Warn("mqtt: will not taken", "agent", cl.ID, "err", err)
	}
}

// OnDisconnect tells of agents that are gone. The library ends an old
// connection before the new one is established, so its cause must be asked.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	last := h.sessions.end(cl)
	if why := cl.StopCause(); errors.Is(why, packets.ErrSessionTakenOver) || errors.Is(why, errTakenOver) {
		return
	}
	if operator, agent, ok := strings.Cut(cl.ID, "/"); last && ok {
		h.handler.Gone(operator, agent)
	}
}

// quiet keeps the library's log to what a person must know: its informational
// lines are ours already, and its debug lines hold payloads.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(errorsOnly{log.Handler()}) }

type errorsOnly struct{ slog.Handler }

func (e errorsOnly) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && e.Handler.Enabled(ctx, l)
}
func (e errorsOnly) WithAttrs(a []slog.Attr) slog.Handler { return errorsOnly{e.Handler.WithAttrs(a)} }
func (e errorsOnly) WithGroup(n string) slog.Handler      { return errorsOnly{e.Handler.WithGroup(n)} }
