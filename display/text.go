package display

import (
	"strconv"
	"strings"
	"unicode"

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

// wrap breaks a legible line into at most limit lines of the given width in
// pixels. Words longer than a line are broken anywhere. cut says that text was
// left out; the last line then ends in an ellipsis.
func wrap(f face, s string, width, limit int) (lines []string, cut bool) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }) // nbsp holds together
	line := ""
	for i := 0; i < len(words); i++ {
		word := words[i]
		joined := word
		if line != "" {
			joined = line + " " + word
		}
		if f.width(joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
			line = ""
			i--
		} else {
			head, tail := breakWord(f, word, width)
			if head == "" {
				return lines, true
			}
			lines = append(lines, head)
			words[i] = tail
			i--
		}
		if len(lines) >= limit {
			rest := strings.Join(words[i+1:], " ")
			last := &lines[limit-1]
			*last = shorten(f, *last+" "+rest, width)
			return lines[:limit], true
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines, false
}

// breakWord splits a word so that the head fits; an empty head means that not
// even one letter does.
func breakWord(f face, word string, width int) (head, tail string) {
	runes := []rune(word)
	n := len(runes)
	for n > 0 && f.width(string(runes[:n])) > width {
		n--
	}
	// Prefer a break after a hyphen or slash in the second half of the piece.
	for k := n; k > n/2; k-- {
		if k < len(runes) && (runes[k-1] == '-' || runes[k-1] == '/') {
			n = k
			break
		}
	}
	return string(runes[:n]), string(runes[n:])
}

// shorten cuts a line to the width and ends it in an ellipsis.
func shorten(f face, s string, width int) string {
	runes := []rune(s)
	for n := len(runes); n > 0; n-- {
		line := strings.TrimRight(string(runes[:n]), " ,.;:·–—-") + ellipsis
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
