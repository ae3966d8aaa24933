package ffd

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// TextWidth is the width of a rendered document in characters; longer words
// than that are cut into lines, nothing is dropped.
const TextWidth = 48

// page collects lines of a document and remembers which requisites are shown.
type page struct {
	out   []byte
	lang  string
	body  []Element
	taken []bool
}

func (p *page) say(ru, en string) string { return name{ru, en}.in(p.lang) }

// take finds the next requisite that is not shown yet and counts it as shown.
func (p *page) take(t Tag) *Element {
	for i := range p.body {
		if p.body[i].Tag == t && !p.taken[i] {
			p.taken[i] = true
			return &p.body[i]
		}
	}
	return nil
}

func (p *page) line(s string) { p.out = append(append(p.out, s...), '\n') }

func (p *page) rule() {
	ruler := bytes.Repeat([]byte{'-'}, TextWidth)
	if !bytes.HasSuffix(p.out, append(ruler, '\n')) {
		p.out = append(append(p.out, ruler...), '\n')
	}
}

func (p *page) centre(s string) {
	for _, l := range wrap(s, TextWidth) {
		p.line(strings.Repeat(" ", (TextWidth-utf8.RuneCountInString(l))/2) + l)
	}
}

// row writes a label on the left and a value on the right; what does not fit
// beside the label's last line goes on lines of its own.
func (p *page) row(indent int, label, value string) {
	margin := strings.Repeat(" ", indent)
	width := TextWidth - indent
	lines := wrap(label, width)
	end := lines[len(lines)-1]
	for _, l := range lines[:len(lines)-1] {
		p.line(margin + l)
	}
	free := width - utf8.RuneCountInString(end) - utf8.RuneCountInString(value)
	switch {
	case value == "":
		p.line(margin + end)
		return
	case free >= 1:
		p.line(margin + end + strings.Repeat(" ", free) + value)
		return
	}
	p.line(margin + end)
	for _, l := range wrap(value, width-2) {
		p.line(strings.Repeat(" ", TextWidth-utf8.RuneCountInString(l)) + l)
	}
}

// labelled shows a requisite under a label unless it is absent or empty.
func (p *page) labelled(t Tag, label string) {
	if e := p.take(t); e != nil {
		if v := Describe(*e, p.lang); v != "" {
			p.row(0, label, v)
		}
	}
}

// generic shows an element under its full name, structures with their content.
// Counters show what they counted.
func (p *page) generic(indent int, e Element) {
	label := TagName(e.Tag, p.lang)
	if e.outdated() {
		label = p.say(fmt.Sprintf("Реквизит %d до 2025 года", e.Tag), fmt.Sprintf("requisite %d before 2025", e.Tag))
	}
	if e.Nested == nil {
		if _, known := Lookup(e.Tag); !known {
			label += p.say(" (неизвестен)", " (unknown)")
		}
		p.row(indent, label+":", Describe(e, p.lang))
		return
	}
	counter := isCounter(e.Tag)
	if counter && idle(e) {
		p.row(indent, label+":", p.say("нет", "none"))
		return
	}
	p.row(indent, label+":", "")
	for _, in := range e.Nested {
		if !counter || !idle(in) || isCounter(in.Tag) {
			p.generic(min(indent+2, 16), in)
		}
	}
}

// isCounter says whether the structure counts receipts of one kind.
func isCounter(t Tag) bool {
	switch t {
	case 1129, 1130, 1131, 1132, 1133, 1145, 1146, 1232, 1233:
		return true
	}
	return false
}

// idle says whether an element is a known number and zero, or holds such alone.
func idle(e Element) bool {
	if e.Nested != nil {
		return !slices.ContainsFunc(e.Nested, func(in Element) bool { return !idle(in) })
	}
	info, ok := Lookup(e.Tag)
	if !ok || info.Type != VLN && info.Type != U32 {
		return false
	}
	v, err := e.Uint()
	return err == nil && v == 0
}

// wrap cuts a text into lines of at most width characters, at spaces where it
// can.
func wrap(s string, width int) []string {
	var lines []string
	rest := []rune(s)
	for len(rest) > width {
		cut, skip := width, 0
		for i := width; i > width/3; i-- {
			if rest[i] == ' ' {
				cut, skip = i, 1
				break
			}
		}
		lines = append(lines, string(rest[:cut]))
		rest = rest[cut+skip:]
	}
	return append(lines, string(rest))
}
