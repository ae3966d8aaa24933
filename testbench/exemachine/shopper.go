package exemachine

import "math/rand/v2"

// DefaultLines is a machine of hot drinks and snacks, prices in whole roubles
// up to 250.
func DefaultLines() []Line {
	return []Line{
		{1, "Эспрессо", 4500}, {2, "Американо", 5000}, {3, "Капучино", 6000}, {4, "Шоколад", 5500},
		{5, "Стакан", 0}, {12, "Батончик", 9000}, {100, "Вода", 4500}, {250, "Обед", 25000},
	}
}

// Prices is the table line → kopecks.
func Prices(lines []Line) map[uint8]int64 {
	table := map[uint8]int64{}
	for _, l := range lines {
		table[l.Line] = l.Price
	}
	return table
}

// Shopper draws orders as a day at a machine brings them.
type Shopper struct {
	lines []Line
	rng   *rand.Rand
}

// NewShopper draws from the lines; the same seed draws the same orders.
func NewShopper(lines []Line, seed uint64) *Shopper {
	return &Shopper{lines: lines, rng: rand.New(rand.NewPCG(seed, 4))}
}

// Next is the next buyer's order.
func (s *Shopper) Next() Order {
	o := Order{Line: s.lines[s.rng.IntN(len(s.lines))].Line, Pay: Card, Outcome: Sold}
	if s.rng.IntN(100) < 60 {
		o.Pay = Cash
	}
	switch p := s.rng.IntN(100); {
	case p < 8:
		o.Outcome = Cancelled
	case p < 16:
		o.Outcome = Failed
	case p < 20:
		o.Outcome = Silent
	case p < 24:
		o.Outcome = Repeated
	case p < 32 && o.Pay == Cash:
		o.Outcome = Poor
	}
	return o
}
