package ingest

import (
	"encoding/json"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
	"github.com/chekomat/chekomat/hub/store"
)

// box is the queue of one agent. Its worker takes everything that waits,
// stores it in one go and answers once: while a commit is under way the next
// batch gathers, so a quiet agent is answered at once and a busy one rarely.
type box struct {
	operator, agent string
	in              chan message
	gone            chan struct{} // a token: the connection ended
}

type message struct {
	name     string
	payload  []byte
	received int64 // hub's clock, ms
}

// Message takes one message of an agent (broker.Handler). It waits for room;
// the connection is dropped when there is none for too long.
func (i *Ingest) Message(operator, agent, name string, payload []byte) error {
	b, err := i.box(operator, agent)
	if err != nil {
		return err
	}
	m := message{name: name, payload: payload, received: i.store.Now()}
	select {
	case b.in <- m:
		return nil
	default:
	}
	t := time.NewTimer(i.o.Wait)
	defer t.Stop()
	select {
	case b.in <- m:
		return nil
	case <-i.ctx.Done():
		return ErrStopped
	case <-t.C:
		i.counts.Dropped.Add(1)
		return ErrOverflow
	}
}

// Gone notes that an agent's connection ended (broker.Handler).
func (i *Ingest) Gone(operator, agent string) {
	b, err := i.box(operator, agent)
	if err != nil {
		return
	}
	select {
	case b.gone <- struct{}{}:
	default:
	}
}

func (i *Ingest) box(operator, agent string) (*box, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx.Err() != nil {
		return nil, ErrStopped
	}
	id := wire.Username(operator, agent)
	b := i.boxes[id]
	if b == nil {
		b = &box{operator: operator, agent: agent, in: make(chan message, i.o.Queue), gone: make(chan struct{}, 1)}
		i.boxes[id] = b
		i.work.Go(func() { i.serve(b) })
	}
	return b, nil
}

// serve is the only one that stores for its agent, so order is kept.
func (i *Ingest) serve(b *box) {
	select {
	case <-i.ctx.Done():
		return
	case <-i.attached:
	}
	for {
		select {
		case <-i.ctx.Done():
			return
		case m := <-b.in:
			i.handle(b, i.gather(b, m))
		case <-b.gone:
			i.left(b)
		}
	}
}

func (i *Ingest) gather(b *box, first message) []message {
	all := append(make([]message, 0, 8), first)
	for len(all) < i.o.Batch {
		select {
		case m := <-b.in:
			all = append(all, m)
		default:
			return all
		}
	}
	return all
}

// handle keeps the order of what the agent said: runs of records are stored
// together.
func (i *Ingest) handle(b *box, all []message) {
	var run []store.Arrival
	ok := true
	flush := func() {
		if ok && len(run) > 0 {
			ok = i.records(b, run)
		}
		run = nil
	}
	for _, m := range all {
		if m.name == wire.UpRecord {
			a := Parse(m.payload, m.received, Limits{Amount: i.o.MaxAmount})
			a.Topic = wire.Topic(b.operator, b.agent, m.name)
			run = append(run, a)
			continue
		}
		if flush(); !ok {
			break
		}
		switch m.name {
		case wire.UpHello:
			ok = i.hello(b, m)
		case wire.UpState:
			ok = i.state(b, m)
		case wire.UpTrace:
			ok = i.flight(b, m)
		}
	}
	if flush(); !ok { // what is left of the batch stays with the agent, which sends it again
		i.counts.Dropped.Add(1)
		i.down.Drop(b.operator, b.agent, i.Err())
	}
}

func (i *Ingest) records(b *box, run []store.Arrival) bool {
	fault.Point("ingest.beforeInsert")
	t, err := i.store.TakeIn(i.ctx, b.operator, b.agent, run)
	if i.note(err); err != nil {
		return false
	}
	fault.Point("ingest.beforeAck")
	i.count(t)
	if t.Landed > 0 {
		select {
		case i.landed <- struct{}{}:
		default:
		}
	}
	i.answer(b.operator, b.agent, t)
	return true
}

// answer acks records. Only the ack that answers a hello names its session.
func (i *Ingest) answer(operator, agent string, t store.Taken) {
	for _, a := range t.Acks {
		i.counts.Acks.Add(1)
		i.send(operator, agent, wire.DownAck, a)
	}
	for _, r := range t.Tell {
		i.tell(operator, agent, r)
	}
}

// hello answers with all the agent needs: the ack, the catalogue, and what
// became of the sales it waits for.
func (i *Ingest) hello(b *box, m message) bool {
	var h wire.Hello
	err := json.Unmarshal(m.payload, &h)
	if err == nil {
		err = checkHello(h)
	}
	if err != nil {
		return i.keep(b, m, h.V, err)
	}
	g, err := i.store.Greet(i.ctx, b.operator, b.agent, h)
	if i.note(err); err != nil {
		return false
	}
	i.counts.Acks.Add(1)
	i.send(b.operator, b.agent, wire.DownAck, g.Ack)
	i.send(b.operator, b.agent, wire.DownConfig, g.Config)
	for _, r := range g.Owed {
		i.tell(b.operator, b.agent, r)
	}
	i.command(b.operator, b.agent)
	return true
}

func (i *Ingest) state(b *box, m message) bool {
	if len(m.payload) == 0 { // how MQTT takes a retained message away
		return true
	}
	var st wire.State
	err := json.Unmarshal(m.payload, &st)
	if err == nil {
		err = checkState(st)
	}
	if err != nil {
		return i.keep(b, m, st.V, err)
	}
	if _, err = i.store.NoteState(i.ctx, b.operator, b.agent, st); err != nil { // a success may have written nothing: it proves no room
		i.note(err)
	}
	if err == nil {
		i.results(b, st)
	}
	return err == nil
}

// keep puts a hello or state that is not understood into quarantine.
func (i *Ingest) keep(b *box, m message, version int, why error) bool {
	a := store.Arrival{Topic: wire.Topic(b.operator, b.agent, m.name), Raw: m.payload, Received: m.received,
		Code: wire.RefusedFormat, Detail: why.Error()}
	if version > wire.Version {
		a.Code = wire.RefusedVersion
	}
	err := i.store.KeepMessage(i.ctx, b.operator, b.agent, a)
	i.note(err)
	return err == nil
}

func (i *Ingest) left(b *box) {
	if len(b.in) > 0 { // its last words first; the loop comes back
		select {
		case b.gone <- struct{}{}:
		default:
		}
		m := <-b.in
		i.handle(b, i.gather(b, m))
		return
	}
	if i.down.Online(b.operator, b.agent) { // it is back already
		return
	}
	if err := i.store.NoteGone(i.ctx, b.operator, b.agent); err != nil && i.ctx.Err() == nil {
		i.note(err)
	}
}
