package link

import "github.com/chekomat/chekomat/mdb"

// ring keeps the last words by number until the host says they are durable, at
// most limit of them.
type ring struct {
	buf   []mdb.Word
	first uint64 // number of the oldest word kept
	next  uint64 // number of the word to come
	over  uint64 // words dropped because the ring was full
}

func newRing(limit int) *ring { return &ring{buf: make([]mdb.Word, limit)} }

func (r *ring) add(w mdb.Word) {
	if r.next-r.first == uint64(len(r.buf)) {
		r.first++
		r.over++
	}
	r.buf[r.next%uint64(len(r.buf))] = w
	r.next++
}

// copyFrom copies words from number seq on; seq must be kept.
func (r *ring) copyFrom(dst []mdb.Word, seq uint64) int {
	n := 0
	for ; n < len(dst) && seq < r.next; n++ {
		dst[n] = r.buf[seq%uint64(len(r.buf))]
		seq++
	}
	return n
}

// keep forgets words before seq.
func (r *ring) keep(seq uint64) {
	if seq > r.first && seq <= r.next {
		r.first = seq
	}
}
