package simulate

import (
	"errors"

	"github.com/chekomat/chekomat/agent/uplink"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
)

// broker stands between agents and the hub that is on duty. Within a connection
// it keeps the order and loses nothing, as MQTT over TCP does, unless a fault
// has it lose, repeat, reorder or delay.
type broker struct {
	w     *world
	backs int64 // it is away until then
	links []link
}

// link is how an agent's network does.
type link struct{ down, lossy, repeats, reorders, delays int64 } // until when

// conn is one connection of an agent.
type conn struct {
	a        *agent
	hub      *hub
	alive    bool
	up, down int64 // when the last message each way arrives
	n        int
}

var errNoConnection = errors.New("the agent is not connected")

// reconnect tries to connect after a while.
func (a *agent) reconnect(ms int64) {
	run := a.run
	a.w.after(ms, func() {
		if !a.up || a.run != run || a.conn != nil {
			return
		}
		h := a.w.onDuty()
		if h == nil || a.w.now < a.w.broker.backs || a.w.now < a.w.broker.links[a.n].down {
			a.tries++
			a.reconnect(int64(min(500<<min(a.tries, 5), 15_000)))
			return
		}
		a.tries = 0
		a.conn = &conn{a: a, hub: h, alive: true}
		if a.act(func() { a.point("uplink.beforeHello"); a.say(a.uplink.Begin()) }) {
			a.wake(1)
		}
	})
}

// talk lets the uplink take what came and say what it has to.
func (a *agent) talk() {
	if a.conn == nil {
		a.mail = nil
		return
	}
	mail := a.mail
	a.mail = nil
	ack := false
	for _, m := range mail {
		ack = ack || nameOf(m.Topic) == wire.DownAck
	}
	if ack {
		a.point("uplink.afterAck")
	}
	out, err := a.uplink.Turn(mail...)
	if ack {
		a.point("uplink.afterSettle")
	}
	a.say(out, err)
}

// say gives messages to the connection.
func (a *agent) say(out []uplink.Posted, err error) {
	for _, p := range out {
		record := nameOf(p.Topic) == wire.UpRecord
		if record {
			a.point("uplink.beforePublish")
		}
		a.w.broker.send(a.conn, p)
		if record {
			a.point("uplink.afterPublish")
		}
	}
	if err != nil && a.lives() {
		a.w.tell("%s gives its connection up: %v", a.name(), err)
		a.w.broker.drop(a.conn)
	}
}

func nameOf(topic string) string {
	_, _, name, err := wire.ParseTopic(topic)
	if err != nil {
		return ""
	}
	return name
}

// pass gives how long a message takes and how often it comes; 0 times it is lost.
func (b *broker) pass(c *conn, last *int64) (ms int64, times int) {
	l := &b.links[c.a.n]
	c.n++
	r := b.w.rng("message", c.a.n, int(b.w.now), c.n)
	ms, times = 10+r.Int64N(60), 1
	now := b.w.now
	if now < l.delays && r.IntN(2) == 0 {
		ms += r.Int64N(8000)
		b.w.seen[LinkDelays]++
	}
	if now < l.lossy && r.IntN(3) == 0 {
		times = 0
		b.w.seen[LinkLossy]++
	}
	if now < l.repeats && r.IntN(2) == 0 {
		times = 2
		b.w.seen[LinkRepeats]++
	}
	if now < l.reorders && r.IntN(2) == 0 {
		b.w.seen[LinkReorders]++
		return ms + r.Int64N(3000), times
	}
	at := max(now+ms, *last)
	*last = at
	return at - now, times
}

// send carries a message up.
func (b *broker) send(c *conn, p uplink.Posted) {
	if c == nil || !c.alive {
		return
	}
	ms, times := b.pass(c, &c.up)
	for i := range times {
		b.w.after(ms+int64(i)*700, func() {
			if !c.alive && i > 0 {
				return
			}
			if !c.alive && !c.hub.suspended() { // what stands in the buffers of one that sleeps is read when it wakes
				return
			}
			c.hub.hears(c.a, nameOf(p.Topic), p.Body)
			if i == 0 {
				b.w.after(10, func() {
					if c.alive {
						p.Taken()
						c.a.wake(1)
					}
				})
			}
		})
	}
}

// Publish implements ingest.Downlink.
func (h *hub) Publish(_, id, name string, payload []byte) error {
	a := h.w.agentOf(id)
	c := a.conn
	if c == nil || !c.alive || c.hub != h {
		return errNoConnection
	}
	body := append([]byte(nil), payload...)
	ms, times := h.w.broker.pass(c, &c.down)
	for i := range times {
		h.w.after(ms+int64(i)*700, func() {
			if c.alive && a.conn == c {
				a.mail = append(a.mail, uplink.Letter{Topic: wire.Topic(operator, id, name), Body: body})
				a.wake(1)
			}
		})
	}
	return nil
}

// Drop implements ingest.Downlink.
func (h *hub) Drop(_, id string, _ error) {
	a := h.w.agentOf(id)
	if c := a.conn; c != nil && c.hub == h {
		h.w.after(1, func() { h.w.broker.drop(c) })
	}
}

// Online implements ingest.Downlink.
func (h *hub) Online(_, id string) bool {
	c := h.w.agentOf(id).conn
	return c != nil && c.alive && c.hub == h
}

// drop ends a connection; both ends notice.
func (b *broker) drop(c *conn) {
	if c == nil || !c.alive {
		return
	}
	c.alive = false
	b.w.after(20, func() { c.hub.left(c.a) })
	a := c.a
	if a.conn != c {
		return
	}
	a.conn = nil
	run := a.run
	b.w.after(5, func() {
		if a.run == run && a.conn == nil && a.act(a.uplink.End) {
			a.wake(1)
			a.reconnect(500)
		}
	})
}

// dropAll ends the connections of a hub, or all for nil.
func (b *broker) dropAll(h *hub) {
	for _, a := range b.w.agents {
		if c := a.conn; c != nil && (h == nil || c.hub == h) {
			b.drop(c)
		}
	}
}

func (w *world) agentOf(id string) *agent {
	for _, a := range w.agents {
		if a.id() == id {
			return a
		}
	}
	panic("simulate: no agent " + id)
}

// hears takes a message of an agent when it can.
func (h *hub) hears(a *agent, name string, body []byte) {
	h.when(func() {
		h.w.guard(h, func() {
			if h.w.plan.Break == AckBeforeDurable && name == wire.UpRecord {
				h.ackEarly(a, body)
				return
			}
			h.ingest.Deliver(operator, a.id(), ingest.Delivery{Name: name, Payload: body})
			h.point("ingest.afterAck")
			h.settle()
		})
	})
}

func (h *hub) left(a *agent) {
	h.when(func() { h.w.guard(h, func() { h.ingest.Left(operator, a.id()) }) })
}
