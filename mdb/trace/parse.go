package trace

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxLine bounds a line, bytes.
const MaxLine = 64 << 10

// Parser reads a trace line by line. Its zero value is ready.
type Parser struct {
	header Header
	items  int
	head   bool // "trace" was there
	body   bool // the header is over
	said   [Said]bool
}

// Header as far as it was read.
func (p *Parser) Header() Header {
	h := p.header
	if !p.said[Bus] {
		h.Bus = "mdb"
	}
	if !p.said[Hears] {
		h.Fidelity = Full
	}
	return h
}

// Line reads the next line, without its line end. Errors are of type *Error.
func (p *Parser) Line(text string) (Item, error) {
	p.items++
	it, err := p.line(text)
	var e *Error
	if errors.As(err, &e) {
		e.Line = p.items
	}
	return it, err
}

func (p *Parser) line(text string) (it Item, err error) {
	if len(text) > MaxLine {
		return it, &Error{Column: MaxLine, Err: fmt.Errorf("the line is longer than %d bytes", MaxLine)}
	}
	text = strings.TrimSuffix(text, "\r")
	if i := badText(text); i >= 0 {
		return it, &Error{Column: utf8.RuneCountInString(text[:i]) + 1, Err: errors.New("not readable text")}
	}
	l, comment := cut(text)
	it.Comment = strings.TrimRight(comment, " \t\r")
	t, ok := l.next()
	if !ok {
		return it, nil
	}
	if strings.HasPrefix(t, "@") {
		it.Timed = true
		if it.T, err = l.when(t); err != nil {
			return it, err
		}
		if t, ok = l.next(); !ok {
			return it, l.wrong("what happened then?")
		}
	}
	if !p.head && t != "trace" {
		return it, l.wrong("a trace begins with \"trace %d\"", Version)
	}
	for _, s := range speakers {
		if s.name == t {
			p.body = true
			it.Kind, it.Line = Said, s.line
			return it, l.said(&it)
		}
	}
	if it.Timed {
		return it, l.wrong("a time stands before VMC, DEV, MASTER or SLAVE")
	}
	if err = p.other(&l, &it, t); err == nil {
		err = l.end()
	}
	return it, err
}

func (p *Parser) other(l *line, it *Item, t string) (err error) {
	switch t {
	case "wait":
		it.Kind = Silent
		it.Span, err = l.span()
	case "lost":
		it.Kind, it.Text = Lost, strings.Join(l.words[1:], " ")
		l.pos = len(l.words)
	case "expect":
		it.Kind = Expected
		it.Expect, err = l.expectation()
	default:
		return p.heading(l, it, t)
	}
	p.body = true
	return err
}

func (p *Parser) heading(l *line, it *Item, t string) (err error) {
	kind, ok := map[string]Kind{"trace": Head, "bus": Bus, "fidelity": Hears, "clock": Clock, "state": State, "assume": Assume}[t]
	switch {
	case !ok:
		return l.wrong("%q is no statement (VMC, DEV, MASTER, SLAVE, wait, lost, expect, bus, fidelity, clock, state, assume)", t)
	case p.body:
		return l.wrong("%q stands before the first words", t)
	case p.said[kind] && kind != Assume:
		return l.wrong("%q is said twice", t)
	}
	it.Kind, p.said[kind] = kind, true
	switch kind {
	case Head:
		n, err := l.number(10, 16)
		if err != nil {
			return err
		}
		if n != Version {
			return l.wrong("version %d of the form is not known, %d is", n, Version)
		}
		p.head = true
	case Bus:
		it.Text, _ = l.next()
		if it.Text != "mdb" && it.Text != "exe" {
			return l.wrong("bus %q: mdb or exe", it.Text)
		}
		p.header.Bus = it.Text
	case Hears:
		err = l.fidelity(&it.Hears)
		p.header.Fidelity = it.Hears
	case Clock:
		err = l.clock(it)
		p.header.Clock, p.header.ClockT = it.Text, it.T
	case State:
		t, _ := l.next()
		b, err := base64.StdEncoding.Strict().DecodeString(t)
		if err != nil || len(b) == 0 {
			return l.wrong("state is not base64")
		}
		it.State, p.header.State = b, b
	case Assume:
		var a Assumption
		if a, err = l.assumption(); err == nil {
			it.Assume = &a
			p.header.Assume = append(p.header.Assume, a)
		}
	}
	return err
}

