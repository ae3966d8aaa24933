package trace

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/chekomat/chekomat/mdb"
)

// Append appends the trace as text; Parse gives the same again.
func (f *File) Append(dst []byte) []byte {
	for i := range f.Items {
		dst = AppendItem(dst, &f.Items[i])
	}
	return dst
}

// AppendItem appends one line with its line end.
func AppendItem(dst []byte, it *Item) []byte {
	start := len(dst)
	dst = appendStatement(dst, it)
	if it.Comment != "" {
		if len(dst) > start {
			dst = append(dst, "  "...)
		}
		dst = append(append(dst, '#'), it.Comment...)
	}
	return append(dst, '\n')
}

func appendStatement(dst []byte, it *Item) []byte {
	switch it.Kind {
	case Head:
		return fmt.Appendf(dst, "trace %d", Version)
	case Bus:
		return append(append(dst, "bus "...), it.Text...)
	case Hears:
		return appendFidelity(dst, it.Hears)
	case Clock:
		return appendTime(append(append(append(dst, "clock "...), it.Text...), ' '), it.T)
	case State:
		return base64.StdEncoding.AppendEncode(append(dst, "state "...), it.State)
	case Assume:
		return appendAssumption(dst, it.Assume)
	case Silent:
		return appendSpan(append(dst, "wait "...), it.Span)
	case Lost:
		dst = append(dst, "lost"...)
		if it.Text != "" {
			dst = append(append(dst, ' '), it.Text...)
		}
	case Expected:
		return append(append(dst, "expect "...), it.Expect.String()...)
	case Said:
		return appendSaid(dst, it)
	}
	return dst
}

func appendSaid(dst []byte, it *Item) []byte {
	if it.Timed {
		dst = append(appendTime(dst, it.T), ' ')
	}
	dst = append(dst, speakers[it.Line&3].name...)
	switch it.Form {
	case Held:
		return appendSpan(append(dst, " break "...), it.Span)
	case Reply:
		for _, r := range replies {
			if r.v == it.Words[0].V&0xFF {
				return append(append(dst, ' '), r.name...)
			}
		}
	}
	for _, w := range it.Words {
		if w.After != 0 {
			dst = strconv.AppendUint(append(dst, " +"...), uint64(w.After), 10)
		}
		if it.Form == Short {
			dst = hex(append(dst, ' '), w.V&0xFF, 2)
			continue
		}
		dst = hex(append(dst, ' '), w.V&0x1FF, 3)
		if w.Flags != 0 || w.Heard {
			dst = append(dst, '/')
		}
		for _, f := range flags {
			if w.Flags&f.flag != 0 {
				dst = append(dst, f.letter)
			}
		}
		if w.Heard {
			dst = append(dst, 'h')
		}
	}
	return dst
}

func hex(dst []byte, v uint16, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, "0123456789ABCDEF"[v>>(4*n)&15])
	}
	return dst
}

// appendTime writes "@12.345678".
func appendTime(dst []byte, t int64) []byte {
	dst = append(dst, '@')
	if t < 0 {
		dst, t = append(dst, '-'), -t
	}
	dst = strconv.AppendInt(dst, t/1_000_000, 10)
	dst = append(dst, '.')
	for d, v := int64(100_000), t%1_000_000; d > 0; d /= 10 {
		dst = append(dst, byte('0'+v/d%10))
	}
	return dst
}

func appendSpan(dst []byte, us int64) []byte {
	switch {
	case us != 0 && us%1_000_000 == 0:
		return append(strconv.AppendInt(dst, us/1_000_000, 10), 's')
	case us != 0 && us%1000 == 0:
		return append(strconv.AppendInt(dst, us/1000, 10), "ms"...)
	}
	return append(strconv.AppendInt(dst, us, 10), "us"...)
}

func appendFidelity(dst []byte, f Fidelity) []byte {
	dst = append(dst, "fidelity"...)
	if f == (Fidelity{}) {
		return append(dst, " nothing"...)
	}
	for _, p := range []struct {
		name string
		is   bool
	}{{" mode-bits", f.ModeBits}, {" checksums", f.Checksums}, {" times", f.Times}, {" both-lines", f.BothLines}} {
		if p.is {
			dst = append(dst, p.name...)
		}
	}
	return dst
}

func appendAssumption(dst []byte, a *Assumption) []byte {
	dst = append(append(dst, "assume "...), a.What...)
	switch a.What {
	case "idle":
		return dst
	case "exe", "payment":
		return append(append(dst, ' '), a.Text...)
	case "line":
		return fmt.Appendf(dst, " %d %s", a.Line, Of(a.Kopecks))
	}
	s := &a.Setup
	n := len(dst)
	if s.Level != 0 {
		dst = fmt.Appendf(dst, " level %d", s.Level)
	}
	if s.Scale != 0 {
		dst = fmt.Appendf(dst, " scale %d", s.Scale)
	}
	if s.Decimals != 0 {
		dst = fmt.Appendf(dst, " decimals %d", s.Decimals)
	}
	if s.Currency != 0 {
		dst = fmt.Appendf(dst, " currency %04X", s.Currency)
	}
	if s.Options != 0 {
		dst = fmt.Appendf(dst, " options %02X", s.Options)
	}
	if s.Wide {
		dst = append(dst, " wide"...)
	}
	for i, c := range s.Credits {
		if i == 0 {
			dst = append(dst, " credits"...)
		}
		dst = fmt.Appendf(dst, " %d", c)
	}
	if len(dst) == n {
		dst = append(dst, " scale 0"...) // a set-up that says nothing must say something
	}
	return dst
}

// Heading makes the first items of a trace.
func Heading(h Header) []Item {
	its := []Item{{Kind: Head}, {Kind: Bus, Text: h.Bus}, {Kind: Hears, Hears: h.Fidelity}}
	if h.Clock != "" {
		its = append(its, Item{Kind: Clock, Text: h.Clock, T: h.ClockT})
	}
	if h.State != nil {
		its = append(its, Item{Kind: State, State: h.State})
	}
	for i := range h.Assume {
		its = append(its, Item{Kind: Assume, Assume: &h.Assume[i]})
	}
	return its
}

// AppendWords appends words as lines of a trace.
func AppendWords(dst []byte, ws []mdb.Word, f Fidelity) []byte {
	for _, it := range Group(nil, ws, f) {
		dst = AppendItem(dst, &it)
	}
	return dst
}
