package link

import "github.com/chekomat/chekomat/mdb"

// Bits of a word entry.
const (
	entryFraming    = 1 << 11
	entryBreakStart = 1 << 12
	entryBreakEnd   = 1 << 13
	entryGap        = 1 << 14
	entryOwn        = 1 << 15
)

var entryFlags = [...]struct {
	bit  uint16
	flag mdb.Flags
}{
	{entryFraming, mdb.FramingError}, {entryBreakStart, mdb.BreakStart}, {entryBreakEnd, mdb.BreakEnd},
	{entryGap, mdb.Gap}, {entryOwn, mdb.Own},
}

// entryOf packs a word; its time goes apart.
func entryOf(w mdb.Word) uint16 {
	v := w.V&0x1FF | uint16(w.Line&3)<<9
	for _, f := range entryFlags {
		if w.Flags&f.flag != 0 {
			v |= f.bit
		}
	}
	return v
}

// wordOf unpacks a word.
func wordOf(v uint16, t int64) mdb.Word {
	w := mdb.Word{T: t, V: v & 0x1FF, Line: mdb.Line(v >> 9 & 3)}
	for _, f := range entryFlags {
		if v&f.bit != 0 {
			w.Flags |= f.flag
		}
	}
	return w
}

// packAt makes the longest WORDS_AT of the first words and says how many it
// took. A time that steps back or forth by more than an entry can tell starts a
// new frame.
func packAt(es []Entry, seq uint64, ws []mdb.Word) (WordsAt, int) {
	m := WordsAt{Seq: seq, T0: uint64(max(0, ws[0].T)), Entries: es[:0]}
	last := ws[0].T
	n := 0
	for n < len(ws) && n < MaxEntriesAt {
		dt := ws[n].T - last
		if dt < 0 || dt > 0xFFFF {
			break
		}
		m.Entries = append(m.Entries, Entry{uint16(dt), entryOf(ws[n])})
		last = ws[n].T
		n++
	}
	return m, n
}