func (l *line) fidelity(f *Fidelity) error {
	all := map[string]*bool{"mode-bits": &f.ModeBits, "checksums": &f.Checksums, "times": &f.Times, "both-lines": &f.BothLines}
	if l.peek() == "nothing" {
		l.next()
		return nil
	}
	for n := 0; ; n++ {
		t, ok := l.next()
		if !ok && n > 0 {
			return nil
		}
		b := all[t]
		if b == nil || *b {
			return l.wrong("fidelity is of mode-bits, checksums, times, both-lines, each once, or nothing")
		}
		*b = true
	}
}

func (l *line) clock(it *Item) (err error) {
	t, _ := l.next()
	at, err := time.Parse(time.RFC3339Nano, t)
	if err != nil || at.Format(time.RFC3339Nano) != t {
		return l.wrong("%q is no RFC 3339 time", t)
	}
	it.Text = t
	w, _ := l.next()
	if !strings.HasPrefix(w, "@") {
		return l.wrong("clock needs the trace's time: @12.5")
	}
	it.T, err = l.when(w)
	return err
}

func (l *line) assumption() (a Assumption, err error) {
	a.What, _ = l.next()
	switch a.What {
	case "idle":
		return a, nil
	case "money", "reader1", "reader2", "changer", "validator", "gateway", "hopper1", "hopper2":
		return a, l.setup(&a.Setup)
	case "exe":
		a.Text, _ = l.next()
		if !oneOf(a.Text, "price_holding", "price_display") {
			err = l.wrong("exe is price_holding or price_display")
		}
		return a, err
	case "payment":
		a.Text, _ = l.next()
		if !oneOf(a.Text, "cash", "cashless", "by_hint") {
			err = l.wrong("payment is cash, cashless or by_hint")
		}
		return a, err
	case "line":
		n, err := l.number(10, 8)
		if err != nil {
			return a, err
		}
		s, err := l.sum()
		if err == nil && s.Unknown {
			err = l.wrong("a line has a price")
		}
		a.Line, a.Kopecks = uint8(n), s.Minor
		return a, err
	}
	return a, l.wrong("assume is of idle, money, reader1, reader2, changer, validator, gateway, hopper1, hopper2, exe, line, payment")
}

func (l *line) setup(s *Setup) error {
	seen := map[string]bool{}
	for {
		t, ok := l.next()
		if !ok {
			if len(seen) == 0 {
				return l.wrong("scale, decimals, currency…")
			}
			return nil
		}
		if seen[t] {
			return l.wrong("%q is said twice", t)
		}
		seen[t] = true
		var n uint64
		var err error
		switch t {
		case "level":
			n, err = l.number(10, 8)
			s.Level = uint8(n)
		case "scale":
			n, err = l.number(10, 32)
			s.Scale = uint32(n)
		case "decimals":
			n, err = l.number(10, 8)
			s.Decimals = uint8(n)
		case "currency":
			n, err = l.number(16, 16)
			s.Currency = uint16(n)
		case "options":
			n, err = l.number(16, 8)
			s.Options = uint8(n)
		case "wide":
			s.Wide = true
		case "credits":
			for digits(l.peek()) && err == nil {
				n, err = l.number(10, 8)
				if s.Credits = append(s.Credits, uint8(n)); len(s.Credits) > 16 {
					err = l.wrong("at most 16 credits")
				}
			}
		default:
			err = l.wrong("%q is no part of a set-up (level, scale, decimals, currency, options, wide, credits)", t)
		}
		if err != nil {
			return err
		}
	}
}

// badText finds what is no text: broken UTF-8 and control characters.
func badText(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n <= 1 {
				return i
			}
		}
		if r < ' ' && r != '\t' || r == 0x7F {
			return i
		}
	}
	return -1
}

// Parse reads a whole trace.
func Parse(r io.Reader) (File, error) {
	var f File
	var p Parser
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), MaxLine+2)
	for sc.Scan() {
		it, err := p.Line(sc.Text())
		if err != nil {
			return File{}, fmt.Errorf("read trace: %w", err)
		}
		f.Items = append(f.Items, it)
	}
	if err := sc.Err(); err != nil {
		return File{}, fmt.Errorf("read trace after line %d: %w", p.items, err)
	}
	if !p.head {
		return File{}, fmt.Errorf("read trace: %w", &Error{Line: p.items + 1, Column: 1, Err: fmt.Errorf("a trace begins with \"trace %d\"", Version)})
	}
	f.Header = p.Header()
	return f, nil
}
