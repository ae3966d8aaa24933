package ingest

import "context"

// An Ingest may be driven from outside: NewStepped starts no goroutine, and
// what the goroutines of New do is done by Deliver, Left, Settle and Look, in
// the caller's. That is how the simulation has it on virtual time.

// NewStepped makes an ingest that somebody else drives.
func NewStepped(s Store, d Downlink, o Options) *Ingest {
	i := New(s, o)
	i.down = d
	close(i.attached)
	return i
}

// Delivery is one message of an agent.
type Delivery struct {
	Name    string // wire.Up…
	Payload []byte
}

// Deliver takes what one agent said, stored and answered in one go.
func (i *Ingest) Deliver(operator, agent string, said ...Delivery) {
	all := make([]message, len(said))
	for k, d := range said {
		all[k] = message{name: d.Name, payload: d.Payload, received: i.store.Now()}
	}
	i.handle(&box{operator: operator, agent: agent}, all)
}

// Left notes that an agent's connection has ended.
func (i *Ingest) Left(operator, agent string) {
	i.left(&box{operator: operator, agent: agent, gone: make(chan struct{}, 1)})
}

// Settle makes the jobs of records that have landed.
func (i *Ingest) Settle(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = i.settleSome(ctx); err != nil {
			return err
		}
	}
	return nil
}
