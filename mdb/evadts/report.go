// Package evadts reads the audit data of vending machines, coin changers and
// card readers (EVA-DTS): reports, their totals and what was sold between two
// of them. It is the second source beside the bus: it finds sales a listener
// lost and makes no receipts (evadts 9). Sections in comments ("evadts 6.3")
// are those of the reference, "Spec 5.1.6" those of EVA-DTS 6.2.
//
// Folders dex and ddcmp read a report over a line.
package evadts

import (
	"errors"
	"fmt"
	"strings"
)

// MaxFile is the longest file Parse takes, in bytes; the longest report seen is 19 KB.
const MaxFile = 4 << 20

// Errors of Parse.
var (
	ErrNoReport = errors.New("no EVA-DTS report")
	ErrTooLong  = errors.New("longer than an audit file can be")
)

// SyntaxError says where reading a file ended.
type SyntaxError struct {
	Offset int // from the first byte of the file
	Err    error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("audit file, byte %d: %v", e.Offset, e.Err) }
func (e *SyntaxError) Unwrap() error { return e.Err }

// LineEnd is what ended a line.
type LineEnd uint8

// Ends of a line. The last line of a file often has none.
const (
	NoEnd LineEnd = iota
	LF
	CRLF
	CR
)

func (e LineEnd) String() string { return [...]string{"", "\n", "\r\n", "\r"}[e&3] }

// Segment is one line: block identifier and elements (evadts 2.1). A line that
// is none is a Segment too, so nothing of a file is lost.
type Segment struct {
	ID       string   // "PA1"; "" of an empty line
	Elements []string // as sent: ^hh^ not decoded, see Text
	Offset   int      // of the first byte in the file
	End      LineEnd
}

// Element gives element n, counted from 1 as in "PA102"; "" when it was left out.
func (s Segment) Element(n int) string {
	if n < 1 || n > len(s.Elements) {
		return ""
	}
	return s.Elements[n-1]
}

// Report is one report of a file: the lines from DXS to DXE and what a reader
// or gateway put around them (evadts 2.3).
type Report struct {
	Offset   int
	Before   []Segment // lines in front of DXS, outside G85
	Wrapper  string    // what stands in the line of DXS in front of it
	Segments []Segment // DXS … DXE
	After    []Segment // lines behind DXE
}

// Parse splits a file into its reports. Append of them gives the same bytes
// back. A file that holds none, or is longer than MaxFile, is a *SyntaxError.
func Parse(file []byte) ([]Report, error) {
	if len(file) > MaxFile {
		return nil, &SyntaxError{Offset: MaxFile, Err: ErrTooLong}
	}
	p := parser{text: string(file)}
	p.count()
	p.run()
	if !p.found {
		return nil, &SyntaxError{Offset: 0, Err: ErrNoReport}
	}
	return p.reports, nil
}

type parser struct {
	text     string
	elements []string  // one slab for all segments
	segments []Segment // likewise
	reports  []Report
	state    int
	start    int // of the run of segments that is being collected
	found    bool
}

const (
	beforeDXS = iota
	inside
	afterDXE
)

// count sizes the slabs, so that a file costs a handful of allocations.
func (p *parser) count() {
	stars := strings.Count(p.text, "*")
	lines := strings.Count(p.text, "\n") + strings.Count(p.text, "\r") + 1
	p.elements = make([]string, 0, stars)
	p.segments = make([]Segment, 0, lines)
}

func (p *parser) run() {
	p.reports = append(p.reports, Report{})
	for at := 0; at < len(p.text); {
		end, le := lineEnd(p.text, at)
		p.line(at, end, le)
		at = end + len(le.String())
	}
	p.close()
}

func (p *parser) line(at, end int, le LineEnd) {
	text := p.text[at:end]
	if i := headerAt(text); i >= 0 {
		if p.state != beforeDXS {
			p.close()
			p.reports = append(p.reports, Report{Offset: at})
		} else {
			p.reports[0].Before = p.take()
		}
		r := &p.reports[len(p.reports)-1]
		r.Offset, r.Wrapper = at, text[:i]
		p.state, p.found = inside, true
		at, text = at+i, text[i:]
	}
	id, rest, more := strings.Cut(text, "*")
	from := len(p.elements)
	for more {
		var e string
		e, rest, more = strings.Cut(rest, "*")
		p.elements = append(p.elements, e)
	}
	s := Segment{ID: id, Offset: at, End: le}
	if len(p.elements) > from {
		s.Elements = p.elements[from:len(p.elements):len(p.elements)]
	}
	p.segments = append(p.segments, s)
	switch {
	case p.state == inside && id == "DXE":
		p.reports[len(p.reports)-1].Segments = p.take()
		p.state = afterDXE
	case p.state == beforeDXS && auditSegment(id):
		p.found = true // a report whose DXS never came
	}
}

// take gives the segments collected since the last take.
func (p *parser) take() []Segment {
	s := p.segments[p.start:len(p.segments):len(p.segments)]
	p.start = len(p.segments)
	if len(s) == 0 {
		return nil
	}
	return s
}

// close puts what is collected where the state says it belongs.
func (p *parser) close() {
	r := &p.reports[len(p.reports)-1]
	switch p.state {
	case beforeDXS, inside:
		r.Segments = p.take()
	case afterDXE:
		r.After = p.take()
	}
}

func lineEnd(s string, at int) (int, LineEnd) {
	i := strings.IndexAny(s[at:], "\r\n")
	if i < 0 {
		return len(s), NoEnd
	}
	at += i
	switch {
	case s[at] == '\n':
		return at, LF
	case at+1 < len(s) && s[at+1] == '\n':
		return at, CRLF
	}
	return at, CR
}

// headerAt finds DXS in a line: at its start, or behind the wrapper "<…>" of a
// hand-held reader.
func headerAt(line string) int {
	if strings.HasPrefix(line, "DXS*") {
		return 0
	}
	if strings.HasPrefix(line, "<") {
		if i := strings.Index(line, ">DXS*"); i > 0 {
			return i + 1
		}
	}
	return -1
}

// auditSegment reports whether an id makes a file without DXS a report.
func auditSegment(id string) bool {
	switch id {
	case "ST", "ID1", "ID4", "VA1", "CA2", "PA1", "EA3", "G85", "SE", "DXE":
		return true
	}
	return false
}

// Append appends a report's bytes, exactly those that were parsed. Segments
// made by hand want End set; Seal makes G85 and SE.
func Append(dst []byte, r Report) []byte {
	dst = appendSegments(dst, r.Before)
	dst = append(dst, r.Wrapper...)
	dst = appendSegments(dst, r.Segments)
	return appendSegments(dst, r.After)
}

func appendSegments(dst []byte, ss []Segment) []byte {
	for _, s := range ss {
		dst = append(dst, s.ID...)
		for _, e := range s.Elements {
			dst = append(dst, '*')
			dst = append(dst, e...)
		}
		dst = append(dst, s.End.String()...)
	}
	return dst
}

// Find gives the first segment of that id.
func (r Report) Find(id string) (Segment, bool) {
	for _, s := range r.Segments {
		if s.ID == id {
			return s, true
		}
	}
	return Segment{}, false
}

// Element gives an element by the name the specification prints: "PA102" is
// element 2 of the first PA1. "" when there is none.
func (r Report) Element(id string, n int) string {
	s, _ := r.Find(id)
	return s.Element(n)
}
