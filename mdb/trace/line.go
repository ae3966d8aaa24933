package trace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chekomat/chekomat/mdb"
)

// line is a statement cut into words.
type line struct {
	text  string
	words []string
	at    []int // byte offset of each word
	pos   int   // of the next word
}

// cut gives the words of a line and its comment.
func cut(text string) (l line, comment string) {
	l.text = text
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text, comment = text[:i], text[i+1:]
	}
	for i := 0; i < len(text); {
		if blank(text[i]) {
			i++
			continue
		}
		j := i
		for j < len(text) && !blank(text[j]) {
			j++
		}
		l.words, l.at = append(l.words, text[i:j]), append(l.at, i)
		i = j
	}
	return l, comment
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func (l *line) next() (string, bool) {
	if l.pos >= len(l.words) {
		l.pos = len(l.words) + 1
		return "", false
	}
	l.pos++
	return l.words[l.pos-1], true
}

func (l *line) back()        { l.pos-- }
func (l *line) peek() string { return l.peekAt(0) }

func (l *line) peekAt(n int) string {
	if l.pos+n < len(l.words) {
		return l.words[l.pos+n]
	}
	return ""
}

// wrong is an error at the word read last, or at the end of the line. The
// parser adds the line's number.
func (l *line) wrong(format string, args ...any) error {
	at := len(l.text)
	if l.pos >= 1 && l.pos <= len(l.words) {
		at = l.at[l.pos-1]
	}
	return &Error{Column: utf8.RuneCountInString(l.text[:at]) + 1, Err: fmt.Errorf(format, args...)}
}

func (l *line) end() error {
	if t, ok := l.next(); ok {
		return l.wrong("%q is too much here", t)
	}
	return nil
}

func (l *line) number(base, bits int) (uint64, error) {
	t, _ := l.next()
	n, err := strconv.ParseUint(t, base, bits)
	if err != nil || t[0] == '+' {
		return 0, l.wrong("%q is no number of %d bits", t, bits)
	}
	return n, nil
}

func (l *line) name() (string, error) {
	t, _ := l.next()
	if !isName(t) {
		return "", l.wrong("%q is no name", t)
	}
	return t, nil
}

// maxTime bounds times and spans: a century, µs.
const maxTime = 100 * 366 * 24 * 3600 * 1_000_000

