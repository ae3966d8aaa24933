package trace

import (
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
)

// Usual times where a trace tells none, µs.
const (
	poll     = 100_000 // from the last word to the next command
	response = 300     // from the end of a block to the answer
	exeReply = 3000    // EXE: from one side's byte to the other's
)

// Timer gives the words of a trace's items their times. Its zero value is
// ready; Fidelity is that of the header.
type Timer struct {
	Fidelity Fidelity
	last     int64 // start of the last word, or how far a wait went
	line     mdb.Line
	waited   bool // last is no word
	begun    bool
}

// Now is how far the trace has come, µs.
func (t *Timer) Now() int64 { return t.last }

// Item appends the words of an item. Silence moves time only.
func (t *Timer) Item(dst []mdb.Word, it *Item) []mdb.Word {
	switch it.Kind {
	case Silent:
		t.last, t.waited = t.last+it.Span, true
		return dst
	case Said:
	default:
		return dst
	}
	at := it.T
	if !it.Timed {
		at = t.usual(it)
	}
	dst, t.last = t.words(dst, it, at)
	t.line, t.waited, t.begun = it.Line, false, true
	return dst
}

// usual is when an item without a time begins.
func (t *Timer) usual(it *Item) int64 {
	switch {
	case t.waited:
		return t.last
	case !t.begun:
		return t.last + poll
	case it.Line == mdb.EXEMaster && it.Words[0].V&0x10 != 0:
		return t.last + poll
	case it.Line >= mdb.EXEMaster:
		return t.last + exeReply
	case it.Form == Held:
		return t.last + poll
	case it.Line == mdb.Master && (it.Form == Short || it.Form == Exact && it.Words[0].V&mdb.Mode != 0):
		return t.last + poll
	case it.Line != t.line:
		return t.last + mdb.WordTime + response
	}
	return t.last + mdb.WordTime
}

// words appends the item's words and gives the start of the last.
func (t *Timer) words(dst []mdb.Word, it *Item, at int64) ([]mdb.Word, int64) {
	var made mdb.Flags
	if !t.Fidelity.Times || it.Form != Exact && it.Form != Held && (!t.Fidelity.ModeBits || !t.Fidelity.Checksums && it.Line <= mdb.Slave) {
		made = mdb.Synthetic
	}
	switch it.Form {
	case Held:
		return append(dst,
			mdb.Word{T: at, Line: it.Line, Flags: mdb.BreakStart | made},
			mdb.Word{T: at + it.Span, Line: it.Line, Flags: mdb.BreakEnd | made}), at + it.Span
	case Reply:
		w := mdb.Word{T: at, V: it.Words[0].V, Line: it.Line, Flags: made}
		if it.Line == mdb.Slave {
			w.V |= mdb.Mode
		}
		return append(dst, w), at
	case Short:
		if it.Line <= mdb.Slave {
			return t.block(dst, it, at, made)
		}
	}
	for i, w := range it.Words {
		if i > 0 {
			at += spacing(w)
		}
		out := mdb.Word{T: at, V: w.V, Line: it.Line, Flags: w.Flags | made}
		if it.Form == Short {
			out.V = exe.Word(byte(w.V))
		}
		if w.Heard {
			out.Flags &^= mdb.Synthetic
		}
		dst = append(dst, out)
	}
	return dst, at
}

func spacing(w Word) int64 {
	if w.After != 0 {
		return int64(w.After)
	}
	return mdb.WordTime
}

func (t *Timer) block(dst []mdb.Word, it *Item, at int64, made mdb.Flags) ([]mdb.Word, int64) {
	var b [mdb.MaxBlock]byte
	for i, w := range it.Words {
		b[i] = byte(w.V)
	}
	n := len(dst)
	dst, _ = mdb.AppendWords(dst, it.Line, at, mdb.Seal(b[:len(it.Words)]), made)
	for i := n; i < len(dst); i++ {
		if i > n {
			at += mdb.WordTime
			if i-n < len(it.Words) {
				at += spacing(it.Words[i-n]) - mdb.WordTime
			}
		}
		dst[i].T = at
	}
	return dst, at
}

// Words gives all words of the trace.
func (f *File) Words() []mdb.Word {
	var out []mdb.Word
	t := Timer{Fidelity: f.Header.Fidelity}
	for i := range f.Items {
		out = t.Item(out, &f.Items[i])
	}
	return out
}

// maxGroup words stand in a line of a printed trace.
const maxGroup = mdb.MaxBlock

// silence between two words after which a new line begins, µs.
const silence = mdb.WordTime + 5000

// Group makes timed items of words: one for each block, as far as mode bits,
// lines and silence tell. Words given by items of the same fidelity are the
// same again.
func Group(dst []Item, ws []mdb.Word, f Fidelity) []Item {
	for len(ws) > 0 {
		n := 1
		for n < len(ws) && n < maxGroup && together(ws[n-1], ws[n]) {
			n++
		}
		it := Item{Kind: Said, Timed: true, T: ws[0].T, Line: ws[0].Line, Words: make([]Word, n)}
		for i, w := range ws[:n] {
			o := Word{V: w.V & 0x1FF, Flags: w.Flags}
			if d := w.T - ws[max(i-1, 0)].T; i > 0 && d != mdb.WordTime {
				o.After = uint32(d)
			}
			if !f.Times {
				o.Heard = w.Flags&mdb.Synthetic == 0
				o.Flags &^= mdb.Synthetic
			}
			it.Words[i] = o
		}
		dst = append(dst, it)
		ws = ws[n:]
	}
	return dst
}

// together reports whether b may stand in one line after a.
func together(a, b mdb.Word) bool {
	d := b.T - a.T
	if a.Line != b.Line || d <= 0 || d > silence || (a.Flags|b.Flags)&(mdb.BreakStart|mdb.BreakEnd) != 0 {
		return false
	}
	switch a.Line {
	case mdb.Master:
		return b.V&mdb.Mode == 0
	case mdb.Slave:
		return a.V&mdb.Mode == 0
	}
	return false
}
