package simulate

import (
	"context"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	vending "github.com/chekomat/chekomat/testbench/machine"
)

// prices of the columns: two cost the same, so that a sum tells nothing.
var prices = [...]int64{5000, 5000, 7000}

// names of what the columns hold.
var names = [...]string{"Эспрессо", "Американо", "Капучино"}

// vend is what really happened at a machine: the truth the rest is held against.
type vend struct {
	column int
	price  int64
	cash   bool
	bus    int64 // µs of the deciding word on the module's clock
	at     int64

	of      int64 // Sale.At of its buyer
	machine int
	written bool        // its agent has journaled it
	record  wire.Record // as it did

	// What was ordered about it and accepted, or may have been.
	refunded, mayBeRefunded, dropped bool
	repaired, mayBeRepaired          int
}

// machine is a vending machine and the interface module on its bus. The module
// keeps words until its host says that they are safe.
type machine struct {
	w     *world
	n     int
	vmc   *vending.Machine
	heard []mdb.Word // collected while the bus is played
	held  []mdb.Word // given to nobody or not safe yet
	first uint64     // number of held[0]
	free  int64      // the last buyer has left, ms
	sold  []*vend

	renamed [len(prices)]bool // columns whose goods had the wrong name
}

func newMachine(w *world, n int) *machine {
	m := &machine{w: w, n: n, first: 1}
	var plan []vending.Column
	for i, price := range prices {
		plan = append(plan, vending.Column{Column: i + 1, Name: names[i], Price: price})
	}
	m.vmc = vending.New(vending.Config{Columns: plan, Seed: w.plan.Seed + uint64(n), VendTime: 800 * time.Millisecond,
		Emit: func(word mdb.Word) { m.heard = append(m.heard, word) }})
	m.play(func() { m.vmc.PowerUp() })
	return m
}

// serial is its заводской номер.
func (m *machine) serial() string { return fmt.Sprintf("VM-%04d", m.n+1) }

// play lets something happen on the bus now and the words of it come to the
// module as time goes by. It returns by how much the bus's own time is behind.
func (m *machine) play(do func()) (shift int64) {
	shift = m.w.now*1000 - m.vmc.Now()
	m.heard = m.heard[:0]
	do()
	m.free = (m.vmc.Now() + shift) / 1000
	words := append([]mdb.Word(nil), m.heard...)
	for from := 0; from < len(words); {
		to := from
		for to < len(words) && words[to].T < words[from].T+400_000 {
			words[to].T += shift
			to++
		}
		part := words[from:to:to]
		m.w.after((part[len(part)-1].T+999)/1000-m.w.now, func() {
			m.held = append(m.held, part...)
			m.w.agents[m.n].wake(5)
		})
		from = to
	}
	return shift
}

// serve lets a buyer buy, after the one before him.
func (m *machine) serve(s Sale) {
	if m.w.now < m.free {
		m.w.after(m.free-m.w.now+200, func() { m.serve(s) })
		return
	}
	o := vending.Order{Pay: vending.Card, Column: s.Column, Outcome: vending.Sold}
	if s.Cash {
		o.Pay = vending.Cash
	}
	if s.Fails {
		o.Outcome = vending.Failed
	}
	var v vending.Vend
	shift := m.play(func() {
		var err error
		if v, err = m.vmc.Order(o); err != nil {
			panic(fmt.Sprintf("simulate: order %+v: %v", o, err))
		}
	})
	m.w.tell("machine %d: a buyer takes column %d for %d kopecks by %s: %s", m.n+1, s.Column, v.Price, o.Pay, o.Outcome)
	if v.Outcome == vending.Sold {
		m.sold = append(m.sold, &vend{column: s.Column, price: v.Price, cash: s.Cash, bus: v.T + shift, at: m.w.now, of: s.At, machine: m.n})
	}
}

// source is the agent's end of the module: module.Source and listen.Keeper.
type source struct {
	m    *machine
	at   uint64
	wait func() // until something may have come
}

func (m *machine) open(from module.Cursor, wait func()) *source {
	s := &source{m: m, at: m.first, wait: wait}
	if from.Boot == 1 {
		s.at = max(from.Seq, m.first)
	}
	return s
}

// Fidelity implements module.Source.
func (s *source) Fidelity() module.Fidelity {
	return module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
}

// Read implements module.Source.
func (s *source) Read(context.Context) (module.Chunk, error) {
	s.wait()
	m := s.m
	words := m.held[s.at-m.first:]
	s.at += uint64(len(words))
	return module.Chunk{Words: words, Now: m.w.now * 1000, Next: module.Cursor{Boot: 1, Seq: s.at}}, nil
}

// Keep implements listen.Keeper.
func (s *source) Keep(c module.Cursor) error {
	if m := s.m; c.Seq > m.first {
		m.held = append([]mdb.Word(nil), m.held[c.Seq-m.first:]...)
		m.first = c.Seq
	}
	return nil
}

// Close implements module.Source.
func (s *source) Close() error { return nil }