// decimal reads digits with up to six behind the point as µs of a unit.
func decimal(t string, unit int64) (int64, bool) {
	whole, part, _ := strings.Cut(t, ".")
	if !digits(whole) || len(whole) > 16 || len(part) > 6 || part != "" && !digits(part) || strings.HasSuffix(t, ".") {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > maxTime/unit {
		return 0, false
	}
	v := n * unit
	for _, c := range []byte(part) {
		if unit%10 != 0 {
			return 0, false // finer than a microsecond
		}
		unit /= 10
		v += int64(c-'0') * unit
	}
	return v, v <= maxTime
}

// when reads "@12.345678".
func (l *line) when(t string) (int64, error) {
	neg := strings.HasPrefix(t, "@-")
	s := strings.TrimPrefix(strings.TrimPrefix(t, "@"), "-")
	v, ok := decimal(s, 1_000_000)
	if !ok {
		return 0, l.wrong("%q is no time: @ and seconds, as @12.345678", t)
	}
	if neg {
		v = -v
	}
	return v, nil
}

// span reads "200ms".
func (l *line) span() (int64, error) {
	t, _ := l.next()
	for _, u := range []struct {
		name string
		us   int64
	}{{"ms", 1000}, {"us", 1}, {"s", 1_000_000}, {"min", 60_000_000}} {
		if s, ok := strings.CutSuffix(t, u.name); ok {
			if v, ok := decimal(s, u.us); ok {
				return v, nil
			}
		}
	}
	return 0, l.wrong("%q is no span of time: 2200us, 200ms, 1.5s, 2min", t)
}

var speakers = []struct {
	name string
	line mdb.Line
}{{"VMC", mdb.Master}, {"DEV", mdb.Slave}, {"MASTER", mdb.EXEMaster}, {"SLAVE", mdb.EXESlave}}

var replies = []struct {
	name string
	v    uint16
}{{"ACK", 0x00}, {"NAK", 0xFF}, {"RET", 0xAA}}

var flags = []struct {
	letter byte
	flag   mdb.Flags
}{
	{'f', mdb.FramingError}, {'b', mdb.BreakStart}, {'e', mdb.BreakEnd}, {'g', mdb.Gap}, {'o', mdb.Own}, {'s', mdb.Synthetic},
}

// said reads what stands after the speaker.
func (l *line) said(it *Item) error {
	t, ok := l.next()
	if !ok {
		return l.wrong("what is said? words, a block, ACK, NAK, RET or break")
	}
	if t == "break" {
		if it.Line != mdb.Master {
			return l.wrong("only VMC makes a break")
		}
		var err error
		it.Form = Held
		it.Span, err = l.span()
		if err == nil && it.Span == 0 {
			err = l.wrong("a break lasts longer")
		}
		if err == nil {
			err = l.end()
		}
		return err
	}
	for _, r := range replies {
		if t != r.name {
			continue
		}
		if it.Line > mdb.Slave || t == "RET" && it.Line != mdb.Master {
			return l.wrong("%s is not said by this line", t)
		}
		it.Form, it.Words = Reply, []Word{{V: r.v}}
		return l.end()
	}
	l.back()
	return l.spoken(it)
}

func (l *line) spoken(it *Item) error {
	after, wide := uint32(0), 0
	for {
		t, ok := l.next()
		if !ok {
			break
		}
		if s, ok := strings.CutPrefix(t, "+"); ok {
			n, err := strconv.ParseUint(s, 10, 32)
			if err != nil || n == 0 || len(it.Words) == 0 || after != 0 || !digits(s) {
				return l.wrong("%q is no spacing: + and µs, between two words", t)
			}
			after = uint32(n)
			continue
		}
		hex, marks, marked := strings.Cut(t, "/")
		v, err := strconv.ParseUint(hex, 16, 9)
		if err != nil || len(hex) != 2 && len(hex) != 3 || hex[0] == '+' {
			return l.wrong("%q is no word: two hex digits in a block, three with the ninth bit", t)
		}
		if wide != 0 && wide != len(hex) {
			return l.wrong("bytes and words can't be mixed in a line")
		}
		wide = len(hex)
		w := Word{V: uint16(v), After: after}
		if marked {
			if err := l.marks(&w, marks, wide); err != nil {
				return err
			}
		}
		it.Words = append(it.Words, w)
		after = 0
	}
	switch {
	case after != 0:
		return l.wrong("a spacing without a word after it")
	case wide == 2 && it.Line <= mdb.Slave && len(it.Words) >= mdb.MaxBlock:
		return l.wrong("a block has at most %d bytes and a checksum", mdb.MaxBlock-1)
	}
	if it.Form = Exact; wide == 2 {
		it.Form = Short
	}
	return nil
}

func (l *line) marks(w *Word, marks string, wide int) error {
	if marks == "" || wide != 3 {
		return l.wrong("flags stand after a word of three digits, as 113/f")
	}
next:
	for _, c := range []byte(marks) {
		if c == 'h' && !w.Heard {
			w.Heard = true
			continue
		}
		for _, f := range flags {
			if f.letter == c && w.Flags&f.flag == 0 {
				w.Flags |= f.flag
				continue next
			}
		}
		return l.wrong("%q: flags are of f, b, e, g, o, s, h, each once", marks)
	}
	if w.Heard && w.Flags&mdb.Synthetic != 0 {
		return l.wrong("a word is heard or made up, not both")
	}
	return nil
}
