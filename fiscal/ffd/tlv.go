// Package ffd is the codec of fiscal documents in the FFD formats 1.05, 1.1 and
// 1.2 (order ED-7-20/662@ with its changes).
//
// Three tables hold the formats as data: Tags (requisites: type, length, names,
// key in exports), Documents (types of documents) and the Rules of each document
// and structure (obligation by version, with its condition). Everything is
// decoded by them: ParseContainer finds a document in what stands around it,
// ParseDocument reads it, Validate compares it with the tables, AppendText shows
// it to people, Export gives it as the tax service's app does.
//
// Documents are made by Compose… and read back by Decompose… functions; Check
// says beforehand whether a fiscal.Document fits a version. Drivers of registers
// that make the document themselves take its parts from TaxElements,
// CorrectionElements, RepairElement, MarkElements, MarkingCode and SubjectIn.
package ffd

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tag is the number of a requisite or the code of a document.
type Tag uint16

// Element is one TLV. Nested holds the parsed content of a structure (STLV)
// and is nil for everything else; Value is the value's bytes and is ignored by
// the encoder when Nested is not nil.
type Element struct {
	Tag    Tag
	Value  []byte
	Nested []Element
}

// ErrTLV is wrapped by every error of the parsers.
var ErrTLV = errors.New("bad TLV")

// ParseError says where parsing stopped.
type ParseError struct {
	Offset  int // from the start of the parsed slice
	Tag     Tag
	Text    string
	Unknown bool // no such document, rather than a damaged one
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("bad TLV at byte %d, tag %d: %s", e.Offset, e.Tag, e.Text)
}

// Unwrap gives ErrTLV.
func (e *ParseError) Unwrap() error { return ErrTLV }

const (
	headLen  = 4
	maxDepth = 8 // the deepest structure of FFD has 4 levels
)

// AppendElement writes tag, length and value. It panics when a value is longer
// than 65535 bytes, which no constructor of this package makes.
func AppendElement(dst []byte, e Element) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(e.Tag))
	at := len(dst)
	dst = append(dst, 0, 0)
	if e.Nested != nil {
		dst = AppendChain(dst, e.Nested)
	} else {
		dst = append(dst, e.Value...)
	}
	n := len(dst) - at - 2
	if n > 0xffff {
		panic(fmt.Sprintf("ffd: value of tag %d has %d bytes", e.Tag, n))
	}
	binary.LittleEndian.PutUint16(dst[at:], uint16(n))
	return dst
}

// AppendChain writes elements one after another.
func AppendChain(dst []byte, es []Element) []byte {
	for _, e := range es {
		dst = AppendElement(dst, e)
	}
	return dst
}

// ParseElement reads one element and, when the tag table says it is a
// structure, its content. Values alias b. n is the number of bytes read.
func ParseElement(b []byte) (e Element, n int, err error) { return parseElement(b, 0, 0) }

// ParseChain reads elements until b ends. Values alias b.
func ParseChain(b []byte) ([]Element, error) { return parseChain(b, 0, 0) }

func parseElement(b []byte, offset, depth int) (Element, int, error) {
	if len(b) < headLen {
		return Element{}, 0, &ParseError{Offset: offset, Text: fmt.Sprintf("%d bytes left, a head has 4", len(b))}
	}
	e := Element{Tag: Tag(binary.LittleEndian.Uint16(b))}
	n := headLen + int(binary.LittleEndian.Uint16(b[2:]))
	if n > len(b) {
		return Element{}, 0, &ParseError{Offset: offset, Tag: e.Tag, Text: fmt.Sprintf("length %d, %d bytes left", n-headLen, len(b)-headLen)}
	}
	e.Value = b[headLen:n:n]
	if depth < maxDepth && isStructure(e.Tag) {
		// 1115 and 1119 were texts before 2025: what does not parse stays bytes.
		if nested, err := parseChain(e.Value, offset+headLen, depth+1); err == nil {
			e.Nested = nested
		} else if !reused(e.Tag) {
			return Element{}, 0, err
		}
	}
	return e, n, nil
}

func parseChain(b []byte, offset, depth int) ([]Element, error) {
	es := make([]Element, 0, min(len(b)/8, 64))
	for at := 0; at < len(b); {
		e, n, err := parseElement(b[at:], offset+at, depth)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
		at += n
	}
	return es, nil
}

// Document is a fiscal document: a code and the chain of its requisites.
type Document struct {
	Code Tag
	Body []Element
}

// AppendDocument writes the document with its head.
func AppendDocument(dst []byte, d Document) []byte {
	body := d.Body
	if body == nil {
		body = []Element{}
	}
	return AppendElement(dst, Element{Tag: d.Code, Nested: body})
}

// ParseDocument reads a document with its head; n is the number of bytes read,
// what follows (the ФН's message sign) is left.
func ParseDocument(b []byte) (d Document, n int, err error) {
	if len(b) < headLen {
		return d, 0, &ParseError{Offset: 0, Text: fmt.Sprintf("%d bytes, a document's head has 4", len(b))}
	}
	d.Code = Tag(binary.LittleEndian.Uint16(b))
	n = headLen + int(binary.LittleEndian.Uint16(b[2:]))
	if n > len(b) {
		return d, 0, &ParseError{Offset: 0, Tag: d.Code, Text: fmt.Sprintf("length %d, %d bytes left", n-headLen, len(b)-headLen)}
	}
	d.Body, err = parseChain(b[headLen:n], headLen, 0)
	return d, n, err
}

// Find returns the first element with the tag; nil when there is none.
func Find(es []Element, tag Tag) *Element {
	for i := range es {
		if es[i].Tag == tag {
			return &es[i]
		}
	}
	return nil
}
