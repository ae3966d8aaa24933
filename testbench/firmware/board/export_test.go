package board

import "github.com/chekomat/chekomat/mdb"

const BitTime = bitTime

// Draw draws words at once and gives the edges of each line.
func Draw(d Dirt, words []mdb.Word) [4][]Edge {
	p := newPen(d, 0)
	for _, w := range words {
		p.draw(w, 0)
	}
	return p.take()
}
