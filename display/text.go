package display

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	nbsp     = '\u00a0'
	ellipsis = "…"

	maxTextBytes = 1200 // more of a name than any screen can hold
)

// standIns replace letters of Russia's other languages that the fonts lack by
// the nearest Russian ones, so that a name stays readable.
var standIns = map[rune]rune{
	'Қ': 'К', 'қ': 'к', 'Ғ': 'Г', 'ғ': 'г', 'Ң': 'Н', 'ң': 'н', 'Ү': 'У', 'ү': 'у', 'Ұ': 'У', 'ұ': 'у',
	'Һ': 'Х', 'һ': 'х', 'Ә': 'Э', 'ә': 'э', 'Ө': 'О', 'ө': 'о', 'Җ': 'Ж', 'җ': 'ж', 'Ҫ': 'С', 'ҫ': 'с',
	'Ҡ': 'К', 'ҡ': 'к', 'Ҙ': 'З', 'ҙ': 'з', 'ʼ': '\'', '‑': '-', '−': '-',
}

// legible turns any text into one line the fonts can show: composed letters,
// single spaces, no control, direction or combining characters, no emoji.
func (t *typefaces) legible(s string) string {
	if len(s) > maxTextBytes {
		s = s[:maxTextBytes]
	}
	s = norm.NFC.String(strings.ToValidUTF8(s, ""))
	var b strings.Builder
	space := false
	for _, r := range s {
		switch r {
		case '\u202f', '\u2007', '\u2060':
			r = nbsp
		}
		if in, ok := standIns[r]; ok {
			r = in
		}
		switch {
		case r == nbsp:
		case unicode.IsSpace(r):
			space = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r):
			continue
		case !t.has(r):
			r = t.bare(r)
			if r == 0 {
				continue
			}
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), " \u00a0")
}

// bare gives a letter without its accents when only that can be shown, an empty
// box for another letter, and 0 for signs and pictures that may be left out.
func (t *typefaces) bare(r rune) rune {
	for _, d := range norm.NFKD.String(string(r)) {
		if t.has(d) && !unicode.IsSpace(d) {
			return d
		}
	}
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return '□'
	}
	return 0
}

// wrapped is a text broken into lines.
type wrapped struct {
	lines  []string
	cut    bool // text was left out; the last line ends in an ellipsis
	broken bool // a word was broken between letters
}

// wrap breaks a legible line into at most limit lines of the given width in
// pixels. Words longer than a line are broken anywhere.
func wrap(f face, s string, width, limit int) wrapped {
	var out wrapped
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }) // nbsp holds together
	line := ""
	for i := 0; i < len(words); {
		joined := words[i]
		if line != "" {
			joined = line + " " + words[i]
		}
		if f.width(trimLine(joined)) <= width {
			line = joined
			i++
			continue
		}
		if line == "" {
			head, tail := breakWord(f, words[i], width)
			if head == "" {
				out.cut = true
				return out
			}
			out.broken = true
			line, words[i] = head, tail
		}
		if len(out.lines) == limit-1 {
			out.lines = append(out.lines, shorten(f, line+" "+strings.Join(words[i:], " "), width))
			out.cut = true
			return out
		}
		out.lines = append(out.lines, trimLine(line))
		line = ""
	}
	if line != "" {
		out.lines = append(out.lines, trimLine(line))
	}
	return out
}

// balance wraps into the same number of lines of about equal length, so that no
// word is left alone on the last one.
func balance(f face, s string, width, limit int) wrapped {
	best := wrap(f, s, width, limit)
	if len(best.lines) < 2 || best.cut || best.broken {
		return best
	}
	low, high := width/2, width
	for high-low > 1 {
		mid := (low + high) / 2
		w := wrap(f, s, mid, limit)
		if len(w.lines) == len(best.lines) && !w.cut && !w.broken {
			best, high = w, mid
		} else {
			low = mid
		}
	}
	return best
}

// trimLine drops a separator that a line break made needless.
func trimLine(s string) string { return strings.TrimRight(s, " ·\u00a0") }

// joinParts writes parts of a fact line with dots between; lines break between
// parts rather than within one.
func joinParts(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\u00a0· ")
		}
		if utf8.RuneCountInString(p) <= 24 {
			p = strings.ReplaceAll(p, " ", "\u00a0")
		}
		b.WriteString(p)
	}
	return b.String()
}

// breakWord splits a word so that the head fits; an empty head means that not
// even one letter does.
func breakWord(f face, word string, width int) (head, tail string) {
	runes := []rune(word)
	n := prefix(f, runes, width)
	// Prefer a break after a hyphen or slash in the second half of the piece.
	for k := n; k > n/2; k-- {
		if k < len(runes) && (runes[k-1] == '-' || runes[k-1] == '/') {
			n = k
			break
		}
	}
	return string(runes[:n]), string(runes[n:])
}

// prefix is the number of runes that fit a width.
func prefix(f face, runes []rune, width int) int {
	low, high := 0, len(runes)+1
	for high-low > 1 {
		if mid := (low + high) / 2; f.width(string(runes[:mid])) <= width {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// shorten cuts a line to the width and ends it in an ellipsis; where not even
// that fits it returns nothing.
func shorten(f face, s string, width int) string {
	runes := []rune(s)
	for n := prefix(f, runes, width); n > 0; n-- {
		line := strings.TrimRight(string(runes[:n]), " \u00a0,.;:·–—-«(") + ellipsis
		if f.width(line) <= width {
			return line
		}
	}
	return ""
}

// money writes kopecks for a buyer: «1 234,50 ₽» or "1,234.50 ₽". Spaces
// inside do not break.
func money(kopecks int64, lang string) string {
	group, point := string(nbsp), ","
	if lang == English {
		group, point = ",", "."
	}
	sign, u := "", uint64(kopecks)
	if kopecks < 0 {
		sign, u = "−", -u
	}
	digits := strconv.FormatUint(u/100, 10)
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(d)
	}
	b.WriteString(point)
	b.WriteByte(byte('0' + u%100/10))
	b.WriteByte(byte('0' + u%10))
	b.WriteRune(nbsp)
	b.WriteRune(rouble)
	return b.String()
}
