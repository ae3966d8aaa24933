package machine

import "math/rand/v2"

// Shopper draws orders as a day at a machine brings them: mostly sales by
// cash and card, some cancelled, some failed.
type Shopper struct {
	columns []Column
	rng     *rand.Rand
}

// NewShopper draws from the columns; the same seed draws the same orders.
func NewShopper(columns []Column, seed uint64) *Shopper {
	return &Shopper{columns: columns, rng: rand.New(rand.NewPCG(seed, 2))}
}

// Next is the next buyer's order.
func (s *Shopper) Next() Order {
	o := Order{Column: s.columns[s.rng.IntN(len(s.columns))].Column, Pay: Card, Outcome: Sold}
	if s.rng.IntN(100) < 45 {
		o.Pay = Cash
	}
	switch p := s.rng.IntN(100); {
	case p < 8:
		o.Outcome = Cancelled
	case p < 16:
		o.Outcome = Failed
	}
	return o
}
