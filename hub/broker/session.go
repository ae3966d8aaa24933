package broker

import (
	"errors"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/chekomat/chekomat/agent/wire"
)

// sessions are the live connections by username. Downlink goes through them
// and not through the library's index of subscriptions, which a takeover can
// leave without the new client.
type sessions struct {
	max     int
	handler Handler
	mu      sync.Mutex
	all     map[string]*session       // the agent's current connection
	by      map[*mqtt.Client]*session // also those on their way out
	closed  bool
}

// session is one agent's connection with its queue of messages down.
type session struct {
	client     *mqtt.Client
	out        chan packets.Packet
	done       chan struct{}
	mu         sync.Mutex
	subscribed map[string]byte // topic → QoS granted
}

func newSessions(o Options, h Handler) *sessions {
	return &sessions{max: o.MaxPending, handler: h, all: map[string]*session{}, by: map[*mqtt.Client]*session{}}
}

var (
	errTakenOver = errors.New("a newer connection of the same agent took over")
	errClosing   = errors.New("the hub is closing")
	errSlow      = errors.New("the agent does not take its messages")
)

// begin makes cl the agent's connection; an older one ends. A connection that
// was ended already by a newer one, which may have begun before it, stays out.
func (ss *sessions) begin(cl *mqtt.Client) {
	s := &session{client: cl, out: make(chan packets.Packet, ss.max), done: make(chan struct{}), subscribed: map[string]byte{}}
	ss.mu.Lock()
	if cl.Closed() {
		ss.mu.Unlock()
		return
	}
	old := ss.all[cl.ID]
	ss.all[cl.ID] = s
	ss.by[cl] = s
	closed := ss.closed
	ss.mu.Unlock()
	if old != nil {
		old.client.Stop(errTakenOver)
	}
	if closed {
		cl.Stop(errClosing)
	}
	go s.write()
}

// end forgets a connection. last says that it was the agent's current one.
func (ss *sessions) end(cl *mqtt.Client) (last bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.by[cl]
	if s == nil {
		return false
	}
	delete(ss.by, cl)
	close(s.done)
	if ss.all[cl.ID] != s {
		return false
	}
	delete(ss.all, cl.ID)
	return true
}

func (ss *sessions) get(id string) *session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.all[id]; s != nil && !s.client.Closed() {
		return s
	}
	return nil
}

func (ss *sessions) of(cl *mqtt.Client) *session {
	if s := ss.get(cl.ID); s != nil && s.client == cl {
		return s
	}
	return nil
}

func (ss *sessions) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.all)
}

func (ss *sessions) close() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.closed = true
	for _, s := range ss.all {
		s.client.Stop(errClosing)
	}
}

func (ss *sessions) publish(id, topic string, payload []byte) error {
	s := ss.get(id)
	if s == nil {
		return ErrOffline
	}
	qos, ok := s.granted(topic)
	if !ok {
		return ErrOffline
	}
	select {
	case s.out <- packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, TopicName: topic, Payload: payload}:
		return nil
	default:
		s.client.Stop(errSlow)
		return errSlow
	}
}

func (s *session) subscribe(filter string, qos byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribed[filter] = min(qos, 1)
}

func (s *session) unsubscribe(filter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subscribed, filter)
}

// granted finds the subscription that takes a topic: itself or the whole of
// the agent's down subtree.
func (s *session) granted(topic string) (qos byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if qos, ok = s.subscribed[topic]; ok {
		return qos, true
	}
	operator, agent, _, err := wire.ParseTopic(topic)
	if err != nil {
		return 0, false
	}
	for _, all := range [...]string{"down/+", "down/#"} {
		if qos, ok = s.subscribed[wire.Topic(operator, agent, all)]; ok {
			return qos, true
		}
	}
	return 0, false
}

// write sends what is queued until the connection ends. A write waits as long
// as the connection's deadline allows (1.5 keepalives since the last word).
func (s *session) write() {
	for {
		select {
		case <-s.done:
			return
		case pk := <-s.out:
			if err := s.send(pk); err != nil {
				s.client.Stop(err)
				return
			}
		}
	}
}

// send follows the library's own way of publishing to a client: the packet
// stands in flight until its PUBACK frees the id.
func (s *session) send(pk packets.Packet) error {
	if pk.FixedHeader.Qos > 0 {
		if s.client.State.Inflight.Len() > cap(s.out) {
			return errSlow
		}
		id, err := s.client.NextPacketID()
		if err != nil {
			return err
		}
		pk.PacketID, pk.Created = uint16(id), time.Now().Unix()
		s.client.State.Inflight.Set(pk)
	}
	return s.client.WritePacket(pk)
}
