package flight

import "github.com/chekomat/chekomat/mdb"

// ring keeps the last words, eight bytes each: time in the upper 47 bits (µs,
// four years), flags, line and value below.
type ring struct {
	buf  []uint64
	next uint64 // number of the word to come
}

const (
	lineShift = 9
	flagShift = 11
	timeShift = 17
	timeMask  = 1<<47 - 1
)

func pack(w mdb.Word) uint64 {
	return uint64(w.T)&timeMask<<timeShift | uint64(w.Flags&63)<<flagShift | uint64(w.Line&3)<<lineShift | uint64(w.V&0x1FF)
}

func unpack(v uint64) mdb.Word {
	return mdb.Word{T: int64(v >> timeShift), Flags: mdb.Flags(v >> flagShift & 63), Line: mdb.Line(v >> lineShift & 3), V: uint16(v & 0x1FF)}
}

func (r *ring) add(w mdb.Word) {
	r.buf[r.next%uint64(len(r.buf))] = pack(w)
	r.next++
}

// oldest is the number of the oldest word kept.
func (r *ring) oldest() uint64 {
	if n := uint64(len(r.buf)); r.next > n {
		return r.next - n
	}
	return 0
}

func (r *ring) time(seq uint64) int64 {
	return int64(r.buf[seq%uint64(len(r.buf))] >> timeShift)
}

// since gives the number of the first word not before t, looking back no
// further than floor: beyond it the clock may be another one.
func (r *ring) since(t int64, floor uint64) uint64 {
	lo, hi := max(r.oldest(), floor), r.next
	for lo < hi {
		mid := lo + (hi-lo)/2
		if r.time(mid) < t {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// copy gives the words from a number on.
func (r *ring) copy(from uint64) []uint64 {
	out := make([]uint64, 0, r.next-from)
	for ; from < r.next; from++ {
		out = append(out, r.buf[from%uint64(len(r.buf))])
	}
	return out
}
